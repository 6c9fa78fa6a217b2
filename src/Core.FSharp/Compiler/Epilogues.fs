namespace FunctionalNet.Compiler

open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph

/// Which groups of elementwise nodes run as the end of the kernel that makes one of their operands: on every part of its
/// result as soon as that is complete, instead of as an instruction of their own over memory.
module internal Epilogues =

    /// True for nodes whose kernels take an epilogue.
    let canHost (node: Expr) =
        match node.Op with
        | MatMul _
        | Conv _
        | ConvInputGrad _
        | ConvKernelGrad _
        | MaxPool _
        | SumPool _
        | MaxPoolGrad _
        | MaxPoolGather _
        | SumPoolGrad _ -> true
        | Structured(:? Int8Matrix) -> true
        | _ -> false

    /// The nodes that the group reads element by element, and only so, and whose kernels take an epilogue.
    let private candidates (groups: Dictionary<Expr, FusionGroup>) (group: FusionGroup) : Expr list =
        let flat = List<Expr>()
        let other = HashSet<Expr>(HashIdentity.Reference)

        for m in (if group.Sums.Count > 0 then Seq.empty else group.All) do
            for operand in m.Inputs do
                if not (Fuse.isInside groups group m operand) then
                    let node = Elementwise.flatSource operand

                    if operand.Shape.Size = m.Shape.Size && canHost node then
                        if not (flat.Contains node) then flat.Add node
                    else
                        other.Add(Elementwise.source operand) |> ignore

        [ for node in flat do
              if not (other.Contains node) then node ]

    /// For each unit that is a group with a host, the host. `order` are the units of work (nodes, and the first members of groups) with
    /// what they read before them; `inputs` are the units that a unit reads.
    let choose
        (groups: Dictionary<Expr, FusionGroup>)
        (order: Expr seq)
        (inputs: Expr -> Expr seq)
        : Dictionary<Expr, Expr> =
        let position = Dictionary<Expr, int>(HashIdentity.Reference)
        let users = Dictionary<Expr, List<Expr>>(HashIdentity.Reference)

        for unit in order do
            position[unit] <- position.Count
            users[unit] <- List<Expr>()

            for i in inputs unit do
                users[i].Add unit

        let hosts = Dictionary<Expr, Expr>(HashIdentity.Reference)
        // Both ways between a host and the unit that ends it.
        let partner = Dictionary<Expr, Expr>(HashIdentity.Reference)

        // Can the unit be reached from the host by another way than directly? Then it cannot run as its end.
        let isReached (host: Expr) (unit: Expr) =
            let seen = HashSet<Expr>(HashIdentity.Reference)
            let stack = Stack<Expr>()
            let mutable found = false

            let push (e: Expr) =
                if obj.ReferenceEquals(e, unit) then found <- true
                elif seen.Add e then stack.Push e

            for u in users[host] do
                if not (obj.ReferenceEquals(u, unit)) then push u

            while not found && stack.Count > 0 do
                let e = stack.Pop()

                for u in users[e] do
                    push u

                match partner.TryGetValue e with
                | true, p -> push p
                | _ -> ()

            found

        for unit in order do
            match groups.TryGetValue unit with
            | true, group ->
                let host =
                    candidates groups group
                    // The one that runs last.
                    |> List.filter position.ContainsKey
                    |> List.sortByDescending (fun e -> position[e])
                    |> List.tryFind (fun e -> not (partner.ContainsKey e) && not (isReached e unit))

                match host with
                | Some e ->
                    hosts[unit] <- e
                    partner[e] <- unit
                    partner[unit] <- e
                | None -> ()
            | _ -> ()

        hosts
