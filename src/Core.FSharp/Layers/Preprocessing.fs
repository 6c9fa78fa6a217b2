namespace FunctionalNet

/// <summary>Options of the layers that prepare data.</summary>
[<AutoOpen>]
module PreprocessingTypes =

    /// <summary>Arguments of Normalization; <c>Normalization.options</c> has Keras's defaults.</summary>
    type NormalizationOptions =
        {
            /// <summary>The axis of the features. Default: -1. None for one mean and variance of everything.</summary>
            Axis: int option
            /// <summary>Means, one per feature or one for all; empty to keep them as state of the layer.</summary>
            Mean: float list
            /// <summary>Variances, as many as means.</summary>
            Variance: float list
            /// <summary>True goes from normalised values back. Default: false.</summary>
            Invert: bool
        }

/// <summary>The Normalization layer: (x - mean) / sqrt variance.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Normalization =

    /// <summary>Keras's defaults: mean and variance are state of the layer, 0 and 1 until set.</summary>
    let options: NormalizationOptions = { Axis = Some -1; Mean = []; Variance = []; Invert = false }

    let private run (o: NormalizationOptions) (scope: Scope) (x: Expr) =
        let x = LayerCheck.floating scope x

        let axes =
            match o.Axis with
            | Some axis -> LayerCheck.axes "Normalization" [ axis ] x
            | None -> [||]

        let sizes = axes |> Array.map (fun a -> x.Shape[a])

        let fixedValue (values: float list) =
            let wanted = Array.fold (*) 1 sizes

            if values.Length <> 1 && values.Length <> wanted then
                raise (
                    ShapeException(
                        "Normalization has another number of features than its input.",
                        "",
                        string values.Length + " features on axis " + string (Option.defaultValue -1 o.Axis),
                        x.Shape.ToString(),
                        "Give one mean and one variance per feature."
                    )
                )

            let all = if values.Length = 1 then Array.create wanted values.Head else List.toArray values
            Expr.Constant(Tensor.OfDoubles(x.DType, Shape.Of sizes, all))

        let mean, variance =
            if o.Mean.IsEmpty then
                let mean = scope.State("mean", Shape.Of sizes, scope.FloatType, Initializer.zeros)
                let variance = scope.State("variance", Shape.Of sizes, scope.FloatType, Initializer.ones)
                scope.State("count", Shape.Scalar, DType.Int32, Initializer.zeros) |> ignore
                mean, variance
            else
                fixedValue o.Mean, fixedValue o.Variance

        let mean = LayerCheck.alignTo x axes mean
        let deviation = Ops.maximum (Ops.sqrt (LayerCheck.alignTo x axes variance)) (Expr.Scalar(x.DType, 1e-7))
        if o.Invert then mean + x * deviation else (x - mean) / deviation

    let internal definition: LayerClass<NormalizationOptions> =
        let numbers key get set : Field<NormalizationOptions> =
            let write (values: float list) =
                match values with
                | [] -> Some Null
                | [ one ] -> Some(Float one)
                | many -> Some(List(List.map Float many))

            let read where value =
                match value with
                | Null -> []
                | value -> ConfigRead.floats where value

            Field.nullable key write read get set

        let axis: Field<NormalizationOptions> =
            Field.nullable
                "axis"
                (fun axis -> Some(ConfigWrite.option (fun a -> Int(int64 a)) axis))
                (fun where value ->
                    match value with
                    | Null -> None
                    | value ->
                        match ConfigRead.ints where value with
                        | [ axis ] -> Some axis
                        | [] -> None
                        | _ -> raise (ConfigRead.wrong where "one axis or null" value))
                (fun (o: NormalizationOptions) -> o.Axis)
                (fun v (o: NormalizationOptions) -> { o with Axis = v })

        LayerClass.keepsMask
            "Normalization"
            [ axis
              Field.bool "invert" (fun (o: NormalizationOptions) -> o.Invert) (fun v (o: NormalizationOptions) ->
                  { o with Invert = v })
              numbers "mean" (fun (o: NormalizationOptions) -> o.Mean) (fun v (o: NormalizationOptions) ->
                  { o with Mean = v })
              numbers "variance" (fun (o: NormalizationOptions) -> o.Variance) (fun v (o: NormalizationOptions) ->
                  { o with Variance = v }) ]
            options
            run
        |> LayerClass.checkedBy (fun (o: NormalizationOptions) ->
            if o.Mean.Length <> o.Variance.Length then
                LayerCheck.argument
                    "Normalization"
                    "as many variances as means"
                    (string o.Mean.Length + " means, " + string o.Variance.Length + " variances")
                    "Give both, or neither."

            o)

module internal SmallPreprocessing =

    /// x * scale + offset.
    let rescaling: LayerClass<float * float> =
        LayerClass.keepsMask
            "Rescaling"
            [ Field.float "scale" fst (fun v (_, offset) -> v, offset) |> Field.required
              Field.float "offset" snd (fun v (scale, _) -> scale, v) ]
            (1.0, 0.0)
            (fun (scale, offset) scope x ->
                let scaled = LayerCheck.floating scope x * scale
                if offset = 0.0 then scaled else scaled + offset)
