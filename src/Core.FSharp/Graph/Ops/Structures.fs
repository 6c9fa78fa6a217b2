namespace FunctionalNet

open System.Collections.Generic
open FunctionalNet.Graph

/// Traces of functions with placeholders for their arguments.
module internal Tracing =

    let private placeholder (name: string) (t: TensorType) = Expr.LeafOf(LeafRole.Input, name, t.DType, t.Shape)

    let placeholders (name: string) (types: TensorType[]) =
        types |> Array.mapi (fun i t -> placeholder (name + string i) t)

    /// Constants that are cheaper to keep inside than to pass in.
    let private stays (node: Expr) =
        match node.Op with
        | Constant t -> t.Size <= 1
        | Iota _ -> true
        | _ -> false

    /// The results with every outermost node that does not depend on the placeholders replaced by a new one: (new
    /// placeholders, the nodes they stand for, results).
    let close (placeholders: Expr[]) (results: Expr[]) : struct (Expr[] * Expr[] * Expr[]) =
        let inner = HashSet<Expr>(placeholders, HashIdentity.Reference)
        let order = Traverse.topological results

        for node in order do
            if node.Inputs |> Array.exists inner.Contains then inner.Add node |> ignore

        let captured = List<Expr>()
        let seen = HashSet<Expr>(HashIdentity.Reference)

        let capture (node: Expr) =
            if not (inner.Contains node) && not (stays node) && seen.Add node then
                captured.Add node

        for node in order do
            if inner.Contains node then Array.iter capture node.Inputs

        Array.iter capture results
        let outer = captured.ToArray()
        let fresh = outer |> Array.mapi (fun i e -> placeholder ("const" + string i) e.Type)
        let map = Dictionary<Expr, Expr>(HashIdentity.Reference)
        Array.iter2 (fun (o: Expr) (f: Expr) -> map[o] <- f) outer fresh
        struct (fresh, outer, Traverse.substitute map results)

    /// The results for other arguments.
    let apply (placeholders: Expr[]) (results: Expr[]) (arguments: Expr[]) : Expr[] =
        let map = Dictionary<Expr, Expr>(HashIdentity.Reference)
        Array.iter2 (fun (p: Expr) (a: Expr) -> map[p] <- a) placeholders arguments
        Traverse.substitute map results

    let private unstacked (e: Expr) = { DType = e.DType; Shape = Shape.removeAxes [| 0 |] e.Shape }

    /// A scan of a step function: the last carries and the stacked outputs.
    let scan
        (step: Expr[] -> Expr[] -> struct (Expr[] * Expr[]))
        (init: Expr[])
        (sequences: Expr[])
        (length: int)
        (reverse: bool)
        : struct (Expr[] * Expr[]) =
        let carry = placeholders "carry" (init |> Array.map (fun e -> e.Type))
        let steps = placeholders "step" (sequences |> Array.map unstacked)
        let struct (newCarry, outputs) = step carry steps

        if newCarry.Length <> carry.Length then
            OpsSupport.argumentError
                "Scan"
                "step"
                (string carry.Length + " new carries, as many as there are initial ones")
                (string newCarry.Length)
                "Return every carry, changed or not."

        let hint = "The step must give back what it takes."
        Array.iter2 (OpsSupport.alike "Scan" "a carry that keeps its " hint hint) carry newCarry

        let struct (constants, outer, results) =
            close (Array.append carry steps) (Array.append newCarry outputs)

        let body =
            { Carry = carry
              Step = steps
              Constants = constants
              NewCarry = results[.. carry.Length - 1]
              Outputs = results[carry.Length ..] }

        let node = Expr.Node(Structured(Scan(body, length, reverse)), Array.concat [ init; sequences; outer ])
        let all = node.Results
        struct (all[.. carry.Length - 1], all[carry.Length ..])

/// The meaning is the user's forward function; the derivative, at every order, is the user's backward function. What the
/// forward function uses from outside follows the inputs.
[<Sealed>]
type internal CustomGradient(inputs: Expr[], captured: Expr[], result: Expr, backward: Expr[] -> Expr -> Expr -> Expr[])
    =
    inherit Composite("CustomGradient")

    override _.Decompose arguments = Tracing.apply (Array.append inputs captured) [| result |] arguments

    override _.Vjp(arguments, outputs, cotangents) =
        let given = backward arguments[.. inputs.Length - 1] outputs[0] cotangents[0]

        if given.Length <> inputs.Length then
            raise (
                GraphException(
                    "A custom gradient has the wrong number of results.",
                    "",
                    string inputs.Length + ", one per input",
                    string given.Length,
                    "Use Ops.zerosLike for inputs without a derivative."
                )
            )

        given
        |> Array.iteri (fun i g ->
            if not (g.Shape.Equals arguments[i].Shape) then
                OpsSupport.shapeError
                    "CustomGradient"
                    ("the shape of input " + string i + ", " + arguments[i].Shape.ToString())
                    (g.Shape.ToString())
                    "A gradient has its input's shape.")

        Some(Array.append given (arguments[inputs.Length ..] |> Array.map Ops.zerosLike))

