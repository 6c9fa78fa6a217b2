namespace FunctionalNet.Graph

open System.Collections.Generic
open FunctionalNet

/// Inputs: a value, then others. The value itself, which nothing reads before the others are there: what is computed from it is
/// not what was computed from the value before. In a plan it is no instruction, but an order.
[<Sealed>]
type internal Barrier() =
    inherit Composite("Barrier")

    override _.Key: obj = "Barrier" :> obj

    override _.Decompose inputs = [| inputs[0] |]

    override _.Vjp(inputs, _, cotangents) =
        Some(inputs |> Array.mapi (fun i x -> if i = 0 then cotangents[0] else Ops.zerosLike x))

/// Inputs: some values, then what they were computed from. Results: these values. Derivatives do not read what was computed
/// between, but compute it again from barriers.
[<Sealed>]
type internal Checkpoint(results: int) =
    inherit Composite("Checkpoint")

    member _.Results = results

    override _.Key: obj = ("Checkpoint " + string results) :> obj

    override _.Decompose inputs = inputs[.. results - 1]

/// How derivatives compute a part of a graph again.
module internal Rematerialization =

    /// The values as a part of the graph from the inputs on whose inner values are computed again for derivatives.
    let mark (inputs: Expr[]) (outputs: Expr[]) : Expr[] =
        let isReal (e: Expr) = DType.isReal e.DType
        let sources = inputs |> Array.filter isReal

        let chosen =
            [| for i in 0 .. outputs.Length - 1 do
                   if isReal outputs[i] then i |]

        if chosen.Length = 0 || sources.Length = 0 then
            outputs
        else
            let values = chosen |> Array.map (fun i -> outputs[i])
            let node = Expr.Node(Structured(Checkpoint values.Length), Array.append values inputs)
            let marked = Array.copy outputs
            Array.iter2 (fun i (value: Expr) -> marked[i] <- value) chosen node.Results
            marked

    /// The value, to be read when the others are there. A widened value waits in its 16 bits.
    let rec after (others: Expr[]) (value: Expr) : Expr =
        match value.Op with
        | Cast target when value.Inputs[0].DType = DType.BFloat16 -> Ops.cast target (after others value.Inputs[0])
        | _ -> Expr.Node(Structured(Barrier()), Array.append [| value |] others)

    /// The marked part on placeholders: (placeholders, what they stand for, how many of them are inputs of the part, results).
    let part (node: Expr) (results: int) (hasDerivative: Expr -> bool) : struct (Expr[] * Expr[] * int * Expr[]) =
        let values = node.Inputs[.. results - 1]
        let inputs = node.Inputs[results..] |> Array.distinctBy (fun e -> e.Id)
        let isInput = HashSet<Expr>(inputs, HashIdentity.Reference)
        let inside = HashSet<Expr>(HashIdentity.Reference)
        let order = Traverse.topological values

        for e in order do
            if
                not (isInput.Contains e)
                && e.Inputs |> Array.exists (fun i -> isInput.Contains i || inside.Contains i)
            then
                inside.Add e |> ignore

        // What it uses from outside, as far as a derivative goes there; the rest stays as it is.
        let outside = List<Expr>()
        let seen = HashSet<Expr>(HashIdentity.Reference)

        let meet (e: Expr) =
            if not (isInput.Contains e) && not (inside.Contains e) && hasDerivative e && seen.Add e then
                outside.Add e

        for e in order do
            if inside.Contains e then Array.iter meet e.Inputs

        Array.iter meet values
        let stands = Array.append inputs (outside.ToArray())

        let placeholders =
            stands |> Array.mapi (fun i e -> Expr.LeafOf(LeafRole.Input, "kept" + string i, e.DType, e.Shape))

        let map = Dictionary<Expr, Expr>(HashIdentity.Reference)
        Array.iter2 (fun (e: Expr) (p: Expr) -> map[e] <- p) stands placeholders
        struct (placeholders, stands, inputs.Length, Traverse.substitute map values)

namespace FunctionalNet

open FunctionalNet.Graph

/// <summary>Computing values again in place of keeping them.</summary>
[<AutoOpen>]
module RematerializationOps =

    /// <summary>Operations on nodes, under Keras's names. Shapes and dtypes are checked when a node is built.</summary>
    [<RequireQualifiedAccess>]
    module Ops =

        /// <summary>The results of a function of nodes whose inner values derivatives do not keep: they compute them again from
        /// the inputs. The same values, and the same derivatives up to rounding, in less memory and more time. Runs once, at trace time. Keras:
        /// remat.</summary>
        /// <param name="f">From the inputs to the results.</param>
        /// <param name="inputs">What is kept.</param>
        /// <example><code>
        /// let y = Ops.remat (fun x -> [| block x[0] |]) [| x |]
        /// </code></example>
        let remat (f: Expr[] -> Expr[]) (inputs: Expr[]) : Expr[] = Rematerialization.mark inputs (f inputs)
