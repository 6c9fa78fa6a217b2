namespace FunctionalNet.Kernels

open System
open System.Runtime.CompilerServices
open System.Runtime.Intrinsics
open Microsoft.FSharp.NativeInterop
open FunctionalNet

/// A copy between two strided views of one shape, its dims reordered by target stride and merged where both sides allow.
[<Sealed>]
type internal CopyLayout(dims: int[], srcStrides: int[], dstStrides: int[]) =

    do RankLimit.check dims

    let shape, src, dst =
        let order =
            [| 0 .. dims.Length - 1 |]
            |> Array.filter (fun a -> dims[a] <> 1)
            |> Array.sortWith (fun x y ->
                // The dim whose target elements are closest goes innermost.
                let c = compare (abs dstStrides[y]) (abs dstStrides[x])
                if c <> 0 then c else compare x y)

        let d = ResizeArray<int>()
        let s = ResizeArray<int>()
        let t = ResizeArray<int>()

        for a in order do
            let last = d.Count - 1

            if last >= 0 && s[last] = srcStrides[a] * dims[a] && t[last] = dstStrides[a] * dims[a] then
                d[last] <- d[last] * dims[a]
                s[last] <- srcStrides[a]
                t[last] <- dstStrides[a]
            else
                d.Add dims[a]
                s.Add srcStrides[a]
                t.Add dstStrides[a]

        if d.Count = 0 then
            d.Add 1
            s.Add 1
            t.Add 1

        d.ToArray(), s.ToArray(), t.ToArray()

    let inner = shape.Length - 1

    // A dim whose source elements are neighbours while the innermost one's are not: a transposition.
    let across =
        if dst[inner] = 1 && abs src[inner] > 1 then Array.FindLastIndex(src, fun s -> s = 1) else -1

    member _.Dims = shape
    member _.Src = src
    member _.Dst = dst

    /// The dim that is contiguous in the source when the copy is a transposition, else -1.
    member _.Across = across

    /// Number of elements.
    member _.Size = Array.fold (fun n d -> n * int64 d) 1L dims

/// The copy of a strided view into another, for elements of one size.
[<Sealed>]
type internal StridedCopyKernel<'T when 'T: unmanaged and 'T: struct>
    (layout: CopyLayout, src: nativeint, dst: nativeint) =
    inherit Kernel()

    let dims = layout.Dims
    let inner = dims.Length - 1
    let run = dims[inner]
    let srcStep = layout.Src[inner]
    let dstStep = layout.Dst[inner]
    let size = nativeint sizeof<'T>
    let transposed = layout.Across >= 0

    // The dims around the unit of work: a run, or the plane of a transposition.
    let outerAxes =
        [| for a in 0 .. inner - 1 do
               if a <> layout.Across then a |]

    let outer = outerAxes |> Array.fold (fun n a -> n * dims[a]) 1
    let side = if transposed then dims[layout.Across] else 1

    // Work is cut in strips of the run (or of the across dim) and groups of units.
    let strip = if transposed then max 32 (min side (32768 / max 1 run &&& ~~~31)) else min run 65536

    let strips = if layout.Size = 0L then 0 else ((if transposed then side else run) + strip - 1) / strip

    let group = if strips > 1 then 1 else max 1 (32768 / max 1 (run * side))

    override _.Chunks(_) = if strips = 0 then 0 else (outer + group - 1) / group * strips

    override this.Run(_, chunk) =
        let first = chunk % strips * strip
        let unit0 = chunk / strips * group
        let index = NativePtr.stackalloc<int> 16
        let axes = outerAxes.Length
        let mutable s = src
        let mutable d = dst
        let mutable rest = unit0

        for i in axes - 1 .. -1 .. 0 do
            let a = outerAxes[i]
            let q = rest / dims[a]
            NativePtr.set index i (rest - q * dims[a])
            s <- s + nativeint (rest - q * dims[a]) * nativeint layout.Src[a] * size
            d <- d + nativeint (rest - q * dims[a]) * nativeint layout.Dst[a] * size
            rest <- q

        let count = min strip ((if transposed then side else run) - first)

        let srcShift = if transposed then nativeint first * size else nativeint first * nativeint srcStep * size

        let dstShift =
            nativeint first * nativeint (if transposed then layout.Dst[layout.Across] else dstStep) * size

        for _ in unit0 .. min outer (unit0 + group) - 1 do
            if transposed then
                this.Plane(s + srcShift, d + dstShift, count)
            else
                this.Line(s + srcShift, d + dstShift, count)

            // On to the next unit.
            let mutable i = axes - 1

            while i >= 0 do
                let a = outerAxes[i]
                let next = NativePtr.get index i + 1

                if next < dims[a] then
                    NativePtr.set index i next
                    s <- s + nativeint layout.Src[a] * size
                    d <- d + nativeint layout.Dst[a] * size
                    i <- -1
                else
                    NativePtr.set index i 0
                    s <- s - nativeint (next - 1) * nativeint layout.Src[a] * size
                    d <- d - nativeint (next - 1) * nativeint layout.Dst[a] * size
                    i <- i - 1

    [<FullyOptimized>]
    member private _.Line(s: nativeint, d: nativeint, count: int) =
        let s = NativePtr.ofNativeInt<'T> s
        let d = NativePtr.ofNativeInt<'T> d

        if srcStep = 1 && dstStep = 1 then
            if count * sizeof<'T> >= 1024 then
                System.Buffer.MemoryCopy(
                    NativePtr.toVoidPtr s,
                    NativePtr.toVoidPtr d,
                    int64 count * int64 size,
                    int64 count * int64 size
                )
            else
                let w = 32 / sizeof<'T>
                let mutable i = 0

                while i + w <= count do
                    Vector256.Store(Vector256.Load(NativePtr.add s i), NativePtr.add d i)
                    i <- i + w

                while i < count do
                    NativePtr.set d i (NativePtr.get s i)
                    i <- i + 1
        elif srcStep = 0 && dstStep = 1 then
            Span<'T>(NativePtr.toVoidPtr d, count).Fill(NativePtr.read s)
        else
            let mutable p = s
            let mutable q = d

            for _ in 1..count do
                NativePtr.write q (NativePtr.read p)
                p <- NativePtr.add p srcStep
                q <- NativePtr.add q dstStep

    /// Rows of the source become columns of the target: in blocks of 16 by 16, so that both sides stay in the cache.
    [<FullyOptimized>]
    member private _.Plane(s: nativeint, d: nativeint, count: int) =
        let rowStep = layout.Dst[layout.Across]
        let mutable j0 = 0

        while j0 < count do
            let j1 = min count (j0 + 16)
            let mutable i0 = 0

            while i0 < run do
                let i1 = min run (i0 + 16)
                let from = s + (nativeint j0 + nativeint i0 * nativeint srcStep) * size
                let into = d + (nativeint j0 * nativeint rowStep + nativeint i0) * size

                if sizeof<'T> = 4 then
                    let down = nativeint srcStep * size
                    let across = nativeint rowStep * size
                    Transpose.words from down (i1 - i0) (j1 - j0) into across
                else
                    for j in 0 .. j1 - j0 - 1 do
                        let mutable p = NativePtr.ofNativeInt<'T>(from + nativeint j * size)
                        let q = NativePtr.ofNativeInt<'T>(into + nativeint j * nativeint rowStep * size)

                        for i in 0 .. i1 - i0 - 1 do
                            NativePtr.set q i (NativePtr.read p)
                            p <- NativePtr.add p srcStep

                i0 <- i1

            j0 <- j1

