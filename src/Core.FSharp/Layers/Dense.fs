namespace FunctionalNet

/// <summary>The Dense layer.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Dense =

    /// <summary>Keras's defaults for that many units.</summary>
    let options (units: int) : DenseOptions =
        { Units = units
          Activation = Activation.linear
          UseBias = true
          Kernel = Weight.glorot
          Bias = Weight.zeros
          ActivityRegularizer = None
          Lora = Lora.none }

    let private run (o: DenseOptions) (scope: Scope) (x: Expr) =
        LayerCheck.minRank "Dense" 2 x
        let x = LayerCheck.floating scope x
        let shape = [| x.Shape[-1]; o.Units |]

        let product =
            if scope.IsQuantized then
                Quantization.product x (Quantization.declare scope "kernel" shape [| o.Units |])
            else
                Ops.matmul x (LowRank.declare scope "kernel" shape o.Kernel o.Lora)

        let sum = if o.UseBias then product + (o.Bias |> Weight.declare scope "bias" [| o.Units |]) else product

        let sum =
            match LowRank.matrices scope "kernel" shape o.Kernel o.Lora with
            | ValueSome matrices -> sum + LowRank.product o.Lora x matrices
            | ValueNone -> sum

        let output = o.Activation.Apply(scope.Rounded sum)
        LayerCheck.activity scope o.ActivityRegularizer output
        output

    let private lora (o: DenseOptions) = o.Lora
    let private withLora lora (o: DenseOptions) = { o with Lora = lora }

    let internal definition: LayerClass<DenseOptions> =
        LayerClass.keepsMask
            "Dense"
            (options 1)
            ([ Field.required (Field.int "units" _.Units (fun v o -> { o with Units = v }))
               LayerField.activation "activation" _.Activation (fun v o -> { o with Activation = v })
               Field.bool "use_bias" _.UseBias (fun v o -> { o with UseBias = v }) ]
             @ LayerField.weight "kernel" _.Kernel (fun v o -> { o with Kernel = v })
             @ LayerField.weight "bias" _.Bias (fun v o -> { o with Bias = v })
             @ [ LayerField.activity _.ActivityRegularizer (fun v o -> { o with ActivityRegularizer = v }) ]
             @ LowRank.fields lora withLora)
            run
        |> LayerClass.checkedBy (fun o ->
            LayerCheck.positive "Dense.units" o.Units
            LowRank.check "Dense" o.Kernel o.Lora
            o)
        |> LayerClass.changing (LowRank.variants "kernel" (fun _ -> [ "kernel", Quantization.columns ]) lora withLora)
