namespace FunctionalNet.Kernels

open System
open System.Runtime.Intrinsics
open System.Runtime.Intrinsics.X86
open Microsoft.FSharp.NativeInterop
open FunctionalNet

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// How products in 8 bits are computed. Sums are whole numbers, so each gives the same bits.
type internal Int8Form =
    /// Four bytes at once, in vectors of 256 bits.
    | Bytes256 = 0
    /// Pairs of 16 bits.
    | Pairs128 = 1
    | Pairs256 = 2
    | Pairs512 = 3

/// Sizes of what is done at once.
module internal Int8Rows =

    /// Numbers that are quantised at once.
    [<Literal>]
    let Block = 32

/// The loops of products in 8 bits, of one form.
[<AbstractClass>]
type internal Int8Loops() =

    /// Columns of the weights that are taken together.
    abstract Columns: int

    /// Rows that are taken together.
    abstract Rows: int

    /// Bytes of a quantised row of k numbers: those of whole vectors.
    abstract RowBytes: k: int -> nativeint

    /// A row of k numbers as whole numbers from -127 to 127, in the order in which tiles read them, followed by zeros. To `info`
    /// go 127 / (largest + 1e-7) and where the sums of the row start.
    abstract Quantize: k: int * x: nativeint * target: nativeint * info: nativeint -> unit

    /// One panel of weights (k, n) from a column on: for every four depths, four bytes of each of its columns.
    abstract Pack: k: int * n: int * w: nativeint * first: int * target: nativeint -> unit

    /// All columns of a panel for so many rows.
    abstract Panel: place: Int8Place * rows: int -> unit

