using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>A layer that LoRA can adapt: its weight keeps its value, and two small matrices are trained in its
/// place.</summary>
public abstract class AdaptableLayer : Layer
{
    private protected AdaptableLayer(string className, string? name, Arguments arguments)
        : base(className, name, arguments)
    {
    }

    /// <summary>Freezes the layer's weight W and trains two small matrices A and B in its place: W + alpha / rank · A · B. A
    /// starts He-uniform, B at zero. The model must be compiled again. Keras: enable_lora.</summary>
    /// <param name="rank">Columns of A and rows of B.</param>
    /// <param name="alpha">Strength of A · B, divided by the rank; the rank by default.</param>
    /// <param name="aInitializer">First values of A; He-uniform by default.</param>
    /// <param name="bInitializer">First values of B; zeros by default.</param>
    /// <exception cref="NotReadyException">The layer stands in no model yet.</exception>
    /// <exception cref="ArgumentValueException">The layer is adapted already, or its weight has a constraint.</exception>
    public void EnableLora(
        int rank, double? alpha = null, Initializer? aInitializer = null, Initializer? bInitializer = null)
    {
        var (model, path) = Root();
        model.EnableLora(rank, alpha, [path], aInitializer, bInitializer);
    }
}
