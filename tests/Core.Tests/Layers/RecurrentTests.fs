namespace FunctionalNet.Tests.Layers

open System
open Xunit
open FsCheck
open FsCheck.FSharp
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels
open FunctionalNet.Tests.Support

/// LSTM and GRU with every gate written out, in float64, one number at a time.
module RecurrentByHand =

    let private sigmoid x = 1.0 / (1.0 + exp -x)

    /// x[t, :] . w[:, column] over a row-major matrix.
    let private dot (x: float[]) (w: float[]) (columns: int) (column: int) =
        let mutable sum = 0.0

        for k in 0 .. x.Length - 1 do
            sum <- sum + x[k] * w[k * columns + column]

        sum

    /// The order of the steps.
    let private steps time reverse = if reverse then [| time - 1 .. -1 .. 0 |] else [| 0 .. time - 1 |]

    /// One sequence x (time, features): h at every place, and c at the end.
    let lstm (units: int) reverse (x: float[][]) (mask: bool[]) (kernel: float[]) (recurrent: float[]) (bias: float[]) =
        let mutable h = Array.zeroCreate units
        let mutable c = Array.zeroCreate units
        let all = Array.create x.Length h

        for t in steps x.Length reverse do
            if mask[t] then
                let z gate u =
                    let column = gate * units + u
                    dot x[t] kernel (4 * units) column + dot h recurrent (4 * units) column + bias[column]

                let next =
                    Array.init units (fun u ->
                        let i, f, g, o = sigmoid (z 0 u), sigmoid (z 1 u), tanh (z 2 u), sigmoid (z 3 u)
                        let cell = f * c[u] + i * g
                        struct (o * tanh cell, cell))

                h <- next |> Array.map (fun (struct (h, _)) -> h)
                c <- next |> Array.map (fun (struct (_, c)) -> c)

            all[t] <- h

        struct (all, h, c)

    /// One sequence: h at every place. The bias is that of the input, then that of the recurrent product.
    let gru (units: int) reverse (x: float[][]) (mask: bool[]) (kernel: float[]) (recurrent: float[]) (bias: float[]) =
        let mutable h = Array.zeroCreate units
        let all = Array.create x.Length h

        for t in steps x.Length reverse do
            if mask[t] then
                let input gate u = dot x[t] kernel (3 * units) (gate * units + u) + bias[gate * units + u]

                let inner gate u = dot h recurrent (3 * units) (gate * units + u) + bias[(3 + gate) * units + u]

                h <-
                    Array.init units (fun u ->
                        let z, r = sigmoid (input 0 u + inner 0 u), sigmoid (input 1 u + inner 1 u)
                        let candidate = tanh (input 2 u + r * inner 2 u)
                        z * h[u] + (1.0 - z) * candidate)

            all[t] <- h

        all

/// Sizes of a case.
type RecurrentCase =
    { Batch: int
      Time: int
      Features: int
      Units: int
      Backwards: bool
      Masked: bool
      Sequences: bool
      IsLstm: bool
      Seed: int }

type RecurrentCases =
    static member Case() : Arbitrary<RecurrentCase> =
        gen {
            let! batch = Gen.frequency [ 3, Gen.choose (1, 9); 1, Gen.choose (10, 21) ]
            let! time = Gen.frequency [ 1, Gen.constant 1; 4, Gen.choose (2, 7) ]
            let! features = Gen.choose (1, 5)
            let! units = Gen.frequency [ 3, Gen.choose (1, 20); 1, Gen.choose (21, 70) ]
            let! flags = Gen.arrayOfLength 4 (Gen.elements [ true; false ])
            let! seed = Gen.choose (0, 1000000)

            return
                { Batch = batch
                  Time = time
                  Features = features
                  Units = units
                  Backwards = flags[0]
                  Masked = flags[1]
                  Sequences = flags[2]
                  IsLstm = flags[3]
                  Seed = seed }
        }
        |> Arb.fromGen

