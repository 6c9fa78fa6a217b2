/// Fails the build when a public member of the core has no documentation.
module FunctionalNet.Tools.Program

open System
open FunctionalNet

[<EntryPoint>]
let main _ =
    let wrong = DocIds.missing typeof<Shape>.Assembly

    for id in wrong do
        // A form that MSBuild shows as an error.
        Console.Error.WriteLine("FunctionalNet.Core : error FN0001: " + id + " has no documentation summary.")

    if wrong.IsEmpty then 0 else 1
