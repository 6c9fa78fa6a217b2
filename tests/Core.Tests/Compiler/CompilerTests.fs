module FunctionalNet.Tests.Compiler.CompilerTests

open System
open Xunit
open FsCheck
open FsCheck.FSharp
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels
open FunctionalNet.Compiler
open FunctionalNet.Tests.Support

let private checkedDefault = { CompileOptions.Default with Check = true }

/// A graph from a seed and a size that shrink.
type Recipe = { Seed: int; Size: int; Double: bool }

type Recipes =
    static member Recipe() : Arbitrary<Recipe> =
        let gen =
            gen {
                let! seed = Gen.choose (0, 1000000)
                let! size = Gen.choose (1, 30)
                let! double = Gen.elements [ false; false; true ]
                return { Seed = seed; Size = size; Double = double }
            }

        Arb.fromGenShrink (gen, (fun r -> seq { for s in 1 .. r.Size - 1 -> { r with Size = s } }))

let private case (r: Recipe) = RandomGraph.create (if r.Double then DType.Float64 else DType.Float32) r.Seed r.Size

let private tolerance (r: Recipe) = if r.Double then 1e-10 else 3e-4

let private agree (r: Recipe) (expected: RunResult) (actual: RunResult) =
    match PlanRuns.difference (tolerance r) expected actual with
    | None -> ()
    | Some text -> Assert.Fail text

[<Property(Arbitrary = [| typeof<Recipes> |])>]
let ``a plan gives what the interpreter gives`` (r: Recipe) =
    let c = case r
    agree r (PlanRuns.interpret c.Graph c.Bindings) (PlanRuns.run checkedDefault c.Graph c.Bindings)

[<Property(Arbitrary = [| typeof<Recipes> |])>]
let ``every pass can be switched off and on`` (r: Recipe) =
    let c = case r
    let expected = PlanRuns.interpret c.Graph c.Bindings
    // One pass alone, or all but one.
    let plain = { CompileOptions.Plain with Check = true }

    let options =
        match r.Seed % 19 with
        | 0 -> { checkedDefault with Simplify = false }
        | 1 -> { checkedDefault with SelectKernels = false }
        | 2 -> { checkedDefault with Fuse = false }
        | 3 -> { checkedDefault with Schedule = false }
        | 4 -> { checkedDefault with InPlace = false }
        | 5 -> { checkedDefault with Reuse = false }
        | 6 -> { checkedDefault with Donate = false }
        | 7 -> { plain with Simplify = true }
        | 8 -> { plain with SelectKernels = true }
        | 9 -> { plain with Fuse = true }
        | 10 -> { plain with Schedule = true; Reuse = true }
        | 11 -> { plain with InPlace = true; Reuse = true }
        | 12 -> { plain with Donate = true }
        | 13 -> { plain with Loops = true }
        | 14 -> { checkedDefault with Loops = false }
        | 15 -> { checkedDefault with Epilogues = false }
        | 16 -> { plain with Epilogues = true }
        | 17 -> { plain with Prepare = true }
        | _ -> plain

    agree r expected (PlanRuns.run options c.Graph c.Bindings)

[<Property(Arbitrary = [| typeof<Recipes> |])>]
let ``a poisoned arena changes nothing, and a second run is the first`` (r: Recipe) =
    let c = case r
    let leaves = Leaves c.Bindings
    let executable = Compile.executable { checkedDefault with Poison = true } c.Graph leaves.Bind
    executable.Run()
    let first = PlanRuns.collect c.Graph leaves executable
    leaves.Reset()
    executable.Run()
    let second = PlanRuns.collect c.Graph leaves executable
    let clean = PlanRuns.run checkedDefault c.Graph c.Bindings
    Assert.True(PlanRuns.sameBits first second)
    Assert.True(PlanRuns.sameBits first clean)

[<Property(Arbitrary = [| typeof<Recipes> |])>]
let ``epilogues change no bit`` (r: Recipe) =
    let c = case r
    let apart = PlanRuns.run { checkedDefault with Epilogues = false } c.Graph c.Bindings
    Assert.True(PlanRuns.sameBits apart (PlanRuns.run checkedDefault c.Graph c.Bindings))

[<Property(Arbitrary = [| typeof<Recipes> |])>]
let ``the number of threads changes no bit`` (r: Recipe) =
    let c = case r
    let before = Workers.Threads

    try
        let results =
            [| for threads in 1..3 do
                   Workers.Threads <- threads
                   PlanRuns.run checkedDefault c.Graph c.Bindings |]

        Assert.True(PlanRuns.sameBits results[0] results[1])
        Assert.True(PlanRuns.sameBits results[0] results[2])
    finally
        Workers.Threads <- before

let private shape (graph: Graph) =
    let order = Traverse.topological (Traverse.roots graph)
    let number = System.Collections.Generic.Dictionary<Expr, int>(HashIdentity.Reference)
    order |> Array.iteri (fun i e -> number[e] <- i)
    order |> Array.map (fun e -> e.Op, e.Type, e.Inputs |> Array.map (fun i -> number[i]))

