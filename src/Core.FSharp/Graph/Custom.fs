namespace FunctionalNet

open System
open FunctionalNet.Graph

#nowarn "9"

/// <summary>The memory that a custom operation reads and writes. Valid during the call of <c>Compute</c> only.</summary>
[<Sealed>]
type CustomArguments
    internal (inputs: nativeint[], inputTypes: TensorType[], outputs: nativeint[], outputTypes: TensorType[]) =

    // Runs in every call of Compute, so it allocates only to complain.
    static let holds (dtype: DType) (element: Type) =
        match dtype with
        | DType.Float32 -> obj.ReferenceEquals(element, typeof<float32>)
        | DType.Float64 -> obj.ReferenceEquals(element, typeof<float>)
        | DType.Int32 -> obj.ReferenceEquals(element, typeof<int>)
        | DType.Int64 -> obj.ReferenceEquals(element, typeof<int64>)
        | DType.Int8 -> obj.ReferenceEquals(element, typeof<sbyte>)
        | DType.BFloat16 -> obj.ReferenceEquals(element, typeof<BFloat16>)
        | _ -> obj.ReferenceEquals(element, typeof<bool>)

    let check (kind: string) (types: TensorType[]) (i: int) (element: Type) =
        if i < 0 || i >= types.Length then
            OpsSupport.argumentError
                "a custom operation"
                kind
                ("0 to " + string (types.Length - 1))
                (string i)
                "There are no more arguments."

        if not (holds types[i].DType element) then
            OpsSupport.dtypeError
                "a custom operation"
                (kind + " " + string i + " as " + DType.name types[i].DType)
                element.Name
                "Ask for the element type that InferTypes saw or gave."

    /// <summary>Number of inputs.</summary>
    member _.InputCount = inputTypes.Length

    /// <summary>Number of outputs.</summary>
    member _.OutputCount = outputTypes.Length

    /// <summary>Sizes of the axes of an input.</summary>
    member _.InputShape(i: int) : Shape = inputTypes[i].Shape

    /// <summary>Element type of an input.</summary>
    member _.InputDType(i: int) : DType = inputTypes[i].DType

    /// <summary>Sizes of the axes of an output.</summary>
    member _.OutputShape(i: int) : Shape = outputTypes[i].Shape

    /// <summary>Element type of an output.</summary>
    member _.OutputDType(i: int) : DType = outputTypes[i].DType

    /// <summary>The elements of an input in row-major order.</summary>
    /// <exception cref="T:FunctionalNet.DTypeException">The input holds another element type.</exception>
    member _.Input<'T when 'T: unmanaged>(i: int) : ReadOnlySpan<'T> =
        check "input" inputTypes i typeof<'T>
        ReadOnlySpan<'T>(inputs[i].ToPointer(), inputTypes[i].Shape.Size)

    /// <summary>The elements of an output in row-major order, to be written, every one.</summary>
    /// <exception cref="T:FunctionalNet.DTypeException">The output holds another element type.</exception>
    member _.Output<'T when 'T: unmanaged>(i: int) : Span<'T> =
        check "output" outputTypes i typeof<'T>
        Span<'T>(outputs[i].ToPointer(), outputTypes[i].Shape.Size)

/// <summary>An operation of your own, computed by your own code on spans of memory. Types are inferred at trace time;
/// <c>Compute</c> runs at every run of the graph, and must give the same outputs for the same inputs. Without an override of
/// <c>Gradient</c> it has no derivative.</summary>
/// <param name="name">The name in errors and printed graphs.</param>
[<AbstractClass>]
type CustomOperation(name: string) =

    /// <summary>The name in errors and printed graphs.</summary>
    member _.Name = name

    /// <summary>The types of the outputs for inputs of those types; throws a typed error for inputs that do not fit.</summary>
    abstract InferTypes: inputs: TensorType[] -> TensorType[]

    /// <summary>Writes every element of the outputs. Called from one thread at a time per graph, at every run.</summary>
    abstract Compute: arguments: CustomArguments -> unit

    /// <summary>One cotangent per input, as nodes: what the derivative of a scalar to the outputs (the cotangents) means for
    /// the inputs. Runs at trace time.</summary>
    abstract Gradient: inputs: Expr[] * outputs: Expr[] * cotangents: Expr[] -> Expr[]

    default _.Gradient(_, _, _) =
        raise (
            GraphException(
                "The custom operation " + name + " has no derivative.",
                name,
                "an override of Gradient",
                "none",
                "Override Gradient, or pass the inputs through Ops.stopGradient."
            )
        )

    /// <summary>The outputs for those inputs.</summary>
    member this.Apply([<ParamArray>] inputs: Expr[]) : Expr[] = Expr.Node(Structured(CustomNode this), inputs).Results

/// A user's operation as a node.
and [<Sealed>] internal CustomNode(operation: CustomOperation) =
    inherit Structured(operation.Name)

    member _.Operation = operation

    override _.Key: obj = operation :> obj

    override _.Infer types = Ok(operation.InferTypes types)

/// <summary>Operations of the user.</summary>
[<AutoOpen>]
module CustomOps =

    /// <summary>Operations on nodes, under Keras's names. Shapes and dtypes are checked when a node is built.</summary>
    [<RequireQualifiedAccess>]
    module Ops =

        /// <summary>Applies an operation of your own: all its outputs.</summary>
        let custom (operation: CustomOperation) (inputs: Expr[]) : Expr[] = operation.Apply inputs
