/// Products of float32 rows with 8-bit weights, against whole numbers in loops.
module FunctionalNet.Tests.Kernels.Int8ProductTests

open System
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Kernels
open FunctionalNet.Tests.Kernels.KernelSupport
open Xunit

let private widths = [| Width.W128; Width.W256; Width.W512 |]

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

let private multiply (width: Width) (rows: int) (k: int) (n: int) (x: float32[]) (w: sbyte[]) (scales: float32[]) =
    let from, weights, columns =
        Guarded(rows * k * 4, 4).Write x, Guarded(k * n, 1).Write w, Guarded(n * 4, 4).Write scales
    let result = Guarded(rows * n * 4, 4)
    result.Poison()
    let work = Guarded(int (Int8Product.Workspace(rows, k)), 0)

    let kernel =
        Int8Product.Create(
            width,
            rows,
            k,
            n,
            from.Pointer,
            weights.Pointer,
            columns.Pointer,
            result.Pointer,
            work.Pointer,
            Epilogue.None
        )

    run kernel [ result ] [ from; weights; columns ]
    result.Check()
    work.Check()
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
[<InlineData(2, 10000, 40)>]
let ``Every width gives the bits of the rule`` (rows: int, k: int, n: int) =
    let x, w, scales = data (rows + k * n) rows k n
    let wanted = expected rows k n x w scales

    for width in widths do
        Assert.Equal<float32[]>(wanted, multiply width rows k n x w scales)

[<Property(MaxTest = 150)>]
let ``Any size gives the bits of the rule`` (a: byte) (b: byte) (c: byte) =
    let rows, k, n = 1 + int a % 11, 1 + int b % 90, 1 + int c % 75
    let x, w, scales = data (int a * 7 + int b * 3 + int c) rows k n
    let wanted = expected rows k n x w scales
    widths |> Array.forall (fun width -> wanted = multiply width rows k n x w scales)

[<Fact>]
let ``Zeros stay zeros, halves go to even, and the greatest sums do not overflow`` () =
    for width in widths do
        Assert.Equal<float32[]>(
            [| 0.0f; 0.0f |],
            multiply width 1 3 2 (Array.zeroCreate 3) [| 1y; 2y; 3y; 4y; 5y; 6y |] [| 1.0f; 2.0f |]
        )
        // With 127 as the largest number the scale is 1 to the last bit.
        Assert.Equal<float32[]>([| 2.0f |], multiply width 1 3 1 [| 127.0f; 2.5f; -0.5f |] [| 0y; 1y; 1y |] [| 1.0f |])
        let k = 10000
        let all = multiply width 1 k 1 (Array.create k 1.0f) (Array.create k -127y) [| 127.0f |]
        Assert.InRange(all[0], -10000.1f, -9999.9f)

[<Fact>]
let ``Numbers that are not finite are not hidden`` () =
    for width in widths do
        let result = multiply width 2 3 1 [| 1.0f; nanf; 2.0f; 1.0f; 1.0f; 1.0f |] [| 1y; 1y; 1y |] [| 1.0f |]
        Assert.True(Single.IsNaN result[0])
        Assert.Equal(3.0f, result[1], 1e-4f)
