namespace FunctionalNet.Kernels

open Microsoft.FSharp.NativeInterop

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// How a recurrent sequence is laid out and cut. Data is batch first; a chunk runs all steps of a few rows, so threads meet
/// only at the end.
type internal RecurrentShape =
    { Batch: int
      Time: int
      Units: int
      Reverse: bool }

    /// The place of the step that comes after `step` others.
    member this.Place(step: int) = if this.Reverse then this.Time - 1 - step else step

/// A few rows times a matrix that is packed once and multiplied at every step.
[<AbstractClass; Sealed>]
type internal StepProduct<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>> private () =

    /// Columns of a panel: two vectors.
    static member Columns = 2 * 'W.Count

    /// Rows that one tile takes: what the machine's registers hold.
    static member Rows = if 'W.Count >= 16 then 8 else 6

    static member Panels(columns: int) = (columns + 2 * 'W.Count - 1) / (2 * 'W.Count)

    /// Distance in bytes of rows of a result.
    static member ResultRow(columns: int) = nativeint (StepProduct<'W, 'V>.Panels columns) * 2n * 'W.Bytes

    /// Bytes of a packed matrix.
    static member PackedBytes(depth: int, columns: int) = int64 depth * int64 (StepProduct<'W, 'V>.ResultRow columns)

    /// Packs one panel of a matrix of depth rows, or of the transpose of one of depth columns.
    static member Pack
        (transposed: bool, source: nativeint, ld: int, depth: int, columns: int, panel: int, packed: nativeint)
        =
        let width = StepProduct<'W, 'V>.Columns
        let first = panel * width
        let count = min width (columns - first)
        let room = 2n * 'W.Bytes
        let target = packed + nativeint panel * nativeint depth * room
        let step = 4n * nativeint ld
        // Columns that do not exist are zeros.
        if count < width then Mem.zero target (int64 depth * int64 room)

        if transposed then
            GemmPanels<'W, 'V, float32>.PackAlong(source + nativeint first * step, step, depth, count, target, room)
        else
            GemmPanels<'W, 'V, float32>
                .PackBeside(source + 4n * nativeint first, step, depth, 1, count, target, 0n, room)

    /// One row times four panels: enough sums to keep the machine busy.
    [<FullyOptimized>]
    static member private RowOfFour(depth: int, a: nativeint, b: nativeint, panel: nativeint, c: nativeint) =
        let mutable s0 = 'W.Zero
        let mutable s1 = 'W.Zero
        let mutable s2 = 'W.Zero
        let mutable s3 = 'W.Zero
        let mutable s4 = 'W.Zero
        let mutable s5 = 'W.Zero
        let mutable s6 = 'W.Zero
        let mutable s7 = 'W.Zero
        let mutable p = a
        let mutable q0 = b
        let mutable q1 = b + panel
        let mutable q2 = b + 2n * panel
        let mutable q3 = b + 3n * panel
        let mutable k = depth

        while k > 0 do
            let e = 'W.Spread p
            s0 <- 'W.Fma(e, 'W.Load q0, s0)
            s1 <- 'W.Fma(e, 'W.Load(q0 + 'W.Bytes), s1)
            s2 <- 'W.Fma(e, 'W.Load q1, s2)
            s3 <- 'W.Fma(e, 'W.Load(q1 + 'W.Bytes), s3)
            s4 <- 'W.Fma(e, 'W.Load q2, s4)
            s5 <- 'W.Fma(e, 'W.Load(q2 + 'W.Bytes), s5)
            s6 <- 'W.Fma(e, 'W.Load q3, s6)
            s7 <- 'W.Fma(e, 'W.Load(q3 + 'W.Bytes), s7)
            p <- p + 4n
            q0 <- q0 + 2n * 'W.Bytes
            q1 <- q1 + 2n * 'W.Bytes
            q2 <- q2 + 2n * 'W.Bytes
            q3 <- q3 + 2n * 'W.Bytes
            k <- k - 1

        'W.Store(c, s0)
        'W.Store(c + 'W.Bytes, s1)
        'W.Store(c + 2n * 'W.Bytes, s2)
        'W.Store(c + 3n * 'W.Bytes, s3)
        'W.Store(c + 4n * 'W.Bytes, s4)
        'W.Store(c + 5n * 'W.Bytes, s5)
        'W.Store(c + 6n * 'W.Bytes, s6)
        'W.Store(c + 7n * 'W.Bytes, s7)

    static member inline private Tile<'R when 'R: struct and 'R :> ITileRows>(depth, a, aRow, b, c, cRow) =
        GemmTile<'W, 'V, float32, 'R, TwoVectors>.Run(depth, a, aRow, 4n, b, 2n * 'W.Bytes, c, cRow, 'W.Count, false)

    /// c = a times the packed matrix, for at most `Rows` rows. The rows of c have `ResultRow columns` bytes.
    static member Run
        (rows: int, depth: int, columns: int, a: nativeint, aRow: nativeint, packed: nativeint, c: nativeint)
        =
        let panels = StepProduct<'W, 'V>.Panels columns
        let cRow = StepProduct<'W, 'V>.ResultRow columns
        let panelBytes = nativeint depth * 2n * 'W.Bytes
        let mutable i = 0

        if rows = 1 then
            while i + 4 <= panels do
                let b = packed + nativeint i * panelBytes
                StepProduct<'W, 'V>.RowOfFour(depth, a, b, panelBytes, c + nativeint i * 2n * 'W.Bytes)
                i <- i + 4

        while i < panels do
            let b = packed + nativeint i * panelBytes
            let c = c + nativeint i * 2n * 'W.Bytes

            match rows with
            | 1 -> StepProduct<'W, 'V>.Tile<Rows1>(depth, a, aRow, b, c, cRow)
            | 2 -> StepProduct<'W, 'V>.Tile<Rows2>(depth, a, aRow, b, c, cRow)
            | 3 -> StepProduct<'W, 'V>.Tile<Rows3>(depth, a, aRow, b, c, cRow)
            | 4 -> StepProduct<'W, 'V>.Tile<Rows4>(depth, a, aRow, b, c, cRow)
            | 5 -> StepProduct<'W, 'V>.Tile<Rows5>(depth, a, aRow, b, c, cRow)
            | 6 -> StepProduct<'W, 'V>.Tile<Rows6>(depth, a, aRow, b, c, cRow)
            | 7 -> StepProduct<'W, 'V>.Tile<Rows7>(depth, a, aRow, b, c, cRow)
            | _ -> StepProduct<'W, 'V>.Tile<Rows8>(depth, a, aRow, b, c, cRow)

            i <- i + 1

/// Small loops over states.
[<AbstractClass; Sealed>]
type internal StateLoops<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>> private () =

    /// x += y
    [<FullyOptimized>]
    static member Add(n: int, x: nativeint, y: nativeint) =
        let mutable j = 0

        while j < n do
            let at = nativeint j * 4n

            if n - j >= 'W.Count then
                'W.Store(x + at, 'W.Add('W.Load(x + at), 'W.Load(y + at)))
            else
                'W.StoreFirst(x + at, n - j, 'W.Add('W.LoadFirst(x + at, n - j), 'W.LoadFirst(y + at, n - j)))

            j <- j + 'W.Count

