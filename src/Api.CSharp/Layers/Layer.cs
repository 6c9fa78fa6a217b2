using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>A layer of a model. A layer describes what is done; its weights are made by the first model that needs them. Applying one
/// object twice shares its weights, in one model or in several.</summary>
public abstract class Layer
{
    private readonly RematScope? remat = RematScope.Current;
    private LayerTypes.Layer? core;

    internal Layer(string className, string? name, Arguments arguments)
        : this(LayerBridge.Create(className, name, arguments))
    {
    }

    internal Layer(LayerTypes.Layer core) => this.core = LayerBridge.WithOwner(InScope(core), this);

    /// <summary>For layers that make their core themselves.</summary>
    private protected Layer()
    {
    }

    /// <summary>The layer as the scope it was made in has it.</summary>
    private protected LayerTypes.Layer InScope(LayerTypes.Layer made) => remat is null ? made : remat.Mark(made);

    /// <summary>The immutable layer of the core that this object stands for.</summary>
    internal virtual LayerTypes.Layer Core =>
        core ?? throw new InvalidOperationException("A layer without a core must override it.");

    /// <summary>Its name: the one given to the constructor, or the one its model gave it; empty before that.</summary>
    public string Name => NameInModel ?? Core.Name;

    /// <summary>The name the first model gave it.</summary>
    internal string? NameInModel { get; set; }

    /// <summary>The first model it stands in.</summary>
    internal Model? Container { get; set; }

    /// <summary>Where its weights lie, once a model has made them.</summary>
    internal (Trainer Trainer, string Path)? Home { get; set; }

    /// <summary>Gives it a home, unless it has one.</summary>
    internal void Settle(Trainer trainer, string path)
    {
        if (Home is null)
        {
            Home = (trainer, path);
            OnWeights();
        }
    }

    /// <summary>Is told when the first model has made its weights.</summary>
    private protected virtual void OnWeights()
    {
    }

    /// <summary>Is told when it is applied.</summary>
    private protected virtual void OnApplied()
    {
    }

    /// <summary>Is told what it will be applied to.</summary>
    internal virtual void BuildOn(NetworkTypes.Node input)
    {
    }

    /// <summary>Keras's class name.</summary>
    public string ClassName => Core.ClassName;

    /// <summary>Whether training changes the layer's weights. Set it before Compile: a frozen layer gets no gradient, and a
    /// frozen BatchNormalization runs in inference mode.</summary>
    public bool Trainable { get; set; } = true;

    /// <summary>What the layer keeps its weights in and computes with; null for the same as its model. Inputs are converted, so
    /// layers of different policies can stand in one model. Set it when the layer is made. Keras: the argument dtype.</summary>
    /// <exception cref="NotReadyException">The layer stands in a model already.</exception>
    /// <example><code>new Dense(10) { DTypePolicy = "float64" }</code></example>
    public DTypePolicy? DTypePolicy
    {
        get => LayerBridge.PolicyOf(Core);
        set
        {
            ArgumentNullException.ThrowIfNull(value);

            if (core is null || Container is not null)
            {
                throw new NotReadyException(
                    "The policy of a layer is set when it is made.", Name, "a layer that stands in no model yet",
                    core is null ? ClassName : "a layer of a model", "Write new Dense(10) { DTypePolicy = \"float64\" }.");
            }

            core = LayerBridge.WithPolicy(core, value);
        }
    }

    /// <summary>Number of the layer's weights, trained or not. Keras: count_params.</summary>
    /// <exception cref="NotReadyException">The layer stands in no model with known shapes yet.</exception>
    public virtual long CountParameters() => Weights().Sum(pair => (long)pair.Value.Size);

    /// <summary>The layer's weights, as copies. Keras: get_weights.</summary>
    /// <exception cref="NotReadyException">The layer stands in no model with known shapes yet.</exception>
    public virtual IReadOnlyList<Tensor> GetWeights() => [.. Weights().Select(pair => pair.Value)];

