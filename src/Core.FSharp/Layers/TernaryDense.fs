namespace FunctionalNet

open System

/// <summary>Options of TernaryDense.</summary>
[<AutoOpen>]
module TernaryDenseTypes =

    /// <summary>Arguments of TernaryDense; <c>TernaryDense.options units</c> has Keras's defaults.</summary>
    [<NoEquality; NoComparison>]
    type TernaryDenseOptions =
        {
            /// <summary>The layer apart from the rounding of its kernel. It cannot be adapted by LoRA.</summary>
            Dense: DenseOptions
            /// <summary>Weights with an absolute value above it count as 1 or -1, others as 0. None: half of the mean absolute
            /// weight; then the product is multiplied with that mean.</summary>
            Threshold: float option
        }

/// <summary>The TernaryDense layer: a dense layer that computes with the weights -1, 0 and 1 (BitNet b1.58, Ma et al., 2024).
/// The kernel stays in floating point, and gets the gradient of the rounded one.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module TernaryDense =

    /// <summary>Keras's defaults for that many units.</summary>
    let options (units: int) : TernaryDenseOptions = { Dense = Dense.options units; Threshold = None }

    let private run (o: TernaryDenseOptions) (scope: Scope) (x: Expr) =
        LayerCheck.minRank "TernaryDense" 2 x
        let x = LayerCheck.floating scope x
        let d = o.Dense
        let kernel = d.Kernel |> Weight.declare scope "kernel" [| x.Shape[-1]; d.Units |]
        let sizes = Ops.abs kernel
        let mean = Ops.meanAll sizes

        let threshold =
            match o.Threshold with
            | Some value -> Expr.Scalar(kernel.DType, value)
            | None -> mean * 0.5

        let rounded = Ops.sign kernel * Ops.cast kernel.DType (Ops.greater sizes threshold)
        let product = Ops.matmul x (kernel + Ops.stopGradient (rounded - kernel))
        let product = if o.Threshold.IsNone then product * mean else product
        let sum = if d.UseBias then product + (d.Bias |> Weight.declare scope "bias" [| d.Units |]) else product
        let output = d.Activation.Apply sum
        LayerCheck.activity scope d.ActivityRegularizer output
        output

    let internal definition: LayerClass<TernaryDenseOptions> =
        let ofDense =
            Dense.definition.Fields
            |> List.filter (fun field -> not (field.Key.StartsWith("lora_", StringComparison.Ordinal)))
            |> List.map (Field.inside _.Dense (fun v o -> { o with Dense = v }))

        let threshold = Field.floatOption "threshold" _.Threshold (fun v o -> { o with Threshold = v })

        LayerClass.keepsMask "TernaryDense" (options 1) (ofDense @ [ threshold ]) run
        |> LayerClass.checkedBy (fun o ->
            LayerCheck.positive "TernaryDense.units" o.Dense.Units

            match o.Threshold with
            | Some value when not (value >= 0.0) ->
                LayerCheck.argument
                    "TernaryDense.threshold"
                    "a number of 0 or more"
                    (ConfigRead.show (Float value))
                    "0 makes every weight 1 or -1."
            | _ when LowRank.isOn o.Dense.Lora ->
                LayerCheck.argument
                    "TernaryDense.lora_rank"
                    "no low-rank adaptation"
                    "a rank"
                    "Adapt a Dense layer instead."
            | _ -> o)
