namespace FunctionalNet.Graph

open System
open System.Collections.Generic
open System.Runtime.InteropServices
open FunctionalNet

/// <summary>The slow evaluator that defines what every operation means: plain loops in float64. Results of float32 nodes are
/// not rounded, except by Cast. For tests and debugging.</summary>
module Interpreter =

    let private computeCustom
        (operation: CustomOperation)
        (inputTypes: TensorType[])
        (types: TensorType[])
        (arguments: float[][])
        =
        let inputs =
            Array.map2
                (fun (t: TensorType) (a: float[]) -> Tensor.OfDoubles(t.DType, t.Shape, a).Data)
                inputTypes
                arguments

        let outputs = types |> Array.map (fun t -> Tensor.Allocate(t.DType, t.Shape.Size))
        let pin (data: Array) = GCHandle.Alloc(data, GCHandleType.Pinned)
        let pins = Array.map pin (Array.append inputs outputs)

        try
            let address i = pins[i].AddrOfPinnedObject()
            let inputAt = Array.init inputs.Length address
            let outputAt = Array.init outputs.Length (fun i -> address (inputs.Length + i))
            operation.Compute(CustomArguments(inputAt, inputTypes, outputAt, types))
        finally
            for p in pins do
                p.Free()

        Array.map2 (fun (t: TensorType) data -> Tensor.Wrap(t.Shape, data).ToDoubles()) types outputs

    let private unbound (node: Expr) (name: string) =
        raise (
            GraphException(
                "A leaf of the graph has no value.",
                name,
                "a value for " + name + ": " + node.Type.ToString(),
                "none",
                "Bind every leaf that the result depends on."
            )
        )

    /// The nodes of a graph in order, to be run many times.
    [<NoEquality; NoComparison>]
    type private Prepared = { Order: Expr[]; Roots: Expr[] }

    let private prepare (roots: Expr[]) = { Order = Traverse.topological roots; Roots = roots }

    let rec private execute (bound: Dictionary<Expr, float[]>) (graph: Prepared) : float[][] =
        let values = Dictionary<Expr, float[][]>(HashIdentity.Reference)

        for node in graph.Order do
            values[node] <-
                match node.Op with
                | Leaf(_, name) ->
                    match bound.TryGetValue node with
                    | true, v -> [| v |]
                    | _ -> unbound node name
                | Project i -> [| values[node.Inputs[0]][i] |]
                | _ -> evaluate node (node.Inputs |> Array.map (fun e -> values[e][0]))

        graph.Roots |> Array.map (fun r -> values[r][0])

    and private call (parameters: Expr[]) (graph: Prepared) (arguments: float[][]) =
        let bound = Dictionary<Expr, float[]>(HashIdentity.Reference)
        Array.iter2 (fun (p: Expr) a -> bound[p] <- a) parameters arguments
        execute bound graph

    and private runScan (scan: Scan) (types: TensorType[]) (arguments: float[][]) =
        let body = scan.Body
        let carries, steps = body.Carry.Length, body.Step.Length
        let parameters = Array.concat [ body.Carry; body.Step; body.Constants ]
        let graph = prepare (Array.append body.NewCarry body.Outputs)
        let sequences = arguments[carries .. carries + steps - 1]
        let constants = arguments[carries + steps ..]
        let outputs = types[carries..] |> Array.map (fun t -> Array.zeroCreate<float> t.Shape.Size)
        let mutable carry = arguments[.. carries - 1]

        for k in 0 .. scan.Length - 1 do
            let t = if scan.Reverse then scan.Length - 1 - k else k

            let slices =
                Array.map2
                    (fun (p: Expr) (s: float[]) -> Array.sub s (t * p.Shape.Size) p.Shape.Size)
                    body.Step
                    sequences

            let results = call parameters graph (Array.concat [ carry; slices; constants ])
            carry <- results[.. carries - 1]

            Array.iter2
                (fun (result: float[]) (all: float[]) -> Array.blit result 0 all (t * result.Length) result.Length)
                results[carries..]
                outputs

        Array.append carry outputs

    /// The results of one node, but leaves and projections, for given operands.
    and private evaluate (node: Expr) (a: float[][]) : float[][] =
        let shape = node.Shape
        let input i = node.Inputs[i].Shape

        match node.Op with
        | Structured s ->
            match s with
            | :? Scan as scan -> runScan scan node.Types a
            | :? CustomNode as custom ->
                computeCustom custom.Operation (node.Inputs |> Array.map (fun e -> e.Type)) node.Types a
            | :? Composite as composite ->
                let parameters = node.Inputs |> Array.map (fun e -> Expr.LeafOf(LeafRole.Input, "x", e.DType, e.Shape))
                call parameters (prepare (composite.Decompose parameters)) a
            | other ->
                raise (
                    GraphException(
                        "A node cannot be interpreted.",
                        other.Name,
                        "a composite, a scan or a custom operation",
                        other.GetType().Name,
                        "Give it a decomposition."
                    )
                )
        | op ->
            [| match op with
               | Constant t -> t.ToDoubles()
               | Iota(_, axis) ->
                   Reference.offsets shape 0 (Array.init shape.Rank (fun i -> if i = axis then 1 else 0))
                   |> Array.map float
               | Random spec -> Reference.random spec (int64 (Array.item 0 a[0])) (int64 (Array.item 0 a[1]))
               | Unary u -> Array.map (Reference.unary u) a[0]
               | Binary b ->
                   Array.map2
                       (Reference.binary b (not (DType.isFloating node.Inputs[0].DType)))
                       (Reference.broadcast (input 0) shape a[0])
                       (Reference.broadcast (input 1) shape a[1])
               | Select ->
                   Array.map3
                       (fun c x y -> if c <> 0.0 then x else y)
                       (Reference.broadcast (input 0) shape a[0])
                       (Reference.broadcast (input 1) shape a[1])
                       (Reference.broadcast (input 2) shape a[2])
               | Cast t -> Array.map (Reference.cast node.Inputs[0].DType t) a[0]
               | Broadcast _ -> Reference.broadcast (input 0) shape a[0]
               | Transpose perm -> Reference.transpose (input 0) shape perm a[0]
               | Slice(starts, _, steps) -> Reference.slice (input 0) shape starts steps a[0]
               | Pad(low, _, interior, value) -> Reference.pad (input 0) shape low interior value a[0]
               | Concat axis -> Reference.concat axis shape (Array.map2 (fun (e: Expr) v -> e.Shape, v) node.Inputs a)
               | Reverse axes -> Reference.reverse shape axes a[0]
               | Reduce(r, axes) -> Reference.reduce r (input 0) axes shape a[0]
               | ArgReduce(largest, axis) -> Reference.argReduce largest (input 0) axis shape a[0]
               | CumSum(axis, exclusive, reverse) -> Reference.cumSum shape axis exclusive reverse a[0]
               | ArgSort(axis, descending) -> Reference.argSort shape axis descending a[0]
               | MatMul(ta, tb) -> Reference.matmul ta tb (input 0) (input 1) shape a[0] a[1]
               | Conv spec -> Reference.conv spec (input 0) (input 1) shape a[0] a[1]
               | ConvInputGrad(spec, x) -> Reference.convInputGrad spec x (input 1) (input 0) a[0] a[1]
               | ConvKernelGrad(spec, kernel) -> Reference.convKernelGrad spec (input 0) kernel (input 1) a[0] a[1]
               | MaxPool spec ->
                   Reference.firstMaxima spec (input 0) shape a[0]
                   |> Array.map (fun i -> if i < 0 then Double.NegativeInfinity else a[0][i])
               | SumPool spec -> Reference.sumPool spec (input 0) shape a[0]
               | MaxPoolGrad spec ->
                   let result = Array.zeroCreate shape.Size

                   Reference.firstMaxima spec (input 0) (input 1) a[0]
                   |> Array.iteri (fun o i -> if i >= 0 then result[i] <- result[i] + a[1][o])

                   result
               | MaxPoolGather spec ->
                   Reference.firstMaxima spec (input 0) shape a[0]
                   |> Array.map (fun i -> if i < 0 then 0.0 else a[1][i])
               | SumPoolGrad(spec, x) -> Reference.sumPoolGrad spec x (input 0) a[0]
               | Gather axis -> Reference.gather (input 0) axis a[0] a[1]
               | ScatterAdd(axis, _) -> Reference.scatterAdd axis shape a[0] a[1]
               | TakeAlong axis -> Reference.takeAlong (input 0) (input 1) axis a[0] a[1]
               | ScatterAlong(axis, _) -> Reference.scatterAlong (input 0) axis shape a[0] a[1]
               | StopGradient
               | Reshape _
               | Leaf _
               | Project _
               | Structured _ -> a[0] |]

    let private bind (bindings: seq<Expr * Tensor>) =
        let bound = Dictionary<Expr, float[]>(HashIdentity.Reference)

        for leaf, value in bindings do
            if not (leaf.Shape.Equals value.Shape) then
                raise (
                    ShapeException(
                        "A value does not fit its leaf.",
                        Expr.OpName leaf.Op,
                        leaf.Shape.ToString(),
                        value.Shape.ToString(),
                        "Bind a tensor of the leaf's shape."
                    )
                )

            if leaf.DType <> value.DType then
                raise (
                    DTypeException(
                        "A value does not fit its leaf.",
                        Expr.OpName leaf.Op,
                        DType.name leaf.DType,
                        DType.name value.DType,
                        "Convert the tensor with Cast."
                    )
                )

            bound[leaf] <- value.ToDoubles()

        bound

    /// <summary>The values of nodes in row-major order, when the leaves have those values.</summary>
    /// <exception cref="T:FunctionalNet.GraphException">A leaf that a node depends on has no value.</exception>
    [<CompiledName("Run")>]
    let run (bindings: seq<Expr * Tensor>) (roots: Expr[]) : float[][] = execute (bind bindings) (prepare roots)

    /// <summary>The values of nodes as tensors, rounded to their dtypes, when the leaves have those values.</summary>
    /// <exception cref="T:FunctionalNet.GraphException">A leaf that a node depends on has no value.</exception>
    [<CompiledName("RunTensors")>]
    let runTensors (bindings: seq<Expr * Tensor>) (roots: Expr[]) : Tensor[] =
        Array.map2 (fun (r: Expr) v -> Tensor.OfDoubles(r.DType, r.Shape, v)) roots (run bindings roots)

    /// <summary>The value of one node as a tensor, when the leaves have those values.</summary>
    [<CompiledName("Value")>]
    let value (bindings: seq<Expr * Tensor>) (root: Expr) : Tensor = (runTensors bindings [| root |])[0]

    /// The same for leaves with float64 values that need not be exact in the leaf's dtype.
    let internal runDoubles (bindings: seq<Expr * float[]>) (roots: Expr[]) : float[][] =
        let bound = Dictionary<Expr, float[]>(HashIdentity.Reference)

        for leaf, v in bindings do
            bound[leaf] <- v

        execute bound (prepare roots)

    /// The outputs and the new values of a graph.
    let internal runGraph
        (bindings: seq<Expr * Tensor>)
        (graph: Graph)
        : struct ((string * Tensor)[] * (Expr * Tensor)[]) =
        let values = runTensors bindings (Seq.toArray (Traverse.roots graph))
        let outputs = Array.mapi (fun i (name, _) -> name, values[i]) graph.Outputs
        let updates = Array.mapi (fun i (leaf, _) -> leaf, values[graph.Outputs.Length + i]) graph.Updates
        struct (outputs, updates)
