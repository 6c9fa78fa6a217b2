namespace FunctionalNet.Kernels

open Microsoft.FSharp.NativeInterop

/// One position of a window: where it looks from a target position (negative in the padding), and its place in the weights.
[<NoEquality; NoComparison>]
type internal ConvTap = { At: int[]; Index: int }

/// Part of a convolution: a grid of target positions whose windows are alike. A forward convolution is one part; a
/// gradient to the input has one for each residue of the strides.
[<NoEquality; NoComparison>]
type internal ConvPart =
    {
        /// Grid sizes (three spatial dims).
        Grid: int[]
        /// Steps in the source for one step in the grid.
        SourceStep: int[]
        /// First target position of the grid, and its steps.
        TargetOrigin: int[]
        TargetStep: int[]
        /// In the order of their places in the source.
        Taps: ConvTap[]
    }

/// The shapes that all kinds of convolution kernels see: channels last, three spatial dims.
[<NoEquality; NoComparison>]
type internal ConvShape =
    {
        /// Bytes of an element.
        Size: int
        Batch: int
        Source: int[]
        SourceChannels: int
        Groups: int
        Target: int[]
        TargetChannels: int
        Parts: ConvPart[]
    }

    /// Source channels of a group.
    member g.TapLength = g.SourceChannels / g.Groups

    /// Target channels of a group.
    member g.Columns = g.TargetChannels / g.Groups

    /// Positions of a part.
    member g.Positions(part: ConvPart) = g.Batch * part.Grid[0] * part.Grid[1] * part.Grid[2]

/// How one part is cut into blocks of positions: some whole planes, or some rows of a plane, or a stretch of a row. Where
/// windows reach into the padding, a block first copies its piece of the source, with zeros around, into a patch.
[<Sealed>]
type internal ConvBlocks(g: ConvShape, part: ConvPart, wanted: int) =

    let grid = part.Grid

    let extreme (choose: int -> int -> int) axis =
        part.Taps |> Array.map (fun t -> t.At[axis]) |> Array.fold choose part.Taps[0].At[axis]

    let least = Array.init 3 (fun i -> if part.Taps.Length = 0 then 0 else extreme min i)
    let span = Array.init 3 (fun i -> if part.Taps.Length = 0 then 0 else extreme max i - least[i])

    let hasPatch =
        part.Taps.Length > 0
        && [| 0..2 |]
           |> Array.exists (fun i ->
               least[i] < 0 || (grid[i] - 1) * part.SourceStep[i] + least[i] + span[i] >= g.Source[i])

    let pixel = g.SourceChannels * g.Size

    // Equal pieces of at most `most`.
    let share (total: int) (most: int) =
        let pieces = (total + most - 1) / max 1 most
        (total + pieces - 1) / max 1 pieces

    let cut (wanted: int) =
        let columns = share grid[2] (max 1 wanted)
        let rows = if columns < grid[2] then 1 else share grid[1] (max 1 (wanted / max 1 columns))
        let planes =
            if rows < grid[1] then 1 else share (g.Batch * grid[0]) (max 1 (wanted / max 1 (rows * columns)))
        struct (planes, rows, columns)

    // A patch: planes of the target, and for each planes, rows and columns of the source.
    let extent (struct (_, rows: int, columns: int)) =
        [| span[0] + 1
           (rows - 1) * part.SourceStep[1] + span[1] + 1
           (columns - 1) * part.SourceStep[2] + span[2] + 1 |]

    let patchBytes (struct (planes: int, _: int, _: int) as c) =
        let e = extent c
        int64 planes * int64 e[0] * int64 e[1] * int64 e[2] * int64 pixel

    // Smaller blocks until the patch stays in the L2 cache.
    let rec fit wanted =
        let c = cut wanted
        if hasPatch && wanted > 8 && patchBytes c > ConvBlocks.PatchLimit then fit (wanted / 2) else c

    let struct (planes, rows, columns) as size = fit (min wanted ConvBlocks.MostPositions)
    let patch = extent size
    let rowPitch = nativeint (if hasPatch then patch[2] else g.Source[2]) * nativeint pixel
    let planePitch = nativeint (if hasPatch then patch[1] else g.Source[1]) * rowPitch
    let planeBlocks = (g.Batch * grid[0] + planes - 1) / max 1 planes
    let rowBlocks = (grid[1] + rows - 1) / max 1 rows
    let columnBlocks = (grid[2] + columns - 1) / max 1 columns

    /// Bytes of a patch that the L2 cache holds beside what else a block needs.
    static member PatchLimit = 262144L

    /// Positions of a block at most.
    static member MostPositions = 1016

    member _.Part = part
    member _.Count = if g.Positions part = 0 then 0 else planeBlocks * rowBlocks * columnBlocks
    member _.HasPatch = hasPatch

    /// Bytes of a patch; 0 where the source is read in place.
    member _.PatchBytes = if hasPatch then Mem.align (patchBytes size) else 0L

    /// Bytes from where the window of a position begins to a tap of it.
    member _.TapOffset(tap: int) =
        let at = part.Taps[tap].At

        nativeint (at[0] - least[0]) * planePitch
        + nativeint (at[1] - least[1]) * rowPitch
        + nativeint (at[2] - least[2]) * nativeint pixel

    /// Bytes between the windows of neighbours in a row.
    member _.PositionStep = nativeint part.SourceStep[2] * nativeint pixel

    /// First plane, row and column of a block, and how many there are.
    member _.Bounds(block: int) =
        let x = block % columnBlocks * columns
        let y = block / columnBlocks % rowBlocks * rows
        let z = block / (columnBlocks * rowBlocks) * planes

        struct (z, y, x, min planes (g.Batch * grid[0] - z), min rows (grid[1] - y), min columns (grid[2] - x))

    /// Where the window of the first position of a row (of a plane of the block) begins.
    member _.RowSource(src: nativeint, patchAt: nativeint, z: int, y: int, x: int, plane: int, row: int) =
        if hasPatch then
            patchAt
            + nativeint (plane * patch[0]) * planePitch
            + nativeint (row * part.SourceStep[1]) * rowPitch
        else
            let n = (z + plane) / grid[0]
            let d = (z + plane) % grid[0] * part.SourceStep[0] + least[0]
            let h = (y + row) * part.SourceStep[1] + least[1]

            src
            + nativeint (n * g.Source[0] + d) * planePitch
            + nativeint h * rowPitch
            + nativeint (x * part.SourceStep[2] + least[2]) * nativeint pixel

    /// Copies the source of a block into its patch.
    member this.FillPatch(src: nativeint, patchAt: nativeint, block: int) =
        let struct (z, y, x, planes, rows, columns) = this.Bounds block
        let pixel = nativeint pixel
        let left = x * part.SourceStep[2] + least[2]
        let wide = (columns - 1) * part.SourceStep[2] + span[2] + 1
        let before = min wide (max 0 -left)
        let inside = max 0 (min wide (g.Source[2] - left) - before)
        let after = wide - before - inside
        let high = (rows - 1) * part.SourceStep[1] + span[1] + 1

        for plane in 0 .. planes - 1 do
            let n = (z + plane) / grid[0]
            let front = (z + plane) % grid[0] * part.SourceStep[0] + least[0]

            for i in 0 .. patch[0] - 1 do
                let d = front + i

                for j in 0 .. high - 1 do
                    let h = y * part.SourceStep[1] + least[1] + j
                    let target = patchAt + nativeint (plane * patch[0] + i) * planePitch + nativeint j * rowPitch

                    if uint32 h >= uint32 g.Source[1] || uint32 d >= uint32 g.Source[0] || inside = 0 then
                        Mem.zero target (int64 wide * int64 pixel)
                    else
                        let row = nativeint ((n * g.Source[0] + d) * g.Source[1] + h) * nativeint g.Source[2]
                        let first = target + nativeint before * pixel
                        if before > 0 then Mem.zero target (int64 before * int64 pixel)
                        Mem.copy first (src + (row + nativeint (left + before)) * pixel) (int64 inside * int64 pixel)
                        if after > 0 then
                            Mem.zero (first + nativeint inside * pixel) (int64 after * int64 pixel)

