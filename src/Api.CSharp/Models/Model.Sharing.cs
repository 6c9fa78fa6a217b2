using FunctionalNet.Interop;

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
        Borrow("", lent);
        return Keep(TrainingBridge.Trainer(described, unchecked((ulong)seed), PlanOptions, [.. lent]));
    }

    /// <summary>What layers of this model bring along from others.</summary>
    private void Borrow(string prefix, List<LentWeights> lent)
    {
        for (var i = 0; i < layers.Length; i++)
        {
            var path = prefix + layerNames[i];

            switch (layers[i])
            {
                case Model { trainer: { } home }:
                    lent.Add(new LentWeights(path, home, ""));
                    break;
                case Model inner when inner.layers.Length > 0:
                    inner.Borrow(path + "/", lent);
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
        Settle("", made);
        return made;
    }

    private void Settle(string prefix, Trainer made)
    {
        for (var i = 0; i < layers.Length; i++)
        {
            var path = prefix + layerNames[i];

            if (layers[i] is Model { trainer: null } inner && inner.layers.Length > 0)
            {
                inner.Settle(path + "/", made);
            }

            layers[i].Settle(made, path);
        }
    }
}
