module FunctionalNet.Tests.Compiler.PrepareTests

open System
open System.IO
open Xunit
open FsCheck
open FsCheck.FSharp
open FunctionalNet
open FunctionalNet.Compiler
open FunctionalNet.Graph
open FunctionalNet.Kernels
open FunctionalNet.Tests.Support

let private f32 = DType.Float32

let private draw (seed: int) (shape: Shape) =
    let r = System.Random seed
    Tensor.OfDoubles(f32, shape, Array.init shape.Size (fun _ -> r.NextDouble() + 0.1))

/// A convolution, normalised by running statistics, with a residual; or a product.
type private Case = { Side: int; Channels: int; Out: int; Window: int; Padded: bool; Order: int; Seed: int }

let private cases =
    gen {
        let! side = Gen.choose (3, 14)
        let! channels = Gen.choose (1, 20)
        let! out = Gen.choose (1, 40)
        let! window = Gen.elements [ 1; 3 ]
        let! padded = Gen.elements [ true; false ]
        let! order = Gen.choose (0, 5)
        let! seed = Gen.choose (0, 1000)

        return
            { Side = side
              Channels = channels
              Out = out
              Window = window
              Padded = padded
              Order = order
              Seed = seed }
    }

/// The graph of a case with its leaves.
let private graphOf (c: Case) : Graph * (Expr * Tensor)[] =
    let param name (dims: int list) = Expr.LeafOf(LeafRole.Param, name, f32, Shape.Of(List.toArray dims))
    let x = Expr.Input("x", f32, Shape.Of(2, c.Side, c.Side, c.Channels))
    let w = param "w" [ c.Window; c.Window; c.Channels; c.Out ]
    let dense = param "dense" [ c.Out; 7 ]
    let gamma, beta = param "gamma" [ c.Out ], param "beta" [ c.Out ]
    let mean = Expr.LeafOf(LeafRole.State, "mean", f32, Shape.Of c.Out)
    let variance = Expr.LeafOf(LeafRole.State, "variance", f32, Shape.Of c.Out)
    let p = if c.Padded then c.Window / 2 else 0

    let spec: FunctionalNet.Graph.ConvSpec =
        { Strides = [| 1; 1 |]
          Dilations = [| 1; 1 |]
          PadLow = [| p; p |]
          PadHigh = [| p; p |]
          Groups = 1 }

    let y = Expr.Node(Op.Conv spec, [| x; w |])
    let scale = Ops.rsqrt (variance + 1e-3) * gamma

    let y =
        match c.Order with
        | 0 -> (y - mean) * scale + beta
        | 1 -> scale * y + (beta - mean * scale)
        | 2 -> beta + (y * 2.0 - mean) * scale
        // Not to be absorbed: the result is read before it is scaled.
        | 3 -> (y - mean) * scale + beta + y
        | 4 -> mean - y * scale
        | _ -> Ops.relu ((y - mean) * scale) * gamma

    let z = Ops.matmul (Ops.relu y) dense * 0.5
    let graph = { Outputs = [| "y", y; "z", z |]; Updates = [||] }

    let all = [| x; w; dense; gamma; beta; mean; variance |]
    graph, all |> Array.mapi (fun i e -> e, draw (c.Seed + i) e.Shape)

let private checkedDefault = { CompileOptions.Default with Check = true }

[<Fact>]
let ``weights that are absorbed, computed once and packed give what the interpreter gives`` () =
    let property (c: Case) =
        let graph, bindings = graphOf c
        let expected = PlanRuns.interpret graph bindings
        Assert.Equal(None, PlanRuns.difference 2e-5 expected (PlanRuns.run checkedDefault graph bindings))

    Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(Cases.count).WithQuietOnSuccess(true),
        Prop.forAll (Arb.fromGen cases) property
    )

[<Fact>]
let ``a changed weight is never missed, whichever it is and however often the plan has run`` () =
    let property (c: Case) (which: int) =
        let graph, bindings = graphOf c
        let leaves = Leaves bindings
        let executable = Compile.executable checkedDefault graph leaves.Bind
        executable.Run()
        executable.Run()
        // Never the input alone: it is read at every run anyway.
        let i = 1 + abs which % (bindings.Length - 1)
        let changed =
            bindings |> Array.mapi (fun k (e, t) -> e, (if k = i then draw (c.Seed + 99) e.Shape else t))
        leaves.Write(fst bindings[i], snd changed[i])
        executable.Run()

        Assert.Equal(
            None,
            PlanRuns.difference 2e-5 (PlanRuns.interpret graph changed) (PlanRuns.collect graph leaves executable)
        )

    Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(Cases.count).WithQuietOnSuccess(true),
        Prop.forAll (Arb.zip (Arb.fromGen cases, Arb.fromGen (Gen.choose (0, 100)))) (fun (c, which) ->
            property c which)
    )

