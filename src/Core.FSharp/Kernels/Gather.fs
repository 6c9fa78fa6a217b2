namespace FunctionalNet.Kernels

open System
open System.Numerics
open System.Runtime.CompilerServices
open Microsoft.FSharp.NativeInterop
open FunctionalNet

/// Reads of index tensors.
module internal Indices =

    /// Index i, or -1 when it is out of [0, size).
    let inline get (indexType: DType) (p: nativeint) (i: int) (size: int) =
        if indexType = DType.Int32 then
            let v = Mem.get<int> p i
            if uint32 v < uint32 size then v else -1
        else
            let v = Mem.get<int64> p i
            if uint64 v < uint64 size then int v else -1

    let check (indexType: DType) (what: string) =
        if not (DType.isInteger indexType) then
            raise (
                DTypeException(
                    "Indices must be integers.",
                    what,
                    "int32 or int64",
                    DType.name indexType,
                    "Cast the indices first."
                )
            )

/// dst[o, c, :] = src[o, indices[c], :], or zeros.
[<Sealed>]
type internal TakeKernel
    (
        elementSize: int,
        indexType: DType,
        outer: int,
        axisSize: int,
        inner: int,
        count: int,
        src: nativeint,
        indices: nativeint,
        dst: nativeint
    ) =
    inherit Kernel()

    let row = int64 inner * int64 elementSize
    let total = outer * count
    let grain = int (max 1L (min (int64 (max 1 total)) (65536L / max 1L row)))

    override _.Chunks(_) = if row = 0L then 0 else (total + grain - 1) / grain

    override _.Run(_, chunk) =
        for t in chunk * grain .. min total ((chunk + 1) * grain) - 1 do
            let o = t / count
            let at = Indices.get indexType indices (t - o * count) axisSize
            let d = dst + nativeint t * nativeint row

            if at < 0 then
                Mem.zero d row
            else
                let s = src + (nativeint o * nativeint axisSize + nativeint at) * nativeint row

                if row = 4L then Mem.set<int> d 0 (Mem.get<int> s 0)
                elif row = 8L then Mem.set<int64> d 0 (Mem.get<int64> s 0)
                else System.Buffer.MemoryCopy(s.ToPointer(), d.ToPointer(), row, row)

/// dst[o, i, :] = sum of updates[o, c, :] over the c with indices[c] = i. Cut by target columns, so that no two chunks
/// write one element and the additions to one element come in the order of c.
[<Sealed>]
type internal ScatterAddKernel<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T>>
    (
        indexType: DType,
        outer: int,
        axisSize: int,
        inner: int,
        count: int,
        indices: nativeint,
        updates: nativeint,
        dst: nativeint
    ) =
    inherit Kernel()

    let size = nativeint sizeof<'T>
    let work = int64 outer * int64 (count + axisSize) * int64 inner

    // Strips of columns of at least 64 elements.
    let strip = if work < 65536L || inner <= 64 then max 1 inner else max 64 ((inner / 4 + 63) &&& ~~~63)

    let strips = (inner + strip - 1) / strip

    override _.Chunks(_) = if axisSize = 0 then 0 else outer * strips

    override _.Run(_, chunk) =
        let o = chunk / strips
        let column = chunk % strips * strip
        let width = min strip (inner - column)
        let target = dst + (nativeint o * nativeint axisSize * nativeint inner + nativeint column) * size
        let source = updates + (nativeint o * nativeint count * nativeint inner + nativeint column) * size

        if width = inner then
            Mem.zero target (int64 axisSize * int64 inner * int64 size)
        else
            for i in 0 .. axisSize - 1 do
                Mem.zero (target + nativeint i * nativeint inner * size) (int64 width * int64 size)

        for c in 0 .. count - 1 do
            let at = Indices.get indexType indices c axisSize

            if at >= 0 then
                let d = target + nativeint at * nativeint inner * size
                AddLoop<'T>.Run(width, d, d, source + nativeint c * nativeint inner * size)

