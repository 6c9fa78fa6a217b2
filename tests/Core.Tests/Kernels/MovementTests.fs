namespace FunctionalNet.Tests.Kernels

open System
open FunctionalNet
open FunctionalNet.Common
open FunctionalNet.Kernels
open FunctionalNet.Tests.Kernels.KernelSupport
open Xunit

type MovementTests() =

    let product (v: int[]) = Array.fold (*) 1 v

    let rowMajor (dims: int[]) = Array.init dims.Length (fun a -> product dims[a + 1 ..])

    /// Calls f with each index of the dims.
    let indices (dims: int[]) (f: int[] -> unit) =
        for i in 0 .. product dims - 1 do
            let index = Array.zeroCreate dims.Length
            let mutable rest = i

            for a in dims.Length - 1 .. -1 .. 0 do
                index[a] <- rest % dims[a]
                rest <- rest / dims[a]

            f index

    let dot (a: int[]) (b: int[]) = Array.fold2 (fun s x y -> s + x * y) 0 a b

    let copy (dtype: DType) (dims: int[]) srcSize srcOffset (srcStrides: int[]) dstSize dstOffset (dstStrides: int[]) =
        let x = Array.init srcSize (fun i -> float (i % 251)) |> rounded dtype
        let source = write dtype x
        let target = write dtype (Array.create dstSize 1.0)
        let expected = read dtype target
        indices dims (fun i -> expected[dstOffset + dot i dstStrides] <- x[srcOffset + dot i srcStrides])
        let size = DType.size dtype

        let kernel =
            StridedCopy.Create(
                size,
                dims,
                source.Pointer + nativeint (srcOffset * size),
                srcStrides,
                target.Pointer + nativeint (dstOffset * size),
                dstStrides
            )

        run kernel [ target ] [ source ]
        Assert.Equal<float[]>(expected, read dtype target)

    let types = [ DType.Bool; DType.Int32; DType.Float64 ]

    [<Fact>]
    member _.``permutations of all sizes``() =
        for t in types do
            for dims in [ [| 3; 4; 5 |]; [| 1; 17; 33 |]; [| 2; 1; 3 |]; [| 40; 3; 70 |]; [| 0; 3; 2 |] ] do
                let s = rowMajor dims

                for order in
                    [ [| 0; 1; 2 |]; [| 0; 2; 1 |]; [| 1; 0; 2 |]; [| 1; 2; 0 |]; [| 2; 0; 1 |]; [| 2; 1; 0 |] ] do
                    let permuted = order |> Array.map (fun a -> dims[a])
                    copy
                        t
                        permuted
                        (product dims)
                        0
                        (order |> Array.map (fun a -> s[a]))
                        (product dims)
                        0
                        (rowMajor permuted)

    [<Fact>]
    member _.``transpositions that are shared out``() =
        copy DType.Float32 [| 301; 513 |] (301 * 513) 0 [| 1; 301 |] (301 * 513) 0 [| 513; 1 |]
        copy DType.Float32 [| 8; 60; 4; 32 |] 61440 0 [| 7680; 32; 1920; 1 |] 61440 0 [| 7680; 128; 32; 1 |]
        copy DType.Float32 [| 200000 |] 200000 0 [| 1 |] 200000 0 [| 1 |]
        copy DType.Float32 [| 500; 300 |] 300 0 [| 0; 1 |] 150000 0 [| 300; 1 |]
        copy DType.Float32 [| 500; 300 |] 500 0 [| 1; 0 |] 150000 0 [| 300; 1 |]

    [<Fact>]
    member _.``slices, reversals, broadcasts, and parts of the target``() =
        for t in types do
            copy t [| 4; 3 |] 100 7 [| 20; 2 |] 12 0 [| 3; 1 |]
            copy t [| 6; 5 |] 30 29 [| -5; -1 |] 30 0 [| 5; 1 |]
            copy t [| 6; 5 |] 30 4 [| 5; -1 |] 30 0 [| 5; 1 |]
            copy t [| 3; 4; 2 |] 2 0 [| 0; 0; 1 |] 24 0 [| 8; 2; 1 |]
            copy t [| 3; 4; 2 |] 12 0 [| 4; 1; 0 |] 24 0 [| 8; 2; 1 |]
            copy t [| 3; 4 |] 12 0 [| 4; 1 |] 100 9 [| 20; 1 |]
            copy t [| 3; 4 |] 12 0 [| 4; 1 |] 100 9 [| 20; 3 |]
            copy t [| 5 |] 1 0 [| 0 |] 30 2 [| 4 |]
            copy t [||] 1 0 [||] 1 0 [||]

    [<Fact>]
    member _.``fill and flat copy``() =
        for count in [ 0; 1; 31; 100000 ] do
            let f = room DType.Float32 count
            run (Fill.Create(4, count, f.Pointer, int64 (BitConverter.SingleToInt32Bits -1.5f))) [ f ] []
            Assert.All(read DType.Float32 f, fun v -> Assert.Equal(-1.5, v))
            let b = room DType.Bool count
            run (Fill.Create(1, count, b.Pointer, 1L)) [ b ] []
            Assert.All(read DType.Bool b, fun v -> Assert.Equal(1.0, v))
            let d = room DType.Int64 count
            run (Fill.Create(8, count, d.Pointer, -7L)) [ d ] []
            Assert.All(read DType.Int64 d, fun v -> Assert.Equal(-7.0, v))
            let g = room DType.Int64 count
            run (Copy.Create(int64 count * 8L, d.Pointer, g.Pointer)) [ g ] [ d ]
            Assert.Equal<byte[]>(d.Image(), g.Image())
            let e = room DType.Bool count
            run (Copy.Create(int64 count, b.Pointer, e.Pointer)) [ e ] [ b ]
            Assert.Equal<byte[]>(b.Image(), e.Image())

    [<Fact>]
    member _.``take and its transpose``() =
        for dtype in [ DType.Float32; DType.Float64; DType.Int32; DType.Int64 ] do
            for indexType in [ DType.Int32; DType.Int64 ] do
                for outer, axis, inner, count in [ 1, 5, 1, 9; 3, 7, 4, 6; 2, 3, 100, 5; 1, 50, 300, 400; 2, 4, 3, 0 ] do
                    let r = Random(axis + inner)
                    let ids =
                        Array.init count (fun i ->
                            if i = 2 then -1.0
                            elif i = 4 then float axis
                            else float (r.Next axis))
                    let x =
                        floats 1 (outer * axis * inner)
                        |> Array.map (fun v -> Math.Round(v * 8.0) / 8.0)
                        |> rounded dtype
                    let u =
                        floats 2 (outer * count * inner)
                        |> Array.map (fun v -> Math.Round(v * 8.0) / 8.0)
                        |> rounded dtype
                    let gi, gx, gu = write indexType ids, write dtype x, write dtype u
                    let taken = room dtype u.Length

                    run
                        (Take.Create(
                            DType.size dtype,
                            indexType,
                            outer,
                            axis,
                            inner,
                            count,
                            gx.Pointer,
                            gi.Pointer,
                            taken.Pointer
                        ))
                        [ taken ]
                        [ gi; gx ]

                    let inside (id: float) = id >= 0.0 && id < float axis

                    let expected =
                        Array.init u.Length (fun i ->
                            let o, c, j = i / (count * inner), i / inner % count, i % inner
                            if inside ids[c] then x[(o * axis + int ids[c]) * inner + j] else 0.0)

                    Assert.Equal<float[]>(expected, read dtype taken)
                    let added = room dtype x.Length

                    run
                        (ScatterAdd.Create(
                            dtype,
                            indexType,
                            outer,
                            axis,
                            inner,
                            count,
                            gi.Pointer,
                            gu.Pointer,
                            added.Pointer
                        ))
                        [ added ]
                        [ gi; gu ]

                    let sums = Array.zeroCreate x.Length

                    for i in 0 .. u.Length - 1 do
                        let o, c, j = i / (count * inner), i / inner % count, i % inner

                        if inside ids[c] then
                            let at = (o * axis + int ids[c]) * inner + j
                            sums[at] <- sums[at] + u[i]

                    Assert.Equal<float[]>(sums, read dtype added)

    [<Fact>]
    member _.``take along an axis and its transpose``() =
        for dtype in [ DType.Float32; DType.Float64; DType.Int32; DType.Int64 ] do
            for indexType in [ DType.Int32; DType.Int64 ] do
                for outer, axis, inner, count in [ 1, 5, 1, 9; 3, 7, 4, 6; 300, 10, 1, 1; 2, 40, 300, 30 ] do
                    let r = Random(axis + inner)
                    let n = outer * count * inner
                    let ids =
                        Array.init n (fun i ->
                            if i % 11 = 2 then -3.0
                            elif i % 11 = 4 then float axis + 9.0
                            else float (r.Next axis))
                    let x =
                        floats 1 (outer * axis * inner)
                        |> Array.map (fun v -> Math.Round(v * 8.0) / 8.0)
                        |> rounded dtype
                    let u = floats 2 n |> Array.map (fun v -> Math.Round(v * 8.0) / 8.0) |> rounded dtype
                    let gi, gx, gu = write indexType ids, write dtype x, write dtype u
                    let taken, added = room dtype n, room dtype x.Length

                    run
                        (TakeAlongAxis.Create(
                            DType.size dtype,
                            indexType,
                            outer,
                            axis,
                            inner,
                            count,
                            gx.Pointer,
                            gi.Pointer,
                            taken.Pointer
                        ))
                        [ taken ]
                        [ gi; gx ]

                    run
                        (ScatterAlongAxis.Create(
                            dtype,
                            indexType,
                            outer,
                            axis,
                            inner,
                            count,
                            gi.Pointer,
                            gu.Pointer,
                            added.Pointer
                        ))
                        [ added ]
                        [ gi; gu ]

                    let expected = Array.zeroCreate n
                    let sums = Array.zeroCreate x.Length

                    for i in 0 .. n - 1 do
                        if ids[i] >= 0.0 && ids[i] < float axis then
                            let at = (i / (count * inner) * axis + int ids[i]) * inner + i % inner
                            expected[i] <- x[at]
                            sums[at] <- sums[at] + u[i]

                    Assert.Equal<float[]>(expected, read dtype taken)
                    Assert.Equal<float[]>(sums, read dtype added)

    [<Fact>]
    member _.``sorting and running sums``() =
        for dtype in [ DType.Float32; DType.Float64; DType.Int32; DType.Int64; DType.Bool ] do
            for outer, n, inner in [ 1, 1, 1; 2, 7, 3; 1, 500, 1; 30, 100, 4; 3, 0, 2 ] do
                let x = floats n (outer * n * inner) |> Array.map (fun v -> Math.Round(v * 4.0)) |> rounded dtype
                if DType.isFloating dtype && n > 3 then x[inner] <- nan
                let source = write dtype x
                let line o j = Array.init n (fun i -> x[(o * n + i) * inner + j])

                for descending in [ false; true ] do
                    let target = room DType.Int32 x.Length
                    let ws = workspace (ArgSort.Workspace(dtype, outer, n, inner))
                    run
                        (ArgSort.Create(dtype, descending, outer, n, inner, source.Pointer, target.Pointer, ws.Pointer))
                        [ target ]
                        [ source; ws ]
                    let got = read DType.Int32 target

                    for o in 0 .. outer - 1 do
                        for j in 0 .. inner - 1 do
                            let v = line o j
                            let key i =
                                if Double.IsNaN v[i] then Double.PositiveInfinity
                                elif descending then -v[i]
                                else v[i]
                            let expected =
                                [| 0 .. n - 1 |] |> Array.sortBy (fun i -> struct (key i, i)) |> Array.map float
                            Assert.Equal<float[]>(expected, Array.init n (fun i -> got[(o * n + i) * inner + j]))

                if dtype <> DType.Bool then
                    for isExclusive in [ false; true ] do
                        for reverse in [ false; true ] do
                            let target = room dtype x.Length
                            run
                                (CumSum.Create(
                                    dtype,
                                    isExclusive,
                                    reverse,
                                    outer,
                                    n,
                                    inner,
                                    source.Pointer,
                                    target.Pointer
                                ))
                                [ target ]
                                [ source ]
                            let got = read dtype target

                            for o in 0 .. outer - 1 do
                                for j in 0 .. inner - 1 do
                                    let v = if reverse then Array.rev (line o j) else line o j
                                    let sums = Array.scan (+) 0.0 v
                                    let sums = if isExclusive then sums[.. n - 1] else sums[1..]
                                    let expected = if reverse then Array.rev sums else sums
                                    close
                                        (tolerance dtype)
                                        100.0
                                        "cumsum"
                                        expected
                                        (Array.init n (fun i -> got[(o * n + i) * inner + j]))

    [<Fact>]
    member _.``random fills``() =
        for n in [ 0; 1; 3; 6; 31; 32; 33; 64; 100; 20001 ] do
            let seed, step = guarded [| -5L |], guarded [| 9L |]
            let word i = Philox.bits (uint64 -5L) 42UL 9u (int64 i)
            let half i = Philox.half (uint64 -5L) 42UL 9u (int64 i)

            let normal =
                Array.init n (fun i ->
                    let u1 = 1.0 - float (Philox.toUniform (word (i &&& ~~~16)))
                    let u2 = float (Philox.toUniform (word (i ||| 16)))
                    let r = sqrt (-2.0 * log u1)
                    if i &&& 16 = 0 then r * cos (2.0 * Math.PI * u2) else r * sin (2.0 * Math.PI * u2))

            for width in widths do
                let fill kind dtype =
                    let y = room dtype n
                    run
                        (RandomFill.Create(kind, dtype, n, seed.Pointer, step.Pointer, 42UL, y.Pointer, width))
                        [ y ]
                        [ seed; step ]
                    read dtype y

                for dtype in [ DType.Float32; DType.Float64 ] do
                    Assert.Equal<float[]>(
                        Array.init n (word >> Philox.toUniform >> float),
                        fill RandomFillKind.Uniform dtype
                    )
                    Assert.Equal<float[]>(
                        Array.init n (half >> Philox.toCoarse >> float),
                        fill RandomFillKind.Coarse dtype
                    )
                    close (tolerance dtype) 1.0 "normal" normal (fill RandomFillKind.Normal dtype)

                Assert.Equal<float[]>(Array.init n (word >> float), fill RandomFillKind.Bits DType.Int64)

    [<Fact>]
    member _.``softmax, log-softmax and their gradients``() =
        let shapes = [ for n in 0..70 -> 3, n ] @ [ 1, 1; 3, 10; 200, 33; 2, 5000; 4, 0 ]

        for dtype in [ DType.Float32; DType.Float64 ] do
            for rows, n in shapes do
                let x = floats n (rows * n) |> Array.map (fun v -> v * 20.0) |> rounded dtype
                let dy = floats 9 (rows * n) |> rounded dtype

                for isLog in [ false; true ] do
                    let y = Array.zeroCreate x.Length
                    let dx = Array.zeroCreate x.Length

                    for r in 0 .. rows - 1 do
                        if n > 0 then
                            let row = Array.sub x (r * n) n
                            let most = Array.max row
                            let total = row |> Array.sumBy (fun v -> exp (v - most))
                            let p = row |> Array.map (fun v -> exp (v - most) / total)
                            let g = Array.sub dy (r * n) n
                            let inner = Array.fold2 (fun s a b -> s + a * b) 0.0 p g

                            for i in 0 .. n - 1 do
                                y[r * n + i] <- if isLog then row[i] - most - log total else p[i]
                                dx[r * n + i] <- if isLog then g[i] - p[i] * Array.sum g else p[i] * (g[i] - inner)

                    for width in widths do
                        let forward (x: Guarded) (y: Guarded) =
                            Softmax.Forward(dtype, isLog, rows, n, x.Pointer, y.Pointer, width)

                        let backward (y: Guarded) (dy: Guarded) (dx: Guarded) =
                            Softmax.Backward(dtype, isLog, rows, n, y.Pointer, dy.Pointer, dx.Pointer, width)

                        let gx, gdy = write dtype x, write dtype dy
                        let gy, gdx = room dtype x.Length, room dtype x.Length
                        run (forward gx gy) [ gy ] [ gx ]
                        run (backward gy gdy gdx) [ gdx ] [ gy; gdy ]
                        close (2.0 * tolerance dtype) 0.5 "softmax" y (read dtype gy)
                        close (20.0 * tolerance dtype) 1.0 "gradient" dx (read dtype gdx)
                        // In place.
                        run (forward gx gx) [ gx ] []
                        Assert.Equal<float[]>(read dtype gy, read dtype gx)
                        run (backward gy gdy gdy) [ gdy ] [ gy ]
                        Assert.Equal<float[]>(read dtype gdx, read dtype gdy)

    [<Fact>]
    member _.``a softmax of NaN, infinities and equal numbers``() =
        for width in widths do
            for n in [ 1; 10; 40 ] do
                let softmax (x: float32[]) =
                    let gx, gy = guarded x, empty<float32> n
                    runOnce (Softmax.Forward(DType.Float32, false, 1, n, gx.Pointer, gy.Pointer, width))
                    gy.Read<float32>()

                Assert.All(softmax (Array.create n -3e38f), (fun p -> Assert.Equal(1.0f / float32 n, p, 6)))
                Assert.All(
                    softmax (Array.init n (fun i -> if i = n - 1 then nanf else 1.0f)),
                    (fun p -> Assert.True(Single.IsNaN p))
                )

                if n > 1 then
                    let p = softmax (Array.init n (fun i -> if i = 0 then -infinityf else 0.0f))
                    Assert.Equal(0.0f, p[0])
                    Assert.Equal(1.0f / float32 (n - 1), p[1], 6)

    [<Fact>]
    member _.``running allocates nothing``() =
        let t = DType.Float32
        let n = 60000
        let x, y = write t (floats 1 n), room t n
        let ids = write DType.Int32 (Array.init 100 (fun i -> float (i % 50)))
        let seed = guarded [| 1L; 2L |]
        let ws = workspace (ArgSort.Workspace(t, 20, 100, 3))

        for kernel in
            [ StridedCopy.Create(4, [| 200; 300 |], x.Pointer, [| 1; 200 |], y.Pointer, [| 300; 1 |])
              StridedCopy.Create(4, [| 300; 200 |], x.Pointer, [| 1; 0 |], y.Pointer, [| 200; 1 |])
              Fill.Create(4, n, y.Pointer, 0L)
              Take.Create(4, DType.Int32, 1, 50, 600, 100, x.Pointer, ids.Pointer, y.Pointer)
              ScatterAdd.Create(t, DType.Int32, 1, 50, 600, 100, ids.Pointer, x.Pointer, y.Pointer)
              ArgSort.Create(t, true, 20, 100, 3, x.Pointer, y.Pointer, ws.Pointer)
              CumSum.Create(t, false, false, 20, 100, 3, x.Pointer, y.Pointer)
              RandomFill.Uniform(t, n, seed.Pointer, seed.Pointer + 8n, 3UL, y.Pointer)
              RandomFill.Normal(t, n, seed.Pointer, seed.Pointer + 8n, 3UL, y.Pointer)
              Softmax.Forward(t, false, 600, 100, x.Pointer, y.Pointer)
              Softmax.Forward(t, true, 600, 100, x.Pointer, y.Pointer)
              Softmax.Backward(t, true, 600, 100, x.Pointer, y.Pointer, y.Pointer) ] do
            allocatesNothing kernel
