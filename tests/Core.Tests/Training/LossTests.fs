namespace FunctionalNet.Tests.Training

open System
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Tests.Support
open Xunit

type LossTests() =

    static let cases () = KerasCases.losses ()

    let leaf (t: CaseTensor) = Expr.Input("x", DType.parse t.DType, Shape.ofArray t.Shape)

    let tensor (shape: int[]) (values: float[]) = Tensor.OfDoubles(DType.Float64, Shape.Of shape, values)

    let compute (loss: Loss) (t: Tensor) (p: Tensor) (weight: Tensor option) (mask: Tensor option) =
        let flow =
            { Value = Expr.Constant p
              Mask =
                (match mask with
                 | Some m -> ValueSome(Expr.Constant m)
                 | None -> ValueNone) }

        let result = Loss.compute loss (Expr.Constant t) flow (weight |> Option.map Expr.Constant)
        (Interpreter.value [] result).ToDoubles()

    static member Ids = cases () |> KerasCases.ids (fun c -> c.Id)

    [<Theory>]
    [<MemberData(nameof LossTests.Ids)>]
    member _.``Keras's values and gradients``(id: string) =
        let c = cases () |> Array.find (fun c -> c.Id = id)
        let config = CaseConfig.make c.Loss c.Config
        let loss = Loss.ofConfig config
        let t, p = leaf c.YTrue, leaf c.YPred
        let w = c.SampleWeight |> Option.map leaf

        let bindings =
            [ yield t, c.YTrue.ToTensor()
              yield p, c.YPred.ToTensor()
              match w, c.SampleWeight with
              | Some leaf, Some weight -> yield leaf, weight.ToTensor()
              | _ -> () ]

        let value = Loss.compute loss t (Flow.ofValue p) w
        Close.closeToScale "value" 1e-4 c.Value.Values ((Interpreter.value bindings value).ToDoubles())

        match c.YPredGrad with
        | None -> ()
        | Some expected ->
            let total =
                match c.R with
                | Some r -> Ops.sumAll (value * Expr.Constant(r.ToTensor()))
                | None -> value

            let g = (Grad.gradients total [| p |])[0]
            Close.closeToScale "gradient" 1e-4 expected.Values ((Interpreter.value bindings g).ToDoubles())

    [<Theory>]
    [<MemberData(nameof LossTests.Ids)>]
    member _.``A loss comes back from its configuration``(id: string) =
        let c = cases () |> Array.find (fun c -> c.Id = id)
        let loss = Loss.ofConfig (CaseConfig.make c.Loss c.Config)
        let again = Loss.ofConfig loss.Config.Value
        Assert.Equal(loss.Name, again.Name)
        Assert.Equal(loss.Reduction, again.Reduction)
        Assert.Equal<Config>(loss.Config.Value, again.Config.Value)

    [<Fact>]
    member _.``A softmax output is used through its logits``() =
        // In float32 the probability of the right class underflows to 0, and clipping would stop the gradient.
        let logits = Expr.Input("x", DType.Float32, Shape.Of(1, 2))
        let labels = Expr.Constant(Tensor.OfArray [| 0 |])
        let loss =
            Loss.compute
                (Loss.parse "sparse_categorical_crossentropy")
                labels
                (Flow.ofValue (Ops.softmax -1 logits))
                None
        let bind = [ logits, Tensor.OfDoubles(DType.Float32, Shape.Of(1, 2), [| -100.0; 100.0 |]) ]
        Close.close 1e-6 0.0 [| 200.0 |] ((Interpreter.value bind loss).ToDoubles())
        let g = (Grad.gradients loss [| logits |])[0]
        Close.close 1e-6 1e-12 [| -1.0; 1.0 |] ((Interpreter.value bind g).ToDoubles())

    [<Theory>]
    [<InlineData(0.0)>]
    [<InlineData(60.0)>]
    [<InlineData(-60.0)>]
    member _.``A sigmoid output is used through its logits, at 0 too``(x: float) =
        let logits = Expr.Input("x", DType.Float64, Shape.Of(1, 1))
        let target = Expr.Constant(Tensor.OfArray(array2D [ [ 1.0 ] ]))
        let loss =
            Loss.compute (Loss.parse "binary_crossentropy") target (Flow.ofValue (Ops.sigmoid logits)) None
        let bind = [ logits, Tensor.OfArray(array2D [ [ x ] ]) ]
        Close.close
            1e-9
            0.0
            [| (if x > 30.0 then Math.Exp -x else Math.Log(1.0 + Math.Exp -x)) |]
            ((Interpreter.value bind loss).ToDoubles())
        let g = (Grad.gradients loss [| logits |])[0]
        Close.close 1e-9 1e-300 [| -1.0 / (1.0 + Math.Exp x) |] ((Interpreter.value bind g).ToDoubles())

    [<Fact>]
    member _.``Masked entries do not count, nor in the divisor``() =
        let t = tensor [| 2; 3; 1 |] [| 0.0; 0.0; 0.0; 0.0; 0.0; 0.0 |]
        let p = tensor [| 2; 3; 1 |] [| 1.0; 2.0; 3.0; 4.0; 5.0; 6.0 |]
        let mask = Tensor.OfArray(array2D [ [ true; true; false ]; [ true; false; false ] ])
        let mse = Loss.meanSquaredError
        Close.close 1e-12 0.0 [| (1.0 + 4.0 + 16.0) / 3.0 |] (compute mse t p None (Some mask))
        Close.close 1e-12 0.0 [| 21.0 |] (compute (Loss.withReduction LossReduction.Sum mse) t p None (Some mask))

        // Weights of rows meet a mask of steps.
        let weight = tensor [| 2 |] [| 2.0; 0.5 |]
        Close.close 1e-12 0.0 [| (2.0 * 5.0 + 0.5 * 16.0) / 3.0 |] (compute mse t p (Some weight) (Some mask))

    [<Fact>]
    member _.``All masked is 0, not NaN``() =
        let t, p = tensor [| 1; 2; 1 |] [| 0.0; 0.0 |], tensor [| 1; 2; 1 |] [| 1.0; 1.0 |]
        let mask = Tensor.OfArray(array2D [ [ false; false ] ])
        Assert.Equal(0.0, (compute Loss.meanSquaredError t p None (Some mask))[0])

    [<Fact>]
    member _.``mean_with_sample_weight divides by the weights``() =
        let t, p = tensor [| 2; 1 |] [| 0.0; 0.0 |], tensor [| 2; 1 |] [| 1.0; 3.0 |]
        let loss = Loss.withReduction LossReduction.MeanWithSampleWeight Loss.meanSquaredError
        Close.close 1e-12 0.0 [| (2.0 + 9.0) / 3.0 |] (compute loss t p (Some(tensor [| 2 |] [| 2.0; 1.0 |])) None)
        Assert.Equal(0.0, (compute loss t p (Some(tensor [| 2 |] [| 0.0; 0.0 |])) None)[0])

    [<Fact>]
    member _.``mean_with_sample_weight divides by one weight for all once``() =
        // Keras sums the weights before they are broadcast (keras/src/losses/loss.py, reduce_values).
        let t, p = tensor [| 2; 1 |] [| 0.0; 0.0 |], tensor [| 2; 1 |] [| 1.0; 3.0 |]
        let loss = Loss.withReduction LossReduction.MeanWithSampleWeight Loss.meanSquaredError
        Close.close 1e-12 0.0 [| 10.0 |] (compute loss t p (Some(tensor [||] [| 0.25 |])) None)

    [<Theory>]
    [<InlineData("mse", "mean_squared_error")>]
    [<InlineData("MSE", "mean_squared_error")>]
    [<InlineData("MeanSquaredError", "mean_squared_error")>]
    [<InlineData("mae", "mean_absolute_error")>]
    [<InlineData("bce", "binary_crossentropy")>]
    [<InlineData("kld", "kl_divergence")>]
    [<InlineData("kl_divergence", "kl_divergence")>]
    [<InlineData("sparse_categorical_crossentropy", "sparse_categorical_crossentropy")>]
    [<InlineData("huber", "huber_loss")>]
    member _.``Names that Keras knows``(text: string, name: string) = Assert.Equal(name, (Loss.parse text).Name)

    [<Fact>]
    member _.``An unknown name brings the nearest``() =
        let e =
            Assert.Throws<ArgumentValueException>(fun () -> Loss.parse "sparse_categorical_crossentrop" |> ignore)
        Assert.Contains("sparse_categorical_crossentropy", e.Hint)

        let e =
            Assert.Throws<ArgumentValueException>(fun () ->
                Loss.ofConfig { ClassName = "Huber"; Arguments = [ "detla", ConfigValue.Float 1.0 ] } |> ignore)

        Assert.Equal("detla", e.Path)

    [<Fact>]
    member _.``Labels of the wrong kind get a hint``() =
        let p = Flow.ofValue (Expr.Input("p", DType.Float32, Shape.Of(4, 3)))
        let ids = Expr.Input("t", DType.Int32, Shape.Of(4))
        let hot = Expr.Input("t", DType.Float32, Shape.Of(4, 3))

        let e =
            Assert.Throws<ShapeException>(fun () ->
                Loss.compute (Loss.parse "categorical_crossentropy") ids p None |> ignore)

        Assert.Contains("sparse_categorical_crossentropy", e.Hint)

        let e =
            Assert.Throws<ShapeException>(fun () ->
                Loss.compute (Loss.parse "sparse_categorical_crossentropy") hot p None |> ignore)

        Assert.Contains("categorical_crossentropy", e.Hint)

    [<Fact>]
    member _.``A loss of one's own``() =
        let loss = Loss.create "cubic" (fun t p -> Ops.mean [| -1 |] false (Ops.powScalar 3.0 (p - t)))
        let t = Tensor.OfArray(array2D [ [ 1.0f ]; [ 2.0f ] ])
        Close.close 1e-12 0.0 [| (8.0 + 1.0) / 2.0 |] (compute loss t (tensor [| 2; 1 |] [| 3.0; 3.0 |]) None None)
        Assert.True(loss.Config.IsNone)

    [<Fact>]
    member _.``crossentropy looks at the shapes``() =
        let value (t: Tensor) (p: Tensor) = (compute (Loss.parse "crossentropy") t p None None)[0]
        let p = tensor [| 2; 2 |] [| 0.25; 0.75; 0.5; 0.5 |]
        let expected = -(Math.Log 0.75 + Math.Log 0.5) / 2.0
        Assert.Equal(expected, value (Tensor.OfArray [| 1; 0 |]) p, 10)
        Assert.Equal(expected, value (tensor [| 2; 2 |] [| 0.0; 1.0; 1.0; 0.0 |]) p, 10)
        Assert.Equal(-Math.Log 0.75, value (tensor [| 1; 1 |] [| 0.0 |]) (tensor [| 1; 1 |] [| 0.25 |]), 10)

    [<Theory>]
    [<InlineData(0.5)>]
    [<InlineData(0.7)>]
    member _.``the generalized cross-entropy is (1 - p^q) / q of the right class``(q: float) =
        let p = tensor [| 4; 2 |] [| 0.7; 0.3; 0.2; 0.8; 0.6; 0.4; 0.4; 0.6 |]
        let t = tensor [| 4; 1 |] [| 0.0; 1.0; 0.0; 1.0 |]
        let loss = Loss.categoricalGeneralizedCrossEntropy q
        let expected = [| 0.7; 0.8; 0.6; 0.6 |] |> Array.averageBy (fun p -> (1.0 - Math.Pow(p, q)) / q)
        Assert.Equal(expected, (compute loss t p None None)[0], 12)

    [<Theory>]
    [<InlineData(0.0)>]
    [<InlineData(1.0)>]
    member _.``an exponent of the generalized cross-entropy outside 0 to 1 is refused``(q: float) =
        let error =
            Assert.Throws<ArgumentValueException>(fun () -> Loss.categoricalGeneralizedCrossEntropy q |> ignore)

        Assert.Equal("q", error.Path)

    [<Theory>]
    [<InlineData("msee", "mse")>]
    [<InlineData("mean_sqared_error", "mean_squared_error")>]
    [<InlineData("kdl", "kld")>]
    member _.``the name that was meant may be a short one``(typed: string, meant: string) =
        let hint = "Did you mean " + meant + "?"
        let loss = Assert.Throws<ArgumentValueException>(fun () -> Loss.parse typed |> ignore)
        Assert.Equal(hint, loss.Hint)
        let metric = Assert.Throws<ArgumentValueException>(fun () -> Metric.parse typed |> ignore)
        Assert.Equal(hint, metric.Hint)
