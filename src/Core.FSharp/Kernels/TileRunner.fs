namespace FunctionalNet.Kernels

open System
open System.Numerics
open System.Runtime.CompilerServices
open System.Runtime.Intrinsics
open Microsoft.FSharp.NativeInterop
open FunctionalNet

#nowarn "3535"

/// The loops of one domain at one width of vectors.
[<AbstractClass>]
type internal TileRunner() =

    /// Bytes of an element.
    abstract Size: int

    /// d = op (a, b, c), as many operands as the operation has.
    abstract Apply: op: TileOp * n: int * d: nativeint * a: nativeint * b: nativeint * c: nativeint -> unit

    /// Sets elements to the value of a constant.
    abstract Fill: n: int * d: nativeint * constant: TileInstruction -> unit

    /// Loads n elements of a type, `stride` elements apart, into a register.
    abstract Load: dtype: DType * n: int * d: nativeint * s: nativeint * stride: int -> unit

    /// Stores n elements of a register as a type.
    abstract Store: dtype: DType * n: int * d: nativeint * s: nativeint -> unit

    /// Element i of those from `position` on is (i / inner) mod length.
    abstract Indices: n: int * d: nativeint * position: int * length: int * inner: int -> unit

    /// Loads n elements of a strided view from `position` on.
    member this.Walk(walk: StridedWalk, dtype: DType, n: int, d: nativeint, s: nativeint, position: int) =
        let index = NativePtr.stackalloc<int> 16
        let size = nativeint (DType.size dtype)
        let run = walk.Run
        let stride = walk.RunStride
        let mutable offset = walk.Seek(position, index)
        let mutable column = NativePtr.get index (walk.Dims.Length - 1)
        let mutable loaded = 0

        if walk.IsPeriodic && column = 0 && n >= 2 * run && run < 64 then
            // A short row repeated: written once, then doubled in the register.
            this.Load(dtype, run, d, s, stride)
            loaded <- run

            while loaded < n do
                let count = min loaded (n - loaded)
                Mem.copy (d + nativeint (loaded * this.Size)) d (int64 (count * this.Size))
                loaded <- loaded + count
        else
            while loaded < n do
                let count = min (run - column) (n - loaded)
                this.Load(dtype, count, d + nativeint (loaded * this.Size), s + offset * size, stride)
                loaded <- loaded + count

                if loaded < n then
                    offset <- offset - nativeint column * nativeint stride + walk.NextRow index
                    column <- 0

