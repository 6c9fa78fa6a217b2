module FunctionalNet.Tests.Architecture.RoomsTests

open System
open Xunit
open FunctionalNet
open FunctionalNet.Tests.Support

/// Which folder of src/Core.FSharp may use which; what a folder may use, its users may use too.
let private table =
    Map
        [ "Common", []
          "Tensors", [ "Common" ]
          "Data", [ "Tensors" ]
          "Graph", [ "Tensors" ]
          "Autodiff", [ "Graph" ]
          "Kernels", [ "Common" ]
          "Compiler", [ "Graph"; "Kernels" ]
          "Layers", [ "Graph" ]
          "Text", [ "Layers"; "Formats"; "Data" ]
          "Training", [ "Autodiff"; "Compiler"; "Layers"; "Kernels"; "Formats"; "Data" ]
          "Formats", [ "Layers"; "Tensors" ]
          "Interop", [ "Training"; "Formats" ] ]

let rec private reach (room: string) = Set.unionMany (Set.singleton room :: [ for next in table[room] -> reach next ])

let private roomOf (file: string) = file.Split('/')[0]

let private reader =
    lazy AssemblyReader(typeof<Shape>.Assembly.Location, Data.inRepository "src/Core.FSharp")

/// The edges that lead to a folder that `allowed` does not give, as text.
let private forbidden (allowed: string -> Set<string>) (edges: Edge list) =
    edges
    |> List.filter (fun e -> not ((allowed (roomOf e.From)).Contains(roomOf e.To)))
    |> List.groupBy (fun e -> e.From, e.To)
    |> List.map (fun ((source, target), all) ->
        let first = List.head all

        String.Concat(
            [ source
              " -> "
              target
              ": "
              first.Member
              " uses "
              first.Used
              (if all.Length > 1 then " and " + string (all.Length - 1) + " more" else "") ]
        ))

[<Fact>]
let ``no folder uses what its place in the house forbids`` () =
    let edges = reader.Value.Edges

    match forbidden reach edges with
    | [] -> ()
    | wrong -> Assert.Fail("Forbidden uses:\n" + String.Join("\n", wrong))

[<Fact>]
let ``every file lies in a known folder`` () =
    Assert.Empty(reader.Value.Files |> List.filter (fun file -> not (table.ContainsKey(roomOf file))))

[<Fact>]
let ``the source file of every type is known`` () = Assert.Empty reader.Value.Unknown

[<Fact>]
let ``the uses that are there are seen`` () =
    let edges = reader.Value.Edges

    let uses source target =
        Assert.True(edges |> List.exists (fun e -> e.From = source && e.To = target), source + " -> " + target)

    uses "Tensors/Tensor.fs" "Common/Shape.fs"
    uses "Tensors/Tensor.fs" "Common/DType.fs"
    uses "Graph/Expr.fs" "Tensors/Tensor.fs"

    Assert.False(
        edges
        |> List.exists (fun e ->
            e.From.StartsWith("Common/", StringComparison.Ordinal)
            && e.To.StartsWith("Tensors/", StringComparison.Ordinal))
    )

[<Fact>]
let ``a forbidden use would be named`` () =
    let nothing room = Set.singleton room
    let wrong = forbidden nothing reader.Value.Edges

    Assert.Contains(
        wrong,
        fun (line: string) -> line.StartsWith("Tensors/Tensor.fs -> Common/Shape.fs: ", StringComparison.Ordinal)
    )
