namespace FunctionalNet.Tests.Layers

open System
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Tests.Support
open Xunit

/// What layers learn from data ahead of training, against plain loops and the expectations of Keras's own tests.
type PreprocessingTests() =

    static let tensor (dims: int list) (values: float[]) =
        Tensor.Of(Shape.Of(List.toArray dims), Array.map float32 values)

    static let learnt axis (data: Tensor) =
        (Normalization.adapt data { Normalization.options with Axis = axis }).Adapted.Value

    /// Mean and variance of the elements of every feature, by two passes.
    static let moments (features: int) (featureOf: int -> int) (values: float[]) =
        Array.init features (fun f ->
            let own = values |> Array.indexed |> Array.filter (fun (i, _) -> featureOf i = f) |> Array.map snd
            let mean = Array.average own
            mean, own |> Array.averageBy (fun v -> (v - mean) ** 2.0))

    static let check name (expected: (float * float)[]) (actual: Moments) =
        Close.closeToScale (name + " mean") 1e-12 (Array.map fst expected) (actual.Mean.ToDoubles())
        Close.closeToScale (name + " variance") 1e-12 (Array.map snd expected) (actual.Variance.ToDoubles())

    static let data = LayerRun.numbers "moments" 24 |> Array.map (float32 >> float)

    /// The same steps as Keras's, written out once more with arrays of pairs, in double precision.
    static member private Summary(epsilon: float, bins: int, batches: float[] list) : float[] =
        let interp (xs: float[]) (ys: float[]) x =
            if x <= xs[0] then
                ys[0]
            elif x >= xs[xs.Length - 1] then
                ys[ys.Length - 1]
            else
                let j = xs |> Array.findIndexBack (fun v -> v <= x)
                ys[j] + (ys[j + 1] - ys[j]) * (x - xs[j]) / (xs[j + 1] - xs[j])

        let compress eps (values: float[], weights: float[]) =
            if float values.Length * eps < 1.0 then
                values, weights
            else
                let cumulated = weights |> Array.scan (+) 0.0 |> Array.tail
                let shares = cumulated |> Array.map (fun c -> c / Array.last cumulated)
                let percents = [| for i in 0 .. int (ceil (1.0 / eps)) - 1 -> eps + eps * float i |]
                let at = percents |> Array.map (interp shares cumulated)
                percents |> Array.map (interp shares values),
                Array.map2 (-) at (Array.append [| 0.0 |] at[.. at.Length - 2])

        let join (oldValues: float[], oldWeights: float[]) (batch: float[]) =
            let sorted = Array.sort batch
            let increment = float batch.Length * epsilon
            let step = max increment 1.0
            let picked = [| int increment .. int step .. sorted.Length - 1 |] |> Array.map (fun i -> sorted[i])
            let values = Array.append picked oldValues
            let weights = Array.append (Array.create picked.Length step) oldWeights
            let order = [| 0 .. values.Length - 1 |] |> Array.sortBy (fun i -> values[i])
            compress epsilon (order |> Array.map (fun i -> values[i]), order |> Array.map (fun i -> weights[i]))

        let values, _ = batches |> List.fold join ([||], [||]) |> compress (1.0 / float bins)
        values[.. values.Length - 2]

    [<Fact>]
    member _.``moments are those of the axes that are kept``() =
        let x = tensor [ 2; 3; 4 ] data
        check "last" (moments 4 (fun i -> i % 4) data) (learnt [ -1 ] x)
        check "middle" (moments 3 (fun i -> i / 4 % 3) data) (learnt [ 1 ] x)
        check "both" (moments 12 (fun i -> i % 12) data) (learnt [ 2; 1 ] x)
        check "none" (moments 1 (fun _ -> 0) data) (learnt [] x)
        Assert.Equal(Shape.Of(3, 4), (learnt [ 2; 1 ] x).Mean.Shape)
        Assert.Equal(Shape.Of [||], (learnt [] x).Mean.Shape)

    /// normalization_test.py of Keras 3.8: test_normalization_adapt.
    [<Fact>]
    member _.``adapted data have mean 0 and variance 1``() =
        let x = LayerRun.numbers "normal" (32 * 4) |> Array.map (fun v -> 3.0 * v + 7.0)
        let options = Normalization.adapt (tensor [ 32; 4 ] x) Normalization.options
        let layer = Layer.normalizationWith options
        let network = Network.sequential (Network.input [ 4 ]) [ layer ]
        let y = (Trainer.create network).Predict(tensor [ 32; 4 ] x)

        for mean, variance in moments 4 (fun i -> i % 4) (y.ToDoubles()) do
            Assert.Equal(0.0, mean, 5)
            Assert.Equal(1.0, variance, 5)

        // And back again.
        let back = Layer.normalizationWith { options with Invert = true }
        let whole = Network.sequential (Network.input [ 4 ]) [ layer; back ]
        Close.closeToScale "inverse" 1e-5 x ((Trainer.create whole).Predict(tensor [ 32; 4 ] x).ToDoubles())

    [<Property(MaxTest = 200)>]
    member _.``parts give what the whole gives``(seed: int, cuts: FsCheck.PositiveInt) =
        let rows = 3 + abs (seed % 17)
        let x = LayerRun.numbers ("parts" + string seed) (rows * 3) |> Array.map (fun v -> 5.0 + v)
        let whole = Tensor.Of(Shape.Of(rows, 3), x)
        let size = 1 + cuts.Get % rows
        let parts = (Dataset.FromTensors whole).Batch size
        let joined = (Normalization.adaptTo parts Normalization.options).Adapted.Value
        let expected = (Normalization.adapt whole Normalization.options).Adapted.Value
        Close.closeToScale "mean" 1e-12 (expected.Mean.ToDoubles()) (joined.Mean.ToDoubles())
        Close.closeToScale "variance" 1e-10 (expected.Variance.ToDoubles()) (joined.Variance.ToDoubles())
        // Rows that come one by one.
        let single = (Normalization.adaptTo (Dataset.FromTensors whole) Normalization.options).Adapted.Value
        Close.closeToScale "rows" 1e-10 (expected.Variance.ToDoubles()) (single.Variance.ToDoubles())

    [<Fact>]
    member _.``what cannot be adapted to is refused``() =
        let refused (run: unit -> 'a) = Assert.Throws<DataException>(fun () -> run () |> ignore) |> ignore
        refused (fun () -> Normalization.adaptTo [] Normalization.options)
        refused (fun () -> learnt [ 3 ] (tensor [ 2; 2 ] (Array.zeroCreate 4)))
        let parts = [ tensor [ 2; 2 ] (Array.zeroCreate 4); tensor [ 2; 1 ] (Array.zeroCreate 2) ]
        refused (fun () -> Normalization.adaptTo parts Normalization.options)
        refused (fun () -> Discretization.adaptTo [] (Discretization.bins 3))

        let wrong (run: unit -> 'a) = Assert.Throws<ArgumentValueException>(fun () -> run () |> ignore) |> ignore

        wrong (fun () ->
            Normalization.adapt parts.Head { Normalization.options with Mean = [ 1.0 ]; Variance = [ 1.0 ] })

        wrong (fun () -> Discretization.adapt parts.Head (Discretization.options []))
        wrong (fun () -> Layer.discretizationWith { Discretization.options [] with Epsilon = 0.0 })
        wrong (fun () -> Layer.discretization [ 1.0; 0.0 ])

        // Adapted to other features than the network has.
        let options = Normalization.adapt (tensor [ 2; 2 ] [| 1.0; 2.0; 3.0; 4.0 |]) Normalization.options
        Assert.Throws<ShapeException>(fun () ->
            Network.apply (Layer.normalizationWith options) (Network.input [ 3 ]) |> ignore)
        |> ignore

    /// Few numbers are all kept: five of them make five bins that begin at each but the first (by hand: the shares up to every
    /// number are 0.2, 0.4, ..., and the last boundary is left out). Keras 2's discretization_test.py has the same expectation
    /// (2d_single_element).
    [<Fact>]
    member _.``few numbers are boundaries themselves``() =
        let options =
            Discretization.adapt (tensor [ 5; 1 ] [| 1.0; 2.0; 3.0; 4.0; 5.0 |]) (Discretization.bins 5)

        Assert.Equal<float list>([ 1.0; 2.0; 3.0; 4.0 ], options.BinBoundaries)
        let x = Expr.Input("x", DType.Float32, Shape.Of(3, 1))
        let layer = Layer.discretizationWith options
        let bins = OneLayer.run Mode.Infer layer [| 3; 1 |] [| 1.0; 2.0; 3.0 |]
        Assert.Equal<float[]>([| 1.0; 2.0; 3.0 |], bins)
        ignore x

    [<Theory>]
    [<InlineData(4, 0.01, 32)>]
    [<InlineData(7, 0.01, 1000)>]
    [<InlineData(10, 0.05, 517)>]
    [<InlineData(49, 0.01, 2000)>]
    [<InlineData(3, 0.2, 40)>]
    member _.``boundaries are Keras's estimates``(bins: int, epsilon: float, count: int) =
        let parts =
            [ for i in 1..3 ->
                  LayerRun.numbers ("quantiles" + string (bins * 10 + i)) count |> Array.map (float32 >> float) ]

        let options = { Discretization.bins bins with Epsilon = epsilon }
        let batches = parts |> List.map (fun p -> tensor [ p.Length; 1 ] p)
        let adapted = Discretization.adaptTo batches options
        let expected = PreprocessingTests.Summary(epsilon, bins, parts)
        Assert.Equal(expected.Length, adapted.BinBoundaries.Length)
        Close.closeToScale "boundaries" 2e-6 expected (List.toArray adapted.BinBoundaries)

        // They are quantiles, as near as Keras promises.
        let all = Array.concat parts |> Array.sort

        if count >= 500 then
            adapted.BinBoundaries
            |> List.iteri (fun i b ->
                let share = float (all |> Array.filter (fun v -> v <= b) |> Array.length) / float all.Length
                Assert.InRange(
                    share,
                    float (i + 1) / float bins - 2.5 * epsilon,
                    float (i + 1) / float bins + 2.5 * epsilon
                ))

    /// discretization_test.py of Keras 3.8: test_correctness and test_tf_data_compatibility.
    [<Fact>]
    member _.``Keras's own expectations of Discretization hold``() =
        let bins output dims values =
            OneLayer.run
                Mode.Infer
                (Layer.discretizationWith { Discretization.options [ 0.0; 0.5; 1.0 ] with OutputMode = output })
                dims
                values

        Assert.Equal<float[]>(
            [| 0.0; 1.0; 1.0; 2.0; 3.0 |],
            bins CategoryOutput.Int [| 1; 5 |] [| -1.0; 0.0; 0.1; 0.8; 1.2 |]
        )

        Assert.Equal<float[]>([| 0.0; 1.0; 1.0; 0.0 |], bins CategoryOutput.MultiHot [| 1; 2 |] [| 0.1; 0.8 |])
        Assert.Equal<float[]>([| 0.0; 1.0; 2.0; 0.0 |], bins CategoryOutput.Count [| 1; 3 |] [| 0.1; 0.8; 0.9 |])

        Assert.Equal<float[]>(
            [| 0.0; 1.0; 1.0; 0.0; 0.0; 1.0; 1.0; 0.0 |],
            bins CategoryOutput.MultiHot [| 1; 2; 2 |] [| 0.15; 0.75; 0.85; 0.45 |]
        )

        // Before it is adapted everything is in bin 0.
        let blank =
            OneLayer.run Mode.Infer (Layer.discretizationWith (Discretization.bins 4)) [| 1; 2 |] [| -1.0; 5.0 |]
        Assert.Equal<float[]>([| 0.0; 0.0 |], blank)

    /// numpy.digitize: what is no number lies beyond all boundaries, and equal ones have nothing between them.
    [<Fact>]
    member _.``boundaries may be equal, and what is no number is in the last bin``() =
        let layer = Layer.discretizationWith (Discretization.options [ 0.0; 0.0; 1.0 ])
        Assert.Equal<float[]>(
            [| 0.0; 2.0; 3.0; 3.0 |],
            OneLayer.run Mode.Infer layer [| 1; 4 |] [| -1.0; 0.0; 1.0; nan |]
        )

    [<Fact>]
    member _.``rescaling takes a number per channel``() =
        let layer = Layer.rescalingWith { Scale = [ 2.0; 3.0 ]; Offset = [ 0.5; -1.0 ] }
        Assert.Equal<float[]>(
            [| 2.5; 5.0; 6.5; 11.0 |],
            OneLayer.run Mode.Infer layer [| 2; 2 |] [| 1.0; 2.0; 3.0; 4.0 |]
        )

        Assert.Throws<ShapeException>(fun () -> Network.apply layer (Network.input [ 3 ]) |> ignore)
        |> ignore

    /// max_num_bounding_box_test.py of Keras 3.8: surplus boxes go, missing ones are -1.
    [<Fact>]
    member _.``numbers of boxes are made equal``() =
        let boxes = Array.init (2 * 3 * 4) float
        let labels = [| 1.0; 2.0; 3.0; 4.0; 5.0; 6.0 |]
        let given = [ [| 2; 3; 4 |], boxes; [| 2; 3 |], labels ]
        let fewer, _, _ = OneLayer.many Mode.Infer (Layer.maxNumBoundingBoxes 2) given
        Assert.Equal<float[]>(
            [| for n in 0..1 do
                   yield! boxes[n * 12 .. n * 12 + 7] |],
            fewer[0]
        )
        Assert.Equal<float[]>([| 1.0; 2.0; 4.0; 5.0 |], fewer[1])
        let more, _, _ =
            OneLayer.many Mode.Infer (Layer.maxNumBoundingBoxesWith { MaxNumber = 4; FillValue = -2 }) given
        Assert.Equal<float[]>(
            [| for n in 0..1 do
                   yield! boxes[n * 12 .. n * 12 + 11]
                   yield! Array.create 4 -2.0 |],
            more[0]
        )
        Assert.Equal<float[]>([| 1.0; 2.0; 3.0; -2.0; 4.0; 5.0; 6.0; -2.0 |], more[1])
