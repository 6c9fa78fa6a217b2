namespace FunctionalNet.Training

open System
open System.Collections.Generic
open System.Numerics
open System.Runtime.InteropServices
open FunctionalNet
open FunctionalNet.Common
open FunctionalNet.Graph

/// Data as steps need it: dtypes and ranks fit the network, and every output has its weights or none.
[<NoEquality; NoComparison>]
type internal PreparedData =
    { Rows: int
      Inputs: Tensor[]
      Targets: Tensor[]
      Weights: Tensor voption[] }

    /// The types of a batch of so many rows.
    member this.Types(rows: int) : BatchTypes =
        let batch (t: Tensor) =
            let dims = t.Shape.ToArray()
            dims[0] <- rows

            { DType = t.DType; Shape = Shape.Of dims }

        { Inputs = this.Inputs |> Array.map batch
          Targets = this.Targets |> Array.map batch
          Weights = this.Weights |> Array.map (ValueOption.map batch) }

    /// Some rows, as copies.
    member this.Part(first: int, count: int) : PreparedData =
        let part (t: Tensor) = t.Rows(first, count)

        { Rows = count
          Inputs = this.Inputs |> Array.map part
          Targets = this.Targets |> Array.map part
          Weights = this.Weights |> Array.map (ValueOption.map part) }

