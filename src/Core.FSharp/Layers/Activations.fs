namespace FunctionalNet

open FunctionalNet.Common

/// <summary>The type of activations.</summary>
[<AutoOpen>]
module ActivationTypes =

    /// <summary>A function between layers, with a Keras name if it can be saved.</summary>
    [<NoEquality; NoComparison>]
    type Activation =
        {
            /// <summary>Keras's name and the arguments that differ from its defaults; None if it cannot be saved.</summary>
            Config: Config option
            /// <summary>The function. It keeps the shape (glu halves an axis).</summary>
            Apply: Expr -> Expr
        }

/// <summary>Keras's activation functions.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Activation =

    let private named name (apply: Expr -> Expr) : Activation =
        { Config = Some { ClassName = name; Arguments = [] }; Apply = apply }

    /// An activation with arguments, of which only those that differ from the default are kept.
    let private withArguments
        name
        (arguments: (string * ConfigValue * ConfigValue) list)
        (apply: Expr -> Expr)
        : Activation =
        let given =
            arguments
            |> List.choose (fun (key, value, fallback) -> if value.Equals fallback then None else Some(key, value))

        { Config = Some { ClassName = name; Arguments = given }; Apply = apply }

    let private number key (value: float) (fallback: float) = key, Float value, Float fallback

    /// <summary>A function of your own. It cannot be saved.</summary>
    let create (apply: Expr -> Expr) : Activation = { Config = None; Apply = apply }

    /// <summary>The activation whose result derivatives compute again from its input, in place of keeping it. Keras: RematScope
    /// of mode activations.</summary>
    let remat (activation: Activation) : Activation =
        { activation with
            Apply = fun x -> (Ops.remat (fun inputs -> [| activation.Apply inputs[0] |]) [| x |])[0] }

    /// <summary>The value itself: no activation.</summary>
    let linear = named "linear" id

    let private above (value: float) (x: Expr) = Ops.greater x (Expr.Scalar(x.DType, value))

    // ---- Rectifiers

    /// The general rectifier: x above the threshold, slope * (x - threshold) below, at most the greatest value.
    let internal rectify (slope: float) (maxValue: float option) (threshold: float) (x: Expr) : Expr =
        let positive = if threshold <> 0.0 then x * Ops.cast x.DType (above threshold x) else Ops.relu x

        let bounded =
            match maxValue with
            | Some top -> Ops.clip 0.0 top positive
            | None -> positive

        if slope = 0.0 then
            bounded
        elif maxValue.IsNone && threshold = 0.0 then
            // At 0 the derivative is the slope, as in Keras.
            Ops.where (above 0.0 x) x (x * slope)
        else
            bounded - Ops.relu (threshold - x) * slope

    /// <summary>max(x, 0).</summary>
    let relu = named "relu" Ops.relu

    /// <summary>The general rectifier: x at or above the threshold, slope * (x - threshold) below, at most maxValue.</summary>
    let reluWith (negativeSlope: float) (maxValue: float option) (threshold: float) =
        withArguments
            "relu"
            [ number "negative_slope" negativeSlope 0.0
              "max_value", ConfigWrite.option Float maxValue, Null
              number "threshold" threshold 0.0 ]
            (rectify negativeSlope maxValue threshold)

    /// <summary>x above 0, slope * x below. Keras's default slope for the function: 0.2 (the layer has 0.3).</summary>
    let leakyReluWith (negativeSlope: float) =
        withArguments "leaky_relu" [ number "negative_slope" negativeSlope 0.2 ] (rectify negativeSlope None 0.0)

    /// <summary>x above 0, 0.2 x below.</summary>
    let leakyRelu = leakyReluWith 0.2

    /// <summary>min(max(x, 0), 6).</summary>
    // By way of relu the derivative at 0 is 0.
    let relu6 = named "relu6" (fun x -> Ops.minimum (Ops.relu x) (Expr.Scalar(x.DType, 6.0)))

    // The exponential sees only what is negative: no overflow in the branch that is not taken.
    let private negativePart (x: Expr) = Ops.minimum x (Expr.Scalar(x.DType, 0.0))

    let internal eluOf (alpha: float) (x: Expr) : Expr = Ops.where (above 0.0 x) x (Ops.expm1 (negativePart x) * alpha)

    /// <summary>x above 0, alpha (exp x - 1) below. Keras's default alpha: 1.</summary>
    let eluWith (alpha: float) = withArguments "elu" [ number "alpha" alpha 1.0 ] (eluOf alpha)

    /// <summary>x above 0, exp x - 1 below.</summary>
    let elu = eluWith 1.0

    [<Literal>]
    let internal SeluAlpha = 1.6732632423543772848170429916717

    [<Literal>]
    let internal SeluScale = 1.0507009873554804934193349852946

    /// <summary>The self-normalising scaled elu.</summary>
    let selu = named "selu" (fun x -> eluOf SeluAlpha x * SeluScale)

    /// <summary>x above 0, alpha (exp(x / alpha) - 1) below. Keras's default alpha: 1.</summary>
    let celuWith (alpha: float) =
        withArguments "celu" [ number "alpha" alpha 1.0 ] (fun x ->
            Ops.where (above 0.0 x) x (Ops.expm1 (negativePart x / alpha) * alpha))

    /// <summary>x above 0, exp x - 1 below; its derivative is continuous for every alpha.</summary>
    let celu = celuWith 1.0

    // ---- Smooth rectifiers

    let private geluExact (x: Expr) = x * 0.5 * (Ops.erf (x * 0.70710678118654752) + 1.0)

    let private geluTanh (x: Expr) = x * 0.5 * (Ops.tanh ((x + x * x * x * 0.044715) * 0.79788456080286536) + 1.0)

    /// <summary>x times the normal distribution function, exact (with erf).</summary>
    let gelu = named "gelu" geluExact

    /// <summary>gelu by its approximation with tanh.</summary>
    let geluApproximate = withArguments "gelu" [ "approximate", Bool true, Bool false ] geluTanh

    /// <summary>x sigmoid(x), also called swish.</summary>
    let silu = named "silu" (fun x -> x * Ops.sigmoid x)

    let private hardSigmoidOf (x: Expr) = Ops.clip 0.0 6.0 (x + 3.0) * (1.0 / 6.0)

    /// <summary>x hardSigmoid(x), also called hard swish.</summary>
    let hardSilu = named "hard_silu" (fun x -> x * hardSigmoidOf x)

    /// <summary>x tanh(softplus x).</summary>
    let mish = named "mish" (fun x -> x * Ops.tanh (Ops.softplus x))

    /// <summary>log(1 + exp x).</summary>
    let softplus = named "softplus" Ops.softplus

    /// <summary>0 below -1, (x + 1)^2 / 4 up to 1, x above.</summary>
    let sparsePlus =
        named "sparse_plus" (fun x ->
            let inner = Ops.square (Ops.clip -1.0 1.0 x + 1.0) * 0.25
            inner + Ops.relu (x - 1.0))

    /// <summary>(x + sqrt(x^2 + b)) / 2. Keras's default b: 4.</summary>
    let squareplusWith (b: float) =
        withArguments "squareplus" [ number "b" b 4.0 ] (fun x -> (x + Ops.sqrt (Ops.square x + b)) * 0.5)

    /// <summary>(x + sqrt(x^2 + 4)) / 2.</summary>
    let squareplus = squareplusWith 4.0

    // ---- Sigmoids

    /// <summary>1 / (1 + exp(-x)).</summary>
    let sigmoid = named "sigmoid" Ops.sigmoid

    /// <summary>min(max(x + 3, 0), 6) / 6.</summary>
    let hardSigmoid = named "hard_sigmoid" hardSigmoidOf

    /// <summary>log(sigmoid x), without overflow.</summary>
    let logSigmoid = named "log_sigmoid" (fun x -> -(Ops.softplus (-x)))

    /// <summary>0 below -1, (x + 1) / 2 up to 1, then 1.</summary>
    let sparseSigmoid = named "sparse_sigmoid" (fun x -> (Ops.clip -1.0 1.0 x + 1.0) * 0.5)

    /// <summary>Hyperbolic tangent.</summary>
    let tanh = named "tanh" Ops.tanh

    /// <summary>x - tanh x.</summary>
    let tanhShrink = named "tanh_shrink" (fun x -> x - Ops.tanh x)

    /// <summary>x cut to -1..1.</summary>
    let hardTanh = named "hard_tanh" (Ops.clip -1.0 1.0)

    /// <summary>x / (1 + |x|).</summary>
    let softsign = named "softsign" (fun x -> x / (Ops.abs x + 1.0))

    // ---- Shrinking

    /// <summary>x where |x| is above the threshold, else 0. Keras's default threshold: 0.5.</summary>
    let hardShrinkWith (threshold: float) =
        withArguments "hard_shrink" [ number "threshold" threshold 0.5 ] (fun x ->
            Ops.where (above threshold (Ops.abs x)) x (Ops.zerosLike x))

    /// <summary>x where |x| is above 0.5, else 0.</summary>
    let hardShrink = hardShrinkWith 0.5

    /// <summary>x moved toward 0 by the threshold, 0 within it. Keras's default threshold: 0.5.</summary>
    let softShrinkWith (threshold: float) =
        withArguments "soft_shrink" [ number "threshold" threshold 0.5 ] (fun x -> x - Ops.clip -threshold threshold x)

    /// <summary>x moved toward 0 by 0.5, 0 within it.</summary>
    let softShrink = softShrinkWith 0.5

    /// <summary>x above the threshold, else a default value.</summary>
    let threshold (threshold: float) (defaultValue: float) =
        { Config =
            Some
                { ClassName = "threshold"
                  Arguments = [ "threshold", Float threshold; "default_value", Float defaultValue ] }
          Apply = fun x -> Ops.where (above threshold x) x (Ops.fullLike defaultValue x) }

    // ---- Along an axis

    let private axisArgument axis = [ "axis", Int(int64 axis), Int -1L ]

    /// <summary>exp x / sum (exp x) along an axis.</summary>
    let softmaxOn (axis: int) = withArguments "softmax" (axisArgument axis) (Ops.softmax axis)

    /// <summary>exp x / sum (exp x) along the last axis.</summary>
    let softmax = softmaxOn -1

    /// <summary>log (softmax x) along an axis.</summary>
    let logSoftmaxOn (axis: int) = withArguments "log_softmax" (axisArgument axis) (Ops.logSoftmax axis)

    /// <summary>log (softmax x) along the last axis.</summary>
    let logSoftmax = logSoftmaxOn -1

    let private sparsemaxOf (axis: int) (x: Expr) : Expr =
        let axis = if axis < 0 then axis + x.Rank else axis
        let sorted = Ops.sort axis true x
        let sums = Ops.cumsum axis sorted
        let places = Ops.iota x.DType x.Shape axis + 1.0
        let inSupport = Ops.greater (sorted - (sums - 1.0) / places) (Ops.zerosLike sorted)
        let size = Ops.sum [| axis |] true (Ops.cast x.DType inSupport)
        // Keras adds up all partial sums of the support, where the published threshold takes the last of them.
        let total = Ops.sum [| axis |] true (Ops.where inSupport sums (Ops.zerosLike sums))
        Ops.relu (x - (total - 1.0) / size)

    /// <summary>Like softmax, with exact zeros, along an axis: max(x - threshold, 0). This is Keras's definition, whose
    /// threshold adds up every partial sum of the support where the projection onto the simplex of Martins and Astudillo (2016)
    /// takes the last one only, so that in general the results do not sum to 1.</summary>
    let sparsemaxOn (axis: int) = withArguments "sparsemax" (axisArgument axis) (sparsemaxOf axis)

    /// <summary>sparsemaxOn along the last axis: Keras's definition, not the projection onto the simplex.</summary>
    let sparsemax = sparsemaxOn -1

    /// <summary>The first half of an axis times the sigmoid of the second half.</summary>
    let gluOn (axis: int) =
        withArguments "glu" (axisArgument axis) (fun x ->
            let halves = Ops.split 2 axis x
            halves[0] * Ops.sigmoid halves[1])

    /// <summary>The first half of the last axis times the sigmoid of the second half.</summary>
    let glu = gluOn -1

    /// <summary>exp x.</summary>
    let exponential = named "exponential" Ops.exp

    // ---- By name

    let private plain =
        [ linear
          relu
          leakyRelu
          relu6
          elu
          selu
          celu
          gelu
          silu
          hardSilu
          mish
          softplus
          sparsePlus
          squareplus
          sigmoid
          hardSigmoid
          logSigmoid
          sparseSigmoid
          tanh
          tanhShrink
          hardTanh
          softsign
          hardShrink
          softShrink
          softmax
          logSoftmax
          sparsemax
          glu
          exponential ]
        |> List.choose (fun activation -> activation.Config |> Option.map (fun config -> config.ClassName, activation))

    let private aliases = [ "swish", "silu"; "hard_swish", "hard_silu" ]

    let private names = List.map fst plain @ List.map fst aliases @ [ "threshold" ]

    /// Arguments by name, for those activations that have some.
    let private build (where: string) (name: string) (arguments: (string * ConfigValue) list) : Activation option =
        let number = ConfigRead.numberOr where arguments

        let axis () =
            match ConfigRead.get "axis" arguments with
            | Null -> -1
            | value -> ConfigRead.int (where + ".axis") value

        match name with
        | "relu" ->
            let top =
                ConfigRead.optional ConfigRead.float (where + ".max_value") (ConfigRead.get "max_value" arguments)
            Some(reluWith (number "negative_slope" 0.0) top (number "threshold" 0.0))
        | "leaky_relu" -> Some(leakyReluWith (number "negative_slope" 0.2))
        | "elu" -> Some(eluWith (number "alpha" 1.0))
        | "celu" -> Some(celuWith (number "alpha" 1.0))
        | "gelu" ->
            match ConfigRead.get "approximate" arguments with
            | Bool true -> Some geluApproximate
            | _ -> Some gelu
        | "squareplus" -> Some(squareplusWith (number "b" 4.0))
        | "hard_shrink" -> Some(hardShrinkWith (number "threshold" 0.5))
        | "soft_shrink" -> Some(softShrinkWith (number "threshold" 0.5))
        | "threshold" -> Some(threshold (number "threshold" 0.0) (number "default_value" 0.0))
        | "softmax" -> Some(softmaxOn (axis ()))
        | "log_softmax" -> Some(logSoftmaxOn (axis ()))
        | "sparsemax" -> Some(sparsemaxOn (axis ()))
        | "glu" -> Some(gluOn (axis ()))
        | _ -> None

    let private custom = System.Collections.Concurrent.ConcurrentDictionary<string, Activation>()

    let private alongAxis = [ "softmax"; "log_softmax"; "sparsemax"; "glu" ]

    /// Whether every element of the result depends on its own element only, as far as is known.
    let internal isElementwise (activation: Activation) : bool =
        match activation.Config with
        | Some config ->
            not (custom.ContainsKey config.ClassName)
            && List.contains config.ClassName names
            && not (List.contains config.ClassName alongAxis)
        | None -> false

    /// <summary>Makes a function of your own known under a name, in configurations too. It takes precedence over a built-in one.
    /// Keras: register_keras_serializable.</summary>
    let register (name: string) (apply: Expr -> Expr) : Activation =
        let activation = named name apply
        custom[name] <- activation
        activation

    /// The function of a layer without weights, which Keras takes for an activation too. The arguments have the same names; those
    /// that differ in their defaults are put in.
    let private layers: (string * (string * (string * ConfigValue) list)) list =
        [ "ReLU", ("relu", [])
          "LeakyReLU", ("leaky_relu", [ "negative_slope", Float 0.3 ])
          "ELU", ("elu", [])
          "Softmax", ("softmax", []) ]

    let private ofLayer (config: Config) : Config =
        match layers |> List.tryFind (fun (className, _) -> className = config.ClassName) with
        | Some(_, (name, defaults)) when not (custom.ContainsKey config.ClassName) ->
            let missing = defaults |> List.filter (fun (key, _) -> (ConfigRead.get key config.Arguments).IsNull)
            { ClassName = name; Arguments = config.Arguments @ missing }
        | _ -> config

    let rec internal ofConfigAt (where: string) (value: ConfigValue) : Activation =
        let config =
            match value with
            // Keras writes functions it knows by name as objects whose config is the name.
            | Object entries when ConfigRead.get "class_name" entries = Text "function" ->
                { ClassName = ConfigRead.text where (ConfigRead.get "config" entries); Arguments = [] }
            | Object _ -> ConfigRead.config where value |> ofLayer
            | other -> ConfigRead.config where other

        match config.ClassName, ConfigRead.get "activation" config.Arguments with
        | "Activation", inner when inner <> Null -> ofConfigAt (where + ".activation") inner
        | _ -> ofName where config

    and private ofName (where: string) (config: Config) : Activation =
        let name =
            match aliases |> List.tryFind (fun (alias, _) -> alias = config.ClassName) with
            | Some(_, name) -> name
            | None -> config.ClassName

        match
            config.Arguments, custom.TryGetValue config.ClassName, plain |> List.tryFind (fun (key, _) -> key = name)
        with
        | _, (true, own), _ -> own
        | [], _, Some(_, activation) -> activation
        | arguments, _, _ ->
            match build where name arguments with
            | Some activation -> activation
            | None ->
                match plain |> List.tryFind (fun (key, _) -> key = name) with
                | Some(_, activation) -> activation
                | None -> raise (Names.unknown "activation" where config.ClassName names)

    /// The value in a configuration: Keras's name alone, or an object if there are arguments.
    let internal toConfig (activation: Activation) : ConfigValue option =
        activation.Config
        |> Option.map (fun config ->
            if config.Arguments.IsEmpty then
                Text config.ClassName
            else
                Object [ "class_name", Text config.ClassName; "config", Object config.Arguments ])

    /// <summary>The activation of a Keras name or configuration value.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The name is unknown.</exception>
    let ofConfig (value: ConfigValue) : Activation = ofConfigAt "activation" value

    /// <summary>The activation of that Keras name, such as relu or hard_sigmoid.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The name is unknown; the error names the nearest.</exception>
    let parse (name: string) : Activation = ofConfigAt "activation" (Text name)

    /// <summary>The names that <c>parse</c> knows.</summary>
    let knownNames = names
