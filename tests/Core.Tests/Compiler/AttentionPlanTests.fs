module FunctionalNet.Tests.Compiler.AttentionPlanTests

open System
open FsCheck.FSharp
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Compiler
open FunctionalNet.Kernels
open FunctionalNet.Tests.Support
open FunctionalNet.Tests.Kernels.KernelSupport
open Xunit

/// An attention with numbers that follow from a seed.
type AttentionCase =
    {
        Seed: int
        Batch: int
        Queries: int
        Keys: int
        Groups: int
        Together: int
        KeySize: int
        ValueSize: int
        Causal: bool
        Window: int
        /// Axes of the mask: batch, heads, queries; empty without a mask.
        Mask: bool list
        DType: DType
    }

type AttentionCases =
    static member Case() =
        gen {
            let! seed = Gen.choose (0, 100000)
            let! batch = Gen.choose (1, 3)
            // More than a block of queries, and not a multiple of anything.
            let! queries = Gen.frequency [ 4, Gen.choose (1, 20); 1, Gen.choose (60, 150) ]
            let! keys = Gen.frequency [ 4, Gen.choose (1, 20); 1, Gen.choose (60, 150) ]
            let! groups = Gen.choose (1, 2)
            let! together = Gen.choose (1, 3)
            let! keySize = Gen.choose (1, 20)
            let! valueSize = Gen.choose (1, 20)
            let! causal = Gen.elements [ true; false ]
            let! window = Gen.frequency [ 2, Gen.constant 0; 1, Gen.choose (1, 9) ]

            let! mask = Gen.oneof [ Gen.constant []; Gen.listOfLength 3 (Gen.elements [ true; false ]) ]

            let! dtype = Gen.elements [ DType.Float32; DType.Float64 ]

            return
                { Seed = seed
                  Batch = batch
                  Queries = queries
                  Keys = keys
                  Groups = groups
                  Together = together
                  KeySize = keySize
                  ValueSize = valueSize
                  Causal = causal
                  Window = window
                  Mask = mask
                  DType = dtype }
        }
        |> Arb.fromGen

let private numbers (random: System.Random) (shape: Shape) (dtype: DType) =
    Tensor.OfDoubles(dtype, shape, Array.init shape.Size (fun _ -> 2.0 * random.NextDouble() - 1.0))

/// Leaves and their values: queries, keys, values, a weight for every result, and perhaps a mask.
let private leavesOf (c: AttentionCase) : (Expr * Tensor)[] =
    let random = System.Random c.Seed
    let heads = c.Groups * c.Together
    let leaf name (t: Tensor) = Expr.Input(name, t.DType, t.Shape), t
    let float' name dims = leaf name (numbers random (Shape.Of(List.toArray dims)) c.DType)

    [| float' "q" [ c.Batch; c.Queries; heads; c.KeySize ]
       float' "k" [ c.Batch; c.Keys; c.Groups; c.KeySize ]
       float' "v" [ c.Batch; c.Keys; c.Groups; c.ValueSize ]
       float' "r" [ c.Batch; c.Queries; heads; c.ValueSize ]
       match c.Mask with
       | [ batch; head; query ] ->
           let shape =
               Shape.Of(
                   (if batch then c.Batch else 1),
                   (if head then heads else 1),
                   (if query then c.Queries else 1),
                   c.Keys
               )

           // Some rows see nothing at all.
           let rows = Array.init (shape.Size / c.Keys) (fun _ -> random.NextDouble() < 0.2)

           let values =
               Array.init shape.Size (fun i -> if rows[i / c.Keys] || random.NextDouble() < 0.4 then 0.0 else 1.0)

           leaf "mask" (Tensor.OfDoubles(DType.Bool, shape, values))
       | _ -> () |]

let private pattern (c: AttentionCase) = { Scale = 0.4; Causal = c.Causal; Window = c.Window }

[<Property(Arbitrary = [| typeof<AttentionCases> |])>]
let ``the kernels compute what the decomposition means`` (c: AttentionCase) =
    let leaves = leavesOf c
    let e = leaves |> Array.map fst
    let inputs = Array.append e[..2] e[4..]
    let results = (Expr.Node(Structured(DotProductAttention(pattern c)), inputs)).Results
    let gradients = Grad.gradients (Ops.sumAll (results[0] * e[3])) e[..2]

    let graph =
        { Outputs =
            [| "out", results[0]
               "logs", results[1]
               yield! gradients |> Array.mapi (fun i g -> "gradient " + string i, g) |]
          Updates = [||] }

    // They are kernels: nothing here was decomposed.
    let plan = Compile.compile CompileOptions.Default graph
    let names = plan.Steps |> Array.map (fun (s: Step) -> s.Name)
    Assert.Contains("DotProductAttention", names)
    Assert.Contains("DotProductAttentionGrad", names)

    let expected = PlanRuns.interpret graph leaves
    let actual = PlanRuns.run { CompileOptions.Default with Check = true; Poison = true } graph leaves
    let tolerance = if c.DType = DType.Float32 then 2e-5 else 1e-11

    match PlanRuns.difference tolerance expected actual with
    | None -> ()
    | Some text -> Assert.Fail text

[<Fact>]
let ``every width of vectors gives the same, and writes where it may`` () =
    let c =
        { Seed = 5
          Batch = 2
          Queries = 67
          Keys = 71
          Groups = 2
          Together = 2
          KeySize = 9
          ValueSize = 13
          Causal = true
          Window = 30
          Mask = [ true; false; true ]
          DType = DType.Float32 }

    let leaves = leavesOf c
    let values = leaves |> Array.map snd

    let spec: AttentionSpec =
        { Batch = c.Batch
          Queries = c.Queries
          Keys = c.Keys
          Heads = c.Groups * c.Together
          Groups = c.Groups
          KeySize = c.KeySize
          ValueSize = c.ValueSize
          Scale = 0.4
          Causal = c.Causal
          Window = c.Window
          Mask = [| c.Batch; 1; c.Queries |] }

    let floats (t: Tensor) = guarded (t.ToArray<float32>())
    let q, k, v, g = floats values[0], floats values[1], floats values[2], floats values[3]
    let mask = guarded (values[4].ToDoubles() |> Array.map byte)
    let rows = c.Batch * c.Queries * spec.Heads

    let run width =
        let out = empty<float32>(rows * c.ValueSize)
        let logs = empty<float32> rows
        let dq, dk, dv =
            empty<float32> values[0].Size, empty<float32> values[1].Size, empty<float32> values[2].Size
        let room backward = workspace (Attention.Workspace(DType.Float32, spec, backward))
        let first, second = room false, room true

        Attention.Forward(
            DType.Float32,
            spec,
            q.Pointer,
            k.Pointer,
            v.Pointer,
            mask.Pointer,
            out.Pointer,
            logs.Pointer,
            first.Pointer,
            width
        )
        |> runBackwards

        Attention.Backward(
            DType.Float32,
            spec,
            [| q.Pointer; k.Pointer; v.Pointer; out.Pointer; logs.Pointer; g.Pointer |],
            mask.Pointer,
            [| dq.Pointer; dk.Pointer; dv.Pointer |],
            second.Pointer,
            width
        )
        |> runBackwards

        for buffer in [ out; logs; dq; dk; dv; first; second; q; k; v; g; mask ] do
            buffer.Check()

        [| out; logs; dq; dk; dv |] |> Array.collect (fun b -> b.Read<float32>() |> Array.map float)

    let narrow = run Width.W128

    for width in [ Width.W256; Width.W512 ] do
        Close.close 1e-5 1e-5 narrow (run width)