/// <summary>Operations with a body: softmax, losses, loops, custom gradients; and random distributions.</summary>
[<AutoOpen>]
module StructuredOps =

    /// <summary>Operations on nodes, under Keras's names. Shapes and dtypes are checked when a node is built.</summary>
    [<RequireQualifiedAccess>]
    module Ops =

        let private requireFloat op (x: Expr) =
            if not (DType.isFloating x.DType) then
                OpsSupport.dtypeError op "float32 or float64" (DType.name x.DType) "Convert with Cast first."

        /// <summary>exp x / sum (exp x) along an axis, without overflow.</summary>
        let softmax (axis: int) (x: Expr) : Expr =
            requireFloat "Softmax" x
            Expr.Node(Structured(Softmax(OpsSupport.axisOf "Softmax" x axis)), [| x |])

        /// <summary>log (softmax x) along an axis, without overflow.</summary>
        let logSoftmax (axis: int) (x: Expr) : Expr =
            requireFloat "LogSoftmax" x
            Expr.Node(Structured(LogSoftmax(OpsSupport.axisOf "LogSoftmax" x axis)), [| x |])

        /// (x - mean) / sqrt (variance + epsilon) with the mean and the population variance over some axes, and these two,
        /// with the axes kept as size 1.
        let internal standardize (axes: int[]) (epsilon: float) (x: Expr) : struct (Expr * Expr * Expr) =
            requireFloat "Standardize" x
            let node = Expr.Node(Structured(Standardize(OpsSupport.axesOf "Standardize" x axes, epsilon)), [| x |])
            let results = node.Results
            struct (results[0], results[1], results[2])

        let private requireLogits op (logits: Expr) (expected: Shape) (other: Expr) =
            requireFloat op logits

            if logits.Rank = 0 || not (other.Shape.Equals expected) then
                OpsSupport.shapeError
                    op
                    ("labels " + expected.ToString() + " for logits " + logits.Shape.ToString())
                    (other.Shape.ToString())
                    "The last axis of the logits are the classes."

        /// <summary>The cross-entropy of every row: integer labels (rows) and logits (rows, classes) give losses (rows). A label
        /// out of range gives 0.</summary>
        let sparseSoftmaxCrossEntropy (labels: Expr) (logits: Expr) : Expr =
            let op = "SparseSoftmaxCrossEntropy"

            if not (DType.isInteger labels.DType) then
                OpsSupport.dtypeError
                    op
                    "integer labels"
                    (DType.name labels.DType)
                    "Convert the labels with Cast to int32."

            let rows = if logits.Rank = 0 then logits.Shape else Shape.removeAxes [| logits.Rank - 1 |] logits.Shape
            requireLogits op logits rows labels
            Expr.Node(Structured(SparseSoftmaxCrossEntropy()), [| labels; logits |])

        /// <summary>The cross-entropy of every row: targets (rows, classes) that are probabilities, and logits of the same shape,
        /// give losses (rows).</summary>
        let softmaxCrossEntropy (targets: Expr) (logits: Expr) : Expr =
            let op = "SoftmaxCrossEntropy"
            requireLogits op logits logits.Shape targets

            if targets.DType <> logits.DType then
                OpsSupport.dtypeError
                    op
                    (DType.name logits.DType + " targets, as the logits")
                    (DType.name targets.DType)
                    "Convert the targets with Cast."

            Expr.Node(Structured(SoftmaxCrossEntropy()), [| targets; logits |])

        /// <summary>A loop over the first axis of the sequences: step carries slices gives (new carries, outputs), which keep the
        /// carries' types. Gives the last carries, and the outputs stacked along a new first axis. In reverse the steps run from
        /// last to first, and outputs stay at their places. The step function runs once, at trace time; nodes it uses from outside
        /// are the same at every step.</summary>
        /// <exception cref="T:FunctionalNet.ShapeException">There are no sequences, their lengths differ, or a carry changes its
        /// shape.</exception>
        let scan
            (step: Expr[] -> Expr[] -> Expr[] * Expr[])
            (init: Expr[])
            (sequences: Expr[])
            (reverse: bool)
            : Expr[] * Expr[] =
            if sequences.Length = 0 then
                OpsSupport.argumentError
                    "Scan"
                    "sequences"
                    "at least one"
                    "none"
                    "To only count steps, scan over Ops.arange."

            if sequences |> Array.exists (fun s -> s.Rank = 0 || s.Shape[0] <> sequences[0].Shape[0]) then
                OpsSupport.shapeError
                    "Scan"
                    "sequences of one length on the first axis"
                    (System.String.Join(" and ", sequences |> Array.map (fun s -> s.Shape.ToString())))
                    "Cut or pad them to one length."

            let inner carry slices =
                let newCarry, outputs = step carry slices
                struct (newCarry, outputs)

            let struct (last, outputs) = Tracing.scan inner init sequences (sequences[0].Shape[0]) reverse
            last, outputs

        /// <summary>A function with a derivative of your own: forward gives the value; backward inputs output cotangent gives one
        /// cotangent per input, and is used at every order of differentiation. Both run at trace time. What forward uses from
        /// outside gets no derivative: make it an input.</summary>
        let customGradient
            (forward: Expr[] -> Expr)
            (backward: Expr[] -> Expr -> Expr -> Expr[])
            (inputs: Expr[])
            : Expr =
            if inputs.Length = 0 then
                OpsSupport.argumentError
                    "CustomGradient"
                    "inputs"
                    "at least one"
                    "none"
                    "A derivative needs something to be taken to."

            let placeholders = Tracing.placeholders "x" (inputs |> Array.map (fun e -> e.Type))
            let struct (fresh, outer, results) = Tracing.close placeholders [| forward placeholders |]
            Expr.Node(Structured(CustomGradient(placeholders, fresh, results[0], backward)), Array.append inputs outer)

        /// <summary>Random numbers as a pure function of the seed and the step (int64 scalars), the stream's name and the place of
        /// the element: uniform in [0, 1), standard normal, or 32 bits in an int64.</summary>
        let random (kind: RandomKind) (stream: string) (dtype: DType) (shape: Shape) (seed: Expr) (step: Expr) : Expr =
            let dtype = if kind = RandomKind.Bits then DType.Int64 else dtype

            if kind <> RandomKind.Bits && not (DType.isFloating dtype) then
                OpsSupport.dtypeError "Random" "float32 or float64" (DType.name dtype) "Convert the numbers with Cast."

            let spec =
                { Kind = kind
                  Stream = FunctionalNet.Common.Philox.streamOf stream
                  Type = { DType = dtype; Shape = shape } }

            Expr.Node(Random spec, [| seed; step |])

        /// <summary>Uniform numbers in [least, greatest) from uniform numbers in [0, 1).</summary>
        let uniformBetween (least: float) (greatest: float) (uniform: Expr) : Expr =
            uniform * (greatest - least) + least

        /// <summary>Normal numbers from standard normal ones.</summary>
        let normalWith (mean: float) (deviation: float) (normal: Expr) : Expr = normal * deviation + mean

        /// <summary>True with that probability, from uniform numbers in [0, 1).</summary>
        let bernoulli (probability: Expr) (uniform: Expr) : Expr = Ops.less uniform probability

        /// <summary>Normal numbers within two deviations of the mean, from uniform numbers in [0, 1).</summary>
        let truncatedNormal (mean: float) (deviation: float) (uniform: Expr) : Expr =
            // erf (sqrt 2): the part of a normal distribution within two deviations.
            let inside = (uniform * 2.0 - 1.0) * 0.9544997361036416
            normalWith mean (deviation * 1.4142135623730951) (Ops.erfinv inside)

        /// <summary>Integers from least to limit - 1, from random bits.</summary>
        let randint (least: int) (limit: int) (dtype: DType) (bits: Expr) : Expr =
            if limit <= least then
                OpsSupport.argumentError
                    "RandInt"
                    "limit"
                    ("more than " + string least)
                    (string limit)
                    "The limit itself is never drawn."

            Ops.cast
                dtype
                (Ops.modulo bits (OpsSupport.like bits (float limit - float least))
                 + OpsSupport.like bits (float least))

        /// <summary>For logits (..., classes) and uniform numbers of the same shape: a class index drawn from every row, int32.</summary>
        let categorical (logits: Expr) (uniform: Expr) : Expr =
            Ops.argmax -1 (logits - Ops.log (Ops.neg (Ops.log uniform)))