/// Copies between strided views: transposition, slicing, concatenation, padding, broadcasting and reversal are all this.
[<AbstractClass; Sealed>]
type internal StridedCopy private () =

    static member private Fail(what: string, size: int) : Kernel =
        raise (
            DTypeException(
                "Elements of this size cannot be moved.",
                what,
                "1, 2, 4 or 8 bytes",
                size.ToString(Globalization.CultureInfo.InvariantCulture),
                ""
            )
        )

    /// Strides are in elements and may be 0 (source) or negative; offsets are part of the pointers.
    static member Create
        (elementSize: int, dims: int[], src: nativeint, srcStrides: int[], dst: nativeint, dstStrides: int[])
        : Kernel =
        let layout = CopyLayout(dims, srcStrides, dstStrides)

        match elementSize with
        | 1 -> StridedCopyKernel<byte>(layout, src, dst)
        | 2 -> StridedCopyKernel<int16>(layout, src, dst)
        | 4 -> StridedCopyKernel<int>(layout, src, dst)
        | 8 -> StridedCopyKernel<int64>(layout, src, dst)
        | other -> StridedCopy.Fail("copy", other)

/// A flat copy.
[<AbstractClass; Sealed>]
type internal Copy private () =

    static member Create(bytes: int64, src: nativeint, dst: nativeint) : Kernel =
        if bytes % 8L = 0L then
            StridedCopy.Create(8, [| int (bytes / 8L) |], src, [| 1 |], dst, [| 1 |])
        else
            StridedCopy.Create(1, [| int bytes |], src, [| 1 |], dst, [| 1 |])

/// Sets every element to one value, given by its bits.
[<AbstractClass; Sealed>]
type internal Fill private () =

    static member Create(elementSize: int, count: int, dst: nativeint, bits: int64) : Kernel =
        FillKernel(elementSize, count, dst, bits)

and [<Sealed>] internal FillKernel(elementSize: int, count: int, dst: nativeint, bits: int64) =
    inherit Kernel()

    let grain = 65536

    override _.Chunks(_) = (count + grain - 1) / grain

    override _.Run(_, chunk) =
        let first = chunk * grain
        let n = min grain (count - first)
        let p = (dst + nativeint first * nativeint elementSize).ToPointer()

        match elementSize with
        | 1 -> Span<byte>(p, n).Fill(byte bits)
        | 2 -> Span<int16>(p, n).Fill(int16 bits)
        | 4 -> Span<int>(p, n).Fill(int bits)
        | _ -> Span<int64>(p, n).Fill bits
