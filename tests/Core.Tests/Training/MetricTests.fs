namespace FunctionalNet.Tests.Training

open System
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Tests.Support
open Xunit

type MetricTests() =

    /// Totals after one more batch.
    let update (metric: Metric) (slots: Tensor[]) (t: Tensor) (p: Tensor) (weight: Tensor option) =
        let constant (x: Tensor) = Expr.Constant x

        metric.Update (Array.map constant slots) (constant t) (constant p) (Option.map constant weight)
        |> Interpreter.runTensors []

    let start (metric: Metric) (p: Shape) =
        metric.Slots p |> Array.map (fun (_, shape) -> Tensor.Zeros(DType.Float64, shape))

    let result (metric: Metric) (slots: Tensor[]) = metric.Result(slots |> Array.map (fun s -> s.ToDoubles()))

    let once (metric: Metric) (t: Tensor) (p: Tensor) = result metric (update metric (start metric p.Shape) t p None)

    static member Ids = KerasCases.metrics () |> KerasCases.ids (fun c -> c.Id)

    [<Theory>]
    [<MemberData(nameof MetricTests.Ids)>]
    member _.``Keras's results after every batch``(id: string) =
        let c = KerasCases.metrics () |> Array.find (fun c -> c.Id = id)
        let metric = Metric.ofConfig (CaseConfig.make c.Metric c.Config)
        let mutable slots = [||]

        for step in c.Steps do
            let p =
                (match step.YPred with
                 | Some p -> p
                 | None -> step.Values.Value)
                    .ToTensor()
            let t =
                (match step.YTrue with
                 | Some t -> t.ToTensor()
                 | None -> p)

            if slots.Length = 0 then slots <- start metric p.Shape
            slots <- update metric slots t p (step.SampleWeight |> Option.map (fun w -> w.ToTensor()))
            Close.closeAt "result" 1e-4 1e-6 step.Result.Values (result metric slots)

    [<Theory>]
    [<MemberData(nameof MetricTests.Ids)>]
    member _.``A metric comes back from its configuration``(id: string) =
        let c = KerasCases.metrics () |> Array.find (fun c -> c.Id = id)
        let metric = Metric.ofConfig (CaseConfig.make c.Metric c.Config)
        let again = Metric.ofConfig metric.Config.Value
        Assert.Equal<Config>(metric.Config.Value, again.Config.Value)

    [<Fact>]
    member _.``accuracy resolves by the shapes and keeps the name as typed``() =
        let p = Tensor.OfArray(array2D [ [ 0.2f; 0.8f ]; [ 0.6f; 0.4f ] ])
        Assert.Equal("acc", (Metric.parse "acc").Name)
        Assert.Equal("mse", (Metric.parse "mse").Name)
        Assert.Equal(0.5, (once (Metric.parse "accuracy") (Tensor.OfArray [| 1; 1 |]) p)[0])
        Assert.Equal(1.0, (once (Metric.parse "accuracy") (Tensor.OfArray(array2D [ [ 1 ]; [ 0 ] ])) p)[0])
        Assert.Equal(
            1.0,
            (once (Metric.parse "accuracy") (Tensor.OfArray(array2D [ [ 0.0f; 1.0f ]; [ 1.0f; 0.0f ] ])) p)[0]
        )
        // Exactly one half is not above the threshold.
        let half = Tensor.OfArray(array2D [ [ 0.5f ]; [ 0.6f ] ])
        Assert.Equal(0.5, (once (Metric.parse "accuracy") (Tensor.OfArray(array2D [ [ 1.0f ]; [ 1.0f ] ])) half)[0])

    [<Fact>]
    member _.``An empty metric is 0, not NaN``() =
        for name in [ "accuracy"; "precision"; "recall"; "auc"; "mse" ] do
            let metric = Metric.parse name
            Assert.Equal(0.0, (result metric (start metric (Shape.Of(4, 1))))[0])

    [<Fact>]
    member _.``Sums of many batches stay exact``() =
        let metric = Metric.create "one" (fun _ p -> p)
        let mutable slots = [| Tensor.Scalar 16777216.0; Tensor.Scalar 16777216.0 |]
        let ones = Tensor.Full(DType.Float32, Shape.Of 1, 1.0)
        slots <- update metric slots ones ones None
        Assert.Equal(16777217.0, slots[0].ToDoubles()[0])

    [<Fact>]
    member _.``An unknown name brings the nearest, losses included``() =
        let hint name = (Assert.Throws<ArgumentValueException>(fun () -> Metric.parse name |> ignore)).Hint
        Assert.Contains("precision", hint "precison")
        Assert.Contains("poisson", hint "poison")
