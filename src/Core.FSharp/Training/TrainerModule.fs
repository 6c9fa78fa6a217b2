namespace FunctionalNet

/// <summary>Training as a pipeline of functions.</summary>
/// <example><code>
/// let trainer =
///     Trainer.create network
///     |> Trainer.compile (Optimizer.adam 0.001) (Loss.parse "mse") [ Metric.parse "mae" ]
///
/// let history = trainer |> Trainer.fit (FitOptions(Epochs = 5)) x y
/// </code></example>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Trainer =

    /// <summary>A trainer of a network, with weights drawn under seed 0.</summary>
    let create (network: Network) : Trainer = Trainer(network)

    /// <summary>A trainer of a network; the seed decides first weights, dropout and the order of samples.</summary>
    let createWith (seed: uint64) (network: Network) : Trainer = Trainer(network, seed)

    /// <summary>Says what to train with, for a network of one output.</summary>
    let compile (optimizer: Optimizer) (loss: Loss) (metrics: Metric list) (trainer: Trainer) : Trainer =
        let options = TrainingOptions(Optimizer = optimizer).AddLoss loss

        for metric in metrics do
            options.AddMetric metric |> ignore

        trainer.Compile options
        trainer

    /// <summary>Says what to train with.</summary>
    let compileWith (options: TrainingOptions) (trainer: Trainer) : Trainer =
        trainer.Compile options
        trainer

    /// <summary>Trains on one input and one output.</summary>
    let fit (options: FitOptions) (x: Tensor) (y: Tensor) (trainer: Trainer) : History = trainer.Fit(x, y, options)

    /// <summary>Trains on several inputs and outputs, or with weights of samples.</summary>
    let fitData (options: FitOptions) (data: TrainingData) (trainer: Trainer) : History = trainer.Fit(data, options)

    /// <summary>Trains on the batches of a dataset.</summary>
    let fitDataset (options: FitOptions) (batches: Dataset<'T>) (trainer: Trainer) : History =
        trainer.Fit(batches, options)

    let private pairs (logs: TrainingLogs) = [ for i in 0 .. logs.Count - 1 -> logs.Names[i], logs.ValueAt i ]

    /// <summary>Loss and metrics on the batches of a dataset, by name, in the order of compile.</summary>
    let evaluateDataset (batches: Dataset<'T>) (trainer: Trainer) : (string * float) list =
        pairs (trainer.Evaluate(batches, EvaluateOptions()))

    /// <summary>Loss and metrics by name, in the order of compile.</summary>
    let evaluate (x: Tensor) (y: Tensor) (trainer: Trainer) : (string * float) list = pairs (trainer.Evaluate(x, y))

    /// <summary>The output for an input.</summary>
    let predict (x: Tensor) (trainer: Trainer) : Tensor = trainer.Predict x

    /// <summary>Sets the states of stateful layers back to zero, in place.</summary>
    let resetStates (trainer: Trainer) : Trainer =
        trainer.ResetStates()
        trainer

    /// <summary>A trainer of the same network in which LoRA adapts the layers at those paths, or, without paths, every Dense,
    /// EinsumDense, Embedding, ReversibleEmbedding and convolution: their weight is frozen, and two small matrices are trained in
    /// its place. The other weights are shared with the trainer given. Compile it before it is trained.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">A layer cannot be adapted, or is already, or there is none.</exception>
    let enableLora (lora: LoraOptions) (paths: string list) (trainer: Trainer) : Trainer =
        Training.TrainerChanges.change (Adapt lora) paths trainer

    /// <summary>The same with matrices A and B that start otherwise than He-uniform and at zero. What the network predicts changes
    /// at once where B is not zero. Neither initializer is part of a configuration, as in Keras: enable_lora(rank, a_initializer,
    /// b_initializer).</summary>
    /// <param name="a">First values of the matrices (..., rank).</param>
    /// <param name="b">First values of the matrices (rank, last axis).</param>
    /// <param name="lora">Rank and strength.</param>
    /// <param name="paths">Paths of layers; none for all that can be adapted.</param>
    /// <param name="trainer">Its other weights are shared.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">A layer cannot be adapted, or is already, or there is none.</exception>
    /// <example><code>let tuned = trainer |&gt; Trainer.enableLoraFrom (Initializer.randomNormal 0.0 0.02) Initializer.zeros (Lora.ofRank 4) []</code></example>
    let enableLoraFrom
        (a: Initializer)
        (b: Initializer)
        (lora: LoraOptions)
        (paths: string list)
        (trainer: Trainer)
        : Trainer =
        let first (spec: VariableSpec) =
            match spec.Path with
            | LowRank.First -> ValueSome a
            | LowRank.Second -> ValueSome b
            | _ -> ValueNone

        Training.TrainerChanges.changeFrom first (Adapt lora) paths trainer

    /// <summary>A trainer of the same network without LoRA: the product of the small matrices is added to the weight that they
    /// adapt. What Keras does whenever it saves.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">No layer is adapted.</exception>
    let mergeLora (trainer: Trainer) : Trainer = Training.TrainerChanges.change Merge [] trainer

    /// <summary>A trainer of the same network with 8-bit weights, for prediction: every Dense, EinsumDense, Embedding and
    /// ReversibleEmbedding keeps its large weights as whole numbers -127..127 with a scale for every column (for every id of an
    /// embedding), a quarter of the size. Inputs of products are rounded to 8 bits row by row while it predicts. Other layers stay as
    /// they are. Keras: model.quantize.</summary>
    /// <param name="mode">int8.</param>
    /// <param name="trainer">Its other weights are shared.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The mode is another, or there is no layer to quantise.</exception>
    let quantize (mode: string) (trainer: Trainer) : Trainer =
        if mode <> "int8" then
            raise (
                ArgumentValueException(
                    "Unknown mode of quantisation.",
                    "mode",
                    "int8",
                    mode,
                    (if mode = "float8" then
                         "Keras's float8 trains on processors that compute with 8-bit floats; there is none to use here. Use int8 to predict."
                     else
                         "Weights can be kept in 8 bits, with a scale for every column.")
                )
            )

        Training.TrainerChanges.change Quantize [] trainer
