namespace FunctionalNet.Kernels

open System
open System.Runtime.Intrinsics
open FunctionalNet

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// Sizes of an attention, and which keys a query sees: queries (B, T, H, K), keys (B, S, G, K) and values (B, S, G, V), where G
/// divides H, all contiguous; and a mask of bytes for rows of (B, H, T), each of S bytes.
[<NoEquality; NoComparison>]
type internal AttentionSpec =
    {
        Batch: int
        Queries: int
        Keys: int
        Heads: int
        Groups: int
        KeySize: int
        ValueSize: int
        Scale: float
        Causal: bool
        /// 0 for no limit.
        Window: int
        /// Sizes of the mask's axes for batch, head and query, 1 where one row serves all; empty without a mask.
        Mask: int[]
    }

    /// The first key that the pattern lets a query see, and the one after the last.
    member s.Range(query: int) : struct (int * int) =
        let first = if s.Window > 0 then min s.Keys (max 0 (query - s.Window + 1)) else 0
        let near = if s.Window > 0 then min s.Keys (query + s.Window) else s.Keys
        let stop = if s.Causal then min near (query + 1) else near
        struct (first, max first stop)

    /// The mask's bytes for a query, at a key.
    member s.MaskAt(mask: nativeint, b: int, h: int, t: int, key: int) : nativeint =
        if s.Mask.Length = 0 then
            0n
        else
            let index (i: int) (axis: int) = if s.Mask[axis] = 1 then 0 else i
            let row = (index b 0 * s.Mask[1] + index h 1) * s.Mask[2] + index t 2
            mask + nativeint row * nativeint s.Keys + nativeint key

    /// Queries whose scores are in the cache at a time: two blocks of them fit into a thread's scratch memory.
    member s.BlockRows(size: int) = max 1 (min 64 (384 * 1024 / max 1 (s.Keys * size)))

/// What the two kernels of attention share: one head of one batch entry at a time.
[<AbstractClass>]
type internal AttentionKernel<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>>
    (s: AttentionSpec, rows: AttentionRows) =
    inherit Kernel()

    let size = nativeint sizeof<'T>
    let blockRows = s.BlockRows sizeof<'T>

    member _.Spec = s
    member _.Rows = rows
    member _.Size = size
    member _.BlockRows = blockRows
    member _.QueryRow = nativeint (s.Heads * s.KeySize) * size
    member _.OutRow = nativeint (s.Heads * s.ValueSize) * size
    member _.KeyRow = nativeint (s.Groups * s.KeySize) * size
    member _.ValueRow = nativeint (s.Groups * s.ValueSize) * size

    /// Where a row begins: time step t of head h of batch entry b, of tensors (B, steps, heads, width).
    member _.At(p: nativeint, b: int, steps: int, t: int, heads: int, h: int, width: int) : nativeint =
        p + nativeint (((b * steps + t) * heads + h) * width) * size

    /// C = A B or C += A B for any sizes; steps are in bytes.
    member _.Product
        (
            m: int,
            n: int,
            depth: int,
            a: nativeint,
            aRow: nativeint,
            aColumn: nativeint,
            b: nativeint,
            bRow: nativeint,
            c: nativeint,
            cRow: nativeint,
            accumulate: bool
        ) =
        let high = GemmPanels<'W, 'V, 'T>.Rows
        let wide = GemmPanels<'W, 'V, 'T>.Columns
        let mutable j = 0

        while j < n do
            let columns = min wide (n - j)
            let at = nativeint j * size
            let mutable i = 0

            while i < m do
                let height = min high (m - i)

                GemmPanels<'W, 'V, 'T>
                    .Tile(
                        height,
                        columns,
                        depth,
                        a + nativeint i * aRow,
                        aRow,
                        aColumn,
                        b + at,
                        bRow,
                        c + nativeint i * cRow + at,
                        cRow,
                        accumulate
                    )

                i <- i + height

            j <- j + columns

    /// The keys that a block of queries sees, together.
    member _.Span(first: int, count: int) : struct (int * int) =
        let struct (low, _) = s.Range first
        let mutable high = low

        for t in first .. first + count - 1 do
            let struct (_, stop) = s.Range t
            high <- max high stop

        struct (low, high)

    /// The keys (or values) of a head, transposed: (size, keys).
    member _.Transpose(source: nativeint, row: nativeint, width: int, target: nativeint) =
        Transpose.plane<'W, 'V, 'T> source row s.Keys width target (nativeint s.Keys * size)

