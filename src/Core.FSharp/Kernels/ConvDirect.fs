namespace FunctionalNet.Kernels

open System.Numerics
open System.Runtime.CompilerServices
open System.Runtime.Intrinsics
open Microsoft.FSharp.NativeInterop
open FunctionalNet
open FunctionalNet.Kernels.Lanes

/// Part of a convolution: a grid of target positions that all see the source through the same list of runs of
/// contiguous elements. A forward convolution is one part; a gradient to the input has one for each residue of the strides.
[<NoEquality; NoComparison>]
type internal ConvPart =
    {
        /// Grid sizes (three spatial dims).
        Grid: int[]
        /// First source position of the grid's origin and its steps, in the padded source.
        SourceOrigin: int[]
        SourceStep: int[]
        /// The same in the target.
        TargetOrigin: int[]
        TargetStep: int[]
        /// For each run, its offset in elements from the first position of a target position.
        Runs: int[]
        /// For each run, its row in the weights: index of the first (tap, input channel) row.
        Taps: int[]
    }

/// A convolution as products of 6 positions by two vectors of output channels, read straight from the (padded) source:
/// nothing is unrolled in memory. Phase 0 pads the source and packs the weights; phase 1 computes blocks of positions.
[<Sealed>]
type internal ConvGeometry
    (
        size: int,
        batch: int,
        source: int[],
        padLow: int[],
        padHigh: int[],
        sourceChannels: int,
        groups: int,
        runLength: int,
        target: int[],
        targetChannels: int,
        parts: ConvPart[],
        copySource: bool
    ) =

    let nr = 64 / size
    let padded = Array.init 3 (fun i -> source[i] + padLow[i] + padHigh[i])
    let needsPad =
        copySource || Array.exists (fun p -> p > 0) padLow || Array.exists (fun p -> p > 0) padHigh
    let volume (v: int[]) = int64 v[0] * int64 v[1] * int64 v[2]

    let paddedBytes =
        // Room for reads a little past the end.
        if needsPad then
            Mem.align (int64 batch * volume padded * int64 sourceChannels * int64 size) + 64L
        else
            0L

    let columns = targetChannels / groups
    let panels = (columns + nr - 1) / nr

    // Elements of packed weights up to each part, all groups.
    let weightOffsets =
        parts
        |> Array.scan (fun sum p -> sum + int64 groups * int64 panels * int64 (p.Runs.Length * runLength * nr)) 0L

    let packedBytes = Mem.align (weightOffsets[parts.Length] * int64 size)

    member _.Batch = batch
    member _.Source = source
    member _.Padded = padded
    member _.PadLow = padLow
    member _.NeedsPad = needsPad
    member _.SourceChannels = sourceChannels
    member _.Groups = groups
    member _.RunLength = runLength
    member _.Target = target
    member _.TargetChannels = targetChannels
    member _.Columns = columns
    member _.Panels = panels
    member _.Parts = parts
    member _.WeightOffsets = weightOffsets
    member _.PaddedBytes = paddedBytes
    member _.Workspace = paddedBytes + packedBytes

/// Copies rows of a source into its zero-padded form.
module internal ConvPad =

    /// Rows of the padded source.
    let rows (g: ConvGeometry) = g.Batch * g.Padded[0] * g.Padded[1]

    let copyRow (size: int) (g: ConvGeometry) (src: nativeint) (dst: nativeint) (row: int) =
        let pixel = nativeint g.SourceChannels * nativeint size
        let h = row % g.Padded[1] - g.PadLow[1]
        let d = row / g.Padded[1] % g.Padded[0] - g.PadLow[0]
        let n = row / (g.Padded[1] * g.Padded[0])
        let target = dst + nativeint row * nativeint g.Padded[2] * pixel

        if uint32 h >= uint32 g.Source[1] || uint32 d >= uint32 g.Source[0] then
            Mem.zero target (int64 g.Padded[2] * int64 pixel)
        else
            let from = src + nativeint ((n * g.Source[0] + d) * g.Source[1] + h) * nativeint g.Source[2] * pixel
            let low = nativeint g.PadLow[2] * pixel
            let middle = nativeint g.Source[2] * pixel
            Mem.zero target (int64 low)
            Mem.copy (target + low) from (int64 middle)
            Mem.zero (target + low + middle) (int64 (nativeint g.Padded[2] * pixel - low - middle))

