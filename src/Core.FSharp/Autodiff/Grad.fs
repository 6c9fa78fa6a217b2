namespace FunctionalNet

open System.Collections.Generic
open FunctionalNet.Graph
open FunctionalNet.Autodiff

/// <summary>Reverse-mode differentiation: from a graph to a graph, so it nests to any order.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Grad =

    /// Nodes through which a derivative reaches one of the sources.
    let private reaching (order: Expr[]) (sources: Expr seq) =
        let reached = HashSet<Expr>(HashIdentity.Reference)
        let isFloat (e: Expr) = e.Types |> Array.exists (fun t -> DType.isReal t.DType)

        for s in sources do
            if isFloat s then reached.Add s |> ignore

        for node in order do
            if not (reached.Contains node) && isFloat node then
                let mutable i = 0

                while i < node.Inputs.Length do
                    if reached.Contains node.Inputs[i] && Rules.carries node.Op i then
                        reached.Add node |> ignore
                        i <- node.Inputs.Length

                    i <- i + 1

        reached

    let private fill (types: TensorType[]) (cotangents: Expr voption[]) =
        Array.map2
            (fun (t: TensorType) g ->
                match g with
                | ValueSome e -> e
                | ValueNone -> Ops.zeros t.DType t.Shape)
            types
            cotangents

    /// Cotangents of those sources that a derivative reaches; the rest is None.
    let rec private pull (outputs: Expr[]) (cotangents: Expr voption[]) (sources: Expr[]) : Expr voption[] =
        let order = Traverse.topological outputs
        let reached = reaching order sources
        let found = Dictionary<Expr, Expr voption[]>(HashIdentity.Reference)

        let add (node: Expr) (slot: int) (g: Expr) =
            let slots =
                match found.TryGetValue node with
                | true, s -> s
                | _ ->
                    let s = Array.create node.Types.Length ValueNone
                    found[node] <- s
                    s

            slots[slot] <-
                match slots[slot] with
                // 16-bit numbers are added in float32.
                | ValueSome sum when g.DType = DType.BFloat16 ->
                    ValueSome(Ops.cast g.DType (Ops.cast DType.Float32 sum + Ops.cast DType.Float32 g))
                | ValueSome sum -> ValueSome(sum + g)
                | ValueNone -> ValueSome g

        Array.iter2
            (fun (output: Expr) g ->
                match g with
                | ValueSome e when reached.Contains output -> add output 0 e
                | _ -> ())
            outputs
            cotangents

        for k in order.Length - 1 .. -1 .. 0 do
            let node = order[k]

            match found.TryGetValue node with
            | true, slots when node.Inputs.Length > 0 ->
                let wanted i = reached.Contains node.Inputs[i] && Rules.carries node.Op i

                match node.Op with
                | Project index -> add node.Inputs[0] index slots[0].Value
                | Structured(:? Checkpoint as checkpoint) ->
                    for struct (source, g) in rematerialized checkpoint node slots reached.Contains do
                        add source 0 g
                | Structured s ->
                    structured s node slots wanted
                    |> Array.iteri (fun i g ->
                        match g with
                        | ValueSome e when wanted i -> add node.Inputs[i] 0 e
                        | _ -> ())
                | _ ->
                    for i in 0 .. node.Inputs.Length - 1 do
                        if wanted i then add node.Inputs[i] 0 (Rules.cotangent node slots[0].Value i)
            | _ -> ()

        sources
        |> Array.map (fun s ->
            match found.TryGetValue s with
            | true, slots -> slots[0]
            | _ -> ValueNone)

    and private structured (s: Structured) (node: Expr) (slots: Expr voption[]) (wanted: int -> bool) : Expr voption[] =
        match s with
        | :? Scan as scan -> scanCotangents scan node slots wanted
        | :? CustomNode as custom ->
            let given = custom.Operation.Gradient(node.Inputs, node.Results, fill node.Types slots)
            checkCustom custom.Operation.Name node given wanted
            Array.map ValueSome given
        | :? Composite as composite ->
            match composite.Vjp(node.Inputs, node.Results, fill node.Types slots) with
            | Some given -> Array.map ValueSome given
            | None -> decomposed composite node slots wanted
        | other ->
            raise (
                GraphException(
                    "A node has no derivative.",
                    other.Name,
                    "a composite, a scan or a custom operation",
                    other.GetType().Name,
                    "Give it a decomposition."
                )
            )

    /// Computes a marked part of the graph again, once the cotangents of its results are there, and differentiates that.
    and private rematerialized
        (checkpoint: Checkpoint)
        (node: Expr)
        (slots: Expr voption[])
        (hasDerivative: Expr -> bool)
        : struct (Expr * Expr)[] =
        let struct (placeholders, stands, inputs, results) =
            Rematerialization.part node checkpoint.Results hasDerivative

        let there =
            slots
            |> Array.choose (fun g ->
                match g with
                | ValueSome g -> Some g
                | ValueNone -> None)

        let arguments =
            stands |> Array.mapi (fun i e -> if i < inputs then Rematerialization.after there e else e)

        // Cotangents stay outside of the placeholders: they may depend on what these stand for.
        let incoming = Tracing.placeholders "g" node.Types
        let seeds =
            Array.map2 (fun (g: Expr) (s: Expr voption) -> s |> ValueOption.map (fun _ -> g)) incoming slots
        let sources = placeholders |> Array.mapi (fun i p -> struct (p, stands[i]))
        let wanted = sources |> Array.filter (fun (struct (_, e)) -> hasDerivative e)
        let pulled = pull results seeds (wanted |> Array.map (fun (struct (p, _)) -> p))

        let present =
            [| for k in 0 .. wanted.Length - 1 do
                   if pulled[k].IsSome then k |]

        let given = Array.map2 (fun (g: Expr) (s: Expr voption) -> ValueOption.defaultValue g s) incoming slots

        let placed =
            Tracing.apply
                (Array.append placeholders incoming)
                (present |> Array.map (fun k -> pulled[k].Value))
                (Array.append arguments given)

        present
        |> Array.mapi (fun j k ->
            let struct (_, e) = wanted[k]
            struct (e, placed[j]))

    and private checkCustom (name: string) (node: Expr) (given: Expr[]) (wanted: int -> bool) =
        if given.Length <> node.Inputs.Length then
            raise (
                GraphException(
                    "The gradient of a custom operation has the wrong number of results.",
                    name,
                    string node.Inputs.Length + ", one per input",
                    string given.Length,
                    "Use Ops.zerosLike for inputs without a derivative."
                )
            )

        given
        |> Array.iteri (fun i g ->
            if wanted i && g.Type <> node.Inputs[i].Type then
                raise (
                    ShapeException(
                        "The gradient of a custom operation has the wrong type.",
                        name,
                        node.Inputs[i].Type.ToString() + " for input " + string i,
                        g.Type.ToString(),
                        "A gradient has its input's shape and dtype."
                    )
                ))

    /// Differentiates the meaning of a composite, on placeholders: its inputs may depend on one another.
    and private decomposed (composite: Composite) (node: Expr) (slots: Expr voption[]) (wanted: int -> bool) =
        let parameters = Tracing.placeholders "x" (node.Inputs |> Array.map (fun e -> e.Type))
        let results = composite.Decompose parameters
        let given = slots |> Array.map (fun g -> g.IsSome)
        let incoming = Tracing.placeholders "g" node.Types
        let seeds = Array.map2 (fun (g: Expr) there -> if there then ValueSome g else ValueNone) incoming given
        let sources =
            [| for i in 0 .. parameters.Length - 1 do
                   if wanted i then i |]
        let pulled = pull results seeds (sources |> Array.map (fun i -> parameters[i]))
        let arguments = Array.append node.Inputs (fill node.Types slots)
        let answer = Array.create parameters.Length ValueNone

        let present =
            [| for k in 0 .. sources.Length - 1 do
                   if pulled[k].IsSome then k |]

        let placed =
            Tracing.apply (Array.append parameters incoming) (present |> Array.map (fun k -> pulled[k].Value)) arguments

        present |> Array.iteri (fun j k -> answer[sources[k]] <- ValueSome placed[j])
        answer

    /// The derivative of a loop is a loop the other way: a first pass keeps the carries of every step; the second carries
    /// their cotangents back, and sums those of the constants.
    and private scanCotangents
        (scan: Scan)
        (node: Expr)
        (slots: Expr voption[])
        (wanted: int -> bool)
        : Expr voption[] =
        let body = scan.Body
        let nc, ns, nk = body.Carry.Length, body.Step.Length, body.Constants.Length
        let parameters = Array.concat [ body.Carry; body.Step; body.Constants ]
        let results = Array.append body.NewCarry body.Outputs

        // Which carries a derivative can reach, in some number of steps.
        let active = Array.init nc wanted
        let order = Traverse.topological results
        let mutable growing = true

        while growing do
            let sources =
                [| for i in 0 .. parameters.Length - 1 do
                       if (if i < nc then active[i] else wanted i) then parameters[i] |]
            let reached = reaching order sources
            growing <- false

            for i in 0 .. nc - 1 do
                if not active[i] && reached.Contains body.NewCarry[i] then
                    active[i] <- true
                    growing <- true

        let carries =
            [| for i in 0 .. nc - 1 do
                   if active[i] then i |]
        let sequences =
            [| for i in 0 .. ns - 1 do
                   if wanted (nc + i) then i |]
        let constants =
            [| for i in 0 .. nk - 1 do
                   if wanted (nc + ns + i) then i |]
        let given =
            [| for i in nc .. slots.Length - 1 do
                   if slots[i].IsSome then i |]

        let stash =
            let kept = { body with Outputs = Array.append body.Outputs body.Carry }

            (Expr.Node(Structured(Scan(kept, scan.Length, scan.Reverse)), node.Inputs).Results)[slots.Length ..]

        let inputs = node.Inputs
        let constantInputs = inputs[nc + ns ..]

        let start =
            Array.append
                (fill (carries |> Array.map (fun i -> node.Types[i])) (carries |> Array.map (fun i -> slots[i])))
                (constants |> Array.map (fun i -> Ops.zerosLike constantInputs[i]))

        let back =
            Array.concat [ stash; inputs[nc .. nc + ns - 1]; given |> Array.map (fun i -> slots[i].Value) ]

        let step (cotangents: Expr[]) (slices: Expr[]) =
            // Placeholders again: outside, one constant may be computed from another.
            let fixedOnes = Tracing.placeholders "const" (constantInputs |> Array.map (fun e -> e.Type))
            let arguments = Array.append slices[.. nc + ns - 1] fixedOnes
            let values = Tracing.apply parameters results arguments
            let seeds = Array.create results.Length ValueNone
            carries |> Array.iteri (fun k i -> seeds[i] <- ValueSome cotangents[k])
            given |> Array.iteri (fun k i -> seeds[i] <- ValueSome slices[nc + ns + k])

            let sources =
                Array.concat
                    [ carries |> Array.map (fun i -> arguments[i])
                      sequences |> Array.map (fun i -> arguments[nc + i])
                      constants |> Array.map (fun i -> arguments[nc + ns + i]) ]

            let pulled = pull values seeds sources |> fill (sources |> Array.map (fun e -> e.Type))
            let pulled = Tracing.apply fixedOnes pulled constantInputs
            let n, m = carries.Length, sequences.Length
            let sums = Array.map2 (fun (a: Expr) b -> a + b) cotangents[n..] pulled[n + m ..]
            struct (Array.append pulled[.. n - 1] sums, pulled[n .. n + m - 1])

        let struct (last, outputs) = Tracing.scan step start back scan.Length (not scan.Reverse)
        let answer = Array.create inputs.Length ValueNone
        carries |> Array.iteri (fun k i -> answer[i] <- ValueSome last[k])
        sequences |> Array.iteri (fun k i -> answer[nc + i] <- ValueSome outputs[k])
        constants |> Array.iteri (fun k i -> answer[nc + ns + i] <- ValueSome last[carries.Length + k])
        answer

    /// <summary>The cotangents of nodes: what a change of the outputs, weighted by their cotangents, is for each of wrt. Zeros
    /// for nodes that the outputs do not depend on, and for integers.</summary>
    /// <param name="outputs">Nodes to differentiate.</param>
    /// <param name="cotangents">One weight tensor per output, of its shape and dtype.</param>
    /// <param name="wrt">Nodes to differentiate to.</param>
    /// <exception cref="T:FunctionalNet.ShapeException">A cotangent has not the shape of its output.</exception>
    let vjp (outputs: Expr[]) (cotangents: Expr[]) (wrt: Expr[]) : Expr[] =
        if outputs.Length <> cotangents.Length then
            OpsSupport.argumentError
                "Grad.vjp"
                "cotangents"
                (string outputs.Length + ", one per output")
                (string cotangents.Length)
                "Give a weight tensor for every output."

        Array.iter2
            (OpsSupport.alike
                "Grad.vjp"
                "a cotangent of the output's "
                "Broadcast the cotangent first."
                "Convert it with Cast.")
            outputs
            cotangents

        pull outputs (Array.map ValueSome cotangents) wrt |> fill (wrt |> Array.map (fun e -> e.Type))

    let private checkLoss (loss: Expr) : unit =
        if loss.Rank <> 0 then
            OpsSupport.shapeError
                "Grad"
                "a scalar to differentiate"
                (loss.Shape.ToString())
                "Reduce it first, with Ops.sumAll or Ops.meanAll; or use Grad.jacobian."

        if not (DType.isFloating loss.DType) then
            OpsSupport.dtypeError
                "Grad"
                "float32 or float64"
                (DType.name loss.DType)
                "Only floating-point values have derivatives."

    /// The derivatives of a scalar to nodes; ValueNone where there is no dependence.
    let internal dependences (loss: Expr) (wrt: Expr[]) : Expr voption[] =
        checkLoss loss
        pull [| loss |] [| ValueSome(Expr.Scalar(loss.DType, 1.0)) |] wrt

    /// <summary>The derivatives of a scalar to nodes: each has the shape of its node. Zeros where there is no dependence.</summary>
    /// <exception cref="T:FunctionalNet.ShapeException">The loss is not a scalar.</exception>
    /// <exception cref="T:FunctionalNet.DTypeException">The loss is not a float.</exception>
    let gradients (loss: Expr) (wrt: Expr[]) : Expr[] =
        checkLoss loss
        vjp [| loss |] [| Expr.Scalar(loss.DType, 1.0) |] wrt

    // A function is differentiated on a placeholder: it may also use, from outside, the node it is then applied to.
    let private onPlaceholder (f: Expr -> Expr[]) (x: Expr) : Expr[] =
        let p = Tracing.placeholders "x" [| x.Type |]
        Tracing.apply p (f p[0]) [| x |]

    /// <summary>The value of a scalar function at x, and its derivative there.</summary>
    let valueAndGrad (f: Expr -> Expr) (x: Expr) : struct (Expr * Expr) =
        let both =
            x
            |> onPlaceholder (fun p ->
                let y = f p
                [| y; (gradients y [| p |])[0] |])

        struct (both[0], both[1])

    /// <summary>The derivative of a scalar function at x. Nests: <c>grad (grad f)</c> for functions of a scalar.</summary>
    let grad (f: Expr -> Expr) (x: Expr) : Expr =
        let struct (_, g) = valueAndGrad f x
        g

    /// <summary>The derivatives of a scalar function of several tensors.</summary>
    let gradMany (f: Expr[] -> Expr) (xs: Expr[]) : Expr[] =
        let p = Tracing.placeholders "x" (xs |> Array.map (fun e -> e.Type))
        Tracing.apply p (gradients (f p) p) xs

    /// <summary>All derivatives of all elements of f x: the shape of f x, then the shape of x.</summary>
    let jacobian (f: Expr -> Expr) (x: Expr) : Expr =
        let build (p: Expr) =
            let y = f p
            let n = y.Shape.Size
            let rows = Ops.eye y.DType n n

            let step (_: Expr[]) (slices: Expr[]) =
                struct ([||], vjp [| y |] [| OpsSupport.reshapeTo y.Shape slices[0] |] [| p |])

            let struct (_, outputs) = Tracing.scan step [||] [| rows |] n false
            [| OpsSupport.reshapeTo (Shape.Of(Array.append (y.Shape.ToArray()) (p.Shape.ToArray()))) outputs[0] |]

        (onPlaceholder build x)[0]

    /// <summary>All second derivatives of a scalar function at x: the shape of x twice.</summary>
    let hessian (f: Expr -> Expr) (x: Expr) : Expr = jacobian (grad f) x

    /// <summary>The Hessian of a scalar function at x times a vector of the shape of x, without building the Hessian.</summary>
    let hvp (f: Expr -> Expr) (x: Expr) (vector: Expr) : Expr = grad (fun p -> Ops.sumAll (grad f p * vector)) x
