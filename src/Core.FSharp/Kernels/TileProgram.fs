namespace FunctionalNet.Kernels

open System.Globalization
open FunctionalNet

/// The type that all instructions of a tile program compute in.
type internal TileDomain =
    | F32 = 0
    | F64 = 1
    | I64 = 2

/// One elementwise operation. Comparisons and logic give 1 or 0 in the domain; logic takes any value but 0 as true.
type internal TileOp =
    | Const = 0
    | Copy = 1
    | Neg = 2
    | Abs = 3
    | Sign = 4
    | Reciprocal = 5
    | Square = 6
    | Sqrt = 7
    | Rsqrt = 8
    | Exp = 9
    | Expm1 = 10
    | Log = 11
    | Log1p = 12
    | Sin = 13
    | Cos = 14
    | Tan = 15
    | Asin = 16
    | Acos = 17
    | Atan = 18
    | Sinh = 19
    | Cosh = 20
    | Asinh = 21
    | Acosh = 22
    | Atanh = 23
    | Tanh = 24
    | Sigmoid = 25
    | Softplus = 26
    | Relu = 27
    | Erf = 28
    | Erfinv = 29
    | Floor = 30
    | Ceil = 31
    /// Half to even.
    | Round = 32
    /// Toward zero.
    | Trunc = 33
    /// F64 domain: the value rounded through float32. Otherwise the value itself.
    | RoundToSingle = 34
    | Not = 35
    | IsNaN = 36
    | IsFinite = 37
    | Add = 38
    | Sub = 39
    | Mul = 40
    | Div = 41
    | FloorDiv = 42
    /// The result has the sign of the divisor.
    | Mod = 43
    | Pow = 44
    | Atan2 = 45
    /// NaN if either is NaN.
    | Max = 46
    /// NaN if either is NaN.
    | Min = 47
    | Eq = 48
    | Ne = 49
    | Lt = 50
    | Le = 51
    | Gt = 52
    | Ge = 53
    | And = 54
    | Or = 55
    | Xor = 56
    /// A is not 0 ? B : C.
    | Select = 57
    /// A * B + C.
    | FusedMultiplyAdd = 58
    /// x (1 + erf (x / sqrt 2)) / 2.
    | Gelu = 59
    /// A + (B - A) C: a moving average's step.
    | Toward = 60
    /// A + (B B - A) C.
    | TowardSquare = 61
    /// A / (sqrt B + C).
    | OverRoot = 62
    /// F32 domain: the nearest value that 16 bits hold (bfloat16).
    | RoundToHalf = 63

/// One instruction in single assignment form: operands are value ids (inputs first, then results in order).
[<Struct; NoEquality; NoComparison>]
type internal TileInstruction =
    { Op: TileOp
      A: int
      B: int
      C: int
      Value: float
      Integer: int64 }

    static member Unary(op, a) = { Op = op; A = a; B = 0; C = 0; Value = 0.0; Integer = 0L }

    static member Binary(op, a, b) = { Op = op; A = a; B = b; C = 0; Value = 0.0; Integer = 0L }

    static member Ternary(op, a, b, c) = { Op = op; A = a; B = b; C = c; Value = 0.0; Integer = 0L }

    static member Const(value: float) = { Op = TileOp.Const; A = 0; B = 0; C = 0; Value = value; Integer = int64 value }

    static member ConstInt(value: int64) =
        { Op = TileOp.Const; A = 0; B = 0; C = 0; Value = float value; Integer = value }

/// Where the elements of an input come from.
[<NoEquality; NoComparison>]
type internal TileAccess =
    /// Contiguous, of the region's shape.
    | Flat
    /// One element for all.
    | Scalar
    /// An element stride for each dim of the region; 0 broadcasts.
    | Strided of dims: int[] * strides: int[]
    /// Uniform numbers in [0, 1): the input's pointer is the int64 seed, `stepPointer` is the index of the pointer of the
    /// int64 step. Coarse ones have 16 random bits instead of 24.
    | RandomUniform of stream: uint64 * stepPointer: int * coarse: bool
    /// The index along one axis of the region.
    | Iota of dims: int[] * axis: int

/// An input of a tile program, converted to the domain when it is loaded.
[<NoEquality; NoComparison>]
type internal TileInput = { DType: DType; Access: TileAccess }

/// An output: a value stored contiguously, converted to a type.
[<NoEquality; NoComparison>]
type internal TileOutput = { Value: int; DType: DType }

