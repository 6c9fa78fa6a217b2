namespace FunctionalNet

open System
open System.Collections.Generic
open System.Threading
open FunctionalNet.Graph

/// <summary>Layers for images, run on tensors ahead of a model: in stages of a <c>Dataset</c>, or wherever tensors are. Images,
/// labels, bounding boxes and masks that are given together are changed by the same random numbers. Calls from several threads
/// wait for each other. It is compiled once for every shape of what it gets, of which the last 32 are kept: let images of
/// different sizes begin with a layer that resizes them only where there are few such sizes.</summary>
/// <param name="layers">One after the other. Layers that are not for images get the images alone. They must have no weights.</param>
/// <param name="training">True for random changes, false for what the layers do at inference.</param>
/// <example><code>
/// let augmenter = Augmenter.create [ Layer.randomFlip FlipMode.Horizontal |> Layer.withBoundingBoxes BoundingBoxFormat.Xyxy ]
/// let changed = data |> Dataset.mapRandom 2 1 (fun random (d: ImageData) -> augmenter.Transform(d, random))
/// </code></example>
[<Sealed>]
type Augmenter(layers: IEnumerable<Layer>, training: bool) =

    let pipeline = LayerClass.layer Composition.pipeline (List.ofSeq layers)
    let gate = obj ()

    // By what comes with the images.
    let functions = Dictionary<int, CompiledFunction>()
    let mutable calls = 0L

    let describe (names: string[]) (arguments: Expr[]) : Expr[] =
        let images = arguments[2]
        let floatType = if images.DType = DType.Float64 then DType.Float64 else DType.Float32

        let trace = LayerTypes.Trace((if training then Mode.Train else Mode.Infer), floatType, (fun _ -> false))

        let scope = Scope(trace, "", false)
        scope.Keywords <- Array.zip names arguments[3..]
        let outputs = Layer.call scope pipeline [| Flow.ofValue images |]

        if trace.Variables.Length > 0 then
            let struct (spec, _) = trace.Variables[0]

            raise (
                ArgumentValueException(
                    "Layers ahead of a model have no weights.",
                    spec.Path,
                    "layers without weights",
                    "a weight " + spec.Shape.ToString(),
                    "Put layers with weights into the model."
                )
            )

        let known = Dictionary<Expr, Expr>(HashIdentity.Reference)
        known[trace.Seed] <- arguments[0]
        known[trace.Step] <- arguments[1]
        outputs |> Array.map (fun flow -> flow.Value) |> Traverse.substitute known

    let functionFor (data: ImageData) : CompiledFunction =
        let names =
            Array.zip ImagePart.all data.Others
            |> Array.filter (fun (_, part) -> not (isNull part))
            |> Array.map fst

        let key =
            ImagePart.all
            |> Array.mapi (fun i name -> if Array.contains name names then 1 <<< i else 0)
            |> Array.sum

        lock gate (fun () ->
            match functions.TryGetValue key with
            | true, known -> known
            | _ ->
                let made = CompiledFunction(fun arguments -> describe names arguments)
                functions[key] <- made
                made)

    let single (tensor: Tensor) = tensor.Reshape(Shape.Of(Array.append [| 1 |] (tensor.Shape.ToArray())))

    let unbatched (tensor: Tensor) =
        let dims = tensor.Shape.ToArray()
        tensor.Reshape(Shape.Of dims[1..])

    let run (data: ImageData) (seed: int64) (step: int64) : ImageData =
        let clock = [| Tensor.Scalar seed; Tensor.Scalar step |]
        let isSingle = data.Images.Rank = 3
        let batch = if isSingle then data.With(Array.map single data.Parts) else data
        let outputs = (functionFor batch).Invoke(Array.append clock batch.Parts)
        data.With(if isSingle then Array.map unbatched outputs else outputs)

    /// <summary>Layers that make random changes.</summary>
    new(layers: IEnumerable<Layer>) = Augmenter(layers, true)

    /// <summary>The images and what comes with them, changed. Every call changes them in another way.</summary>
    /// <exception cref="T:FunctionalNet.ShapeException">A shape does not fit; the error names the layer.</exception>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">A layer gets boxes without knowing their format, or has weights.</exception>
    member _.Transform(data: ImageData) : ImageData = run data 0L (Interlocked.Increment &calls - 1L)

    /// <summary>The images and what comes with them, changed by random numbers that follow from those given: in
    /// <c>Dataset.MapRandom</c>, whose elements have numbers of their own, whatever the threads.</summary>
    member _.Transform(data: ImageData, random: Random) : ImageData = run data (random.NextInt64()) 0L

    /// <summary>One image or a batch of images, changed. Every call changes them in another way.</summary>
    member this.Transform(images: Tensor) : Tensor = (this.Transform(ImageData images)).Images

    /// <summary>One image or a batch of images, changed by random numbers that follow from those given.</summary>
    member this.Transform(images: Tensor, random: Random) : Tensor = (this.Transform(ImageData images, random)).Images

/// <summary>Layers for images, run on tensors ahead of a model.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Augmenter =

    /// <summary>Layers, one after the other, that make random changes.</summary>
    let create (layers: Layer list) : Augmenter = Augmenter(layers, true)

    /// <summary>Layers, one after the other, as they work at inference.</summary>
    let inference (layers: Layer list) : Augmenter = Augmenter(layers, false)

    /// <summary>The images and what comes with them, changed. Every call changes them in another way.</summary>
    let transform (augmenter: Augmenter) (data: ImageData) : ImageData = augmenter.Transform data

    /// <summary>The same by random numbers that follow from those given: a stage for <c>Dataset.mapRandom</c>.</summary>
    let transformWith (augmenter: Augmenter) (random: Random) (data: ImageData) : ImageData =
        augmenter.Transform(data, random)
