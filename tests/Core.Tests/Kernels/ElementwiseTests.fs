namespace FunctionalNet.Tests.Kernels

open System
open FunctionalNet
open FunctionalNet.Common
open FunctionalNet.Kernels
open FunctionalNet.Tests.Kernels.KernelSupport
open Xunit

module private Reference =

    let roundEven (x: float) = Math.Round(x, MidpointRounding.ToEven)
    let truth (b: bool) = if b then 1.0 else 0.0

    let maximum (a: float) (b: float) = if Double.IsNaN a || Double.IsNaN b then nan else max a b
    let minimum (a: float) (b: float) = if Double.IsNaN a || Double.IsNaN b then nan else min a b

    /// erf by adding up slices of the integral (Simpson), for checking only.
    let erf (x: float) =
        if Double.IsNaN x then
            nan
        elif abs x > 6.0 then
            float (sign x)
        else
            let n = 1000
            let h = x / float n
            let f (t: float) = exp (-t * t)
            let mutable s = f 0.0 + f x

            for i in 1 .. n - 1 do
                s <- s + (if i % 2 = 1 then 4.0 else 2.0) * f (float i * h)

            2.0 / sqrt Math.PI * s * h / 3.0

    let unary: (TileOp * (float -> float)) list =
        [ TileOp.Copy, id
          TileOp.Neg, (fun x -> -x)
          TileOp.Abs, abs
          TileOp.Sign, (fun x -> if Double.IsNaN x then nan else float (sign x))
          TileOp.Reciprocal, (fun x -> 1.0 / x)
          TileOp.Square, (fun x -> x * x)
          TileOp.Sqrt, sqrt
          TileOp.Rsqrt, (fun x -> 1.0 / sqrt x)
          TileOp.Exp, exp
          TileOp.Expm1, (fun x -> if abs x < 1e-5 then x + x * x / 2.0 else exp x - 1.0)
          TileOp.Log, log
          TileOp.Log1p, (fun x -> if abs x < 1e-5 then x - x * x / 2.0 + x * x * x / 3.0 else log (1.0 + x))
          TileOp.Sin, sin
          TileOp.Cos, cos
          TileOp.Tan, tan
          TileOp.Asin, asin
          TileOp.Acos, acos
          TileOp.Atan, atan
          TileOp.Sinh, sinh
          TileOp.Cosh, cosh
          TileOp.Asinh, Math.Asinh
          TileOp.Acosh, Math.Acosh
          TileOp.Atanh, Math.Atanh
          TileOp.Tanh, tanh
          TileOp.Sigmoid, (fun x -> 1.0 / (1.0 + exp -x))
          TileOp.Softplus,
          (fun x ->
              if x > 30.0 then x
              elif x < -15.0 then exp x - exp (2.0 * x) / 2.0
              else Math.Log(1.0 + exp x))
          TileOp.Relu, (fun x -> if x < 0.0 then 0.0 else x)
          TileOp.Erf, erf
          TileOp.Floor, floor
          TileOp.Ceil, ceil
          TileOp.Round, roundEven
          TileOp.Trunc, truncate
          TileOp.RoundToSingle, (fun x -> float (float32 x))
          TileOp.Not, (fun x -> truth (x = 0.0))
          TileOp.IsNaN, (fun x -> truth (Double.IsNaN x))
          TileOp.IsFinite, (fun x -> truth (Double.IsFinite x)) ]

    let binary: (TileOp * (float -> float -> float)) list =
        [ TileOp.Add, (+)
          TileOp.Sub, (-)
          TileOp.Mul, (*)
          TileOp.Div, (/)
          TileOp.FloorDiv, (fun x y -> floor (x / y))
          TileOp.Mod,
          (fun x y ->
              let r = x % y
              if r <> 0.0 && (r < 0.0) <> (y < 0.0) then r + y else r)
          TileOp.Pow, ( ** )
          TileOp.Atan2, atan2
          TileOp.Max, maximum
          TileOp.Min, minimum
          TileOp.Eq, (fun x y -> truth (x = y))
          TileOp.Ne, (fun x y -> truth (x <> y))
          TileOp.Lt, (fun x y -> truth (x < y))
          TileOp.Le, (fun x y -> truth (x <= y))
          TileOp.Gt, (fun x y -> truth (x > y))
          TileOp.Ge, (fun x y -> truth (x >= y))
          TileOp.And, (fun x y -> truth (x <> 0.0 && y <> 0.0))
          TileOp.Or, (fun x y -> truth (x <> 0.0 || y <> 0.0))
          TileOp.Xor, (fun x y -> truth ((x <> 0.0) <> (y <> 0.0))) ]

    /// Inputs that meet every branch: small, large, halves, zeros, and the values that are no numbers.
    let samples (seed: int) (n: int) =
        let r = Random seed

        Array.init n (fun i ->
            match i % 13 with
            | 0 -> r.NextDouble() * 200.0 - 100.0
            | 1 -> float (r.Next(-4, 5)) / 2.0
            | 2 -> (r.NextDouble() - 0.5) * 1e-3
            | 3 -> 0.0
            | 4 when i % 39 = 4 -> nan
            | 5 when i % 39 = 5 -> Double.PositiveInfinity
            | 6 when i % 39 = 6 -> Double.NegativeInfinity
            | 7 -> exp (r.NextDouble() * 20.0 - 10.0)
            | _ -> r.NextDouble() * 4.0 - 2.0)

