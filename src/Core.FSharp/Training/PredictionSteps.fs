namespace FunctionalNet.Training

open System
open System.Collections.Generic
open System.Runtime.InteropServices
open System.Threading
open FunctionalNet
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

    member _.Clear() =
        lock gate (fun () ->
            pools.Clear()
            direct.Clear())

    member _.Find(types: BatchTypes) : PredictionPool =
        let key = BoundStep.keyOf "predict" types

        lock gate (fun () ->
            let i = pools.FindIndex(fun p -> String.Equals(p.Key, key))
            let pool = if i >= 0 then pools[i] else create key types

            if i >= 0 then
                pools.RemoveAt i

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
                { Inputs =
                    [| { DType = network.FloatType
                         Shape = Shape.Of dims } |]
                  Targets = [||]
                  Weights = [||] }

            let pool = this.Find types
            lock gate (fun () -> direct[rows] <- pool)
            pool

    /// The bytes of a result, to be written while nobody else has it.
    static member Writable(tensor: Tensor) : Span<byte> =
        MemoryMarshal.CreateSpan(&MemoryMarshal.GetArrayDataReference(tensor.Data), tensor.Size * DType.size tensor.DType)

    /// Elements per row of the only input and the only output.
    member _.CheckDirect(dtype: DType) : int =
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
            if node.Shape[i] < 0 then
                refuse "an input of known sizes" (node.ToString())

            size <- size * node.Shape[i]

        size
