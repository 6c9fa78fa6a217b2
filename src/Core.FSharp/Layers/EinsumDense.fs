namespace FunctionalNet

open System

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
