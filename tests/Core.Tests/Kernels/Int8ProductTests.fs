/// Products of float32 rows with 8-bit weights, against whole numbers in loops.
module FunctionalNet.Tests.Kernels.Int8ProductTests

open System
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Kernels
open FunctionalNet.Tests.Kernels.KernelSupport
open Xunit

/// The ways in which this machine can compute, on weights as they are and in panels.
let private ways =
    [ for form in Int8Product.Forms do
          struct (form, false)
          struct (form, true) ]

/// The same by the rule, in float32 where the rule rounds.
let private expected (rows: int) (k: int) (n: int) (x: float32[]) (w: sbyte[]) (scales: float32[]) =
    Array.init (rows * n) (fun i ->
        let row, column = i / n, i % n
        let line = x[row * k .. row * k + k - 1]
        let largest = line |> Array.fold (fun m v -> MathF.Max(m, MathF.Abs v)) 0.0f
        let scale = 127.0f / (largest + 1e-7f)
        let mutable sum = 0L

        for j in 0 .. k - 1 do
            let whole = Math.Clamp(MathF.Round(line[j] * scale), -127.0f, 127.0f)
            sum <- sum + int64 whole * int64 w[j * n + column]

        float32 sum / (scale * scales[column]))

let private multiply
    (struct (form: Int8Form, prepacked: bool))
    (rows: int)
    (k: int)
    (n: int)
    (x: float32[])
    (w: sbyte[])
    (scales: float32[])
    =
    let from, weights, columns =
        Guarded(rows * k * 4, 4).Write x, Guarded(k * n, 1).Write w, Guarded(n * 4, 4).Write scales
    let result = Guarded(rows * n * 4, 4)
    result.Poison()
    let work = workspace (Int8Product.Workspace(form, rows, k, n, prepacked))
    let panels = workspace (Int8Product.PackedBytes(form, k, n))

    let operand =
        if prepacked then
            let pack = Int8Product.Pack(form, k, n, weights.Pointer, panels.Pointer)
            run pack [ panels ] [ weights ]
            panels
        else
            weights

    let kernel =
        Int8Product.Create(
            form,
            rows,
            k,
            n,
            from.Pointer,
            operand.Pointer,
            prepacked,
            columns.Pointer,
            result.Pointer,
            work.Pointer,
            Epilogue.None
        )

    run kernel [ result ] [ from; weights; columns; work; panels ]
    result.Read<float32>()

let private data (seed: int) (rows: int) (k: int) (n: int) =
    let random = Random seed
    let x = Array.init (rows * k) (fun _ -> float32 (random.NextDouble() * 4.0 - 2.0))
    let w = Array.init (k * n) (fun _ -> sbyte (random.Next(-127, 128)))
    let scales = Array.init n (fun _ -> float32 (random.NextDouble() * 100.0 + 1.0))
    x, w, scales

[<Theory>]
[<InlineData(1, 1, 1)>]
[<InlineData(1, 2, 7)>]
[<InlineData(3, 5, 16)>]
[<InlineData(4, 33, 31)>]
[<InlineData(5, 64, 33)>]
[<InlineData(7, 129, 64)>]
[<InlineData(130, 17, 10)>]
[<InlineData(131, 40, 70)>]
[<InlineData(1, 784, 300)>]
[<InlineData(2, 8200, 20)>]
[<InlineData(97, 4096, 33)>]
[<InlineData(193, 64, 200)>]
[<InlineData(2, 10000, 40)>]
let ``Every form gives the bits of the rule`` (rows: int, k: int, n: int) =
    let x, w, scales = data (rows + k * n) rows k n
    let wanted = expected rows k n x w scales

    for way in ways do
        Assert.Equal<float32[]>(wanted, multiply way rows k n x w scales)

[<Property(MaxTest = 150)>]
let ``Any size gives the bits of the rule`` (a: byte) (b: byte) (c: byte) =
    let rows, k, n = 1 + int a % 11, 1 + int b % 90, 1 + int c % 75
    let x, w, scales = data (int a * 7 + int b * 3 + int c) rows k n
    let wanted = expected rows k n x w scales
    ways |> List.forall (fun way -> wanted = multiply way rows k n x w scales)

[<Fact>]
let ``Zeros stay zeros, halves go to even, and the greatest sums do not overflow`` () =
    for way in ways do
        Assert.Equal<float32[]>(
            [| 0.0f; 0.0f |],
            multiply way 1 3 2 (Array.zeroCreate 3) [| 1y; 2y; 3y; 4y; 5y; 6y |] [| 1.0f; 2.0f |]
        )
        // With 127 as the largest number the scale is 1 to the last bit.
        Assert.Equal<float32[]>([| 2.0f |], multiply way 1 3 1 [| 127.0f; 2.5f; -0.5f |] [| 0y; 1y; 1y |] [| 1.0f |])
        let k = 133000
        let all = multiply way 1 k 1 (Array.create k 1.0f) (Array.create k -127y) [| 127.0f |]
        Assert.InRange(all[0], -133001.0f, -132999.0f)

[<Fact>]
let ``Numbers that are not finite are not hidden`` () =
    for way in ways do
        let result = multiply way 2 3 1 [| 1.0f; nanf; 2.0f; 1.0f; 1.0f; 1.0f |] [| 1y; 1y; 1y |] [| 1.0f |]
        Assert.True(Single.IsNaN result[0])
        Assert.Equal(3.0f, result[1], 1e-4f)

[<Fact>]
let ``Every element goes to the epilogue once`` () =
    let rows, k, n = 200, 40, 150
    let x, w, scales = data 5 rows k n
    let from, weights, columns = guarded x, guarded w, guarded scales
    let result = empty<float32>(rows * n)

    for form in Int8Product.Forms do
        let work = workspace (Int8Product.Workspace(form, rows, k, n, false))
        let seen = Array.zeroCreate<int>(rows * n)

        let epilogue =
            { new Epilogue() with
                member _.Run(first, rows, columns, stride) =
                    for row in 0 .. rows - 1 do
                        for i in first + row * stride .. first + row * stride + columns - 1 do
                            Threading.Interlocked.Increment(&seen[i]) |> ignore }

        runOnce (
            Int8Product.Create(
                form,
                rows,
                k,
                n,
                from.Pointer,
                weights.Pointer,
                false,
                columns.Pointer,
                result.Pointer,
                work.Pointer,
                epilogue
            )
        )

        Assert.All(seen, (fun count -> Assert.Equal(1, count)))

[<Fact>]
let ``Nothing is allocated`` () =
    let rows, k, n = 200, 40, 150
    let x, w, scales = data 5 rows k n
    let from, weights, columns = guarded x, guarded w, guarded scales
    let result = empty<float32>(rows * n)

    for form in Int8Product.Forms do
        let work = workspace (Int8Product.Workspace(form, rows, k, n, false))

        allocatesNothing (
            Int8Product.Create(
                form,
                rows,
                k,
                n,
                from.Pointer,
                weights.Pointer,
                false,
                columns.Pointer,
                result.Pointer,
                work.Pointer,
                Epilogue.None
            )
        )