/// Everything that can be wrong with data, found before the first step.
module internal DataChecks =

    let private dataError (summary: string) (path: string) (expected: string) (actual: string) (hint: string) : 'a =
        raise (DataException(summary, path, expected, actual, hint))

    let private shapeText (dims: int seq) =
        "(" + String.Join(", ", dims |> Seq.map (fun d -> if d < 0 then "None" else string d)) + ")"

    let private fits (node: Node) (shape: Shape) =
        shape.Rank = node.Shape.Count
        && [| 1 .. shape.Rank - 1 |] |> Array.forall (fun i -> node.Shape[i] < 0 || node.Shape[i] = shape[i])

    /// An input in the network's dtype and rank. A last axis of size 1 may be missing or too many.
    let private input (floatType: DType) (node: Node) (tensor: Tensor) : Tensor =
        let wanted = if DType.isFloating node.DType then floatType else node.DType
        let dims = tensor.Shape.ToArray()
        let isAbsent = node.IsOptional && dims.Length = 2 && dims[1] = 0

        let candidates =
            [ tensor.Shape
              Shape.Of(Array.append dims [| 1 |])
              if dims.Length > 1 && dims[dims.Length - 1] = 1 then
                  Shape.Of dims[.. dims.Length - 2] ]

        match candidates |> List.tryFind (fits node) with
        | _ when isAbsent -> tensor
        | Some shape -> (tensor.Reshape shape).Cast wanted
        | None ->
            raise (
                ShapeException(
                    "Data does not have the shape of the input.",
                    node.Name,
                    shapeText node.Shape,
                    tensor.Shape.ToString(),
                    "The first axis counts samples; the others are those of the input."
                )
            )

    let private counted (path: string) (expected: int) (what: string) (actual: int) =
        if expected <> actual then
            dataError
                ("The network takes another number of " + what + ".")
                path
                (string expected + " " + what)
                (string actual)
                "Give one tensor for each, in order."

    /// Rows of all tensors, which must agree and be some.
    let private rowsOf (names: string[]) (tensors: Tensor[]) : int =
        for i in 0 .. tensors.Length - 1 do
            if tensors[i].Rank = 0 then
                dataError
                    "Data has no rows."
                    names[i]
                    "a tensor with a first axis"
                    "a scalar"
                    "The first axis counts samples."

        if tensors.Length = 0 then
            dataError "There is no data." "" "at least one tensor" "none" "Give a tensor for every input."

        let rows = tensors[0].Shape[0]

        for i in 1 .. tensors.Length - 1 do
            if tensors[i].Shape[0] <> rows then
                dataError
                    "Data has different numbers of rows."
                    names[i]
                    (string rows + " rows, as in " + names[0])
                    (string (tensors[i].Shape[0]) + " rows")
                    "Inputs, targets and weights must have one row for every sample."

        if rows = 0 then
            dataError "The data is empty." names[0] "at least one row" "0 rows" "Check how the data was loaded."

        rows

    /// Tensors that were given by name or by path, in the order of the network's names; ValueNone for a name that is missing.
    let private arrange
        (what: string)
        (known: string[])
        (paths: string[])
        (names: IReadOnlyList<string>)
        (tensors: IReadOnlyList<Tensor>)
        =
        let found = Array.create known.Length ValueNone

        for i in 0 .. names.Count - 1 do
            let place =
                match Array.IndexOf(known, names[i]) with
                | -1 -> Array.IndexOf(paths, names[i])
                | place -> place

            if place < 0 then raise (Names.unknown what what names[i] known)

            found[place] <- ValueSome tensors[i]

        found

    let private missing (what: string) (name: string) : 'a =
        dataError
            ("There is no " + what + " of that name in the data.")
            name
            ("a tensor for " + name)
            "none"
            "Give a tensor for every name of the network."

    let private rowsOfAny (tensors: IReadOnlyList<Tensor>) =
        if tensors.Count = 0 || tensors[0].Rank = 0 then
            dataError "There is no data." "" "at least one tensor" "none" "Give at least one of the inputs."
        else
            tensors[0].Shape[0]

    let private inputsOf (network: Network) (data: TrainingData) : Tensor[] =
        // An optional input that is not given has a row without elements for every sample.
        let absent = Lazy<Tensor>(fun () -> Tensor.Zeros(network.FloatType, Shape.Of(rowsOfAny data.Inputs, 0)))

        match data.InputNames with
        | null ->
            let left = network.Inputs |> Seq.skip (min data.Inputs.Count network.Inputs.Count)

            if data.Inputs.Count > network.Inputs.Count || left |> Seq.exists (fun node -> not node.IsOptional) then
                counted "inputs" network.Inputs.Count "inputs" data.Inputs.Count

            [| yield! data.Inputs
               for _ in left do
                   absent.Value |]
        | names ->
            let known = Network.inputNames network

            arrange "input" known (NetworkNesting.inputPaths network) names data.Inputs
            |> Array.mapi (fun i given ->
                match given with
                | ValueSome tensor -> tensor
                | ValueNone when network.Inputs[i].IsOptional -> absent.Value
                | ValueNone -> missing "input" known[i])

    /// A tensor for every output. Those that no loss or metric asks for may be missing when others are given by name.
    let private targetsOf (network: Network) (isJudged: int -> bool) (data: TrainingData) : Tensor[] =
        match data.TargetNames with
        | null ->
            counted "targets" network.Outputs.Count "targets" data.Targets.Count
            Seq.toArray data.Targets
        | names ->
            let known = Network.outputNames network
            let unused = Lazy<Tensor>(fun () -> Tensor.Zeros(network.FloatType, Shape.Of(data.Inputs[0].Shape[0])))

            arrange "target" known (NetworkNesting.outputPaths network) names data.Targets
            |> Array.mapi (fun i given ->
                match given with
                | ValueSome t -> t
                | ValueNone when isJudged i -> missing "target" known[i]
                | ValueNone -> unused.Value)

    let private weightsOf (network: Network) (data: TrainingData) : Tensor voption[] =
        let outputs = network.Outputs.Count

        match data.WeightNames with
        | null ->
            match data.SampleWeights.Count with
            | 0 -> Array.create outputs ValueNone
            | 1 -> Array.create outputs (ValueSome data.SampleWeights[0])
            | n when n = outputs -> data.SampleWeights |> Seq.map ValueSome |> Seq.toArray
            | n ->
                dataError
                    "The number of weight tensors is wrong."
                    "sample_weight"
                    ("none, 1 or " + string outputs)
                    (string n)
                    "Give one for all outputs, or one per output."
        | names ->
            let paths = NetworkNesting.outputPaths network
            arrange "sample weight" (Network.outputNames network) paths names data.SampleWeights

    /// Data for a step of the user's own, which decides what it means: only dtypes and rows are looked at, and inputs are given
    /// the network's form where they fit it.
    let prepareFreely (network: Network) (data: TrainingData) : PreparedData =
        let floatType = network.FloatType

        let converted (t: Tensor) = if DType.isFloating t.DType || t.DType = DType.Bool then t.Cast floatType else t

        let given = Seq.toArray data.Inputs

        let inputs =
            if isNull data.InputNames && given.Length <> network.Inputs.Count then
                given |> Array.map converted
            else
                inputsOf network data
                |> Array.mapi (fun i t ->
                    try
                        input floatType network.Inputs[i] t
                    with :? ShapeException ->
                        converted t)

        let targets = data.Targets |> Seq.map converted |> Seq.toArray
        let weights = data.SampleWeights |> Seq.map (fun w -> w.Cast floatType) |> Seq.toArray

        let names =
            Array.concat
                [ inputs |> Array.mapi (fun i _ -> "input " + string i)
                  targets |> Array.mapi (fun i _ -> "target " + string i)
                  weights |> Array.mapi (fun i _ -> "sample_weight " + string i) ]

        { Rows = rowsOf names (Array.concat [ inputs; targets; weights ])
          Inputs = inputs
          Targets = targets
          Weights =
            Array.init (max targets.Length weights.Length) (fun i ->
                if weights.Length = 1 then ValueSome weights[0]
                elif i < weights.Length then ValueSome weights[i]
                else ValueNone) }

    /// Data in the network's order and dtypes. `isJudged` says which outputs a loss or metric asks for; without targets, to
    /// predict, there are no weights either.
    let prepare (network: Network) (isJudged: int -> bool) (withTargets: bool) (data: TrainingData) : PreparedData =
        let given = inputsOf network data
        let targets = if withTargets then targetsOf network isJudged data else [||]

        let weights =
            if withTargets then weightsOf network data else Array.create network.Outputs.Count ValueNone

        let weightTensors =
            weights
            |> Array.choose (fun w ->
                match w with
                | ValueSome w -> Some w
                | ValueNone -> None)

        let rows =
            rowsOf
                (Array.concat
                    [ Network.inputNames network
                      Network.outputNames network
                      |> Array.map (fun name -> "target of " + name)
                      |> Array.truncate targets.Length
                      weightTensors |> Array.map (fun _ -> "sample_weight") ])
                (Array.concat [ given; targets; weightTensors ])

        let floatType = network.FloatType
        let inputs = Seq.map2 (input floatType) network.Inputs given |> Seq.toArray

        let target (t: Tensor) =
            if DType.isFloating t.DType then t.Cast floatType
            elif t.DType = DType.Bool then t.Cast floatType
            else t

        { Rows = rows
          Inputs = inputs
          Targets = targets |> Array.map target
          Weights = weights |> Array.map (ValueOption.map (fun w -> w.Cast floatType)) }

    /// The first element that is not a number, or -1. A difference with itself is 0 for every finite number.
    let private firstNotFinite32 (values: ReadOnlySpan<float32>) =
        let width = Vector<float32>.Count
        let mutable i = 0
        let mutable bad = -1

        while bad < 0 && i <= values.Length - width do
            let v = Vector<float32>(values.Slice(i, width))

            if not (Vector.EqualsAll(v - v, Vector<float32>.Zero)) then bad <- i

            i <- i + width

        let from = if bad >= 0 then bad else i
        let mutable j = from

        while j < values.Length && Single.IsFinite values[j] do
            j <- j + 1

        if j < values.Length then j else -1

    let private firstNotFinite (t: Tensor) =
        match t.DType with
        | DType.Float32 -> firstNotFinite32 (t.AsSpan<float32>())
        | DType.Float64 ->
            let values = t.AsSpan<float>()
            let mutable j = 0

            while j < values.Length && Double.IsFinite values[j] do
                j <- j + 1

            if j < values.Length then j else -1
        | _ -> -1

    let private finite (batchSize: int) (name: string) (t: Tensor) =
        let i = firstNotFinite t

        if i >= 0 then
            let row = i / max 1 (t.Size / t.Shape[0])
            let value = if t.DType = DType.Float32 then float (t.AsSpan<float32>()[i]) else t.AsSpan<float>()[i]

            raise (
                DataException(
                    (if Double.IsNaN value then "The data contains NaN." else "The data contains an infinity."),
                    name,
                    "finite numbers",
                    Texts.ofFloat value + " in row " + string row + ", batch " + string (row / batchSize),
                    "Remove or replace such rows before training.",
                    row / batchSize,
                    int64 row
                )
            )

    /// Whole numbers of a tensor must lie in 0 .. limit - 1, but for one that is let through.
    let private within
        (batchSize: int)
        (name: string)
        (what: string)
        (limit: int)
        (allowed: int voption)
        (hint: string)
        (t: Tensor)
        =
        let bad (v: float) =
            not (v >= 0.0 && v < float limit && v = Math.Floor v)
            && not (allowed.IsSome && v = float allowed.Value)

        let mutable at = -1

        match t.Data with
        | :? (int[]) as a ->
            for i in a.Length - 1 .. -1 .. 0 do
                let v = a[i]

                if uint32 v >= uint32 limit && not (allowed.IsSome && v = allowed.Value) then
                    at <- i
        | :? (int64[]) as a ->
            for i in a.Length - 1 .. -1 .. 0 do
                let v = a[i]

                if uint64 v >= uint64 limit && not (allowed.IsSome && v = int64 allowed.Value) then
                    at <- i
        | :? (float32[]) as a ->
            for i in a.Length - 1 .. -1 .. 0 do
                if bad (float a[i]) then at <- i
        | :? (float[]) as a ->
            for i in a.Length - 1 .. -1 .. 0 do
                if bad a[i] then at <- i
        | _ -> ()

        if at >= 0 then
            let row = at / max 1 (t.Size / t.Shape[0])
            let value = (t.Reshape(Shape.Of t.Size)).Rows(at, 1).ToDoubles()[0]

            raise (
                DataException(
                    "A " + what + " is out of range.",
                    name,
                    "0 to " + string (limit - 1),
                    Texts.ofFloat value + " in row " + string row + ", batch " + string (row / batchSize),
                    hint,
                    row / batchSize,
                    int64 row
                )
            )

    /// Ids that are looked up in tables.
    let ids (network: Network) (batchSize: int) (idLimits: int[]) (inputs: Tensor[]) : unit =
        inputs
        |> Array.iteri (fun i t ->
            if idLimits[i] > 0 && i < network.Inputs.Count then
                within
                    batchSize
                    network.Inputs[i].Name
                    "row number of a table"
                    idLimits[i]
                    ValueNone
                    "Ids count from 0; give the Embedding an input_dim above the greatest id."
                    t)

    /// NaN and infinities, labels of sparse losses, and ids that are looked up in tables.
    let values
        (network: Network)
        (plan: TrainingPlan voption)
        (batchSize: int)
        (idLimits: int[])
        (data: PreparedData)
        : unit =
        let nameOf (nodes: IReadOnlyList<Node>) (i: int) = if i < nodes.Count then nodes[i].Name else string i

        data.Inputs |> Array.iteri (fun i t -> finite batchSize (nameOf network.Inputs i) t)
        ids network batchSize idLimits data.Inputs

        data.Targets
        |> Array.iteri (fun i t -> finite batchSize ("target of " + nameOf network.Outputs i) t)

        for w in data.Weights do
            match w with
            | ValueSome w -> finite batchSize "sample_weight" w
            | ValueNone -> ()

        match plan with
        | ValueNone -> ()
        | ValueSome plan ->
            for l in plan.Losses |> Array.filter (fun l -> l.Output < data.Targets.Length) do
                let node = network.Outputs[l.Output]
                let t = data.Targets[l.Output]

                match l.Loss.Config with
                | Some config when
                    config.ClassName = "SparseCategoricalCrossentropy"
                    || (config.ClassName = "crossentropy"
                        && node.Shape[node.Rank - 1] <> 1
                        && (t.Rank < node.Rank || t.Shape[-1] = 1))
                    ->
                    let a = Arguments config
                    let axis = a.Int("axis", -1)
                    let classes = node.Shape[if axis < 0 then axis + node.Rank else axis]

                    let allowed =
                        match a.IntOption "ignore_class" with
                        | Some label -> ValueSome label
                        | None -> ValueNone

                    if classes > 0 then
                        within
                            batchSize
                            ("target of " + node.Name)
                            "label"
                            classes
                            allowed
                            "Labels count from 0; the last layer needs one unit for every class."
                            t
                | _ -> ()
