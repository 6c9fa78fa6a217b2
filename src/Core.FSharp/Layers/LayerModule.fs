namespace FunctionalNet

open System
open System.Collections.Generic
open FunctionalNet.Common
open FunctionalNet.Graph

/// <summary>Flows between layers.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Flow =

    /// <summary>A value without a mask.</summary>
    let ofValue (value: Expr) = { Value = value; Mask = ValueNone }

    let internal under (mask: Expr voption) (value: Expr) : Flow = { Value = value; Mask = mask }

    /// <summary>Another value under the same mask.</summary>
    let withValue (value: Expr) (flow: Flow) = { flow with Value = value }

/// <summary>Making, composing and tracing layers.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Layer =

    /// Dense -> dense, BatchNormalization -> batch_normalization, Conv2D -> conv2d, MaxPooling2D -> max_pooling2d: Keras's rule.
    let internal snakeCase (name: string) =
        let text = Text.StringBuilder()

        for i in 0 .. name.Length - 1 do
            let c = name[i]

            let boundary =
                i > 0
                && Char.IsUpper c
                && (Char.IsLower name[i - 1]
                    || (i + 1 < name.Length && Char.IsLower name[i + 1] && Char.IsUpper name[i - 1]))

            if boundary then text.Append '_' |> ignore

            text.Append(Char.ToLowerInvariant c) |> ignore

        text.ToString()

    /// Gives every layer of a container a name of its own: the user's, or its class's in snake case with _1, _2, ...
    let internal assignNames (layers: Layer[]) : string[] =
        let taken = HashSet<string>()
        let counts = Dictionary<string, int>()

        for layer in layers do
            if layer.LayerName <> "" && not (taken.Add layer.LayerName) && not layer.Shared then
                raise (
                    ArgumentValueException(
                        "Two layers have the same name.",
                        layer.LayerName,
                        "a different name for every layer of a model",
                        "twice " + layer.LayerName,
                        "Rename one, or use one layer in both places to share its weights."
                    )
                )

        layers
        |> Array.map (fun layer ->
            if layer.LayerName <> "" then
                layer.LayerName
            else
                let stem = snakeCase layer.Kind
                let mutable name = ""

                while name = "" do
                    let n =
                        match counts.TryGetValue stem with
                        | true, n -> n
                        | _ -> 0

                    counts[stem] <- n + 1
                    let candidate = if n = 0 then stem else stem + "_" + string n

                    if taken.Add candidate then name <- candidate

                name)

    /// A floating-point input in the type that the layer computes in: layers of different policies meet. Keras: autocast.
    let private autocast (scope: Scope) (layer: Layer) (flow: Flow) : Flow =
        let x = if DType.isReal flow.Value.DType then Ops.cast scope.FloatType flow.Value else flow.Value
        { flow with Value = (if List.contains layer.Kind Rounding.without then x else scope.Rounded x) }

    /// The outputs as those of a part that derivatives compute again, if the layer is to be one.
    let private rematerialized (scope: Scope) (layer: Layer) (inputs: Flow[]) (outputs: Flow[]) : Flow[] =
        let isChosen =
            match layer.Remat with
            | ValueNone -> false
            | ValueSome Full -> true
            | ValueSome(LargerThan size) ->
                let perSample (e: Expr) =
                    if e.Rank = 0 || e.Shape[0] = 0 then e.Shape.Size else e.Shape.Size / e.Shape[0]

                (outputs |> Array.sumBy (fun flow -> perSample flow.Value)) > size
            | ValueSome(ListOfLayers names) ->
                List.contains (scope.Path.Substring(scope.Path.LastIndexOf '/' + 1)) names

        if isChosen then
            let values (flows: Flow[]) = flows |> Array.map (fun flow -> flow.Value)

            Array.map2
                (fun flow value -> { flow with Value = value })
                outputs
                (Rematerialization.mark (values inputs) (values outputs))
        else
            outputs

    /// Runs a layer under its own path, and puts that path into errors that have none.
    let internal call (scope: Scope) (layer: Layer) (inputs: Flow[]) : Flow[] =
        try
            let inputs = Array.map (autocast scope layer) inputs

            layer.Run scope inputs
            |> Array.map (fun flow -> { flow with Value = scope.Rounded flow.Value })
            |> rematerialized scope layer inputs
        with
        | :? ShapeException as e when e.Path = "" && scope.Path <> "" ->
            raise (ShapeException(e.Summary, scope.Path, e.Expected, e.Actual, e.Hint, e))
        | :? DTypeException as e when e.Path = "" && scope.Path <> "" ->
            raise (DTypeException(e.Summary, scope.Path, e.Expected, e.Actual, e.Hint, e))

    /// The layer with what a function gives for the layers inside, by their names.
    let internal mapInner (replace: string -> Layer -> Layer) (layer: Layer) : Layer =
        match layer.Nest with
        | ValueNone -> layer
        | ValueSome nest ->
            let given =
                nest.Inner
                |> Array.map (fun (_, inner) -> if nest.OnePolicy then { inner with Policy = layer.Policy } else inner)

            let inner = Array.map2 (fun (name, _) part -> replace name part) nest.Inner given

            if Array.forall2 (fun a b -> obj.ReferenceEquals(a, b)) given inner then
                layer
            else
                { nest.With inner with
                    LayerName = layer.LayerName
                    Frozen = layer.Frozen
                    Remat = layer.Remat
                    Policy = (if nest.OnePolicy then inner[0].Policy else layer.Policy)
                    Shared = layer.Shared
                    Owner = layer.Owner }

    /// A layer from its class name, configuration and function over flows.
    let internal make (kind: string) (config: Config option) (run: Scope -> Flow[] -> Flow[]) : Layer =
        { LayerName = ""
          Kind = kind
          LayerConfig = config
          Frozen = false
          Remat = ValueNone
          Policy = ValueNone
          Shared = false
          Owner = null
          Parts = [||]
          Role = Plain
          Nest = ValueNone
          Variant = fun _ -> ValueNone
          Run = run }

    let internal single (kind: string) (inputs: Flow[]) : Flow =
        if inputs.Length = 1 then
            inputs[0]
        else
            raise (
                ShapeException(
                    kind + " takes one input.",
                    "",
                    "1 input",
                    string inputs.Length + " inputs",
                    "Merge the inputs first, for example with Concatenate."
                )
            )

    /// <summary>A layer of your own: a class name, and a function from the scope and the input to the output. The function
    /// runs once per signature (shapes and mode), when the model is traced. It keeps the mask, and cannot be saved with its
    /// configuration.</summary>
    let create (className: string) (call: Scope -> Expr -> Expr) : Layer =
        make className None (fun scope inputs ->
            let x = single className inputs
            [| x |> Flow.withValue (call scope x.Value) |])

    /// <summary>The layer under that name.</summary>
    let named (name: string) (layer: Layer) : Layer = { layer with LayerName = name }

    /// <summary>The layer with its weights frozen: no gradient, and normalisation in inference mode.</summary>
    let frozen (layer: Layer) : Layer = { layer with Frozen = true }

    /// <summary>The layer whose inner values derivatives do not keep, but compute again from its inputs: a training step needs
    /// less memory and more time, and gives the same values, and the same gradients up to rounding. Worth it for whole blocks of layers. Is not saved with
    /// the layer. Keras: a layer made in a RematScope.</summary>
    /// <param name="mode">Full, or a choice among layers.</param>
    /// <param name="layer">The layer.</param>
    /// <example><code>
    /// let block = Layer.dense 512 >>> Layer.activation Activation.relu >>> Layer.dense 128 |> Layer.remat RematMode.Full
    /// </code></example>
    let remat (mode: RematMode) (layer: Layer) : Layer = { layer with Remat = ValueSome mode }

    /// <summary>The layer under that name at the root of the model. It may be used in several places, all with the same
    /// weights.</summary>
    let shared (name: string) (layer: Layer) : Layer = { layer with LayerName = name; Shared = true }

    /// Runs a layer as a part of another, under a name that follows from the order of the calls; called again, it has the same
    /// weights.
    let internal runPart (scope: Scope) (layer: Layer) (inputs: Flow[]) : Flow[] =
        let known =
            match scope.Trace.Parts.TryGetValue scope.Path with
            | true, parts -> parts
            | _ ->
                let parts = List<struct (obj * string)>()
                scope.Trace.Parts[scope.Path] <- parts
                parts

        let same (struct (other: obj, name: string)) =
            obj.ReferenceEquals(other, layer)
            || (not (isNull layer.Owner) && obj.ReferenceEquals(other, layer.Owner))
            || (layer.Shared && name = layer.LayerName)

        let name =
            match Seq.tryFind same known with
            | Some(struct (_, name)) -> name
            | None ->
                let taken (name: string) = known |> Seq.exists (fun (struct (_, other)) -> other = name)

                let name =
                    if layer.LayerName <> "" then
                        if taken layer.LayerName then
                            raise (
                                ArgumentValueException(
                                    "Two parts of a layer have the same name.",
                                    (if scope.Path = "" then layer.LayerName else scope.Path + "/" + layer.LayerName),
                                    "a different name for every part",
                                    "twice " + layer.LayerName,
                                    "Rename one, or call one layer in both places to share its weights."
                                )
                            )

                        layer.LayerName
                    else
                        let stem = snakeCase layer.Kind
                        let mutable name = stem
                        let mutable n = 0

                        while taken name do
                            n <- n + 1
                            name <- stem + "_" + string n

                        name

                let identity: obj =
                    match layer.Owner with
                    | null -> layer :> obj
                    | owner -> owner

                known.Add(struct (identity, name))
                name

        call (enter scope name layer) layer inputs

    /// <summary>Runs a layer as a part of a layer of your own, inside the function given to <c>Layer.create</c>. A part without a
    /// name is named by its class in the order of calls: dense, dense_1, ... One layer value called twice shares its weights.</summary>
    /// <example><code>
    /// let twice = Layer.dense 8
    /// let own = Layer.create "Own" (fun scope x -> x |> Layer.invoke scope twice |> Layer.invoke scope twice)
    /// </code></example>
    let invoke (scope: Scope) (layer: Layer) (x: Expr) : Expr =
        let outputs = runPart scope layer [| Flow.ofValue x |]
        outputs[0].Value

    /// <summary>The same with several inputs and outputs.</summary>
    let invokeMany (scope: Scope) (layer: Layer) (inputs: Expr[]) : Expr[] =
        runPart scope layer (Array.map Flow.ofValue inputs) |> Array.map (fun flow -> flow.Value)

    let private runParts (parts: (string * Layer)[]) (scope: Scope) (inputs: Flow[]) =
        let mutable flows = inputs

        for name, layer in parts do
            flows <- call (enter scope name layer) layer flows

        flows

    /// <summary>The layer with that policy: what its weights are kept in and what it computes with. Its inputs are converted.
    /// Layers inside it have the same, unless they have one of their own. Keras: the argument dtype.</summary>
    /// <example><code>Layer.dense 10 |> Layer.withPolicy DTypePolicy.Float64</code></example>
    let rec withPolicy (policy: DTypePolicy) (layer: Layer) : Layer =
        // A container takes the parts out of a serial composition, so they have to know.
        let parts =
            layer.Parts
            |> Array.map (fun (name, part) -> name, (if part.Policy.IsNone then withPolicy policy part else part))

        { layer with
            Policy = ValueSome policy
            Parts = parts
            Run = if parts.Length > 0 then runParts parts else layer.Run }

    /// One layer after another, under names that are already different.
    let internal ofParts (parts: (string * Layer)[]) : Layer =
        { make "Sequential" None (runParts parts) with Parts = parts }

    /// <summary>One layer after another. Unnamed parts are named by their class in order: dense, dense_1, ...</summary>
    let serial (layers: Layer list) : Layer =
        // An unnamed serial inside a serial is only grouping, so that composition is associative, names included.
        let flat =
            layers
            |> List.toArray
            |> Array.collect (fun layer ->
                if layer.Kind = "Sequential" && layer.LayerName = "" && not layer.Frozen && layer.Remat.IsNone then
                    Array.map snd layer.Parts
                else
                    [| layer |])

        ofParts (Array.zip (assignNames flat) flat)

    /// <summary>The first layer, then the second. Also written <c>first >>> second</c>.</summary>
    let andThen (first: Layer) (second: Layer) : Layer = serial [ first; second ]

    /// Traces a layer: its outputs for these inputs, and all it declared. `frozen` freezes whole paths from outside.
    let internal trace
        (mode: Mode)
        (floatType: DType)
        (frozen: string -> bool)
        (layer: Layer)
        (inputs: Flow[])
        : Traced =
        let trace = Trace(mode, floatType, frozen)
        let outputs = call (Scope(trace, "", layer.Frozen, layer.Policy)) layer inputs

        { Outputs = outputs
          Variables = trace.Variables
          Updates = trace.Updates
          Losses = trace.Losses.ToArray()
          Seed = trace.Seed
          Step = trace.Step }

    /// The first values of variables: each drawn from the stream of its own path, so that adding a layer changes no other's.
    let internal initialize (seed: uint64) (specs: VariableSpec[]) : (VariableSpec * Tensor)[] =
        specs
        |> Array.map (fun spec ->
            let values = spec.Initializer.Create seed (Philox.streamOf spec.Path) spec.Shape
            spec, Tensor.OfDoubles(spec.DType, spec.Shape, values))

/// <summary>Operators on layers.</summary>
[<AutoOpen>]
module LayerOperators =

    /// <summary>The first layer, then the second: another spelling of Layer.andThen.</summary>
    let (>>>) (first: Layer) (second: Layer) : Layer = Layer.andThen first second
