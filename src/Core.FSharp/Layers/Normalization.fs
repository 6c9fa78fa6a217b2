namespace FunctionalNet

/// <summary>Options of the normalisation layers.</summary>
[<AutoOpen>]
module NormalizationTypes =

    /// <summary>Arguments of BatchNormalization; <c>BatchNormalization.options</c> has Keras's defaults.</summary>
    [<NoEquality; NoComparison>]
    type BatchNormalizationOptions =
        {
            /// <summary>The axis of the features. Default: -1.</summary>
            Axis: int
            /// <summary>Share of the old running statistics that stays at every step. Default: 0.99.</summary>
            Momentum: float
            /// <summary>Added to the variance. Default: 0.001.</summary>
            Epsilon: float
            /// <summary>True for a trained offset (beta). Default: true.</summary>
            Center: bool
            /// <summary>True for a trained factor (gamma). Default: true.</summary>
            Scale: bool
            /// <summary>Default: zeros.</summary>
            Beta: WeightOptions
            /// <summary>Default: ones.</summary>
            Gamma: WeightOptions
            /// <summary>Default: zeros.</summary>
            MovingMeanInitializer: Initializer
            /// <summary>Default: ones.</summary>
            MovingVarianceInitializer: Initializer
        }

    /// <summary>Arguments of LayerNormalization; <c>LayerNormalization.options</c> has Keras's defaults.</summary>
    [<NoEquality; NoComparison>]
    type LayerNormalizationOptions =
        {
            /// <summary>The axes normalised together. Default: the last.</summary>
            Axes: int list
            /// <summary>Added to the variance. Default: 0.001.</summary>
            Epsilon: float
            /// <summary>True for a trained offset (beta). Default: true.</summary>
            Center: bool
            /// <summary>True for a trained factor (gamma). Default: true.</summary>
            Scale: bool
            /// <summary>True to divide by the standard deviation only: no mean is taken off, there is a gamma and no beta. Default:
            /// false.</summary>
            RmsScaling: bool
            /// <summary>Default: zeros.</summary>
            Beta: WeightOptions
            /// <summary>Default: ones.</summary>
            Gamma: WeightOptions
        }

    /// <summary>Arguments of GroupNormalization; <c>GroupNormalization.options</c> has Keras's defaults.</summary>
    [<NoEquality; NoComparison>]
    type GroupNormalizationOptions =
        {
            /// <summary>Number of groups of channels; -1 for one per channel. Default: 32.</summary>
            Groups: int
            /// <summary>The axis of the channels. Default: -1.</summary>
            Axis: int
            /// <summary>Added to the variance. Default: 0.001.</summary>
            Epsilon: float
            /// <summary>True for a trained offset (beta). Default: true.</summary>
            Center: bool
            /// <summary>True for a trained factor (gamma). Default: true.</summary>
            Scale: bool
            /// <summary>Default: zeros.</summary>
            Beta: WeightOptions
            /// <summary>Default: ones.</summary>
            Gamma: WeightOptions
        }

