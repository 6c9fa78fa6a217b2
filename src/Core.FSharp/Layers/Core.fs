namespace FunctionalNet

open System
open System.Collections.Concurrent
open FunctionalNet.Common

/// <summary>Options of Dense, EinsumDense and Embedding.</summary>
[<AutoOpen>]
module CoreLayerTypes =

    /// <summary>Arguments of Dense; <c>Dense.options units</c> has Keras's defaults.</summary>
    [<NoEquality; NoComparison>]
    type DenseOptions =
        {
            /// <summary>Size of the output's last axis.</summary>
            Units: int
            /// <summary>Default: linear.</summary>
            Activation: Activation
            /// <summary>Default: true.</summary>
            UseBias: bool
            /// <summary>Shape (inputs, units). Default: Glorot uniform.</summary>
            Kernel: WeightOptions
            /// <summary>Shape (units). Default: zeros.</summary>
            Bias: WeightOptions
            /// <summary>Penalty on the output, summed over the whole batch.</summary>
            ActivityRegularizer: Regularizer option
            /// <summary>Low-rank adaptation of the kernel. Default: none.</summary>
            Lora: LoraOptions
        }

    /// <summary>Arguments of EinsumDense; <c>EinsumDense.options equation outputShape</c> has Keras's defaults.</summary>
    [<NoEquality; NoComparison>]
    type EinsumDenseOptions =
        {
            /// <summary>Such as "abc,cd->abd" or "...x,xy->...y": input, kernel, output.</summary>
            Equation: string
            /// <summary>Sizes of the output's last axes, without the batch; None where the input decides.</summary>
            OutputShape: int option list
            /// <summary>Default: linear.</summary>
            Activation: Activation
            /// <summary>The output's axes that have a bias, such as "d"; None for no bias.</summary>
            BiasAxes: string option
            /// <summary>Default: Glorot uniform.</summary>
            Kernel: WeightOptions
            /// <summary>Default: zeros.</summary>
            Bias: WeightOptions
            /// <summary>Penalty on the output, summed over the whole batch.</summary>
            ActivityRegularizer: Regularizer option
            /// <summary>Low-rank adaptation of the kernel. Default: none.</summary>
            Lora: LoraOptions
        }

    /// <summary>Arguments of Embedding; <c>Embedding.options inputDim outputDim</c> has Keras's defaults.</summary>
    [<NoEquality; NoComparison>]
    type EmbeddingOptions =
        {
            /// <summary>Number of different ids: ids are 0 .. InputDim - 1.</summary>
            InputDim: int
            /// <summary>Size of a vector.</summary>
            OutputDim: int
            /// <summary>True if id 0 is padding, to be masked.</summary>
            MaskZero: bool
            /// <summary>Shape (InputDim, OutputDim). Default: uniform in -0.05..0.05.</summary>
            Embeddings: WeightOptions
            /// <summary>Penalty on the output, summed over the whole batch.</summary>
            ActivityRegularizer: Regularizer option
            /// <summary>The first vectors, shape (InputDim, OutputDim), in place of what the initializer draws. Not a part of the
            /// configuration.</summary>
            Weights: Tensor option
            /// <summary>Low-rank adaptation of the vectors. Default: none.</summary>
            Lora: LoraOptions
        }

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

