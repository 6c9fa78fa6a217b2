namespace FunctionalNet.Compiler

open System
open FunctionalNet
open FunctionalNet.Kernels

/// Shorter tile programs that compute the same: a product and a sum in one pass, gelu as it is usually written in one, and
/// the three passes of an update of Adam.
module internal Peephole =

    /// Instructions without those that nothing needs, and outputs with the new numbers of their values.
    let private compact (inputs: int) (instructions: TileInstruction[]) (outputs: TileOutput[]) =
        let needed = Array.zeroCreate<bool>(inputs + instructions.Length)

        for o in outputs do
            needed[o.Value] <- true

        for i in instructions.Length - 1 .. -1 .. 0 do
            if needed[inputs + i] then
                let ins = instructions[i]
                let arity = TileOps.arity ins.Op
                if arity > 0 then needed[ins.A] <- true
                if arity > 1 then needed[ins.B] <- true
                if arity > 2 then needed[ins.C] <- true

        let number = Array.init needed.Length id
        let mutable next = inputs

        for v in inputs .. needed.Length - 1 do
            number[v] <- next
            if needed[v] then next <- next + 1

        let kept =
            instructions
            |> Array.indexed
            |> Array.filter (fun (i, _) -> needed[inputs + i])
            |> Array.map (fun (_, ins) ->
                let arity = TileOps.arity ins.Op

                { ins with
                    A = (if arity > 0 then number[ins.A] else ins.A)
                    B = (if arity > 1 then number[ins.B] else ins.B)
                    C = (if arity > 2 then number[ins.C] else ins.C) })

        kept, outputs |> Array.map (fun o -> { o with Value = number[o.Value] })

    /// A program of floats without what changes nothing where values have 16 bits: their rounding again, copies, and the rounding of what
    /// is stored in 16 bits, which storing does.
    let withoutRoundings
        (inputs: TileInput[])
        (instructions: TileInstruction[])
        (outputs: TileOutput[])
        : TileInstruction[] * TileOutput[] =
        if instructions |> Array.forall (fun ins -> ins.Op <> TileOp.RoundToHalf) then
            instructions, outputs
        else
            let count = inputs.Length
            // The first value that is the same, and whether 16 bits hold it.
            let same = Array.init (count + instructions.Length) id
            let fits = Array.init same.Length (fun v -> v < count && inputs[v].DType = DType.BFloat16)
            let work = Array.copy instructions

            for i in 0 .. work.Length - 1 do
                let arity = TileOps.arity work[i].Op
                let at (place: int) (v: int) = if arity > place then same[v] else v
                let ins = { work[i] with A = at 0 work[i].A; B = at 1 work[i].B; C = at 2 work[i].C }
                let v = count + i
                work[i] <- ins

                match ins.Op with
                | TileOp.Copy -> same[v] <- ins.A
                | TileOp.RoundToHalf when fits[ins.A] -> same[v] <- ins.A
                | TileOp.RoundToHalf -> fits[v] <- true
                | TileOp.Const -> fits[v] <- Halves.holds ins.Value
                | TileOp.Relu
                | TileOp.Neg
                | TileOp.Abs -> fits[v] <- fits[ins.A]
                | TileOp.Max
                | TileOp.Min -> fits[v] <- fits[ins.A] && fits[ins.B]
                | TileOp.Select -> fits[v] <- fits[ins.B] && fits[ins.C]
                | _ -> ()

            let stored (o: TileOutput) =
                let v = same[o.Value]
                let rounds = v >= count && work[v - count].Op = TileOp.RoundToHalf
                { o with Value = (if rounds && o.DType = DType.BFloat16 then work[v - count].A else v) }

            compact count work (Array.map stored outputs)

    /// The program's instructions and outputs, improved. Inputs keep their numbers.
    let improve
        (domain: TileDomain)
        (inputs: int)
        (instructions: TileInstruction[])
        (outputs: TileOutput[])
        : TileInstruction[] * TileOutput[] =
        if domain = TileDomain.I64 then
            instructions, outputs
        else
            let work = Array.copy instructions

            let find (op: TileOp) (v: int) : TileInstruction voption =
                if v >= inputs && work[v - inputs].Op = op then ValueSome work[v - inputs] else ValueNone

            let isConstant (value: float) (v: int) =
                match find TileOp.Const v with
                | ValueSome c -> Math.Abs(c.Value - value) <= 1e-7
                | ValueNone -> false

            // The other operand of an operation that takes a constant on either side.
            let beside (op: TileOp) (value: float) (v: int) : int voption =
                match find op v with
                | ValueSome i when isConstant value i.A -> ValueSome i.B
                | ValueSome i when isConstant value i.B -> ValueSome i.A
                | _ -> ValueNone

            // x, if v is 1 + erf (x / sqrt 2).
            let twiceNormal (v: int) : int voption =
                match beside TileOp.Add 1.0 v with
                | ValueSome e ->
                    match find TileOp.Erf e with
                    | ValueSome erf -> beside TileOp.Mul (Math.Sqrt 0.5) erf.A
                    | ValueNone -> ValueNone
                | ValueNone -> ValueNone

            let gelu (a: int) (b: int) : int voption =
                match beside TileOp.Mul 0.5 a, twiceNormal b with
                | ValueSome x, ValueSome y when x = y -> ValueSome x
                | _ -> ValueNone

            for i in 0 .. work.Length - 1 do
                let ins = work[i]

                if ins.Op = TileOp.Mul then
                    match gelu ins.A ins.B, gelu ins.B ins.A with
                    | ValueSome x, _
                    | _, ValueSome x -> work[i] <- TileInstruction.Unary(TileOp.Gelu, x)
                    | _ -> ()

            let work, outputs = compact inputs work outputs

            // Values that are read once can be computed where they are read.
            let uses = Array.zeroCreate<int>(inputs + work.Length)
            let count v = uses[v] <- uses[v] + 1

            for ins in work do
                let arity = TileOps.arity ins.Op
                if arity > 0 then count ins.A
                if arity > 1 then count ins.B
                if arity > 2 then count ins.C

            for o in outputs do
                count o.Value

            let once (op: TileOp) (v: int) : TileInstruction voption =
                if v >= inputs && uses[v] = 1 && work[v - inputs].Op = op then
                    ValueSome work[v - inputs]
                else
                    ValueNone

            // For a + p: a + (b - a) c if p is that product, otherwise the product and the sum in one.
            let sum (a: int) (p: int) : TileInstruction voption =
                let toward (difference: int) (factor: int) : TileInstruction voption =
                    match once TileOp.Sub difference with
                    | ValueSome d when d.B = a ->
                        match once TileOp.Square d.A with
                        | ValueSome square ->
                            ValueSome(TileInstruction.Ternary(TileOp.TowardSquare, a, square.A, factor))
                        | ValueNone -> ValueSome(TileInstruction.Ternary(TileOp.Toward, a, d.A, factor))
                    | _ -> ValueNone

                match once TileOp.Mul p with
                | ValueSome product ->
                    match toward product.A product.B with
                    | ValueSome step -> ValueSome step
                    | ValueNone ->
                        match toward product.B product.A with
                        | ValueSome step -> ValueSome step
                        | ValueNone ->
                            ValueSome(TileInstruction.Ternary(TileOp.FusedMultiplyAdd, product.A, product.B, a))
                | ValueNone -> ValueNone

            // x / (sqrt y + z)
            let quotient (x: int) (divisor: int) : TileInstruction voption =
                match once TileOp.Add divisor with
                | ValueSome add ->
                    match once TileOp.Sqrt add.A, once TileOp.Sqrt add.B with
                    | ValueSome root, _ -> ValueSome(TileInstruction.Ternary(TileOp.OverRoot, x, root.A, add.B))
                    | _, ValueSome root -> ValueSome(TileInstruction.Ternary(TileOp.OverRoot, x, root.A, add.A))
                    | _ -> ValueNone
                | ValueNone -> ValueNone

            // Backwards, so that what a value is made of is still there when the value is looked at.
            for i in work.Length - 1 .. -1 .. 0 do
                let ins = work[i]

                let shorter =
                    match ins.Op with
                    | TileOp.Add ->
                        match sum ins.B ins.A with
                        | ValueSome step -> ValueSome step
                        | ValueNone -> sum ins.A ins.B
                    | TileOp.Div -> quotient ins.A ins.B
                    | _ -> ValueNone

                match shorter with
                | ValueSome step -> work[i] <- step
                | ValueNone -> ()

            compact inputs work outputs
