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
        let target = NativePtr.ofNativeInt<float32>(packed + nativeint panel * nativeint depth * 2n * 'W.Bytes)
        let source = NativePtr.ofNativeInt<float32> source

        if transposed then
            GemmCore<float32>.PackTransposed(NativePtr.add source (first * ld), ld, depth, count, width, target)
        else
            GemmCore<float32>.PackStraight(NativePtr.add source first, ld, depth, count, width, target)

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

/// The functions of gates, and small loops over states.
[<AbstractClass; Sealed>]
type internal GateMath<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>> private () =

    static member inline private Reduce(x: 'V) : struct ('V * 'V * 'V) =
        let n = 'W.Round('W.Mul(x, 'W.Create 1.44269504f))
        let r = 'W.Fma(n, 'W.Create -1.42860677e-6f, 'W.Fma(n, 'W.Create -0.693145752f, x))
        let p = 'W.Fma('W.Create 1.9875691e-4f, r, 'W.Create 1.3981999e-3f)
        let p = 'W.Fma(p, r, 'W.Create 8.3334519e-3f)
        let p = 'W.Fma(p, r, 'W.Create 4.1665796e-2f)
        let p = 'W.Fma(p, r, 'W.Create 1.6666665e-1f)
        let p = 'W.Fma(p, r, 'W.Create 0.5f)
        struct (n, r, p)

    static member inline Sigmoid(x: 'V) : 'V =
        let struct (n, r, p) = GateMath<'W, 'V>.Reduce('W.Clamp('W.Neg x, -104.0f, 90.0f))
        let e = 'W.Scale('W.Fma(p, 'W.Mul(r, r), 'W.Add(r, 'W.Create 1.0f)), n)
        'W.Div('W.Create 1.0f, 'W.Add('W.Create 1.0f, e))

    static member inline Tanh(x: 'V) : 'V =
        let a = 'W.Clamp('W.Abs x, 0.0f, 15.0f)
        let struct (n, r, p) = GateMath<'W, 'V>.Reduce('W.Add(a, a))
        let s = 'W.Scale('W.Create 0.5f, n)
        let h = 'W.Fma(s, 'W.Fma(p, 'W.Mul(r, r), r), 'W.Sub(s, 'W.Create 0.5f))
        let e = 'W.Add(h, h)
        'W.Or('W.Div(e, 'W.Add(e, 'W.Create 2.0f)), 'W.And(x, 'W.Create -0.0f))

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
