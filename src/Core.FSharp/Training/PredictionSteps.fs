namespace FunctionalNet.Training

open System
open System.Collections.Generic
open System.Runtime.InteropServices
open System.Threading
open FunctionalNet
open FunctionalNet.Datasets
open FunctionalNet.Graph

/// Prediction from many threads at once: every call borrows a step of its own; all share the weights.
[<Sealed>]
type internal PredictionSteps(network: Network, capacity: int, build: string -> BatchTypes -> BoundStep) =

    let gate = obj ()
    // Newest last.
    let pools = ResizeArray<PredictionPool>()
    // Pools of the only input with all sizes known, found by their number of rows without making a key.
    let direct = Dictionary<int, PredictionPool>()

    let create (key: string) (types: BatchTypes) =
        PredictionPool(key, types.Inputs[0].Shape[0], (fun () -> build key types))

    /// Room for `rows` rows of every output, of which a step gives `count` at a time.
    let room (rows: int) (count: int) (step: BoundStep) : Tensor[] =
        step.Outputs
        |> Array.map (fun view ->
            let dims = view.Type.Shape.ToArray()

            if dims.Length = 0 || dims[0] <> count then
                raise (
                    ShapeException(
                        "An output has not one row for every row of the inputs.",
                        network.Name,
                        string count + " rows",
                        view.Type.Shape.ToString(),
                        "Keep the batch axis first."
                    )
                )

            dims[0] <- rows
            Tensor.Zeros(view.Type.DType, Shape.Of dims))

    member _.Clear() =
        lock gate (fun () ->
            pools.Clear()
            direct.Clear())

    member _.Find(types: BatchTypes) : PredictionPool =
        let key = BoundStep.keyOf "predict" types

        lock gate (fun () ->
            let i = pools.FindIndex(fun p -> String.Equals(p.Key, key))
            let pool = if i >= 0 then pools[i] else create key types

            if i >= 0 then pools.RemoveAt i

            pools.Add pool

            if pools.Count > capacity then
                direct.Remove pools[0].Rows |> ignore
                pools.RemoveAt 0

            pool)

    /// The pool for so many rows of the only input.
    member this.Direct(rows: int) : PredictionPool =
        Monitor.Enter gate

        let found =
            match direct.TryGetValue rows with
            | true, pool -> ValueSome pool
            | _ -> ValueNone

        Monitor.Exit gate

        match found with
        | ValueSome pool -> pool
        | ValueNone ->
            let node = network.Inputs[0]
            let dims = Seq.toArray node.Shape
            dims[0] <- rows

            let types =
                { Inputs = [| { DType = network.FloatType; Shape = Shape.Of dims } |]
                  Targets = [||]
                  Weights = [||] }

            let pool = this.Find types
            lock gate (fun () -> direct[rows] <- pool)
            pool

    /// Elements per row of the only input and the only output.
    member private _.RowSize(dtype: DType) : int =
        let refuse (expected: string) (actual: string) : 'a =
            raise (
                ArgumentValueException(
                    "This network cannot predict from span to span.",
                    network.Name,
                    expected,
                    actual,
                    "Use Predict with tensors."
                )
            )

        if network.Inputs.Count <> 1 || network.Outputs.Count <> 1 then
            refuse "one input and one output" (string network.Inputs.Count + " and " + string network.Outputs.Count)

        let node = network.Inputs[0]

        if network.FloatType <> dtype || not (DType.isFloating node.DType) then
            refuse
                (DType.name dtype)
                (DType.name (if DType.isFloating node.DType then network.FloatType else node.DType))

        let mutable size = 1

        for i in 1 .. node.Shape.Count - 1 do
            if node.Shape[i] < 0 then refuse "an input of known sizes" (node.ToString())

            size <- size * node.Shape[i]

        size

    /// The outputs for all batches, all rows together.
    member this.Run(feed: BatchFeed, check: bool, callbacks: CallbackList, token: CancellationToken) : Tensor[] =
        // The rows of batches that come one by one are put together at the end.
        let parts = ResizeArray<Tensor[]>()
        let mutable number = 0
        let mutable running = true
        let mutable start = 0
        feed.Begin(0L, 0)
        callbacks.PredictBegin()

        while running do
            token.ThrowIfCancellationRequested()

            match feed.Next() with
            | ValueNone -> running <- false
            | ValueSome batch ->
                callbacks.PredictBatchBegin number
                let pool = this.Find(batch.Data.Types batch.Count)
                let step = pool.Rent()

                if check && (number = 0 || feed.IsUnchecked) then
                    // Numbers that are not finite have an answer; ids out of range have none.
                    DataChecks.ids network batch.Count step.Step.IdLimits batch.Data.Inputs

                Batches.fill batch.Data batch.Order batch.First step
                step.Run()

                if number = 0 || feed.IsUnchecked then
                    let rows =
                        match feed.Steps with
                        | ValueSome steps when feed.IsUniform -> min batch.Data.Rows (steps * feed.BatchSize)
                        | _ -> batch.Count

                    parts.Add(room rows batch.Count step)
                    start <- 0

                let results = parts[parts.Count - 1]

                for i in 0 .. results.Length - 1 do
                    let view = step.Outputs[i]
                    let bytes = view.Type.Shape.Size * DType.size view.Type.DType
                    let target = (Stacking.writable results[i]).Slice(bytes / batch.Count * start, bytes)
                    ReadOnlySpan<byte>(view.Pointer.ToPointer(), bytes).CopyTo target

                start <- start + batch.Count
                pool.Return step
                callbacks.PredictBatchEnd number
                number <- number + 1

        callbacks.PredictEnd()
        Array.init parts[0].Length (fun i -> Stacking.concatenate [| for part in parts -> part[i] |])

    /// The output for rows given as bytes, written as bytes. Allocates nothing once it has run with so many rows.
    member this.RunBytes(dtype: DType, input: ReadOnlySpan<byte>, output: Span<byte>) : unit =
        let size = this.RowSize dtype * DType.size dtype

        if size = 0 || input.Length = 0 || input.Length % size <> 0 then
            raise (
                ShapeException(
                    "The input does not hold whole rows.",
                    network.Inputs[0].Name,
                    "a multiple of " + string (size / DType.size dtype) + " numbers",
                    string (input.Length / DType.size dtype) + " numbers",
                    "Give the rows one after another."
                )
            )

        let rows = input.Length / size
        // Larger requests are served in parts, so that every size does not need a plan of its own.
        let part = min rows 256
        let mutable start = 0

        while start < rows do
            let count = min part (rows - start)
            let pool = this.Direct count
            let step = pool.Rent()
            let view = step.Outputs[0]
            let bytes = view.Type.Shape.Size * DType.size view.Type.DType

            if view.Type.DType <> dtype || int64 output.Length <> int64 (bytes / count) * int64 rows then
                pool.Return step

                raise (
                    ShapeException(
                        "The room for the output has the wrong size.",
                        network.Name,
                        string (bytes / count / DType.size dtype * rows) + " numbers",
                        string (output.Length / DType.size dtype) + " numbers",
                        "Give room for as many rows as the input has."
                    )
                )

            let memory = step.Inputs[0]

            if memory.Bytes > 0L then
                input.Slice(start * size, count * size).CopyTo(Span<byte>(memory.Pointer.ToPointer(), count * size))

            step.Run()
            ReadOnlySpan<byte>(view.Pointer.ToPointer(), bytes).CopyTo(output.Slice(bytes / count * start, bytes))
            pool.Return step
            start <- start + count