/// <summary>The EinsumDense layer: a dense layer over any axes.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module EinsumDense =

    /// <summary>Keras's defaults for that equation and output shape (without the batch).</summary>
    let options (equation: string) (outputShape: int option list) : EinsumDenseOptions =
        { Equation = equation
          OutputShape = outputShape
          Activation = Activation.linear
          BiasAxes = None
          Kernel = Weight.glorot
          Bias = Weight.zeros
          ActivityRegularizer = None
          Lora = Lora.none }

    let private badEquation (equation: string) =
        LayerCheck.argument
            "EinsumDense.equation"
            "input,kernel->output, such as \"abc,cd->abd\""
            equation
            "Write one letter per axis."

    /// The three terms of an equation.
    let private terms (equation: string) =
        let compact = equation.Replace(" ", "")

        match compact.Split("->") with
        | [| left; output |] ->
            match left.Split(',') with
            | [| input; kernel |] -> struct (input, kernel, output)
            | _ -> badEquation equation
        | _ -> badEquation equation

    /// Sizes of letters: those of a term's axes, aligned to the left up to "..." and to the right after it.
    let private measure (term: string) (dims: int option[]) : (char * int option) list =
        match term.IndexOf("...", StringComparison.Ordinal) with
        | -1 ->
            List.zip
                (List.ofSeq (Seq.truncate dims.Length term))
                (List.ofArray dims[.. min term.Length dims.Length - 1])
        | at ->
            let left, right = term.Substring(0, at), term.Substring(at + 3)

            [ for i in 0 .. left.Length - 1 -> left[i], dims[i]
              for i in 0 .. right.Length - 1 -> right[i], dims[dims.Length - right.Length + i] ]

    let private run (o: EinsumDenseOptions) (scope: Scope) (x: Expr) =
        let struct (input, kernel, output) = terms o.Equation
        let x = LayerCheck.floating scope x
        let letters = input.Replace("...", "").Length

        if x.Rank < letters || (not (input.Contains "...") && x.Rank <> letters) then
            LayerCheck.rankError "EinsumDense" ("axes " + input) x "The equation's first term names the input's axes."

        let ofInput = measure input (x.Shape.ToArray() |> Array.map Some)

        // Given output sizes lack the batch, and may lack axes that "..." stands for: they line up from the side of the letters.
        let given = List.toArray o.OutputShape
        let outputLetters = output.Replace("...", "")
        let isElidedRight = output.EndsWith("...", StringComparison.Ordinal)

        let ofOutput =
            if isElidedRight then
                [ for i in 1 .. min given.Length (outputLetters.Length - 1) -> outputLetters[i], given[i - 1] ]
            else
                [ for i in 1 .. min given.Length outputLetters.Length ->
                      outputLetters[outputLetters.Length - i], given[given.Length - i] ]

        let size letter =
            let find pairs = pairs |> List.tryPick (fun (l, d) -> if l = letter then d else None)

            match find ofInput, find ofOutput with
            | Some d, _
            | None, Some d -> d
            | None, None -> badEquation o.Equation

        let shape = kernel |> Seq.map size |> Seq.toArray

        let declared =
            if scope.IsQuantized then
                ValueNone
            else
                ValueSome(LowRank.declare scope "kernel" shape o.Kernel o.Lora)

        let bias =
            o.BiasAxes
            |> Option.map (fun axes ->
                let first = outputLetters |> Seq.findIndex (fun c -> axes.Contains c)

                let shape =
                    outputLetters.Substring first
                    |> Seq.map (fun c -> if axes.Contains c then size c else 1)
                    |> Seq.toArray

                let elided = if isElidedRight then x.Rank - letters else 0
                let shape = Array.append shape (Array.create elided 1)

                o.Bias |> Weight.declare scope "bias" shape)

        let matrices () = LowRank.matrices scope "kernel" shape o.Kernel o.Lora
        let combined weight = Ops.einsum (input + "," + kernel + "->" + output) [| x; weight |]

        let product =
            match declared with
            | ValueSome weight ->
                match matrices () with
                | ValueSome pair -> combined (LowRank.merged o.Lora weight pair)
                | ValueNone -> combined weight
            | ValueNone ->
                let elided = if input.Contains "..." then x.Rank - letters else 0
                let scales = QuantizedEinsum.scaleShape kernel output elided (Shape.Of shape)
                let whole = Quantization.declare scope "kernel" shape scales
                let product = QuantizedEinsum.product input kernel output x whole

                match matrices () with
                | ValueSome pair -> product + combined (LowRank.delta o.Lora pair)
                | ValueNone -> product

        let sum =
            match bias with
            | Some bias -> product + bias
            | None -> product

        let result = o.Activation.Apply(scope.Rounded sum)
        LayerCheck.activity scope o.ActivityRegularizer result
        result

    let private lora (o: EinsumDenseOptions) = o.Lora
    let private withLora lora (o: EinsumDenseOptions) = { o with Lora = lora }

    let private shapeField: Field<EinsumDenseOptions> =
        let write (dims: int option list) = Some(List(dims |> List.map (ConfigWrite.option (fun d -> Int(int64 d)))))

        let read where value =
            match value with
            | Int _ -> [ Some(ConfigRead.int where value) ]
            | other -> ConfigRead.list where other |> List.map (ConfigRead.optional ConfigRead.int where)

        Field.make "output_shape" write read _.OutputShape (fun v o -> { o with OutputShape = v })

    let internal definition: LayerClass<EinsumDenseOptions> =
        LayerClass.dropsMask
            "EinsumDense"
            (options "" [])
            ([ Field.required (Field.text "equation" _.Equation (fun v o -> { o with Equation = v }))
               Field.required shapeField
               LayerField.activation "activation" _.Activation (fun v o -> { o with Activation = v })
               Field.optional "bias_axes" (Text >> Some) ConfigRead.text _.BiasAxes (fun v o -> { o with BiasAxes = v }) ]
             @ LayerField.weight "kernel" _.Kernel (fun v o -> { o with Kernel = v })
             @ LayerField.weight "bias" _.Bias (fun v o -> { o with Bias = v })
             @ [ LayerField.activity _.ActivityRegularizer (fun v o -> { o with ActivityRegularizer = v }) ]
             @ LowRank.fields lora withLora)
            run
        |> LayerClass.checkedBy (fun o ->
            let struct (_, _, output) = terms o.Equation
            LowRank.check "EinsumDense" o.Kernel o.Lora

            match o.BiasAxes with
            | Some axes when axes = "" || axes |> Seq.exists (fun c -> not (output.Contains c)) ->
                LayerCheck.argument "EinsumDense.bias_axes" ("letters of " + output) axes "Name axes of the output."
            | _ -> o)
        |> LayerClass.changing (
            let weights (o: EinsumDenseOptions) =
                let struct (_, kernel, output) = terms o.Equation
                [ "kernel", QuantizedEinsum.layout kernel output ]

            LowRank.variants "kernel" weights lora withLora
        )

