namespace FunctionalNet.Compiler

open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels

/// Convolutions whose results are pooled and needed for nothing else but the gradient of that: they are never written. The
/// convolution pools in registers and says which positions it kept, and the convolution's gradients read the gradient of the pooled
/// and spread it themselves.
module internal Unpooling =

    /// Instructions about one pooling, by number.
    [<Struct; NoEquality; NoComparison>]
    type private Pooling = { Conv: int; Pool: int; Gradients: int list }

    let private poolOf (work: Work) =
        match work with
        | Primitive(MaxPool spec, _, _)
        | WithEpilogue(Primitive(MaxPool spec, _, _), _) -> ValueSome spec
        | _ -> ValueNone

    /// Whether results stay as they are computed, in 32 bits.
    let private isFull (work: Work) =
        match work with
        | WithEpilogue(_, e) ->
            e.Region.Outputs[0].DType = DType.Float32
            && e.Region.Instructions |> Array.forall (fun i -> i.Op <> TileOp.RoundToHalf)
        | _ -> true

    /// Where a gradient of a convolution, with what follows it, reads the gradient of the results; -1 for other work.
    let private gradientInput (isQuick: Work -> bool) (work: Work) =
        match work with
        | Primitive(ConvInputGrad _, _, _) as w
        | WithEpilogue(Primitive(ConvInputGrad _, _, _) as w, _) -> if isQuick w then 0 else -1
        | Primitive(ConvKernelGrad _, _, _) as w
        | WithEpilogue(Primitive(ConvKernelGrad _, _, _) as w, _) -> if isQuick w then 1 else -1
        | _ -> -1

    /// The poolings that can be done so. `canPlace` and `isQuick` know of kernels what they take.
    let private find canPlace isQuick (program: Program) : Pooling list =
        let steps = program.Steps
        let values = program.Values
        let writer = Array.create values.Length -1
        let readers = Array.init values.Length (fun _ -> List<struct (int * int)>())
        let isKept = Array.create values.Length false

        for k in 0 .. steps.Length - 1 do
            for v in steps[k].Outputs do
                writer[v] <- k

            for i in 0 .. steps[k].Inputs.Length - 1 do
                let o = steps[k].Inputs[i]

                if o.Value >= 0 then
                    readers[o.Value].Add(struct (k, i))
                    // One that is waited for must stay, whatever it is for.
                    for v in o.After do
                        isKept[v] <- true

        for o in program.Outputs do
            isKept[o.Operand.Value] <- true

        for struct (_, value) in program.Updates do
            isKept[value] <- true

        let isWhole (k: int) (i: int) =
            let o = steps[k].Inputs[i]
            o.Value >= 0 && Operand.isWhole values[o.Value] o

        let isOwn (v: int) = not isKept[v] && writer[v] >= 0 && steps[writer[v]].Outputs.Length = 1

        /// Is the instruction the gradient of the pooling, read by gradients of convolutions alone?
        let isGradient (spec: FunctionalNet.Graph.PoolSpec) (k: int) =
            match steps[k].Work with
            | Primitive(MaxPoolGrad other, _, _) when other = spec && isWhole k 1 ->
                let result = steps[k].Outputs[0]

                isOwn result
                && readers[result]
                   |> Seq.forall (fun (struct (r, i)) -> gradientInput isQuick steps[r].Work = i && isWhole r i)
            | _ -> false

        [ for k in 0 .. steps.Length - 1 do
              match poolOf steps[k].Work with
              | ValueSome spec when Endings.isPair spec && isWhole k 0 ->
                  let x = steps[k].Inputs[0].Value

                  let isPlaced (work: Work) = Endings.takesEnding canPlace work && isFull work

                  if isOwn x && isPlaced steps[writer[x]].Work then
                      let others =
                          [ for struct (r, i) in readers[x] do
                                if r <> k || i <> 0 then struct (r, i) ]

                      if
                          not others.IsEmpty
                          && others |> List.forall (fun (struct (r, i)) -> i = 0 && isWhole r i && isGradient spec r)
                      then
                          { Conv = writer[x]; Pool = k; Gradients = others |> List.map (fun (struct (r, _)) -> r) }
              | _ -> () ]

    /// The program without the results of these convolutions.
    let run (canPlace: Work -> bool) (isQuick: Work -> bool) (program: Program) : Program =
        match find canPlace isQuick program with
        | [] -> program
        | poolings ->
            let values = List<Value>(program.Values)
            let steps = program.Steps |> Array.map Some

            let add (t: TensorType) =
                values.Add { Id = values.Count; Type = t; Origin = Computed }
                values.Count - 1

            for pooling in poolings do
                let conv = program.Steps[pooling.Conv]
                let pool = program.Steps[pooling.Pool]

                let pooledType =
                    match pool.Work with
                    | WithEpilogue(Primitive(_, _, results), _)
                    | Primitive(_, _, results) -> results[0]
                    | _ -> values[pool.Outputs[0]].Type

                // What followed the pooling is an instruction of its own.
                let pooled, rest =
                    match pool.Work with
                    | WithEpilogue(_, e) ->
                        let stored = e.Region.Outputs.Length
                        let pooled = if e.Target < stored then add pooledType else pool.Outputs[e.Target]
                        let inputs = Array.skip e.FirstInput pool.Inputs
                        inputs[e.Source] <- Operand.whole values[pooled]

                        pooled,
                        Some
                            { Name = pool.Name.Substring(pool.Name.IndexOf '+' + 1)
                              Work = Elementwise e.Region
                              Inputs = inputs
                              Outputs = Array.truncate stored pool.Outputs
                              Workspace = 0L }
                    | _ -> pool.Outputs[0], None

                let channels = pooledType.Shape[-1]
                let windows = pooledType.Shape.Size / max 1 channels
                let count = PoolPlaces.Count(Width.current, windows, channels)
                let places = add { DType = DType.Int32; Shape = Shape.Of count }

                steps[pooling.Conv] <-
                    Some
                        { conv with
                            Name = conv.Name + "+MaxPool"
                            Work = Pooled conv.Work
                            Outputs = [| pooled; places |] }

                steps[pooling.Pool] <- rest

                for g in pooling.Gradients do
                    let gradient = program.Steps[g]
                    steps[g] <- None

                    for k in 0 .. steps.Length - 1 do
                        match steps[k] with
                        | Some step when step.Inputs |> Array.exists (fun o -> o.Value = gradient.Outputs[0]) ->
                            let first, work =
                                match step.Work with
                                | WithEpilogue(work, e) ->
                                    e.FirstInput, WithEpilogue(Unpooled work, { e with FirstInput = e.FirstInput + 1 })
                                | work -> step.Inputs.Length, Unpooled work

                            let inputs =
                                step.Inputs
                                |> Array.map (fun o -> if o.Value = gradient.Outputs[0] then gradient.Inputs[1] else o)

                            steps[k] <-
                                Some
                                    { step with
                                        Work = work
                                        Inputs = Array.insertAt first (Operand.whole values[places]) inputs }
                        | _ -> ()

            { program with Values = values.ToArray(); Steps = Array.choose id steps }