    /// <summary>Sets the layer's weights, in the order of GetWeights. Keras: set_weights.</summary>
    /// <exception cref="ArgumentValueException">There are too few or too many; nothing was set.</exception>
    /// <exception cref="ShapeException">A shape does not fit; nothing was set.</exception>
    public virtual void SetWeights(IReadOnlyList<Tensor> weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        var own = Weights();

        if (own.Length != weights.Count)
        {
            throw new ArgumentValueException(
                "The number of weights does not fit the layer.", Name, $"{own.Length}", $"{weights.Count}",
                "Give one tensor for every weight, in the order of GetWeights.");
        }

        Home!.Value.Trainer.SetWeights([.. own.Zip(weights, (pair, value) => KeyValuePair.Create(pair.Key, value))]);
    }

    /// <summary>The layer's weights by their paths in the model that made them.</summary>
    private KeyValuePair<string, Tensor>[] Weights()
    {
        if (Home is null)
        {
            // Making the model's weights gives the layer its home.
            _ = Container?.Trainer;
        }

        var (trainer, path) = Home ?? throw new NotReadyException(
            "The layer has no weights yet.", Name, "a layer of a model with an Input", "a layer on its own",
            "Put it into a model first.");
        return [.. trainer.GetWeights().Where(pair => pair.Key.StartsWith(path + "/", StringComparison.Ordinal))];
    }

    /// <summary>The arguments by Keras's names, name and trainable first. Keras: get_config.</summary>
    /// <exception cref="NotReadyException">The layer holds a function without a name.</exception>
    public virtual IReadOnlyDictionary<string, object?> GetConfig() => ConfigBridge.LayerConfig(AsSaved());

    /// <summary>The layer of a class name and arguments, without weights. Keras: from_config.</summary>
    /// <param name="className">Keras's class name, or one that was registered.</param>
    /// <param name="config">The arguments that are not at their defaults.</param>
    /// <exception cref="ArgumentValueException">The class or an argument is unknown or wrong.</exception>
    public static Layer FromConfig(string className, IReadOnlyDictionary<string, object?> config) =>
        Of(ConfigBridge.Layer(className, config));

    /// <summary>The object for a layer of the core that was read from a configuration.</summary>
    internal static Layer Of(LayerTypes.Layer core)
    {
        if (LayerBridge.OwnerOf(core) is Layer owner)
        {
            return owner;
        }

        // Freezing is a matter of the object, where it can be changed.
        var thawed = LayerBridge.Thawed(core);
        Layer made = LayerBridge.NetworkOf(thawed) is { } network ? new Model(network, 0) : new LoadedLayer(thawed);
        made.Trainable = !core.IsFrozen;
        return made;
    }

    /// <summary>The layer of the core with the name and the freezing that the object has.</summary>
    internal LayerTypes.Layer AsSaved() => LayerBridge.AsSaved(Core, Name, Trainable);

    /// <summary>The outermost model the layer stands in, and its path there.</summary>
    private protected (Model Model, string Path) Root()
    {
        var (model, path) = (Container, Name);

        while (model?.Container is { } outer)
        {
            (model, path) = (outer, model.Name + "/" + path);
        }

        return model is null
            ? throw new NotReadyException(
                "The layer stands in no model yet.", Name, "a layer of a model with an Input", "a layer on its own",
                "Put it into a model first.")
            : (model, path);
    }

    /// <summary>Stands for another layer from now on, under the same name.</summary>
    internal void Renew(LayerTypes.Layer other) => core = LayerBridge.Renamed(other, Core.Name);

    /// <summary>Applies the layer to a symbolic tensor, as Keras's <c>layer(x)</c>. Shapes are checked at once.</summary>
    /// <exception cref="ShapeException">The shape does not fit; the error names the layer.</exception>
    public SymbolicTensor Apply(SymbolicTensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Apply([input]);
    }

