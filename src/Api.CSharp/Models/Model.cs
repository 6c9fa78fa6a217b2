using FunctionalNet.Interop;
using FunctionalNet.Layers;

namespace FunctionalNet;

/// <summary>A network with its weights: compile it, fit it, evaluate it, let it predict, save it. Also a layer, so that models
/// nest. Predict may be called from many threads at once, as long as nothing trains at the same time.</summary>
/// <example><code>
/// var x = new Input(784);
/// var y = new Dense(10, activation: "softmax").Apply(new Dense(128, activation: "relu").Apply(x));
/// var model = new Model(x, y);
/// </code></example>
public partial class Model : Layer
{
    private readonly string? name;
    private readonly int seed;
    private readonly DType dtype;
    private NetworkTypes.Network? network;
    private LayerTypes.Layer? asLayer;
    private Trainer? trainer;
    private Layer[] layers = [];

    /// <summary>What Compile was given before the model had an input.</summary>
    private TrainingOptions? pending;

    /// <summary>The model from one input to one output.</summary>
    /// <param name="inputs">Where data enters.</param>
    /// <param name="outputs">What comes out.</param>
    /// <param name="name">Its name; functional by default.</param>
    /// <param name="seed">Decides first weights, dropout and the order of samples: the same seed gives the same bits.</param>
    /// <param name="dtype">Float32, or Float64 for research.</param>
    public Model(
        SymbolicTensor inputs, SymbolicTensor outputs, string? name = null, int seed = 0, DType dtype = DType.Float32)
        : this([inputs], [outputs], name, seed, dtype)
    {
    }

    /// <summary>The model from several inputs to several outputs.</summary>
    /// <param name="inputs">Where data enters.</param>
    /// <param name="outputs">What comes out.</param>
    /// <param name="name">Its name; functional by default.</param>
    /// <param name="seed">Decides first weights, dropout and the order of samples: the same seed gives the same bits.</param>
    /// <param name="dtype">Float32, or Float64 for research.</param>
    public Model(
        IReadOnlyList<SymbolicTensor> inputs,
        IReadOnlyList<SymbolicTensor> outputs,
        string? name = null,
        int seed = 0,
        DType dtype = DType.Float32)
        : this(name, seed, dtype)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(outputs);
        Adopt(NetworkBridge.Create(name, [.. inputs.Select(i => i.Node)], [.. outputs.Select(o => o.Node)]));
    }

    private protected Model(string? name, int seed, DType dtype)
    {
        this.name = name;
        this.seed = seed;
        this.dtype = dtype;
    }

    /// <summary>A model around a trainer that was read from a file.</summary>
    internal Model(Trainer trainer)
        : this(trainer.Network.Name, (int)trainer.Seed, trainer.Network.FloatType)
    {
        Adopt(trainer.Network);
        this.trainer = trainer;
    }

    /// <summary>The layers in Keras's order: from the inputs to the outputs by depth.</summary>
    public IReadOnlyList<Layer> Layers
    {
        get
        {
            _ = Network;
            return layers;
        }
    }

    /// <summary>The names of the inputs, in order.</summary>
    public IReadOnlyList<string> InputNames => NetworkBridge.InputNames(Network);

    /// <summary>The names of the outputs, in order: of the layers they come from, numbered where one gives several.</summary>
    public IReadOnlyList<string> OutputNames => NetworkBridge.OutputNames(Network);

    /// <summary>True once Compile was called.</summary>
    public bool IsCompiled => pending is not null || trainer is { IsCompiled: true };

    internal override LayerTypes.Layer Core =>
        asLayer ??= LayerBridge.WithOwner(NetworkBridge.AsLayer(Network), this);

    internal NetworkTypes.Network Network
    {
        get
        {
            if (network is null)
            {
                Build(null);
            }

            return network!;
        }
    }

    private protected bool IsFrozenForGood => trainer is not null;

    private protected string? GivenName => name;

    internal Trainer Trainer => trainer ??= new Trainer(Network, unchecked((ulong)seed), PlanOptions);

    /// <summary>The layer of that name.</summary>
    /// <exception cref="ArgumentValueException">There is none.</exception>
    public Layer GetLayer(string name) =>
        Layers.FirstOrDefault(layer => layer.Name == name)
        ?? throw new ArgumentValueException(
            "The model has no layer of that name.", "name", string.Join(", ", Layers.Select(layer => layer.Name)), name,
            "Names are those of Summary().");

    /// <summary>Prints Keras's table of layers, shapes and parameters.</summary>
    /// <param name="writer">Where to; the console by default.</param>
    /// <param name="lineLength">Width of the table.</param>
    /// <param name="expandNested">Whether the layers of nested models are listed.</param>
    /// <param name="showTrainable">Whether a column says which layers are trained.</param>
    public void Summary(
        TextWriter? writer = null, int lineLength = 76, bool expandNested = false, bool showTrainable = false) =>
        (writer ?? Console.Out).WriteLine(TrainingBridge.Summary(
            NetworkBridge.Freeze(Network, [.. FrozenPaths()]), lineLength, expandNested, showTrainable));

    /// <summary>Number of all weights, trained or not.</summary>
    public long CountParameters() => TrainingBridge.CountParameters(Network);

    /// <summary>All weights, layer by layer, as copies. Keras: get_weights.</summary>
    public IReadOnlyList<Tensor> GetWeights() => [.. Trainer.GetWeights().Select(pair => pair.Value)];

    /// <summary>Sets all weights, in the order of GetWeights. Keras: set_weights.</summary>
    /// <exception cref="ArgumentValueException">There are too few or too many.</exception>
    /// <exception cref="ShapeException">A shape does not fit.</exception>
    public void SetWeights(IReadOnlyList<Tensor> weights) => Trainer.SetWeights(weights);

    /// <summary>False while the model waits for its first data.</summary>
    private protected virtual bool CanBuild => true;

    /// <summary>Builds the network of a model that waits for its first data.</summary>
    private protected virtual void Build(Tensor? first) => throw NotBuilt();

    private protected static NotReadyException NotBuilt() => new(
        "The model has no input yet.", "", "an Input as the first layer, or data", "neither",
        "Begin with new Input(...), or call Fit, which takes the shape from the data.");

    /// <summary>Forgets the network, which has got another layer.</summary>
    private protected void Forget() => (network, asLayer) = (null, null);

    private protected void Adopt(NetworkTypes.Network described)
    {
        network = dtype == DType.Float32 ? described : NetworkBridge.WithDType(described, dtype);
        var infos = NetworkBridge.Layers(network);
        layers = new Layer[infos.Length];

        for (var i = 0; i < infos.Length; i++)
        {
            layers[i] = LayerBridge.OwnerOf(infos[i].Layer) as Layer ?? new LoadedLayer(infos[i].Layer);
            layers[i].NameInModel = infos[i].Name;
        }
    }

    private IEnumerable<string> FrozenPaths() => layers.SelectMany(layer => layer switch
    {
        { Trainable: false } => [layer.Name],
        Model inner => inner.FrozenPaths().Select(path => layer.Name + "/" + path),
        _ => Enumerable.Empty<string>(),
    });

    private static bool HasVariables(Trainer trainer, string path) =>
        trainer.GetWeights().Any(pair => pair.Key.StartsWith(path + "/", StringComparison.Ordinal));
}
