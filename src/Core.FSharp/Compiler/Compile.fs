namespace FunctionalNet.Compiler

open System
open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels

/// Which passes run. All change how something is computed, none changes what.
type internal CompileOptions =
    {
        /// Merge, fold and simplify nodes.
        Simplify: bool
        /// Whole composites and patterns by kernels of their own.
        SelectKernels: bool
        /// Equal loops merged, sums over their steps taken out.
        Loops: bool
        /// Elementwise operations in groups.
        Fuse: bool
        /// Elementwise groups as the end of the kernels whose results they read.
        Epilogues: bool
        /// Order by memory.
        Schedule: bool
        /// Write results over operands that die.
        InPlace: bool
        /// Use memory again after its value has died.
        Reuse: bool
        /// Write new values of leaves straight into their buffers where that is safe.
        Donate: bool
        /// What depends on weights alone computed when a weight has changed, and weights packed for their kernels.
        Prepare: bool
        /// Check the plan's memory before it is used.
        Check: bool
        /// Fill the arena with NaN before every run.
        Poison: bool
        /// Run the interpreter instead of a plan: slow, and the definition of right.
        Interpret: bool
    }

    /// Everything on, checks and debugging aids off.
    static member Default =
        { Simplify = true
          SelectKernels = true
          Loops = true
          Fuse = true
          Epilogues = true
          Schedule = true
          InPlace = true
          Reuse = true
          Donate = true
          Prepare = true
          Check = false
          Poison = false
          Interpret = false }

    /// Every pass off: one kernel per node, a place of its own for every value.
    static member Plain =
        { CompileOptions.Default with
            Simplify = false
            SelectKernels = false
            Loops = false
            Fuse = false
            Epilogues = false
            Schedule = false
            InPlace = false
            Reuse = false
            Donate = false
            Prepare = false }

/// The same interface over the interpreter.
[<Sealed>]
type internal InterpretedExecutable(graph: Graph, bind: Expr -> Buffer) =

    let leaves =
        Seq.append (Traverse.leaves (Traverse.roots graph)) (Seq.map fst graph.Updates)
        |> Seq.distinctBy (fun e -> e.Id)
        |> Seq.toArray

    let buffers = leaves |> Array.map bind

    let outputs =
        graph.Outputs
        |> Array.map (fun (name, e) -> struct (name, e.Type, Buffer(int64 e.Shape.Size * int64 (DType.size e.DType))))

    let write (pointer: nativeint) (t: Tensor) = t.Bytes.CopyTo(Span<byte>(pointer.ToPointer(), t.Bytes.Length))

    interface Executable with
        member _.Run() =
            let values =
                leaves
                |> Array.mapi (fun i e -> e, { OutputView.Pointer = buffers[i].Pointer; Type = e.Type }.ToTensor())

            let struct (results, updates) = Interpreter.runGraph values graph

            results
            |> Array.iteri (fun i (_, t) ->
                let struct (_, _, buffer) = outputs[i]
                write buffer.Pointer t)

            for leaf, t in updates do
                let i = leaves |> Array.findIndex (fun e -> obj.ReferenceEquals(e, leaf))
                write buffers[i].Pointer t
                buffers[i].Touch()

        member _.Output(name) =
            match outputs |> Array.tryFind (fun struct (n, _, _) -> n = name) with
            | Some(struct (_, t, buffer)) -> { Pointer = buffer.Pointer; Type = t }
            | None -> OutputView.Missing(name, graph.Outputs |> Array.map fst)

        // The interpreter has no instructions to time.
        member this.Profile(_) = (this :> Executable).Run()

        member _.Describe() =
            "interpreted: "
            + string (Traverse.topological (Traverse.roots graph)).Length
            + " nodes\n"
            + Print.graph graph

