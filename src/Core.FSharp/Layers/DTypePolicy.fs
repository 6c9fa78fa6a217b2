namespace FunctionalNet

open System

/// <summary>What a layer keeps its weights in and computes with. Keras: DTypePolicy.</summary>
/// <example><code>DTypePolicy.Global &lt;- DTypePolicy.MixedBFloat16   // C#: DTypePolicy.Global = "mixed_bfloat16";</code></example>
[<Sealed>]
type DTypePolicy private (source: string, compute: DType, variables: DType, isQuantized: bool) =

    static let float32 = DTypePolicy("float32", DType.Float32, DType.Float32, false)
    static let float64 = DTypePolicy("float64", DType.Float64, DType.Float64, false)
    static let mixedBFloat16 = DTypePolicy("mixed_bfloat16", DType.BFloat16, DType.Float32, false)

    [<Literal>]
    static let QuantizedPrefix = "int8_from_"

    static let plain = [ float32; float64; mixedBFloat16 ]

    static let mutable current = float32

    /// <summary>Weights and values of 32 bits: the default.</summary>
    static member Float32 = float32

    /// <summary>Weights and values of 64 bits.</summary>
    static member Float64 = float64

    /// <summary>Weights of 32 bits, and values between layers of 16: what a layer gets and gives is rounded to bfloat16, which is
    /// what training keeps for the derivative, in half the memory. Inside a layer everything is computed in float32. Keras:
    /// mixed_bfloat16.</summary>
    static member MixedBFloat16 = mixedBFloat16

    /// <summary>The policy of a name.</summary>
    /// <param name="name">float32, float64 or mixed_bfloat16; one of these behind int8_from_ for layers with 8-bit weights.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is no policy of that name.</exception>
    static member Parse(name: string) : DTypePolicy =
        let quantized = name.StartsWith(QuantizedPrefix, StringComparison.Ordinal)
        let source = if quantized then name.Substring QuantizedPrefix.Length else name

        match plain |> List.tryFind (fun policy -> policy.Source = source) with
        | Some policy when quantized -> policy.Quantized
        | Some policy -> policy
        | None ->
            let names = plain |> List.map (fun policy -> policy.Source)

            let hint =
                match source with
                | "float16"
                | "mixed_float16"
                | "bfloat16" ->
                    "Use mixed_bfloat16: values of 16 bits, and weights of float32, in which no small update is lost."
                | _ -> "Choose one of the names."

            raise (
                ArgumentValueException(
                    "Unknown dtype policy.",
                    "dtype",
                    String.Join(", ", names @ (names |> List.map (fun name -> QuantizedPrefix + name))),
                    name,
                    hint
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

    /// <summary>The policy's name, such as float32, mixed_bfloat16 or int8_from_float32.</summary>
    member _.Name = if isQuantized then QuantizedPrefix + source else source

    /// <summary>The element type of weights that are not quantised.</summary>
    member _.VariableDType = variables

    /// <summary>The element type of what the layer gets and gives. BFloat16 is one to keep values in: the layer computes with them in
    /// float32. Keras: compute_dtype.</summary>
    member _.ComputeDType = compute

    /// True if what the layer gets and gives is rounded to 16 bits.
    member internal _.Rounds = (compute = DType.BFloat16)

    /// <summary>True if the layer's large weights are 8-bit numbers.</summary>
    member _.IsQuantized = isQuantized

    /// The policy with 8-bit weights.
    member internal _.Quantized = DTypePolicy(source, compute, variables, true)

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

/// What policies that round do not round.
module internal Rounding =

    /// Classes of layers that see a floating-point input as it is: ids, and what statistics are computed of; and containers, whose
    /// layers see to it. Keras: autocast=False.
    let without =
        [ "Embedding"
          "ReversibleEmbedding"
          "LayerNormalization"
          "GroupNormalization"
          "Sequential"
          "Functional" ]
