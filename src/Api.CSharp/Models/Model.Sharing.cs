using FunctionalNet.Interop;
using FunctionalNet.Layers;

namespace FunctionalNet;

/// <summary>Weights belong to layers: a layer that stands in several models has the same weights in all of them. The first model
/// that makes its weights keeps them; the others are lent its memory.</summary>
public partial class Model
{
    private Trainer CreateTrainer()
    {
        // Describing the network finds its layers.
        var described = Network;
        var lent = new List<LentWeights>();
        Borrow("", lent, roots);
        var made = Keep(TrainingBridge.Trainer(described, unchecked((ulong)seed), PlanOptions, [.. lent]));

        foreach (var path in FrozenPaths().Where(path => HasVariables(made, path)))
        {
            made.Freeze(path, true);
        }

        return made;
    }

    /// <summary>What layers of this model bring along from others.</summary>
    private void Borrow(string prefix, List<LentWeights> lent, Dictionary<Layer, string> shared)
    {
        for (var i = 0; i < layers.Length; i++)
        {
            var path = PathOf(i, prefix, shared);

            switch (layers[i])
            {
                case Model { trainer: { } home }:
                    lent.Add(new LentWeights(path, home, ""));
                    break;
                case Model inner when inner.layers.Length > 0:
                    inner.Borrow(path + "/", lent, shared);
                    break;
                case { Home: { } home }:
                    lent.Add(new LentWeights(path, home.Trainer, home.Path));
                    break;
            }
        }
    }

    /// <summary>Layers without a home are at home here.</summary>
    private Trainer Keep(Trainer made)
    {
        Settle("", made, roots);
        return made;
    }

    private void Settle(string prefix, Trainer made, Dictionary<Layer, string> shared)
    {
        for (var i = 0; i < layers.Length; i++)
        {
            var path = PathOf(i, prefix, shared);

            if (layers[i] is Model { trainer: null } inner && inner.layers.Length > 0)
            {
                inner.Settle(path + "/", made, shared);
            }

            layers[i].Settle(made, path);
        }
    }

    /// <summary>Where the weights of a layer lie: behind those around it, or at the root if several share them.</summary>
    private string PathOf(int i, string prefix, Dictionary<Layer, string> shared) =>
        shared.TryGetValue(layers[i], out var root) ? root
        : layers[i] is LoadedLayer loaded && LayerBridge.IsShared(loaded.Core) ? layerNames[i]
        : prefix + layerNames[i];
}
