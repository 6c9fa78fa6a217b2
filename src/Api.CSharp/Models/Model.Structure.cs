using FunctionalNet.Interop;
using FunctionalNet.Layers;

namespace FunctionalNet;

public partial class Model
{
    /// <summary>The inputs, to build other models from.</summary>
    public IReadOnlyList<SymbolicTensor> Inputs => [.. Network.Inputs.Select(node => new SymbolicTensor(node, null, []))];

    /// <summary>The outputs, to build on.</summary>
    public IReadOnlyList<SymbolicTensor> Outputs => [.. Network.Outputs.Select(node => new SymbolicTensor(node, null, []))];

    /// <summary>The output of the layer of that name, in this model: a feature extractor is
    /// <c>new Model(model.Inputs, [model.OutputOf("conv2d")])</c>, with the same weights.</summary>
    /// <exception cref="ArgumentValueException">There is no such layer, or it has several outputs.</exception>
    public SymbolicTensor OutputOf(string layerName) =>
        new(NetworkBridge.OutputOf(Network, layerName), null, []);

    /// <summary>The layer of that name.</summary>
    /// <exception cref="ArgumentValueException">There is none.</exception>
    public Layer GetLayer(string name) => GetLayer(LayerNames.ToList().IndexOf(name), name);

    /// <summary>The layer at a place in Layers.</summary>
    /// <param name="index">Counted from 0.</param>
    /// <exception cref="ArgumentValueException">There is none.</exception>
    public Layer GetLayer(int index) =>
        GetLayer(index, index.ToString(System.Globalization.CultureInfo.InvariantCulture));

    private Layer GetLayer(int index, string wanted) =>
        index >= 0 && index < Layers.Count
            ? Layers[index]
            : throw new ArgumentValueException(
                "The model has no such layer.", "layer", string.Join(", ", LayerNames), wanted, "Names are those of Summary().");

    /// <summary>The names of the layers in this model, in the order of Layers.</summary>
    public IReadOnlyList<string> LayerNames
    {
        get
        {
            _ = Network;
            return layerNames;
        }
    }

    /// <summary>The architecture as JSON text in the form of Keras 3, without weights. Keras: to_json.</summary>
    /// <exception cref="NotReadyException">A layer holds a function without a name.</exception>
    public string ToJson() => NetworkBridge.ToJson(Network);

    /// <summary>The model of a JSON text as Keras 2 or 3 or ToJson writes it, with fresh weights. Keras: model_from_json.</summary>
    /// <param name="json">The text.</param>
    /// <param name="seed">Decides first weights, dropout and the order of samples.</param>
    /// <exception cref="ModelFormatException">The text is not JSON, or not a model.</exception>
    public static Model FromJson(string json, int seed = 0)
    {
        ArgumentNullException.ThrowIfNull(json);
        return new Model(NetworkBridge.OfJson(json), seed);
    }

    /// <summary>A model of the same architecture with fresh weights. Keras: clone_model.</summary>
    /// <param name="seed">Decides first weights, dropout and the order of samples.</param>
    /// <param name="replace">Gives another layer of the same inputs and outputs for some layers (null keeps a layer). Keras:
    /// clone_function.</param>
    /// <exception cref="ShapeException">A layer given by replace does not fit.</exception>
    public Model Clone(int seed = 0, Func<Layer, Layer?>? replace = null)
    {
        LayerTypes.Layer Replaced(LayerTypes.Layer core) =>
            LayerBridge.OwnerOf(core) is Layer owner && replace?.Invoke(owner) is { } other
                ? other.Core
                : LayerBridge.WithoutOwner(core);

        return new Model(NetworkBridge.Clone(Network, Replaced), seed);
    }

    /// <summary>The model as a drawing: layers with their shapes, and what flows between them. Keras: plot_model.</summary>
    /// <param name="path">The file: SVG, or Mermaid text if it ends in .mmd or .md.</param>
    /// <param name="showShapes">Whether the shapes of outputs are shown.</param>
    /// <param name="showLayerNames">Whether names of layers are shown beside their classes.</param>
    /// <param name="expandNested">Whether the layers of models inside the model are shown.</param>
    public void PlotModel(string path, bool showShapes = true, bool showLayerNames = true, bool expandNested = false)
    {
        ArgumentNullException.ThrowIfNull(path);
        var mermaid = path.EndsWith(".mmd", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".md", StringComparison.OrdinalIgnoreCase);
        File.WriteAllText(path, Diagram(mermaid, showShapes, showLayerNames, expandNested));
    }

    /// <summary>The text of that drawing.</summary>
    /// <param name="mermaid">True for Mermaid, which many sites show in Markdown; false for SVG.</param>
    /// <param name="showShapes">Whether the shapes of outputs are shown.</param>
    /// <param name="showLayerNames">Whether names of layers are shown beside their classes.</param>
    /// <param name="expandNested">Whether the layers of models inside the model are shown.</param>
    public string Diagram(bool mermaid, bool showShapes = true, bool showLayerNames = true, bool expandNested = false) =>
        TrainingBridge.Diagram(Network, mermaid, showShapes, showLayerNames, expandNested);
}