[<Properties(Arbitrary = [| typeof<RecurrentCases> |])>]
module RecurrentTests =

    let private layerOf (case: RecurrentCase) =
        let options units =
            { LSTM.options units with
                ReturnSequences = case.Sequences
                ReturnState = true
                GoBackwards = case.Backwards }

        if case.IsLstm then Layer.lstmWith (options case.Units) else Layer.gruWith (options case.Units)

    /// Numbers about as large as trained weights are, so that gates are neither open nor shut.
    let private numbers (seed: int) (count: int) =
        let random = System.Random seed
        Array.init count (fun _ -> (random.NextDouble() - 0.5) * 1.4)

    let private tensor dtype (seed: int) (shape: Shape) = Tensor.OfDoubles(dtype, shape, numbers seed shape.Size)

    /// The layer traced, with its weights and data; and the gradients of all outputs to all of those.
    let private setup (dtype: DType) (case: RecurrentCase) =
        let types = [| LayerRun.typeOf dtype [| case.Batch; case.Time; case.Features |] |]
        let mask = if case.Masked then Some(Shape.Of(case.Batch, case.Time)) else None
        let trace = LayerRun.trace Mode.Train dtype (layerOf case) types [| mask |]
        let inputs = [| tensor dtype case.Seed types[0].Shape |]
        let weights = trace.Specs |> Array.mapi (fun i s -> tensor dtype (case.Seed + 1 + i) s.Shape)

        let masks =
            match trace.Masks[0], mask with
            | Some leaf, Some shape ->
                // The first row counts nowhere.
                let random = System.Random case.Seed
                let value i = if i < case.Time || random.Next 3 = 0 then 0.0 else 1.0
                [| leaf, Tensor.OfDoubles(DType.Bool, shape, Array.init shape.Size value) |]
            | _ -> [||]

        let loss =
            trace.Outputs
            |> Array.mapi (fun i e -> Ops.sumAll (e * Expr.Constant(tensor dtype (case.Seed + 50 + i) e.Shape)))
            |> Array.reduce (+)

        let gradients = Grad.gradients loss (Array.append trace.Inputs trace.Leaves)
        struct (trace, Array.append (LayerRun.bind trace inputs weights) masks, Array.append trace.Outputs gradients)

    [<Property>]
    let ``a fused sequence and its derivatives are those of the loop`` (case: RecurrentCase) =
        let struct (_, bindings, roots) = setup DType.Float32 case
        let expected = LayerRun.interpret bindings roots
        let actual = LayerRun.compiled bindings roots

        Array.zip expected actual
        |> Array.iteri (fun i (e, a) -> Close.closeToScale (string case + " result " + string i) 2e-5 e a)

    [<Property>]
    let ``every gate is the one of the textbook`` (case: RecurrentCase) =
        let struct (trace, bindings, _) = setup DType.Float32 { case with Sequences = true }
        let actual = LayerRun.compiled bindings trace.Outputs
        let value (e: Expr) =
            (bindings |> Array.find (fun (leaf, _) -> obj.ReferenceEquals(leaf, e)) |> snd).ToDoubles()
        let x = value trace.Inputs[0]
        let weights = trace.Leaves |> Array.map value

        for row in 0 .. case.Batch - 1 do
            let at t = (row * case.Time + t) * case.Features
            let steps = Array.init case.Time (fun t -> x[at t .. at t + case.Features - 1])

            let mask =
                match trace.Masks[0] with
                | Some leaf ->
                    let all = value leaf
                    Array.init case.Time (fun t -> all[row * case.Time + t] <> 0.0)
                | None -> Array.create case.Time true

            let all =
                if case.IsLstm then
                    let struct (all, h, c) =
                        RecurrentByHand.lstm case.Units case.Backwards steps mask weights[0] weights[1] weights[2]

                    let own i = Array.init case.Units (fun u -> Array.get actual[i] (row * case.Units + u))
                    Close.closeToScale "h" 1e-5 h (own 1)
                    Close.closeToScale "c" 1e-5 c (own 2)
                    all
                else
                    RecurrentByHand.gru case.Units case.Backwards steps mask weights[0] weights[1] weights[2]

            let expected = (if case.Backwards then Array.rev all else all) |> Array.concat
            let size = case.Time * case.Units
            let own = actual[0]
            Close.closeToScale (string case) 1e-5 expected own[row * size .. (row + 1) * size - 1]

    [<Property>]
    let ``bits do not depend on the number of threads`` (case: RecurrentCase) =
        let struct (_, bindings, roots) = setup DType.Float32 case
        let before = Workers.Threads

        let run threads =
            Workers.Threads <- threads
            LayerRun.compiled bindings roots

        try
            let one = run 1
            Assert.Equal<float[][]>(one, run 2)
            Assert.Equal<float[][]>(one, run 3)
        finally
            Workers.Threads <- before

    [<Theory>]
    [<InlineData(true)>]
    [<InlineData(false)>]
    let ``a thousand steps are as exact as one`` (isLstm: bool) =
        let case =
            { Batch = 2
              Time = 1000
              Features = 2
              Units = 5
              Backwards = false
              Masked = true
              Sequences = true
              IsLstm = isLstm
              Seed = 7 }

        let struct (_, bindings, roots) = setup DType.Float32 case
        let expected = LayerRun.interpret bindings roots

        Array.zip expected (LayerRun.compiled bindings roots)
        |> Array.iteri (fun i (e, a) -> Close.closeToScale (string i) 1e-4 e a)

    let private options: (string * (RecurrentOptions -> RecurrentOptions)) list =
        [ "plain", id
          "last", (fun o -> { o with ReturnSequences = false })
          "backwards", (fun o -> { o with GoBackwards = true })
          "zeros", (fun o -> { o with ZeroOutputForMask = true })
          "zeros backwards, last",
          (fun o -> { o with ZeroOutputForMask = true; GoBackwards = true; ReturnSequences = false }) ]

    /// Keras 3.8's Layer.__call__ looks for the mask of an only tensor: with initial states a mask counts if it is an argument.
    [<Fact>]
    let ``with initial states the mask of the sequence does not count unless it is named`` () =
        let inner = { LSTM.options 3 with ReturnSequences = true }

        for layer, states in
            [ Layer.lstmWith inner, 2; Layer.gruWith inner, 1; Layer.bidirectional (Layer.lstmWith inner), 4 ] do
            let types =
                Array.append
                    [| LayerRun.typeOf DType.Float64 [| 2; 3; 2 |] |]
                    (Array.init states (fun _ -> LayerRun.typeOf DType.Float64 [| 2; 3 |]))

            let run (layer: Layer) isMasked =
                let mask = (if isMasked then Some(Shape.Of(2, 3)) else None) :: List.replicate states None
                let trace = LayerRun.trace Mode.Infer DType.Float64 layer types (List.toArray mask)
                let inputs = types |> Array.mapi (fun i t -> tensor DType.Float64 (3 + i) t.Shape)
                let weights = trace.Specs |> Array.mapi (fun i s -> tensor DType.Float64 (20 + i) s.Shape)
                let steps = [| 1.0; 0.0; 1.0; 0.0; 1.0; 1.0 |]

                let masks =
                    trace.Masks
                    |> Array.choose (Option.map (fun leaf -> leaf, Tensor.OfDoubles(DType.Bool, Shape.Of(2, 3), steps)))

                (LayerRun.interpret (Array.append (LayerRun.bind trace inputs weights) masks) trace.Outputs)[0],
                trace.OutputMasks[0]

            let plain, _ = run layer false
            let implied, mask = run layer true
            let named, _ = run (LayerRun.maskedByName layer) true
            Assert.Equal<float[]>(plain, implied)
            Assert.True mask.IsSome
            Assert.NotEqual<float[]>(plain, named)

    /// Layers in all the ways that a sequence can be run, on masked data, with and without initial states.
    [<Fact>]
    let ``unrolled, looped and fused are the same`` () =
        for make, states in [ Layer.simpleRNNWith, 1; Layer.lstmWith, 2; Layer.gruWith, 1 ] do
            for name, change in options do
                for given in [ 0; states ] do
                    let layer unroll recurrentDropout =
                        make (
                            change
                                { LSTM.options 3 with
                                    ReturnSequences = true
                                    ReturnState = true
                                    Unroll = unroll
                                    RecurrentDropout = recurrentDropout }
                        )

                    let types =
                        Array.append
                            [| LayerRun.typeOf DType.Float64 [| 4; 5; 2 |] |]
                            (Array.init given (fun _ -> LayerRun.typeOf DType.Float64 [| 4; 3 |]))

                    let mask = Some(Shape.Of(4, 5)) :: List.replicate given None |> List.toArray

                    let run mode layer =
                        let trace = LayerRun.trace mode DType.Float64 (LayerRun.maskedByName layer) types mask
                        let inputs = types |> Array.mapi (fun i t -> tensor DType.Float64 (3 + i) t.Shape)
                        let weights = trace.Specs |> Array.mapi (fun i s -> tensor DType.Float64 (20 + i) s.Shape)
                        let steps = Array.init 20 (fun i -> if i < 5 || i % 7 = 0 then 0.0 else 1.0)
                        let masks = [| trace.Masks[0].Value, Tensor.OfDoubles(DType.Bool, Shape.Of(4, 5), steps) |]
                        LayerRun.interpret (Array.append (LayerRun.bind trace inputs weights) masks) trace.Outputs

                    let fused = run Mode.Infer (layer false 0.0)
                    // A layer that drops states in training has no fused form there: dropping next to nothing is the loop.
                    let looped = run Mode.Train (layer false 1e-300)
                    let unrolled = run Mode.Infer (layer true 0.0)

                    for i in 0 .. fused.Length - 1 do
                        Close.closeToScale (name + " looped") 1e-12 fused[i] looped[i]
                        Close.closeToScale (name + " unrolled") 1e-12 fused[i] unrolled[i]
