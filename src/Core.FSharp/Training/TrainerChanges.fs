namespace FunctionalNet.Training

open System
open System.Collections.Generic
open FunctionalNet

/// Trainers of a network some layers of which have given way to others, with the weights they had.
module internal TrainerChanges =

    let private describe (change: LayerChange) : struct (string * string) =
        match change with
        | Adapt _ ->
            struct ("adapted by LoRA", "Dense, EinsumDense, Embedding, ReversibleEmbedding or Conv, not yet adapted")
        | Merge -> struct ("freed of LoRA", "a layer with LoRA")
        | Quantize -> struct ("quantised", "Dense, EinsumDense, Embedding or ReversibleEmbedding, not yet quantised")
        | Locate _ -> struct ("told the format of bounding boxes", "a layer that prepares or augments images")

    /// The policy of a layer after the change.
    let private policyAfter (change: LayerChange) (network: Network) (layer: Layer) : DTypePolicy voption =
        match change, layer.Policy with
        | Quantize, ValueSome policy -> ValueSome policy.Quantized
        | Quantize, ValueNone when network.FloatType = DType.Float64 -> ValueSome DTypePolicy.Float64.Quantized
        | Quantize, ValueNone -> ValueSome DTypePolicy.Float32.Quantized
        | _, policy -> policy

    let private variantOf (change: LayerChange) (layer: Layer) : LayerVariant voption =
        match change, layer.Policy with
        | Quantize, ValueSome policy when policy.IsQuantized -> ValueNone
        | _ -> layer.Variant change

    let private refuse (change: LayerChange) (where: string) (actual: string) : 'a =
        let struct (done', expected) = describe change

        raise (
            ArgumentValueException(
                "A layer cannot be " + done' + ".",
                where,
                expected,
                actual,
                "Name other layers by their paths; paths are those of GetWeights without the last part."
            )
        )

    /// The trainer after the change of the layers at those paths, or of all that it is possible for if there are no paths.
    /// It has the variables of the other where they did not change, in the same memory.
    let change (change: LayerChange) (paths: string list) (trainer: Trainer) : Trainer =
        let chosen = HashSet<string>(paths)
        let values = ResizeArray<KeyValuePair<string, Tensor>>()
        let changed = HashSet<string>()
        let store = trainer.VariableStore

        let find (path: string) (name: string) : Tensor =
            match store.TryFind(path + "/" + name) with
            | ValueSome v -> v.Value
            | ValueNone -> refuse change path ("a layer without the weight " + name)

        let replace (path: string) (layer: Layer) : Layer =
            if changed.Contains path || not (chosen.Count = 0 || chosen.Contains path) then
                layer
            else
                match variantOf change layer with
                | ValueSome variant ->
                    changed.Add path |> ignore

                    for name, value in variant.Values(find path) do
                        values.Add(KeyValuePair(path + "/" + name, value))

                    { variant.Layer with
                        LayerName = layer.LayerName
                        Frozen = layer.Frozen
                        Remat = layer.Remat
                        Policy = policyAfter change trainer.Network layer
                        Shared = layer.Shared
                        Owner = layer.Owner }
                | ValueNone when chosen.Contains path -> refuse change path layer.Kind
                | ValueNone -> layer

        let network = Network.cloneAt "" replace trainer.Network

        for path in paths do
            if not (changed.Contains path) then refuse change path "no layer at that path"

        if changed.Count = 0 then refuse change trainer.Network.Name "no such layer"

        let anew = HashSet<string>(values |> Seq.map (fun pair -> pair.Key))

        let lent (path: string) = if anew.Contains path then ValueNone else store.TryFind path

        let next = Trainer(network, trainer.Seed, trainer.CompileOptions, lent)
        next.SetWeights(values :> IReadOnlyList<KeyValuePair<string, Tensor>>)

        for path in trainer.Frozen do
            next.Freeze(path, true)

        next
