namespace FunctionalNet.Benchmarks.Compare

open System
open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Compiler
open FunctionalNet.Graph
open FunctionalNet.Kernels
open FunctionalNet.Training

/// Our side of a workload: one call is one step.
[<AbstractClass>]
type internal Ours() =
    abstract Run: unit -> unit
    /// Floating-point operations of one step, as the plan counts them.
    abstract Flops: float
    /// Bytes that a step has to touch at least.
    abstract Bytes: float
    /// What it computes, to be compared with the peer's.
    abstract Result: unit -> float[]
    /// The plan with microseconds per instruction; empty if there is none.
    abstract Describe: unit -> string
    default _.Describe() = ""

module internal Plans =

    let flops (plan: Plan) = plan.Steps |> Array.sumBy (Step.flops plan.Values) |> float
    let bytes (plan: Plan) = plan.Steps |> Array.sumBy (Step.bytes plan.Values) |> float

    let describe (executable: Executable) : string =
        match executable with
        | :? PlannedExecutable as planned ->
            planned.Profile 5 |> ignore
            planned.Describe()
        | other -> other.Describe()

    let planOf (executable: Executable) : Plan voption =
        match executable with
        | :? PlannedExecutable as planned -> ValueSome planned.Plan
        | _ -> ValueNone

/// A whole training step: the batch copied in, forward, backward, Adam, the loss read.
[<Sealed>]
type internal TrainingOurs(spec: NetSpec, dropout: bool, learningRate: float, weights: (string * Tensor)[]) =
    inherit Ours()

    let network = Spec.network dropout spec
    let x = Spec.inputs spec.Batch spec
    let y = Spec.targets spec
    let stores = Dictionary<string, Variable>()

    let ensure (name: string) (dtype: DType) (shape: Shape) : Variable =
        match stores.TryGetValue name with
        | true, v -> v
        | _ ->
            let v = Variable(name, dtype, shape)
            v.Fill 0.0
            stores[name] <- v
            v

    let iterations = ensure StepNames.Iterations DType.Int64 Shape.Scalar
    let step = ensure "step" DType.Int64 Shape.Scalar
    let rate = ensure StepNames.LearningRate DType.Float64 Shape.Scalar
    let total = ensure (StepNames.total "loss" "total") DType.Float64 Shape.Scalar

    let bound =
        let optimizer = Optimizer.adam learningRate
        let options = TrainingOptions(Optimizer = optimizer).AddLoss(Spec.loss spec)
        let plan = CompilePlan.create network options

        let types =
            { Inputs = [| { DType = x.DType; Shape = x.Shape } |]
              Targets = [| { DType = y.DType; Shape = y.Shape } |]
              Weights = [| ValueNone |] }

        let graph = TrainStep.training network plan options (fun _ -> false) types
        let find (_: LeafRole) (leaf: Expr) (name: string) = ensure name leaf.DType leaf.Shape
        BoundStep.create CompileOptions.Default "train" types graph find

    do
        rate.SetDouble learningRate

        for name, value in weights do
            (ensure name value.DType value.Shape).Set value

    let copy (source: Tensor) (target: Buffer) =
        source.Bytes.CopyTo(Span<byte>(target.Pointer.ToPointer(), source.Bytes.Length))

    let plan = Plans.planOf bound.Executable

    /// The loss of the batch before the update.
    member _.Loss() : float =
        copy x bound.Inputs[0]
        copy y bound.Targets[0]
        step.SetInt64(iterations.GetInt64())
        total.SetDouble 0.0
        bound.Run()
        total.GetDouble 0 / float spec.Batch

    override this.Run() = this.Loss() |> ignore
    override _.Flops = plan |> ValueOption.map Plans.flops |> ValueOption.defaultValue nan

    // Every weight, gradient and slot of Adam at least once; activations can stay in the cache.
    override _.Bytes = weights |> Array.sumBy (fun (_, w) -> 6.0 * float w.Bytes.Length)

    override this.Result() = Array.init 5 (fun _ -> this.Loss())
    override _.Describe() = Plans.describe bound.Executable

