namespace FunctionalNet.Compiler

open System
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels

/// Where a plan and the interpreter part ways: for looking for errors.
module internal Compare =

    /// Runs the graph with every node as an output, as a plan under those options and by the interpreter, and tells the
    /// first node (producers come first) that differs by more than `tolerance` times its largest magnitude; None if all
    /// agree. Pass `CompileOptions.Plain` to look for a wrong kernel, others to look for a wrong pass.
    let firstDifference
        (options: CompileOptions)
        (tolerance: float)
        (bindings: (Expr * Tensor)[])
        (graph: Graph)
        : string option =
        let nodes =
            Traverse.topological (Traverse.roots graph)
            |> Array.collect (fun e -> e.Results)
            |> Array.distinctBy (fun e -> e.Id)

        let names = nodes |> Array.mapi (fun i e -> string i + " " + Expr.OpName e.Op)

        let all = { Outputs = Array.zip names nodes; Updates = [||] }

        let buffers =
            bindings
            |> Array.map (fun (e, t) ->
                let b = Buffer(int64 t.Bytes.Length)
                t.Bytes.CopyTo(Span<byte>(b.Pointer.ToPointer(), t.Bytes.Length))
                struct (e, b))

        let bind (leaf: Expr) =
            let struct (_, b) = buffers |> Array.find (fun struct (e, _) -> obj.ReferenceEquals(e, leaf))
            b

        let executable = Compile.executable options all bind
        executable.Run()
        let expected = Interpreter.runTensors bindings nodes

        Seq.zip3 names nodes expected
        |> Seq.tryPick (fun (name, node, e) ->
            let x = e.ToDoubles()
            let y = (executable.Output name).ToTensor().ToDoubles()
            let scale = x |> Array.fold (fun m v -> if Double.IsFinite v then max m (abs v) else m) 1.0

            let far i =
                let a, b = x[i], y[i]
                not (a = b || (Double.IsNaN a && Double.IsNaN b) || abs (a - b) <= tolerance * scale)

            match Seq.tryFind far (seq { 0 .. x.Length - 1 }) with
            | None -> None
            | Some i ->
                let operands = node.Inputs |> Array.map (fun o -> Expr.OpName o.Op + " " + o.Type.ToString())
                let number (v: float) = v.ToString("R", Globalization.CultureInfo.InvariantCulture)

                Some(
                    name
                    + " "
                    + node.Type.ToString()
                    + " of "
                    + String.Join(", ", operands)
                    + ": element "
                    + string i
                    + " is "
                    + number y[i]
                    + ", should be "
                    + number x[i]
                ))
