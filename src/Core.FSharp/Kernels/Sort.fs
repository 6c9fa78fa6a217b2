namespace FunctionalNet.Kernels

open System.Numerics
open Microsoft.FSharp.NativeInterop
open FunctionalNet

/// The order that sorts the middle axis of an (outer, n, inner) view, by merging: stable, NaN last in both directions.
[<Sealed>]
type internal ArgSortKernel<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T>>
    (descending: bool, outer: int, n: int, inner: int, src: nativeint, dst: nativeint, workspace: nativeint) =
    inherit Kernel()

    let lines = outer * inner
    let grain = max 1 (4096 / max 1 n)

    /// True when y must come before x although it stands after it.
    let precedes (y: 'T) (x: 'T) =
        if descending then
            'T.op_GreaterThan (y, x) || ('T.IsNaN x && not ('T.IsNaN y))
        else
            'T.op_LessThan (y, x) || ('T.IsNaN x && not ('T.IsNaN y))

    override _.Chunks(_) = if n = 0 || lines = 0 then 0 else (lines + grain - 1) / grain

    override _.Run(_, chunk) =
        for line in chunk * grain .. min lines ((chunk + 1) * grain) - 1 do
            let o = line / inner
            let first = o * n * inner + line % inner
            let inline key (i: int) = Mem.get<'T> src (first + i * inner)
            let mutable a = NativePtr.ofNativeInt<int>(workspace + nativeint line * nativeint (8 * n))
            let mutable b = NativePtr.add a n

            for i in 0 .. n - 1 do
                NativePtr.set a i i

            // Runs of eight by insertion, then merges that double the runs.
            let mutable start = 0

            while start < n do
                for i in start + 1 .. min n (start + 8) - 1 do
                    let x = key i
                    let mutable j = i - 1

                    while j >= start && precedes x (key (NativePtr.get a j)) do
                        NativePtr.set a (j + 1) (NativePtr.get a j)
                        j <- j - 1

                    NativePtr.set a (j + 1) i

                start <- start + 8

            let mutable width = 8

            while width < n do
                let mutable lo = 0

                while lo < n do
                    let mid = min n (lo + width)
                    let hi = min n (mid + width)
                    let mutable i = lo
                    let mutable j = mid

                    for t in lo .. hi - 1 do
                        if
                            i < mid && (j >= hi || not (precedes (key (NativePtr.get a j)) (key (NativePtr.get a i))))
                        then
                            NativePtr.set b t (NativePtr.get a i)
                            i <- i + 1
                        else
                            NativePtr.set b t (NativePtr.get a j)
                            j <- j + 1

                    lo <- hi

                let swap = a
                a <- b
                b <- swap
                width <- width * 2

            for i in 0 .. n - 1 do
                Mem.set<int> dst (first + i * inner) (NativePtr.get a i)

/// Running sums along the middle axis of an (outer, n, inner) view.
[<Sealed>]
type internal CumSumKernel<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T>>
    (isExclusive: bool, reverse: bool, outer: int, n: int, inner: int, src: nativeint, dst: nativeint) =
    inherit Kernel()

    let lines = outer * inner
    let grain = max 1 (16384 / max 1 n)

    override _.Chunks(_) = if n = 0 || lines = 0 then 0 else (lines + grain - 1) / grain

    override _.Run(_, chunk) =
        for line in chunk * grain .. min lines ((chunk + 1) * grain) - 1 do
            let o = line / inner
            let first = o * n * inner + line % inner
            let mutable sum = 'T.Zero

            for i in 0 .. n - 1 do
                let at = first + (if reverse then n - 1 - i else i) * inner
                let next: 'T = sum + Mem.get<'T> src at
                Mem.set<'T> dst at (if isExclusive then sum else next)
                sum <- next

/// Sorting.
[<AbstractClass; Sealed>]
type internal ArgSort private () =

    /// Bytes of workspace: two lists of indices for each line.
    static member Workspace(_dtype: DType, outer: int, n: int, inner: int) : int64 =
        8L * int64 outer * int64 n * int64 inner

    /// dst: int32 indices of the sorted order.
    static member Create
        (
            dtype: DType,
            descending: bool,
            outer: int,
            n: int,
            inner: int,
            src: nativeint,
            dst: nativeint,
            workspace: nativeint
        ) : Kernel =
        match dtype with
        | DType.Float32 -> ArgSortKernel<float32>(descending, outer, n, inner, src, dst, workspace)
        | DType.Float64 -> ArgSortKernel<float>(descending, outer, n, inner, src, dst, workspace)
        | DType.Int32 -> ArgSortKernel<int>(descending, outer, n, inner, src, dst, workspace)
        | DType.Int64 -> ArgSortKernel<int64>(descending, outer, n, inner, src, dst, workspace)
        | _ -> ArgSortKernel<byte>(descending, outer, n, inner, src, dst, workspace)

/// Running sums.
[<AbstractClass; Sealed>]
type internal CumSum private () =

    /// Exclusive: the element itself is left out. The target may be the source.
    static member Create
        (dtype: DType, isExclusive: bool, reverse: bool, outer: int, n: int, inner: int, src: nativeint, dst: nativeint)
        : Kernel =
        match dtype with
        | DType.Float32 -> CumSumKernel<float32>(isExclusive, reverse, outer, n, inner, src, dst)
        | DType.Float64 -> CumSumKernel<float>(isExclusive, reverse, outer, n, inner, src, dst)
        | DType.Int32 -> CumSumKernel<int>(isExclusive, reverse, outer, n, inner, src, dst)
        | DType.Int64 -> CumSumKernel<int64>(isExclusive, reverse, outer, n, inner, src, dst)
        | other ->
            raise (DTypeException("Only numbers can be summed.", "cumsum", "a number type", DType.name other, ""))