/// <summary>The BatchNormalization layer. Training uses the batch's mean and variance and moves the running ones toward them;
/// inference, and a frozen layer, use the running ones.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module BatchNormalization =

    /// <summary>Keras's defaults.</summary>
    let options: BatchNormalizationOptions =
        { Axis = -1
          Momentum = 0.99
          Epsilon = 1e-3
          Center = true
          Scale = true
          Beta = Weight.zeros
          Gamma = Weight.ones
          MovingMeanInitializer = Initializer.zeros
          MovingVarianceInitializer = Initializer.ones }

    /// x standardized over the other axes, their mean, and their population variance, counting only unmasked steps.
    let private standardize
        (axes: int[])
        (epsilon: float)
        (mask: Expr voption)
        (x: Expr)
        : struct (Expr * Expr * Expr) =
        match mask with
        | ValueSome mask when mask.Rank < x.Rank ->
            let dims = Array.append (mask.Shape.ToArray()) (Array.create (x.Rank - mask.Rank) 1)
            let weights = Ops.cast x.DType mask |> Ops.reshape dims |> Ops.broadcastTo x.Shape
            let total = Ops.sum axes true weights + 1e-7
            let mean = Ops.sum axes true (x * weights) / total
            let variance = Ops.sum axes true (Ops.square (x - mean) * weights) / total
            struct ((x - mean) * Ops.rsqrt (variance + epsilon), mean, variance)
        | _ -> Ops.standardize axes epsilon x

    let private run (o: BatchNormalizationOptions) (scope: Scope) (flow: Flow) : Flow =
        let x = LayerCheck.floating scope flow.Value
        LayerCheck.minRank "BatchNormalization" 2 x
        let axis = (LayerCheck.axes "BatchNormalization" [ o.Axis ] x)[0]
        let size = [| x.Shape[axis] |]
        let align = LayerCheck.alignTo x [| axis |]
        let gamma = if o.Scale then Some(o.Gamma |> Weight.declare scope "gamma" size) else None
        let beta = if o.Center then Some(o.Beta |> Weight.declare scope "beta" size) else None
        let movingMean = scope.State("moving_mean", Shape.Of size, scope.FloatType, o.MovingMeanInitializer)
        let movingVariance =
            scope.State("moving_variance", Shape.Of size, scope.FloatType, o.MovingVarianceInitializer)

        let scaled (y: Expr) = gamma |> Option.fold (fun s g -> s * align g) y

        let normal =
            if scope.UsesBatchStatistics then
                let others = [| 0 .. x.Rank - 1 |] |> Array.except [| axis |]
                let struct (normal, mean, variance) = standardize others o.Epsilon flow.Mask x

                let move (state: Expr) (current: Expr) =
                    scope.Update(state, state * o.Momentum + Ops.reshape size current * (1.0 - o.Momentum))

                move movingMean mean
                move movingVariance variance
                scaled normal
            else
                (x - align movingMean) * scaled (Ops.rsqrt (align movingVariance + o.Epsilon))

        let output = beta |> Option.fold (fun y b -> y + align b) normal
        flow |> Flow.withValue output

    let internal definition: LayerClass<BatchNormalizationOptions> =
        let axis: Field<BatchNormalizationOptions> =
            // Files written by early versions of Keras have a list of one axis.
            Field.make
                "axis"
                (fun axis -> Some(Int(int64 axis)))
                (fun where value ->
                    match ConfigRead.ints where value with
                    | [ axis ] -> axis
                    | _ -> raise (ConfigRead.wrong where "one axis" value))
                _.Axis
                (fun v o -> { o with Axis = v })

        LayerClass.flow
            "BatchNormalization"
            options
            ([ axis
               Field.float "momentum" _.Momentum (fun v o -> { o with Momentum = v })
               Field.float "epsilon" _.Epsilon (fun v o -> { o with Epsilon = v })
               Field.bool "center" _.Center (fun v o -> { o with Center = v })
               Field.bool "scale" _.Scale (fun v o -> { o with Scale = v }) ]
             @ LayerField.weight "beta" _.Beta (fun v o -> { o with Beta = v })
             @ LayerField.weight "gamma" _.Gamma (fun v o -> { o with Gamma = v })
             @ [ LayerField.initializer "moving_mean_initializer" _.MovingMeanInitializer (fun v o ->
                     { o with MovingMeanInitializer = v })
                 LayerField.initializer "moving_variance_initializer" _.MovingVarianceInitializer (fun v o ->
                     { o with MovingVarianceInitializer = v })
                 Field.fixedTo "synchronized" [ Bool false ]
                 Field.fixedTo "renorm" [ Bool false ]
                 Field.fixedTo "renorm_momentum" [ Float 0.99 ] ])
            run

/// <summary>The LayerNormalization layer: every sample over its own axes.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module LayerNormalization =

    /// <summary>Keras's defaults: over the last axis.</summary>
    let options: LayerNormalizationOptions =
        { Axes = [ -1 ]
          Epsilon = 1e-3
          Center = true
          Scale = true
          RmsScaling = false
          Beta = Weight.zeros
          Gamma = Weight.ones }

    let private run (o: LayerNormalizationOptions) (scope: Scope) (x: Expr) =
        let x = LayerCheck.floating scope x
        LayerCheck.minRank "LayerNormalization" 2 x
        let axes = LayerCheck.axes "LayerNormalization" o.Axes x
        // As Keras does: weights have the axes' sizes in the order in which the axes were given, and are reshaped, not transposed.
        let sizes = o.Axes |> List.map (fun a -> x.Shape[a]) |> List.toArray
        let align = LayerCheck.alignTo x axes
        let scaled (y: Expr) = y * align (o.Gamma |> Weight.declare scope "gamma" sizes)

        if o.RmsScaling then
            // Keras takes the variance here, not the mean of squares: RMSNormalization is the layer of the paper.
            let mean = Ops.mean axes true x
            scaled (x * Ops.rsqrt (Ops.mean axes true (Ops.square (x - mean)) + o.Epsilon))
        else
            let struct (normal, _, _) = Ops.standardize axes o.Epsilon x
            let scaled = if o.Scale then scaled normal else normal
            if o.Center then scaled + align (o.Beta |> Weight.declare scope "beta" sizes) else scaled

    let internal definition: LayerClass<LayerNormalizationOptions> =
        let axes =
            Field.make
                "axis"
                (fun axes ->
                    match axes with
                    | [ axis ] -> Some(Int(int64 axis))
                    | axes -> Some(ConfigWrite.ints axes))
                ConfigRead.ints
                _.Axes
                (fun v o -> { o with Axes = v })

        LayerClass.keepsMask
            "LayerNormalization"
            options
            ([ axes
               Field.float "epsilon" _.Epsilon (fun v o -> { o with Epsilon = v })
               Field.bool "center" _.Center (fun v o -> { o with Center = v })
               Field.bool "scale" _.Scale (fun v o -> { o with Scale = v })
               Field.bool "rms_scaling" _.RmsScaling (fun v o -> { o with RmsScaling = v }) ]
             @ LayerField.weight "beta" _.Beta (fun v o -> { o with Beta = v })
             @ LayerField.weight "gamma" _.Gamma (fun v o -> { o with Gamma = v }))
            run

