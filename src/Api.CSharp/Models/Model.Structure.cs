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
    public string ToJson() => NetworkBridge.ToJson(Described);

    /// <summary>The network with what the objects of its layers froze.</summary>
    private NetworkTypes.Network Described => NetworkBridge.Freeze(Network, [.. FrozenPaths()]);

    /// <summary>The layers and how they are connected, by Keras's names. Keras: get_config.</summary>
    /// <exception cref="NotReadyException">A layer holds a function without a name.</exception>
    public override IReadOnlyDictionary<string, object?> GetConfig() => ConfigBridge.NetworkConfig(Described);

    /// <summary>The model of what GetConfig gave, with fresh weights. Keras: from_config.</summary>
    /// <param name="config">The layers and how they are connected.</param>
    /// <param name="seed">Decides first weights, dropout and the order of samples.</param>
    /// <exception cref="ModelFormatException">It is not the configuration of a model.</exception>
    public static Model FromConfig(IReadOnlyDictionary<string, object?> config, int seed = 0)
    {
        ArgumentNullException.ThrowIfNull(config);
        return new Model(ConfigBridge.Network(config), seed);
    }

    /// <summary>What the model is compiled with, as the arguments of Keras's compile; null if it is not compiled. Keras:
    /// get_compile_config.</summary>
    /// <exception cref="NotReadyException">A loss or metric is a function without a name.</exception>
    public IReadOnlyDictionary<string, object?>? GetCompileConfig() =>
        pending is not null ? throw NotBuilt()
        : trainer is null ? null : ConfigBridge.CompileConfig(trainer);

    /// <summary>Compiles the model with what GetCompileConfig gave, or with the arguments of Keras's compile: names, or objects with
    /// class_name and config; for several outputs a list or a dictionary. Keras: compile_from_config.</summary>
    /// <param name="config">The arguments.</param>
    /// <exception cref="ArgumentValueException">A name or a value is unknown or wrong.</exception>
    public void CompileFromConfig(IReadOnlyDictionary<string, object?> config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var options = ConfigBridge.CompileOptions(Network, config);
        SetSteps(options);
        Compile(options);
    }

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

        return new Model(NetworkBridge.Clone(Described, Replaced), seed);
    }

    /// <summary>The model as a drawing: layers with their shapes, and what flows between them. Keras: plot_model.</summary>
    /// <param name="path">The file: SVG, or Mermaid text if it ends in .mmd or .md.</param>
    /// <param name="showShapes">Whether the shapes of outputs are shown.</param>
    /// <param name="showDType">Whether the element types of outputs are shown.</param>
    /// <param name="showLayerNames">Whether names of layers are shown beside their classes.</param>
    /// <param name="rankdir">"TB" for from top to bottom, "LR" for from left to right.</param>
    /// <param name="expandNested">Whether the layers of models inside the model are shown.</param>
    /// <param name="showLayerActivations">Whether the activations of layers are shown.</param>
    /// <param name="showTrainable">Whether it is shown which layers are trained.</param>
    public void PlotModel(
        string path,
        bool showShapes = true,
        bool showDType = false,
        bool showLayerNames = true,
        string rankdir = "TB",
        bool expandNested = false,
        bool showLayerActivations = false,
        bool showTrainable = false)
    {
        ArgumentNullException.ThrowIfNull(path);
        var mermaid = path.EndsWith(".mmd", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".md", StringComparison.OrdinalIgnoreCase);
        File.WriteAllText(
            path,
            Diagram(mermaid, showShapes, showDType, showLayerNames, rankdir, expandNested, showLayerActivations, showTrainable));
    }

    /// <summary>The text of that drawing.</summary>
    /// <param name="mermaid">True for Mermaid, which many sites show in Markdown; false for SVG.</param>
    /// <param name="showShapes">Whether the shapes of outputs are shown.</param>
    /// <param name="showDType">Whether the element types of outputs are shown.</param>
    /// <param name="showLayerNames">Whether names of layers are shown beside their classes.</param>
    /// <param name="rankdir">"TB" for from top to bottom, "LR" for from left to right.</param>
    /// <param name="expandNested">Whether the layers of models inside the model are shown.</param>
    /// <param name="showLayerActivations">Whether the activations of layers are shown.</param>
    /// <param name="showTrainable">Whether it is shown which layers are trained.</param>
    public string Diagram(
        bool mermaid,
        bool showShapes = true,
        bool showDType = false,
        bool showLayerNames = true,
        string rankdir = "TB",
        bool expandNested = false,
        bool showLayerActivations = false,
        bool showTrainable = false) =>
        TrainingBridge.Diagram(
            Described, mermaid, showShapes, showDType, showLayerNames, rankdir, expandNested, showLayerActivations, showTrainable);
}