/// The runs of contiguous elements that a window reads, cut into stretches ("depths") whose packed panel stays in
/// the L1 cache.
[<Sealed>]
type internal ConvDepths(g: ConvShape, blocks: ConvBlocks, most: int) =

    let depth = blocks.Part.Taps.Length * g.TapLength

    let count = max 1 ((depth + most - 1) / most)
    let length = max 1 ((depth + count - 1) / count)

    // Taps that lie side by side make one run: (first element of the depth, elements, offset in bytes).
    let whole =
        let runs = ResizeArray<struct (int * int * nativeint)>()
        let bytes (elements: int) = nativeint (elements * g.Size)

        for t in 0 .. blocks.Part.Taps.Length - 1 do
            let offset = blocks.TapOffset t
            let joins = runs.Count > 0 && (let struct (_, n, o) = runs[runs.Count - 1] in o + bytes n = offset)

            if joins && g.Groups = 1 then
                let struct (k, n, o) = runs[runs.Count - 1]
                runs[runs.Count - 1] <- struct (k, n + g.TapLength, o)
            else
                runs.Add(struct (t * g.TapLength, g.TapLength, offset))

        runs.ToArray()

    let pieces =
        Array.init count (fun d ->
            let first = d * length
            let past = min depth (first + length)

            whole
            |> Array.choose (fun (struct (k, n, o)) ->
                let a, b = max k first, min (k + n) past
                if a < b then
                    Some(struct (o + nativeint ((a - k) * g.Size), nativeint ((b - a) * g.Size)))
                else
                    None))

    let starts = pieces |> Array.scan (fun sum p -> sum + p.Length) 0
    let offsets = OffsetTable(pieces |> Array.concat |> Array.map (fun (struct (o, _)) -> o))
    let stops = OffsetTable(pieces |> Array.concat |> Array.map (fun (struct (_, s)) -> s))

    /// Elements of a window.
    member _.Depth = depth
    member _.Count = count

    /// First element of a stretch.
    member _.First(d: int) = min depth (d * length)

    /// Elements of a stretch.
    member this.Length(d: int) = this.First(d + 1) - this.First d

    member _.Runs(d: int) : ConvRuns =
        { Count = starts[d + 1] - starts[d]
          Offsets = offsets.From starts[d]
          Stops = stops.From starts[d] }
