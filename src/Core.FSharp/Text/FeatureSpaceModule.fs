namespace FunctionalNet

open System.Collections.Generic

/// <summary>Options of feature spaces in F#.</summary>
[<AutoOpen>]
module FeatureSpaceTypes =

    /// <summary>Arguments of FeatureSpace; <c>FeatureSpace.options</c> has Keras's defaults.</summary>
    [<NoEquality; NoComparison>]
    type FeatureSpaceOptions =
        {
            /// <summary>What every column is: <c>FeatureSpace.StringCategorical()</c> and the like.</summary>
            Features: (string * Feature) list
            /// <summary>Whether encoded features are joined. Default: Concat.</summary>
            OutputMode: FeatureOutput
            /// <summary>Features to cross: <c>FeatureSpace.Cross([ "city"; "month" ])</c>. Default: none.</summary>
            Crosses: FeatureCross list
            /// <summary>Bins of crosses that do not say how many. Default: 32.</summary>
            CrossingDim: int
            /// <summary>Bins of hashed features that do not say how many. Default: 32.</summary>
            HashingDim: int
            /// <summary>Bins of discretized features that do not say how many. Default: 32.</summary>
            NumDiscretizationBins: int
        }

/// <summary>Feature spaces in pipelines of functions.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module FeatureSpace =

    /// <summary>Those features, joined, without crosses.</summary>
    let options (features: (string * Feature) list) : FeatureSpaceOptions =
        { Features = features
          OutputMode = FeatureOutput.Concat
          Crosses = []
          CrossingDim = 32
          HashingDim = 32
          NumDiscretizationBins = 32 }

    /// <summary>A space that has learnt nothing yet.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The options do not fit; see the class.</exception>
    let create (options: FeatureSpaceOptions) : FeatureSpace =
        let features = Dictionary<string, Feature>()

        for name, feature in options.Features do
            if not (features.TryAdd(name, feature)) then
                FeatureErrors.argument
                    ("FeatureSpace." + name)
                    "every feature once"
                    ("twice " + name)
                    "Remove the repetition."

        FeatureSpace(
            features,
            options.OutputMode,
            List.toArray options.Crosses,
            options.CrossingDim,
            options.HashingDim,
            options.NumDiscretizationBins
        )

    /// <summary>A space that has learnt from batches or single rows: a dataset, a list, any sequence, which is read once.</summary>
    /// <exception cref="T:FunctionalNet.DataException">A column is missing, or there are no data.</exception>
    let adaptTo (data: Table seq) (options: FeatureSpaceOptions) : FeatureSpace =
        let space = create options
        space.Adapt data
        space

    /// <summary>A space that has learnt from all rows of a table.</summary>
    /// <exception cref="T:FunctionalNet.DataException">A column is missing.</exception>
    /// <example><code>
    /// let space =
    ///     FeatureSpace.options [ "age", FeatureSpace.FloatNormalized(); "city", FeatureSpace.StringCategorical() ]
    ///     |> FeatureSpace.adapt people
    /// let x = people |> FeatureSpace.transform space
    /// </code></example>
    let adapt (data: Table) (options: FeatureSpaceOptions) : FeatureSpace = adaptTo [ data ] options

    /// <summary>The encoded features joined, (rows, features); of a single row (features,).</summary>
    let transform (space: FeatureSpace) (data: Table) : Tensor = space.Transform data

    /// <summary>The encoded features by name.</summary>
    let transformByName (space: FeatureSpace) (data: Table) : IReadOnlyDictionary<string, Tensor> =
        space.TransformByName data

    /// <summary>The input of a network for the joined features. Keras: get_encoded_features.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">Adapt was not called, or the output mode is Dict.</exception>
    let input (space: FeatureSpace) : Node = Network.input [ space.Size ]

    /// <summary>The inputs of a network for the features one by one, named like them. Keras: get_encoded_features, with the output
    /// mode dict.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">Adapt was not called.</exception>
    let inputs (space: FeatureSpace) : (string * Node) list =
        [ for feature in space.EncodedFeatures ->
              feature.Name,
              Network.inputWith
                  { Name = feature.Name; Shape = [ feature.Size ]; DType = feature.DType; BatchSize = None } ]
