namespace FunctionalNet.Tests.Training

open System
open FunctionalNet
open FunctionalNet.Tests.Support
open FunctionalNet.Tests.Training.OptimizerRuns
open FunctionalNet.Training
open FunctionalNet.Common
open Xunit

/// Every optimizer with every option against loops that follow Keras's source.
type OptimizerRulesTests() =

    static let flags = set [ "nesterov"; "centered"; "amsgrad"; "use_ema"; "relative_step"; "exclude_embeddings" ]

    static let whole = set [ "gradient_accumulation_steps"; "ema_overwrite_frequency"; "ns_steps"; "warmup_steps" ]

    /// Keras's defaults of what the loops read.
    static let defaults (name: string) =
        [ "momentum", (if name = "Muon" then 0.95 else 0.0)
          "nesterov", (if name = "Muon" then 1.0 else 0.0)
          "rho", (if name = "Adadelta" then 0.95 else 0.9)
          "epsilon", (if name = "ScheduleFreeAdamW" then 1e-8 else 1e-7)
          "beta_1", 0.9
          "beta_2", (if name = "Lion" then 0.99 else 0.999)
          "initial_accumulator_value", 0.1
          "learning_rate_power", -0.5
          "beta_2_decay", -0.8
          "epsilon_1", 1e-30
          "epsilon_2", 1e-3
          "clip_threshold", 1.0
          "muon_a", 3.4445
          "muon_b", -4.7750
          "muon_c", 2.0315
          "ns_steps", 5.0
          "adam_lr_ratio", 1.0
          "rms_rate", 0.2
          "adam_weight_decay", 0.004
          "weight_decay", (if name = "AdamW" || name = "Muon" then 0.004 else 0.0)
          "ema_momentum", 0.99 ]
        |> Map.ofList

    static let common =
        [ []
          [ "weight_decay", 0.1 ]
          [ "clipnorm", 0.7 ]
          [ "clipvalue", 0.4 ]
          [ "global_clipnorm", 0.9; "weight_decay", 0.03 ]
          [ "loss_scale_factor", 8.0; "clipnorm", 0.2 ]
          [ "use_ema", 1.0; "ema_momentum", 0.8 ]
          [ "use_ema", 1.0; "ema_momentum", 0.6; "ema_overwrite_frequency", 3.0 ]
          [ "gradient_accumulation_steps", 3.0; "weight_decay", 0.05; "clipnorm", 0.5 ]
          [ "gradient_accumulation_steps", 2.0
            "use_ema", 1.0
            "ema_momentum", 0.7
            "ema_overwrite_frequency", 2.0 ] ]

    static let own =
        [ "SGD", [ []; [ "momentum", 0.9 ]; [ "momentum", 0.8; "nesterov", 1.0 ] ]
          "RMSprop",
          [ []
            [ "rho", 0.7; "momentum", 0.6 ]
            [ "centered", 1.0 ]
            [ "centered", 1.0; "momentum", 0.9; "epsilon", 1e-3 ] ]
          "Adam", [ []; [ "amsgrad", 1.0; "beta_2", 0.6 ]; [ "beta_1", 0.5; "epsilon", 0.1 ] ]
          "AdamW", [ []; [ "amsgrad", 1.0; "beta_2", 0.7 ] ]
          "Adagrad", [ []; [ "initial_accumulator_value", 0.0; "epsilon", 1e-3 ] ]
          "Adadelta", [ []; [ "rho", 0.6; "epsilon", 1e-2 ] ]
          "Adamax", [ []; [ "beta_1", 0.6; "beta_2", 0.5; "epsilon", 0.01 ] ]
          "Nadam", [ []; [ "beta_1", 0.7; "beta_2", 0.9; "epsilon", 0.01 ] ]
          "Ftrl",
          [ []
            [ "l1_regularization_strength", 0.2; "l2_regularization_strength", 0.3 ]
            [ "l2_shrinkage_regularization_strength", 0.4; "beta", 0.5 ]
            [ "learning_rate_power", -0.3; "initial_accumulator_value", 0.6 ] ]
          "Lion", [ []; [ "beta_1", 0.3; "beta_2", 0.5 ] ]
          "Lamb", [ []; [ "beta_1", 0.5; "beta_2", 0.8; "epsilon", 0.01 ] ]
          "Adafactor",
          [ []; [ "relative_step", 0.0 ]; [ "beta_2_decay", -0.5; "clip_threshold", 0.3; "epsilon_2", 0.9 ] ]
          "Muon",
          [ []
            [ "nesterov", 0.0; "ns_steps", 3.0; "rms_rate", 0.5; "adam_lr_ratio", 0.3 ]
            [ "adam_weight_decay", 0.2; "momentum", 0.5; "muon_c", 1.5 ] ]
          "ScheduleFreeAdamW", [ []; [ "warmup_steps", 4.0 ]; [ "beta_1", 0.6; "epsilon", 0.01 ] ] ]

    static let cases =
        [| for name, variants in own do
               for variant in variants do
                   name, 0.3, variant
               for options in List.tail common do
                   name, 0.3, options
               // Rates above 1 / sqrt(t), which Adafactor does not let pass.
               name, 2.5, [] |]

    static let config (name: string) (rate: float) (options: (string * float) list) : Config =
        { ClassName = name
          Arguments =
            ("learning_rate", ConfigValue.Float rate)
            :: [ for key, value in options ->
                     key,
                     (if flags.Contains key then ConfigValue.Bool(value = 1.0)
                      elif whole.Contains key then ConfigValue.Int(int64 value)
                      else ConfigValue.Float value) ] }

    static let value (name: string) (options: (string * float) list) =
        let known = options |> List.fold (fun (m: Map<string, float>) (k, v) -> m.Add(k, v)) (defaults name)
        fun key -> known |> Map.tryFind key |> Option.defaultValue 0.0

    static let shapes = [| struct (3, 2); struct (2, 4); struct (4, 0) |]

    let sizes = shapes |> Array.map (fun (struct (r, c)) -> if c = 0 then r else r * c)

    let tensor (i: int) (values: float[]) =
        let struct (r, c) = shapes[i]
        Tensor.OfDoubles(DType.Float64, (if c = 0 then Shape.Of r else Shape.Of(r, c)), values)

    let random = Random 11
    let draw (count: int) = Array.init count (fun _ -> random.NextDouble() * 2.0 - 1.0)
    let starts = sizes |> Array.map draw
    let gradients = Array.init 9 (fun _ -> sizes |> Array.map draw)

    let loops name p rate constrain =
        let variables =
            Array.map2 (fun (struct (r, c)) start -> OptimizerLoops.Variable(r, c, start)) shapes starts

        OptimizerLoops.run name p rate constrain variables gradients

    let ours (optimizer: Optimizer) (constraintOf: string -> Constraint option) =
        let paths = [| "a/kernel"; "b/kernel"; "b/bias" |]
        let struct (after, _, _) =
            runAt optimizer constraintOf paths (Array.mapi tensor starts) (gradients |> Array.map (Array.mapi tensor))

        after |> Array.map (Array.map numbers)

    let same (expected: float[][][]) (actual: float[][][]) =
        for batch in 0 .. expected.Length - 1 do
            for i in 0 .. shapes.Length - 1 do
                Close.closeToScale
                    ("batch " + string batch + ", variable " + string i)
                    1e-9
                    expected[batch].[i]
                    actual[batch].[i]

    static member Numbers =
        let data = TheoryData<int, string>()

        cases
        |> Array.iteri (fun i (name, rate, options) ->
            let texts = options |> List.map (fun (key, value) -> key + " " + string value)
            data.Add(i, name + " " + string rate + " " + String.Join(", ", texts)))

        data

    [<Theory; MemberData(nameof OptimizerRulesTests.Numbers)>]
    member _.``an update is that of Keras's source``(number: int, _: string) =
        let name, rate, options = cases[number]
        let optimizer = Optimizer.ofConfig (config name rate options)
        let expected = loops name (value name options) (fun _ -> rate) ignore
        same expected (ours optimizer (fun _ -> None))

    [<Fact>]
    member _.``a schedule counts batches, also while gradients are gathered``() =
        // base_optimizer.py: _get_current_learning_rate calls the schedule with _iterations, not with iterations.
        let schedule = Schedule.exponentialDecay 0.5 2.0 0.5 false
        let options = [ "gradient_accumulation_steps", 3.0; "beta_2", 0.9 ]
        let optimizer = Optimizer.ofConfig (config "Adam" 0.1 options) |> Optimizer.withSchedule schedule
        same
            (loops "Adam" (value "Adam" options) (fun i -> schedule.Rate(int64 i)) ignore)
            (ours optimizer (fun _ -> None))

    [<Fact>]
    member _.``averages are taken before constraints, which hold after every batch``() =
        let options = [ "use_ema", 1.0; "ema_momentum", 0.5; "gradient_accumulation_steps", 2.0 ]
        let nonNegative (w: float[]) =
            for i in 0 .. w.Length - 1 do
                w[i] <- max 0.0 w[i]
        let expected = loops "SGD" (value "SGD" options) (fun _ -> 0.4) nonNegative
        let optimizer = Optimizer.ofConfig (config "SGD" 0.4 options)
        same expected (ours optimizer (fun _ -> Some Constraint.nonNeg))

    [<Fact>]
    member _.``an infinite length of all gradients makes each of them NaN``() =
        // clip_by_global_norm: scale_for_finite + (use_norm - use_norm).
        let o = Optimizer.sgd 1.0 |> Optimizer.withOptions (fun o -> { o with GlobalClipNorm = Some 1.0 })
        let after = run o [| vector [ 0.0 ]; vector [ 0.0 ] |] [| [| vector [ 1.0 ]; vector [ infinity ] |] |]
        Assert.All(after[0], fun v -> Assert.True(Double.IsNaN(numbers v |> Array.head)))

    [<Theory>]
    [<InlineData("kernel", true)>]
    [<InlineData("^ker.*l$", true)>]
    [<InlineData("bias|kern", true)>]
    [<InlineData("dense", false)>] // Keras searches the variable's name, which is not its path.
    [<InlineData("block/dense", true)>]
    [<InlineData("block/dense/kernel", true)>]
    [<InlineData("block/", true)>]
    [<InlineData("block/den", false)>]
    [<InlineData("dense/kernel", false)>]
    member _.``what does not decay``(entry: string, excluded: bool) =
        let o = { OptimizerOptions.OfRate 0.1 with ExcludeFromWeightDecay = [ entry ] }
        Assert.Equal(excluded, OptimizerUpdate.excluded o "block/dense/kernel")

    [<Fact>]
    member _.``Muon's iterations, as in muon_test.py``() =
        // keras/src/optimizers/muon_test.py: test_Newton_Schulz.
        let p = value "Muon" []
        let made = OptimizerLoops.newtonSchulz p 2 2 [| 0.2499; 0.9105; 0.2655; 0.8824 |]
        Close.close 1e-3 1e-3 [| -0.4422; 0.6457; 0.7285; 0.2968 |] made

    [<Fact>]
    member _.``Muon leaves to Adam what is no matrix, embeddings and excluded layers``() =
        let slots (options: MuonOptions) path (shape: Shape) =
            let o = Optimizer.muonWith options (OptimizerOptions.OfRate 0.1)
            slotsOf o path shape |> Array.map (fun s -> s.Name)

        let usual = MuonOptions.Default
        let matrix = Shape.Of(3, 2)
        Assert.Equal<string[]>([| "momentum" |], slots usual "dense/kernel" matrix)
        Assert.Equal<string[]>([| "momentum"; "velocity" |], slots usual "dense/bias" (Shape.Of 3))
        Assert.Equal<string[]>([| "momentum"; "velocity" |], slots usual "conv/kernel" (Shape.Of(3, 3, 2, 1)))
        Assert.Equal<string[]>([| "momentum"; "velocity" |], slots usual "My_Embedding/table" matrix)
        Assert.Equal<string[]>(
            [| "momentum" |],
            slots { usual with ExcludeEmbeddings = false } "embedding/table" matrix
        )
        let out = { usual with ExcludeLayers = [ "^out" ] }
        Assert.Equal<string[]>([| "momentum"; "velocity" |], slots out "out_dense/kernel" matrix)
        Assert.Equal<string[]>([| "momentum" |], slots out "layout/kernel" matrix)

    [<Fact>]
    member _.``configurations as Keras writes them, and back``() =
        for optimizer in
            [ Optimizer.muon 0.01
              Optimizer.muonWith
                  { MuonOptions.Default with RmsRate = None; AdamWeightDecay = None; ExcludeLayers = [ "out" ] }
                  (OptimizerOptions.OfRate 0.2)
              Optimizer.scheduleFreeAdamW 0.01
              Optimizer.lossScale (Optimizer.adam 0.1)
              Optimizer.lossScaleWith 8.0 3 (Optimizer.multi (Optimizer.sgd 0.1) [ "a/.*", Optimizer.adam 0.2 ])
              Optimizer.multiWith
                  (Some 4.0)
                  (Optimizer.sgd 0.1)
                  [ "x", Optimizer.muon 0.2; "y/.*", Optimizer.adamW 0.1 ] ] do
            let config = (Optimizer.config optimizer).Value
            let again = Optimizer.ofConfig config
            Assert.Equal<Config>(config, (Optimizer.config again).Value)

        // What is None in Keras is not the default.
        let bare = Optimizer.muonWith { MuonOptions.Default with RmsRate = None } (OptimizerOptions.OfRate 0.2)
        let argument key = (Optimizer.config bare).Value.Arguments |> List.find (fun (k, _) -> k = key) |> snd
        Assert.Equal(ConfigValue.Null, argument "rms_rate")
        Assert.Equal(ConfigValue.Null, argument "weight_decay")

        // loss_scale_optimizer.py: get_config has the options of every optimizer too, and no learning rate.
        let keras: Config =
            { ClassName = "LossScaleOptimizer"
              Arguments =
                [ "name", ConfigValue.Text "loss_scale_optimizer"
                  "weight_decay", ConfigValue.Null
                  "clipnorm", ConfigValue.Null
                  "use_ema", ConfigValue.Bool false
                  "inner_optimizer", Configs.nest (Optimizer.config (Optimizer.adam 0.5)).Value
                  "initial_scale", ConfigValue.Float 16.0
                  "dynamic_growth_steps", ConfigValue.Int 5L ] }

        match (Optimizer.ofConfig keras).Update with
        | LossScaled scaling ->
            Assert.Equal(16.0, scaling.InitialScale)
            Assert.Equal(5, scaling.GrowthSteps)
            Assert.Equal("Adam", scaling.Inner.ClassName)
        | _ -> Assert.Fail "no scale"

    [<Fact>]
    member _.``an exact path comes before patterns, and two patterns are an error``() =
        let chosen path =
            match
                (Optimizer.multi
                    (Optimizer.sgd 0.1)
                    [ "a/b", Optimizer.adam 0.1; "a/.*", Optimizer.adamW 0.1; ".*/c", Optimizer.adam 0.2 ])
                    .Update
            with
            | ByPath map -> Optimizer.chosenBy map path
            | _ -> -1

        Assert.Equal(0, chosen "a/b")
        Assert.Equal(1, chosen "a/x")
        Assert.Equal(2, chosen "z/c")
        Assert.Equal(3, chosen "z/cd") // fullmatch
        let e = Assert.Throws<ArgumentValueException>(fun () -> chosen "a/c" |> ignore)
        Assert.Contains("a/.* and .*/c", e.Actual)

    [<Fact>]
    member _.``wrappers that make no sense``() =
        let bad (make: unit -> Optimizer) = Assert.Throws<ArgumentValueException>(fun () -> make () |> ignore) |> ignore
        let adam = Optimizer.adam 0.1
        bad (fun () -> Optimizer.lossScale (Optimizer.lossScale adam))
        bad (fun () -> Optimizer.lossScaleWith 0.0 10 adam)
        bad (fun () -> Optimizer.lossScaleWith 1.0 0 adam)
        bad (fun () -> Optimizer.multi (Optimizer.lossScale adam) [])
        bad (fun () -> Optimizer.multi adam [ "a", Optimizer.multi adam [] ])
        bad (fun () -> Optimizer.multi adam [ "a", adam; "a", adam ])
        bad (fun () -> Optimizer.multi adam [ "(", adam ])
        bad (fun () -> Optimizer.lossScale adam |> Optimizer.withOptions id)
        bad (fun () ->
            Optimizer.adam 0.1 |> Optimizer.withOptions (fun o -> { o with ExcludeFromWeightDecay = [ "(" ] }))
