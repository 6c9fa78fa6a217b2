namespace FunctionalNet;

/// <summary>The inputs of models that take encoded features.</summary>
public static class FeatureSpaceInputs
{
    /// <summary>The input of a model for the joined features, (features,). What the model is trained and asked with comes from the space's
    /// <c>Transform</c>. Keras: get_encoded_features.</summary>
    /// <param name="space">A space that has learnt, with the output mode Concat.</param>
    /// <param name="name">The input's name in the model.</param>
    /// <exception cref="NotReadyException">Adapt was not called, or the output mode is Dict.</exception>
    /// <example><code>
    /// var features = space.GetEncodedFeatures();
    /// var model = new Model(features, new Dense(1).Apply(features));
    /// model.Fit(space.Transform(people), targets);
    /// </code></example>
    public static Input GetEncodedFeatures(this FeatureSpace space, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(space);
        return new Input([space.Size], name);
    }

    /// <summary>The inputs of a model for the features one by one, named like them: (numbers,) float32, or int64 for categories that stay
    /// numbers. What the model is trained and asked with comes from the space's <c>TransformByName</c>. Keras: get_encoded_features, with
    /// the output mode dict.</summary>
    /// <param name="space">A space that has learnt.</param>
    /// <exception cref="NotReadyException">Adapt was not called.</exception>
    public static IReadOnlyDictionary<string, SymbolicTensor> GetEncodedFeaturesByName(this FeatureSpace space)
    {
        ArgumentNullException.ThrowIfNull(space);
        return space.EncodedFeatures.ToDictionary(
            feature => feature.Name,
            feature => (SymbolicTensor)new Input([feature.Size], feature.Name, feature.DType),
            StringComparer.Ordinal);
    }
}
