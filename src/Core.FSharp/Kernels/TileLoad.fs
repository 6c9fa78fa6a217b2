namespace FunctionalNet.Kernels

open System
open System.Numerics
open System.Runtime.CompilerServices
open Microsoft.FSharp.NativeInterop
open FunctionalNet

/// Copies of elements from one type to another.
[<AbstractClass; Sealed>]
type internal Convert<'S, 'D> private () =

    /// d[i] = s[i * stride], converted; floats go to integers toward zero.
    [<FullyOptimized>]
    static member Run(n: int, d: nativeint, s: nativeint, stride: int) =
        if stride = 1 && obj.ReferenceEquals(typeof<'S>, typeof<'D>) then
            Mem.copy d s (int64 n * int64 sizeof<'D>)
        elif stride = 1 then
            for i in 0 .. n - 1 do
                Mem.set<'D> d i (Number.Convert<'S, 'D>(Mem.get<'S> s i))
        else
            let step = nativeint stride * nativeint sizeof<'S>
            let mutable p = s

            for i in 0 .. n - 1 do
                Mem.set<'D> d i (Number.Convert<'S, 'D>(Mem.get<'S> p 0))
                p <- p + step

/// Walks count positions in a few words on the stack.
module internal RankLimit =

    /// Fails for more than 16 dims.
    let check (dims: int[]) =
        if dims.Length > 16 then
            raise (
                ShapeException(
                    "A tensor has too many axes.",
                    "",
                    "at most 16",
                    dims.Length.ToString System.Globalization.CultureInfo.InvariantCulture,
                    "Merge axes with a reshape."
                )
            )

module internal Strides =

    /// Sizes and strides of the same elements in the same order, without axes of size 1 and with neighbours merged where
    /// one stride does for both.
    let collapse (dims: int[]) (strides: int[]) : struct (int[] * int[]) =
        let d = ResizeArray<int>()
        let s = ResizeArray<int>()

        for i in 0 .. dims.Length - 1 do
            if dims[i] <> 1 then
                let last = d.Count - 1

                if last >= 0 && s[last] = strides[i] * dims[i] then
                    d[last] <- d[last] * dims[i]
                    s[last] <- strides[i]
                else
                    d.Add dims[i]
                    s.Add strides[i]

        struct (d.ToArray(), s.ToArray())

/// A walk over a strided view in row-major order, its dims collapsed as far as the strides allow.
[<Sealed>]
type internal StridedWalk(dims: int[], strides: int[]) =

    do RankLimit.check dims

    let shape, steps =
        match Strides.collapse dims strides with
        | struct ([||], _) -> [| 1 |], [| 0 |]
        | struct (d, s) -> d, s

    /// Collapsed dims.
    member _.Dims = shape

    /// Collapsed strides.
    member _.Strides = steps

    /// Length of the innermost run.
    member _.Run = shape[shape.Length - 1]

    /// Stride of the innermost run.
    member _.RunStride = steps[steps.Length - 1]

    /// True when every row is the same.
    member _.IsPeriodic =
        let mutable same = true

        for i in 0 .. steps.Length - 2 do
            if steps[i] <> 0 then same <- false

        same

    /// Fills `index` (one counter per dim) with the position of a flat index and returns its element offset.
    member _.Seek(flat: int, index: nativeptr<int>) =
        let mutable rest = flat
        let mutable offset = 0n

        for a in shape.Length - 1 .. -1 .. 0 do
            let q = rest / shape[a]
            let i = rest - q * shape[a]
            NativePtr.set index a i
            offset <- offset + nativeint i * nativeint steps[a]
            rest <- q

        offset

    /// Moves to the start of the next row: the change of the element offset of a row's start.
    member _.NextRow(index: nativeptr<int>) =
        let mutable a = shape.Length - 2
        let mutable change = 0n

        while a >= 0 do
            let i = NativePtr.get index a + 1

            if i < shape[a] then
                NativePtr.set index a i
                change <- change + nativeint steps[a]
                a <- -1
            else
                NativePtr.set index a 0
                change <- change - nativeint (shape[a] - 1) * nativeint steps[a]
                a <- a - 1

        change
