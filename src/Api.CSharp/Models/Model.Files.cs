namespace FunctionalNet;

public partial class Model
{
    /// <summary>Saves the model to one file: configuration, weights, and, if it is compiled, everything training needs to
    /// go on bit for bit where it was. The file is replaced only when it is complete. Keras: save.</summary>
    /// <param name="path">Where to; .fnet by custom.</param>
    /// <exception cref="ModelFormatException">A layer holds a function of yours, which cannot be saved.</exception>
    /// <example><code>model.Save("model.fnet");</code></example>
    public void Save(string path) => Trainer.Save(path);

    /// <summary>Loads a model that Save wrote. Keras: load_model.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ModelFormatException">The file is missing, truncated, corrupt, or of a newer version.</exception>
    public static Model Load(string path) => new(Trainer.Load(path));

    /// <summary>Saves the weights alone, as safetensors by path. Keras: save_weights.</summary>
    /// <param name="path">Where to; .safetensors by custom.</param>
    public void SaveWeights(string path) => Trainer.SaveWeights(path);

    /// <summary>Loads weights that SaveWeights wrote; every weight of the model must be there. Keras: load_weights.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ModelFormatException">The file is corrupt.</exception>
    public void LoadWeights(string path) => Trainer.LoadWeights(path);

    /// <summary>Loads those weights of a file that the model has under the same path and with the same shape; the others stay. Keras:
    /// load_weights(skip_mismatch=True).</summary>
    /// <param name="path">The file.</param>
    /// <returns>The paths of the weights that were loaded.</returns>
    /// <exception cref="ModelFormatException">The file is corrupt.</exception>
    public IReadOnlyList<string> LoadMatchingWeights(string path) => Trainer.LoadMatchingWeights(path);
}
