namespace FunctionalNet.Benchmarks.Compare

open FunctionalNet

/// One layer of a network that both sides build.
[<RequireQualifiedAccess>]
type internal Part =
    | Dense of units: int * relu: bool
    | Conv of filters: int * size: int * relu: bool
    | MaxPool of int
    | Flatten
    | Dropout of float

/// A network with what it is trained with. The peer is told as text, so both sides build the same.
[<NoEquality; NoComparison>]
type internal NetSpec =
    {
        /// Without the batch axis; images are height, width, channels.
        Input: int list
        Parts: Part list
        Batch: int
        /// The number of classes, or 0: one number by the mean squared error.
        Classes: int
    }

module internal Spec =

    /// For example "28,28,1 conv:32:3:relu pool:2 flatten dropout:0.5 dense:10".
    let text (dropout: bool) (spec: NetSpec) : string =
        let relu on = if on then ":relu" else ""

        let part =
            function
            | Part.Dense(units, on) -> $"dense:{units}{relu on}"
            | Part.Conv(filters, size, on) -> $"conv:{filters}:{size}{relu on}"
            | Part.MaxPool size -> $"pool:{size}"
            | Part.Flatten -> "flatten"
            | Part.Dropout rate -> $"dropout:{rate}"

        let parts =
            spec.Parts
            |> List.filter (function
                | Part.Dropout _ -> dropout
                | _ -> true)
            |> List.map part

        String.concat " " ((spec.Input |> List.map string |> String.concat ",") :: parts)

    let network (dropout: bool) (spec: NetSpec) : Network =
        let layers =
            spec.Parts
            |> List.collect (function
                | Part.Dense(units, on) -> [ Layer.dense units; if on then Layer.relu ]
                | Part.Conv(filters, size, on) -> [ Layer.conv2D filters [ size; size ]; if on then Layer.relu ]
                | Part.MaxPool size -> [ Layer.maxPooling2D [ size; size ] ]
                | Part.Flatten -> [ Layer.flatten ]
                | Part.Dropout rate -> [ if dropout then Layer.dropout rate ])

        Network.sequential (Network.input spec.Input) layers

    let loss (spec: NetSpec) : Loss =
        if spec.Classes = 0 then
            Loss.meanSquaredError
        else
            Loss.sparseCategoricalCrossentropy { SparseCrossentropyOptions.Default with FromLogits = true }

    /// The same numbers on every run: uniform in 0 to 1.
    let uniform (seed: int) (dims: int list) : Tensor =
        let random = System.Random seed
        let shape = Shape.Of(List.toArray dims)
        Tensor.Of<float32>(shape, Array.init shape.Size (fun _ -> random.NextSingle()))

    let inputs (spec: NetSpec) : Tensor = uniform 1 (spec.Batch :: spec.Input)

    let targets (spec: NetSpec) : Tensor =
        if spec.Classes = 0 then
            uniform 2 [ spec.Batch; 1 ]
        else
            let random = System.Random 2
            Tensor.Of<int>(Shape.Of(spec.Batch, 1), Array.init spec.Batch (fun _ -> random.Next spec.Classes))
