module FunctionalNet.Tests.Architecture.DocsTests

open System
open System.IO
open System.Reflection
open Xunit
open FunctionalNet
open FunctionalNet.Tools.DocIds

[<Fact>]
let ``every public member of the core has a documentation summary`` () =
    let wrong = missing typeof<Shape>.Assembly

    if not wrong.IsEmpty then
        Assert.Fail(string wrong.Length + " public members without documentation:\n" + String.Join("\n", wrong))

[<Fact>]
let ``every public member of the package for pictures has a documentation summary`` () =
    Assert.Empty(missing typeof<Picture>.Assembly)

[<Fact>]
let ``members are found under the ids that the compiler writes`` () =
    let ids = Set.ofList (expectedIds typeof<Shape>.Assembly)

    for id in
        [ "T:FunctionalNet.Shape"
          "P:FunctionalNet.Shape.Rank"
          "M:FunctionalNet.Shape.Of(System.Int32[])"
          "M:FunctionalNet.Tensor.Of``1(FunctionalNet.Shape,``0[])"
          "M:FunctionalNet.Tensor.Of``1(FunctionalNet.Shape,System.ReadOnlySpan{``0})"
          "M:FunctionalNet.ShapeModule.broadcast(FunctionalNet.Shape,FunctionalNet.Shape)"
          "F:FunctionalNet.DType.Float32" ] do
        Assert.Contains(id, ids)

[<Fact>]
let ``a member without documentation would be found`` () =
    // This assembly is built without documentation, so that none of its members has any.
    let here = Assembly.GetExecutingAssembly()
    Assert.False(File.Exists(Path.ChangeExtension(here.Location, ".xml")))
    Assert.NotEmpty(expectedIds here)
