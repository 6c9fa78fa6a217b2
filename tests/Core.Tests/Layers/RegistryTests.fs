module FunctionalNet.Tests.Layers.RegistryTests

open FunctionalNet
open Xunit

[<Fact>]
let ``every family has the classes that it names`` () =
    for names, entries in Registry.families do
        let made = entries.Value |> List.map _.Class
        Assert.Equal<string>(List.sort names, List.sort made)
