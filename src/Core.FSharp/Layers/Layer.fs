namespace FunctionalNet

open System
open System.Collections.Generic
open FunctionalNet.Common
open FunctionalNet.Graph

/// <summary>Whether a layer is traced for training or for inference: a fact of the graph, never of its run.</summary>
type Mode =
    /// <summary>Evaluation and prediction: dropout is the identity, normalisation uses its running statistics.</summary>
    | Infer = 0
    /// <summary>Training.</summary>
    | Train = 1

/// <summary>Layers as values.</summary>
[<AutoOpen>]
module LayerTypes =

    /// <summary>How a variable gets its first value.</summary>
    type Initializer =
        {
            /// <summary>Class name and arguments; None if it cannot be saved.</summary>
            Config: Config option
            /// <summary>The values for a shape, drawn from the stream of that number under a seed.</summary>
            Create: uint64 -> uint64 -> Shape -> float[]
        }

    /// <summary>A penalty on a variable or an output, added to the loss.</summary>
    type Regularizer =
        {
            /// <summary>Class name and arguments; None if it cannot be saved.</summary>
            Config: Config option
            /// <summary>The scalar penalty.</summary>
            Penalty: Expr -> Expr
        }

    /// <summary>A projection applied to a variable after every update.</summary>
    type Constraint =
        {
            /// <summary>Class name and arguments; None if it cannot be saved.</summary>
            Config: Config option
            /// <summary>The projected value.</summary>
            Project: Expr -> Expr
        }

    /// <summary>What flows between layers: a value, and a mask that says which time steps count.</summary>
    [<Struct; NoEquality; NoComparison>]
    type Flow =
        {
            /// <summary>The value.</summary>
            Value: Expr
            /// <summary>Bool, shape (batch, time): false where a step is padding. None if all count.</summary>
            Mask: Expr voption
        }

    /// <summary>A variable as a layer declares it.</summary>
    [<NoEquality; NoComparison>]
    type VariableSpec =
        {
            /// <summary>Layer path and name, such as block1/conv/kernel: its identity.</summary>
            Path: string
            /// <summary>Sizes of the axes.</summary>
            Shape: Shape
            /// <summary>Element type.</summary>
            DType: DType
            /// <summary>How it gets its first value.</summary>
            Initializer: Initializer
            /// <summary>True if the layer declared it to be trained; running statistics are not.</summary>
            Trainable: bool
            /// <summary>True if its layer is frozen: then it keeps its value though it is Trainable.</summary>
            Frozen: bool
            /// <summary>Penalty, if any.</summary>
            Regularizer: Regularizer option
            /// <summary>Projection after updates, if any.</summary>
            Constraint: Constraint option
        }

    /// What a trace collects. Lives only while a layer is traced.
    [<Sealed; NoEquality; NoComparison>]
    type internal Trace(mode: Mode, floatType: DType, isFrozen: string -> bool) =
        let variables = Dictionary<string, struct (VariableSpec * Expr)>()
        let order = List<string>()
        // What variables have become so far, and whose value a node is; only where parts of a step see what others changed.
        let current = Dictionary<string, Expr>()
        let owners = Dictionary<Expr, string>(HashIdentity.Reference)
        let carried = Dictionary<string, Expr>()

        member val Mode = mode with get, set
        member _.FloatType = floatType
        member _.IsFrozen(path: string) = isFrozen path
        member val Seed = Expr.LeafOf(LeafRole.Hyper, "seed", DType.Int64, Shape.Scalar)
        member val Step = Expr.LeafOf(LeafRole.Hyper, "step", DType.Int64, Shape.Scalar)
        member val Losses = List<Expr>()
        member val Streams = HashSet<string>()

        /// By path: what a weight is to the layer that declares it, if that is not the weight itself.
        member val Rewriters = Dictionary<string, Expr -> Expr>()

        /// Weights that were rewritten, by path: once for all uses of a layer.
        member val Rewritten = Dictionary<string, Expr>()

        member this.AsUsed(path: string, weight: Expr) : Expr =
            match this.Rewritten.TryGetValue path, this.Rewriters.TryGetValue path with
            | (true, used), (true, _) -> used
            | _, (true, rewrite) ->
                let used = rewrite weight
                this.Rewritten[path] <- used
                used
            | _ -> weight

        /// The names that a layer's parts got in the order of their calls, by its path.
        member val Parts = Dictionary<string, List<struct (obj * string)>>()

        member _.Variables = order.ToArray() |> Array.map (fun path -> variables[path])

        /// A variable's value at this point of the step.
        member _.Current(path: string) : Expr =
            match current.TryGetValue path with
            | true, value -> value
            | _ ->
                let struct (_, leaf) = variables[path]
                leaf

        /// What is kept from batch to batch besides the variables.
        member _.Carried = Seq.toArray carried.Values

        /// The value at this point of the step of something that is kept from batch to batch.
        member _.Carry(path: string, shape: Shape) : Expr =
            match current.TryGetValue path, carried.TryGetValue path with
            | (true, value), _ -> value
            | _, (true, leaf) -> leaf
            | _ ->
                let leaf = Expr.LeafOf(LeafRole.Carried, path, floatType, shape)
                carried[path] <- leaf
                owners[leaf] <- path
                leaf

        /// True for a variable's node, at whatever point of the step; what is only kept from batch to batch is none.
        member _.IsVariable(node: Expr) : bool =
            match owners.TryGetValue node with
            | true, path -> variables.ContainsKey path
            | _ -> false

        /// How often variables were given other values.
        member val UpdateCount = 0 with get, set

        /// From here on the variable has another value.
        member this.Assign(path: string, value: Expr) =
            this.UpdateCount <- this.UpdateCount + 1
            current[path] <- value
            owners[value] <- path

        /// The variables that were assigned to, in the order of their declaration, with their last values.
        member _.Updates: struct (Expr * Expr)[] =
            [| for path in order do
                   match current.TryGetValue path with
                   | true, value ->
                       let struct (_, leaf) = variables[path]
                       struct (leaf, value)
                   | _ -> ()
               for pair in carried do
                   match current.TryGetValue pair.Key with
                   | true, value -> struct (pair.Value, value)
                   | _ -> () |]

        /// Records what a variable becomes, given by its value at this point of the step.
        member this.Update(state: Expr, value: Expr) =
            match owners.TryGetValue state with
            | true, path -> this.Assign(path, value)
            | _ ->
                raise (
                    GraphException(
                        "Something is updated that is not a variable.",
                        "",
                        "a variable as it was declared",
                        "another node",
                        "Give Update the node that State returned."
                    )
                )

        /// The leaf of a variable: declared now, or declared before by a layer that is used twice.
        member this.Declare(spec: VariableSpec) : Expr =
            match variables.TryGetValue spec.Path with
            | true, struct (known, leaf) ->
                if not (known.Shape.Equals spec.Shape) then
                    raise (
                        ShapeException(
                            "A shared variable is used with two shapes.",
                            spec.Path,
                            known.Shape.ToString() + ", as when it was first used",
                            spec.Shape.ToString(),
                            "Layers that share weights must get inputs of one shape; give separate layers different names."
                        )
                    )

                if current.Count = 0 then leaf else this.Current spec.Path
            | _ ->
                let role = if spec.Trainable then LeafRole.Param else LeafRole.State
                let leaf = Expr.LeafOf(role, spec.Path, spec.DType, spec.Shape)
                variables[spec.Path] <- struct (spec, leaf)
                owners[leaf] <- spec.Path
                order.Add spec.Path
                leaf

    /// <summary>What a layer may do while it is traced, under its own path: declare variables, draw random numbers, report
    /// new values of its state, and add losses. Exists only at trace time: a layer's code runs once per signature of shapes
    /// and mode, not once per batch.</summary>
    [<Sealed; NoEquality; NoComparison>]
    type Scope internal (trace: Trace, path: string, frozen: bool, policy: DTypePolicy voption) =

        let full (name: string) = if path = "" then name else path + "/" + name

        /// A scope in which the network's own element type holds.
        internal new(trace: Trace, path: string, frozen: bool) = Scope(trace, path, frozen, ValueNone)

        member internal _.Trace = trace

        /// The layer's policy; ValueNone for the network's.
        member internal _.Policy = policy

        /// True if the layer's large weights are 8-bit numbers.
        member internal _.IsQuantized =
            match policy with
            | ValueSome policy -> policy.IsQuantized
            | ValueNone -> false

        /// Tensors given to the layer by name in this call.
        member val internal Keywords: (string * Expr)[] = [||] with get, set

        /// Truth values given to the layer by name in this call.
        member val internal Flags: (string * bool)[] = [||] with get, set

        /// The mode that this call, or one around it, was given instead of the model's.
        member val internal OwnMode: Mode voption = ValueNone with get, set

        /// True where the layer's activity regularizer does not count, since Keras calls it from below its `__call__`.
        member val internal IgnoresActivity = false with get, set

        /// <summary>A tensor that this call of the layer was given by name, such as attention_mask; ValueNone without.</summary>
        /// <param name="name">Keras's name of the argument.</param>
        member this.Argument(name: string) : Expr voption =
            match this.Keywords |> Array.tryFind (fun (key, _) -> key = name) with
            | Some(_, value) -> ValueSome value
            | None -> ValueNone

        /// <summary>A truth value that this call of the layer was given by name, such as use_causal_mask; ValueNone
        /// without.</summary>
        /// <param name="name">Keras's name of the argument.</param>
        member this.Flag(name: string) : bool voption =
            match this.Flags |> Array.tryFind (fun (key, _) -> key = name) with
            | Some(_, value) -> ValueSome value
            | None -> ValueNone

        /// <summary>The layer's path in the model; empty for the model itself.</summary>
        member _.Path = path

        /// <summary>Training or inference: the model's mode, unless this call or one around it was given another by its
        /// argument training.</summary>
        member this.Mode = this.OwnMode |> ValueOption.defaultValue trace.Mode

        /// <summary>True if this layer, or one around it, is frozen.</summary>
        member _.IsFrozen = frozen || trace.IsFrozen path

        /// <summary>True when training statistics should be used: training, and not frozen (Keras: batch statistics need
        /// `training and trainable`).</summary>
        member this.UsesBatchStatistics = this.Mode = Mode.Train && not this.IsFrozen

        /// <summary>The floating-point type that the layer computes in: its policy's, or the model's.</summary>
        member _.FloatType =
            match policy with
            | ValueSome policy -> policy.VariableDType
            | ValueNone -> trace.FloatType

        /// The value as the layer's policy lets it be kept: rounded to 16 bits, or as it is. The derivative is rounded likewise.
        member internal _.Rounded(x: Expr) : Expr =
            match policy with
            | ValueSome policy when policy.Rounds && x.DType = DType.Float32 ->
                x |> Ops.cast DType.BFloat16 |> Ops.cast DType.Float32
            | _ -> x

        /// <summary>Declares a trainable variable of this layer, or finds it if the layer is used again.</summary>
        /// <param name="name">Its name within the layer, such as kernel.</param>
        /// <param name="shape">Sizes of the axes.</param>
        /// <param name="initializer">How it gets its first value.</param>
        /// <param name="regularizer">Penalty, if any.</param>
        /// <param name="projection">Constraint applied after updates, if any.</param>
        member this.Param
            (
                name: string,
                shape: Shape,
                initializer: Initializer,
                regularizer: Regularizer option,
                projection: Constraint option
            ) =
            this.Declare(name, shape, initializer, regularizer, projection, false)

        /// A variable of the trainable ones that is frozen in this layer: others are trained in its place.
        member internal this.Kept(name: string, shape: Shape, initializer: Initializer) =
            this.Declare(name, shape, initializer, None, None, true)

        member private this.Declare(name, shape, initializer, regularizer, projection, kept: bool) : Expr =
            let spec =
                { Path = full name
                  Shape = shape
                  DType = this.FloatType
                  Initializer = initializer
                  Trainable = true
                  Frozen = kept || this.IsFrozen
                  Regularizer = regularizer
                  Constraint = projection }

            trace.AsUsed(spec.Path, trace.Declare spec)

        /// <summary>Declares a trainable variable without penalty or projection.</summary>
        member this.Param(name: string, shape: Shape, initializer: Initializer) =
            this.Param(name, shape, initializer, None, None)

        /// <summary>Declares a variable that is not trained, such as a running mean.</summary>
        member this.State(name: string, shape: Shape, dtype: DType, initializer: Initializer) =
            trace.Declare
                { Path = full name
                  Shape = shape
                  DType = dtype
                  Initializer = initializer
                  Trainable = false
                  Frozen = this.IsFrozen
                  Regularizer = None
                  Constraint = None }

        /// <summary>A value that every batch finds as the batch before left it with Update: zeros at first, and again when the
        /// model's states are reset. It is no weight: it is neither counted nor saved.</summary>
        /// <param name="name">Its name within the layer.</param>
        /// <param name="shape">Sizes of the axes. They must not change: with the batch among them, its size must be fixed.</param>
        member _.Carry(name: string, shape: Shape) : Expr = trace.Carry(full name, shape)

        /// <summary>Says what a state variable becomes when the graph has run. No derivative flows into it. Evaluation and
        /// prediction change no variable, even where a layer is told to train in them.</summary>
        member this.Update(state: Expr, value: Expr) =
            if not (this.TrainsAlone && trace.IsVariable state) then
                trace.Update(state, Expr.Node(StopGradient, [| value |]))

        /// <summary>Adds a scalar to the loss.</summary>
        member _.AddLoss(loss: Expr) = trace.Losses.Add loss

        /// True for a layer that was told to train where the model does not.
        member private this.TrainsAlone = trace.Mode = Mode.Infer && this.Mode = Mode.Train

        /// The step, which a layer that trains alone counts itself: it draws other numbers at each run of the model. The
        /// count begins anew when the model's states are reset.
        member private this.DrawStep() : Expr =
            if this.TrainsAlone then
                let runs = trace.Carry("random_draws", Shape.Scalar)
                let value = trace.Step + Ops.cast DType.Int64 runs
                if trace.Streams.Add "random_draws" then trace.Update(runs, runs + 1.0)
                value
            else
                trace.Step

        /// <summary>Random numbers that depend on the seed, the step and this layer's path only.</summary>
        /// <param name="name">Distinguishes several draws of one layer.</param>
        /// <param name="kind">Uniform in [0, 1), standard normal, or bits.</param>
        /// <param name="shape">Sizes of the axes.</param>
        member this.Random(name: string, kind: RandomKind, shape: Shape) : Expr =
            // A layer used twice in one model draws different numbers at each use.
            let mutable stream = full name
            let mutable uses = 1

            while not (trace.Streams.Add stream) do
                uses <- uses + 1
                stream <- full name + "#" + string uses

            let dtype = if kind = RandomKind.Bits then DType.Int64 else this.FloatType

            let spec = { Kind = kind; Stream = Philox.streamOf stream; Type = { DType = dtype; Shape = shape } }

            Expr.Node(Random spec, [| trace.Seed; this.DrawStep() |])

        /// Runs the layer of this scope with other values in place of its trainable variables of those names.
        member internal _.Rewriting(names: string list, rewrite: Expr -> Expr, run: unit -> 'a) : 'a =
            for name in names do
                trace.Rewriters[full name] <- rewrite

            try
                run ()
            finally
                for name in names do
                    trace.Rewriters.Remove(full name) |> ignore

        /// True if one of its variables of those names has another value for it.
        member internal _.HasRewritten(names: string list) : bool =
            names |> List.exists (fun name -> trace.Rewritten.ContainsKey(full name))

        /// <summary>The scope of a part of this layer.</summary>
        member this.Child(name: string) = Scope(trace, full name, this.IsFrozen, policy, OwnMode = this.OwnMode)

    /// How a recurrent layer runs over its sequence: the arguments that all of them share.
    type internal LoopFlags =
        {
            /// The outputs of all steps, not only of the last.
            Sequences: bool
            /// The last states follow the output.
            States: bool
            /// From the last step to the first; outputs come in that order too.
            Backwards: bool
            /// The last states are where the next batch starts.
            Stateful: bool
            /// The steps one by one in the graph, in place of a loop.
            Unrolled: bool
            /// Masked steps give zeros, in place of the output before.
            ZeroMasked: bool
        }

    /// <summary>Which layers compute inner values again for derivatives, in place of keeping them. Keras: the modes of
    /// RematScope.</summary>
    [<Struct>]
    type RematMode =
        /// <summary>The layer, whatever it gives. Keras: full.</summary>
        | Full
        /// <summary>A layer that gives more numbers than these for a sample. Keras: larger_than.</summary>
        | LargerThan of size: int
        /// <summary>Layers of these names. Keras: list_of_layers.</summary>
        | ListOfLayers of names: string list

    /// <summary>A layer: an immutable value with a name, a configuration, and one function that says what it does. It holds
    /// no weights; those live beside it, by path.</summary>
    [<NoComparison; ReferenceEquality>]
    type Layer =
        internal
            {
                /// Empty: the container names it by its class.
                LayerName: string
                /// Keras's class name.
                Kind: string
                /// None if it cannot be saved (it holds a function).
                LayerConfig: Config option
                Frozen: bool
                /// Whether derivatives compute its inner values again.
                Remat: RematMode voption
                /// What its weights are kept in and what it computes with; ValueNone for the same as around it.
                Policy: DTypePolicy voption
                /// Lives at the model's root under its name, and may occur many times: its weights are the same everywhere.
                Shared: bool
                /// The object of a facade that stands for the layer, if there is one. Kept by every copy.
                Owner: obj | null
                /// The parts of a serial composition, with their names; empty for other layers.
                Parts: (string * Layer)[]
                Role: LayerRole
                /// The layers inside of a layer that is neither a serial composition nor a network; ValueNone without.
                Nest: LayerNest voption
                /// The layer that takes its place after a change, if it can be changed in that way.
                Variant: LayerChange -> LayerVariant voption
                Run: Scope -> Flow[] -> Flow[]
            }

        /// <summary>The name given by the user; empty if its container names it.</summary>
        member this.Name = this.LayerName

        /// <summary>Keras's class name, such as Dense.</summary>
        member this.ClassName = this.Kind

        /// <summary>True if frozen by <c>Layer.frozen</c>.</summary>
        member this.IsFrozen = this.Frozen

        /// <summary>Class name and arguments, if the layer can be saved.</summary>
        member this.Config = this.LayerConfig

    /// A layer in the place of another, and what its variables are then, by their names in the layer, from those of the other.
    /// Variables without a new value keep the one they have; new ones begin with their first value.
    and [<NoEquality; NoComparison>] internal LayerVariant =
        { Layer: Layer; Values: (string -> Tensor) -> (string * Tensor) list }

    /// Layers inside of another.
    and [<NoEquality; NoComparison>] internal LayerNest =
        {
            /// With the names of their paths.
            Inner: (string * Layer)[]
            /// True if they have no policies of their own: theirs is the outer layer's.
            OnePolicy: bool
            /// The outer layer with others in their places. Name and policy are left to the caller.
            With: Layer[] -> Layer
        }

    /// What a layer can be to the layers around it, besides a function of flows.
    and [<NoEquality; NoComparison>] internal LayerRole =
        | Plain
        /// One step of a recurrent layer: input and states to output and new states. Has the sizes of the states for those of
        /// the input, all without the batch.
        | Cell of (int[] -> int[][])
        | Recurrent of RecurrentRole
        /// Of some changes it makes a few, chosen anew for every batch.
        | Choosing of ChoosingRole

    and [<NoEquality; NoComparison>] internal ChoosingRole =
        {
            /// How many changes there are.
            Choices: int
            /// How many of them are made, one after the other; none is made twice.
            Taken: int
            /// The layer that always makes that one.
            Only: int -> Layer
        }

    and [<NoEquality; NoComparison>] internal RecurrentRole =
        {
            Loop: LoopFlags
            /// The same layer, run in another way.
            WithLoop: LoopFlags -> Layer
        }

    /// The scope of a layer that a container holds under a name.
    let internal enter (scope: Scope) (name: string) (layer: Layer) =
        let path = if layer.Shared || scope.Path = "" then name else scope.Path + "/" + name
        let policy = if layer.Policy.IsSome then layer.Policy else scope.Policy
        Scope(scope.Trace, path, layer.Frozen || scope.IsFrozen, policy, OwnMode = scope.OwnMode)

    /// The name of the argument that takes the place of the mask of the first input.
    [<Literal>]
    let internal MaskKeyword = "mask"

    /// The argument that takes the place of the model's mode.
    [<Literal>]
    let internal TrainingKeyword = "training"

    /// Gives the truth values of a call to the layer's scope.
    let internal bindFlags (scope: Scope) (flags: (string * bool)[]) : unit =
        scope.Flags <- flags

        match scope.Flag TrainingKeyword with
        | ValueSome training -> scope.OwnMode <- ValueSome(if training then Mode.Train else Mode.Infer)
        | ValueNone -> ()

    /// Gives the tensors named in a call to the layer's scope, and the mask to the first input.
    let internal bindKeywords (scope: Scope) (keywords: (string * Expr)[]) (inputs: Flow[]) : unit =
        if keywords.Length > 0 then
            scope.Keywords <- keywords

            match scope.Argument MaskKeyword with
            | ValueSome mask -> inputs[0] <- { inputs[0] with Mask = ValueSome mask }
            | ValueNone -> ()

    /// What tracing a layer gives.
    [<NoEquality; NoComparison>]
    type internal Traced =
        {
            Outputs: Flow[]
            /// In order of declaration, each with its leaf.
            Variables: struct (VariableSpec * Expr)[]
            Updates: struct (Expr * Expr)[]
            Losses: Expr[]
            Seed: Expr
            Step: Expr
        }
