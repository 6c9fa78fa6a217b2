using FunctionalNet.Interop;

namespace FunctionalNet.Optimizers;

/// <summary>Steps of nearly orthogonal matrices (Jordan et al., 2024), by Newton-Schulz iterations of the momentum. Adam moves
/// what is no matrix, embeddings, and excluded layers: name the output layer there.</summary>
/// <param name="learningRate">Step size; 0.001 by default.</param>
/// <param name="adamBeta1">Decay of the mean of gradients, where Adam is used.</param>
/// <param name="adamBeta2">Decay of the mean of squared gradients, where Adam is used.</param>
/// <param name="adamWeightDecay">Weight decay where Adam is used; null for none.</param>
/// <param name="epsilon">Added to the denominator, where Adam is used.</param>
/// <param name="excludeLayers">Regular expressions: Adam moves weights whose path one of them is found in.</param>
/// <param name="excludeEmbeddings">Whether Adam moves weights with embedding in their path.</param>
/// <param name="muonA">Weight of the matrix in an iteration.</param>
/// <param name="muonB">Weight of its third power.</param>
/// <param name="muonC">Weight of its fifth power.</param>
/// <param name="adamLrRatio">The rate of Adam, as a part of the learning rate.</param>
/// <param name="momentum">Share of the old momentum.</param>
/// <param name="nsSteps">Newton-Schulz iterations.</param>
/// <param name="nesterov">Whether the momentum is taken one step ahead.</param>
/// <param name="rmsRate">The root mean square of a step, times the rate; null for orthogonal matrices as they are.</param>
/// <param name="weightDecay">Share of every weight taken away per step, times the rate; null for none.</param>
/// <param name="clipnorm">Greatest norm of each weight's gradient.</param>
/// <param name="clipvalue">Greatest absolute gradient.</param>
/// <param name="globalClipnorm">Greatest norm of all gradients together.</param>
/// <param name="useEma">Whether weights become their moving average when training ends.</param>
/// <param name="emaMomentum">Share of the old average kept at each step.</param>
/// <param name="emaOverwriteFrequency">Steps after which weights become their average; only at the end by
/// default.</param>
/// <param name="lossScaleFactor">The loss is multiplied by it and gradients are divided by it.</param>
/// <param name="gradientAccumulationSteps">Batches whose gradients are averaged for one step; 1 by default.</param>
/// <param name="excludeFromWeightDecay">What keeps its size: regular expressions searched in a weight's own name, such as bias, or
/// paths with a slash, of weights or of the layers around them.</param>
/// <param name="name">Its name; Keras's by default.</param>
public sealed class Muon(
    LearningRate? learningRate = null,
    double adamBeta1 = 0.9,
    double adamBeta2 = 0.999,
    double? adamWeightDecay = 0.004,
    double epsilon = 1e-7,
    string[]? excludeLayers = null,
    bool excludeEmbeddings = true,
    double muonA = 3.4445,
    double muonB = -4.7750,
    double muonC = 2.0315,
    double adamLrRatio = 1,
    double momentum = 0.95,
    int nsSteps = 5,
    bool nesterov = true,
    double? rmsRate = 0.2,
    double? weightDecay = 0.004,
    double? clipnorm = null,
    double? clipvalue = null,
    double? globalClipnorm = null,
    bool useEma = false,
    double emaMomentum = 0.99,
    int? emaOverwriteFrequency = null,
    double? lossScaleFactor = null,
    int? gradientAccumulationSteps = null,
    string[]? excludeFromWeightDecay = null,
    string? name = null)
    : Optimizer("Muon", name, Arguments.Empty.Rate(learningRate)
        .Set("adam_beta_1", adamBeta1)
        .Set("adam_beta_2", adamBeta2)
        .SetOrNone("adam_weight_decay", adamWeightDecay)
        .Set("epsilon", epsilon)
        .Set("exclude_layers", excludeLayers)
        .Set("exclude_embeddings", excludeEmbeddings)
        .Set("muon_a", muonA)
        .Set("muon_b", muonB)
        .Set("muon_c", muonC)
        .Set("adam_lr_ratio", adamLrRatio)
        .Set("momentum", momentum)
        .Set("ns_steps", nsSteps)
        .Set("nesterov", nesterov)
        .SetOrNone("rms_rate", rmsRate)
        .SetOrNone("weight_decay", weightDecay)
        .Clipping(clipnorm, clipvalue, globalClipnorm)
        .Averaging(useEma, emaMomentum, emaOverwriteFrequency)
        .Set("loss_scale_factor", lossScaleFactor)
        .Set("gradient_accumulation_steps", gradientAccumulationSteps)
        .Set("exclude_from_weight_decay", excludeFromWeightDecay));
