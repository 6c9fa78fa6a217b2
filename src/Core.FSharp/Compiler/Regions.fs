namespace FunctionalNet.Compiler

open System
open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels

/// From a group of elementwise nodes to one tile program.
module internal Regions =

    let private unaryOp (op: UnaryOp) =
        match op with
        | UnaryOp.Neg -> TileOp.Neg
        | UnaryOp.Abs -> TileOp.Abs
        | UnaryOp.Sign -> TileOp.Sign
        | UnaryOp.Reciprocal -> TileOp.Reciprocal
        | UnaryOp.Square -> TileOp.Square
        | UnaryOp.Sqrt -> TileOp.Sqrt
        | UnaryOp.Rsqrt -> TileOp.Rsqrt
        | UnaryOp.Exp -> TileOp.Exp
        | UnaryOp.Expm1 -> TileOp.Expm1
        | UnaryOp.Log -> TileOp.Log
        | UnaryOp.Log1p -> TileOp.Log1p
        | UnaryOp.Sin -> TileOp.Sin
        | UnaryOp.Cos -> TileOp.Cos
        | UnaryOp.Tan -> TileOp.Tan
        | UnaryOp.Asin -> TileOp.Asin
        | UnaryOp.Acos -> TileOp.Acos
        | UnaryOp.Atan -> TileOp.Atan
        | UnaryOp.Sinh -> TileOp.Sinh
        | UnaryOp.Cosh -> TileOp.Cosh
        | UnaryOp.Asinh -> TileOp.Asinh
        | UnaryOp.Acosh -> TileOp.Acosh
        | UnaryOp.Atanh -> TileOp.Atanh
        | UnaryOp.Tanh -> TileOp.Tanh
        | UnaryOp.Sigmoid -> TileOp.Sigmoid
        | UnaryOp.Softplus -> TileOp.Softplus
        | UnaryOp.Relu -> TileOp.Relu
        | UnaryOp.Erf -> TileOp.Erf
        | UnaryOp.Erfinv -> TileOp.Erfinv
        | UnaryOp.Floor -> TileOp.Floor
        | UnaryOp.Ceil -> TileOp.Ceil
        | UnaryOp.Round -> TileOp.Round
        | UnaryOp.Not -> TileOp.Not
        | UnaryOp.IsNaN -> TileOp.IsNaN
        | _ -> TileOp.IsFinite

    let private binaryOp (op: BinaryOp) =
        match op with
        | BinaryOp.Add -> TileOp.Add
        | BinaryOp.Sub -> TileOp.Sub
        | BinaryOp.Mul -> TileOp.Mul
        | BinaryOp.Div -> TileOp.Div
        | BinaryOp.FloorDiv -> TileOp.FloorDiv
        | BinaryOp.Mod -> TileOp.Mod
        | BinaryOp.Pow -> TileOp.Pow
        | BinaryOp.Atan2 -> TileOp.Atan2
        | BinaryOp.Max -> TileOp.Max
        | BinaryOp.Min -> TileOp.Min
        | BinaryOp.Eq -> TileOp.Eq
        | BinaryOp.Ne -> TileOp.Ne
        | BinaryOp.Lt -> TileOp.Lt
        | BinaryOp.Le -> TileOp.Le
        | BinaryOp.Gt -> TileOp.Gt
        | BinaryOp.Ge -> TileOp.Ge
        | BinaryOp.And -> TileOp.And
        | BinaryOp.Or -> TileOp.Or
        | _ -> TileOp.Xor

    /// The one element of a constant, as the program's instruction.
    let private constantOf (t: Tensor) : TileInstruction =
        match t.Data with
        | :? (int64[]) as a -> TileInstruction.ConstInt a[0]
        | :? (int[]) as a -> TileInstruction.ConstInt(int64 a[0])
        | :? (float32[]) as a -> TileInstruction.Const(float a[0])
        | :? (float[]) as a -> TileInstruction.Const a[0]
        | :? (bool[]) as a -> TileInstruction.ConstInt(if a[0] then 1L else 0L)
        | :? (BFloat16[]) as a -> TileInstruction.Const(float (a[0].ToSingle()))
        | _ -> TileInstruction.Const 0.0

    /// The constant with one element under reshapes and broadcasts, if that is what a node is.
    let rec private oneElement (node: Expr) : Tensor option =
        match node.Op with
        | Constant t when t.Size = 1 -> Some t
        | Reshape _
        | Broadcast _ -> oneElement node.Inputs[0]
        | _ -> None

    /// True for nodes that a region has as a constant of its own.
    let isOneConstant (node: Expr) = (oneElement node).IsSome

    /// How a region reads an operand that lies in memory, for a user of that shape.
    let access (dims: int[]) (view: View) : TileAccess =
        if Array.forall (fun d -> d = 1) dims then
            Flat
        elif View.size view = 1 then
            Scalar
        else
            let view = View.broadcast dims view
            let struct (d, s) = Strides.collapse view.Dims view.Strides

            if Array.contains 0 dims then Flat
            elif d.Length = 0 || Array.forall (fun stride -> stride = 0) s then Scalar
            elif d.Length = 1 && s[0] = 1 then Flat
            else Strided(d, s)

    let private sameAccess (a: TileAccess) (b: TileAccess) =
        match a, b with
        | Flat, Flat
        | Scalar, Scalar -> true
        | Strided(d, s), Strided(e, t) ->
            d.AsSpan().SequenceEqual(ReadOnlySpan e) && s.AsSpan().SequenceEqual(ReadOnlySpan t)
        | TileAccess.Iota(d, i), TileAccess.Iota(e, j) -> i = j && d.AsSpan().SequenceEqual(ReadOnlySpan e)
        | _ -> false

    /// A node that a region can make up as it goes, instead of reading it.
    type private Generator =
        | Index of dims: int[] * axis: int
        | Uniform of RandomSpec * Expr
        | NoGenerator

    let private generator (user: Expr) (operand: Expr) : Generator =
        let dims = user.Shape.ToArray()
        let node = Elementwise.flatSource operand

        match node.Op with
        | Op.Iota(t, axis) when t.Shape.Size = user.Shape.Size -> Index(t.Shape.ToArray(), axis)
        | Op.Iota(t, axis) when obj.ReferenceEquals(node, operand) ->
            // Broadcast by the user: the counted axis must keep its size.
            let at = axis + dims.Length - t.Shape.Rank
            if t.Shape[axis] = dims[at] then Index(dims, at) else NoGenerator
        | Random spec when
            (spec.Kind = Graph.RandomKind.Uniform || spec.Kind = Graph.RandomKind.Coarse)
            && spec.Type.Shape.Size = user.Shape.Size
            && user.Shape.Size > 0
            ->
            Uniform(spec, node)
        | _ -> NoGenerator

    /// How a region makes up an index node of its own shape.
    let iotaAccess (op: Op) : TileAccess =
        match op with
        | Op.Iota(t, axis) -> TileAccess.Iota(t.Shape.ToArray(), axis)
        | _ -> Flat

    /// True if a region that reads this operand does not need it in memory.
    let isGenerated (user: Expr) (operand: Expr) =
        (oneElement operand).IsSome
        || (match generator user operand with
            | NoGenerator -> false
            | _ -> true)

    /// The program of a group and the operands of its inputs (followed by those of the step counters of random inputs).
    /// `inside` tells whether an operand is a result of the group; `load` gives the operand of anything else.
    let build
        (domain: TileDomain)
        (members: Expr[])
        (outputs: Expr[])
        (summed: Expr[])
        (inside: Expr -> Expr -> bool)
        (load: Expr -> Operand)
        : Region * Operand[] =

        let inputs = List<TileInput>()
        let operands = List<Operand>()
        // Step counters: index among `inputs` of the random input, and its operand.
        let steps = List<struct (int * Operand)>()
        let instructions = List<TileInstruction>()
        let uniforms = Dictionary<Expr, int>(HashIdentity.Reference)
        let known = Dictionary<Expr, int>(HashIdentity.Reference)
        let constants = List<struct (int64 * int)>()

        // Until the number of inputs is known, results of instructions are numbered from -1 downward.
        let emit (instruction: TileInstruction) =
            instructions.Add instruction
            -instructions.Count

        let sameOperand (a: Operand) (b: Operand) =
            a.Value = b.Value && a.View.Offset = b.View.Offset && a.DType = b.DType

        let input (dtype: DType) (access: TileAccess) (operand: Operand) =
            let isThis i = sameAccess inputs[i].Access access && sameOperand operands[i] operand

            match [| 0 .. inputs.Count - 1 |] |> Array.tryFind isThis with
            | Some i -> i
            | None ->
                inputs.Add { DType = dtype; Access = access }
                operands.Add operand
                inputs.Count - 1

        let constant (instruction: TileInstruction) =
            let bits =
                if domain = TileDomain.I64 then
                    instruction.Integer
                else
                    BitConverter.DoubleToInt64Bits instruction.Value

            let mutable found = 0

            for struct (b, id) in constants do
                if b = bits then found <- id

            if found <> 0 then
                found
            else
                let id = emit instruction
                constants.Add(struct (bits, id))
                id

        let operandOf (user: Expr) (e: Expr) : int =
            if inside user e then
                known[Elementwise.flatSource e]
            else
                match oneElement e with
                | Some t -> constant (constantOf t)
                | None ->
                    match generator user e with
                    | Index(dims, axis) -> input DType.Int64 (TileAccess.Iota(dims, axis)) Operand.none
                    | Uniform(spec, node) ->
                        match uniforms.TryGetValue node with
                        | true, id -> id
                        | _ ->
                            let id = inputs.Count
                            inputs.Add
                                { DType = DType.Int64
                                  Access = RandomUniform(spec.Stream, 0, spec.Kind = Graph.RandomKind.Coarse) }
                            operands.Add(load node.Inputs[0])
                            steps.Add(struct (id, load node.Inputs[1]))
                            uniforms[node] <- id
                            id
                    | NoGenerator ->
                        let operand = load e
                        input operand.DType (access (user.Shape.ToArray()) operand.View) operand

        for node in members do
            let arg i = operandOf node node.Inputs[i]

            let result =
                match node.Op with
                | Unary u -> emit (TileInstruction.Unary(unaryOp u, arg 0))
                | Binary b ->
                    let x = arg 0
                    let y = arg 1
                    emit (TileInstruction.Binary(binaryOp b, x, y))
                | Select ->
                    let c = arg 0
                    let x = arg 1
                    let y = arg 2
                    emit (TileInstruction.Ternary(TileOp.Select, c, x, y))
                | Cast target ->
                    let x = arg 0
                    let source = node.Inputs[0].DType

                    if target = source then
                        emit (TileInstruction.Unary(TileOp.Copy, x))
                    elif target = DType.Bool then
                        let zero = constant (TileInstruction.ConstInt 0L)
                        emit (TileInstruction.Binary(TileOp.Ne, x, zero))
                    elif DType.isFloating source && DType.isInteger target then
                        emit (TileInstruction.Unary(TileOp.Trunc, x))
                    elif target = DType.BFloat16 then
                        emit (TileInstruction.Unary(TileOp.RoundToHalf, x))
                    elif target = DType.Float32 && domain = TileDomain.F64 then
                        emit (TileInstruction.Unary(TileOp.RoundToSingle, x))
                    else
                        emit (TileInstruction.Unary(TileOp.Copy, x))
                | _ -> emit (TileInstruction.Unary(TileOp.Copy, arg 0))

            known[node] <- result

        let count = inputs.Count
        let final id = if id < 0 then count - id - 1 else id

        // The step counters' pointers come after those of the inputs.
        for struct (i, operand) in steps do
            match inputs[i].Access with
            | RandomUniform(stream, _, coarse) ->
                inputs[i] <- { inputs[i] with Access = RandomUniform(stream, operands.Count, coarse) }
                operands.Add operand
            | _ -> ()

        let instructions =
            instructions.ToArray()
            |> Array.map (fun i -> { i with A = final i.A; B = final i.B; C = final i.C })

        let outputs = outputs |> Array.map (fun e -> { TileOutput.Value = final known[e]; DType = e.DType })
        let summed = summed |> Array.map (fun e -> final known[e])
        let inputs = inputs.ToArray()
        let isSummed = summed |> Array.map (fun v -> { TileOutput.Value = v; DType = TileOps.dtypeOf domain })
        let ends = Array.append outputs isSummed

        let instructions, ends =
            if domain = TileDomain.F32 then
                Peephole.withoutRoundings inputs instructions ends
            else
                instructions, ends

        let outputs, isSummed = Array.splitAt outputs.Length ends
        let summed = isSummed |> Array.map (fun o -> o.Value)
        let shorter, ends = Peephole.improve domain inputs.Length instructions ends

        let stored, sums = Array.splitAt outputs.Length ends

        { Size = members[0].Shape.Size
          Domain = domain
          Inputs = inputs
          Instructions = instructions
          Outputs = outputs
          Summed = summed
          Program = TileProgram(domain, inputs, shorter, stored, sums |> Array.map (fun o -> o.Value)) },
        operands.ToArray()