/// A recurrent sequence: phase 0 packs the matrix of the steps' products, phase 1 runs the rows.
[<AbstractClass>]
type internal RecurrentKernel<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>>
    (shape: RecurrentShape, transposed: bool, matrix: nativeint, ld: int, depth: int, columns: int, workspace: nativeint)
    =
    inherit Kernel()

    // Two chunks at least, if there are two rows.
    let chunks =
        max ((shape.Batch + StepProduct<'W, 'V>.Rows - 1) / StepProduct<'W, 'V>.Rows) (min shape.Batch 2)
    let rows = if chunks = 0 then 0 else (shape.Batch + chunks - 1) / chunks
    let packedBytes = Mem.align (StepProduct<'W, 'V>.PackedBytes(depth, columns))

    /// Memory for `perRow` bytes (whole cache lines) of every row beside the packed matrix.
    static member WorkspaceFor(shape: RecurrentShape, depth: int, columns: int, perRow: int64) : int64 =
        Mem.align (StepProduct<'W, 'V>.PackedBytes(depth, columns)) + int64 shape.Batch * perRow

    /// All steps of rows [first, first + count), of which the product is taken with the packed matrix.
    abstract Rows: first: int * count: int * packed: nativeint -> unit

    /// The memory of row `first` and those behind it.
    member _.Aside(first: int, perRow: nativeint) = workspace + nativeint packedBytes + nativeint first * perRow

    override _.Phases = 2

    override _.Chunks(phase) =
        if shape.Time = 0 then 0
        elif phase = 0 then StepProduct<'W, 'V>.Panels columns
        else (shape.Batch + max 1 rows - 1) / max 1 rows

    override this.Run(phase, chunk) =
        if phase = 0 then
            StepProduct<'W, 'V>.Pack(transposed, matrix, ld, depth, columns, chunk, workspace)
        else
            let first = chunk * rows
            this.Rows(first, min rows (shape.Batch - first), workspace)

