module FunctionalNet.Tests.Graph.OpTableTests

open System
open Microsoft.FSharp.Reflection
open Xunit
open Xunit.Abstractions
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Tests.Support
open FunctionalNet.Tests.Graph.OpTable

/// The keys that need a row: found by reflection, so that a new operation fails until it has one.
let private expectedKeys () =
    let enumKeys (prefix: string) (enumType: Type) = Enum.GetNames enumType |> Array.map (fun n -> prefix + n)

    let cases =
        FSharpType.GetUnionCases typeof<Op>
        |> Array.map (fun c -> c.Name)
        |> Array.filter (fun n -> not (Array.contains n [| "Unary"; "Binary"; "Reduce"; "Random"; "Structured" |]))

    let structured =
        typeof<Op>.Assembly.GetTypes()
        |> Array.filter (fun t -> t.IsSubclassOf typeof<Structured> && not t.IsAbstract)
        |> Array.map (fun t -> "Structured." + t.Name)

    Array.concat
        [ cases
          enumKeys "Unary." typeof<UnaryOp>
          enumKeys "Binary." typeof<BinaryOp>
          enumKeys "Reduce." typeof<ReduceOp>
          enumKeys "Random." typeof<RandomKind>
          structured ]

let names () = rows |> Seq.map (fun r -> [| box r.Name |])

let private find name = rows |> List.find (fun r -> r.Name = name)

type Coverage(output: ITestOutputHelper) =

    [<Fact>]
    member _.``every operation has a row``() =
        let covered = rows |> List.map (fun r -> r.Covers) |> Set.ofList
        let missing = expectedKeys () |> Array.filter (fun k -> not (covered.Contains k))
        output.WriteLine("operations covered: " + string covered.Count + ", rows: " + string rows.Length)
        Console.WriteLine("op table: " + string covered.Count + " operations in " + string rows.Length + " rows")
        Assert.True(missing.Length = 0, "no row for: " + String.Join(", ", missing))

[<Fact>]
let ``rows have unique names and cover nothing unknown`` () =
    let duplicates = rows |> List.countBy (fun r -> r.Name) |> List.filter (fun (_, n) -> n > 1)
    Assert.Empty duplicates
    Assert.Empty(rows |> List.map (fun r -> r.Covers) |> List.except (expectedKeys ()))

[<Theory; MemberData(nameof names)>]
let ``a row builds its operation, well typed, in both float types`` (name: string) =
    let row = find name

    for inputs in samples Cases.count row do
        for dtype in [ DType.Float32; DType.Float64 ] do
            let leaves = leaves dtype inputs
            let root = row.Build leaves
            Check.graph [ root ]
            let keys = Traverse.topological [ root ] |> Array.map (fun e -> keyOf e.Op)
            Assert.Contains(row.Covers, keys)
            let values =
                Interpreter.runDoubles (Array.zip leaves (inputs |> Array.map (fun t -> t.ToDoubles()))) [| root |]
            Assert.Equal(root.Shape.Size, values[0].Length)

[<Theory; MemberData(nameof names)>]
let ``gradients agree with differences at every order`` (name: string) =
    let row = find name

    if row.Order > 0 then
        for inputs in samples Cases.count row do
            let report = GradCheck.check row.Build inputs row.Order
            Assert.True(report.IsWithin row.GradientTolerance, name + ": " + report.ToString())

[<Theory; MemberData(nameof names)>]
let ``gradient graphs are well formed`` (name: string) =
    let row = find name

    if row.Order > 0 then
        for inputs in samples 3 row do
            let leaves = leaves DType.Float32 inputs
            let wrt = leaves |> Array.filter (fun e -> DType.isFloating e.DType)
            let first = Grad.gradients (Ops.sumAll (Ops.square (Ops.cast DType.Float32 (row.Build leaves)))) wrt
            Check.graph first
            Array.iter2 (fun (g: Expr) (x: Expr) -> Assert.Equal(x.Type, g.Type)) first wrt
            let second = Grad.gradients (first |> Array.map Ops.sumAll |> Array.reduce (fun a b -> a + b)) wrt
            Check.graph second
            Array.iter2 (fun (g: Expr) (x: Expr) -> Assert.Equal(x.Type, g.Type)) second wrt