/// Facts about operations.
module internal TileOps =

    /// Number of operands.
    let arity (op: TileOp) =
        if op = TileOp.Const then 0
        elif op <= TileOp.IsFinite || op = TileOp.Gelu || op = TileOp.RoundToHalf then 1
        elif op <= TileOp.Xor then 2
        else 3

    /// True when the operation has a meaning on integers.
    let forIntegers (op: TileOp) =
        match op with
        | TileOp.Reciprocal
        | TileOp.Div
        | TileOp.Atan2 -> false
        | TileOp.Erf
        | TileOp.Erfinv
        | TileOp.Gelu
        | TileOp.Toward
        | TileOp.TowardSquare
        | TileOp.OverRoot
        | TileOp.RoundToHalf -> false
        | _ -> op < TileOp.Sqrt || op > TileOp.Softplus

    /// True for the operations that cost many times an addition.
    let isHeavy (op: TileOp) =
        (op >= TileOp.Exp && op <= TileOp.Softplus)
        || op = TileOp.Erf
        || op = TileOp.Erfinv
        || op = TileOp.Gelu
        || op = TileOp.Pow
        || op = TileOp.Atan2

    /// The type that the domain computes in.
    let dtypeOf (domain: TileDomain) =
        match domain with
        | TileDomain.F32 -> DType.Float32
        | TileDomain.F64 -> DType.Float64
        | _ -> DType.Int64

/// A checked elementwise program with registers assigned: what to compute, without sizes or pointers.
[<Sealed>]
type internal TileProgram
    (domain: TileDomain, inputs: TileInput[], instructions: TileInstruction[], outputs: TileOutput[], ?summed: int[]) =

    let summed = defaultArg summed [||]

    let fail (what: string) (index: int) (hint: string) =
        raise (
            GraphException(
                "A tile program is not well formed.",
                "instruction " + index.ToString CultureInfo.InvariantCulture,
                "",
                what,
                hint
            )
        )

    let values = inputs.Length + instructions.Length

    do
        for i in 0 .. instructions.Length - 1 do
            let ins = instructions[i]
            let arity = TileOps.arity ins.Op
            let ok (v: int) = v >= 0 && v < inputs.Length + i

            if (arity > 0 && not (ok ins.A)) || (arity > 1 && not (ok ins.B)) || (arity > 2 && not (ok ins.C)) then
                fail
                    "an operand that is not computed before"
                    i
                    "Operands are inputs and results of earlier instructions."

            if domain = TileDomain.I64 && not (TileOps.forIntegers ins.Op) then
                fail "an operation that integers do not have" i "Compute it in a floating domain."

        for o in outputs do
            if o.Value < 0 || o.Value >= values then
                fail "an output that is not computed" -1 "Outputs are value ids."

    // The last instruction that reads a value; outputs are read after the last one.
    let lastUse =
        let last = Array.create values -1

        for i in 0 .. instructions.Length - 1 do
            let ins = instructions[i]
            let arity = TileOps.arity ins.Op
            if arity > 0 then last[ins.A] <- i
            if arity > 1 then last[ins.B] <- i
            if arity > 2 then last[ins.C] <- i

        for o in outputs do
            last[o.Value] <- instructions.Length

        for v in summed do
            last[v] <- instructions.Length

        last

    let direct (i: int) =
        match inputs[i].Access with
        | Flat -> inputs[i].DType = TileOps.dtypeOf domain
        | _ -> false

    // Registers: inputs that need one and constants keep theirs for the whole chunk; results share by linear scan.
    let registers, count =
        let assigned = Array.create values -1
        let mutable next = 0

        let fresh () =
            next <- next + 1
            next - 1

        for i in 0 .. inputs.Length - 1 do
            if not (direct i) then assigned[i] <- fresh ()

        let free = System.Collections.Generic.Stack<int>()

        let release (v: int) (i: int) =
            let computed = v >= inputs.Length && instructions[v - inputs.Length].Op <> TileOp.Const

            if computed && lastUse[v] = i && not (free.Contains assigned[v]) then
                free.Push assigned[v]

        for i in 0 .. instructions.Length - 1 do
            let ins = instructions[i]
            let arity = TileOps.arity ins.Op

            if arity = 0 then
                assigned[inputs.Length + i] <- fresh ()
            else
                release ins.A i
                if arity > 1 then release ins.B i
                if arity > 2 then release ins.C i
                assigned[inputs.Length + i] <- (if free.Count > 0 then free.Pop() else fresh ())

        assigned, next

    member _.Domain = domain
    member _.Inputs = inputs
    member _.Instructions = instructions
    member _.Outputs = outputs

    /// Values that are summed over some axis after each tile.
    member _.Summed = summed

    /// The register of each value, or -1 for an input that is read where it is.
    member _.Registers = registers

    /// Number of registers.
    member _.RegisterCount = count

    /// For each value, the last instruction that reads it; the number of instructions if it is an output; -1 if unused.
    member _.LastUse = lastUse