type ElementwiseTests() =

    let flat (dtype: DType) = { DType = dtype; Access = Flat }

    let dtypeOf (domain: TileDomain) =
        if domain = TileDomain.F32 then DType.Float32
        elif domain = TileDomain.F64 then DType.Float64
        else DType.Int64

    let program1 (domain: TileDomain) (op: TileOp) =
        let t = dtypeOf domain
        TileProgram(domain, [| flat t |], [| TileInstruction.Unary(op, 0) |], [| { Value = 1; DType = t } |])

    let program2 (domain: TileDomain) (op: TileOp) =
        let t = dtypeOf domain
        TileProgram(
            domain,
            [| flat t; flat t |],
            [| TileInstruction.Binary(op, 0, 1) |],
            [| { Value = 2; DType = t } |]
        )

    let lengths = [ 0..256 ]

    // Beyond the functions' relative error, an absolute one where the result passes through zero away from zero.
    let check (domain: TileDomain) (op: TileOp) (expected: float[]) (actual: float[]) =
        let passesZero = op = TileOp.Sin || op = TileOp.Cos || op = TileOp.Tan

        if domain = TileDomain.F32 then
            let tolerance = if op = TileOp.Tan then 4e-7 else 2.5e-7
            let floor = if passesZero then 0.1 else 5e-32
            close tolerance floor (string op) (expected |> Array.map (fun v -> float (float32 v))) actual
        else
            close
                (if op = TileOp.Softplus || op = TileOp.Expm1 || op = TileOp.Log1p || op = TileOp.Erf then
                     1e-9
                 else
                     1e-12)
                (if passesZero then 0.1 else 1e-300)
                (string op)
                expected
                actual

    let unaryAt (domain: TileDomain) (op: TileOp) (f: float -> float) (n: int) =
        let t = dtypeOf domain
        let x = Reference.samples (n + int op) n |> rounded t
        let a = write t x
        let expected = Array.map f x

        for width in widths do
            let y = room t n
            runOnce (ElementwiseKernel(program1 domain op, n, [| a.Pointer |], [| y.Pointer |], width))
            a.Check()
            y.Check()
            check domain op expected (read t y)

    let binaryAt (domain: TileDomain) (op: TileOp) (f: float -> float -> float) (n: int) =
        let t = dtypeOf domain
        let x = Reference.samples (n + int op) n |> rounded t
        // Another order of the samples, so that specials meet numbers.
        let y =
            Reference.samples (n + 1000) n
            |> rounded t
            |> Array.mapi (fun i v -> if i % 5 = 0 && i < x.Length then x[i] else v)
            |> Array.rev
        let a = write t x
        let b = write t y
        let expected = Array.map2 f x y

        for width in widths do
            let z = room t n
            runOnce (ElementwiseKernel(program2 domain op, n, [| a.Pointer; b.Pointer |], [| z.Pointer |], width))
            z.Check()
            check domain op expected (read t z)

    [<Fact>]
    member _.``float32 operations of one operand, every length``() =
        for op, f in Reference.unary do
            for n in lengths do
                unaryAt TileDomain.F32 op f n

    [<Fact>]
    member _.``float64 operations of one operand, every length``() =
        for op, f in Reference.unary do
            for n in lengths do
                unaryAt TileDomain.F64 op f n

    [<Fact>]
    member _.``float32 operations of two operands, every length``() =
        for op, f in Reference.binary do
            for n in lengths do
                binaryAt TileDomain.F32 op f n

    [<Fact>]
    member _.``float64 operations of two operands, every length``() =
        for op, f in Reference.binary do
            for n in lengths do
                binaryAt TileDomain.F64 op f n

    [<Fact>]
    member _.``operations of three operands, every length``() =
        let operations: (TileOp * (float -> float -> float -> float)) list =
            [ TileOp.FusedMultiplyAdd, (fun a b c -> a * b + c)
              TileOp.Toward, (fun a b c -> a + (b - a) * c)
              TileOp.TowardSquare, (fun a b c -> a + (b * b - a) * c)
              TileOp.OverRoot, (fun a b c -> a / (sqrt b + c)) ]

        for domain, tolerance in [ TileDomain.F32, 1e-6; TileDomain.F64, 1e-14 ] do
            let t = dtypeOf domain

            for op, f in operations do
                let program =
                    TileProgram(
                        domain,
                        [| flat t; flat t; flat t |],
                        [| TileInstruction.Ternary(op, 0, 1, 2) |],
                        [| { Value = 3; DType = t } |]
                    )

                for n in lengths do
                    // Positive, and steps within 0 and 1, so that no difference loses digits.
                    let r = Random n
                    let draw low = Array.init n (fun _ -> low + r.NextDouble()) |> rounded t
                    let x, y, z = draw 0.5, draw 0.5, draw 0.0
                    let a, b, c = write t x, write t y, write t z
                    let expected = Array.map3 f x y z

                    for width in widths do
                        let d = room t n
                        let inputs = [| a.Pointer; b.Pointer; c.Pointer |]
                        runOnce (ElementwiseKernel(program, n, inputs, [| d.Pointer |], width))
                        d.Check()
                        close tolerance 1e-30 (string op) expected (read t d)

    [<Fact>]
    member _.``erfinv undoes erf``() =
        for domain, tolerance in [ TileDomain.F32, 4e-7; TileDomain.F64, 1e-9 ] do
            let t = dtypeOf domain
            let x =
                Array.append
                    [| -1.0; 1.0; 0.0; 1.5; nan; 1e-6; -1e-4 |]
                    (Array.init 400 (fun i -> float (i - 200) / 200.5))
                |> rounded t
            let a = write t x
            let y = room t x.Length
            runOnce (ElementwiseKernel(program1 domain TileOp.Erfinv, x.Length, [| a.Pointer |], [| y.Pointer |]))
            let r = read t y
            Assert.Equal(Double.NegativeInfinity, r[0])
            Assert.Equal(Double.PositiveInfinity, r[1])
            Assert.Equal(0.0, r[2])
            Assert.True(Double.IsNaN r[3] && Double.IsNaN r[4])
            // Through the derivative: an error of y is an error of erf y times its slope.
            for i in 5 .. x.Length - 1 do
                let slope = 2.0 / sqrt Math.PI * exp (-r[i] * r[i])
                let error = (Reference.erf r[i] - x[i]) / slope
                Assert.True(
                    abs error <= tolerance * max 1e-3 (abs r[i]) * 2.0,
                    string x[i] + " gave " + string r[i] + " off by " + string error
                )

    [<Fact>]
    member _.``integers``() =
        let x = [| 7L; -7L; 7L; -7L; 0L; 5L; Int64.MinValue; 3L; -1L; 2L |]
        let y = [| 2L; 2L; -2L; -2L; 3L; 0L; -1L; 4L; 3L; -1L |]

        let expect (op: TileOp) (want: int64[]) =
            let a = guarded x
            let b = guarded y
            let z = empty<int64> x.Length
            runOnce (
                ElementwiseKernel(program2 TileDomain.I64 op, x.Length, [| a.Pointer; b.Pointer |], [| z.Pointer |])
            )
            z.Check()
            Assert.Equal<int64[]>(want, z.Read<int64>())

        expect TileOp.FloorDiv [| 3L; -4L; -4L; 3L; 0L; 0L; Int64.MinValue; 0L; -1L; -2L |]
        expect TileOp.Mod [| 1L; 1L; -1L; -1L; 0L; 0L; 0L; 3L; 2L; 0L |]
        expect TileOp.Pow [| 49L; 49L; 0L; 0L; 0L; 1L; 0L; 81L; -1L; 0L |]
        expect TileOp.Max (Array.map2 max x y)
        expect TileOp.Min (Array.map2 min x y)
        expect TileOp.Add (Array.map2 (+) x y)
        expect TileOp.Mul (Array.map2 (*) x y)
        expect TileOp.Lt (Array.map2 (fun a b -> if a < b then 1L else 0L) x y)

    [<Fact>]
    member _.``a fused program over mixed inputs``() =
        // y = select(mask, a * bias + scalar, column) ; z = int32 of y ; b = y > 0
        let rows, width = 37, 29
        let size = rows * width
        let a = floats 1 size |> rounded DType.Float32
        let bias = floats 2 width |> rounded DType.Float32
        let column = floats 3 rows |> rounded DType.Float32
        let mask = Array.init size (fun i -> if i % 3 = 0 then 1.0 else 0.0)

        let program =
            TileProgram(
                TileDomain.F32,
                [| flat DType.Float32
                   { DType = DType.Float32; Access = Strided([| rows; width |], [| 0; 1 |]) }
                   { DType = DType.Float32; Access = Strided([| rows; width |], [| 1; 0 |]) }
                   flat DType.Bool
                   { DType = DType.Float64; Access = Scalar } |],
                [| TileInstruction.Ternary(TileOp.FusedMultiplyAdd, 0, 1, 4)
                   TileInstruction.Ternary(TileOp.Select, 3, 5, 2)
                   TileInstruction.Const 0.0
                   TileInstruction.Binary(TileOp.Gt, 6, 7) |],
                [| { Value = 6; DType = DType.Float32 }
                   { Value = 6; DType = DType.Int32 }
                   { Value = 8; DType = DType.Bool } |]
            )

        let inputs =
            [ write DType.Float32 a
              write DType.Float32 bias
              write DType.Float32 column
              write DType.Bool mask
              write DType.Float64 [| 0.25 |] ]

        let outputs = [ room DType.Float32 size; room DType.Int32 size; room DType.Bool size ]

        let kernel =
            ElementwiseKernel(program, size, [| for g in inputs -> g.Pointer |], [| for g in outputs -> g.Pointer |])

        run kernel outputs inputs
        allocatesNothing kernel

        let y =
            Array.init size (fun i -> if mask[i] <> 0.0 then a[i] * bias[i % width] + 0.25 else column[i / width])

        close 1e-6 1.0 "y" y (read DType.Float32 outputs[0])
        let got = read DType.Float32 outputs[0]
        Assert.Equal<float[]>(got |> Array.map truncate, read DType.Int32 outputs[1])
        Assert.Equal<float[]>(got |> Array.map (fun v -> if v > 0.0 then 1.0 else 0.0), read DType.Bool outputs[2])

    [<Fact>]
    member _.``strided inputs: transposed, reversed, sliced, short rows``() =
        let dims = [| 5; 7; 3 |]
        let size = 105
        let source = floats 5 200 |> rounded DType.Float32
        let big = Array.concat [ source; source; source ]

        for strides, offset in
            [ [| 1; 15; 5 |], 0
              [| 21; 3; 1 |], 7
              [| -21; 3; -1 |], 90
              [| 0; 0; 1 |], 0
              [| 0; 1; 0 |], 3
              [| 1; 0; 0 |], 0
              [| 0; 0; 0 |], 2
              [| 40; 4; 2 |], 0 ] do
            for domain in [ TileDomain.F32; TileDomain.F64 ] do
                let t = dtypeOf domain

                let program =
                    TileProgram(
                        domain,
                        [| { DType = DType.Float32; Access = Strided(dims, strides) }
                           { DType = t; Access = Iota(dims, 1) } |],
                        [| TileInstruction.Binary(TileOp.Add, 0, 1) |],
                        [| { Value = 2; DType = t } |]
                    )

                let a = write DType.Float32 big
                let y = room t size
                let p = a.Pointer + nativeint (offset * 4)
                run (ElementwiseKernel(program, size, [| p; 0n |], [| y.Pointer |])) [ y ] [ a ]

                let expected =
                    Array.init size (fun i ->
                        let i0, i1, i2 = i / 21, i / 3 % 7, i % 3
                        big[offset + i0 * strides[0] + i1 * strides[1] + i2 * strides[2]] + float i1)

                close 1e-6 1.0 (string strides) expected (read t y)

    [<Fact>]
    member _.``broadcast rows over many chunks``() =
        for width in [ 1; 3; 10; 64; 200; 1500 ] do
            let size = 70000 / width * width
            let a = floats 1 size |> rounded DType.Float32
            let b = floats 2 width |> rounded DType.Float32

            let program =
                TileProgram(
                    TileDomain.F32,
                    [| flat DType.Float32
                       { DType = DType.Float32; Access = Strided([| size / width; width |], [| 0; 1 |]) } |],
                    [| TileInstruction.Binary(TileOp.Add, 0, 1); TileInstruction.Unary(TileOp.Relu, 2) |],
                    [| { Value = 3; DType = DType.Float32 } |]
                )

            let x = write DType.Float32 a
            let y = write DType.Float32 b
            let z = room DType.Float32 size
            run (ElementwiseKernel(program, size, [| x.Pointer; y.Pointer |], [| z.Pointer |])) [ z ] [ x; y ]
            close 1e-6 1.0 "rows" (Array.init size (fun i -> max 0.0 (a[i] + b[i % width]))) (read DType.Float32 z)

    [<Fact>]
    member _.``in place, with the input read again later``() =
        let n = 5000
        let a = floats 7 n |> rounded DType.Float32

        // first = a + a; second = first * a: the target of the first stands where a is.
        let program =
            TileProgram(
                TileDomain.F32,
                [| flat DType.Float32 |],
                [| TileInstruction.Binary(TileOp.Add, 0, 0); TileInstruction.Binary(TileOp.Mul, 1, 0) |],
                [| { Value = 1; DType = DType.Float32 }; { Value = 2; DType = DType.Float32 } |]
            )

        let x = write DType.Float32 a
        let y = room DType.Float32 n
        run (ElementwiseKernel(program, n, [| x.Pointer |], [| x.Pointer; y.Pointer |])) [ x; y ] []
        close 1e-6 1.0 "sum" (a |> Array.map (fun v -> v + v)) (read DType.Float32 x)
        close 1e-6 1.0 "product" (a |> Array.map (fun v -> 2.0 * v * v)) (read DType.Float32 y)

    [<Fact>]
    member _.``conversions between all types``() =
        let values = [| 0.0; 1.0; 2.0; 100.0; 3.0 |]
        let all = [ DType.Float32; DType.Float64; DType.Int32; DType.Int64; DType.Bool ]

        for domain in [ TileDomain.F32; TileDomain.F64; TileDomain.I64 ] do
            for s in all do
                for d in all do
                    let program =
                        TileProgram(
                            domain,
                            [| flat s |],
                            [| TileInstruction.Unary(TileOp.Copy, 0) |],
                            [| { Value = 1; DType = d } |]
                        )

                    let x = write s values
                    let y = room d values.Length
                    run (ElementwiseKernel(program, values.Length, [| x.Pointer |], [| y.Pointer |])) [ y ] [ x ]
                    Assert.Equal<float[]>(rounded d (rounded s values), read d y)

        // Toward zero, and any number but 0 is true.
        let program d = TileProgram(TileDomain.F32, [| flat DType.Float32 |], [||], [| { Value = 0; DType = d } |])
        let x = write DType.Float32 [| 1.9; -1.9; 0.5; -0.5; nan |]
        let i = room DType.Int32 5
        let b = room DType.Bool 5
        run (ElementwiseKernel(program DType.Int32, 5, [| x.Pointer |], [| i.Pointer |])) [ i ] []
        run (ElementwiseKernel(program DType.Bool, 5, [| x.Pointer |], [| b.Pointer |])) [ b ] []
        Assert.Equal<float[]>([| 1.0; -1.0; 0.0; 0.0; 0.0 |], read DType.Int32 i)
        Assert.Equal<float[]>([| 1.0; 1.0; 1.0; 1.0; 1.0 |], read DType.Bool b)

    [<Fact>]
    member _.``random numbers in a region are those of the generator``() =
        for n in [ 1; 5; 1023; 40001 ] do
            let seed = guarded [| 77L |]
            let step = guarded [| 5L |]

            let program coarse =
                TileProgram(
                    TileDomain.F32,
                    [| { DType = DType.Float32; Access = RandomUniform(123UL, 1, coarse) } |],
                    [| TileInstruction.Unary(TileOp.Copy, 0) |],
                    [| { Value = 1; DType = DType.Float32 } |]
                )

            let y = room DType.Float32 n
            run
                (ElementwiseKernel(program false, n, [| seed.Pointer; step.Pointer |], [| y.Pointer |]))
                [ y ]
                [ seed; step ]
            let expected = Array.init n (fun i -> float (Philox.toUniform (Philox.bits 77UL 123UL 5u (int64 i))))
            Assert.Equal<float[]>(expected, read DType.Float32 y)
            run
                (ElementwiseKernel(program true, n, [| seed.Pointer; step.Pointer |], [| y.Pointer |]))
                [ y ]
                [ seed; step ]
            let expected = Array.init n (fun i -> float (Philox.toCoarse (Philox.half 77UL 123UL 5u (int64 i))))
            Assert.Equal<float[]>(expected, read DType.Float32 y)

    [<Fact>]
    member _.``malformed programs are refused``() =
        let make domain ins outs = TileProgram(domain, [| flat DType.Float32 |], ins, outs) |> ignore
        Assert.Throws<GraphException>(fun () -> make TileDomain.F32 [| TileInstruction.Unary(TileOp.Exp, 1) |] [||])
        |> ignore
        Assert.Throws<GraphException>(fun () -> make TileDomain.I64 [| TileInstruction.Unary(TileOp.Exp, 0) |] [||])
        |> ignore
        Assert.Throws<GraphException>(fun () -> make TileDomain.F32 [||] [| { Value = 3; DType = DType.Float32 } |])
        |> ignore
