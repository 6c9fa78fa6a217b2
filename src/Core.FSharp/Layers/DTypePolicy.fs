namespace FunctionalNet

open System

/// <summary>What a layer keeps its weights in and computes with. Keras: DTypePolicy.</summary>
[<Sealed>]
type DTypePolicy private (source: string, variables: DType, isQuantized: bool) =

    static let float32 = DTypePolicy("float32", DType.Float32, false)
    static let float64 = DTypePolicy("float64", DType.Float64, false)

    [<Literal>]
    static let QuantizedPrefix = "int8_from_"

    static let plain = [ float32; float64 ]

    static let mutable current = float32

    /// <summary>Weights and values of 32 bits: the default.</summary>
    static member Float32 = float32

    /// <summary>Weights and values of 64 bits.</summary>
    static member Float64 = float64

    /// <summary>The policy of a name.</summary>
    /// <param name="name">float32 or float64; int8_from_float32 or int8_from_float64 for layers with 8-bit weights.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is no policy of that name.</exception>
    static member Parse(name: string) : DTypePolicy =
        let quantized = name.StartsWith(QuantizedPrefix, StringComparison.Ordinal)
        let source = if quantized then name.Substring QuantizedPrefix.Length else name

        match plain |> List.tryFind (fun policy -> policy.Source = source) with
        | Some policy when quantized -> policy.Quantized
        | Some policy -> policy
        | None ->
            let names = plain |> List.map (fun policy -> policy.Source)

            raise (
                ArgumentValueException(
                    "Unknown dtype policy.",
                    "dtype",
                    String.Join(", ", names @ (names |> List.map (fun name -> QuantizedPrefix + name))),
                    name,
                    "Keras's float16 policies are for GPUs."
                )
            )

    /// <summary>The policy of layers that are made from now on and are given none: float32 at first. Keras:
    /// config.set_dtype_policy. Beside it a layer has what it is given, and a network what <c>Network.withDType</c> says for layers
    /// without a policy.</summary>
    static member Global
        with get () = current
        and set (policy: DTypePolicy) = current <- policy

    /// What a layer that is given no policy has: nothing of its own as long as the policy of all is float32.
    static member internal OfNewLayer: DTypePolicy voption =
        if current.Name = float32.Name then ValueNone else ValueSome current

    /// The name without quantisation.
    member internal _.Source = source

    /// <summary>The policy's name, such as float32 or int8_from_float32.</summary>
    member _.Name = if isQuantized then QuantizedPrefix + source else source

    /// <summary>The element type of weights that are not quantised.</summary>
    member _.VariableDType = variables

    /// <summary>True if the layer's large weights are 8-bit numbers.</summary>
    member _.IsQuantized = isQuantized

    /// The policy with 8-bit weights.
    member internal _.Quantized = DTypePolicy(source, variables, true)

    /// <summary>The name.</summary>
    override this.ToString() = this.Name

    /// <summary>Policies of one name are equal.</summary>
    override this.Equals(other: obj | null) =
        match other with
        | :? DTypePolicy as policy -> policy.Name = this.Name
        | _ -> false

    /// <summary>Equal for equal policies.</summary>
    override this.GetHashCode() = this.Name.GetHashCode()

    /// <summary>The policy of a name.</summary>
    static member op_Implicit(name: string) : DTypePolicy = DTypePolicy.Parse name
