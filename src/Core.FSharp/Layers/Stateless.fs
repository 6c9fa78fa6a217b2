namespace FunctionalNet

open System
open System.Collections.Generic
open FunctionalNet.Graph

/// <summary>What a network gives for variables and inputs that it was handed, as nodes.</summary>
[<Sealed>]
type StatelessNodes internal (outputs: Expr[], updates: KeyValuePair<string, Expr>[], losses: Expr[]) =

    /// <summary>One node per output.</summary>
    member _.Outputs = outputs

    /// <summary>What variables become by running the network, such as running means, by path.</summary>
    member _.Updates: IReadOnlyList<KeyValuePair<string, Expr>> = updates

    /// <summary>Penalties on variables, and scalars that layers added to the loss.</summary>
    member _.Losses = losses

/// <summary>Networks as pure functions: variables go in, and come out.</summary>
[<AutoOpen>]
module StatelessNetworks =

    /// <summary>The functional API: inputs, layers applied to nodes, and models made of them.</summary>
    [<RequireQualifiedAccess>]
    module Network =

        let private check (path: string) (shape: Shape) (dtype: DType) (given: Expr) =
            if not (given.Shape.Equals shape) then
                raise (
                    ShapeException(
                        "A variable has not the shape that the network declared.",
                        path,
                        shape.ToString(),
                        given.Shape.ToString(),
                        "Network.variables lists them; Trainer.GetWeights gives first values."
                    )
                )

            if given.DType <> dtype then
                raise (
                    DTypeException(
                        "A variable has another element type than the network declared.",
                        path,
                        DType.name dtype,
                        DType.name given.DType,
                        "Convert it with Ops.cast."
                    )
                )

        /// <summary>The network as a function of nodes without a state of its own: for variables by path and inputs, the outputs, what
        /// becomes of variables that running changes, and losses. Made of nodes alone, so it may be differentiated, called several times
        /// and put into loops and other functions. States that are kept from batch to batch begin with zeros unless they are given.
        /// Keras: stateless_call.</summary>
        /// <param name="mode">Train, or Infer.</param>
        /// <param name="step">An int64 scalar that decides random draws: other draws for another number.</param>
        /// <param name="variables">A node for the path of every variable.</param>
        /// <param name="inputs">One node per input; the first axis counts samples.</param>
        /// <param name="network">The network.</param>
        /// <exception cref="T:FunctionalNet.ArgumentValueException">A variable is missing.</exception>
        /// <exception cref="T:FunctionalNet.ShapeException">A variable or an input does not fit.</exception>
        /// <example><code>
        /// let loss (w: Expr) (x: Expr) =
        ///     let call = Network.statelessCall Mode.Train step (dict [ "dense/kernel", w ]) [| x |] network
        ///     Ops.meanAll (Ops.square call.Outputs[0])
        /// </code></example>
        let statelessCall
            (mode: Mode)
            (step: Expr)
            (variables: IReadOnlyDictionary<string, Expr>)
            (inputs: Expr[])
            (network: Network)
            : StatelessNodes =
            if step.Rank <> 0 || step.DType <> DType.Int64 then
                OpsSupport.argumentError
                    "Network.statelessCall"
                    "step"
                    "an int64 scalar"
                    (step.Type.ToString())
                    "Write Expr.Scalar(DType.Int64, 0.0), or make it an argument."

            if inputs.Length <> network.Inputs.Count then
                OpsSupport.argumentError
                    "Network.statelessCall"
                    "inputs"
                    (string network.Inputs.Count)
                    (string inputs.Length)
                    "Give one node per input, in order."

            let trace = Trace(mode, network.FloatType, (fun _ -> false))

            let outputs =
                NetworkRun.run network (Scope(trace, "", false)) (inputs |> Array.map Flow.ofValue)
                |> Array.map (fun flow -> flow.Value)

            let map = Dictionary<Expr, Expr>(HashIdentity.Reference)
            map[trace.Seed] <- Expr.Scalar(DType.Int64, 0.0)
            map[trace.Step] <- step

            for struct (spec, leaf) in trace.Variables do
                match variables.TryGetValue spec.Path with
                | true, given ->
                    check spec.Path spec.Shape spec.DType given
                    map[leaf] <- given
                | _ -> raise (Common.Names.unknown "variable among those given" network.Name spec.Path variables.Keys)

            let nameOf (leaf: Expr) =
                match leaf.Op with
                | Leaf(_, name) -> name
                | _ -> ""

            for leaf in trace.Carried do
                map[leaf] <-
                    match variables.TryGetValue(nameOf leaf) with
                    | true, given ->
                        check (nameOf leaf) leaf.Shape leaf.DType given
                        given
                    | _ -> Ops.zeros leaf.DType leaf.Shape

            let penalties =
                trace.Variables
                |> Array.choose (fun (struct (spec, leaf)) ->
                    match spec.Regularizer with
                    | Some r when spec.Trainable && not spec.Frozen -> Some(r.Penalty leaf)
                    | _ -> None)

            let updates = trace.Updates
            let losses = Array.append penalties (trace.Losses.ToArray())
            let updated = updates |> Array.map (fun (struct (_, value)) -> value)
            let placed = Traverse.substitute map (Array.concat [ outputs; updated; losses ])
            let n, m = outputs.Length, outputs.Length + updates.Length

            StatelessNodes(
                placed[.. n - 1],
                updates |> Array.mapi (fun i (struct (leaf, _)) -> KeyValuePair(nameOf leaf, placed[n + i])),
                placed[m..]
            )