[<Fact>]
let ``a weight that another plan has updated is packed again`` () =
    let graph, bindings =
        graphOf { Side = 12; Channels = 16; Out = 32; Window = 3; Padded = true; Order = 0; Seed = 5 }

    let leaves = Leaves bindings
    let predict = Compile.executable checkedDefault graph leaves.Bind
    let w = fst bindings[1]
    let train = Compile.executable checkedDefault { Outputs = [||]; Updates = [| w, w * 1.5 |] } leaves.Bind
    predict.Run()

    for _ in 1..3 do
        train.Run()
        predict.Run()
        let now = bindings |> Array.map (fun (e, _) -> e, leaves.Read e)

        Assert.Equal(
            None,
            PlanRuns.difference 2e-5 (PlanRuns.interpret graph now) (PlanRuns.collect graph leaves predict)
        )

[<Fact>]
let ``weights that the plan itself updates are neither packed nor computed once`` () =
    let graph, bindings =
        graphOf { Side = 12; Channels = 16; Out = 32; Window = 3; Padded = true; Order = 0; Seed = 5 }

    let updated = { graph with Updates = bindings[1..] |> Array.map (fun (e, _) -> e, e * 0.5) }
    let leaves = Leaves bindings
    let executable = Compile.executable checkedDefault updated leaves.Bind
    Assert.DoesNotContain("packed", executable.Describe())

    for _ in 1..3 do
        let now = bindings |> Array.map (fun (e, _) -> e, leaves.Read e)
        executable.Run()
        let expected = PlanRuns.interpret updated now
        Assert.Equal(None, PlanRuns.difference 2e-5 expected (PlanRuns.collect updated leaves executable))

[<Fact>]
let ``the plan shows what is packed and what is computed when a weight has changed`` () =
    let graph, bindings =
        graphOf { Side = 12; Channels = 16; Out = 32; Window = 3; Padded = true; Order = 0; Seed = 5 }

    let describe options = (Compile.executable options graph (Leaves bindings).Bind).Describe()
    let text = describe CompileOptions.Default
    Assert.StartsWith("when a weight has changed", text)
    Assert.Contains("packed(", text)
    // The scale has gone into the weights: one operation less between the convolution and the activation.
    Assert.DoesNotContain("packed", describe { CompileOptions.Default with Prepare = false })

/// A convolution with what may follow it in registers.
type private Ended =
    {
        Side: int
        Channels: int
        Out: int
        Window: int
        Padded: bool
        /// Bias, rectifier, pooling in some order.
        Order: int
        Seed: int
    }

[<Fact>]
let ``biases, rectifiers and poolings behind convolutions give what the interpreter gives`` () =
    let cases =
        gen {
            let! side = Gen.choose (4, 18)
            let! channels = Gen.elements [ 1; 2; 3; 8; 11 ]
            let! out = Gen.choose (8, 70)
            let! window = Gen.elements [ 3; 3; 4 ]
            let! padded = Gen.elements [ true; false ]
            let! order = Gen.choose (0, 7)
            let! seed = Gen.choose (0, 1000)

            return
                { Side = side
                  Channels = channels
                  Out = out
                  Window = window
                  Padded = padded
                  Order = order
                  Seed = seed }
        }

    let property (c: Ended) =
        let x = Expr.Input("x", f32, Shape.Of(2, c.Side, c.Side, c.Channels))
        let w = Expr.LeafOf(LeafRole.Param, "w", f32, Shape.Of(c.Window, c.Window, c.Channels, c.Out))
        let b = Expr.LeafOf(LeafRole.Param, "b", f32, Shape.Of c.Out)
        let p = if c.Padded then 1 else 0

        let spec: FunctionalNet.Graph.ConvSpec =
            { Strides = [| 1; 1 |]
              Dilations = [| 1; 1 |]
              PadLow = [| p; p |]
              PadHigh = [| p; p |]
              Groups = 1 }

        let y = Expr.Node(Op.Conv spec, [| x; w |])
        let pool (e: Expr) = if e.Shape[1] >= 2 then Ops.maxPool [| 2; 2 |] [| 2; 2 |] Padding.Valid e else e

        let results =
            match c.Order with
            | 0 -> [ pool (Ops.relu (y + b)) ]
            | 1 -> [ pool (y + b) ]
            | 2 -> [ pool (Ops.relu y) ]
            | 3 -> [ pool y ]
            | 4 -> [ Ops.relu (b + y) ]
            // The result is read twice.
            | 5 -> (let z = Ops.relu (y + b) in [ pool z; z * 2.0 ])
            // Not endings that kernels know.
            | 6 -> [ pool (Ops.tanh (y + b)) ]
            | _ -> [ pool (Ops.relu (y * b)) * 0.5 ]

        let graph = { Outputs = results |> List.mapi (fun i e -> string i, e) |> List.toArray; Updates = [||] }

        let centred (seed: int) (e: Expr) =
            let values = (draw seed e.Shape).ToDoubles() |> Array.map (fun v -> 2.0 * v - 1.2)
            e, Tensor.OfDoubles(f32, e.Shape, values)

        let bindings = [| x; w; b |] |> Array.mapi (fun i e -> centred (c.Seed + i) e)
        let expected = PlanRuns.interpret graph bindings
        let leaves = Leaves bindings
        let executable = Compile.executable checkedDefault graph leaves.Bind
        executable.Run()
        Assert.Equal(None, PlanRuns.difference 6e-5 expected (PlanRuns.collect graph leaves executable))
        let isPooled = executable.Describe().Contains "+MaxPool"

        if c.Order >= 5 then
            Assert.False isPooled
        elif c.Order < 4 && c.Channels = 1 && c.Out > 16 && y.Shape[1] >= 2 then
            Assert.True isPooled

    Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(Cases.count).WithQuietOnSuccess(true),
        Prop.forAll (Arb.fromGen cases) property
    )

