using FunctionalNet.Interop;
using FunctionalNet.Layers;
using FunctionalNet.Training;

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
    private string[] layerNames = [];

    /// <summary>Layers that stand in this model and in models inside it, or in several of those, with the names that their weights
    /// lie under.</summary>
    private Dictionary<Layer, string> roots = [];

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

    /// <summary>The model from several inputs to outputs with names of their own, by which losses, metrics and data are
    /// matched. Keras: a dictionary of outputs.</summary>
    /// <param name="inputs">Where data enters.</param>
    /// <param name="outputs">What comes out, by name.</param>
    /// <param name="name">Its name; functional by default.</param>
    /// <param name="seed">Decides first weights, dropout and the order of samples: the same seed gives the same bits.</param>
    /// <param name="dtype">Float32, or Float64 for research.</param>
    public Model(
        IReadOnlyList<SymbolicTensor> inputs,
        IReadOnlyDictionary<string, SymbolicTensor> outputs,
        string? name = null,
        int seed = 0,
        DType dtype = DType.Float32)
        : this(name, seed, dtype)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(outputs);
        Adopt(NetworkBridge.Create(name, [], [.. inputs.Select(i => i.Node)], [.. outputs.Keys], [.. outputs.Values.Select(o => o.Node)]));
    }

    /// <summary>The model from inputs to outputs with names of their own. Keras: dictionaries of inputs and outputs.</summary>
    /// <param name="inputs">Where data enters, by name.</param>
    /// <param name="outputs">What comes out, by name.</param>
    /// <param name="name">Its name; functional by default.</param>
    /// <param name="seed">Decides first weights, dropout and the order of samples: the same seed gives the same bits.</param>
    /// <param name="dtype">Float32, or Float64 for research.</param>
    public Model(
        IReadOnlyDictionary<string, SymbolicTensor> inputs,
        IReadOnlyDictionary<string, SymbolicTensor> outputs,
        string? name = null,
        int seed = 0,
        DType dtype = DType.Float32)
        : this(name, seed, dtype)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(outputs);
        Adopt(NetworkBridge.Create(
            name, [.. inputs.Keys], [.. inputs.Values.Select(i => i.Node)], [.. outputs.Keys], [.. outputs.Values.Select(o => o.Node)]));
    }

    /// <summary>The model from nested inputs to nested outputs: dictionaries and lists in one another. Losses, metrics and data may stand
    /// in the same structures. The name of an output is its path, with the name of its layer in the place of a last number, as in
    /// Keras.</summary>
    /// <param name="inputs">Where data enters.</param>
    /// <param name="outputs">What comes out.</param>
    /// <param name="name">Its name; functional by default.</param>
    /// <param name="seed">Decides first weights, dropout and the order of samples: the same seed gives the same bits.</param>
    /// <param name="dtype">Float32, or Float64 for research.</param>
    public Model(
        Nested<SymbolicTensor> inputs,
        Nested<SymbolicTensor> outputs,
        string? name = null,
        int seed = 0,
        DType dtype = DType.Float32)
        : this(name, seed, dtype)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(outputs);
        Adopt(NetworkBridge.CreateNested(name, inputs.Map(i => i.Node), outputs.Map(o => o.Node)));
    }

    private protected Model(string? name, int seed, DType dtype)
    {
        Rehearsal.Start();
        this.name = name;
        this.seed = seed;
        this.dtype = dtype;
    }

    /// <summary>A model around a trainer that was read from a file.</summary>
    internal Model(Trainer trainer)
        : this(trainer.Network.Name, (int)trainer.Seed, trainer.Network.FloatType)
    {
        Adopt(trainer.Network);
        this.trainer = Keep(trainer);

        foreach (var path in trainer.Frozen)
        {
            MarkFrozen(path);
        }
    }

    /// <summary>A model around a network, with fresh weights.</summary>
    internal Model(NetworkTypes.Network network, int seed)
        : this(network.Name, seed, network.FloatType) => Adopt(network);

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
        asLayer ??= LayerBridge.WithOwner(InScope(NetworkBridge.AsLayer(Network)), this);

    internal NetworkTypes.Network Network
    {
        get
        {
            if (network is null)
            {
                BuildFor([]);
            }

            return network!;
        }
    }

    private protected bool HasWeights => trainer is not null;

    private protected string? GivenName => name;

    internal Trainer Trainer => trainer ??= CreateTrainer();

    /// <summary>Prints Keras's table of layers, shapes and parameters.</summary>
    /// <param name="writer">Where to; the console by default.</param>
    /// <param name="lineLength">Width of the table.</param>
    /// <param name="expandNested">Whether the layers of nested models are listed.</param>
    /// <param name="showTrainable">Whether a column says which layers are trained.</param>
    /// <param name="layerRange">The names of the first and the last layer that are listed; all by default.</param>
    public void Summary(
        TextWriter? writer = null,
        int lineLength = 76,
        bool expandNested = false,
        bool showTrainable = false,
        (string First, string Last)? layerRange = null) =>
        (writer ?? Console.Out).WriteLine(TrainingBridge.Summary(
            Described, lineLength, expandNested, showTrainable,
            layerRange?.First, layerRange?.Last));

    /// <summary>Number of all weights, trained or not.</summary>
    public override long CountParameters() => TrainingBridge.CountParameters(Network);

    /// <summary>All weights, layer by layer, as copies. Keras: get_weights.</summary>
    public override IReadOnlyList<Tensor> GetWeights() => [.. Trainer.GetWeights().Select(pair => pair.Value)];

    /// <summary>All weights with their paths, as copies.</summary>
    public IReadOnlyList<KeyValuePair<string, Tensor>> GetNamedWeights() => Trainer.GetWeights();

    /// <summary>Sets weights by path; those that are not named stay.</summary>
    /// <exception cref="ArgumentValueException">There is no weight of that path; nothing was set.</exception>
    /// <exception cref="ShapeException">A shape does not fit; nothing was set.</exception>
    public void SetNamedWeights(IReadOnlyList<KeyValuePair<string, Tensor>> weights) => Trainer.SetWeights(weights);

    /// <summary>Sets all weights, in the order of GetWeights. Keras: set_weights.</summary>
    /// <exception cref="ArgumentValueException">There are too few or too many.</exception>
    /// <exception cref="ShapeException">A shape does not fit.</exception>
    public override void SetWeights(IReadOnlyList<Tensor> weights) => Trainer.SetWeights(weights);

    /// <summary>False while the model waits for its first data.</summary>
    private protected virtual bool CanBuild => true;

    /// <summary>Builds the network of a model that waits for its first data.</summary>
    private protected virtual void BuildFor(IReadOnlyList<Tensor> first) => throw NotBuilt();

    /// <summary>An input like a batch of data.</summary>
    private protected static NetworkTypes.Node InputFor(Tensor batch, string? name) => new Input(
        [.. batch.Shape.ToArray().Skip(1)], name, batch.DType is DType.Float32 or DType.Float64 ? DType.Float32 : batch.DType).Node;

    /// <summary>Steps of a model's own.</summary>
    private protected virtual void SetSteps(TrainingOptions options)
    {
    }

    private protected static NotReadyException NotBuilt() => new(
        "The model has no input yet.", "", "an Input as the first layer, or data", "neither",
        "Begin with new Input(...), or call Fit, which takes the shape from the data.");

    /// <summary>Forgets the network, whose layers are others now; they keep their weights.</summary>
    private protected void Forget() => (network, asLayer, trainer, pending) = (null, null, null, null);

    private protected void Adopt(NetworkTypes.Network described)
    {
        (network, var owners, var names) = NetworkBridge.Share(
            dtype == DType.Float32 ? described : NetworkBridge.WithDType(described, dtype));
        roots = owners.Zip(names).ToDictionary(pair => (Layer)pair.First, pair => pair.Second);
        var infos = NetworkBridge.Layers(network);
        layers = new Layer[infos.Length];
        layerNames = [.. infos.Select(info => info.Name)];

        for (var i = 0; i < infos.Length; i++)
        {
            layers[i] = Of(infos[i].Layer);
            layers[i].NameInModel ??= infos[i].Name;
            layers[i].Container ??= this;
        }

        // What a configuration froze is frozen by the objects from here on, which can change it.
        if (infos.Any(info => LayerBridge.HoldsFrozen(info.Layer)))
        {
            network = NetworkBridge.Thaw(network, [.. FrozenPaths()]);
        }
    }

    /// <summary>The layer at a path is one that training does not change.</summary>
    private void MarkFrozen(string path)
    {
        var slash = path.IndexOf('/', StringComparison.Ordinal);
        var i = Array.IndexOf(layerNames, slash < 0 ? path : path[..slash]);

        if (i >= 0 && slash < 0)
        {
            layers[i].Trainable = false;
        }
        else if (i >= 0 && layers[i] is Model inner)
        {
            inner.MarkFrozen(path[(slash + 1)..]);
        }
    }

    private IEnumerable<string> FrozenPaths() =>
        FrozenPaths(roots).Union(roots.Keys.Where(layer => !layer.Trainable).Select(layer => roots[layer]));

    private IEnumerable<string> FrozenPaths(Dictionary<Layer, string> shared) => layers.SelectMany((layer, i) =>
    {
        var name = shared.GetValueOrDefault(layer, layerNames[i]);
        return layer switch
        {
            { Trainable: false } => [name],
            Model inner => inner.FrozenPaths(shared).Select(path => name + "/" + path),
            _ => Enumerable.Empty<string>(),
        };
    });

    private static bool HasVariables(Trainer trainer, string path) =>
        trainer.GetWeights().Any(pair => pair.Key.StartsWith(path + "/", StringComparison.Ordinal));
}
