namespace FunctionalNet.Graph

open System
open System.Collections.Generic
open FunctionalNet

/// Checks that a graph is well formed, independently of how it was made: for tests, and after every pass of the compiler.
module internal Check =

    let private types (ts: TensorType[]) = String.Join(", ", ts |> Array.map string)

    let private reason (error: TypeError) =
        match error with
        | ShapeMismatch(expected, actual, _)
        | DTypeMismatch(expected, actual, _) -> "expected " + expected + ", got " + actual

    /// What is wrong with one node, taking the types of its operands as given.
    let private fault (node: Expr) : string voption =
        match node.Op with
        | Leaf _ -> if node.Inputs.Length = 0 then ValueNone else ValueSome "a leaf has operands"
        | Project i ->
            if node.Inputs.Length <> 1 || i < 0 || i >= node.Inputs[0].Types.Length then
                ValueSome("there is no result " + string i + " to project")
            elif node.Types <> [| node.Inputs[0].Types[i] |] then
                ValueSome("the type is " + types node.Types + " but the result's is " + string node.Inputs[0].Types[i])
            else
                ValueNone
        | op ->
            match Typing.infer op (node.Inputs |> Array.map (fun e -> e.Type)) with
            | Error e -> ValueSome(reason e)
            | Ok expected when expected <> node.Types ->
                ValueSome("the type is " + types node.Types + " but should be " + types expected)
            | Ok _ when node.Inputs |> Array.exists (fun e -> e.Types.Length > 1) ->
                ValueSome "an operand has several results and is not projected"
            | Ok _ -> ValueNone

    /// The first wrong node in the order of evaluation, and what is wrong. The bodies of scans are checked too.
    let rec firstFault (roots: Expr seq) : struct (Expr * string) voption =
        let order = Traverse.topological roots
        let mutable found = ValueNone
        let mutable i = 0

        while found.IsNone && i < order.Length do
            let node = order[i]

            match fault node with
            | ValueSome text -> found <- ValueSome(struct (node, text))
            | ValueNone ->
                match node.Op with
                | Structured(:? Scan as scan) -> found <- bodyFault scan.Body
                | _ -> ()

            i <- i + 1

        found

    and private bodyFault (body: ScanBody) =
        let results = Array.append body.NewCarry body.Outputs
        let own = HashSet<Expr>(Array.concat [ body.Carry; body.Step; body.Constants ], HashIdentity.Reference)

        match Traverse.leaves results |> Array.tryFind (fun l -> not (own.Contains l)) with
        | Some leaf -> ValueSome(struct (leaf, "the body of a scan uses a leaf that is not one of its placeholders"))
        | None -> firstFault results

    /// Throws for the first wrong node.
    let graph (roots: Expr seq) : unit =
        match firstFault roots with
        | ValueNone -> ()
        | ValueSome(struct (node, text)) ->
            raise (
                GraphException(
                    "A graph is not well formed.",
                    Print.op node.Op,
                    "a node whose type follows from its operands",
                    text,
                    "This is an error in the code that builds or rewrites the graph."
                )
            )
