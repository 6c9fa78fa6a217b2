namespace FunctionalNet

open System
open System.Collections.Generic
open System.Threading
open FunctionalNet.Graph
open FunctionalNet.Training

/// <summary>A function over the model's variables that is called with tensors: the body of a training loop of your own. It is
/// described once per signature of its arguments, compiled, and then runs in place on the model's weights. Made by
/// <c>Trainer.Function</c>; not for two threads at once.</summary>
[<Sealed>]
type TrainerFunction
    internal (core: TrainerCore, name: string, describe: Func<StepContext, Expr[]>, guard: Func<unit, IDisposable>) =

    let cache = PlanCache 8
    let mutable version = -1
    let mutable traces = 0
    let mutable last: BoundStep voption = ValueNone

    let fits (step: BoundStep) (inputs: Tensor[]) =
        let types = step.Types.Inputs
        let mutable fits = types.Length = inputs.Length
        let mutable i = 0

        while fits && i < types.Length do
            fits <- types[i].DType = inputs[i].DType && types[i].Shape.Equals inputs[i].Shape
            i <- i + 1

        fits

    let find (inputs: Tensor[]) : BoundStep =
        if version <> core.Version then
            cache.Clear()
            last <- ValueNone
            version <- core.Version

        match last with
        | ValueSome step when fits step inputs -> step
        | _ ->
            let types =
                { Inputs = inputs |> Array.map (fun t -> { DType = t.DType; Shape = t.Shape })
                  Targets = [||]
                  Weights = [||] }

            let key = BoundStep.keyOf name types

            cache.GetOrAdd(
                key,
                fun () ->
                    traces <- traces + 1
                    core.Bind(key, types, describe.Invoke)
            )

    let current () =
        match last with
        | ValueSome step -> step
        | ValueNone ->
            raise (
                NotReadyException(
                    "The function has not run yet.",
                    name,
                    "Run before its results are read",
                    "no run",
                    "Call Run first."
                )
            )

    let view (i: int) =
        let outputs = (current ()).Outputs

        if i < 0 || i >= outputs.Length then
            raise (
                ArgumentValueException(
                    "The function has no such result.",
                    name,
                    "0 to " + string (outputs.Length - 1),
                    string i,
                    "Results are counted from 0."
                )
            )

        outputs[i]

    /// <summary>How often the function was described: once per signature.</summary>
    member _.Traces = traces

    /// <summary>Runs the function. Allocates nothing once it has run with arguments of these types.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">Another thread uses the model.</exception>
    member _.Run([<ParamArray>] inputs: Tensor[]) : unit =
        use _ = guard.Invoke()
        let step = find inputs

        for i in 0 .. inputs.Length - 1 do
            let buffer = step.Inputs[i]

            if buffer.Bytes > 0L then
                let bytes = inputs[i].Bytes
                bytes.CopyTo(Span<byte>(buffer.Pointer.ToPointer(), bytes.Length))

        core.Update step
        last <- ValueSome step

    /// <summary>A result of the last run that is one number.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">The function has not run yet.</exception>
    member _.Scalar(index: int) : float =
        let view = view index

        if view.Type.Shape.Size <> 1 then
            raise (
                ShapeException(
                    "The result is not one number.",
                    name,
                    "a scalar",
                    view.Type.Shape.ToString(),
                    "Read it as a tensor with Result."
                )
            )

        match view.Type.DType with
        | DType.Float32 -> float (FunctionalNet.Kernels.Mem.get<float32> view.Pointer 0)
        | DType.Float64 -> FunctionalNet.Kernels.Mem.get<float> view.Pointer 0
        | _ -> (view.ToTensor().ToDoubles())[0]

    /// <summary>A result of the last run, as a copy.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">The function has not run yet.</exception>
    member _.Result(index: int) : Tensor = (view index).ToTensor()

    /// <summary>Runs the function and gives copies of all results.</summary>
    member this.Invoke([<ParamArray>] inputs: Tensor[]) : Tensor[] =
        this.Run inputs
        (current ()).Outputs |> Array.map (fun view -> view.ToTensor())

/// <summary>The loss of a batch, and its derivatives to the model's variables, as tensors.</summary>
/// <param name="loss">The loss.</param>
/// <param name="gradients">A derivative for the path of every variable that training changes.</param>
[<Sealed>]
type ModelGradients(loss: float, gradients: IReadOnlyList<KeyValuePair<string, Tensor>>) =

    /// <summary>The loss.</summary>
    member _.Loss = loss

    /// <summary>A derivative for the path of every variable that training changes.</summary>
    member _.Gradients = gradients

/// <summary>A loss that is called with tensors and gives its gradients too, like a gradient tape of Keras. Made by
/// <c>Trainer.GradientFunction</c>.</summary>
[<Sealed>]
type GradientFunction internal (create: Func<Func<StepContext, Expr[]>, TrainerFunction>, loss: Func<StepContext, Expr>)
    =

    let mutable paths: string[] = [||]

    let compiled =
        create.Invoke(
            Func<StepContext, Expr[]>(fun step ->
                let value = loss.Invoke step
                let variables = step.TrainableVariables
                paths <- variables |> Array.map (fun v -> v.Path)
                Array.append [| value |] (step.Gradients(value, variables)))
        )

    /// <summary>Loss and gradients for a batch. The weights stay as they are.</summary>
    member _.Compute([<ParamArray>] inputs: Tensor[]) : ModelGradients =
        let results = compiled.Invoke inputs

        ModelGradients(
            results[0].ToDoubles()[0],
            Array.map2 (fun path value -> KeyValuePair(path, value)) paths results[1..]
        )