/// One row times a matrix of gates side by side: the units are cut into blocks of two vectors, and a block's columns of all
/// gates are packed together, so that a product reads one stretch of memory and gives all gates of its units.
[<AbstractClass; Sealed>]
type internal GateProduct<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>> private () =

    /// Units of a block.
    static member Block = 2 * 'W.Count

    static member Blocks(units: int) = (units + 2 * 'W.Count - 1) / (2 * 'W.Count)

    /// Distance in bytes of the gates of a block's result.
    static member Gate = 2n * 'W.Bytes

    static member BlockBytes(gates: int, units: int) = nativeint units * nativeint gates * 2n * 'W.Bytes

    /// Packs one block of the matrix (units, gates * units); columns behind its last unit are zeros.
    static member Pack(gates: int, units: int, matrix: nativeint, block: int, packed: nativeint) =
        let first = block * GateProduct<'W, 'V>.Block
        let bytes = int64 (min GateProduct<'W, 'V>.Block (units - first)) * 4L
        let width = int64 GateProduct<'W, 'V>.Gate
        let mutable target = packed + nativeint block * GateProduct<'W, 'V>.BlockBytes(gates, units)
        let mutable source = matrix + nativeint first * 4n

        for _ in 1 .. units * gates do
            if bytes < width then Mem.zero target width

            Mem.copy target source bytes
            target <- target + GateProduct<'W, 'V>.Gate
            source <- source + nativeint units * 4n

    /// c = h times a packed block of three gates, gate after gate.
    [<FullyOptimized>]
    static member Three(units: int, h: nativeint, packed: nativeint, c: nativeint) =
        let mutable s0 = 'W.Zero
        let mutable s1 = 'W.Zero
        let mutable s2 = 'W.Zero
        let mutable s3 = 'W.Zero
        let mutable s4 = 'W.Zero
        let mutable s5 = 'W.Zero
        let mutable p = h
        let mutable q = packed
        let mutable k = units

        while k > 0 do
            let e = 'W.Spread p
            s0 <- 'W.Fma(e, 'W.Load q, s0)
            s1 <- 'W.Fma(e, 'W.Load(q + 'W.Bytes), s1)
            s2 <- 'W.Fma(e, 'W.Load(q + 2n * 'W.Bytes), s2)
            s3 <- 'W.Fma(e, 'W.Load(q + 3n * 'W.Bytes), s3)
            s4 <- 'W.Fma(e, 'W.Load(q + 4n * 'W.Bytes), s4)
            s5 <- 'W.Fma(e, 'W.Load(q + 5n * 'W.Bytes), s5)
            p <- p + 4n
            q <- q + 6n * 'W.Bytes
            k <- k - 1

        'W.Store(c, s0)
        'W.Store(c + 'W.Bytes, s1)
        'W.Store(c + 2n * 'W.Bytes, s2)
        'W.Store(c + 3n * 'W.Bytes, s3)
        'W.Store(c + 4n * 'W.Bytes, s4)
        'W.Store(c + 5n * 'W.Bytes, s5)

    /// c = h times a packed block of four gates, gate after gate.
    [<FullyOptimized>]
    static member Four(units: int, h: nativeint, packed: nativeint, c: nativeint) =
        let mutable s0 = 'W.Zero
        let mutable s1 = 'W.Zero
        let mutable s2 = 'W.Zero
        let mutable s3 = 'W.Zero
        let mutable s4 = 'W.Zero
        let mutable s5 = 'W.Zero
        let mutable s6 = 'W.Zero
        let mutable s7 = 'W.Zero
        let mutable p = h
        let mutable q = packed
        let mutable k = units

        while k > 0 do
            let e = 'W.Spread p
            s0 <- 'W.Fma(e, 'W.Load q, s0)
            s1 <- 'W.Fma(e, 'W.Load(q + 'W.Bytes), s1)
            s2 <- 'W.Fma(e, 'W.Load(q + 2n * 'W.Bytes), s2)
            s3 <- 'W.Fma(e, 'W.Load(q + 3n * 'W.Bytes), s3)
            s4 <- 'W.Fma(e, 'W.Load(q + 4n * 'W.Bytes), s4)
            s5 <- 'W.Fma(e, 'W.Load(q + 5n * 'W.Bytes), s5)
            s6 <- 'W.Fma(e, 'W.Load(q + 6n * 'W.Bytes), s6)
            s7 <- 'W.Fma(e, 'W.Load(q + 7n * 'W.Bytes), s7)
            p <- p + 4n
            q <- q + 8n * 'W.Bytes
            k <- k - 1

        'W.Store(c, s0)
        'W.Store(c + 'W.Bytes, s1)
        'W.Store(c + 2n * 'W.Bytes, s2)
        'W.Store(c + 3n * 'W.Bytes, s3)
        'W.Store(c + 4n * 'W.Bytes, s4)
        'W.Store(c + 5n * 'W.Bytes, s5)
        'W.Store(c + 6n * 'W.Bytes, s6)
        'W.Store(c + 7n * 'W.Bytes, s7)

