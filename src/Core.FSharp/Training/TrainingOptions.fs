namespace FunctionalNet

open System

/// <summary>What a network is trained with. Keras: the arguments of compile.</summary>
[<Sealed>]
type TrainingOptions() =

    static let everyOutput = -2

    // Outputs by number, or by a name that the network resolves.
    let losses = ResizeArray<struct (int * string * Loss * float)>()
    let metrics = ResizeArray<struct (int * string * Metric * bool)>()

    /// <summary>How gradients move variables. Default RMSprop, as in Keras.</summary>
    member val Optimizer = Optimizer.rmsProp 0.001 with get, set

    /// <summary>How many batches run between two calls of callbacks. Default 1. Keras: steps_per_execution.</summary>
    member val StepsPerExecution = 1 with get, set

    /// <summary>A step of training of your own: it describes what happens to a batch, once per signature. Null, the default, for
    /// <c>StepContext.Standard</c>. With it, a loss is not needed, and data may have other inputs and targets than the network. A
    /// model with such a step is saved without its training. Keras: Model.train_step.</summary>
    member val TrainStep: Action<StepContext> | null = null with get, set

    /// <summary>A step of testing of your own. Null, the default, for <c>StepContext.Standard</c>. Keras: Model.test_step.</summary>
    member val TestStep: Action<StepContext> | null = null with get, set

    /// <summary>A step of prediction of your own: from the inputs to one node per output, each with one row for every row of the
    /// inputs. Null, the default, for the network's outputs. Keras: Model.predict_step.</summary>
    member val PredictStep: Func<StepContext, Expr[]> | null = null with get, set

    /// True if a step is a function.
    member internal this.HasOwnSteps =
        not (isNull this.TrainStep) || not (isNull this.TestStep) || not (isNull this.PredictStep)

    /// <summary>The loss of one output.</summary>
    /// <param name="output">The output, counted from 0.</param>
    /// <param name="loss">Its loss.</param>
    /// <param name="weight">Its part in the loss that is minimised; 1 for all of it.</param>
    member this.AddLoss(output: int, loss: Loss, weight: float) : TrainingOptions =
        losses.Add(struct (output, "", loss, weight))
        this

    /// <summary>The loss of the only output, or of each of several, as in Keras.</summary>
    member this.AddLoss(loss: Loss) : TrainingOptions = this.AddLoss(everyOutput, loss, 1.0)

    /// <summary>The loss of an output by name.</summary>
    /// <param name="output">The output's name, as in <c>Network.outputNames</c>.</param>
    /// <param name="loss">Its loss.</param>
    /// <param name="weight">Its part in the loss that is minimised; 1 for all of it.</param>
    member this.AddLoss(output: string, loss: Loss, weight: float) : TrainingOptions =
        losses.Add(struct (-1, output, loss, weight))
        this

    /// <summary>Losses in the structure of the outputs, or of a part of them.</summary>
    /// <param name="given">The loss of each output that has one.</param>
    /// <param name="weights">Their parts in the loss that is minimised, in the same structure; 1 where there is none.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">A weight is given to an output without a loss.</exception>
    member this.AddLosses(given: Nested<Loss>, weights: Nested<float> | null) : TrainingOptions =
        if given.IsLeaf && isNull weights then
            this.AddLoss given.Value
        else
            let weightOf =
                match weights with
                | null -> fun _ -> 1.0
                | weights ->
                    for path in weights.Paths do
                        if not (Seq.contains path given.Paths) then
                            raise (
                                FunctionalNet.Common.Names.unknown "output with a loss" "loss_weights" path given.Paths
                            )

                    fun path -> if Seq.contains path weights.Paths then weights.At path else 1.0

            for path in given.Paths do
                losses.Add(struct (-1, path, given.At path, weightOf path))

            this

    /// <summary>Metrics in the structure of the outputs, or of a part of them.</summary>
    /// <param name="given">The metrics of each output that has some.</param>
    /// <param name="weighted">True to use sample and class weights. Keras: weighted_metrics.</param>
    member this.AddMetrics(given: Nested<Metric[]>, weighted: bool) : TrainingOptions =
        for path in given.Paths do
            for metric in given.At path do
                metrics.Add(struct (-1, path, metric, weighted))

        this

    /// <summary>A metric of one output.</summary>
    /// <param name="output">The output, counted from 0.</param>
    /// <param name="metric">The metric.</param>
    /// <param name="weighted">True to use sample and class weights. Keras: weighted_metrics.</param>
    member this.AddMetric(output: int, metric: Metric, weighted: bool) : TrainingOptions =
        metrics.Add(struct (output, "", metric, weighted))
        this

    /// <summary>A metric of the only output, without sample weights.</summary>
    member this.AddMetric(metric: Metric) : TrainingOptions = this.AddMetric(0, metric, false)

    /// <summary>A metric of an output by name.</summary>
    /// <param name="output">The output's name, as in <c>Network.outputNames</c>.</param>
    /// <param name="metric">The metric.</param>
    /// <param name="weighted">True to use sample and class weights. Keras: weighted_metrics.</param>
    member this.AddMetric(output: string, metric: Metric, weighted: bool) : TrainingOptions =
        metrics.Add(struct (-1, output, metric, weighted))
        this

    member internal _.Losses =
        losses.ToArray()
        |> Array.map (fun (struct (output, _, loss, weight)) -> struct (output, loss, weight))

    member internal _.Metrics =
        metrics.ToArray()
        |> Array.map (fun (struct (output, _, metric, weighted)) -> struct (output, metric, weighted))

    /// The same for a network with outputs of those names and paths, all by number.
    member internal this.Resolve(names: string[], paths: string[]) : TrainingOptions =
        let number (what: string) (output: int) (name: string) =
            if output >= 0 || output = everyOutput then
                output
            else
                match Array.IndexOf(names, name), Array.IndexOf(paths, name) with
                | -1, -1 -> raise (FunctionalNet.Common.Names.unknown "output" what name names)
                | -1, i -> i
                | i, _ -> i

        let resolved =
            TrainingOptions(
                Optimizer = this.Optimizer,
                StepsPerExecution = this.StepsPerExecution,
                TrainStep = this.TrainStep,
                TestStep = this.TestStep,
                PredictStep = this.PredictStep
            )

        for struct (output, name, loss, weight) in losses do
            if output = everyOutput then
                for i in 0 .. names.Length - 1 do
                    resolved.AddLoss(i, loss, weight) |> ignore
            else
                resolved.AddLoss(number "loss" output name, loss, weight) |> ignore

        for struct (output, name, metric, weighted) in metrics do
            resolved.AddMetric(number "metrics" output name, metric, weighted) |> ignore

        resolved
