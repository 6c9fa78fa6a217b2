using System.Diagnostics.CodeAnalysis;
using System.Collections.Concurrent;
using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>A layer of your own, by one override. Call runs once per signature of shapes and mode, when the model is traced,
/// not once per batch: it describes the computation with <see cref="Ops"/> and declares weights where it uses them.</summary>
/// <example><code>
/// sealed class Scale : CustomLayer
/// {
///     protected override Expr Call(LayerScope scope, Expr input) =&gt;
///         input * scope.AddWeight("scale", [input.Shape[-1]], Initializers.Ones);
/// }
/// </code></example>
public abstract class CustomLayer : Layer
{
    private static readonly ConcurrentDictionary<Type, string> Registered = new();

    private readonly string? name;
    private readonly Regularizer? activityRegularizer;
    private readonly Lazy<LayerTypes.Layer> made;

    /// <summary>A layer of your own.</summary>
    /// <param name="name">Its name in the model; by default the class's, numbered.</param>
    /// <param name="activityRegularizer">Penalty of the output.</param>
    protected CustomLayer(string? name = null, Regularizer? activityRegularizer = null)
    {
        (this.name, this.activityRegularizer) = (name, activityRegularizer);
        made = new(() => InScope(Make()));
    }

    internal override LayerTypes.Layer Core => made.Value;

    /// <summary>Makes a class of yours known to configurations: models with its layers are saved, and are loaded by programs that have
    /// registered it too. Register it before its first layer is used. Keras: register_keras_serializable.</summary>
    /// <typeparam name="T">The class; it should override GetConfig if its constructor takes anything.</typeparam>
    /// <param name="create">The layer for the dictionary that GetConfig gave.</param>
    /// <param name="package">What keeps it apart from classes of that name elsewhere.</param>
    /// <param name="name">Its name; that of the class by default.</param>
    /// <example><code>
    /// CustomLayer.Register(config =&gt; new Scale((double)config["factor"]!));
    /// </code></example>
    public static void Register<T>(
        Func<IReadOnlyDictionary<string, object?>, T> create, string package = "Custom", string? name = null)
        where T : CustomLayer
    {
        ArgumentNullException.ThrowIfNull(create);
        var className = name ?? typeof(T).Name;
        Registered[typeof(T)] = className;
        ConfigBridge.RegisterLayer(package + ">" + className, config => create(config).Core);
    }

    /// <summary>What is needed to make the layer again: override it to add what your constructor takes.</summary>
    /// <example><code>
    /// public override IReadOnlyDictionary&lt;string, object?&gt; GetConfig() =&gt;
    ///     new Dictionary&lt;string, object?&gt;(base.GetConfig()) { ["factor"] = factor };
    /// </code></example>
    public override IReadOnlyDictionary<string, object?> GetConfig() =>
        new Dictionary<string, object?> { ["name"] = NameInModel ?? name, ["trainable"] = Trainable };

    private LayerTypes.Layer Make()
    {
        var core = LayerBridge.Custom(GetType().Name, name, (scope, inputs) =>
        {
            var output = Call(new LayerScope(scope), inputs);

            if (activityRegularizer is not null)
            {
                LayerBridge.Penalize(scope, activityRegularizer.Description, output);
            }

            return [output];
        });
        return LayerBridge.WithOwner(
            Registered.TryGetValue(GetType(), out var className) ? ConfigBridge.WithConfig(core, className, GetConfig()) : core, this);
    }

    /// <summary>What the layer does to its input. Runs when a model is traced.</summary>
    /// <param name="scope">Declares weights, draws random numbers, adds losses.</param>
    /// <param name="input">The input, with a concrete shape; the first axis is the batch.</param>
    protected abstract Expr Call(LayerScope scope, Expr input);

    /// <summary>For layers with several inputs: override this instead and let the other one throw.</summary>
    protected virtual Expr Call(LayerScope scope, Expr[] inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        return inputs.Length == 1
            ? Call(scope, inputs[0])
            : throw new ShapeException(
                "The layer takes one input.", "", "1 input", $"{inputs.Length} inputs",
                "Override Call(LayerScope, Expr[]) for layers with several inputs.");
    }
}

/// <summary>A layer from a function. The function runs once per signature of shapes, when the model is traced. Such a layer
/// cannot be saved with its configuration.</summary>
/// <param name="function">From the input to the output.</param>
/// <param name="name">Its name in the model; by default lambda, numbered.</param>
/// <example><code>new Lambda(x =&gt; Ops.Square(x))</code></example>
public sealed class Lambda(Func<Expr, Expr> function, string? name = null)
    : Layer(LayerBridge.Custom("Lambda", name, (_, inputs) => [.. inputs.Select(function)]));

/// <summary>What a layer may do while it is traced: declare weights, draw random numbers, add losses.</summary>
public sealed class LayerScope
{
    private readonly LayerTypes.Scope scope;

    internal LayerScope(LayerTypes.Scope scope) => this.scope = scope;

    /// <summary>The layer's path in the model.</summary>
    public string Path => scope.Path;

    /// <summary>True when the trace is for training, false for evaluation and prediction.</summary>
    public bool IsTraining => scope.Mode == Mode.Train;

    /// <summary>Declares a weight, or finds it when the layer is used again. Keras: add_weight.</summary>
    /// <param name="name">Its name within the layer.</param>
    /// <param name="shape">Sizes of its axes.</param>
    /// <param name="initializer">Its first value; glorot_uniform by default.</param>
    /// <param name="regularizer">Its penalty.</param>
    /// <param name="constraint">Its projection after updates.</param>
    /// <param name="trainable">False for a value that Update changes and gradients do not.</param>
    public Expr AddWeight(
        string name,
        int[] shape,
        Initializer? initializer = null,
        Regularizer? regularizer = null,
        Constraint? constraint = null,
        bool trainable = true) =>
        LayerBridge.Variable(
            scope,
            name,
            Shape.Of(shape),
            (initializer ?? Initializers.GlorotUniform()).Description,
            regularizer?.Description,
            constraint?.Description,
            trainable);

    /// <summary>Calls another layer as a part of this one. Parts without a name are named by their class in the order of calls: dense,
    /// dense_1, ... One object called twice shares its weights.</summary>
    /// <param name="layer">The layer, or a model.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <returns>Its first output.</returns>
    public Expr Call(Layer layer, params Expr[] inputs)
    {
        ArgumentNullException.ThrowIfNull(layer);
        return LayerBridge.Call(scope, layer.Core, layer.Trainable, inputs)[0];
    }

    /// <summary>Says what a weight that is not trained becomes after the step.</summary>
    public void Update(Expr weight, Expr value) => scope.Update(weight, value);

    /// <summary>Adds a scalar to the loss.</summary>
    public void AddLoss(Expr loss) => scope.AddLoss(loss);

    /// <summary>Random numbers in [0, 1), new at every step, the same for the same seed.</summary>
    /// <param name="name">Distinguishes several draws of one layer.</param>
    /// <param name="shape">Sizes of the axes.</param>
    [SuppressMessage("Security", "CA5394", Justification = "Not for security.")]
    public Expr RandomUniform(string name, Shape shape) => scope.Random(name, Graph.RandomKind.Uniform, shape);

    /// <summary>Standard normal random numbers, new at every step, the same for the same seed.</summary>
    /// <param name="name">Distinguishes several draws of one layer.</param>
    /// <param name="shape">Sizes of the axes.</param>
    public Expr RandomNormal(string name, Shape shape) => scope.Random(name, Graph.RandomKind.Normal, shape);
}