/// A recurrent sequence of one row. There are no rows to share out, so threads share the units of every step: phase 0 packs
/// the matrix, phase 1 is a team that takes all steps.
[<AbstractClass>]
type internal SingleRowKernel<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>>
    (shape: RecurrentShape, gates: int, matrix: nativeint, workspace: nativeint) =
    inherit Kernel()

    let units = shape.Units
    let blocks = GateProduct<'W, 'V>.Blocks units
    let blockBytes = GateProduct<'W, 'V>.BlockBytes(gates, units)
    let members = SingleRowKernel<'W, 'V>.Members(shape, gates)
    let team = workspace
    let packed = team + nativeint (StepTeam.Bytes members)
    let products = packed + nativeint blocks * blockBytes

    /// Threads that share a step, at most. Where the weights are few, meeting costs more than sharing saves.
    static member private Members(shape: RecurrentShape, gates: int) =
        let weights = gates * shape.Units * shape.Units
        if weights < 12000 then 1 else min 8 (GateProduct<'W, 'V>.Blocks shape.Units)

    /// For the team, the packed matrix, and the products of one step.
    static member WorkspaceFor(shape: RecurrentShape, gates: int) : int64 =
        let blocks = int64 (GateProduct<'W, 'V>.Blocks shape.Units)

        StepTeam.Bytes(SingleRowKernel<'W, 'V>.Members(shape, gates))
        + blocks * int64 (GateProduct<'W, 'V>.BlockBytes(gates, shape.Units))
        + blocks * int64 gates * int64 GateProduct<'W, 'V>.Gate

    /// Step `step` for `count` units from `first` on. `packed` are their weights; `product` is room for what they give.
    abstract Units: step: int * first: int * count: int * packed: nativeint * product: nativeint -> unit

    override _.Phases = 2
    override _.Chunks(_) = if shape.Time = 0 then 0 else members

    override this.Run(phase, chunk) =
        if phase = 0 then
            if chunk = 0 then StepTeam.Reset(team, members)

            for block in chunk * blocks / members .. (chunk + 1) * blocks / members - 1 do
                GateProduct<'W, 'V>.Pack(gates, units, matrix, block, packed)
        else
            let own = StepTeam.Join team

            if own < members then
                let mutable step = StepTeam.Enter(team, own, shape.Time)

                while step < shape.Time do
                    let share = StepTeam.Begin(team, members, step)

                    for block in own * blocks / share .. (own + 1) * blocks / share - 1 do
                        let first = block * GateProduct<'W, 'V>.Block

                        this.Units(
                            step,
                            first,
                            min GateProduct<'W, 'V>.Block (units - first),
                            packed + nativeint block * blockBytes,
                            products + nativeint (block * gates) * GateProduct<'W, 'V>.Gate
                        )

                    step <- step + 1
                    StepTeam.Finish(team, own, members, step)
