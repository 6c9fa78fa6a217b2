namespace FunctionalNet.Tests.Kernels

open System
open FunctionalNet
open FunctionalNet.Kernels
open FunctionalNet.Tests.Kernels.KernelSupport
open Xunit

/// The elementary functions of float32 against float64, at every width.
type VectorMathTests() =

    let nightly = Environment.GetEnvironmentVariable "FUNCTIONALNET_NIGHTLY" = "1"

    let inf = Double.PositiveInfinity

    /// A function, where its results are to be accurate, and what it gives for special arguments.
    let table: (TileOp * (float -> float) * float * float * (float * float) list) list =
        [ TileOp.Exp, Math.Exp, -87.3, 88.7, [ inf, inf; -inf, 0.0; 0.0, 1.0; 89.0, inf; -104.0, 0.0 ]
          TileOp.Expm1, ScalarMath.expm1, -100.0, 88.7, [ inf, inf; -inf, -1.0; 1e-40, 1e-40; 89.0, inf ]
          TileOp.Log, Math.Log, 0.0, 3.4e38, [ inf, inf; 0.0, -inf; -0.0, -inf; -1.0, nan; -inf, nan; 1.0, 0.0 ]
          TileOp.Log1p, ScalarMath.log1p, -1.0, 3.4e38, [ inf, inf; -1.0, -inf; -2.0, nan; 0.0, 0.0; 1e-40, 1e-40 ]
          TileOp.Tanh, Math.Tanh, -inf, inf, [ inf, 1.0; -inf, -1.0; 1e-40, 1e-40; 50.0, 1.0 ]
          TileOp.Sigmoid, ScalarMath.sigmoid, -87.0, inf, [ inf, 1.0; -inf, 0.0; 0.0, 0.5 ]
          TileOp.Softplus, ScalarMath.softplus, -87.0, inf, [ inf, inf; -inf, 0.0 ]
          TileOp.Erf, ScalarMath.erf, -inf, inf, [ inf, 1.0; -inf, -1.0; 0.0, 0.0; 10.0, 1.0; -10.0, -1.0 ]
          TileOp.Erfinv, ScalarMath.erfinv, -0.9999, 0.9999, [ 1.0, inf; -1.0, -inf; 0.0, 0.0; 1.5, nan ]
          TileOp.Rsqrt, (fun x -> 1.0 / Math.Sqrt x), 0.0, inf, [ 0.0, inf; inf, 0.0; -1.0, nan ]
          TileOp.Asin, Math.Asin, -1.0, 1.0, [ 0.0, 0.0; 1.1, nan; inf, nan ]
          TileOp.Acos, Math.Acos, -1.0, 0.9999999, [ 1.0, 0.0; -1.1, nan; inf, nan ]
          TileOp.Atan, Math.Atan, -inf, inf, [ inf, Math.PI / 2.0; -inf, -Math.PI / 2.0; 0.0, 0.0 ]
          TileOp.Sinh, Math.Sinh, -89.3, 89.3, [ inf, inf; -inf, -inf; 0.0, 0.0; 90.0, inf ]
          TileOp.Cosh, Math.Cosh, -89.3, 89.3, [ inf, inf; -inf, inf; 0.0, 1.0; 90.0, inf ]
          TileOp.Asinh, Math.Asinh, -3.4e38, 3.4e38, [ inf, inf; -inf, -inf; 0.0, 0.0 ]
          TileOp.Acosh, Math.Acosh, 1.0, 3.4e38, [ inf, inf; 1.0, 0.0; 0.5, nan; -5.0, nan; -inf, nan ]
          TileOp.Atanh, Math.Atanh, -0.9999999, 0.9999999, [ 1.0, inf; -1.0, -inf; 2.0, nan; inf, nan ]
          TileOp.Sin, Math.Sin, -1.5, 1.5, [ 0.0, 0.0; inf, nan ]
          TileOp.Cos, Math.Cos, -1.5, 1.5, [ 0.0, 1.0; inf, nan ]
          TileOp.Tan, Math.Tan, -1.5, 1.5, [ 0.0, 0.0; inf, nan ] ]

    /// Floats all over a range, equally far apart in their bit patterns.
    let points (low: float) (high: float) : float32[] =
        let stride = if nightly then 97u else 400009u

        [| for i in 0u .. uint32 (UInt32.MaxValue / stride) do
               let x = BitConverter.UInt32BitsToSingle(i * stride)

               if float x >= low && float x <= high && not (Single.IsNaN x) then x |]

    let apply (width: Width) (op: TileOp) (x: float32[]) : float32[] =
        let a = guarded x
        let y = empty<float32> x.Length
        (TileRunners.create TileDomain.F32 width).Apply(op, x.Length, y.Pointer, a.Pointer, a.Pointer, a.Pointer)
        y.Check()
        y.Read<float32>()

    // Two units in the last place of a number just above a power of 2.
    let bound = 2.0 / float (1 <<< 23)

    // Zero counts as positive: signs of zeros are looked at apart.
    let check (what: string) (expected: float) (actual: float32) =
        let a = float actual

        let ok =
            if Double.IsNaN expected then
                Double.IsNaN a
            elif abs expected > 3.4028235e38 then
                // Rounding decides at the very end of the range.
                a = expected
                || (abs expected < 3.5e38 && abs a > 3.4e38)
                || (Double.IsInfinity a && sign a = sign expected)
            elif abs expected < 1.1754944e-38 then
                abs (a - expected) <= 1.2e-38
            else
                abs (a - expected) <= bound * abs expected

        if not ok then
            Assert.Fail(what + ": expected " + expected.ToString "G9" + ", got " + actual.ToString "G9")

    [<Fact>]
    member _.``within two units in the last place, everywhere and at every width``() =
        for op, f, low, high, _ in table do
            let x = points low high
            let expected = x |> Array.Parallel.map (fun v -> f (float v))

            for width in widths do
                let y = apply width op x

                for i in 0 .. x.Length - 1 do
                    check (string width + " " + string op + " of " + x[i].ToString "G9") expected[i] y[i]

    [<Fact>]
    member _.``sine and cosine keep their absolute accuracy for large arguments``() =
        let x = Array.init 20000 (fun i -> float32 (i - 10000) * 9.7f)
        let far = [| 1e6f; -3e7f; 1e20f; 3.4e38f |]

        for op, f in [ TileOp.Sin, Math.Sin; TileOp.Cos, Math.Cos ] do
            for width in widths do
                let y = apply width op x
                close 1.2e-7 1.0 (string op) (x |> Array.map (float >> f)) (y |> Array.map float)
                // Among others that go through vectors, and alone: the same bits.
                let mixed = apply width op (Array.append far x)
                close
                    1.2e-7
                    1.0
                    (string op)
                    (far |> Array.map (float >> f))
                    (mixed |> Array.truncate 4 |> Array.map float)
                Assert.Equal<float32[]>(y, Array.skip 4 mixed)

    [<Fact>]
    member _.``special arguments``() =
        for op, _, _, _, specials in table do
            for width in widths do
                for x, expected in (nan, nan) :: specials do
                    let what = string width + " " + string op + " of " + string x
                    // In the middle of a vector and among the last few.
                    for n, at in [ 1, 0; 3, 2; 40, 17 ] do
                        let y = apply width op (Array.init n (fun i -> if i = at then float32 x else 0.5f))
                        check what (float (float32 expected)) y[at]

    [<Fact>]
    member _.``odd functions keep the sign of zero``() =
        for op in
            [ TileOp.Expm1
              TileOp.Log1p
              TileOp.Tanh
              TileOp.Erf
              TileOp.Asin
              TileOp.Atan
              TileOp.Sinh
              TileOp.Asinh
              TileOp.Atanh
              TileOp.Sin
              TileOp.Tan ] do
            for width in widths do
                let y = apply width op [| -0.0f; 0.0f |]
                Assert.True(y[0] = 0.0f && Single.IsNegative y[0], string op)
                Assert.True(y[1] = 0.0f && not (Single.IsNegative y[1]), string op)

    [<Fact>]
    member _.``an error function never exceeds one``() =
        let x = Array.init 100000 (fun i -> float32 (i - 50000) * 1.3e-4f)

        for width in widths do
            Assert.All(apply width TileOp.Erf x, (fun y -> Assert.InRange(y, -1.0f, 1.0f)))

    [<Fact>]
    member _.``gelu``() =
        let x =
            Array.append [| 0.0f; -0.0f; 40.0f; -40.0f |] (Array.init 20001 (fun i -> float32 (i - 10000) * 1e-3f))

        for width in widths do
            close
                4e-7
                1.0
                "gelu"
                (x |> Array.map (float >> ScalarMath.gelu))
                (apply width TileOp.Gelu x |> Array.map float)

    [<Fact>]
    member _.``the angle of a point, in all quadrants``() =
        let values =
            [| 0.0f
               -0.0f
               1.0f
               -1.0f
               0.3f
               -7.0f
               1e-30f
               1e30f
               Single.PositiveInfinity
               -infinityf
               nanf |]
        let pairs = Array.allPairs values values
        let y, x = pairs |> Array.map fst |> guarded, pairs |> Array.map snd |> guarded
        let expected = pairs |> Array.map (fun (y, x) -> Math.Atan2(float y, float x))

        for width in widths do
            let r = empty<float32> pairs.Length
            let runner = TileRunners.create TileDomain.F32 width
            runner.Apply(TileOp.Atan2, pairs.Length, r.Pointer, y.Pointer, x.Pointer, x.Pointer)
            r.Check()
            Array.iteri2 (fun i e a -> check (string pairs[i]) e a) expected (r.Read<float32>())
