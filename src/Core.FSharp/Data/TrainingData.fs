namespace FunctionalNet

open System
open System.Collections.Generic

/// <summary>Data to train, evaluate or predict with: one tensor per input of the network, one per output, and weights of
/// samples. The first axis of all counts samples. As an element of a <c>Dataset</c> that is not batched yet, it is one sample:
/// then there is no such axis. Tensors are given in the network's order, or by name.</summary>
/// <param name="inputs">One tensor per input.</param>
/// <param name="targets">One tensor per output; empty to predict.</param>
/// <param name="sampleWeights">None, one for all outputs, or one per output.</param>
/// <param name="inputNames">Names of the inputs, or null.</param>
/// <param name="targetNames">Names of the outputs that the targets are of, or null.</param>
/// <param name="weightNames">Names of the outputs that the weights are of, or null.</param>
[<Sealed>]
type TrainingData
    private
    (
        inputs: Tensor[],
        targets: Tensor[],
        sampleWeights: Tensor[],
        inputNames: string[] | null,
        targetNames: string[] | null,
        weightNames: string[] | null
    ) =

    static let split (named: IReadOnlyDictionary<string, Tensor> | null) : struct (string[] | null * Tensor[]) =
        match named with
        | null -> struct (null, [||])
        | named -> struct (Seq.toArray named.Keys, Seq.toArray named.Values)

    static let flat (nested: Nested<Tensor> | null) : struct (string[] | null * Tensor[]) =
        match nested with
        | null -> struct (null, [||])
        // Of the only one, whatever its name.
        | nested when nested.IsLeaf -> struct (null, [| nested.Value |])
        | nested -> struct (Seq.toArray nested.Paths, Seq.toArray nested.Leaves)

    /// <summary>Data of a network with several inputs or outputs, in the network's order, and weights of samples: none, one
    /// for all outputs, or one per output.</summary>
    new(inputs: Tensor[], targets: Tensor[], sampleWeights: Tensor[]) =
        TrainingData(inputs, targets, sampleWeights, null, null, null)

    /// <summary>Data of a network with several inputs or outputs, without weights.</summary>
    new(inputs: Tensor[], targets: Tensor[]) = TrainingData(inputs, targets, [||])

    /// <summary>Data of a network with one input and one output.</summary>
    new(input: Tensor, target: Tensor) = TrainingData([| input |], [| target |], [||])

    /// <summary>Data of a network with one input and one output, with a weight per sample.</summary>
    new(input: Tensor, target: Tensor, sampleWeight: Tensor) =
        TrainingData([| input |], [| target |], [| sampleWeight |])

    /// <summary>Data by the names of inputs and outputs. Keras: dictionaries as x, y and sample_weight.</summary>
    /// <param name="inputs">A tensor for the name of every input.</param>
    /// <param name="targets">A tensor for the name of every output; null to predict.</param>
    /// <param name="sampleWeights">Weights for the names of some outputs; null for none.</param>
    new
        (
            inputs: IReadOnlyDictionary<string, Tensor>,
            targets: IReadOnlyDictionary<string, Tensor> | null,
            sampleWeights: IReadOnlyDictionary<string, Tensor> | null
        ) =
        let struct (inputNames, inputs) = split inputs
        let struct (targetNames, targets) = split targets
        let struct (weightNames, weights) = split sampleWeights
        TrainingData(inputs, targets, weights, inputNames, targetNames, weightNames)

    /// <summary>Data in the structures of the network's inputs and outputs: lists and dictionaries in one another. Keras: nested
    /// structures as x, y and sample_weight.</summary>
    /// <param name="inputs">A tensor for every input.</param>
    /// <param name="targets">A tensor for every output; null to predict.</param>
    /// <param name="sampleWeights">Weights for some outputs; null for none.</param>
    new(inputs: Nested<Tensor>, targets: Nested<Tensor> | null, sampleWeights: Nested<Tensor> | null) =
        let struct (inputNames, inputs) = flat inputs
        let struct (targetNames, targets) = flat targets
        let struct (weightNames, weights) = flat sampleWeights
        TrainingData(inputs, targets, weights, inputNames, targetNames, weightNames)

    /// <summary>Data in the structures of the network's inputs and outputs, without weights.</summary>
    new(inputs: Nested<Tensor>, targets: Nested<Tensor> | null) = TrainingData(inputs, targets, null)

    /// <summary>Data by the names of inputs and outputs, without weights.</summary>
    new(inputs: IReadOnlyDictionary<string, Tensor>, targets: IReadOnlyDictionary<string, Tensor> | null) =
        TrainingData(inputs, targets, null)

    /// <summary>One tensor per input.</summary>
    member _.Inputs: IReadOnlyList<Tensor> = inputs

    /// <summary>One tensor per output.</summary>
    member _.Targets: IReadOnlyList<Tensor> = targets

    /// <summary>None, one for all outputs, or one per output or name.</summary>
    member _.SampleWeights: IReadOnlyList<Tensor> = sampleWeights

    /// <summary>The names or paths of the inputs, if they were given by name; otherwise null.</summary>
    member _.InputNames: IReadOnlyList<string> | null = inputNames

    /// <summary>The names of the outputs that the targets are of, if they were given by name; otherwise null.</summary>
    member _.TargetNames: IReadOnlyList<string> | null = targetNames

    /// <summary>The names of the outputs that the weights are of, if they were given by name; otherwise null.</summary>
    member _.WeightNames: IReadOnlyList<string> | null = weightNames

    /// All tensors: inputs, targets, weights.
    member internal _.Parts: Tensor[] = Array.concat [ inputs; targets; sampleWeights ]

    /// As many tensors under the same names.
    member internal _.With(parts: Tensor[]) : TrainingData =
        let i, t = inputs.Length, inputs.Length + targets.Length
        TrainingData(parts[.. i - 1], parts[i .. t - 1], parts[t..], inputNames, targetNames, weightNames)
