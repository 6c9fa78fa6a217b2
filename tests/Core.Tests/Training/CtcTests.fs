/// The loss of connectionist temporal classification, where labels fit into the steps and where they cannot.
module FunctionalNet.Tests.Training.CtcTests

open System
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Training
open FunctionalNet.Tests.Support
open Xunit

let private add (a: float) (b: float) =
    let m = Math.Max(a, b)
    m + Math.Log(Math.Exp(a - m) + Math.Exp(b - m))

/// Keras 3.8's recursion (backend/jax/nn.py, ctc_loss) for one row: phi[n] after n labels and a blank, emit[n] on label n. What is
/// not possible is 1e5 less likely.
let private byLoops (labels: int[]) (logits: float[][]) : float =
    let width = labels.Length
    let count = labels |> Array.filter (fun l -> l <> 0) |> Array.length
    let isRepeat n = n + 1 < width && labels[n] = labels[n + 1]
    let phi = Array.init (width + 1) (fun n -> if n = 0 then 0.0 else -1e5)
    let emit = Array.create width -1e5

    for row in logits do
        let total = row |> Array.reduce add
        let logp = row |> Array.map (fun v -> v - total)
        let before, was = Array.copy phi, Array.copy emit

        for n in 0 .. width - 1 do
            before[n + 1] <- add before[n + 1] (was[n] + (if isRepeat n then -1e5 else 0.0))

        for n in 0 .. width - 1 do
            emit[n] <- add (before[n] + logp[labels[n]]) (was[n] + logp[labels[n]])

        phi[0] <- before[0] + logp[0]

        for n in 0 .. width - 1 do
            phi[n + 1] <- add (before[n + 1] + logp[0]) (was[n] + logp[0] + (if isRepeat n then 0.0 else -1e5))

    for n in 0 .. width - 1 do
        phi[n + 1] <- add phi[n + 1] emit[n]

    -phi[count]

/// Minus the logarithm of the sum over all ways to spell the labels: every sequence of classes, one for each step.
let private byEnumeration (labels: int[]) (logits: float[][]) : float =
    let wanted = labels |> Array.filter (fun l -> l <> 0) |> Array.toList
    let classes = logits[0].Length
    let logp =
        logits
        |> Array.map (fun row ->
            let total = Array.reduce add row
            row |> Array.map (fun v -> v - total))

    let spelled (path: int list) =
        path
        |> List.fold (fun (last, out) c -> c, (if c <> last && c <> 0 then c :: out else out)) (0, [])
        |> snd
        |> List.rev

    let rec paths (steps: int) : int list list =
        if steps = 0 then
            [ [] ]
        else
            [ for p in paths (steps - 1) do
                  for c in 0 .. classes - 1 -> c :: p ]

    paths logits.Length
    |> List.filter (fun p -> spelled p = wanted)
    |> List.sumBy (fun p -> p |> List.mapi (fun t c -> logp[t][c]) |> List.sum |> Math.Exp)
    |> fun sum -> -Math.Log sum

let private value (labels: int[][]) (logits: float[][][]) : float[] =
    let first = logits[0]
    let batch, time, classes = logits.Length, first.Length, first[0].Length

    let leaf =
        Tensor.OfDoubles(DType.Float64, Shape.Of(batch, time, classes), logits |> Array.collect (Array.collect id))

    let ids =
        Tensor.OfDoubles(DType.Int32, Shape.Of(batch, labels[0].Length), labels |> Array.collect (Array.map float))

    (Interpreter.value [] (Alignment.ctc (Expr.Constant ids) (Expr.Constant leaf))).ToDoubles()

let private logitsOf (random: System.Random) time classes =
    Array.init time (fun _ -> Array.init classes (fun _ -> random.NextDouble() * 4.0 - 2.0))

/// Labels whose ends are blanks, as many as there are to be.
let private labelsOf (random: System.Random) width classes =
    let count = random.Next(width + 1)
    Array.init width (fun n -> if n < count then random.Next(1, classes) else 0)

[<Property(MaxTest = 150)>]
let ``Any labels cost what Keras's recursion says, whether they fit or not`` (seed: int) =
    let random = System.Random seed
    let time, width, classes = random.Next(1, 7), random.Next(1, 5), random.Next(2, 5)
    let labels = Array.init 3 (fun _ -> labelsOf random width classes)
    let logits = Array.init 3 (fun _ -> logitsOf random time classes)
    Close.close 1e-12 1e-9 (Array.map2 byLoops labels logits) (value labels logits)

[<Property(MaxTest = 150)>]
let ``Labels that fit cost minus the logarithm of the sum over all ways to spell them`` (seed: int) =
    let random = System.Random seed
    let width, classes = random.Next(1, 3), random.Next(2, 4)
    let labels = labelsOf random width classes
    // Room for a blank after every label.
    let logits = logitsOf random (2 * width + random.Next 2) classes
    Close.close 1e-12 1e-9 [| byEnumeration labels logits |] (value [| labels |] [| logits |])

[<Fact>]
let ``Labels that cannot be spelled cost about 1e5 each, and have a derivative`` () =
    let logits = logitsOf (System.Random 3) 2 4
    // Three labels in two steps; twice the same without room for the blank between; and one that fits.
    let labels = [| [| 1; 2; 3 |]; [| 2; 2; 0 |]; [| 2; 1; 0 |] |]
    let costs = value labels [| logits; logits; logits |]
    Assert.InRange(costs[0], 0.99e5, 1.01e5)
    Assert.InRange(costs[1], 0.99e5, 1.01e5)
    Assert.InRange(costs[2], 0.0, 20.0)
    let x = Expr.Input("x", DType.Float32, Shape.Of(3, 2, 4))
    let ids = Tensor.OfDoubles(DType.Int32, Shape.Of(3, 3), labels |> Array.collect (Array.map float))
    let g = (Grad.gradients (Ops.sumAll (Alignment.ctc (Expr.Constant ids) x)) [| x |])[0]
    let bound = Tensor.OfDoubles(DType.Float32, x.Shape, Array.init 24 (fun i -> logits[i / 4 % 2][i % 4]))
    let gradient = (Interpreter.value [ x, bound ] g).ToDoubles()
    Assert.All(gradient, (fun v -> Assert.InRange(v, -2.0, 2.0)))
    Assert.Contains(gradient, (fun v -> v <> 0.0))
