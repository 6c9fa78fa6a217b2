namespace FunctionalNet.Tests.Layers

open System
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Compiler
open FunctionalNet.Tests.Compiler
open FunctionalNet.Tests.Support

/// A traced layer with leaves for its inputs, ready to be run by the interpreter or as a plan.
type internal LayerTrace =
    { Inputs: Expr[]
      Masks: Expr option[]
      Traced: Traced }

    member this.Specs = this.Traced.Variables |> Array.map (fun (struct (spec, _)) -> spec)
    member this.Leaves = this.Traced.Variables |> Array.map (fun (struct (_, leaf)) -> leaf)
    member this.Outputs = this.Traced.Outputs |> Array.map (fun f -> f.Value)
    member this.OutputMasks = this.Traced.Outputs |> Array.map (fun f -> f.Mask)

module internal LayerRun =

    /// Numbers in -1..1 that differ from one another, and from 0 and the other places where layers have kinks.
    let numbers (stream: string) (count: int) : float[] =
        let random = System.Random(stream |> Seq.fold (fun h c -> (h * 31 + int c) % 100003) 7)
        Array.init count (fun _ -> (if random.Next 2 = 0 then -1.0 else 1.0) * (0.05 + 0.83 * random.NextDouble()))

    /// Data of a type: floats as above, ids 0..3, and truth values with the first step always true.
    let data (stream: string) (dtype: DType) (dims: int[]) : Tensor =
        let shape = Shape.Of dims

        match dtype with
        | DType.Float32
        | DType.Float64 -> Tensor.OfDoubles(dtype, shape, numbers stream shape.Size)
        | DType.Bool ->
            let last = dims[dims.Length - 1]
            Tensor.OfDoubles(
                dtype,
                shape,
                Array.init shape.Size (fun i -> if i % last = 0 || i % 3 <> 0 then 1.0 else 0.0)
            )
        | _ -> Tensor.OfDoubles(dtype, shape, Array.init shape.Size (fun i -> float ((i * 7 + i / 3) % 4)))

    let trace
        (mode: Mode)
        (floatType: DType)
        (layer: Layer)
        (types: TensorType[])
        (masks: Shape option[])
        : LayerTrace =
        let inputs = types |> Array.mapi (fun i t -> Expr.Input("x" + string i, t.DType, t.Shape))
        let maskLeaves =
            masks
            |> Array.mapi (fun i m -> m |> Option.map (fun s -> Expr.Input("m" + string i, DType.Bool, s)))

        let flows =
            Array.map2
                (fun x mask ->
                    { Value = x
                      Mask =
                        (match mask with
                         | Some m -> ValueSome m
                         | None -> ValueNone) })
                inputs
                maskLeaves

        { Inputs = inputs
          Masks = maskLeaves
          Traced = Layer.trace mode floatType (fun _ -> false) layer flows }

    /// The layer with the mask of its first input given by name, as `mask=` in a call.
    let maskedByName (layer: Layer) : Layer =
        { layer with
            Run =
                fun scope flows ->
                    match flows[0].Mask with
                    | ValueSome mask -> bindKeywords scope [| "mask", mask |] flows
                    | ValueNone -> ()

                    layer.Run scope flows }

    let unmasked (types: TensorType[]) : Shape option[] = types |> Array.map (fun _ -> None)

    /// Values for seed and step.
    let clock (trace: LayerTrace) (seed: int64) (step: int64) : (Expr * Tensor)[] =
        [| trace.Traced.Seed, Tensor.Scalar seed; trace.Traced.Step, Tensor.Scalar step |]

    let bind (trace: LayerTrace) (inputs: Tensor[]) (weights: Tensor[]) : (Expr * Tensor)[] =
        Array.concat [ Array.zip trace.Inputs inputs; Array.zip trace.Leaves weights; clock trace 5L 3L ]

    /// Weights away from their first values: positive where they are variances, otherwise anything.
    let weights (floatType: DType) (trace: LayerTrace) : Tensor[] =
        trace.Specs
        |> Array.map (fun spec ->
            let values = numbers spec.Path spec.Shape.Size

            let values =
                if spec.Path.EndsWith "variance" then values |> Array.map (fun v -> 1.5 + v / 2.0)
                elif spec.DType = DType.Int32 then values |> Array.map (fun _ -> 0.0)
                else values

            Tensor.OfDoubles((if DType.isFloating spec.DType then floatType else spec.DType), spec.Shape, values))

    /// Outputs, losses and new values of state, by the interpreter.
    let interpret (bindings: (Expr * Tensor)[]) (roots: Expr[]) : float[][] = Interpreter.run bindings roots

    /// The same by a compiled plan.
    let compiled (bindings: (Expr * Tensor)[]) (roots: Expr[]) : float[][] =
        let graph = { Outputs = roots |> Array.mapi (fun i e -> "r" + string i, e); Updates = [||] }

        let needed = Traverse.leaves roots |> Array.map (fun e -> e.Id) |> Set.ofArray
        let used = bindings |> Array.filter (fun (e, _) -> needed.Contains e.Id)
        PlanRuns.run CompileOptions.Default graph used |> Array.map (fun (_, t) -> t.ToDoubles())

    let typeOf (dtype: DType) (dims: int[]) : TensorType = { DType = dtype; Shape = Shape.Of dims }
