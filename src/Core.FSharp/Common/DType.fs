namespace FunctionalNet

/// <summary>The type of a tensor's elements.</summary>
type DType =
    /// <summary>32-bit floating point: the working type.</summary>
    | Float32 = 0
    /// <summary>64-bit floating point: for research and gradient checks.</summary>
    | Float64 = 1
    /// <summary>32-bit signed integer: for ids and labels.</summary>
    | Int32 = 2
    /// <summary>64-bit signed integer: for ids and counters.</summary>
    | Int64 = 3
    /// <summary>Truth value, one byte: for masks.</summary>
    | Bool = 4
    /// <summary>8-bit signed integer: for the weights of quantised layers. Nothing is computed in it; cast it first.</summary>
    | Int8 = 5
    /// <summary>16-bit floating point, the upper half of a float32: for keeping activations in half the memory. Nothing is computed
    /// in it; cast it first.</summary>
    | BFloat16 = 6

/// <summary>Facts about element types.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module DType =

    /// <summary>Bytes that one element takes.</summary>
    [<CompiledName("Size")>]
    let size (dtype: DType) =
        match dtype with
        | DType.Float32
        | DType.Int32 -> 4
        | DType.Float64
        | DType.Int64 -> 8
        | DType.BFloat16 -> 2
        | _ -> 1

    /// <summary>True for Float32 and Float64, the types that values are computed in.</summary>
    [<CompiledName("IsFloating")>]
    let isFloating (dtype: DType) = dtype = DType.Float32 || dtype = DType.Float64

    /// True for the types whose values have derivatives: those computed in, and the one that only keeps them.
    let internal isReal (dtype: DType) = isFloating dtype || dtype = DType.BFloat16

    /// <summary>True for Int32 and Int64.</summary>
    [<CompiledName("IsInteger")>]
    let isInteger (dtype: DType) = dtype = DType.Int32 || dtype = DType.Int64

    /// <summary>Keras's name of the type: float32, float64, int32, int64, bool, int8, bfloat16.</summary>
    [<CompiledName("Name")>]
    let name (dtype: DType) =
        match dtype with
        | DType.Float32 -> "float32"
        | DType.Float64 -> "float64"
        | DType.Int32 -> "int32"
        | DType.Int64 -> "int64"
        | DType.Int8 -> "int8"
        | DType.BFloat16 -> "bfloat16"
        | _ -> "bool"

    /// <summary>The type with that Keras name.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The name is none of the seven.</exception>
    [<CompiledName("Parse")>]
    let parse (text: string) =
        match text with
        | "float32" -> DType.Float32
        | "float64" -> DType.Float64
        | "int32" -> DType.Int32
        | "int64" -> DType.Int64
        | "bool" -> DType.Bool
        | "int8" -> DType.Int8
        | "bfloat16" -> DType.BFloat16
        | other ->
            raise (
                ArgumentValueException(
                    "Unknown dtype.",
                    "dtype",
                    "float32, float64, int32, int64, bool, int8 or bfloat16",
                    other,
                    "Use one of these names."
                )
            )