/// <summary>The GroupNormalization layer: every sample over groups of its channels.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module GroupNormalization =

    /// <summary>Keras's defaults: 32 groups.</summary>
    let options: GroupNormalizationOptions =
        { Groups = 32
          Axis = -1
          Epsilon = 1e-3
          Center = true
          Scale = true
          Beta = Weight.zeros
          Gamma = Weight.ones }

    let private run (o: GroupNormalizationOptions) (scope: Scope) (x: Expr) =
        let x = LayerCheck.floating scope x
        LayerCheck.minRank "GroupNormalization" 2 x
        let axis = (LayerCheck.axes "GroupNormalization" [ o.Axis ] x)[0]
        let channels = x.Shape[axis]
        let groups = if o.Groups = -1 then channels else o.Groups

        if groups <= 0 || channels % groups <> 0 then
            raise (
                ShapeException(
                    "GroupNormalization cannot split the channels.",
                    "",
                    "channels divisible by " + string groups + " groups",
                    x.Shape.ToString(),
                    "Choose groups that divide " + string channels + ", or -1 for one group per channel."
                )
            )

        let dims = x.Shape.ToArray()
        let split = Array.concat [ dims[.. axis - 1]; [| groups; channels / groups |]; dims[axis + 1 ..] ]
        let grouped = Ops.reshape split x
        let axes = [| 1 .. grouped.Rank - 1 |] |> Array.except [| axis |]
        let struct (normal, _, _) = Ops.standardize axes o.Epsilon grouped
        let normal = Ops.reshape dims normal
        let align = LayerCheck.alignTo x [| axis |]
        let scaled =
            if o.Scale then normal * align (o.Gamma |> Weight.declare scope "gamma" [| channels |]) else normal
        if o.Center then scaled + align (o.Beta |> Weight.declare scope "beta" [| channels |]) else scaled

    let internal definition: LayerClass<GroupNormalizationOptions> =
        LayerClass.keepsMask
            "GroupNormalization"
            options
            ([ Field.int "groups" _.Groups (fun v o -> { o with Groups = v })
               Field.int "axis" _.Axis (fun v o -> { o with Axis = v })
               Field.float "epsilon" _.Epsilon (fun v o -> { o with Epsilon = v })
               Field.bool "center" _.Center (fun v o -> { o with Center = v })
               Field.bool "scale" _.Scale (fun v o -> { o with Scale = v }) ]
             @ LayerField.weight "beta" _.Beta (fun v o -> { o with Beta = v })
             @ LayerField.weight "gamma" _.Gamma (fun v o -> { o with Gamma = v }))
            run

/// Normalisations with few arguments.
module internal SmallNormalizations =

    /// Axes and epsilon.
    let private axes: Field<int list * float> =
        Field.make
            "axis"
            (fun axes ->
                match axes with
                | [ axis ] -> Some(Int(int64 axis))
                | axes -> Some(ConfigWrite.ints axes))
            ConfigRead.ints
            fst
            (fun v (_, epsilon) -> v, epsilon)

    /// x / sqrt(mean(x^2) + epsilon) * scale.
    let rms: LayerClass<int list * float> =
        LayerClass.keepsMask
            "RMSNormalization"
            ([ -1 ], 1e-6)
            [ axes; Field.float "epsilon" snd (fun v (axes, _) -> axes, v) ]
            (fun (axes, epsilon) scope x ->
                let x = LayerCheck.floating scope x
                let axes = LayerCheck.axes "RMSNormalization" axes x
                let scale = Weight.ones |> Weight.declare scope "scale" (axes |> Array.map (fun a -> x.Shape[a]))
                let size = Ops.mean axes true (Ops.square x)
                x * Ops.rsqrt (size + epsilon) * LayerCheck.alignTo x axes scale)

    /// x / norm x.
    let unit: LayerClass<int list * float> =
        LayerClass.keepsMask "UnitNormalization" ([ -1 ], 1e-12) [ axes ] (fun (axes, epsilon) scope x ->
            let x = LayerCheck.floating scope x
            let axes = LayerCheck.axes "UnitNormalization" axes x
            x / Ops.maximum (Ops.sqrt (Ops.sum axes true (Ops.square x))) (Expr.Scalar(x.DType, epsilon)))
