namespace FunctionalNet.Benchmarks.Compare

open FunctionalNet

/// One layer of a network that both sides build.
[<RequireQualifiedAccess>]
type internal Part =
    | Dense of units: int * relu: bool
    /// A square window; padded with so many zeros on every side. With a bias, or without.
    | Conv of filters: int * size: int * stride: int * padding: int * bias: bool
    | MaxPool of size: int * stride: int * padding: int
    /// The mean over all positions.
    | GlobalAverage
    | BatchNorm
    | LayerNorm
    | Relu
    | Flatten
    | Dropout of float
    | Embedding of ids: int * width: int
    /// The last state.
    | Lstm of units: int
    | Gru of units: int
    /// Self-attention.
    | Attention of heads: int
    /// The sum of two branches; an empty one is the input.
    | Sum of main: Part list * other: Part list

/// What is minimised.
[<RequireQualifiedAccess>]
type internal Goal =
    /// The mean squared error to numbers of this shape, without the batch axis.
    | Numbers of int list
    /// The cross-entropy of logits of so many classes.
    | Classes of int
    /// The cross-entropy of one logit.
    | YesNo

/// A network with what it is trained with. The peer is told as text, so both sides build the same.
[<NoEquality; NoComparison>]
type internal NetSpec =
    {
        /// Without the batch axis; images are height, width, channels.
        Input: int list
        /// The inputs are whole numbers below this; 0: any numbers.
        Ids: int
        Parts: Part list
        Batch: int
        Goal: Goal
    }