/// <summary>The Embedding layer: a table of vectors, looked up by id.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Embedding =

    /// <summary>Keras's defaults for that many ids and that vector size.</summary>
    let options (inputDim: int) (outputDim: int) : EmbeddingOptions =
        { InputDim = inputDim
          OutputDim = outputDim
          MaskZero = false
          Embeddings = Weight.startingFrom (Initializer.randomUniform -0.05 0.05)
          ActivityRegularizer = None
          Weights = None
          Lora = Lora.none }

    /// The table of vectors.
    type internal Table =
        | Floats of Expr
        | Whole of weights: Expr * scales: Expr

    /// The table, and the small matrices that adapt it.
    let internal declare (o: EmbeddingOptions) (scope: Scope) =
        let shape = [| o.InputDim; o.OutputDim |]

        let first =
            match o.Weights with
            | Some values ->
                let create _ _ _ = values.ToDoubles()
                { o.Embeddings with Initializer = { o.Embeddings.Initializer with Create = create } }
            | None -> o.Embeddings

        let table =
            if scope.IsQuantized then
                let struct (weights, scales) = Quantization.declare scope "embeddings" shape [| o.InputDim |]
                Whole(weights, scales)
            else
                Floats(LowRank.declare scope "embeddings" shape first o.Lora)

        struct (table, LowRank.matrices scope "embeddings" shape o.Embeddings o.Lora)

    let internal lookUp (o: EmbeddingOptions) (scope: Scope) (x: Flow) : Flow =
        let struct (table, matrices) = declare o scope
        let ids = if DType.isInteger x.Value.DType then x.Value else Ops.cast DType.Int32 x.Value

        let vectors =
            match table with
            | Floats table -> Ops.take ids 0 table
            | Whole(weights, scales) -> Quantization.lookUp ids (struct (weights, scales))

        let vectors =
            match matrices with
            | ValueSome(struct (a, b)) -> LowRank.merged o.Lora vectors (struct (Ops.take ids 0 a, b))
            | ValueNone -> vectors

        LayerCheck.activity scope o.ActivityRegularizer vectors

        { Value = vectors
          Mask = if o.MaskZero then ValueSome(Ops.notEqual ids (Expr.Scalar(ids.DType, 0.0))) else ValueNone }

    let private lora (o: EmbeddingOptions) = o.Lora
    let private withLora lora (o: EmbeddingOptions) = { o with Lora = lora }

    /// A matrix, as a list of rows. It is read, not written: a saved layer has its vectors among the weights.
    let private weightsField: Field<EmbeddingOptions> =
        let read where value =
            let rows = ConfigRead.list where value |> List.map (ConfigRead.floats where >> List.toArray)
            Some(Tensor.OfRows(List.toArray rows))

        { Field.make "weights" (fun _ -> Some Null) read _.Weights (fun v o -> { o with Weights = v }) with
            Written = false }

    /// The arguments of Embedding, and of classes made of it.
    let internal fields: Field<EmbeddingOptions> list =
        [ Field.required (Field.int "input_dim" _.InputDim (fun v o -> { o with InputDim = v }))
          Field.required (Field.int "output_dim" _.OutputDim (fun v o -> { o with OutputDim = v }))
          Field.bool "mask_zero" _.MaskZero (fun v o -> { o with MaskZero = v })
          yield! LayerField.weight "embeddings" _.Embeddings (fun v o -> { o with Embeddings = v })
          LayerField.activity _.ActivityRegularizer (fun v o -> { o with ActivityRegularizer = v })
          weightsField
          yield! LowRank.fields lora withLora ]

    let internal check (kind: string) (o: EmbeddingOptions) =
        LayerCheck.positive (kind + ".input_dim") o.InputDim
        LayerCheck.positive (kind + ".output_dim") o.OutputDim
        LowRank.check kind o.Embeddings o.Lora

        match o.Weights with
        | Some values when not (values.Shape.Equals(Shape.Of(o.InputDim, o.OutputDim))) ->
            raise (
                ShapeException(
                    "The first vectors of an embedding do not have its sizes.",
                    kind + ".weights",
                    Shape.Of(o.InputDim, o.OutputDim).ToString(),
                    values.Shape.ToString(),
                    "Give a row for every id."
                )
            )
        | _ -> ()

    let internal definition: LayerClass<EmbeddingOptions> =
        LayerClass.flow "Embedding" (options 1 1) fields lookUp
        |> LayerClass.checkedBy (fun o ->
            check "Embedding" o
            o)
        |> LayerClass.changing (
            LowRank.variants "embeddings" (fun _ -> [ "embeddings", Quantization.rows ]) lora withLora
        )