/// dst[o, c, i] = src[o, indices[o, c, i], i], or 0.
[<Sealed>]
type internal TakeAlongKernel<'T>
    (
        indexType: DType,
        outer: int,
        axisSize: int,
        inner: int,
        count: int,
        src: nativeint,
        indices: nativeint,
        dst: nativeint
    ) =
    inherit Kernel()

    do Precompiled.Calls(fun (it: TakeAlongKernel<'T>) -> it.Work 0)

    let perOuter = count * inner
    let grain = max 1 (16384 / max 1 perOuter)

    override _.Chunks(_) = if perOuter = 0 then 0 else (outer + grain - 1) / grain

    override this.Run(_, chunk) = this.Work chunk

    member private _.Work(chunk: int) : unit =
        for o in chunk * grain .. min outer ((chunk + 1) * grain) - 1 do
            let s = src + nativeint o * nativeint axisSize * nativeint inner * nativeint sizeof<'T>

            for c in 0 .. count - 1 do
                let first = o * perOuter + c * inner

                for i in 0 .. inner - 1 do
                    let at = Indices.get indexType indices (first + i) axisSize

                    Mem.set<'T>
                        dst
                        (first + i)
                        (if at < 0 then Unchecked.defaultof<'T> else Mem.get<'T> s (at * inner + i))

/// dst[o, indices[o, c, i], i] += updates[o, c, i], from zeros.
[<Sealed>]
type internal ScatterAlongKernel<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T>>
    (
        indexType: DType,
        outer: int,
        axisSize: int,
        inner: int,
        count: int,
        indices: nativeint,
        updates: nativeint,
        dst: nativeint
    ) =
    inherit Kernel()

    let perOuter = axisSize * inner
    let grain = max 1 (16384 / max 1 (perOuter + count * inner))

    override _.Chunks(_) = if perOuter = 0 then 0 else (outer + grain - 1) / grain

    override _.Run(_, chunk) =
        for o in chunk * grain .. min outer ((chunk + 1) * grain) - 1 do
            let d = dst + nativeint o * nativeint perOuter * nativeint sizeof<'T>
            Mem.zero d (int64 perOuter * int64 sizeof<'T>)

            for c in 0 .. count - 1 do
                let first = (o * count + c) * inner

                for i in 0 .. inner - 1 do
                    let at = Indices.get indexType indices (first + i) axisSize

                    if at >= 0 then
                        let sum: 'T = Mem.get<'T> d (at * inner + i) + Mem.get<'T> updates (first + i)
                        Mem.set<'T> d (at * inner + i) sum

/// Rows of an axis picked by a list of indices.
[<AbstractClass; Sealed>]
type internal Take private () =

    /// src (outer, axisSize, inner), indices (count), dst (outer, count, inner); an index out of range gives zeros.
    static member Create
        (
            elementSize: int,
            indexType: DType,
            outer: int,
            axisSize: int,
            inner: int,
            count: int,
            src: nativeint,
            indices: nativeint,
            dst: nativeint
        ) : Kernel =
        Indices.check indexType "take"
        TakeKernel(elementSize, indexType, outer, axisSize, inner, count, src, indices, dst)

/// The transpose of `Take`.
[<AbstractClass; Sealed>]
type internal ScatterAdd private () =

    /// updates (outer, count, inner) added into zeros (outer, axisSize, inner); an index out of range is ignored.
    static member Create
        (
            dtype: DType,
            indexType: DType,
            outer: int,
            axisSize: int,
            inner: int,
            count: int,
            indices: nativeint,
            updates: nativeint,
            dst: nativeint
        ) : Kernel =
        Indices.check indexType "scatter"

        match dtype with
        | DType.Float32 -> ScatterAddKernel<float32>(indexType, outer, axisSize, inner, count, indices, updates, dst)
        | DType.Float64 -> ScatterAddKernel<float>(indexType, outer, axisSize, inner, count, indices, updates, dst)
        | DType.Int32 -> ScatterAddKernel<int>(indexType, outer, axisSize, inner, count, indices, updates, dst)
        | DType.Int64 -> ScatterAddKernel<int64>(indexType, outer, axisSize, inner, count, indices, updates, dst)
        | other ->
            raise (DTypeException("Only numbers can be added.", "scatter", "a number type", DType.name other, ""))

/// Elements picked by an index tensor of the result's shape.
[<AbstractClass; Sealed>]
type internal TakeAlongAxis private () =

    /// src (outer, axisSize, inner), indices and dst (outer, count, inner); an index out of range gives 0.
    static member Create
        (
            elementSize: int,
            indexType: DType,
            outer: int,
            axisSize: int,
            inner: int,
            count: int,
            src: nativeint,
            indices: nativeint,
            dst: nativeint
        ) : Kernel =
        Indices.check indexType "take along axis"

        match elementSize with
        | 1 -> TakeAlongKernel<byte>(indexType, outer, axisSize, inner, count, src, indices, dst)
        | 2 -> TakeAlongKernel<int16>(indexType, outer, axisSize, inner, count, src, indices, dst)
        | 4 -> TakeAlongKernel<int>(indexType, outer, axisSize, inner, count, src, indices, dst)
        | _ -> TakeAlongKernel<int64>(indexType, outer, axisSize, inner, count, src, indices, dst)

/// The transpose of `TakeAlongAxis`.
[<AbstractClass; Sealed>]
type internal ScatterAlongAxis private () =

    /// indices and updates (outer, count, inner) added into zeros (outer, axisSize, inner).
    static member Create
        (
            dtype: DType,
            indexType: DType,
            outer: int,
            axisSize: int,
            inner: int,
            count: int,
            indices: nativeint,
            updates: nativeint,
            dst: nativeint
        ) : Kernel =
        Indices.check indexType "scatter along axis"

        match dtype with
        | DType.Float32 -> ScatterAlongKernel<float32>(indexType, outer, axisSize, inner, count, indices, updates, dst)
        | DType.Float64 -> ScatterAlongKernel<float>(indexType, outer, axisSize, inner, count, indices, updates, dst)
        | DType.Int32 -> ScatterAlongKernel<int>(indexType, outer, axisSize, inner, count, indices, updates, dst)
        | DType.Int64 -> ScatterAlongKernel<int64>(indexType, outer, axisSize, inner, count, indices, updates, dst)
        | other ->
            raise (
                DTypeException(
                    "Only numbers can be added.",
                    "scatter along axis",
                    "a number type",
                    DType.name other,
                    ""
                )
            )
