namespace FunctionalNet.Kernels

open System
open System.Numerics
open Microsoft.FSharp.NativeInterop
open FunctionalNet

/// Where a value stands while a tile is processed: in memory (Base moves on with the position by Step bytes an element)
/// or in a register (Base is an offset in the thread's scratch block, selected by Mask).
[<Struct; NoEquality; NoComparison>]
type internal TilePlace =
    { Base: nativeint
      Step: nativeint
      Mask: nativeint }

    member inline p.At(scratch: nativeint, position: int) = p.Base + (scratch &&& p.Mask) + nativeint position * p.Step

[<Struct; NoEquality; NoComparison>]
type internal TileStep = { Op: TileOp; Dst: TilePlace; A: TilePlace; B: TilePlace; C: TilePlace }

/// How an input gets into its register.
type internal TileSource =
    | Converted = 0
    | Single = 1
    | Walked = 2
    | Uniform = 3
    | Index = 4
    | Coarse = 5

[<NoEquality; NoComparison>]
type internal TileLoader =
    { Source: TileSource
      DType: DType
      Pointer: nativeint
      Register: nativeint
      Walk: StridedWalk
      StepPointer: nativeint
      Stream: uint64
      Length: int
      Inner: int }

[<NoEquality; NoComparison>]
type internal TileStorer = { From: TilePlace; To: nativeint; As: DType }

