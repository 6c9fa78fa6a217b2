namespace FunctionalNet.Tests

open System
open System.Reflection
open FunctionalNet.Tests.Layers
open FunctionalNet.Tests.Support
open FunctionalNet.Tests.Training
open Xunit
open Xunit.Abstractions

/// Which of the case files' classes are compared, and that no case of them is left out.
type KerasCoverageTests(output: ITestOutputHelper) =

    let test (owner: Type) (name: string) : MethodInfo =
        let found = owner.GetMethod name |> Option.ofObj
        Assert.True(found.IsSome, owner.Name + " has no test: " + name)
        Assert.True((found.Value.GetCustomAttribute<FactAttribute>() |> nonNull).Skip |> isNull, name + " is skipped")
        found.Value

    /// The ids that a theory runs.
    let idsOf (owner: Type) (name: string) : Set<string> =
        let theory = test owner name
        let data = theory.GetCustomAttribute<MemberDataAttribute>() |> nonNull
        data.GetData theory |> nonNull |> Seq.map (fun row -> string row[0]) |> Set.ofSeq

    /// The ids that all of these theories run.
    let comparedBy (owner: Type) (names: string list) = names |> List.map (idsOf owner) |> Set.intersectMany

    /// Prints what is compared; fails if a required class is not, or a case of a compared class is not.
    let check (file: string) (cases: (string * string)[]) (compared: Set<string>) (required: string list) =
        let isCompared (id: string, _) = compared.Contains id
        let classes = cases |> Array.filter isCompared |> Array.map snd |> Set.ofArray
        let left =
            cases |> Array.map snd |> Array.filter (fun name -> not (classes.Contains name)) |> Array.distinct
        let line =
            "Keras cases: "
            + file
            + ": covered "
            + string (cases |> Array.filter isCompared |> Array.length)
            + " of "
            + string cases.Length
            + (if left.Length = 0 then "" else "; not covered: " + String.Join(", ", left))

        Console.WriteLine line
        output.WriteLine line
        Assert.Equal(cases.Length, (cases |> Array.distinctBy fst).Length)
        Assert.Empty(required |> List.filter (fun name -> not (classes.Contains name)))
        Assert.Empty(cases |> Array.filter (fun c -> classes.Contains(snd c) && not (isCompared c)))

    let all (cases: (string * string)[]) = cases |> Array.map fst |> Set.ofArray

    static let ranks (name: string) = [ for rank in 1..3 -> name + string rank + "D" ]

    static let layers =
        [ "Dense"
          "BatchNormalization"
          "LayerNormalization"
          "Dropout"
          "Activation"
          "ReLU"
          "LeakyReLU"
          "PReLU"
          "ELU"
          "Softmax"
          "Flatten"
          "Reshape"
          "Permute"
          "RepeatVector"
          "UpSampling2D"
          "Embedding"
          "Add"
          "Subtract"
          "Multiply"
          "Average"
          "Maximum"
          "Minimum"
          "Concatenate"
          "Dot"
          "ActivityRegularization"
          "Discretization"
          "CategoryEncoding"
          "Attention"
          "AdditiveAttention"
          "MultiHeadAttention"
          "GroupQueryAttention"
          "SpectralNormalization"
          "EinsumDense" ]
        @ ([ "Conv"
             "MaxPooling"
             "AveragePooling"
             "GlobalMaxPooling"
             "GlobalAveragePooling"
             "ZeroPadding" ]
           |> List.collect ranks)

    [<Fact>]
    member _.``layers: values and gradients, by the interpreter and compiled``() =
        let cases = KerasCases.layers () |> Array.map (fun c -> c.Id, c.Layer)
        let functions = cases |> Array.map snd |> Array.filter (fun name -> name.StartsWith "activations.")

        let compared =
            comparedBy
                typeof<KerasLayerTests>
                [ "a layer computes what Keras computes"; "a compiled layer computes what Keras computes" ]

        check "layers" cases compared (layers @ List.ofArray functions)

        // A case with gradients has one for every float input and every trainable weight.
        for case in KerasCases.layers () do
            if compared.Contains case.Id && case.R.Length > 0 then
                Assert.Equal(case.Inputs.Length, case.InputGrads.Length)
                Assert.Equal(case.Weights.Length, case.WeightGrads.Length)

                for input, gradient in Array.zip case.Inputs case.InputGrads do
                    Assert.Equal(input.DType.StartsWith "float", gradient.IsSome)

                for weight, gradient in Array.zip case.Weights case.WeightGrads do
                    Assert.Equal(weight.Trainable, gradient.IsSome)

    [<Fact>]
    member _.``losses: values and gradients, by the interpreter and compiled``() =
        let cases = KerasCases.losses () |> Array.map (fun c -> c.Id, c.Loss)

        let compared =
            Set.intersect
                (idsOf typeof<LossTests> "Keras's values and gradients")
                (idsOf typeof<CompiledCasesTests> "a compiled loss equals the interpreter")

        check
            "losses"
            cases
            compared
            [ "MeanSquaredError"
              "MeanAbsoluteError"
              "Huber"
              "BinaryCrossentropy"
              "CategoricalCrossentropy"
              "SparseCategoricalCrossentropy"
              "Hinge"
              "SquaredHinge"
              "CategoricalHinge"
              "KLDivergence"
              "Poisson"
              "CosineSimilarity"
              "Circle"
              "CTC" ]

    [<Fact>]
    member _.``metrics: results after every batch, by the interpreter and compiled``() =
        let cases = KerasCases.metrics () |> Array.map (fun c -> c.Id, c.Metric)

        let compared =
            Set.intersect
                (idsOf typeof<MetricTests> "Keras's results after every batch")
                (idsOf typeof<CompiledCasesTests> "a compiled metric equals the interpreter")

        check
            "metrics"
            cases
            compared
            [ "Mean"
              "Accuracy"
              "BinaryAccuracy"
              "CategoricalAccuracy"
              "SparseCategoricalAccuracy"
              "TopKCategoricalAccuracy"
              "SparseTopKCategoricalAccuracy"
              "MeanSquaredError"
              "MeanAbsoluteError"
              "RootMeanSquaredError"
              "Precision"
              "Recall"
              "AUC"
              "IoU"
              "MeanIoU" ]

    [<Fact>]
    member _.``optimizers: variables after every step, by the interpreter and compiled``() =
        let cases = KerasCases.optimizers () |> Array.map (fun c -> c.Id, c.Optimizer)

        let compared =
            Set.intersect
                (idsOf typeof<OptimizerTests> "Keras's variables after every step")
                (idsOf typeof<CompiledCasesTests> "a compiled update equals the interpreter")

        check
            "optimizers"
            cases
            compared
            [ "SGD"; "RMSprop"; "Adam"; "AdamW"; "Adagrad"; "Adadelta"; "Adamax"; "Nadam" ]

        let schedules = KerasCases.schedules () |> Array.map (fun c -> c.Id, c.Schedule)

        check
            "schedules"
            schedules
            (comparedBy typeof<ScheduleTests> [ "Keras's rates at every step" ])
            [ "ExponentialDecay"
              "InverseTimeDecay"
              "PolynomialDecay"
              "PiecewiseConstantDecay"
              "CosineDecay"
              "CosineDecayRestarts" ]

    [<Fact>]
    member _.``regularizers and constraints``() =
        test typeof<KerasLayerTests> "every regularizer gives Keras's penalty and gradient" |> ignore
        test typeof<KerasLayerTests> "every constraint projects as Keras does" |> ignore
        let regularizers = KerasCases.regularizers () |> Array.map (fun c -> c.Id, c.Regularizer)
        check "regularizers" regularizers (all regularizers) [ "L1"; "L2"; "L1L2"; "OrthogonalRegularizer" ]
        let constraints = KerasCases.constraints () |> Array.map (fun c -> c.Id, c.Constraint)
        check "constraints" constraints (all constraints) [ "MaxNorm"; "NonNeg"; "UnitNorm"; "MinMaxNorm" ]

    [<Fact>]
    member _.``whole training runs``() =
        let cases = KerasCases.fits () |> Array.map (fun c -> c.Id, c.Id)
        let compared = comparedBy typeof<FitTests> [ "Keras's history, weights, evaluation and predictions" ]
        // A run of layers that are all there has to be compared.
        let required =
            KerasCases.fits ()
            |> Array.filter (fun c -> not (c.Model.GetRawText().Contains "LSTM"))
            |> Array.map (fun c -> c.Id)

        check "fits" cases compared (List.ofArray required)

    [<Fact>]
    member _.``the small cases of Keras 2``() =
        let name (c: KerasJsCase) = if c.Layer = "" then String.Join('.', (c.Id.Split '.')[..1]) else c.Layer
        let cases = KerasCases.kerasJs () |> Array.map (fun c -> c.Id, name c)
        let compared = comparedBy typeof<CompositionTests> [ "a layer computes what Keras 2 computed" ]
        check "keras-js" cases compared (cases |> Array.map snd |> Array.distinct |> List.ofArray)