/// What the domains have in common.
[<AbstractClass>]
type internal TileRunner<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>>() =
    inherit TileRunner()

    do
        Precompiled.Calls(fun () ->
            TileRunner<'W, 'V, 'T>.Loads(DType.Float32, 0, 0n, 0n, 0)
            TileRunner<'W, 'V, 'T>.Stores(DType.Float32, 0, 0n, 0n)
            TileRunner<'W, 'V, 'T>.Counts(0, 0n, 0, 0, 0)
            TileRunner<'W, 'V, 'T>.Fills(0, 0n, Unchecked.defaultof<'T>))

    override _.Size = sizeof<'T>
    override _.Load(dtype, n, d, s, stride) = TileRunner<'W, 'V, 'T>.Loads(dtype, n, d, s, stride)
    override _.Store(dtype, n, d, s) = TileRunner<'W, 'V, 'T>.Stores(dtype, n, d, s)

    override _.Indices(n, d, position, length, inner) = TileRunner<'W, 'V, 'T>.Counts(n, d, position, length, inner)

    static member private Reads(dtype: DType, n: int, d: nativeint, s: nativeint, stride: int) : unit =
        match dtype with
        | DType.Float32 -> Convert<float32, 'T>.Run(n, d, s, stride)
        | DType.Float64 -> Convert<float, 'T>.Run(n, d, s, stride)
        | DType.Int32 -> Convert<int, 'T>.Run(n, d, s, stride)
        | DType.Int64 -> Convert<int64, 'T>.Run(n, d, s, stride)
        | DType.Int8 -> Convert<sbyte, 'T>.Run(n, d, s, stride)
        | _ -> Convert<byte, 'T>.Run(n, d, s, stride)

    static member private Loads(dtype: DType, n: int, d: nativeint, s: nativeint, stride: int) : unit =
        if stride = 0 && n > 1 then
            TileRunner<'W, 'V, 'T>.Reads(dtype, 1, d, s, 1)
            TileRunner<'W, 'V, 'T>.Fills(n, d, Mem.get<'T> d 0)
        else
            TileRunner<'W, 'V, 'T>.Reads(dtype, n, d, s, stride)

    static member private Stores(dtype: DType, n: int, d: nativeint, s: nativeint) : unit =
        match dtype with
        | DType.Float32 -> Convert<'T, float32>.Run(n, d, s, 1)
        | DType.Float64 -> Convert<'T, float>.Run(n, d, s, 1)
        | DType.Int32 -> Convert<'T, int>.Run(n, d, s, 1)
        | DType.Int64 -> Convert<'T, int64>.Run(n, d, s, 1)
        | _ -> BasicLoops<'W, 'V, 'T>.Truth(n, d, s)

    [<FullyOptimized>]
    static member private Counts(n: int, d: nativeint, position: int, length: int, inner: int) : unit =
        let mutable value = position / inner % length
        let mutable left = inner - position % inner

        for i in 0 .. n - 1 do
            Mem.set<'T> d i (Number.OfInt<'T>(int64 value))
            left <- left - 1

            if left = 0 then
                left <- inner
                value <- (if value + 1 = length then 0 else value + 1)

    /// Sets n elements.
    [<FullyOptimized>]
    static member Fills(n: int, d: nativeint, value: 'T) : unit =
        let vector = 'W.Create value
        let stop = d + nativeint (n / 'W.Count) * 'W.Bytes
        let mutable p = d

        while p < stop do
            'W.Store(p, vector)
            p <- p + 'W.Bytes

        for i in 0 .. n % 'W.Count - 1 do
            Mem.set<'T> p i value

/// float32 at one width.
[<Sealed>]
type internal Runner32<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>>() =
    inherit TileRunner<'W, 'V, float32>()

    do Precompiled.Calls(fun () -> Loops32<'W, 'V>.Run(TileOp.Add, 0, 0n, 0n, 0n, 0n))

    override _.Apply(op, n, d, a, b, c) = Loops32<'W, 'V>.Run(op, n, d, a, b, c)
    override _.Fill(n, d, constant) = Runner32<'W, 'V>.Fills(n, d, float32 constant.Value)

    // The only domain that 16-bit numbers come to: they are cast to float32 before anything else.
    override _.Load(dtype, n, d, s, stride) =
        if dtype = DType.BFloat16 then
            HalfWidth<'W, 'V>.Widen(n, d, s, stride)
        elif stride = 0 && dtype = DType.Float32 then
            // One number for all of a row, once for every row: as directly as that goes.
            Runner32<'W, 'V>.Fills(n, d, Mem.get<float32> s 0)
        else
            base.Load(dtype, n, d, s, stride)

    override _.Store(dtype, n, d, s) =
        if dtype = DType.BFloat16 then HalfWidth<'W, 'V>.Narrow(n, d, s) else base.Store(dtype, n, d, s)

/// float64 at one width.
[<Sealed>]
type internal Runner64<'W, 'V when 'W: struct and 'W :> ILanes<'V, float>>() =
    inherit TileRunner<'W, 'V, float>()

    do Precompiled.Calls(fun () -> Loops64<'W, 'V>.Run(TileOp.Add, 0, 0n, 0n, 0n, 0n))

    override _.Apply(op, n, d, a, b, c) = Loops64<'W, 'V>.Run(op, n, d, a, b, c)
    override _.Fill(n, d, constant) = Runner64<'W, 'V>.Fills(n, d, constant.Value)

/// int64 at one width.
[<Sealed>]
type internal RunnerInt<'W, 'V when 'W: struct and 'W :> ILanes<'V, int64>>() =
    inherit TileRunner<'W, 'V, int64>()

    do Precompiled.Calls(fun () -> LoopsInt<'W, 'V>.Run(TileOp.Add, 0, 0n, 0n, 0n, 0n))

    override _.Apply(op, n, d, a, b, c) = LoopsInt<'W, 'V>.Run(op, n, d, a, b, c)
    override _.Fill(n, d, constant) = RunnerInt<'W, 'V>.Fills(n, d, constant.Integer)

/// The loops of every domain at every width.
module internal TileRunners =

    /// The loops of a domain at a width.
    let create (domain: TileDomain) (width: Width) : TileRunner =
        match domain, width with
        | TileDomain.F32, Width.W512 -> Runner32<Lanes512<float32>, Vector512<float32>>()
        | TileDomain.F32, Width.W256 -> Runner32<Lanes256<float32>, Vector256<float32>>()
        | TileDomain.F32, _ -> Runner32<Lanes128<float32>, Vector128<float32>>()
        | TileDomain.F64, Width.W512 -> Runner64<Lanes512<float>, Vector512<float>>()
        | TileDomain.F64, Width.W256 -> Runner64<Lanes256<float>, Vector256<float>>()
        | TileDomain.F64, _ -> Runner64<Lanes128<float>, Vector128<float>>()
        | _, Width.W512 -> RunnerInt<Lanes512<int64>, Vector512<int64>>()
        | _, Width.W256 -> RunnerInt<Lanes256<int64>, Vector256<int64>>()
        | _ -> RunnerInt<Lanes128<int64>, Vector128<int64>>()
