namespace FunctionalNet.Graph

open System
open System.Collections.Generic
open System.Globalization
open System.Text
open FunctionalNet

/// Graphs as text: one node a line, numbered in the order of evaluation, so that the text depends on the graph alone.
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module internal Print =

    let private ints (values: int[]) = "[" + String.Join(",", values) + "]"

    let private number (v: float) = v.ToString("R", CultureInfo.InvariantCulture)

    let private flag (name: string) (value: bool) = if value then [ name ] else []

    let private conv (s: ConvSpec) =
        [ "strides=" + ints s.Strides
          "dilations=" + ints s.Dilations
          "low=" + ints s.PadLow
          "high=" + ints s.PadHigh
          "groups=" + string s.Groups ]

    let private pool (s: PoolSpec) =
        [ "window=" + ints s.Window
          "strides=" + ints s.Strides
          "low=" + ints s.PadLow
          "high=" + ints s.PadHigh ]

    let private constant (t: Tensor) =
        let values = t.ToDoubles()
        let shown = values |> Array.truncate 8 |> Array.map number
        String.Join(" ", shown) + (if values.Length > 8 then " ..." else "")

    /// An operation with its attributes.
    let op (op: Op) : string =
        let name = Expr.OpName op

        let attributes =
            match op with
            | Leaf(role, name) -> [ role.ToString(); name ]
            | Constant t -> [ constant t ]
            | Iota(_, axis) -> [ "axis=" + string axis ]
            | Random r -> [ r.Kind.ToString(); "stream=" + r.Stream.ToString("x16", CultureInfo.InvariantCulture) ]
            | Cast t -> [ DType.name t ]
            | Transpose perm -> [ ints perm ]
            | Slice(starts, limits, steps) -> [ ints starts; ints limits; ints steps ]
            | Pad(low, high, interior, value) -> [ ints low; ints high; ints interior; number value ]
            | Concat axis -> [ "axis=" + string axis ]
            | Reverse axes -> [ ints axes ]
            | Reduce(_, axes) -> [ "axes=" + ints axes ]
            | ArgReduce(_, axis) -> [ "axis=" + string axis ]
            | CumSum(axis, exclusive, reverse) ->
                [ "axis=" + string axis ] @ flag "exclusive" exclusive @ flag "reverse" reverse
            | ArgSort(axis, descending) -> [ "axis=" + string axis ] @ flag "descending" descending
            | MatMul(ta, tb) -> flag "transposeA" ta @ flag "transposeB" tb
            | Conv spec
            | ConvInputGrad(spec, _)
            | ConvKernelGrad(spec, _) -> conv spec
            | MaxPool spec
            | SumPool spec
            | MaxPoolGrad spec
            | MaxPoolGather spec
            | SumPoolGrad(spec, _) -> pool spec
            | Gather axis
            | TakeAlong axis -> [ "axis=" + string axis ]
            | ScatterAdd(axis, size)
            | ScatterAlong(axis, size) -> [ "axis=" + string axis; "size=" + string size ]
            | Structured s ->
                match s with
                | :? Scan as scan -> [ "length=" + string scan.Length ] @ flag "reverse" scan.Reverse
                | _ ->
                    // Composites tell their attributes by their keys.
                    match s.Key with
                    | :? string as key when key.Length > s.Name.Length -> [ key.Substring(s.Name.Length).Trim() ]
                    | _ -> []
            | Project i -> [ string i ]
            | Unary _
            | Binary _
            | Select
            | StopGradient
            | Broadcast _
            | Reshape _ -> []

        let name =
            match op with
            | Leaf _ -> "Leaf"
            | Project _ -> "Project"
            | _ -> name

        if attributes.IsEmpty then name else name + "(" + String.Join(", ", attributes) + ")"

    let rec private write (text: StringBuilder) (indent: string) (parameters: Expr[]) (results: (string * Expr)[]) =
        let numbers = Dictionary<Expr, int>(HashIdentity.Reference)
        let reference (e: Expr) = "%" + string numbers[e]

        for node in Traverse.topological (Array.append parameters (Array.map snd results)) do
            numbers[node] <- numbers.Count

            text.Append(indent).Append(reference node).Append(" = ").Append(op node.Op) |> ignore

            for input in node.Inputs do
                text.Append(' ').Append(reference input) |> ignore

            text.Append(" : ").Append(String.Join(", ", node.Types |> Array.map string)).Append('\n') |> ignore

            match node.Op with
            | Structured(:? Scan as scan) ->
                let body = scan.Body
                let named (name: string) (es: Expr[]) = es |> Array.mapi (fun i e -> name + string i, e)

                write
                    text
                    (indent + "  | ")
                    (Array.concat [ body.Carry; body.Step; body.Constants ])
                    (Array.append (named "carry" body.NewCarry) (named "out" body.Outputs))
            | _ -> ()

        for name, e in results do
            text.Append(indent).Append(name).Append(" = ").Append(reference e).Append('\n') |> ignore

    /// Named results and everything they depend on. The bodies of scans are indented.
    let nodes (results: (string * Expr)[]) : string =
        let text = StringBuilder()
        write text "" [||] results
        text.ToString()

    /// Outputs, then the new values of leaves.
    let graph (graph: Graph) : string =
        let leafName (e: Expr) =
            match e.Op with
            | Leaf(_, name) -> name
            | _ -> "?"

        nodes (
            Array.append graph.Outputs (graph.Updates |> Array.map (fun (leaf, value) -> leafName leaf + "'", value))
        )
