namespace FunctionalNet.Tests.Kernels

open System
open FunctionalNet
open FunctionalNet.Kernels
open FunctionalNet.Tests.Kernels.KernelSupport
open Xunit

type ReduceTests() =

    let neutral (op: ReduceKind) (dtype: DType) =
        match op with
        | ReduceKind.Sum
        | ReduceKind.Any -> 0.0
        | ReduceKind.Prod
        | ReduceKind.All -> 1.0
        | ReduceKind.Max ->
            match dtype with
            | DType.Int32 -> float Int32.MinValue
            | DType.Int64 -> float Int64.MinValue
            | _ -> Double.NegativeInfinity
        | _ ->
            match dtype with
            | DType.Int32 -> float Int32.MaxValue
            | DType.Int64 -> float Int64.MaxValue
            | _ -> Double.PositiveInfinity

    let combine (op: ReduceKind) (a: float) (b: float) =
        match op with
        | ReduceKind.Sum -> a + b
        | ReduceKind.Prod -> a * b
        | ReduceKind.Max -> if Double.IsNaN a || Double.IsNaN b then nan else max a b
        | ReduceKind.Min -> if Double.IsNaN a || Double.IsNaN b then nan else min a b
        | ReduceKind.Any -> if a <> 0.0 || b <> 0.0 then 1.0 else 0.0
        | _ -> if a <> 0.0 && b <> 0.0 then 1.0 else 0.0

    let naive (op: ReduceKind) (dtype: DType) (dims: int[]) (reduced: bool[]) (x: float[]) =
        let kept = Array.map2 (fun d r -> if r then 1 else d) dims reduced
        let y = Array.create (Array.fold (*) 1 kept) (neutral op dtype)

        for i in 0 .. x.Length - 1 do
            let mutable rest = i
            let mutable at = 0
            let mutable stride = 1

            for a in dims.Length - 1 .. -1 .. 0 do
                if not reduced[a] then
                    at <- at + rest % dims[a] * stride
                    stride <- stride * dims[a]

                rest <- rest / dims[a]

            y[at] <- combine op y[at] x[i]

        y

    let check (op: ReduceKind) (dtype: DType) (dims: int[]) (reduced: bool[]) (x: float[]) =
        let x = rounded dtype x
        let expected = naive op dtype dims reduced x
        let source = write dtype x
        let ws = workspace (Reduce.Workspace(dtype, dims, reduced))
        let name =
            string op + " " + string dtype + " (" + String.Join(",", dims) + ") " + String.Join(",", reduced)

        for width in widths do
            let target = room dtype expected.Length
            let kernel = Reduce.Create(op, dtype, dims, reduced, source.Pointer, target.Pointer, ws.Pointer, width)
            run kernel [ target ] [ source; ws ]
            close (tolerance dtype) (1.0 + sqrt (float x.Length) / 4.0) name expected (read dtype target)

    let types = [ DType.Float32; DType.Float64; DType.Int32; DType.Int64 ]
    let ops = [ ReduceKind.Sum; ReduceKind.Prod; ReduceKind.Max; ReduceKind.Min ]

    /// Near 1 for products, whole for integers.
    let values (op: ReduceKind) (dtype: DType) (n: int) =
        let v = floats (n + 3) n

        if DType.isInteger dtype then
            if op = ReduceKind.Prod then
                v
                |> Array.map (fun x ->
                    if x < -1.9 then 2.0
                    elif x < 0.0 then -1.0
                    else 1.0)
            else
                v |> Array.map (fun x -> Math.Round(x * 100.0))
        elif op = ReduceKind.Prod then
            v |> Array.map (fun x -> 1.0 + x * 0.02)
        else
            v

    [<Fact>]
    member _.``every length of one axis``() =
        for op in ops do
            for n in 0..256 do
                check op DType.Float32 [| n |] [| true |] (values op DType.Float32 n)

        for n in [ 0; 1; 7; 64; 200 ] do
            for op in ops do
                for t in types do
                    check op t [| n |] [| true |] (values op t n)
                    check op t [| 3; n |] [| false; true |] (values op t (3 * n))
                    check op t [| n; 3 |] [| true; false |] (values op t (3 * n))

    [<Fact>]
    member _.``every width of columns``() =
        for inner in 1..70 do
            for rows in [ 1; 5; 300 ] do
                check ReduceKind.Sum DType.Float32 [| rows; inner |] [| true; false |] (floats inner (rows * inner))

            check ReduceKind.Max DType.Float64 [| 2; 9; inner |] [| false; true; false |] (floats inner (18 * inner))

    [<Fact>]
    member _.``all sets of axes``() =
        for dims in [ [| 2; 3; 4; 5 |]; [| 3; 1; 4; 1 |]; [| 1; 1; 1; 1 |]; [| 4; 0; 2; 3 |] ] do
            let n = Array.fold (*) 1 dims

            for mask in 0..15 do
                let reduced = Array.init 4 (fun i -> mask &&& (1 <<< i) <> 0)
                check ReduceKind.Sum DType.Float32 dims reduced (floats mask n)
                check ReduceKind.Max DType.Int32 dims reduced (values ReduceKind.Max DType.Int32 n)
                let truths = floats mask n |> Array.map (fun v -> if v > 1.0 then 1.0 else 0.0)
                check ReduceKind.Any DType.Bool dims reduced truths
                check ReduceKind.All DType.Bool dims reduced (truths |> Array.map (fun v -> 1.0 - v))

        check ReduceKind.Sum DType.Float32 [||] [||] [| 3.0 |]

    [<Fact>]
    member _.``truths of every length``() =
        for n in 0..256 do
            for at in [ -1; 0; n / 2; n - 1 ] do
                let x = Array.init n (fun i -> if i = at then 1.0 else 0.0)
                check ReduceKind.Any DType.Bool [| n |] [| true |] x
                check ReduceKind.All DType.Bool [| n |] [| true |] (x |> Array.map (fun v -> 1.0 - v))

        // Long enough to be shared out.
        for at in [ -1; 70000; 199999 ] do
            let x = Array.init 200000 (fun i -> if i = at then 1.0 else 0.0)
            check ReduceKind.Any DType.Bool [| 200000 |] [| true |] x
            check ReduceKind.All DType.Bool [| 20000; 10 |] [| true; false |] (x |> Array.map (fun v -> 1.0 - v))

    [<Fact>]
    member _.``long ones are shared out``() =
        for op in [ ReduceKind.Sum; ReduceKind.Max ] do
            check op DType.Float32 [| 300001 |] [| true |] (floats 1 300001)
            check op DType.Float32 [| 5000; 40 |] [| true; false |] (floats 2 200000)
            check op DType.Float32 [| 3; 70000 |] [| true; false |] (floats 3 210000)
            check op DType.Float32 [| 3; 70000 |] [| false; true |] (floats 4 210000)
            check op DType.Float32 [| 8; 30; 30; 20 |] [| true; true; true; false |] (floats 5 144000)
            check op DType.Float32 [| 8; 900; 20 |] [| false; true; false |] (floats 6 144000)
            check op DType.Float32 [| 20; 60; 90 |] [| true; false; true |] (floats 7 108000)

    [<Fact>]
    member _.``a long sum of ones in float32 is exact``() =
        let n = (1 <<< 24) + 4096
        let source = guarded (Array.create n 1.0f)
        let target = room DType.Float32 1
        let ws = workspace (Reduce.Workspace(DType.Float32, [| n |], [| true |]))
        runOnce (
            Reduce.Create(
                ReduceKind.Sum,
                DType.Float32,
                [| n |],
                [| true |],
                source.Pointer,
                target.Pointer,
                ws.Pointer
            )
        )
        Assert.Equal(float n, (read DType.Float32 target)[0])

    [<Fact>]
    member _.``NaN wins wherever it stands``() =
        for n in [ 1; 9; 40; 1500 ] do
            for at in [ 0; n / 2; n - 1 ] do
                for op in [ ReduceKind.Max; ReduceKind.Min ] do
                    let x = floats n (n * 3)
                    x[at * 3 + 1] <- nan
                    check op DType.Float32 [| n; 3 |] [| true; false |] x
                    check op DType.Float64 [| 3 * n |] [| true |] x

    [<Fact>]
    member _.``positions of extremes``() =
        for dtype in types do
            for isMax in [ true; false ] do
                for outer, axis, inner in [ 1, 1, 1; 5, 9, 1; 3, 40, 7; 1, 3000, 1; 200, 10, 30 ] do
                    let x =
                        floats axis (outer * axis * inner) |> Array.map (fun v -> Math.Round(v * 5.0)) |> rounded dtype
                    if DType.isFloating dtype && axis > 3 then x[2 * inner] <- nan
                    let source = write dtype x
                    let target = room DType.Int32 (outer * inner)
                    run
                        (ArgReduce.Create(isMax, dtype, outer, axis, inner, source.Pointer, target.Pointer))
                        [ target ]
                        [ source ]

                    let expected =
                        Array.init (outer * inner) (fun oi ->
                            let o, j = oi / inner, oi % inner
                            let line = Array.init axis (fun i -> x[(o * axis + i) * inner + j])

                            match Array.tryFindIndex Double.IsNaN line with
                            | Some i -> float i
                            | None ->
                                let best = if isMax then Array.max line else Array.min line
                                float (Array.findIndex ((=) best) line))

                    Assert.Equal<float[]>(expected, read DType.Int32 target)

    [<Fact>]
    member _.``running allocates nothing``() =
        for dims, reduced in
            [ [| 300000 |], [| true |]; [| 20; 60; 90 |], [| true; false; true |]; [| 4 |], [| true |] ] do
            let n = Array.fold (*) 1 dims
            let source, target = write DType.Float32 (floats 1 n), room DType.Float32 n
            let ws = workspace (Reduce.Workspace(DType.Float32, dims, reduced))
            allocatesNothing (
                Reduce.Create(ReduceKind.Sum, DType.Float32, dims, reduced, source.Pointer, target.Pointer, ws.Pointer)
            )
            allocatesNothing (ArgReduce.Create(true, DType.Float32, 10, n / 10, 1, source.Pointer, target.Pointer))