[<Property(Arbitrary = [| typeof<Recipes> |])>]
let ``simplifying twice is simplifying once`` (r: Recipe) =
    let c = case r
    let once = Simplify.graph c.Graph
    let twice = Simplify.graph once
    let a, b = shape once, shape twice
    Assert.Equal(a.Length, b.Length)
    Assert.True(Array.forall2 (fun (o1: Op, t1, i1) (o2, t2, i2) -> Op.Same(o1, o2) && t1 = t2 && i1 = i2) a b)

[<Property(Arbitrary = [| typeof<Recipes> |])>]
let ``the memory of a plan is right, and a broken plan is caught`` (r: Recipe) =
    let c = case r
    let plan = Compile.compile CompileOptions.Default c.Graph
    Assert.Empty(MemoryCheck.problems plan)

    // Two values of the arena that live at the same time, put in one place.
    let arena =
        plan.Values
        |> Array.filter (fun v -> v.Bytes > 0L)
        |> Array.filter (fun v ->
            match plan.Placements[v.Id] with
            | InArena _ -> true
            | _ -> false)

    let written =
        plan.Steps |> Seq.mapi (fun i s -> s.Outputs |> Seq.map (fun o -> o, i)) |> Seq.concat |> dict

    let lastRead v =
        if plan.Outputs |> Array.exists (fun o -> o.Operand.Value = v) then
            Int32.MaxValue
        else
            match plan.Steps |> Array.tryFindIndexBack (fun s -> s.Inputs |> Array.exists (fun o -> o.Value = v)) with
            | Some i -> i
            | None -> -1

    let clash =
        Seq.allPairs arena arena
        |> Seq.tryFind (fun (a, b) ->
            a.Id <> b.Id && written[a.Id] < written[b.Id] && lastRead a.Id > written[b.Id] && b.Bytes <= a.Bytes)

    match clash with
    | None -> ()
    | Some(a, b) ->
        let placements = Array.copy plan.Placements
        placements[b.Id] <- placements[a.Id]
        Assert.NotEmpty(MemoryCheck.problems { plan with Placements = placements })

[<Fact>]
let ``the random graphs hold every operation`` () =
    for seed in 0..399 do
        RandomGraph.create DType.Float32 seed 24 |> ignore

    let seen = Grower.Seen
    let graphs = 400

    let wanted =
        Seq.concat
            [ Enum.GetNames<UnaryOp>() |> Seq.ofArray
              Enum.GetNames<BinaryOp>() |> Seq.ofArray
              Enum.GetNames<ReduceOp>() |> Seq.ofArray
              Seq.ofList
                  [ "Constant"
                    "Iota"
                    "Random"
                    "Where"
                    "Cast"
                    "StopGradient"
                    "BroadcastTo"
                    "Reshape"
                    "Transpose"
                    "Slice"
                    "Pad"
                    "Concatenate"
                    "Flip"
                    "ArgMax"
                    "ArgMin"
                    "CumSum"
                    "ArgSort"
                    "MatMul"
                    "Conv"
                    "ConvTranspose"
                    "ConvKernelGrad"
                    "MaxPool"
                    "SumPool"
                    "MaxPoolGrad"
                    "MaxPoolGather"
                    "SumPoolGrad"
                    "Take"
                    "ScatterAdd"
                    "TakeAlongAxis"
                    "ScatterAlongAxis"
                    "Softmax"
                    "LogSoftmax"
                    "SparseSoftmaxCrossEntropy"
                    "TripleAndOne"
                    "Scan" ] ]

    let missing = wanted |> Seq.filter (fun name -> not (seen.ContainsKey name)) |> Seq.toArray
    Console.WriteLine(
        "random graphs: "
        + string graphs
        + " and more, kinds of operations: "
        + string seen.Count
        + ", nodes: "
        + string (Seq.sum seen.Values)
    )
    Assert.Empty missing

[<Property(Arbitrary = [| typeof<Recipes> |])>]
let ``a run allocates nothing`` (r: Recipe) =
    let c = case { r with Size = min r.Size 12 }
    // A custom operation of the user's may allocate what it likes; here it makes no difference.
    let leaves = Leaves c.Bindings
    let executable = Compile.executable CompileOptions.Default c.Graph leaves.Bind
    executable.Run()
    executable.Run()

    let measure () =
        let before = GC.GetAllocatedBytesForCurrentThread()

        for _ in 1..100 do
            executable.Run()

        GC.GetAllocatedBytesForCurrentThread() - before

    // The runtime itself may allocate once in a while, when a sleeping thread is woken or code is compiled again.
    let least = Seq.initInfinite (fun _ -> measure ()) |> Seq.truncate 3 |> Seq.tryFind (fun n -> n = 0L)
    Assert.Equal(Some 0L, least)
