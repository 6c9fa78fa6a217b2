module FunctionalNet.Tests.Architecture.GoldenApiTests

open Xunit
open FunctionalNet
open FunctionalNet.Tests.Support

[<Fact>]
let ``the public members of FunctionalNet.Images are the agreed ones`` () =
    Golden.Check("api/FunctionalNet.Images.txt", PublicApi.Describe(typeof<Picture>.Assembly))

[<Fact>]
let ``the public members of FunctionalNet.Core are the agreed ones`` () =
    Golden.Check("api/FunctionalNet.Core.txt", PublicApi.Describe(typeof<Shape>.Assembly))