/// Prediction of a batch from span to span, as an application calls it.
[<Sealed>]
type internal PredictOurs(spec: NetSpec, x: Tensor, weights: (string * Tensor)[]) =
    inherit Ours()

    let trainer = Trainer(Spec.network true spec)
    let input = x.ToArray<float32>()

    let output =
        trainer.SetWeights([| for name, value in weights -> KeyValuePair(name, value) |])
        Array.zeroCreate<float32> (trainer.Predict x).Size

    let types = { Inputs = [| { DType = x.DType; Shape = x.Shape } |]; Targets = [||]; Weights = [||] }
    let graph = TrainStep.prediction trainer.Network ValueNone ValueNone (fun _ -> false) types

    // Operations as a direct computation needs them, without those that depend on weights alone.
    let plan = Compile.compile CompileOptions.Default graph.Graph

    override _.Run() = trainer.PredictInto(ReadOnlySpan<float32> input, Span<float32> output)
    override _.Flops = Plans.flops plan
    override _.Bytes = weights |> Array.sumBy (fun (_, w) -> float w.Bytes.Length)

    override this.Result() =
        this.Run()
        Array.map float output

    override _.Describe() =
        let values = dict weights

        let variable (_: LeafRole) (leaf: Expr) (name: string) =
            let v = Variable(name, leaf.DType, leaf.Shape)

            match values.TryGetValue name with
            | true, value -> v.Set value
            | _ -> v.Fill 0.0

            v

        let step = BoundStep.create CompileOptions.Default "describe" types graph variable
        x.Bytes.CopyTo(Span<byte>(step.Inputs[0].Pointer.ToPointer(), x.Bytes.Length))
        Clock.warm 200.0 step.Run
        Plans.describe step.Executable

/// One matrix product.
[<Sealed>]
type internal GemmOurs(m: int, n: int, k: int, transA: bool, transB: bool, a: Tensor, b: Tensor) =
    inherit Ours()

    let buffer (bytes: int64) =
        let buffer = Buffer(max 64L bytes)
        buffer.Zero()
        buffer

    let copyOf (source: Tensor) =
        let target = buffer (int64 source.Bytes.Length)
        source.Bytes.CopyTo(Span<byte>(target.Pointer.ToPointer(), source.Bytes.Length))
        target

    let bufferA = copyOf a
    let bufferB = copyOf b
    let bufferC = buffer (4L * int64 m * int64 n)

    let work = buffer (Gemm.Workspace(DType.Float32, transA, transB, m, n, k))

    let kernel =
        Gemm.Create(
            DType.Float32,
            transA,
            transB,
            m,
            n,
            k,
            bufferA.Pointer,
            (if transA then m else k),
            bufferB.Pointer,
            (if transB then k else n),
            bufferC.Pointer,
            n,
            workspace = work.Pointer
        )

    override _.Run() =
        Workers.Run kernel
        GC.KeepAlive bufferA
        GC.KeepAlive bufferB
        GC.KeepAlive work

    override _.Flops = 2.0 * float m * float n * float k
    override _.Bytes = 4.0 * (float m * float k + float k * float n + float m * float n)

    override this.Result() =
        this.Run()
        let span = ReadOnlySpan<float32>(bufferC.Pointer.ToPointer(), m * n)
        Array.map float (span.ToArray())

/// A small graph of one input and one output, compiled as any other.
[<Sealed>]
type internal OpOurs(input: Tensor, build: Expr -> Expr) =
    inherit Ours()

    let leaf = Expr.Input("x", input.DType, input.Shape)
    let output = build leaf
    let buffer = Buffer(int64 input.Bytes.Length)

    let executable =
        input.Bytes.CopyTo(Span<byte>(buffer.Pointer.ToPointer(), input.Bytes.Length))

        Compile.executable CompileOptions.Default { Outputs = [| "y", output |]; Updates = [||] } (fun _ -> buffer)

    let plan = Plans.planOf executable

    override _.Run() = executable.Run()
    override _.Flops = plan |> ValueOption.map Plans.flops |> ValueOption.defaultValue nan
    override _.Bytes = float input.Bytes.Length + 4.0 * float output.Shape.Size

    override _.Result() =
        executable.Run()
        (executable.Output "y").ToTensor().ToDoubles()

    override _.Describe() = Plans.describe executable
