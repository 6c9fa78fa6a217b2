using System.Diagnostics.CodeAnalysis;
using FunctionalNet.Interop;
using FunctionalNet.Layers;

namespace FunctionalNet;

/// <summary>A model of your own: override <see cref="Call"/> to say what comes out, and <see cref="TrainStep"/>,
/// <see cref="TestStep"/> or <see cref="PredictStep"/> to say what happens to a batch. They run once per signature of shapes and
/// mode, when a step is compiled, not once per batch. Keras: a subclass of Model.</summary>
/// <example><code>
/// sealed class Autoencoder : CustomModel
/// {
///     private readonly Dense encoder = new(8, activation: "relu"), decoder = new(32);
///
///     protected override Expr[] Call(LayerScope scope, Expr[] inputs) =&gt;
///         [scope.Call(decoder, scope.Call(encoder, inputs[0]))];
///
///     protected override void TrainStep(StepContext step)
///     {
///         var loss = Ops.Mean(Ops.Square(step.Call(step.Inputs)[0] - step.Inputs[0]));
///         step.Minimize(loss);
///         step.Track("loss", loss);
///     }
/// }
/// </code></example>
public abstract class CustomModel : Model
{
    /// <summary>A model that overrides Call. Its shapes come from the first data, or from Build.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="seed">Decides first weights, dropout and the order of samples: the same seed gives the same bits.</param>
    /// <param name="dtype">Float32, or Float64 for research.</param>
    protected CustomModel(string? name = null, int seed = 0, DType dtype = DType.Float32)
        : base(name, seed, dtype)
    {
    }

    /// <summary>A model between inputs and outputs whose steps are its own.</summary>
    /// <param name="inputs">Where data enters.</param>
    /// <param name="outputs">What comes out.</param>
    /// <param name="name">Its name.</param>
    /// <param name="seed">Decides first weights, dropout and the order of samples: the same seed gives the same bits.</param>
    /// <param name="dtype">Float32, or Float64 for research.</param>
    protected CustomModel(
        IReadOnlyList<SymbolicTensor> inputs,
        IReadOnlyList<SymbolicTensor> outputs,
        string? name = null,
        int seed = 0,
        DType dtype = DType.Float32)
        : base(inputs, outputs, name, seed, dtype)
    {
    }

    /// <summary>Several models as one, whose steps call them: an adversarial pair, an encoder with two heads, ... The parts stay
    /// models of their own, with the same weights.</summary>
    /// <param name="parts">The models with their names in this one; each has an Input.</param>
    /// <param name="name">Its name.</param>
    /// <param name="seed">Decides first weights, dropout and the order of samples: the same seed gives the same bits.</param>
    /// <param name="dtype">Float32, or Float64 for research.</param>
    protected CustomModel(
        IReadOnlyList<(string Name, Model Part)> parts, string? name = null, int seed = 0, DType dtype = DType.Float32)
        : base(name, seed, dtype)
    {
        ArgumentNullException.ThrowIfNull(parts);
        Adopt(NetworkBridge.OfParts(
            name, [.. parts.Select(part => part.Name)], [.. parts.Select(part => part.Part.Core)],
            [.. parts.Select(part => part.Part.Network)]));
    }

    /// <summary>The outputs for inputs. Runs when a step is compiled.</summary>
    /// <param name="scope">Calls layers, declares weights, draws random numbers, adds losses; says whether this is training.</param>
    /// <param name="inputs">The inputs, with concrete shapes; the first axis is the batch.</param>
    protected virtual Expr[] Call(LayerScope scope, Expr[] inputs) => throw new NotReadyException(
        "The model does not say what comes out.", GetType().Name, "an override of Call, or inputs and outputs", "neither",
        "Override Call, or give inputs and outputs to the base constructor.");

    /// <summary>What happens to a batch in training. Keras: train_step.</summary>
    /// <param name="step">The batch, and what may be done: call the model, compute losses and gradients, update, track figures.</param>
    protected virtual void TrainStep(StepContext step)
    {
        ArgumentNullException.ThrowIfNull(step);
        step.Standard();
    }

    /// <summary>What happens to a batch in evaluation and validation. Keras: test_step.</summary>
    /// <param name="step">The batch, and what may be done.</param>
    protected virtual void TestStep(StepContext step)
    {
        ArgumentNullException.ThrowIfNull(step);
        step.Standard();
    }

    /// <summary>What Predict gives for a batch. Keras: predict_step.</summary>
    /// <param name="step">The batch, and what may be done.</param>
    protected virtual Expr[] PredictStep(StepContext step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return step.Call(step.Inputs);
    }

    private protected override bool CanBuild => false;

    private protected override void SetSteps(TrainingOptions options) =>
        (options.TrainStep, options.TestStep, options.PredictStep) = (TrainStep, TestStep, PredictStep);

    [SuppressMessage("Design", "CA1062", Justification = "Checked by the caller.")]
    private protected override void BuildFor(IReadOnlyList<Tensor> first)
    {
        if (first.Count == 0)
        {
            throw NotBuilt();
        }

        var nodes = first.Select((tensor, i) => InputFor(tensor, first.Count == 1 ? null : $"input_{i}")).ToArray();
        var layer = LayerBridge.Custom(GetType().Name, null, (scope, inputs) => Call(new LayerScope(scope), inputs));
        Adopt(NetworkBridge.Create(GivenName, nodes, NetworkBridge.Apply(layer, nodes)));
    }
}

/// <summary>Steps with layers, models and optimizers of this facade.</summary>
public static class StepExtensions
{
    /// <summary>The output of a layer or model that is a part of the model, in the mode of the step.</summary>
    /// <exception cref="ArgumentValueException">It is no part of the model.</exception>
    public static Expr Call(this StepContext step, Layer part, params Expr[] inputs)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(part);
        return step.CallPart(TrainingBridge.PathOf(step, part), inputs)[0];
    }

    /// <summary>The variables that training changes of a layer or model that is a part of the model.</summary>
    /// <exception cref="ArgumentValueException">It is no part of the model, or has none.</exception>
    public static StepVariable[] VariablesOf(this StepContext step, Layer part)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(part);
        return step.VariablesOf(TrainingBridge.PathOf(step, part));
    }

    /// <summary>An optimizer beside the one of Compile, with slots, iterations and a learning rate of its own.</summary>
    /// <param name="step">The step.</param>
    /// <param name="name">What its slots are kept under.</param>
    /// <param name="optimizer">The optimizer.</param>
    public static StepOptimizer UseOptimizer(this StepContext step, string name, Optimizers.Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(optimizer);
        return step.UseOptimizer(name, TrainingBridge.Optimizer(optimizer.Description));
    }
}
