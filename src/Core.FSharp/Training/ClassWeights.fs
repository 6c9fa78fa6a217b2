namespace FunctionalNet.Training

open System.Collections.Generic
open FunctionalNet

/// Weights of classes as weights of samples.
module internal ClassWeights =

    /// Weights of samples from weights of classes: the target itself, or the greatest of a one-hot row.
    let ofTarget (floatType: DType) (weights: IReadOnlyDictionary<int, float>) (target: Tensor) : Tensor =
        let values = target.ToDoubles()

        let weightOf (label: int) =
            match weights.TryGetValue label with
            | true, w -> w
            | _ -> 1.0

        let dims = target.Shape.ToArray()
        let classes = if dims.Length > 1 then dims[dims.Length - 1] else 1
        let shape = if dims.Length > 1 then Shape.Of dims[.. dims.Length - 2] else target.Shape

        let label (i: int) =
            if classes = 1 then
                int values[i]
            else
                let mutable best = 0

                for k in 1 .. classes - 1 do
                    if values[i * classes + k] > values[i * classes + best] then best <- k

                best

        Tensor.OfDoubles(floatType, shape, Array.init shape.Size (label >> weightOf))

    let private notBoth () : 'a =
        raise (
            ArgumentValueException(
                "Class weights and sample weights cannot be used together.",
                "class_weight",
                "one of the two",
                "both",
                "Multiply the sample weights by the class weights instead."
            )
        )

    /// Data with the weights of its classes: of the only output, or of outputs by name.
    let apply
        (network: Network)
        (weights: IReadOnlyDictionary<int, float> | null)
        (byOutput: IReadOnlyDictionary<string, IReadOnlyDictionary<int, float>> | null)
        (data: TrainingData)
        (prepared: PreparedData)
        : PreparedData =
        let weighted (output: int) (weights: IReadOnlyDictionary<int, float>) =
            ValueSome(ofTarget network.FloatType weights prepared.Targets[output])

        match weights, byOutput with
        | null, null -> prepared
        | _ when data.SampleWeights.Count > 0 -> notBoth ()
        | null, byOutput ->
            let names = Network.outputNames network
            let next = Array.copy prepared.Weights

            for pair in nonNull byOutput do
                match System.Array.IndexOf(names, pair.Key) with
                | -1 -> raise (FunctionalNet.Common.Names.unknown "output" "class_weight" pair.Key names)
                | i -> next[i] <- weighted i pair.Value

            { prepared with Weights = next }
        | weights, _ ->
            if network.Outputs.Count <> 1 then
                raise (
                    ArgumentValueException(
                        "Class weights need a network with one output.",
                        "class_weight",
                        "1 output",
                        string network.Outputs.Count + " outputs",
                        "Give the class weights of outputs by name, or sample weights per output."
                    )
                )

            { prepared with Weights = [| weighted 0 weights |] }