[<Sealed>]
type internal Int8Loops<'L, 'W, 'V when 'L: struct and 'L :> IFours<'V> and 'W: struct and 'W :> ILanes<'V, float32>>()
    =
    inherit Int8Loops()

    static member inline private Tile<'R when 'R: struct and 'R :> ITileRows>(place: inref<Int8Place>, row: int) =
        Int8Tile<'L, 'W, 'V, 'R>.Run(&place, row)

    override _.Columns = 2 * 'W.Count
    override _.Rows = 'L.Rows

    override _.RowBytes k =
        let bytes = nativeint ((k + Int8Rows.Block - 1) / Int8Rows.Block * Int8Rows.Block * 'L.Steps)
        // Rows that are a whole number of pages apart would compete for the same places of the L1 cache.
        if bytes % 4096n = 0n then bytes + 64n else bytes

    /// The larger ones of these and the magnitudes of a block. Without its sign, a number is the larger the larger its bits are,
    /// not-a-number above all.
    static member inline private Larger(largest: Vector256<int>, p: nativeint) : Vector256<int> =
        let inline bits (i: nativeint) =
            Vector256.Load(NativePtr.ofNativeInt<int>(p + i * 32n)) &&& Vector256.Create 0x7FFFFFFF

        let a, b = Vector256.Max(bits 0n, bits 1n), Vector256.Max(bits 2n, bits 3n)
        Vector256.Max(largest, Vector256.Max(a, b))

    /// Numbers rounded half to even. Nothing is beyond 127 then, unless it is not finite: that ends as 0 and comes back by the scale.
    static member inline private Whole(v: Vector256<float32>) : Vector256<int> =
        if Avx.IsSupported then
            Avx.ConvertToVector256Int32 v
        else
            Vector256.ConvertToInt32Native(Vector256.Round v)

    /// Stores a block, quantised; returns these plus its sums.
    static member inline private Round
        (sums: Vector256<int>, factor: Vector256<float32>, p: nativeint, target: nativeint)
        =
        let inline rounded (i: nativeint) =
            Int8Loops<'L, 'W, 'V>.Whole(Vector256.Load(NativePtr.ofNativeInt<float32>(p + i * 32n)) * factor)

        let a, b, c, d = rounded 0n, rounded 1n, rounded 2n, rounded 3n
        let lower, upper = Vector256.Narrow(a, b), Vector256.Narrow(c, d)

        if 'L.Steps = 1 then
            Vector256.Store(Vector256.Narrow(lower, upper), NativePtr.ofNativeInt<sbyte> target)
        else
            // Depths 0 and 2, then 1 and 3, of every four.
            let inline store (v: Vector256<int16>) (p: nativeint) =
                let order = Vector256.Create(0s, 2s, 1s, 3s, 4s, 6s, 5s, 7s, 8s, 10s, 9s, 11s, 12s, 14s, 13s, 15s)
                Vector256.Store(Vector256.Shuffle(v, order), NativePtr.ofNativeInt<int16> p)

            store lower target
            store upper (target + 32n)

        sums + (a + b) + (c + d)

    [<FullyOptimized>]
    override _.Quantize(k, x, target, info) =
        let rest = k % Int8Rows.Block
        let stop = x + nativeint (k - rest) * 4n
        // What does not fill a block, with zeros behind it.
        let last = NativePtr.toNativeInt (NativePtr.stackalloc<float32> Int8Rows.Block)

        if rest > 0 then
            Mem.zero last (int64 Int8Rows.Block * 4L)
            Mem.copy last stop (int64 rest * 4L)

        let mutable largest = Vector256<int>.Zero
        let mutable p = x

        while p < stop do
            largest <- Int8Loops<'L, 'W, 'V>.Larger(largest, p)
            p <- p + 4n * nativeint Int8Rows.Block

        if rest > 0 then largest <- Int8Loops<'L, 'W, 'V>.Larger(largest, last)
        let half = Vector128.Max(largest.GetLower(), largest.GetUpper())
        let most =
            max (max (half.GetElement 0) (half.GetElement 1)) (max (half.GetElement 2) (half.GetElement 3))
        let scale = 127.0f / (BitConverter.Int32BitsToSingle most + 1e-7f)
        let factor = Vector256.Create scale
        let mutable sums = Vector256<int>.Zero
        let mutable target = target
        p <- x

        while p < stop do
            sums <- Int8Loops<'L, 'W, 'V>.Round(sums, factor, p, target)
            p <- p + 4n * nativeint Int8Rows.Block
            target <- target + nativeint (Int8Rows.Block * 'L.Steps)

        if rest > 0 then sums <- Int8Loops<'L, 'W, 'V>.Round(sums, factor, last, target)
        Mem.set<float32> info 0 scale
        Mem.set<int> info 1 (if 'L.Shifted then -128 * Vector256.Sum sums else 0)

    [<FullyOptimized>]
    override _.Pack(k, n, w, first, target) =
        let columns = 2 * 'W.Count
        let count = min columns (n - first)
        let shift = if 'L.Shifted then Vector256.Create 0x80808080 else Vector256<int>.Zero
        // A row of the panel where it is not whole, and one of zeros below the last.
        let room = NativePtr.toNativeInt (NativePtr.stackalloc<byte> 256)
        Mem.zero room 256L
        let mutable target = target
        let mutable row = 0

        while row < k do
            let inline source (i: int) =
                let p = w + nativeint (row + i) * nativeint n + nativeint first
                let own = room + nativeint (i * 64)

                if row + i >= k then
                    Mem.zero own 64L
                    own
                elif count < columns then
                    Mem.copy own p (int64 count)
                    own
                else
                    p

            let p0, p1, p2, p3 = source 0, source 1, source 2, source 3
            let mutable j = 0

            while j < columns do
                let inline bytes (p: nativeint) =
                    let b = NativePtr.read (NativePtr.ofNativeInt<int64>(p + nativeint j))
                    let wide = Vector128.WidenLower(Vector128.CreateScalar(b).AsByte())
                    Vector256.WidenLower(wide.ToVector256()).AsInt32()

                let four = bytes p0 ||| (bytes p1 <<< 8) ||| (bytes p2 <<< 16) ||| (bytes p3 <<< 24)
                Vector256.Store(four ^^^ shift, NativePtr.ofNativeInt<int>(target + nativeint j * 4n))
                j <- j + 8

            target <- target + nativeint columns * 4n
            row <- row + 4

    override _.Panel(place, rows) =
        let place = place
        let tiles = (rows + 'L.Rows - 1) / 'L.Rows
        let mutable row = 0

        for tile in 0 .. tiles - 1 do
            // Heights that differ by one at most.
            let height = (rows + tiles - 1 - tile) / tiles

            match height with
            | 8 -> Int8Loops<'L, 'W, 'V>.Tile<Rows8>(&place, row)
            | 7 -> Int8Loops<'L, 'W, 'V>.Tile<Rows7>(&place, row)
            | 6 -> Int8Loops<'L, 'W, 'V>.Tile<Rows6>(&place, row)
            | 5 -> Int8Loops<'L, 'W, 'V>.Tile<Rows5>(&place, row)
            | 4 -> Int8Loops<'L, 'W, 'V>.Tile<Rows4>(&place, row)
            | 3 -> Int8Loops<'L, 'W, 'V>.Tile<Rows3>(&place, row)
            | 2 -> Int8Loops<'L, 'W, 'V>.Tile<Rows2>(&place, row)
            | _ -> Int8Tile<'L, 'W, 'V, Rows1>.RunRow(&place, row)

            row <- row + height

/// Weights (k, n) in panels.
[<Sealed>]
type internal Int8PackKernel(loops: Int8Loops, k: int, n: int, w: nativeint, target: nativeint) =
    inherit Kernel()

    let panelBytes = nativeint ((k + 3) / 4 * 4 * loops.Columns)

    override _.Chunks(_) = (n + loops.Columns - 1) / loops.Columns

    override _.Run(_, panel) = loops.Pack(k, n, w, panel * loops.Columns, target + nativeint panel * panelBytes)

/// y = x w for float32 rows x and 8-bit weights w in panels, with a scale for every column. A row of x is rounded to 8 bits by
/// its own largest number; the products are summed as whole numbers, without a rounding, so that no order of summation matters.
[<Sealed>]
type internal Int8ProductKernel
    (
        loops: Int8Loops,
        rows: int,
        k: int,
        n: int,
        x: nativeint,
        w: nativeint,
        columnScales: nativeint,
        y: nativeint,
        work: nativeint,
        epilogue: Epilogue
    ) =
    inherit Kernel()

    static let ceil (x: int) (y: int) = (x + y - 1) / y

    let rowBytes = loops.RowBytes k
    let panelBytes = nativeint (ceil k 4 * 4 * loops.Columns)
    // Where waiting for others would cost more than a few rows, every chunk quantises them for itself.
    let isShort = rows <= 2 && k <= 8192
    // Rows that are quantised together.
    let rowGrain = max 1 (32768 / max 1 k)
    // Rows that one reading of the weights serves: all are in the L2 cache meanwhile. Fewer where these with all columns, and
    // their quantisation, are enough for a chunk.
    let enough = 1048576L / (int64 (max 1 k) * int64 (n + 20))
    let most = 16 * loops.Rows
    let blocks =
        ceil rows (if enough >= int64 (4 * loops.Rows) then int (min enough (int64 most)) else most)
    let blockRows = ceil (ceil rows blocks) loops.Rows * loops.Rows
    // Panels after which the results, still in the L1 cache, go to the epilogue; and panels of a chunk.
    let group = max 1 (4096 / (loops.Columns * min rows blockRows) |> min 8)
    // A row or two read every weight once: threads that meet for that gain nothing before the weights are beyond the caches.
    let grain =
        if isShort then
            1048576L / (int64 (max 1 k) * int64 loops.Columns)
        else
            2097152L / (int64 (max 1 k) * int64 loops.Columns * int64 (max 32 (min rows blockRows)))
    let panels = ceil n loops.Columns
    let panelGrain = int (min (int64 panels) (max (int64 group) grain))
    let panelChunks = ceil panels panelGrain
    // A chunk that has all columns of its rows is the only one that needs them.
    let phases = if isShort || panelChunks = 1 then 1 else 2

    /// Bytes of the rows, and of what is known of each.
    static member RowsBytes(loops: Int8Loops, rows: int, k: int) : int64 = int64 rows * (int64 (loops.RowBytes k) + 8L)

    member private _.Quantize(first: int, count: int, target: nativeint, info: nativeint) =
        for row in first .. first + count - 1 do
            let i = nativeint (row - first)
            loops.Quantize(k, x + nativeint row * nativeint k * 4n, target + i * rowBytes, info + i * 8n)

    member private _.Products(first: int, count: int, chunk: int, rows: nativeint, info: nativeint) =
        let last = min panels ((chunk + 1) * panelGrain)
        let mutable panel = chunk * panelGrain

        while panel < last do
            let start = panel * loops.Columns
            let next = min last (panel + group)

            while panel < next do
                let column = panel * loops.Columns

                loops.Panel(
                    { Fours = ceil k 4
                      X = rows
                      XRow = rowBytes
                      Rows = info
                      W = w + nativeint panel * panelBytes
                      Scales = columnScales + nativeint column * 4n
                      Y = y + (nativeint first * nativeint n + nativeint column) * 4n
                      YRow = nativeint n * 4n
                      Count = min loops.Columns (n - column) },
                    count
                )

                panel <- panel + 1

            epilogue.Run(first * n + start, count, min n (panel * loops.Columns) - start, n)

    override _.Phases = phases

    override _.Chunks(phase) = if phase < phases - 1 then ceil rows rowGrain else blocks * panelChunks

    override this.Run(phase, chunk) =
        let info = work + nativeint rows * rowBytes

        if phase < phases - 1 then
            let first = chunk * rowGrain
            let count = min rowGrain (rows - first)
            this.Quantize(first, count, work + nativeint first * rowBytes, info + nativeint first * 8n)
        elif isShort then
            let own = Scratch.Pointer
            let info = own + nativeint rows * rowBytes
            this.Quantize(0, rows, own, info)
            this.Products(0, rows, chunk, own, info)
        else
            let first = chunk / panelChunks * blockRows
            let count = min blockRows (rows - first)

            if count > 0 then
                let target, info = work + nativeint first * rowBytes, info + nativeint first * 8n
                if phases = 1 then this.Quantize(first, count, target, info)
                this.Products(first, count, chunk % panelChunks, target, info)

/// Products of float32 rows with 8-bit weights.
[<AbstractClass; Sealed>]
type internal Int8Product private () =

    static let pairs512 = Int8Loops<PairsIn512, Lanes512<float32>, Vector512<float32>>()
    static let pairs256 = Int8Loops<PairsIn256, Lanes256<float32>, Vector256<float32>>()
    static let pairs128 = Int8Loops<PairsIn128, Lanes128<float32>, Vector128<float32>>()
    static let bytes256 = Int8Loops<BytesIn256, Lanes256<float32>, Vector256<float32>>()

    static let loops (form: Int8Form) : Int8Loops =
        match form with
        | Int8Form.Bytes256 -> bytes256
        | Int8Form.Pairs512 -> pairs512
        | Int8Form.Pairs256 -> pairs256
        | _ -> pairs128

    static let roundUp (bytes: int64) = (bytes + 63L) / 64L * 64L

    /// The forms that this machine can compute in, the fastest first.
    static member val Forms: Int8Form[] =
        [| if AvxVnni.IsSupported && Width.current <> Width.W128 then Int8Form.Bytes256
           if Avx512BW.IsSupported && Width.current = Width.W512 then Int8Form.Pairs512
           if Avx2.IsSupported && Width.current <> Width.W128 then Int8Form.Pairs256
           Int8Form.Pairs128 |]

    /// True if no sum of so many products can overflow.
    static member Fits(k: int) = k <= Int32.MaxValue / (127 * 127)

    /// Bytes of weights in panels.
    static member PackedBytes(form: Int8Form, k: int, n: int) : int64 =
        let columns = (loops form).Columns
        int64 ((n + columns - 1) / columns * columns) * int64 ((k + 3) / 4) * 4L

    /// Puts weights (k, n) into panels.
    static member Pack(form: Int8Form, k: int, n: int, w: nativeint, target: nativeint) : Kernel =
        Int8PackKernel(loops form, k, n, w, target)

    /// Bytes for the quantised rows and what is known of each, and for the panels of weights that are not prepacked.
    static member Workspace(form: Int8Form, rows: int, k: int, n: int, prepacked: bool) : int64 =
        let own = Int8ProductKernel.RowsBytes(loops form, rows, k)
        if prepacked then own else roundUp own + Int8Product.PackedBytes(form, k, n)

    /// y (rows, n) = x (rows, k) w (k, n) / scales (n). Prepacked weights come from `Pack`.
    static member Create
        (
            form: Int8Form,
            rows: int,
            k: int,
            n: int,
            x: nativeint,
            w: nativeint,
            prepacked: bool,
            scales: nativeint,
            y: nativeint,
            work: nativeint,
            epilogue: Epilogue
        ) : Kernel =
        let loops = loops form
        let product w : Kernel = Int8ProductKernel(loops, rows, k, n, x, w, scales, y, work, epilogue)

        if prepacked then
            product w
        else
            let panels = work + nativeint (roundUp (Int8ProductKernel.RowsBytes(loops, rows, k)))
            SequenceKernel [| Int8Product.Pack(form, k, n, w, panels); product panels |]
