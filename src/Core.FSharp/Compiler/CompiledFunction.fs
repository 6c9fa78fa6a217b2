namespace FunctionalNet

open System
open System.Collections.Generic
open FunctionalNet.Compiler
open FunctionalNet.Graph
open FunctionalNet.Kernels

/// A function of nodes, traced and compiled for tensors of certain types.
[<Sealed>]
type internal CompiledSignature(call: Func<Expr[], Expr[]>, options: CompileOptions, types: TensorType[]) =

    let leaves =
        types |> Array.mapi (fun i t -> Expr.LeafOf(LeafRole.Input, "input" + string i, t.DType, t.Shape))

    let outputs = call.Invoke(Array.copy leaves)

    do
        let own = HashSet<Expr>(leaves, HashIdentity.Reference)

        for leaf in Traverse.leaves outputs do
            if not (own.Contains leaf) then
                raise (
                    GraphException(
                        "A compiled function uses an input that it was not given.",
                        Expr.OpName leaf.Op,
                        "nodes made of the function's arguments and of constants",
                        leaf.ToString(),
                        "Make it an argument of the function."
                    )
                )

    let graph = { Outputs = outputs |> Array.mapi (fun i e -> string i, e); Updates = [||] }

    let buffers = types |> Array.map (fun t -> Buffer(int64 t.Shape.Size * int64 (DType.size t.DType)))

    let executable = Compile.executable options graph (fun leaf -> buffers[Array.IndexOf(leaves, leaf)])

    let results = graph.Outputs |> Array.map (fun (name, _) -> executable.Output name)

    let fill (inputs: Tensor[]) =
        for i in 0 .. inputs.Length - 1 do
            let bytes = inputs[i].Bytes
            bytes.CopyTo(Span<byte>(buffers[i].Pointer.ToPointer(), bytes.Length))

    /// True if it serves tensors of these types.
    member _.Fits(inputs: Tensor[]) =
        let mutable fits = inputs.Length = types.Length
        let mutable i = 0

        while fits && i < types.Length do
            fits <- inputs[i].DType = types[i].DType && inputs[i].Shape.Equals types[i].Shape
            i <- i + 1

        fits

    member _.Run(inputs: Tensor[]) : Tensor[] =
        fill inputs
        executable.Run()
        let copies = results |> Array.map (fun view -> view.ToTensor())
        GC.KeepAlive buffers
        copies

    member _.Describe(inputs: Tensor[], runs: int) : string =
        if runs > 0 then
            fill inputs
            executable.Profile runs

        executable.Describe()

    member _.FirstDifference(tolerance: float, inputs: Tensor[]) : string option =
        Compare.firstDifference options tolerance (Array.zip leaves inputs) graph

/// <summary>A function of nodes that is called with tensors. It is traced and compiled once per signature (the dtypes and
/// shapes of its arguments) and then only runs. What it captures is a constant; what it does besides building nodes happens at
/// trace time only. Derivatives belong inside: <c>Grad</c> builds nodes like any other function. Calls from several threads
/// wait for each other. The plans of the 32 signatures used last are kept.</summary>
/// <param name="call">From arguments to results.</param>
/// <param name="options">Which passes of the compiler run.</param>
/// <example><code>
/// var norm = new CompiledFunction(x =&gt; [Ops.Sqrt(Ops.Sum(x[0] * x[0]))]);
/// var five = norm.Invoke(new float[] { 3, 4 })[0];
/// </code></example>
[<Sealed>]
type CompiledFunction(call: Func<Expr[], Expr[]>, options: PlanOptions) =

    let compileOptions = options.ToCompileOptions()
    let gate = obj ()
    // Newest last.
    let signatures = List<CompiledSignature>()
    let mutable traces = 0

    let find (inputs: Tensor[]) : CompiledSignature =
        let i = signatures.FindIndex(fun s -> s.Fits inputs)

        if i >= 0 then
            let found = signatures[i]

            if i < signatures.Count - 1 then
                signatures.RemoveAt i
                signatures.Add found

            found
        else
            let types = inputs |> Array.map (fun t -> { DType = t.DType; Shape = t.Shape })
            let made = CompiledSignature(call, compileOptions, types)
            traces <- traces + 1
            signatures.Add made

            if signatures.Count > 32 then signatures.RemoveAt 0

            made

    /// <summary>A compiled function with all passes on.</summary>
    new(call: Func<Expr[], Expr[]>) = CompiledFunction(call, PlanOptions())

    /// <summary>How often the function was traced: once per signature.</summary>
    member _.Traces = traces

    /// <summary>The results for these arguments.</summary>
    /// <exception cref="T:FunctionalNet.ShapeException">Shapes do not fit inside the function.</exception>
    /// <exception cref="T:FunctionalNet.DTypeException">Element types do not fit inside the function.</exception>
    /// <exception cref="T:FunctionalNet.GraphException">The function uses an input that is not among its arguments.</exception>
    member _.Invoke([<ParamArray>] inputs: Tensor[]) : Tensor[] = lock gate (fun () -> (find inputs).Run inputs)

    /// <summary>The plan for arguments of these types as text: one line per instruction with its operands, the shape and place
    /// of its results, the bytes it moves and its floating-point operations.</summary>
    member _.DescribePlan([<ParamArray>] inputs: Tensor[]) : string =
        lock gate (fun () -> (find inputs).Describe(inputs, 0))

    /// <summary>The plan with the microseconds of every instruction: the least of several runs.</summary>
    /// <param name="runs">How often it is run.</param>
    /// <param name="inputs">Arguments.</param>
    member _.ProfilePlan(runs: int, [<ParamArray>] inputs: Tensor[]) : string =
        lock gate (fun () -> (find inputs).Describe(inputs, max 1 runs))

    /// <summary>Runs the plan and the interpreter on these arguments and compares every node; operands are compared before
    /// what is made of them.</summary>
    /// <param name="tolerance">How far a node may be off, relative to its greatest magnitude (or 1, if that is more).</param>
    /// <param name="inputs">Arguments.</param>
    /// <returns>The first node that differs, with both values; null if none does.</returns>
    member _.FirstDifference(tolerance: float, [<ParamArray>] inputs: Tensor[]) : string | null =
        match lock gate (fun () -> (find inputs).FirstDifference(tolerance, inputs)) with
        | Some text -> text
        | None -> null

/// <summary>Functions of nodes, compiled to functions of tensors.</summary>
module Compiled =

    /// <summary>A function that is traced and compiled once per signature of its arguments.</summary>
    [<CompiledName("Create")>]
    let create (f: Expr[] -> Expr[]) : CompiledFunction = CompiledFunction(Func<Expr[], Expr[]>(f))

    /// <summary>The same with some passes of the compiler switched off.</summary>
    [<CompiledName("CreateWith")>]
    let createWith (options: PlanOptions) (f: Expr[] -> Expr[]) : CompiledFunction =
        CompiledFunction(Func<Expr[], Expr[]>(f), options)

    /// <summary>A function of one argument and one result. Keep what it gives: every application to <c>f</c> alone starts with
    /// no plans.</summary>
    /// <example><code>let slope = Compiled.unary (Grad.grad f)</code></example>
    [<CompiledName("Unary")>]
    let unary (f: Expr -> Expr) : Tensor -> Tensor =
        let compiled = create (fun xs -> [| f xs[0] |])
        fun x -> (compiled.Invoke [| x |])[0]

    /// <summary>The results for these arguments.</summary>
    [<CompiledName("Run")>]
    let run (inputs: Tensor[]) (compiled: CompiledFunction) : Tensor[] = compiled.Invoke inputs