/// Layers without weights that pass values on, mask them, or call functions.
module internal PassThrough =

    let identity: LayerClass<unit> = LayerClass.keepsMask "Identity" () [] (fun () _ x -> x)

    let masking: LayerClass<float> =
        LayerClass.flow "Masking" 0.0 [ Field.float "mask_value" id (fun v _ -> v) ] (fun value _ x ->
            LayerCheck.minRank "Masking" 2 x.Value
            let differs = Ops.notEqual x.Value (Expr.Scalar(x.Value.DType, value))
            let axis = x.Value.Rank - 1
            let mask = Ops.any [| axis |] false differs
            let kept = Ops.cast x.Value.DType (Ops.expandDims -1 mask)
            { Value = x.Value * kept; Mask = ValueSome mask })

    /// Penalties (l1, l2) on what passes through.
    let activityRegularization: LayerClass<float * float> =
        LayerClass.keepsMask
            "ActivityRegularization"
            (0.0, 0.0)
            [ Field.float "l1" fst (fun v (_, l2) -> v, l2); Field.float "l2" snd (fun v (l1, _) -> l1, v) ]
            (fun (l1, l2) scope x ->
                LayerCheck.activity scope (Some(Regularizer.l1l2 l1 l2)) x
                x)

    /// Functions by the names under which models that use them are saved.
    let functions = ConcurrentDictionary<string, Expr -> Expr>()

    let private lambdaLayer (config: Config option) (apply: Expr -> Expr) : Layer =
        Layer.make "Lambda" config (fun _ inputs -> [| Flow.ofValue (apply (Layer.single "Lambda" inputs).Value) |])

    let lambda (apply: Expr -> Expr) : Layer = lambdaLayer None apply

    let namedLambda (name: string) (apply: Expr -> Expr) : Layer =
        functions[name] <- apply
        lambdaLayer (Some { ClassName = "Lambda"; Arguments = [ "function", Text name ] }) apply

    let lambdaEntry: LayerEntry =
        { Class = "Lambda"
          Arguments = [ { Key = "function"; Required = true; Free = true } ]
          Read =
            fun _ arguments ->
                match ConfigRead.get "function" arguments with
                | Text name ->
                    match functions.TryGetValue name with
                    | true, apply ->
                        lambdaLayer (Some { ClassName = "Lambda"; Arguments = [ "function", Text name ] }) apply
                    | _ -> raise (Names.unknown "function of a Lambda layer" "Lambda.function" name functions.Keys)
                | other ->
                    raise (
                        ArgumentValueException(
                            "The function of a Lambda layer cannot be read.",
                            "Lambda.function",
                            "the name of a function",
                            ConfigRead.show other,
                            "Python code in model files is never run. Make a Lambda of the same name with Layer.lambdaNamed first, and replace the function in the configuration by that name."
                        )
                    ) }

    /// Where a value differs from a number: a truth value per element. Keras writes the masks of embeddings in functional
    /// models as applications of this operation.
    let notEqual: LayerClass<float> =
        LayerClass.dropsMask "NotEqual" 0.0 [ Field.float "x2" id (fun v _ -> v) |> Field.required ] (fun value _ x ->
            Ops.notEqual x (Expr.Scalar(x.DType, value)))
