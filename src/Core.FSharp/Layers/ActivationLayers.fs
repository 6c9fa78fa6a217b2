namespace FunctionalNet

/// <summary>Options of the activation layers.</summary>
[<AutoOpen>]
module ActivationLayerTypes =

    /// <summary>Arguments of ReLU; <c>ReLU.options</c> has Keras's defaults.</summary>
    type ReLUOptions =
        {
            /// <summary>The greatest output; None for no bound.</summary>
            MaxValue: float option
            /// <summary>Slope below the threshold. Default: 0.</summary>
            NegativeSlope: float
            /// <summary>Default: 0.</summary>
            Threshold: float
        }

    /// <summary>Arguments of PReLU; <c>PReLU.options</c> has Keras's defaults.</summary>
    [<NoEquality; NoComparison>]
    type PReLUOptions =
        {
            /// <summary>The slope below 0, trained. Default: zeros.</summary>
            Alpha: WeightOptions
            /// <summary>Axes (from 1) along which the slope is the same. Default: none.</summary>
            SharedAxes: int list
        }

/// <summary>The ReLU layer.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module ReLU =

    /// <summary>Keras's defaults: max(x, 0).</summary>
    let options: ReLUOptions = { MaxValue = None; NegativeSlope = 0.0; Threshold = 0.0 }

    let internal definition: LayerClass<ReLUOptions> =
        LayerClass.keepsMask
            "ReLU"
            options
            [ Field.floatOption "max_value" _.MaxValue (fun v o -> { o with MaxValue = v })
              Field.float "negative_slope" _.NegativeSlope (fun v o -> { o with NegativeSlope = v })
              Field.float "threshold" _.Threshold (fun v o -> { o with Threshold = v }) ]
            (fun o scope x ->
                let x = if o = options then x else LayerCheck.inexact scope x
                Activation.rectify o.NegativeSlope o.MaxValue o.Threshold x)
        |> LayerClass.checkedBy (fun o ->
            match o.MaxValue with
            | Some top when top < 0.0 ->
                LayerCheck.argument
                    "ReLU.max_value"
                    "0 or more"
                    (ConfigRead.show (Float top))
                    "Leave it out for no bound."
            | _ -> ()

            if o.NegativeSlope < 0.0 || o.Threshold < 0.0 then
                LayerCheck.argument "ReLU" "a slope and a threshold of 0 or more" "a negative one" "Use 0."

            o)

/// <summary>The PReLU layer: a rectifier whose negative slope is trained.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module PReLU =

    /// <summary>Keras's defaults: one slope per feature, starting at 0.</summary>
    let options: PReLUOptions = { Alpha = Weight.zeros; SharedAxes = [] }

    let private axesField: Field<PReLUOptions> =
        Field.nullable
            "shared_axes"
            (fun axes -> Some(if List.isEmpty axes then Null else ConfigWrite.ints axes))
            (fun where value ->
                match value with
                | Null -> []
                | value -> ConfigRead.ints where value)
            _.SharedAxes
            (fun v o -> { o with SharedAxes = v })

    let internal definition: LayerClass<PReLUOptions> =
        LayerClass.keepsMask
            "PReLU"
            options
            (LayerField.weight "alpha" _.Alpha (fun v o -> { o with Alpha = v }) @ [ axesField ])
            (fun o scope x ->
                LayerCheck.minRank "PReLU" 2 x
                let shape = x.Shape.ToArray()[1..]

                for axis in o.SharedAxes do
                    if axis < 1 || axis > shape.Length then
                        LayerCheck.rankError
                            "PReLU"
                            ("an input that has axis " + string axis)
                            x
                            "Shared axes count from 1; 0 is the batch."

                    shape[axis - 1] <- 1

                let x = LayerCheck.inexact scope x
                let alpha = o.Alpha |> Weight.declare scope "alpha" shape
                Ops.relu x - alpha * Ops.relu (-x))

/// Activation layers with at most one argument.
module internal SmallActivations =

    let activation: LayerClass<Activation> =
        LayerClass.keepsMask
            "Activation"
            Activation.linear
            [ LayerField.activation "activation" id (fun v _ -> v) |> Field.required ]
            (fun activation scope x ->
                // Of whole numbers these make whole numbers.
                let keeps = List.contains activation.Config [ Activation.linear.Config; Activation.relu.Config ]
                activation.Apply(if keeps then x else LayerCheck.inexact scope x))

    let leakyReLU: LayerClass<float> =
        LayerClass.keepsMask "LeakyReLU" 0.3 [ Field.float "negative_slope" id (fun v _ -> v) ] (fun slope scope x ->
            Activation.rectify slope None 0.0 (LayerCheck.inexact scope x))

    let elu: LayerClass<float> =
        LayerClass.keepsMask "ELU" 1.0 [ Field.float "alpha" id (fun v _ -> v) ] (fun alpha scope x ->
            Activation.eluOf alpha (LayerCheck.inexact scope x))

    let private axesField: Field<int list> =
        Field.make
            "axis"
            (fun axes ->
                match axes with
                | [ axis ] -> Some(Int(int64 axis))
                | axes -> Some(ConfigWrite.ints axes))
            ConfigRead.ints
            id
            (fun v _ -> v)

    /// Softmax over axes. A mask of the input's own shape takes elements out; where it takes out all, they share alike.
    let softmax: LayerClass<int list> =
        LayerClass.flow "Softmax" [ -1 ] [ axesField ] (fun axes scope x ->
            let value = LayerCheck.floating scope x.Value
            let found = LayerCheck.axes "Softmax" axes value

            let soft (v: Expr) =
                if found.Length = 1 then Ops.softmax found[0] v else Ops.exp (v - Ops.logsumexp found true v)

            match x.Mask with
            | ValueSome mask when mask.Shape.Equals value.Shape ->
                // The derivative is that of Keras, which adds the number.
                let lowered = Ops.stopGradient (Expr.Scalar(value.DType, -1e9) - value)
                x |> Flow.withValue (soft (Ops.where mask value (value + lowered)))
            | _ -> x |> Flow.withValue (soft value))