    /// <summary>Applies the layer to a symbolic tensor in a mode of its own, whatever the model does, as Keras's
    /// <c>layer(x, training=True)</c>: dropout that is told to train drops in prediction too, each time anew.</summary>
    /// <param name="input">The input.</param>
    /// <param name="training">True to train, false to infer.</param>
    /// <exception cref="ShapeException">The shape does not fit; the error names the layer.</exception>
    public SymbolicTensor Apply(SymbolicTensor input, bool training)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Apply([input], [], [("training", training)])[0];
    }

    /// <summary>Applies a merging layer to several symbolic tensors.</summary>
    /// <exception cref="ShapeException">The shapes do not fit; the error names the layer.</exception>
    public SymbolicTensor Apply(params SymbolicTensor[] inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        OnApplied();

        if (inputs.Length > 0)
        {
            BuildOn(inputs[0].Node);
        }

        var nodes = NetworkBridge.Apply(Core, [.. inputs.Select(input => input.Node)]);
        return new SymbolicTensor(nodes[0], this, inputs);
    }

    /// <summary>All outputs of the layer for inputs in order, and others and truth values by Keras's names; those that are null
    /// are left out.</summary>
    private protected SymbolicTensor[] Apply(
        SymbolicTensor[] inputs,
        (string Name, SymbolicTensor? Tensor)[] named,
        params (string Name, bool? Value)[] flags)
    {
        OnApplied();
        var set = flags.Where(flag => flag.Value is not null).ToArray();
        var given = named.Where(entry => entry.Tensor is not null).ToArray();
        SymbolicTensor[] tensors = [.. given.Select(entry => entry.Tensor!)];
        var nodes = NetworkBridge.Apply(
            Core,
            [.. inputs.Select(input => input.Node)],
            [.. given.Select(entry => entry.Name)],
            [.. tensors.Select(tensor => tensor.Node)],
            [.. set.Select(flag => flag.Name)],
            [.. set.Select(flag => flag.Value!.Value)]);
        SymbolicTensor[] all = [.. inputs, .. tensors];
        return [.. nodes.Select(node => new SymbolicTensor(node, this, all))];
    }
}

internal static class LayerArguments
{
    /// <summary>Sets how a weight starts, its penalty and its projection, each unless null.</summary>
    public static Arguments SetWeight(
        this Arguments arguments, string weight, Initializer? initializer, Regularizer? regularizer, Constraint? constraint) =>
        arguments
            .Set(weight + "_initializer", initializer?.Description)
            .Set(weight + "_regularizer", regularizer?.Description)
            .Set(weight + "_constraint", constraint?.Description);

    /// <summary>Sets a whole number, or Python's None where that is not the default.</summary>
    public static Arguments SetOrNone(this Arguments arguments, string name, int? value) =>
        value is { } number ? arguments.Set(name, number) : arguments.SetNone(name);

    /// <summary>Sets one axis or several, or Python's None for no axis.</summary>
    public static Arguments SetOrNone(this Arguments arguments, string name, Axes axes) => axes.Values switch
    {
        [] => arguments.SetNone(name),
        [var one] => arguments.Set(name, one),
        var several => arguments.Set(name, several),
    };

    /// <summary>Sets one number or several, unless null.</summary>
    public static Arguments SetNumbers(this Arguments arguments, string name, Numbers? numbers) => numbers?.Values switch
    {
        null => arguments,
        [var one] => arguments.Set(name, one),
        var several => arguments.Set(name, several),
    };

    /// <summary>Sets a window, or Python's None, unless null.</summary>
    public static Arguments SetWindow(this Arguments arguments, string name, SignalWindow? window) => window switch
    {
        null => arguments,
        { Name: { } text } => arguments.Set(name, text),
        { Values: { } values } => arguments.Set(name, values),
        _ => arguments.SetNone(name),
    };

    /// <summary>Sets a scaling, or Python's None, unless null.</summary>
    public static Arguments SetScaling(this Arguments arguments, string name, SpectrumScaling? scaling) =>
        scaling == SpectrumScaling.None ? arguments.SetNone(name) : arguments.Set(name, scaling?.Name);
}

/// <summary>A layer read from a file, known by its class name and configuration.</summary>
internal sealed class LoadedLayer(LayerTypes.Layer core) : Layer(core);
