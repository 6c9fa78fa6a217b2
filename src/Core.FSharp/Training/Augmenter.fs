namespace FunctionalNet

open System
open System.Collections.Generic
open System.Threading
open FunctionalNet.Common
open FunctionalNet.Graph

/// What an augmenter runs as one plan.
[<NoEquality; NoComparison>]
type internal AugmenterStage =
    | Together of Layer
    /// Only what is chosen is run: what is chosen is known before.
    | Chosen of ChoosingRole

/// <summary>Layers for images, run on tensors ahead of a model: in stages of a <c>Dataset</c>, or wherever tensors are. Images,
/// labels, bounding boxes and masks that are given together are changed by the same random numbers. Calls from several threads
/// wait for each other. It is compiled once for every shape of what it gets, of which the last 32 are kept: let images of
/// different sizes begin with a layer that resizes them only where there are few such sizes. Of RandAugment only the changes
/// that are chosen run.</summary>
/// <param name="layers">One after the other. Layers that are not for images get the images alone. They must have no weights.</param>
/// <param name="training">True for random changes, false for what the layers do at inference.</param>
/// <example><code>
/// let augmenter = Augmenter.create [ Layer.randomFlip FlipMode.Horizontal |> Layer.withBoundingBoxes BoundingBoxFormat.Xyxy ]
/// let changed = data |> Dataset.mapRandom 2 1 (fun random (d: ImageData) -> augmenter.Transform(d, random))
/// </code></example>
[<Sealed>]
type Augmenter(layers: IEnumerable<Layer>, training: bool) =

    let rec leaves (layer: Layer) : Layer list =
        match layer.Nest with
        | ValueSome nest when layer.Kind = "Pipeline" -> nest.Inner |> Array.toList |> List.collect (snd >> leaves)
        | _ -> [ layer ]

    let stages: AugmenterStage[] =
        let together (layers: Layer list) =
            if layers.IsEmpty then [] else [ Together(LayerClass.layer Composition.pipeline (List.rev layers)) ]

        let rec grouped (before: Layer list) (rest: Layer list) =
            match rest with
            | [] -> together before
            | first :: rest ->
                match first.Role with
                | Choosing role when training -> together before @ Chosen role :: grouped [] rest
                | _ -> grouped (first :: before) rest

        layers |> List.ofSeq |> List.collect leaves |> grouped [] |> List.toArray

    let gate = obj ()

    // By stage, choice and what comes with the images.
    let functions = Dictionary<struct (int * int * int), CompiledFunction>()
    let mutable calls = 0L

    let describe (layer: Layer) (names: string[]) (arguments: Expr[]) : Expr[] =
        let images = arguments[2]
        let floatType = if images.DType = DType.Float64 then DType.Float64 else DType.Float32

        let trace = LayerTypes.Trace((if training then Mode.Train else Mode.Infer), floatType, (fun _ -> false))

        let scope = Scope(trace, "", false)
        scope.Keywords <- Array.zip names arguments[3..]
        let outputs = Layer.call scope layer [| Flow.ofValue images |]

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

    let functionFor (stage: int) (choice: int) (layer: Layer) (data: ImageData) : CompiledFunction =
        let names =
            Array.zip ImagePart.all data.Others
            |> Array.filter (fun (_, part) -> not (isNull part))
            |> Array.map fst

        let parts =
            ImagePart.all
            |> Array.mapi (fun i name -> if Array.contains name names then 1 <<< i else 0)
            |> Array.sum

        let key = struct (stage, choice, parts)

        lock gate (fun () ->
            match functions.TryGetValue key with
            | true, known -> known
            | _ ->
                let made = CompiledFunction(fun arguments -> describe layer names arguments)
                functions[key] <- made
                made)

    let single (tensor: Tensor) = tensor.Reshape(Shape.Of(Array.append [| 1 |] (tensor.Shape.ToArray())))

    let unbatched (tensor: Tensor) =
        let dims = tensor.Shape.ToArray()
        tensor.Reshape(Shape.Of dims[1..])

    /// Other random numbers for another part of the work.
    let forPart (name: string) (number: int) (seed: int64) : int64 =
        if number = 0 then seed else seed ^^^ int64 (Philox.streamOf (name + string number))

    let runOne stage choice (layer: Layer) (seed: int64) (step: int64) (data: ImageData) : ImageData =
        let clock = [| Tensor.Scalar seed; Tensor.Scalar step |]
        data.With((functionFor stage choice layer data).Invoke(Array.append clock data.Parts))

    let runStage (stage: int) (seed: int64) (step: int64) (data: ImageData) : ImageData =
        let seed = forPart "stage" stage seed

        match stages[stage] with
        | Together layer -> runOne stage -1 layer seed step data
        | Chosen role ->
            let stream = Philox.streamOf "choice"
            let draw i = Philox.toUniform (Philox.bits (uint64 seed) stream (uint32 step) (int64 i))

            Array.init role.Choices id
            |> Array.sortBy (fun i -> struct (draw i, i))
            |> Array.truncate role.Taken
            |> Array.indexed
            |> Array.fold
                (fun data (k, choice) -> runOne stage choice (role.Only choice) (forPart "choice" k seed) step data)
                data

    let run (data: ImageData) (seed: int64) (step: int64) : ImageData =
        let isSingle = data.Images.Rank = 3
        let batch = if isSingle then data.With(Array.map single data.Parts) else data
        let mutable changed = batch

        for stage in 0 .. stages.Length - 1 do
            changed <- runStage stage seed step changed

        if isSingle then changed.With(Array.map unbatched changed.Parts) else changed

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
