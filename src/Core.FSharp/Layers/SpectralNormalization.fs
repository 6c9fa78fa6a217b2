namespace FunctionalNet

open FunctionalNet.Graph

/// <summary>Options of SpectralNormalization.</summary>
[<AutoOpen>]
module SpectralNormalizationTypes =

    /// <summary>Arguments of SpectralNormalization; <c>SpectralNormalization.options layer</c> has Keras's defaults.</summary>
    [<NoEquality; NoComparison>]
    type SpectralNormalizationOptions =
        {
            /// <summary>The layer whose kernel (or table of embeddings) is normalised.</summary>
            Layer: Layer
            /// <summary>Steps of the power iteration per training step. Default: 1.</summary>
            PowerIterations: int
        }

/// <summary>The SpectralNormalization layer: a layer whose kernel is divided, in every training step, by its largest singular
/// value (Miyato et al., 2018).</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module SpectralNormalization =

    /// <summary>Keras's defaults for that layer.</summary>
    let options (layer: Layer) : SpectralNormalizationOptions = { Layer = layer; PowerIterations = 1 }

    let private unit (x: Expr) = x / Ops.maximum (Ops.sqrt (Ops.sumAll (Ops.square x))) (Expr.Scalar(x.DType, 1e-12))

    /// The kernel as this step uses it: the weight itself is replaced, so that the derivative is that at the new weight.
    let private normalized (o: SpectralNormalizationOptions) (scope: Scope) (kernel: Expr) : Expr =
        let columns = kernel.Shape[-1]
        let vector =
            scope.State("vector_u", Shape.Of(1, columns), scope.FloatType, Initializer.truncatedNormal 0.0 0.02)

        if scope.Mode <> Mode.Train || scope.IsFrozen then
            kernel
        else
            let matrix = Ops.reshape [| -1; columns |] kernel
            let mutable u = vector
            let mutable v = vector

            for _ in 1 .. o.PowerIterations do
                v <- unit (Ops.matmul u (Ops.transpose [| 1; 0 |] matrix))
                u <- unit (Ops.matmul v matrix)

            let size = Ops.sumAll (Ops.matmul v matrix * u)
            let some = Ops.any [| 0; 1 |] false (Ops.notEqual matrix (Expr.Scalar(matrix.DType, 0.0)))
            // A kernel of zeros stays as it is.
            let divided = Expr.Node(StopGradient, [| Ops.where some (kernel / size) kernel |])
            scope.Update(vector, Ops.where some u vector)
            scope.Trace.Update(kernel, divided)
            divided

    let private kernels = [ "kernel"; "embeddings" ]

    let private run (o: SpectralNormalizationOptions) =
        let name = (Layer.assignNames [| o.Layer |])[0]

        fun (scope: Scope) (inputs: Flow[]) ->
            let inner = enter scope name o.Layer

            let call () = Layer.call inner o.Layer inputs

            if inner.IsQuantized || o.Layer.Policy |> ValueOption.exists (fun p -> p.IsQuantized) then
                // Whole numbers are not trained, so there is nothing to normalise.
                call ()
            else
                let outputs = inner.Rewriting(kernels, normalized o scope, call)

                if not (inner.HasRewritten kernels) then
                    LayerCheck.argument
                        "SpectralNormalization.layer"
                        "a layer with a kernel or embeddings"
                        o.Layer.Kind
                        "Wrap the layer that has the kernel itself, such as Dense or Conv2D."

                outputs

    let internal definition: LayerClass<SpectralNormalizationOptions> =
        LayerClass.many
            "SpectralNormalization"
            (options (LayerClass.layer PassThrough.identity ()))
            [ NestedField.layer "layer" _.Layer (fun v o -> { o with Layer = v })
              Field.int "power_iterations" _.PowerIterations (fun v o -> { o with PowerIterations = v }) ]
            run
        |> LayerClass.checkedBy (fun o ->
            LayerCheck.positive "SpectralNormalization.power_iterations" o.PowerIterations
            o)
        |> LayerClass.holding (fun o -> Array.zip (Layer.assignNames [| o.Layer |]) [| o.Layer |]) (fun layers o ->
            { o with Layer = layers[0] })