[<Sealed>]
type internal ConvDirectKernel<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T>>
    (
        g: ConvGeometry,
        /// Packs rows [tap .. tap + runLength) of the weights, `count` columns from `column` of a group, at `dst`.
        transposed: bool,
        weightColumns: int,
        src: nativeint,
        weights: nativeint,
        dst: nativeint,
        workspace: nativeint,
        epilogue: Epilogue
    ) =
    inherit Kernel()

    let nr = 64 / sizeof<'T>
    let size = nativeint sizeof<'T>
    let source = if g.NeedsPad then workspace else src
    let packed = workspace + nativeint g.PaddedBytes
    let groupChannels = g.SourceChannels / g.Groups

    let padRowBytes = int64 g.Padded[2] * int64 g.SourceChannels * int64 sizeof<'T>
    let padGrain = int (max 1L (131072L / max 1L padRowBytes))
    let padChunks = if g.NeedsPad then (ConvPad.rows g + padGrain - 1) / padGrain else 0

    // One packing chunk for each (part, group, panel).
    let packPerPart = g.Groups * g.Panels

    let positions = g.Parts |> Array.map (fun p -> g.Batch * p.Grid[0] * p.Grid[1] * p.Grid[2])

    // Blocks of positions: about 96, fewer when there are few, so that there is something to share out.
    let block =
        let most = Array.fold max 0 positions
        let wanted = (most + 7) / 8
        max 6 (min 96 ((wanted + 5) / 6 * 6))

    let blocks = positions |> Array.map (fun p -> (p + block - 1) / block)

    // Panels of one chunk: all, unless there are few positions.
    let panelGroup =
        let total = Array.sum blocks * g.Groups
        if total >= 8 then g.Panels else max 1 ((g.Panels * max 1 total + 7) / 8)

    let panelGroups = (g.Panels + panelGroup - 1) / max 1 panelGroup

    // Chunk numbers at which each part begins.
    let starts = blocks |> Array.scan (fun sum b -> sum + b * g.Groups * panelGroups) 0

    let isEmpty = g.Batch = 0 || g.TargetChannels = 0 || Array.sum positions = 0

    override _.Phases = 2

    override _.Chunks(phase) =
        if isEmpty then 0
        elif phase = 0 then padChunks + packPerPart * g.Parts.Length
        else starts[g.Parts.Length]

    override this.Run(phase, chunk) =
        if phase = 1 then
            this.Block chunk
        elif chunk < padChunks then
            for row in chunk * padGrain .. min (ConvPad.rows g) ((chunk + 1) * padGrain) - 1 do
                ConvPad.copyRow sizeof<'T> g src source row
        else
            this.Pack(chunk - padChunks)

    /// Where the packed panel of a part and group begins.
    member private _.PanelAt(part: int, group: int, panel: int) =
        let depth = g.Parts[part].Runs.Length * g.RunLength

        NativePtr.ofNativeInt<'T>(
            packed
            + (nativeint g.WeightOffsets[part] + nativeint ((group * g.Panels + panel) * depth * nr)) * size
        )

    member private this.Pack(chunk: int) =
        let index = chunk / packPerPart
        let part = g.Parts[index]
        let group = chunk % packPerPart / g.Panels
        let panel = chunk % g.Panels
        let column = panel * nr
        let count = min nr (g.Columns - column)
        let first = this.PanelAt(index, group, panel)
        let w = NativePtr.ofNativeInt<'T> weights

        for r in 0 .. part.Taps.Length - 1 do
            let d = NativePtr.add first (r * g.RunLength * nr)

            if transposed then
                // The rows of a tap are output channels of the weights (k, in, out), the columns input channels.
                let from = NativePtr.add w ((part.Taps[r] * g.Columns + column) * weightColumns + group * groupChannels)
                GemmCore<'T>.PackTransposed(from, weightColumns, g.RunLength, count, nr, d)
            else
                let from = NativePtr.add w (part.Taps[r] * weightColumns + group * g.Columns + column)
                GemmCore<'T>.PackStraight(from, weightColumns, g.RunLength, count, nr, d)

    member private this.Block(chunk: int) =
        let mutable index = 0

        while chunk >= starts[index + 1] do
            index <- index + 1

        let part = g.Parts[index]
        let local = chunk - starts[index]
        let panelFirst = local % panelGroups * panelGroup
        let group = local / panelGroups % g.Groups
        let first = local / (panelGroups * g.Groups) * block
        let count = min block (positions[index] - first)
        let from = NativePtr.ofNativeInt<nativeint> Scratch.Pointer
        let into = NativePtr.add from 128
        this.Locate(part, first, count, group, from, into)
        let runs = NativePtr.ofNativeInt<int>(Scratch.Pointer + 4096n)

        for r in 0 .. part.Runs.Length - 1 do
            NativePtr.set runs r part.Runs[r]

        for panel in panelFirst .. min g.Panels (panelFirst + panelGroup) - 1 do
            let b = this.PanelAt(index, group, panel)
            let columns = min nr (g.Columns - panel * nr)
            let shift = nativeint (panel * nr) * size
            let mutable i = 0

            while i < count do
                let rows = min 6 (count - i)
                this.Tile(part.Runs.Length, runs, NativePtr.add from i, b, NativePtr.add into i, shift, rows, columns)
                i <- i + 6

        if not epilogue.IsNone then
            let column = panelFirst * nr
            let columns = min g.Columns (column + panelGroup * nr) - column
            this.Finish(into, count, column, columns)

    /// Hands on what a block has written: positions at one distance from each other go together.
    member private _.Finish(into: nativeptr<nativeint>, count: int, column: int, columns: int) =
        let index (i: int) = int ((NativePtr.get into i - dst) / size)
        let mutable i = 0

        while i < count do
            let first = index i
            let stride = if i + 1 < count then index (i + 1) - first else 0
            let mutable next = i + 1

            while next < count && index next = first + (next - i) * stride do
                next <- next + 1

            epilogue.Run(first + column, next - i, columns, stride)
            i <- next

    /// The addresses of positions in the source and in the target; the last one fills up to a multiple of 6.
    member private _.Locate
        (part: ConvPart, first: int, count: int, group: int, from: nativeptr<nativeint>, into: nativeptr<nativeint>)
        =
        let gw = part.Grid[2]
        let gh = part.Grid[1]
        let gd = part.Grid[0]
        let mutable x = first % gw
        let mutable y = first / gw % gh
        let mutable z = first / (gw * gh) % gd
        let mutable n = first / (gw * gh * gd)

        for i in 0 .. count - 1 do
            let sz = part.SourceOrigin[0] + z * part.SourceStep[0]
            let sy = part.SourceOrigin[1] + y * part.SourceStep[1]
            let sx = part.SourceOrigin[2] + x * part.SourceStep[2]
            let s = nativeint (((n * g.Padded[0] + sz) * g.Padded[1] + sy) * g.Padded[2] + sx)
            NativePtr.set from i (source + (s * nativeint g.SourceChannels + nativeint (group * groupChannels)) * size)
            let tz = part.TargetOrigin[0] + z * part.TargetStep[0]
            let ty = part.TargetOrigin[1] + y * part.TargetStep[1]
            let tx = part.TargetOrigin[2] + x * part.TargetStep[2]
            let t = nativeint (((n * g.Target[0] + tz) * g.Target[1] + ty) * g.Target[2] + tx)
            NativePtr.set into i (dst + (t * nativeint g.TargetChannels + nativeint (group * g.Columns)) * size)
            x <- x + 1

            if x = gw then
                x <- 0
                y <- y + 1

                if y = gh then
                    y <- 0
                    z <- z + 1

                    if z = gd then
                        z <- 0
                        n <- n + 1

        for i in count .. (count + 5) / 6 * 6 - 1 do
            NativePtr.set from i (NativePtr.get from (count - 1))
            NativePtr.set into i (NativePtr.get into (count - 1))

    /// 6 positions by two vectors of channels; only `rows` by `columns` of them are written.
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    member private _.Tile
        (
            runCount: int,
            runs: nativeptr<int>,
            from: nativeptr<nativeint>,
            b: nativeptr<'T>,
            into: nativeptr<nativeint>,
            shift: nativeint,
            rows: int,
            columns: int
        ) =
        let w = nativeint (32 / sizeof<'T>) * nativeint sizeof<'T>
        let length = nativeint g.RunLength * nativeint sizeof<'T>
        let mutable c00 = Vector256<'T>.Zero
        let mutable c01 = Vector256<'T>.Zero
        let mutable c10 = Vector256<'T>.Zero
        let mutable c11 = Vector256<'T>.Zero
        let mutable c20 = Vector256<'T>.Zero
        let mutable c21 = Vector256<'T>.Zero
        let mutable c30 = Vector256<'T>.Zero
        let mutable c31 = Vector256<'T>.Zero
        let mutable c40 = Vector256<'T>.Zero
        let mutable c41 = Vector256<'T>.Zero
        let mutable c50 = Vector256<'T>.Zero
        let mutable c51 = Vector256<'T>.Zero
        let mutable q = NativePtr.toNativeInt b

        for r in 0 .. runCount - 1 do
            let offset = nativeint (NativePtr.get runs r) * nativeint sizeof<'T>
            let p0 = NativePtr.get from 0 + offset
            let p1 = NativePtr.get from 1 + offset
            let p2 = NativePtr.get from 2 + offset
            let p3 = NativePtr.get from 3 + offset
            let p4 = NativePtr.get from 4 + offset
            let p5 = NativePtr.get from 5 + offset
            let mutable i = 0n

            while i < length do
                let b0 = load<'T> q
                let b1 = load<'T>(q + w)
                let a0 = Vector256.Create(Mem.get<'T> (p0 + i) 0)
                c00 <- fma a0 b0 c00
                c01 <- fma a0 b1 c01
                let a1 = Vector256.Create(Mem.get<'T> (p1 + i) 0)
                c10 <- fma a1 b0 c10
                c11 <- fma a1 b1 c11
                let a2 = Vector256.Create(Mem.get<'T> (p2 + i) 0)
                c20 <- fma a2 b0 c20
                c21 <- fma a2 b1 c21
                let a3 = Vector256.Create(Mem.get<'T> (p3 + i) 0)
                c30 <- fma a3 b0 c30
                c31 <- fma a3 b1 c31
                let a4 = Vector256.Create(Mem.get<'T> (p4 + i) 0)
                c40 <- fma a4 b0 c40
                c41 <- fma a4 b1 c41
                let a5 = Vector256.Create(Mem.get<'T> (p5 + i) 0)
                c50 <- fma a5 b0 c50
                c51 <- fma a5 b1 c51
                q <- q + 64n
                i <- i + nativeint sizeof<'T>

        if columns = 64 / sizeof<'T> then
            // Rows that do not exist repeat the last one's address: written in order, it comes out right only if they
            // hold the same numbers, which they do, because their sources are the same too.
            let t0 = NativePtr.get into 0 + shift
            store t0 c00
            store (t0 + w) c01
            let t1 = NativePtr.get into 1 + shift
            store t1 c10
            store (t1 + w) c11
            let t2 = NativePtr.get into 2 + shift
            store t2 c20
            store (t2 + w) c21
            let t3 = NativePtr.get into 3 + shift
            store t3 c30
            store (t3 + w) c31
            let t4 = NativePtr.get into 4 + shift
            store t4 c40
            store (t4 + w) c41
            let t5 = NativePtr.get into 5 + shift
            store t5 c50
            store (t5 + w) c51
        else
            let aside = NativePtr.toNativeInt (NativePtr.stackalloc<'T> 96)
            store aside c00
            store (aside + w) c01
            store (aside + 64n) c10
            store (aside + 64n + w) c11
            store (aside + 128n) c20
            store (aside + 128n + w) c21
            store (aside + 192n) c30
            store (aside + 192n + w) c31
            store (aside + 256n) c40
            store (aside + 256n + w) c41
            store (aside + 320n) c50
            store (aside + 320n + w) c51

            for i in 0 .. rows - 1 do
                let t = NativePtr.get into i + shift

                for j in 0 .. columns - 1 do
                    Mem.set<'T> t j (Mem.get<'T> (aside + 64n * nativeint i) j)
