namespace FunctionalNet.Compiler

open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph

/// Scans made cheaper: equal ones run once, results that nobody reads are dropped, and sums over the steps (what the
/// gradients of a loop's constants are) leave the loop, where one long product takes the place of many short ones.
module internal Loops =

    let private scanOf (node: Expr) =
        match node.Op with
        | Structured(:? Scan as scan) -> Some scan
        | _ -> None

    let private sameNodes (a: Expr[]) (b: Expr[]) =
        a.Length = b.Length && Array.forall2 LanguagePrimitives.PhysicalEquality a b

    /// True if the two loops take the same steps; their outputs may differ.
    let private sameLoop (a: Expr) (x: Scan) (b: Expr) (y: Scan) =
        x.Length = y.Length
        && x.Reverse = y.Reverse
        && sameNodes a.Inputs b.Inputs
        && sameNodes x.Body.Carry y.Body.Carry
        && sameNodes x.Body.Step y.Body.Step
        && sameNodes x.Body.Constants y.Body.Constants
        && sameNodes x.Body.NewCarry y.Body.NewCarry

    /// The roots with loops over the same steps merged, and without outputs that are not read.
    let merge (roots: Expr[]) : Expr[] =
        let order = Traverse.topological roots
        // Results that are read, by loop.
        let read = Dictionary<Expr, HashSet<int>>(HashIdentity.Reference)

        for node in order do
            match scanOf node with
            | Some _ when node.Types.Length = 1 -> read[node] <- HashSet<int>([| 0 |])
            | Some _ -> read[node] <- HashSet<int>()
            | None ->
                match node.Op with
                | Project i when read.ContainsKey node.Inputs[0] -> read[node.Inputs[0]].Add i |> ignore
                | _ -> ()

        // For every loop, the first one that takes the same steps.
        let firsts = List<struct (Expr * Scan)>()
        let firstOf = Dictionary<Expr, Expr>(HashIdentity.Reference)
        let outputsOf = Dictionary<Expr, List<Expr>>(HashIdentity.Reference)

        for node in order do
            match scanOf node with
            | None -> ()
            | Some scan ->
                let mutable first = node

                for struct (other, s) in firsts do
                    if sameLoop other s node scan then first <- other

                if obj.ReferenceEquals(first, node) then
                    firsts.Add(struct (node, scan))
                    outputsOf[node] <- List<Expr>()

                firstOf[node] <- first
                let all = outputsOf[first]

                for i in Seq.sort read[node] do
                    let k = i - scan.Body.Carry.Length

                    if k >= 0 && not (all.Exists(fun e -> obj.ReferenceEquals(e, scan.Body.Outputs[k]))) then
                        all.Add scan.Body.Outputs[k]

        let merged = Dictionary<Expr, Expr[]>(HashIdentity.Reference)

        let resultOf (node: Expr) (i: int) =
            let first = firstOf[node]

            match scanOf node with
            | Some scan when i >= scan.Body.Carry.Length ->
                let output = scan.Body.Outputs[i - scan.Body.Carry.Length]
                let k = outputsOf[first].FindIndex(fun e -> obj.ReferenceEquals(e, output))
                merged[first][scan.Body.Carry.Length + k]
            | _ -> merged[first][i]

        roots
        |> Traverse.rewrite (fun node inputs ->
            match scanOf node with
            | Some scan ->
                let first = firstOf[node]

                if obj.ReferenceEquals(first, node) then
                    let outputs = outputsOf[node].ToArray()

                    // A loop of which nothing is read is not reached from the roots, so something is left.
                    let body = { scan.Body with Outputs = outputs }

                    let fresh =
                        if outputs.Length = scan.Body.Outputs.Length && sameNodes outputs scan.Body.Outputs then
                            Traverse.rebuild node inputs
                        elif outputs.Length + scan.Body.Carry.Length = 0 then
                            Traverse.rebuild node inputs
                        else
                            Expr.Node(Structured(Scan(body, scan.Length, scan.Reverse)), inputs)

                    merged[node] <- fresh.Results

                if node.Types.Length = 1 then resultOf node 0 else merged[first][0]
            | None ->
                match node.Op with
                | Project i when firstOf.ContainsKey node.Inputs[0] -> resultOf node.Inputs[0] i
                | _ -> Traverse.rebuild node inputs)

    /// How a sum over the steps can be had after the loop.
    type private Total =
        /// Of what the stacked values are added up.
        | Stacked of Expr
        /// A transposed times B, with the rows of all steps one behind the other.
        | Product of Expr * Expr

    /// Largest addend that is stacked as it is.
    [<Literal>]
    let private MaxStacked = 4096

    /// Takes sums out of one loop. `prepare` simplifies the body first.
    let private hoist (prepare: Expr[] -> Expr[]) (scan: Scan) (inputs: Expr[]) : Expr[] option =
        let body = scan.Body
        let carries = body.Carry.Length
        let prepared = prepare (Array.append body.NewCarry body.Outputs)
        let newCarry, outputs = prepared[.. carries - 1], prepared[carries..]
        let uses = Dictionary<Expr, int>(HashIdentity.Reference)
        let count (e: Expr) =
            uses[e] <-
                (match uses.TryGetValue e with
                 | true, n -> n + 1
                 | _ -> 1)

        for e in Traverse.topological prepared do
            Array.iter count e.Inputs

        Array.iter count prepared
        let isConstant (e: Expr) = Array.exists (fun c -> obj.ReferenceEquals(c, e)) body.Constants

        let total (c: int) : Total option =
            let carry = body.Carry[c]

            match newCarry[c].Op with
            | Binary BinaryOp.Add when DType.isFloating carry.DType && uses.ContainsKey carry && uses[carry] = 1 ->
                let a, b = newCarry[c].Inputs[0], newCarry[c].Inputs[1]

                let addend =
                    if obj.ReferenceEquals(a, carry) then Some b
                    elif obj.ReferenceEquals(b, carry) then Some a
                    else None

                match addend with
                | Some e when e.Shape.Equals carry.Shape && uses[newCarry[c]] = 1 ->
                    match e.Op with
                    | MatMul(true, false) when
                        e.Inputs[0].Rank = 2
                        && e.Inputs[1].Rank = 2
                        && not (isConstant e.Inputs[0])
                        && not (isConstant e.Inputs[1])
                        ->
                        Some(Product(e.Inputs[0], e.Inputs[1]))
                    | _ when e.Shape.Size <= MaxStacked && not (isConstant e) -> Some(Stacked e)
                    | _ -> None
                | _ -> None
            | _ -> None

        let totals = Array.init carries total

        if scan.Length < 2 || Array.forall Option.isNone totals then
            None
        else
            let kept =
                [| for c in 0 .. carries - 1 do
                       if totals[c].IsNone then c |]
            let all = List<Expr>(outputs)

            // The index of a value's stack among the outputs; or the sequence that it is a slice of.
            let stack (e: Expr) : Choice<int, Expr> =
                match Array.tryFindIndex (fun s -> obj.ReferenceEquals(s, e)) body.Step with
                | Some i -> Choice2Of2 inputs[carries + i]
                | None ->
                    match all.FindIndex(fun o -> obj.ReferenceEquals(o, e)) with
                    | -1 ->
                        all.Add e
                        Choice1Of2(all.Count - 1)
                    | k -> Choice1Of2 k

            let stacks =
                totals
                |> Array.map (fun t ->
                    match t with
                    | Some(Stacked e) -> [| stack e |]
                    | Some(Product(a, b)) -> [| stack a; stack b |]
                    | None -> [||])

            let fresh =
                { body with
                    Carry = kept |> Array.map (fun c -> body.Carry[c])
                    NewCarry = kept |> Array.map (fun c -> newCarry[c])
                    Outputs = all.ToArray() }

            let arguments = Array.append (kept |> Array.map (fun c -> inputs[c])) inputs[carries..]

            // Without carries and outputs nothing is left of the loop.
            let results =
                if kept.Length + all.Count = 0 then
                    [||]
                else
                    Expr.Node(Structured(Scan(fresh, scan.Length, scan.Reverse)), arguments).Results

            let stacked (s: Choice<int, Expr>) =
                match s with
                | Choice1Of2 k -> results[kept.Length + k]
                | Choice2Of2 sequence -> sequence

            let flat (e: Expr) =
                let d = e.Shape.ToArray()
                Expr.Node(Reshape(Shape.Of(d[0] * d[1], d[2])), [| e |])

            let finals =
                Array.init carries (fun c ->
                    match totals[c] with
                    | None -> results[System.Array.IndexOf(kept, c)]
                    | Some t ->
                        let sum =
                            match t with
                            | Stacked _ -> Expr.Node(Reduce(ReduceOp.Sum, [| 0 |]), [| stacked (stacks[c][0]) |])
                            | Product _ ->
                                Expr.Node(
                                    MatMul(true, false),
                                    [| flat (stacked (stacks[c][0])); flat (stacked (stacks[c][1])) |]
                                )

                        Expr.Node(Binary BinaryOp.Add, [| inputs[c]; sum |]))

            Some(Array.append finals (Array.init outputs.Length (fun k -> results[kept.Length + k])))

    /// Takes products of a sequence's slice and a constant out of one loop: before it, the whole sequence is multiplied at
    /// once, and the loop gets the slices of the product.
    let private lift (prepare: Expr[] -> Expr[]) (scan: Scan) (inputs: Expr[]) : struct (Scan * Expr[]) =
        let body = scan.Body
        let carries, steps = body.Carry.Length, body.Step.Length
        let prepared = prepare (Array.append body.NewCarry body.Outputs)
        let replaced = Dictionary<Expr, Expr>(HashIdentity.Reference)
        let sequences = List<Expr>()

        let indexIn (list: Expr[]) (e: Expr) = System.Array.FindIndex(list, (fun x -> obj.ReferenceEquals(x, e)))

        if scan.Length > 1 then
            for node in Traverse.topological prepared do
                match node.Op with
                | MatMul(false, tb) when node.Rank = 2 ->
                    let step = indexIn body.Step node.Inputs[0]
                    let constant = indexIn body.Constants node.Inputs[1]

                    if step >= 0 && constant >= 0 then
                        let product =
                            Expr.Node(
                                MatMul(false, tb),
                                [| inputs[carries + step]; inputs[carries + steps + constant] |]
                            )

                        replaced[node] <- Expr.LeafOf(LeafRole.Input, "step", node.DType, node.Shape)
                        sequences.Add product
                | _ -> ()

        if replaced.Count = 0 then
            struct (scan, inputs)
        else
            let results = Traverse.substitute replaced prepared

            let fresh =
                { body with
                    Step = Array.append body.Step (Seq.toArray replaced.Values)
                    NewCarry = results[.. carries - 1]
                    Outputs = results[carries..] }

            let inputs =
                Array.concat [ inputs[.. carries + steps - 1]; sequences.ToArray(); inputs[carries + steps ..] ]

            struct (Scan(fresh, scan.Length, scan.Reverse), inputs)

    /// The roots with products lifted before loops and sums taken out behind them.
    let split (prepare: Expr[] -> Expr[]) (roots: Expr[]) : Expr[] =
        let parts = Dictionary<Expr, Expr[]>(HashIdentity.Reference)

        roots
        |> Traverse.rewrite (fun node inputs ->
            match scanOf node with
            | Some scan ->
                let struct (lifted, operands) = lift prepare scan inputs

                match hoist prepare lifted operands with
                | Some results ->
                    parts[node] <- results
                    // Of several results, only the projections are looked at.
                    results[0]
                | None when obj.ReferenceEquals(lifted, scan) -> Traverse.rebuild node inputs
                | None -> Expr.Node(Structured lifted, operands)
            | None ->
                match node.Op with
                | Project i when parts.ContainsKey node.Inputs[0] -> parts[node.Inputs[0]][i]
                | _ -> Traverse.rebuild node inputs)