/// Softmax (scale Q K^T) V, head by head and block by block of queries; and per query the logarithm of the sum of its weights,
/// (B, H, T). The workspace holds all keys, transposed.
[<Sealed>]
type internal AttentionForwardKernel<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>>
    (
        s: AttentionSpec,
        rows: AttentionRows,
        q: nativeint,
        k: nativeint,
        v: nativeint,
        mask: nativeint,
        out: nativeint,
        logs: nativeint,
        workspace: nativeint
    ) =
    inherit AttentionKernel<'W, 'V, 'T>(s, rows)

    let blocks = (s.Queries + s.BlockRows sizeof<'T> - 1) / s.BlockRows sizeof<'T>

    override _.Phases = 2

    override _.Chunks(phase) = if phase = 0 then s.Batch * s.Groups else s.Batch * s.Heads * blocks

    member private this.Packed(b: int, g: int) =
        workspace + nativeint ((b * s.Groups + g) * s.KeySize) * nativeint s.Keys * this.Size

    /// A query that sees no key gets the mean of all values.
    member private this.Mean(b: int, g: int, target: nativeint) =
        Mem.zero target (int64 s.ValueSize * int64 this.Size)

        for key in 0 .. s.Keys - 1 do
            rows.Add(target, this.At(v, b, s.Keys, key, s.Groups, g, s.ValueSize), s.ValueSize, 1.0 / float s.Keys)

    override this.Run(phase, chunk) =
        if phase = 0 then
            let b, g = chunk / s.Groups, chunk % s.Groups
            this.Transpose(this.At(k, b, s.Keys, 0, s.Groups, g, s.KeySize), this.KeyRow, s.KeySize, this.Packed(b, g))
        else
            let first = chunk % blocks * this.BlockRows
            let b, h = chunk / blocks / s.Heads, chunk / blocks % s.Heads
            let g = h / (s.Heads / s.Groups)
            let count = min this.BlockRows (s.Queries - first)
            let struct (low, high) = this.Span(first, count)
            let n = high - low
            let scores = Scratch.Pointer
            let row = nativeint n * this.Size
            let target = this.At(out, b, s.Queries, first, s.Heads, h, s.ValueSize)

            this.Product(
                count,
                n,
                s.KeySize,
                this.At(q, b, s.Queries, first, s.Heads, h, s.KeySize),
                this.QueryRow,
                this.Size,
                this.Packed(b, g) + nativeint low * this.Size,
                nativeint s.Keys * this.Size,
                scores,
                row,
                false
            )

            let sums = Scratch.TilePointer

            for i in 0 .. count - 1 do
                let struct (from, stop) = s.Range(first + i)
                let here = s.MaskAt(mask, b, h, first + i, low)

                let struct (most, sum) =
                    rows.Weigh(scores + nativeint i * row, n, from - low, stop - low, s.Scale, here)

                let log = if sum = 0.0 then Math.Log(float s.Keys) else most + Math.Log sum
                rows.Set(logs, (b * s.Heads + h) * s.Queries + first + i, log)
                Mem.set<float> sums i sum

            this.Product(
                count,
                s.ValueSize,
                n,
                scores,
                row,
                this.Size,
                this.At(v, b, s.Keys, low, s.Groups, g, s.ValueSize),
                this.ValueRow,
                target,
                this.OutRow,
                false
            )

            for i in 0 .. count - 1 do
                let sum = Mem.get<float> sums i
                let place = target + nativeint i * this.OutRow

                if sum = 0.0 then this.Mean(b, g, place) else rows.Multiply(place, s.ValueSize, 1.0 / sum)

/// The cotangents of queries, keys and values, from the result, its cotangent and the logarithms. The weights are computed
/// again, block by block of queries. The workspace holds all keys and values, transposed.
[<Sealed>]
type internal AttentionBackwardKernel<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>>
    (
        s: AttentionSpec,
        rows: AttentionRows,
        q: nativeint,
        k: nativeint,
        v: nativeint,
        mask: nativeint,
        out: nativeint,
        logs: nativeint,
        g: nativeint,
        dq: nativeint,
        dk: nativeint,
        dv: nativeint,
        workspace: nativeint
    ) =
    inherit AttentionKernel<'W, 'V, 'T>(s, rows)

    let elements = nativeint (s.KeySize + s.ValueSize) * nativeint s.Keys

    override _.Chunks(_) = s.Batch * s.Groups

    member private this.Block(b: int, group: int, h: int, first: int, count: int, keys: nativeint, values: nativeint) =
        let struct (low, high) = this.Span(first, count)
        let n = high - low
        let row = nativeint n * this.Size
        let weights = Scratch.Pointer
        let pulls = weights + nativeint (this.BlockRows * s.Keys) * this.Size
        let queries = this.At(q, b, s.Queries, first, s.Heads, h, s.KeySize)
        let result = this.At(out, b, s.Queries, first, s.Heads, h, s.ValueSize)
        let wanted = this.At(g, b, s.Queries, first, s.Heads, h, s.ValueSize)
        let across = nativeint s.Keys * this.Size
        let shift = nativeint low * this.Size
        this.Product(count, n, s.KeySize, queries, this.QueryRow, this.Size, keys + shift, across, weights, row, false)
        this.Product(count, n, s.ValueSize, wanted, this.OutRow, this.Size, values + shift, across, pulls, row, false)

        for i in 0 .. count - 1 do
            let t = first + i
            let struct (from, stop) = s.Range t
            let here = s.MaskAt(mask, b, h, t, low)
            let w = weights + nativeint i * row
            let log = rows.Get(logs, (b * s.Heads + h) * s.Queries + t)
            let place = wanted + nativeint i * this.OutRow
            rows.WeighAgain(w, n, from - low, stop - low, s.Scale, here, log)
            let dot = rows.Dot(place, result + nativeint i * this.OutRow, s.ValueSize)
            rows.Pull(pulls + nativeint i * row, w, n, dot, s.Scale)

            if this.SeesNothing(from - low, stop - low, here) then
                for key in 0 .. s.Keys - 1 do
                    let target = this.At(dv, b, s.Keys, key, s.Groups, group, s.ValueSize)
                    rows.Add(target, place, s.ValueSize, 1.0 / float s.Keys)

        let keysAt (p: nativeint) (width: int) = this.At(p, b, s.Keys, low, s.Groups, group, width)

        this.Product(
            count,
            s.KeySize,
            n,
            pulls,
            row,
            this.Size,
            keysAt k s.KeySize,
            this.KeyRow,
            this.At(dq, b, s.Queries, first, s.Heads, h, s.KeySize),
            this.QueryRow,
            false
        )

        this.Product(
            n,
            s.KeySize,
            count,
            pulls,
            this.Size,
            row,
            queries,
            this.QueryRow,
            keysAt dk s.KeySize,
            this.KeyRow,
            true
        )

        this.Product(
            n,
            s.ValueSize,
            count,
            weights,
            this.Size,
            row,
            wanted,
            this.OutRow,
            keysAt dv s.ValueSize,
            this.ValueRow,
            true
        )

    member private _.SeesNothing(first: int, stop: int, mask: nativeint) =
        let mutable nothing = true

        if mask = 0n then
            nothing <- stop <= first
        else
            for i in first .. stop - 1 do
                if Mem.get<byte> mask i <> 0uy then nothing <- false

        nothing

    override this.Run(_, chunk) =
        let b, group = chunk / s.Groups, chunk % s.Groups
        let keys = workspace + nativeint chunk * elements * this.Size
        let values = keys + nativeint (s.KeySize * s.Keys) * this.Size
        let keysAt = this.At(k, b, s.Keys, 0, s.Groups, group, s.KeySize)
        let valuesAt = this.At(v, b, s.Keys, 0, s.Groups, group, s.ValueSize)
        this.Transpose(keysAt, this.KeyRow, s.KeySize, keys)
        this.Transpose(valuesAt, this.ValueRow, s.ValueSize, values)

        for key in 0 .. s.Keys - 1 do
            let clear (p: nativeint) (width: int) =
                Mem.zero (this.At(p, b, s.Keys, key, s.Groups, group, width)) (int64 width * int64 this.Size)

            clear dk s.KeySize
            clear dv s.ValueSize

        let together = s.Heads / s.Groups

        for h in group * together .. (group + 1) * together - 1 do
            let mutable first = 0

            while first < s.Queries do
                let count = min this.BlockRows (s.Queries - first)
                this.Block(b, group, h, first, count, keys, values)
                first <- first + count

/// Attention whose scores are never stored as a whole.
[<AbstractClass; Sealed>]
type internal Attention private () =

    static let rows (dtype: DType) (width: Width) : AttentionRows =
        match dtype, width with
        | DType.Float64, _ -> AttentionRows64()
        | _, Width.W512 -> AttentionRows32<Lanes512<float32>, Vector512<float32>>()
        | _, Width.W256 -> AttentionRows32<Lanes256<float32>, Vector256<float32>>()
        | _ -> AttentionRows32<Lanes128<float32>, Vector128<float32>>()

    /// True if a kernel can do it: two rows of scores have to fit into a thread's scratch memory.
    static member Fits(dtype: DType, keys: int) : bool =
        (dtype = DType.Float32 || dtype = DType.Float64)
        && 2L * int64 keys * int64 (DType.size dtype) <= int64 Scratch.Size

    /// Bytes of workspace.
    static member Workspace(dtype: DType, s: AttentionSpec, backward: bool) : int64 =
        let each = s.KeySize + (if backward then s.ValueSize else 0)
        int64 (s.Batch * s.Groups) * int64 each * int64 s.Keys * int64 (DType.size dtype)

    /// The weighted values, and the logarithms of the sums of weights.
    static member Forward
        (
            dtype: DType,
            s: AttentionSpec,
            q: nativeint,
            k: nativeint,
            v: nativeint,
            mask: nativeint,
            out: nativeint,
            logs: nativeint,
            workspace: nativeint,
            width: Width
        ) : Kernel =
        let rows = rows dtype width

        match dtype, width with
        | DType.Float64, Width.W512 ->
            AttentionForwardKernel<Lanes512<float>, Vector512<float>, float>(
                s,
                rows,
                q,
                k,
                v,
                mask,
                out,
                logs,
                workspace
            )
        | DType.Float64, Width.W256 ->
            AttentionForwardKernel<Lanes256<float>, Vector256<float>, float>(
                s,
                rows,
                q,
                k,
                v,
                mask,
                out,
                logs,
                workspace
            )
        | DType.Float64, _ ->
            AttentionForwardKernel<Lanes128<float>, Vector128<float>, float>(
                s,
                rows,
                q,
                k,
                v,
                mask,
                out,
                logs,
                workspace
            )
        | _, Width.W512 ->
            AttentionForwardKernel<Lanes512<float32>, Vector512<float32>, float32>(
                s,
                rows,
                q,
                k,
                v,
                mask,
                out,
                logs,
                workspace
            )
        | _, Width.W256 ->
            AttentionForwardKernel<Lanes256<float32>, Vector256<float32>, float32>(
                s,
                rows,
                q,
                k,
                v,
                mask,
                out,
                logs,
                workspace
            )
        | _ ->
            AttentionForwardKernel<Lanes128<float32>, Vector128<float32>, float32>(
                s,
                rows,
                q,
                k,
                v,
                mask,
                out,
                logs,
                workspace
            )

    /// The cotangents of queries, keys and values; `inputs` are queries, keys, values, the weighted values, the logarithms,
    /// and the cotangent of the weighted values.
    static member Backward
        (
            dtype: DType,
            s: AttentionSpec,
            inputs: nativeint[],
            mask: nativeint,
            results: nativeint[],
            workspace: nativeint,
            width: Width
        ) : Kernel =
        let r = rows dtype width
        let q, k, v, out, logs, g = inputs[0], inputs[1], inputs[2], inputs[3], inputs[4], inputs[5]
        let dq, dk, dv = results[0], results[1], results[2]
        let w = workspace

        match dtype, width with
        | DType.Float64, Width.W512 ->
            AttentionBackwardKernel<Lanes512<float>, Vector512<float>, float>(
                s,
                r,
                q,
                k,
                v,
                mask,
                out,
                logs,
                g,
                dq,
                dk,
                dv,
                w
            )
        | DType.Float64, Width.W256 ->
            AttentionBackwardKernel<Lanes256<float>, Vector256<float>, float>(
                s,
                r,
                q,
                k,
                v,
                mask,
                out,
                logs,
                g,
                dq,
                dk,
                dv,
                w
            )
        | DType.Float64, _ ->
            AttentionBackwardKernel<Lanes128<float>, Vector128<float>, float>(
                s,
                r,
                q,
                k,
                v,
                mask,
                out,
                logs,
                g,
                dq,
                dk,
                dv,
                w
            )
        | _, Width.W512 ->
            AttentionBackwardKernel<Lanes512<float32>, Vector512<float32>, float32>(
                s,
                r,
                q,
                k,
                v,
                mask,
                out,
                logs,
                g,
                dq,
                dk,
                dv,
                w
            )
        | _, Width.W256 ->
            AttentionBackwardKernel<Lanes256<float32>, Vector256<float32>, float32>(
                s,
                r,
                q,
                k,
                v,
                mask,
                out,
                logs,
                g,
                dq,
                dk,
                dv,
                w
            )
        | _ ->
            AttentionBackwardKernel<Lanes128<float32>, Vector128<float32>, float32>(
                s,
                r,
                q,
                k,
                v,
                mask,
                out,
                logs,
                g,
                dq,
                dk,
                dv,
                w
            )