/// From graphs to what runs them.
module internal Compile =

    /// The graph after all passes that work on nodes.
    let lower (options: CompileOptions) (graph: Graph) : Graph =
        let simplify roots = if options.Simplify then Simplify.roots roots else roots

        let prepare roots =
            simplify roots
            |> Lower.decompose options.SelectKernels
            |> (if options.SelectKernels then Lower.patterns else id)
            |> simplify

        let roots = prepare (Seq.toArray (Traverse.roots graph))

        let roots = if options.Loops then Loops.merge roots |> Loops.split prepare |> prepare else roots

        let n = graph.Outputs.Length

        { Outputs = graph.Outputs |> Array.mapi (fun i (name, _) -> name, roots[i])
          Updates = graph.Updates |> Array.mapi (fun i (leaf, _) -> leaf, roots[n + i]) }

    let rec private planOf (options: CompileOptions) (mode: ResultMode) (isFixed: Expr -> bool) finish (graph: Graph) =
        let program =
            Emitter(options.Fuse, options.Epilogues, isFixed, body options, graph, mode).Run()
            |> Packing.run isFixed
            |> finish

        let inLoop =
            match mode with
            | InPlan -> false
            | OfLoop _ -> true

        let plan =
            program
            |> Schedule.run options.Schedule options.InPlace options.Donate
            |> MemoryPlan.run options.InPlace options.Donate options.Reuse inLoop

        if options.Check then MemoryCheck.verify plan
        plan

    /// The plan of a scan's body (results: outputs, then new carries), and for each carry the output it is one with, or -1.
    and private body (options: CompileOptions) (scan: ScanBody) : struct (Plan * int[]) =
        let outputs = scan.Outputs.Length

        let graph =
            { Outputs = Array.append scan.Outputs scan.NewCarry |> Array.mapi (fun i e -> string i, e)
              Updates = [||] }

        let plan = planOf options (OfLoop outputs) (fun _ -> false) id (lower options graph)

        let carryFrom =
            Array.init scan.NewCarry.Length (fun c ->
                let value = plan.Outputs[outputs + c].Operand.Value
                Array.FindIndex(plan.Outputs, 0, outputs, (fun o -> o.Operand.Value = value)))

        struct (plan, carryFrom)

    /// The plan of a graph.
    let compile (options: CompileOptions) (graph: Graph) : Plan =
        planOf options InPlan (fun _ -> false) id (lower options graph)

    /// A plan made executable in an arena that other plans may use too (not at the same time).
    let bindPlan (options: CompileOptions) (plan: Plan) (bind: Expr -> Buffer) (arena: Buffer) : Executable =
        PlannedExecutable(plan, bind, arena, options.Poison, ValueNone)

    /// The plan of a lowered graph whose weights change more rarely than it runs, with what is computed when they do.
    let private prepared (options: CompileOptions) arena (graph: Graph) (bind: Expr -> Buffer) : Executable =
        let isFixed = Prepare.fixedNodes graph
        let n = graph.Outputs.Length

        // Scales first: what is fixed is known of the nodes as they are.
        let roots = Seq.toArray (Traverse.roots graph) |> Absorb.scales isFixed.Contains |> Absorb.borders

        // Absorbing makes new nodes, of which some are equal or fold.
        let roots = if options.Simplify then Simplify.roots roots else roots

        let graph =
            { Outputs = graph.Outputs |> Array.mapi (fun i (name, _) -> name, roots[i])
              Updates = graph.Updates |> Array.mapi (fun i (leaf, _) -> leaf, roots[n + i]) }
            |> if options.Donate && options.InPlace then Widen.overInputs else id

        let always, bind, once =
            match Prepare.split graph with
            | None -> graph, bind, ValueNone
            | Some parts ->
                let kept = Dictionary<Expr, Buffer>(HashIdentity.Reference)

                for leaf, _ in parts.Once.Updates do
                    kept[leaf] <- Buffer(int64 leaf.Shape.Size * int64 (DType.size leaf.DType))

                let bind (leaf: Expr) =
                    match kept.TryGetValue leaf with
                    | true, buffer -> buffer
                    | _ -> bind leaf

                let plan = planOf options InPlan (fun _ -> false) id parts.Once

                parts.Always, bind, ValueSome(PlannedExecutable(plan, bind, Buffer plan.ArenaBytes, false, ValueNone))

        let isFixed = Prepare.fixedNodes always

        let finish (program: Program) =
            program
            |> Endings.pool Select.canEnd
            |> Unpooling.run Select.canPlace Select.isQuickGradient
            |> Endings.mask Select.isQuickGradient

        let plan = planOf options InPlan isFixed.Contains finish always
        PlannedExecutable(plan, bind, arena plan.ArenaBytes, options.Poison, once)

    /// A graph made executable: every leaf reads, and takes its new value, in the buffer that `bind` gives for it. `arena`
    /// gives memory of at least so many bytes, which other executables may use too (not at the same time).
    let executableIn (arena: int64 -> Buffer) options (graph: Graph) (bind: Expr -> Buffer) : Executable =
        if options.Interpret then
            InterpretedExecutable(graph, bind)
        elif options.Prepare then
            prepared options arena (lower options graph) bind
        else
            let plan = compile options graph
            bindPlan options plan bind (arena plan.ArenaBytes)

    /// A graph made executable in memory of its own.
    let executable (options: CompileOptions) (graph: Graph) (bind: Expr -> Buffer) : Executable =
        executableIn Buffer options graph bind