module internal Spec =

    let private words dropout (parts: Part list) : string list =
        let flag on name = if on then ":" + name else ""

        let rec word part =
            match part with
            | Part.Dense(units, relu) -> [ $"""dense:{units}{flag relu "relu"}""" ]
            | Part.Conv(filters, size, stride, padding, bias) ->
                [ $"""conv:{filters}:{size}:{stride}:{padding}{flag bias "bias"}""" ]
            | Part.MaxPool(size, stride, padding) -> [ $"pool:{size}:{stride}:{padding}" ]
            | Part.GlobalAverage -> [ "average" ]
            | Part.BatchNorm -> [ "batchnorm" ]
            | Part.LayerNorm -> [ "layernorm" ]
            | Part.Relu -> [ "relu" ]
            | Part.Flatten -> [ "flatten" ]
            | Part.Dropout rate -> [ if dropout then $"dropout:{rate}" ]
            | Part.Embedding(ids, width) -> [ $"embedding:{ids}:{width}" ]
            | Part.Lstm units -> [ $"lstm:{units}" ]
            | Part.Gru units -> [ $"gru:{units}" ]
            | Part.Attention heads -> [ $"attention:{heads}" ]
            | Part.Sum(main, other) -> [ "("; yield! all main; "|"; yield! all other; ")" ]

        and all parts = List.collect word parts

        all parts

    /// For example "28,28,1 conv:32:3:1:0:bias relu flatten dropout:0.5 dense:10"; ( a | b ) is the sum of two branches.
    let text (dropout: bool) (spec: NetSpec) : string =
        String.concat " " ((spec.Input |> List.map string |> String.concat ",") :: words dropout spec.Parts)

    let private square n = [ n; n ]
    let private border n = Layer.zeroPadding2D [ n, n; n, n ]

    let private conv filters size stride padding bias =
        let same = stride = 1 && 2 * padding = size - 1 && padding > 0

        let options =
            { Conv.options filters (square size) with
                Strides = square stride
                Padding = (if same then Padding.Same else Padding.Valid)
                UseBias = bias }

        [ if padding > 0 && not same then border padding
          Layer.conv2DWith options ]

    let rec private layers dropout (parts: Part list) : Layer list =
        parts
        |> List.collect (fun part ->
            match part with
            | Part.Dense(units, relu) -> [ Layer.dense units; if relu then Layer.relu ]
            | Part.Conv(filters, size, stride, padding, bias) -> conv filters size stride padding bias
            | Part.MaxPool(size, stride, padding) ->
                [ if padding > 0 then border padding
                  Layer.maxPooling2DWith { Pool.options (square size) with Strides = Some(square stride) } ]
            | Part.GlobalAverage -> [ Layer.globalAveragePooling2D ]
            | Part.BatchNorm -> [ Layer.batchNormalization ]
            | Part.LayerNorm -> [ Layer.layerNormalization ]
            | Part.Relu -> [ Layer.relu ]
            | Part.Flatten -> [ Layer.flatten ]
            | Part.Dropout rate -> [ if dropout then Layer.dropout rate ]
            | Part.Embedding(ids, width) -> [ Layer.embedding ids width ]
            | Part.Lstm units -> [ Layer.lstm units ]
            | Part.Gru units -> [ Layer.gru units ]
            | Part.Attention heads -> [ Sequences.attention heads ]
            | Part.Sum(main, []) -> [ Layer.residual (Layer.serial (layers dropout main)) ]
            | Part.Sum(main, other) ->
                [ Layer.parallelMerge
                      Layer.add
                      [ Layer.serial (layers dropout main); Layer.serial (layers dropout other) ] ])

    let network (dropout: bool) (spec: NetSpec) : Network =
        Network.sequential (Network.input spec.Input) (layers dropout spec.Parts)

    let loss (spec: NetSpec) : Loss =
        match spec.Goal with
        | Goal.Numbers _ -> Loss.meanSquaredError
        | Goal.Classes _ ->
            Loss.sparseCategoricalCrossentropy { SparseCrossentropyOptions.Default with FromLogits = true }
        | Goal.YesNo -> Loss.binaryCrossentropy { CrossentropyOptions.Default with FromLogits = true }

    /// What the peer is told.
    let lossName (spec: NetSpec) : string =
        match spec.Goal with
        | Goal.Numbers _ -> "squares"
        | Goal.Classes _ -> "classes"
        | Goal.YesNo -> "yes-no"

    /// The same numbers on every run: uniform in 0 to 1.
    let uniform (seed: int) (dims: int list) : Tensor =
        let random = System.Random seed
        let shape = Shape.Of(List.toArray dims)
        Tensor.Of<float32>(shape, Array.init shape.Size (fun _ -> random.NextSingle()))

    let inputs (rows: int) (spec: NetSpec) : Tensor =
        let x = uniform 1 (rows :: spec.Input)

        if spec.Ids = 0 then
            x
        else
            Tensor.Of<float32>(x.Shape, x.ToArray<float32>() |> Array.map (fun u -> floor (u * float32 spec.Ids)))

    let targets (spec: NetSpec) : Tensor =
        match spec.Goal with
        | Goal.Numbers dims -> uniform 2 (spec.Batch :: dims)
        | Goal.Classes classes ->
            let random = System.Random 2
            Tensor.Of<int>(Shape.Of(spec.Batch, 1), Array.init spec.Batch (fun _ -> random.Next classes))
        | Goal.YesNo ->
            let random = System.Random 2
            let shape = Shape.Of(spec.Batch, 1)
            Tensor.Of<float32>(shape, Array.init spec.Batch (fun _ -> float32 (random.Next 2)))

    /// First weights by path. What would start with zeros or ones only, such as a bias, is moved a little, so that no weight
    /// can be left out unseen.
    let weights (spec: NetSpec) : (string * Tensor)[] =
        Network.init 7UL (network true spec)
        |> Array.mapi (fun i (variable, value) ->
            let numbers = value.ToArray<float32>()

            if numbers.Length > 0 && Array.forall (fun v -> v = numbers[0]) numbers then
                let moves = (uniform (100 + i) [ numbers.Length ]).ToArray<float32>()
                variable.Path, Tensor.Of<float32>(value.Shape, Array.map2 (fun v m -> v + 0.1f * m) numbers moves)
            else
                variable.Path, value)
