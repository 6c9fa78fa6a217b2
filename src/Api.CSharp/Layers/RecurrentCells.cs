using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>One step of a SimpleRNN: input and h to output and h.</summary>
/// <param name="units">Size of the output and of every state.</param>
/// <param name="activation">Function of the new value; tanh by default.</param>
/// <param name="useBias">Whether a bias is added.</param>
/// <param name="kernelInitializer">First kernel; glorot_uniform by default.</param>
/// <param name="recurrentInitializer">First recurrent kernel; orthogonal by default.</param>
/// <param name="biasInitializer">First bias; zeros by default.</param>
/// <param name="kernelRegularizer">Penalty on the kernel.</param>
/// <param name="recurrentRegularizer">Penalty on the recurrent kernel.</param>
/// <param name="biasRegularizer">Penalty on the bias.</param>
/// <param name="kernelConstraint">Projection of the kernel after updates.</param>
/// <param name="recurrentConstraint">Projection of the recurrent kernel after updates.</param>
/// <param name="biasConstraint">Projection of the bias after updates.</param>
/// <param name="dropout">Share of the inputs dropped while training: one mask for all steps.</param>
/// <param name="recurrentDropout">Share of the states dropped while training: one mask for all steps.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class SimpleRNNCell(
    int units,
    ActivationFunction? activation = null,
    bool useBias = true,
    Initializer? kernelInitializer = null,
    Initializer? recurrentInitializer = null,
    Initializer? biasInitializer = null,
    Regularizer? kernelRegularizer = null,
    Regularizer? recurrentRegularizer = null,
    Regularizer? biasRegularizer = null,
    Constraint? kernelConstraint = null,
    Constraint? recurrentConstraint = null,
    Constraint? biasConstraint = null,
    double dropout = 0,
    double recurrentDropout = 0,
    int? seed = null,
    string? name = null)
    : RecurrentCell("SimpleRNNCell", name, Arguments.Empty
        .Set("units", units)
        .Set("activation", activation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("recurrent", recurrentInitializer, recurrentRegularizer, recurrentConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("dropout", dropout)
        .Set("recurrent_dropout", recurrentDropout)
        .Set("seed", seed));

/// <summary>One step of an LSTM: input, h and c to output, h and c.</summary>
/// <param name="units">Size of the output and of every state.</param>
/// <param name="activation">Function of the new value; tanh by default.</param>
/// <param name="recurrentActivation">Function of the gates; sigmoid by default.</param>
/// <param name="useBias">Whether a bias is added.</param>
/// <param name="kernelInitializer">First kernel; glorot_uniform by default.</param>
/// <param name="recurrentInitializer">First recurrent kernel; orthogonal by default.</param>
/// <param name="biasInitializer">First bias; zeros by default.</param>
/// <param name="unitForgetBias">Whether the forget gate's bias starts at 1.</param>
/// <param name="kernelRegularizer">Penalty on the kernel.</param>
/// <param name="recurrentRegularizer">Penalty on the recurrent kernel.</param>
/// <param name="biasRegularizer">Penalty on the bias.</param>
/// <param name="kernelConstraint">Projection of the kernel after updates.</param>
/// <param name="recurrentConstraint">Projection of the recurrent kernel after updates.</param>
/// <param name="biasConstraint">Projection of the bias after updates.</param>
/// <param name="dropout">Share of the inputs dropped while training: one mask for all steps.</param>
/// <param name="recurrentDropout">Share of the states dropped while training: one mask for all steps.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class LSTMCell(
    int units,
    ActivationFunction? activation = null,
    ActivationFunction? recurrentActivation = null,
    bool useBias = true,
    Initializer? kernelInitializer = null,
    Initializer? recurrentInitializer = null,
    Initializer? biasInitializer = null,
    bool unitForgetBias = true,
    Regularizer? kernelRegularizer = null,
    Regularizer? recurrentRegularizer = null,
    Regularizer? biasRegularizer = null,
    Constraint? kernelConstraint = null,
    Constraint? recurrentConstraint = null,
    Constraint? biasConstraint = null,
    double dropout = 0,
    double recurrentDropout = 0,
    int? seed = null,
    string? name = null)
    : RecurrentCell("LSTMCell", name, Arguments.Empty
        .Set("units", units)
        .Set("activation", activation?.Description)
        .Set("recurrent_activation", recurrentActivation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("recurrent", recurrentInitializer, recurrentRegularizer, recurrentConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("unit_forget_bias", unitForgetBias)
        .Set("dropout", dropout)
        .Set("recurrent_dropout", recurrentDropout)
        .Set("seed", seed));

/// <summary>One step of a GRU: input and h to output and h.</summary>
/// <param name="units">Size of the output and of every state.</param>
/// <param name="activation">Function of the new value; tanh by default.</param>
/// <param name="recurrentActivation">Function of the gates; sigmoid by default.</param>
/// <param name="useBias">Whether a bias is added.</param>
/// <param name="kernelInitializer">First kernel; glorot_uniform by default.</param>
/// <param name="recurrentInitializer">First recurrent kernel; orthogonal by default.</param>
/// <param name="biasInitializer">First bias; zeros by default.</param>
/// <param name="kernelRegularizer">Penalty on the kernel.</param>
/// <param name="recurrentRegularizer">Penalty on the recurrent kernel.</param>
/// <param name="biasRegularizer">Penalty on the bias.</param>
/// <param name="kernelConstraint">Projection of the kernel after updates.</param>
/// <param name="recurrentConstraint">Projection of the recurrent kernel after updates.</param>
/// <param name="biasConstraint">Projection of the bias after updates.</param>
/// <param name="dropout">Share of the inputs dropped while training: one mask for all steps.</param>
/// <param name="recurrentDropout">Share of the states dropped while training: one mask for all steps.</param>
/// <param name="resetAfter">Whether the reset gate acts after the product with the recurrent kernel, as in cuDNN.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class GRUCell(
    int units,
    ActivationFunction? activation = null,
    ActivationFunction? recurrentActivation = null,
    bool useBias = true,
    Initializer? kernelInitializer = null,
    Initializer? recurrentInitializer = null,
    Initializer? biasInitializer = null,
    Regularizer? kernelRegularizer = null,
    Regularizer? recurrentRegularizer = null,
    Regularizer? biasRegularizer = null,
    Constraint? kernelConstraint = null,
    Constraint? recurrentConstraint = null,
    Constraint? biasConstraint = null,
    double dropout = 0,
    double recurrentDropout = 0,
    bool resetAfter = true,
    int? seed = null,
    string? name = null)
    : RecurrentCell("GRUCell", name, Arguments.Empty
        .Set("units", units)
        .Set("activation", activation?.Description)
        .Set("recurrent_activation", recurrentActivation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("recurrent", recurrentInitializer, recurrentRegularizer, recurrentConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("dropout", dropout)
        .Set("recurrent_dropout", recurrentDropout)
        .Set("reset_after", resetAfter)
        .Set("seed", seed));

/// <summary>A cell of cells: each takes the output of the one before. Its states are those of all of them, the first
/// cell's first.</summary>
/// <param name="cells">The cells from bottom to top.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class StackedRNNCells(IReadOnlyList<RecurrentCell> cells, string? name = null)
    : RecurrentCell("StackedRNNCells", name, Arguments.Empty.Set("cells", [.. cells.Select(cell => cell.Core)]));

/// <summary>One step of a recurrent layer: from an input and states to an output and new states. RNN runs it over a
/// sequence.</summary>
public abstract class RecurrentCell : Layer
{
    private protected RecurrentCell(string className, string? name, Arguments arguments)
        : base(className, name, arguments)
    {
    }

    /// <summary>For cells that make their core themselves.</summary>
    private protected RecurrentCell()
    {
    }
}

/// <summary>A cell of your own, by two overrides. Step runs once per signature of shapes, when the model is traced, not once
/// per time step: it describes the computation with <see cref="Ops"/> and declares weights where it uses them.</summary>
/// <example><code>
/// sealed class Leaky(int units) : CustomCell
/// {
///     protected override int[][] StateShapes =&gt; [[units]];
///
///     protected override (Expr Output, Expr[] States) Step(LayerScope scope, Expr input, Expr[] states)
///     {
///         var kernel = scope.AddWeight("kernel", [input.Shape[-1], units]);
///         var h = states[0] * 0.9 + Ops.MatMul(input, kernel) * 0.1;
///         return (h, [h]);
///     }
/// }
/// </code></example>
public abstract class CustomCell : RecurrentCell
{
    private readonly Lazy<LayerTypes.Layer> made;

    /// <summary>A cell of your own.</summary>
    /// <param name="name">Its name in the model; by default the class's, numbered.</param>
    protected CustomCell(string? name = null) =>
        made = new(() => LayerBridge.WithOwner(InScope(
            LayerBridge.CustomCell(GetType().Name, name, StateShapes, (scope, input, states) => Step(new LayerScope(scope), input, states))),
            this));

    internal override LayerTypes.Layer Core => made.Value;

    /// <summary>Shapes of the states without the batch: one entry per state.</summary>
    protected abstract int[][] StateShapes { get; }

    /// <summary>What a step does. Runs when a model is traced.</summary>
    /// <param name="scope">Declares weights and draws random numbers.</param>
    /// <param name="input">The step's input, the batch first.</param>
    /// <param name="states">The states before the step.</param>
    /// <returns>The output, and the states after the step in the same order and shapes.</returns>
    protected abstract (Expr Output, Expr[] States) Step(LayerScope scope, Expr input, Expr[] states);
}
