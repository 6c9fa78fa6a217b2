using FunctionalNet.Interop;
using FunctionalNet.Layers;

namespace FunctionalNet;

/// <summary>Layers of a trained model that give way to others of the same meaning.</summary>
public partial class Model
{
    /// <summary>Adapts layers by LoRA: the weight W of each keeps its value, and two small matrices A and B are trained in its place,
    /// as W + alpha / rank · A · B. The model must be compiled again. Keras: enable_lora of each layer.</summary>
    /// <param name="rank">Columns of A and rows of B.</param>
    /// <param name="alpha">Strength of A · B, divided by the rank; the rank by default.</param>
    /// <param name="layers">Paths of layers, such as dense or encoder/dense_1; by default every Dense, EinsumDense, Embedding,
    /// ReversibleEmbedding and convolution that is not inside another layer.</param>
    /// <param name="aInitializer">First values of the matrices A; He-uniform by default.</param>
    /// <param name="bInitializer">First values of the matrices B; zeros by default, so that nothing changes before training.</param>
    /// <exception cref="ArgumentValueException">A layer cannot be adapted, or is already.</exception>
    /// <example><code>
    /// model.EnableLora(rank: 4, layers: ["dense"]);
    /// model.Compile(new Adam(1e-3), "mse");
    /// </code></example>
    public void EnableLora(
        int rank,
        double? alpha = null,
        IReadOnlyList<string>? layers = null,
        Initializer? aInitializer = null,
        Initializer? bInitializer = null) =>
        Become(TrainingBridge.EnableLora(
            Trainer, rank, alpha, aInitializer?.Description, bInitializer?.Description, [.. layers ?? []]));

    /// <summary>Adds the product of LoRA's matrices to the weights they adapt, and drops them. Do it before a model is given away:
    /// it computes less and needs no file of its own. Keras does so whenever it saves.</summary>
    /// <exception cref="ArgumentValueException">No layer is adapted.</exception>
    public void MergeLora() => Become(TrainingBridge.MergeLora(Trainer));

    /// <summary>Makes a trained model smaller for prediction: every Dense, EinsumDense, Embedding and ReversibleEmbedding keeps its large
    /// weights as whole numbers -127..127 with a scale for every column (for every id of an embedding), a quarter of the size. Inputs
    /// of products are rounded to 8 bits row by row while it predicts. Other layers stay as they are. Keras: quantize.</summary>
    /// <param name="mode">int8.</param>
    /// <exception cref="ArgumentValueException">The mode is another, or there is no layer to quantise.</exception>
    public void Quantize(string mode = "int8") => Become(TrainingBridge.Quantize(Trainer, mode));

    /// <summary>Takes over the network of a trainer, whose layers stand in the place of this model's.</summary>
    private void Become(Trainer changed)
    {
        (network, asLayer, trainer, pending) = (changed.Network, null, changed, null);
        Renew("", changed, roots);
    }

    private void Renew(string prefix, Trainer home, Dictionary<Layer, string> shared)
    {
        var infos = NetworkBridge.Layers(network!);

        for (var i = 0; i < layers.Length; i++)
        {
            var path = PathOf(i, prefix, shared);

            if (layers[i] is Model inner)
            {
                (inner.network, inner.asLayer, inner.pending) = (NetworkBridge.NetworkOf(infos[i].Layer), null, null);
                inner.trainer = inner.trainer is null ? null : home.Part(path);
                inner.Renew(path + "/", home, shared);
            }
            else
            {
                layers[i].Renew(infos[i].Layer);
            }

            layers[i].Home = (home, path);
        }
    }
}