/// A network whose prediction packs, absorbs and uses Winograd's method.
let private network () =
    Network.sequential
        (Network.input [ 14; 14; 2 ])
        [ Layer.conv2D 16 [ 3; 3 ] >>> Layer.batchNormalization >>> Layer.relu
          Layer.conv2D 24 [ 3; 3 ] >>> Layer.relu
          Layer.flatten
          Layer.dense 3 >>> Layer.softmax ]

let private trainer (seed: uint64) =
    Trainer.createWith seed (network ())
    |> Trainer.compile (Optimizer.sgd 0.05) (Loss.parse "sparse_categorical_crossentropy") [ Metric.parse "accuracy" ]

let private images = draw 1 (Shape.Of(8, 14, 14, 2))
let private labels = Tensor.OfArray [| 0; 1; 2; 0; 1; 2; 0; 1 |]

/// What a new trainer predicts that gets the weights before it has predicted anything.
let private fresh (from: Trainer) : float[] =
    let other = trainer 99UL
    other.SetWeights(from.GetWeights())
    (other.Predict images).ToDoubles()

[<Fact>]
let ``predictions follow training, set weights and loaded weights`` () =
    let t = trainer 3UL
    let now () = (t.Predict images).ToDoubles()
    let first = now ()
    Assert.Equal<float[]>(fresh t, first)

    for _ in 1..2 do
        t.Fit(images, labels, FitOptions(Epochs = 1, BatchSize = 4, Verbosity = Verbosity.Silent)) |> ignore
        let predicted = now ()
        Assert.NotEqual<float[]>(first, predicted)
        Assert.Equal<float[]>(fresh t, predicted)

    let path = Path.GetTempFileName()

    try
        t.SaveWeights path
        let trained = now ()
        t.SetWeights((trainer 5UL).GetWeights())
        Assert.Equal<float[]>((trainer 5UL).Predict(images).ToDoubles(), now ())
        t.LoadWeights path
        Assert.Equal<float[]>(trained, now ())
    finally
        File.Delete path

[<Fact>]
let ``borders of zeros become padding, of poolings only where numbers are not negative`` () =
    let x = Expr.Input("x", f32, Shape.Of(2, 9, 8, 5))
    let w = Expr.LeafOf(LeafRole.Param, "w", f32, Shape.Of(3, 3, 5, 4))
    let padded (e: Expr) = Ops.pad [| struct (0, 0); struct (1, 2); struct (2, 0); struct (0, 0) |] 0.0 e

    let conv (e: Expr) =
        let spec: FunctionalNet.Graph.ConvSpec =
            { Strides = [| 2; 2 |]
              Dilations = [| 1; 1 |]
              PadLow = [| 0; 0 |]
              PadHigh = [| 0; 0 |]
              Groups = 1 }

        Expr.Node(Op.Conv spec, [| e; w |])

    let pool (e: Expr) = Ops.maxPool [| 3; 3 |] [| 2; 2 |] Padding.Valid e

    let cases =
        [ "convolution", 0, conv (padded x)
          "rectified", 0, pool (padded (Ops.relu x))
          "any sign", 1, pool (padded (x - 0.8))
          "read twice",
          1,
          (let p = padded x in Ops.sum [| 0; 1; 2; 3 |] false (conv p) + Ops.sum [| 0; 1; 2; 3 |] false p) ]

    for name, pads, y in cases do
        let graph = { Outputs = [| name, y |]; Updates = [||] }
        let bindings = [| x, draw 1 x.Shape; w, draw 2 w.Shape |]
        let leaves = Leaves bindings
        let executable = Compile.executable checkedDefault graph leaves.Bind
        executable.Run()
        let expected = PlanRuns.interpret graph bindings
        Assert.Equal(None, PlanRuns.difference 1e-5 expected (PlanRuns.collect graph leaves executable))
        let text = executable.Describe()
        Assert.True((text.Split(" Pad(").Length - 1 = pads), name + "\n" + text)
