namespace FunctionalNet

open System
open System.Collections.Generic
open FunctionalNet.Graph

/// <summary>What a call of a StatelessFunction gives.</summary>
[<Sealed>]
type StatelessResult internal (outputs: Tensor[], variables: IReadOnlyDictionary<string, Tensor>, loss: float) =

    /// <summary>One tensor per output.</summary>
    member _.Outputs = outputs

    /// <summary>All variables after the call, by path: those that running changed, and the others as they were given.</summary>
    member _.Variables = variables

    /// <summary>The sum of penalties on variables and of what layers added to the loss.</summary>
    member _.Loss = loss

/// <summary>A network as a pure function of tensors: variables and inputs go in, outputs and variables come out. It holds no weights.
/// Compiled once per signature; calls from several threads wait for each other. Keras: stateless_call.</summary>
/// <param name="network">The network.</param>
/// <param name="training">True for training mode: dropout drops, and normalisation uses and updates statistics of the batch.</param>
/// <example><code>
/// var call = model.Stateless(training: true);
/// var result = call.Call(weights, [x], step: 1); // result.Outputs, result.Variables
/// </code></example>
[<Sealed>]
type StatelessFunction(network: Network, training: bool) =

    let specs = Network.variables network

    let mode = if training then Mode.Train else Mode.Infer

    // Found when the function is traced, and the same for every signature.
    let mutable updated: string[] = [||]

    let run (arguments: Expr[]) : Expr[] =
        let variables = Dictionary<string, Expr>()

        for i in 0 .. specs.Length - 1 do
            variables[specs[i].Path] <- arguments[i]

        let call =
            Network.statelessCall mode arguments[specs.Length] variables arguments[specs.Length + 1 ..] network

        let loss =
            if call.Losses.Length = 0 then Ops.scalar network.FloatType 0.0 else Array.reduce (+) call.Losses

        // States that are kept from batch to batch are no variables.
        let own = call.Updates |> Seq.filter (fun pair -> variables.ContainsKey pair.Key) |> Seq.toArray
        updated <- own |> Array.map (fun pair -> pair.Key)
        Array.concat [ call.Outputs; [| loss |]; own |> Array.map (fun pair -> pair.Value) ]

    let compiled = CompiledFunction(Func<Expr[], Expr[]>(run))

    /// <summary>The network.</summary>
    member _.Network = network

    /// <summary>The paths of the variables, in the order of Keras's get_weights.</summary>
    member _.Paths: IReadOnlyList<string> = [| for spec in specs -> spec.Path |]

    /// <summary>The outputs for these variables and inputs, and the variables after the call.</summary>
    /// <param name="variables">A tensor for every path.</param>
    /// <param name="inputs">One tensor per input; the first axis counts samples.</param>
    /// <param name="step">Decides random draws: other draws for another number.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">A variable is missing.</exception>
    /// <exception cref="T:FunctionalNet.ShapeException">A variable or an input does not fit.</exception>
    member _.Call(variables: IReadOnlyDictionary<string, Tensor>, inputs: Tensor[], step: int64) : StatelessResult =
        let given =
            specs
            |> Array.map (fun spec ->
                match variables.TryGetValue spec.Path with
                | true, value -> value.Cast spec.DType
                | _ -> raise (Common.Names.unknown "variable among those given" network.Name spec.Path variables.Keys))

        let converted =
            inputs |> Array.map (fun t -> if DType.isFloating t.DType then t.Cast network.FloatType else t)

        let results =
            compiled.Invoke(
                Array.concat [ given; [| Tensor.OfArray [| step |] |> fun t -> t.Reshape Shape.Scalar |]; converted ]
            )

        let outputs = network.Outputs.Count
        let after = Dictionary<string, Tensor>(variables)
        Array.iteri (fun i path -> after[path] <- results[outputs + 1 + i]) updated
        StatelessResult(results[.. outputs - 1], after, (results[outputs].ToDoubles())[0])
