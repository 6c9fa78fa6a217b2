using FunctionalNet.Interop;
using FunctionalNet.Training;
using FunctionalNet.Layers;

namespace FunctionalNet;

/// <summary>The output of a layer while a model is described: it has a shape, and no values. Keras: KerasTensor.</summary>
public class SymbolicTensor
{
    internal SymbolicTensor(NetworkTypes.Node node, Layer? layer, SymbolicTensor[] inputs)
    {
        Node = node;
        Layer = layer;
        Inputs = inputs;
    }

    internal NetworkTypes.Node Node { get; }

    /// <summary>The layer it came out of; null for an input.</summary>
    internal Layer? Layer { get; }

    internal SymbolicTensor[] Inputs { get; }

    /// <summary>Sizes of the axes, the batch first; -1 where the size is not known.</summary>
    public IReadOnlyList<int> Shape => Node.Shape;

    /// <summary>Element type.</summary>
    public DType DType => Node.DType;

    /// <summary>The shape as Keras prints it, such as (None, 28, 28, 1).</summary>
    public override string ToString() => Node.ToString();
}

/// <summary>Where data enters a model.</summary>
public sealed class Input : SymbolicTensor
{
    /// <summary>An input of float32 numbers.</summary>
    /// <param name="shape">Sizes without the batch axis; -1 where the size is not known.</param>
    /// <example><code>var images = new Input(28, 28, 1);</code></example>
    public Input(params int[] shape)
        : this(shape, name: null)
    {
    }

    /// <summary>An input with an element type, a name, or a fixed batch size.</summary>
    /// <param name="shape">Sizes without the batch axis; -1 where the size is not known.</param>
    /// <param name="name">Its name in the model.</param>
    /// <param name="dtype">Float32 unless it holds ids (Int32) or truth values.</param>
    /// <param name="batchSize">The number of rows, if it is fixed.</param>
    /// <param name="optional">Whether data may leave it out. Layers of several inputs, such as Add, do not see it then, and layers that
    /// get nothing give nothing.</param>
    public Input(int[] shape, string? name = null, DType dtype = DType.Float32, int? batchSize = null, bool optional = false)
        : base(NetworkBridge.Input(name, shape, dtype, batchSize, optional), null, [])
    {
        Rehearsal.Start();
    }
}
