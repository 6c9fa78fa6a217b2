namespace FunctionalNet

open System
open FunctionalNet.Graph

/// Keras's single operations as layers: what `x != 0` or `x + y` becomes in a functional model. The arguments of the call
/// belong to the layer here; tensors among them are slots.
module internal Operation =

    /// Stands for a tensor among the arguments of the call.
    let slot = ConfigValue.Object [ "class_name", Text "__slot__" ]

    [<Literal>]
    let private ArgumentsKey = "__args__"

    [<Literal>]
    let private ModuleKey = "__module__"

    let private binary: (string * (Expr -> Expr -> Expr)) list =
        let compare op (a: Expr) (b: Expr) = Expr.Node(Binary op, [| a; b |])

        [ "Add", (fun a b -> a + b)
          "Subtract", (fun a b -> a - b)
          "Multiply", (fun a b -> a * b)
          "Divide", (fun a b -> a / b)
          "TrueDivide", (fun a b -> a / b)
          "Mod", (fun a b -> a % b)
          "Power", compare BinaryOp.Pow
          "Maximum", compare BinaryOp.Max
          "Minimum", compare BinaryOp.Min
          "Equal", compare BinaryOp.Eq
          "NotEqual", compare BinaryOp.Ne
          "Less", compare BinaryOp.Lt
          "LessEqual", compare BinaryOp.Le
          "Greater", compare BinaryOp.Gt
          "GreaterEqual", compare BinaryOp.Ge
          "LogicalAnd", compare BinaryOp.And
          "LogicalOr", compare BinaryOp.Or ]

    let private unary: (string * (Expr -> Expr)) list =
        let apply op (x: Expr) = Expr.Node(Unary op, [| x |])

        [ "Negative", apply UnaryOp.Neg
          "Absolute", apply UnaryOp.Abs
          "Sign", apply UnaryOp.Sign
          "Square", apply UnaryOp.Square
          "Sqrt", apply UnaryOp.Sqrt
          "Rsqrt", apply UnaryOp.Rsqrt
          "Exp", apply UnaryOp.Exp
          "Expm1", apply UnaryOp.Expm1
          "Log", apply UnaryOp.Log
          "Log1p", apply UnaryOp.Log1p
          "Sin", apply UnaryOp.Sin
          "Cos", apply UnaryOp.Cos
          "Tanh", apply UnaryOp.Tanh
          "Sigmoid", apply UnaryOp.Sigmoid
          "Relu", apply UnaryOp.Relu
          "Softplus", apply UnaryOp.Softplus
          "Floor", apply UnaryOp.Floor
          "Ceil", apply UnaryOp.Ceil
          "LogicalNot", apply UnaryOp.Not ]

    /// True for the module names under which Keras keeps its operations.
    let isOperation (moduleName: string) =
        moduleName.Contains(".ops.", StringComparison.Ordinal) || moduleName = "keras.ops"

    let names = List.append (List.map fst binary) (List.map fst unary)

    let private broken (kind: string) (expected: string) (actual: string) =
        raise (
            ModelFormatException(
                "An operation's arguments cannot be used.",
                kind,
                expected,
                actual,
                "Write the operation as a layer, for example with Lambda."
            )
        )

    /// A number among tensors, in the type of the tensor where that can hold it.
    let private constant (like: Expr) (kind: string) (value: ConfigValue) : Expr =
        match value with
        | Int i -> Expr.Scalar(like.DType, float i)
        | Float f when DType.isFloating like.DType -> Expr.Scalar(like.DType, f)
        | Bool b when like.DType = DType.Bool -> Expr.Scalar(DType.Bool, (if b then 1.0 else 0.0))
        | other -> broken kind ("a tensor or a number of type " + DType.name like.DType) (ConfigRead.show other)

    let private run (kind: string) (arguments: ConfigValue list) (flows: Flow[]) : Flow[] =
        let slots = arguments |> List.filter (fun a -> a = slot) |> List.length

        if flows.Length <> slots || slots = 0 then
            broken kind (string slots + " tensors, at least one") (string flows.Length + " tensors")

        let mutable next = 0

        let values =
            arguments
            |> List.map (fun argument ->
                if argument = slot then
                    next <- next + 1
                    flows[next - 1].Value
                else
                    constant flows[0].Value kind argument)

        let find table = table |> List.tryPick (fun (name, apply) -> if name = kind then Some apply else None)

        let result =
            match find binary, find unary, values with
            | Some apply, _, [ a; b ] -> apply a b
            | _, Some apply, [ x ] -> apply x
            | _ -> broken kind "as many arguments as the operation has" (string values.Length)

        let mask = if flows.Length = 1 then flows[0].Mask else ValueNone
        [| { Value = result; Mask = mask } |]

    /// The operation as a layer; None if it is not known.
    let tryLayer (moduleName: string) (kind: string) (arguments: ConfigValue list) : Layer option =
        if List.contains kind names then
            let config =
                { ClassName = kind
                  Arguments = [ ModuleKey, Text moduleName; ArgumentsKey, ConfigValue.List arguments ] }

            Some(Layer.make kind (Some config) (fun _ flows -> run kind arguments flows))
        else
            None

    /// Module and arguments of a layer that is an operation.
    let tryOf (layer: Layer) : (string * ConfigValue list) option =
        match layer.LayerConfig with
        | Some { Arguments = [ ModuleKey, Text moduleName; ArgumentsKey, ConfigValue.List arguments ] } ->
            Some(moduleName, arguments)
        | _ -> None
