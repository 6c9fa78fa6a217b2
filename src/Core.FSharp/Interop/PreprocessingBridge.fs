namespace FunctionalNet.Interop

open System.Collections.Generic
open FunctionalNet

/// <summary>What layers learn from data ahead of training, for the C# facade.</summary>
[<AbstractClass; Sealed>]
type PreprocessingBridge =

    static member private Options(layer: Layer) =
        let arguments =
            match layer.LayerConfig with
            | Some config -> config.Arguments
            | None -> []

        Codec.read
            "Normalization"
            Normalization.definition.Fields
            (Arguments.Empty.Reader)
            Normalization.definition.Start
            arguments

    static member private Pair(options: NormalizationOptions) : struct (Tensor * Tensor) =
        match options.Adapted with
        | Some moments -> struct (moments.Mean, moments.Variance)
        | None -> struct (Tensor.Scalar 0.0, Tensor.Scalar 1.0)

    /// <summary>The Normalization layer with these as first values of its weights, wherever it goes.</summary>
    static member Adapted(layer: Layer, mean: Tensor, variance: Tensor) : Layer =
        let options =
            { PreprocessingBridge.Options layer with Adapted = Some { Mean = mean; Variance = variance } }

        { LayerClass.layer Normalization.definition options with
            LayerName = layer.LayerName
            Frozen = layer.Frozen
            Policy = layer.Policy
            Owner = layer.Owner }

    /// <summary>Mean and variance of data over the axes that a Normalization layer keeps.</summary>
    static member Moments(layer: Layer, data: Tensor) : struct (Tensor * Tensor) =
        PreprocessingBridge.Options layer |> Normalization.adapt data |> PreprocessingBridge.Pair

    /// <summary>Mean and variance of batches over the axes that a Normalization layer keeps.</summary>
    static member Moments(layer: Layer, batches: IEnumerable<Tensor>) : struct (Tensor * Tensor) =
        PreprocessingBridge.Options layer |> Normalization.adaptTo batches |> PreprocessingBridge.Pair

    static member private Bins(arguments: Arguments) =
        Codec.read
            "Discretization"
            Discretization.definition.Fields
            arguments.Reader
            Discretization.definition.Start
            (arguments.ToList())

    /// <summary>Arguments of Discretization with boundaries learnt from batches.</summary>
    static member Adapted(arguments: Arguments, batches: IEnumerable<Tensor>) : Arguments =
        let options = PreprocessingBridge.Bins arguments

        if not options.BinBoundaries.IsEmpty then
            LayerCheck.argument
                "Discretization.bin_boundaries"
                "none, for a layer that is adapted"
                (string options.BinBoundaries.Length + " boundaries")
                "Give num_bins in place of them."

        let adapted = Discretization.adaptTo batches options
        arguments.Set("bin_boundaries", List.toArray adapted.BinBoundaries)

    /// <summary>The boundaries of a Discretization layer.</summary>
    static member Boundaries(layer: Layer) : float[] =
        match layer.LayerConfig with
        | Some config ->
            match ConfigRead.get "bin_boundaries" config.Arguments with
            | Null -> [||]
            | values -> List.toArray (ConfigRead.floats "bin_boundaries" values)
        | None -> [||]