/// A tile program bound to sizes and pointers: the flat range is cut in chunks, a chunk in tiles that stay in the L1
/// cache, and each instruction is one loop over a tile.
[<Sealed>]
type internal ElementwiseKernel
    (program: TileProgram, size: int, inputPointers: nativeint[], outputPointers: nativeint[], vectors: Width) =
    inherit Kernel()

    let runner = TileRunners.create program.Domain vectors
    let random = RandomBits.At vectors
    let width = runner.Size
    let domainType = TileOps.dtypeOf program.Domain
    let inputs = program.Inputs
    let instructions = program.Instructions

    let walks =
        inputs
        |> Array.map (fun input ->
            match input.Access with
            | Strided(dims, strides) -> StridedWalk(dims, strides)
            | _ -> StridedWalk([||], [||]))

    let isPeriodic (i: int) =
        match inputs[i].Access with
        | Strided _ -> walks[i].IsPeriodic
        | _ -> false

    // Registers and tiles share the L1 cache. A tile that holds whole rows of the repeated inputs lets these be loaded
    // once for all tiles.
    let struct (tile, period) =
        let budget = 24576 / (width * max 1 program.RegisterCount)
        let most = max 64 (min 1024 budget)
        // Whole vectors, and whole groups of random numbers.
        let mutable period = if inputs |> Array.exists (fun i -> i.Access.IsRandomUniform) then 64 else 16

        for i in 0 .. inputs.Length - 1 do
            if isPeriodic i then
                let next =
                    int64 period / int64 (BigInteger.GreatestCommonDivisor(period, walks[i].Run)) * int64 walks[i].Run
                if next <= int64 most then period <- int next

        struct (most / period * period, period)

    let chunk =
        let weight = instructions |> Array.sumBy (fun i -> if TileOps.isHeavy i.Op then 8 else 1)
        let wanted =
            if weight > 32 then 4096
            elif weight > 12 then 8192
            else 16384
        (wanted + tile - 1) / tile * tile

    let registerOffset (r: int) = nativeint (r * tile * width)

    let register (v: int) = { Base = registerOffset program.Registers[v]; Step = 0n; Mask = -1n }

    let memory (p: nativeint) = { Base = p; Step = nativeint width; Mask = 0n }

    // A result may go straight to an output, unless an input at the same place is read by a later instruction.
    let directOutput =
        let target = Array.create (inputs.Length + instructions.Length) -1

        for o in 0 .. program.Outputs.Length - 1 do
            let out = program.Outputs[o]
            let k = out.Value - inputs.Length

            if out.DType = domainType && k >= 0 && instructions[k].Op <> TileOp.Const && target[out.Value] < 0 then
                let mutable safe = true

                for i in 0 .. inputs.Length - 1 do
                    match inputs[i].Access with
                    | Flat when inputs[i].DType = domainType && inputPointers[i] = outputPointers[o] ->
                        if program.LastUse[i] > k then safe <- false
                    | _ -> ()

                if safe then target[out.Value] <- o

        target

    let places =
        Array.init (inputs.Length + instructions.Length) (fun v ->
            if directOutput[v] >= 0 then memory outputPointers[directOutput[v]]
            elif program.Registers[v] < 0 then memory inputPointers[v]
            else register v)

    let steps =
        instructions
        |> Array.mapi (fun i ins -> struct (i, ins))
        |> Array.filter (fun struct (i, ins) -> ins.Op <> TileOp.Const && program.LastUse[inputs.Length + i] >= 0)
        |> Array.map (fun struct (i, ins) ->
            { Op = ins.Op
              Dst = places[inputs.Length + i]
              A = places[ins.A]
              B = places[ins.B]
              C = places[ins.C] })

    let constants =
        instructions
        |> Array.mapi (fun i ins -> struct (registerOffset program.Registers[inputs.Length + i], ins))
        |> Array.filter (fun struct (_, ins) -> ins.Op = TileOp.Const)

    let loader (i: int) =
        let input = inputs[i]

        let make source =
            { Source = source
              DType = input.DType
              Pointer = inputPointers[i]
              Register = registerOffset program.Registers[i]
              Walk = walks[i]
              StepPointer = 0n
              Stream = 0UL
              Length = 1
              Inner = 1 }

        match input.Access with
        | Flat -> make TileSource.Converted
        | Scalar -> make TileSource.Single
        | Strided _ -> make TileSource.Walked
        | RandomUniform(stream, stepPointer, coarse) ->
            let source = if coarse then TileSource.Coarse else TileSource.Uniform
            { make source with Stream = stream; StepPointer = inputPointers[stepPointer] }
        | Iota(dims, axis) ->
            let mutable inner = 1

            for a in axis + 1 .. dims.Length - 1 do
                inner <- inner * dims[a]

            { make TileSource.Index with Length = dims[axis]; Inner = inner }

    let needed =
        [| for i in 0 .. inputs.Length - 1 do
               if program.Registers[i] >= 0 && program.LastUse[i] >= 0 then i |]

    // Inputs that look the same in every tile.
    let constantLoad (i: int) =
        match inputs[i].Access with
        | Scalar -> true
        | Strided _ -> walks[i].IsPeriodic && tile % walks[i].Run = 0
        | _ -> false

    let once = needed |> Array.filter constantLoad |> Array.map loader
    let always = needed |> Array.filter (constantLoad >> not) |> Array.map loader

    // Inputs that are read once, element by element.
    let flat =
        [| for i in 0 .. inputs.Length - 1 do
               if inputs[i].Access.IsFlat && program.LastUse[i] >= 0 then i |]

    let stores =
        [| for o in 0 .. program.Outputs.Length - 1 do
               let out = program.Outputs[o]

               if directOutput[out.Value] <> o then
                   { From = places[out.Value]; To = outputPointers[o]; As = out.DType } |]

    do
        if program.RegisterCount * tile * width > Scratch.TileSize then
            raise (
                GraphException(
                    "A fused elementwise region has too many values.",
                    "",
                    "at most " + (Scratch.TileSize / (64 * width)).ToString(Globalization.CultureInfo.InvariantCulture),
                    program.RegisterCount.ToString(Globalization.CultureInfo.InvariantCulture),
                    "Split the region."
                )
            )

    /// Elements of a tile; a multiple of the rows of repeated inputs where that is possible.
    member _.Tile = tile

    /// Distance after which inputs that repeat look the same.
    member _.Period = period

    override _.Chunks(_) = (size + chunk - 1) / chunk

    member private _.Load(l: TileLoader, n: int, scratch: nativeint, position: int) : unit =
        let d = scratch + l.Register

        match l.Source with
        | TileSource.Converted ->
            runner.Load(l.DType, n, d, l.Pointer + nativeint position * nativeint (DType.size l.DType), 1)
        | TileSource.Single -> runner.Load(l.DType, n, d, l.Pointer, 0)
        | TileSource.Walked -> runner.Walk(l.Walk, l.DType, n, d, l.Pointer, position)
        | TileSource.Index -> runner.Indices(n, d, position, l.Length, l.Inner)
        | _ ->
            let seed = uint64 (Mem.get<int64> l.Pointer 0)
            let step = uint32 (Mem.get<int64> l.StepPointer 0)

            let inline draw (count: int) (d: nativeint) (position: int) =
                if l.Source = TileSource.Coarse then
                    random.Coarse(count, d, position, seed, l.Stream, step)
                else
                    random.Uniform(count, d, position, seed, l.Stream, step)

            if width = 4 then
                draw n d position
            else
                // In pieces through float32, where all of these numbers are exact.
                let piece = NativePtr.toNativeInt (NativePtr.stackalloc<float32> 64)
                let mutable i = 0

                while i < n do
                    let count = min 64 (n - i)
                    draw count piece (position + i)
                    runner.Load(DType.Float32, count, d + nativeint (i * width), piece, 1)
                    i <- i + count

    /// Where a summed value of the tile that has just run at a position is.
    member _.SumAt(index: int, position: int) : nativeint =
        places[program.Summed[index]].At(Scratch.TilePointer, position)

    /// target += values, n elements.
    member _.Accumulate(n: int, target: nativeint, values: nativeint) : unit =
        runner.Apply(TileOp.Add, n, target, target, values, values)

    /// Loads what is the same in every tile that is a multiple of `Period` away from this one, and not longer.
    member this.Prepare(position: int, count: int) : unit =
        this.FillConstants count

        for i in 0 .. once.Length - 1 do
            this.Load(once[i], count, Scratch.TilePointer, position)

    /// Runs one tile, of at most `Tile` elements, after `Prepare`.
    member this.RunTile(position: int, count: int) : unit = this.Tiles(Scratch.TilePointer, position, position + count)

    member private _.FillConstants(count: int) : unit =
        for i in 0 .. constants.Length - 1 do
            let struct (offset, ins) = constants[i]
            runner.Fill(count, Scratch.TilePointer + offset, ins)

    /// The elements [start, start + count), and those of `rows - 1` more stretches, each `stride` after the one before.
    member private this.Stretches(start: int, rows: int, count: int, stride: int) : unit =
        let scratch = Scratch.TilePointer
        let first = min tile count
        this.FillConstants first

        // What repeats looks the same in every stretch whose start is a multiple of the period away.
        let again = stride % period <> 0

        for row in 0 .. rows - 1 do
            let from = start + row * stride

            if row = 0 || again then
                for i in 0 .. once.Length - 1 do
                    this.Load(once[i], first, scratch, from)

            this.Tiles(scratch, from, from + count)

    member private this.Tiles(scratch: nativeint, from: int, stop: int) : unit =
        let mutable position = from

        while position < stop do
            let n = min tile (stop - position)

            for i in 0 .. always.Length - 1 do
                this.Load(always[i], n, scratch, position)

            for i in 0 .. steps.Length - 1 do
                let s = &steps[i]

                runner.Apply(
                    s.Op,
                    n,
                    s.Dst.At(scratch, position),
                    s.A.At(scratch, position),
                    s.B.At(scratch, position),
                    s.C.At(scratch, position)
                )

            for i in 0 .. stores.Length - 1 do
                let s = stores[i]

                runner.Store(
                    s.As,
                    n,
                    s.To + nativeint position * nativeint (DType.size s.As),
                    s.From.At(scratch, position)
                )

            position <- position + n

    /// Part of the work: `rows` stretches of `columns` elements from element `first` on, `stride` apart.
    member this.RunPart(first: int, rows: int, columns: int, stride: int) : unit =
        let joined = rows = 1 || stride = columns

        if joined then
            this.Stretches(first, 1, rows * columns, stride)
        else
            this.Stretches(first, rows, columns, stride)

    /// Asks for what a part of the work will read, except for one input.
    [<FullyOptimized>]
    member _.Announce(except: int, first: int, rows: int, columns: int, stride: int) : unit =
        for k in 0 .. flat.Length - 1 do
            let i = flat[k]

            if i <> except then
                let bytes = nativeint (DType.size inputs[i].DType)

                for row in 0 .. rows - 1 do
                    Mem.announce
                        (inputPointers[i] + nativeint (first + row * stride) * bytes)
                        (nativeint columns * bytes)

    override this.Run(_, index) =
        let start = index * chunk
        this.RunPart(start, 1, min chunk (size - start), 0)

    new(program, size, inputPointers, outputPointers) =
        ElementwiseKernel(program, size, inputPointers, outputPointers, Width.current)

/// A tile program as the end of another kernel, whose result is the input with the number `hosted`.
[<Sealed>]
type internal ElementwiseEpilogue(kernel: ElementwiseKernel, hosted: int) =
    inherit Epilogue()
    override _.Run(first, rows, columns, stride) = kernel.RunPart(first, rows, columns, stride)
    override _.Announce(first, rows, columns, stride) = kernel.Announce(hosted, first, rows, columns, stride)
