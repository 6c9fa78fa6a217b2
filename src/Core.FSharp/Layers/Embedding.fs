namespace FunctionalNet

open System
open FunctionalNet.Common

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
