module FunctionalNet.Tests.Support.PropertiesTests

open System.Reflection
open Xunit
open FsCheck.Xunit

[<Fact>]
let ``every property runs at least the agreed number of cases`` () =
    let assembly = Assembly.GetExecutingAssembly()
    let defaults = assembly.GetCustomAttribute<PropertiesAttribute>() |> Option.ofObj
    Assert.True(defaults |> Option.exists (fun d -> d.MaxTest >= Cases.Least))

    let properties =
        [ for t in assembly.GetTypes() do
              for m in t.GetMethods(BindingFlags.Public ||| BindingFlags.Static ||| BindingFlags.Instance) do
                  match m.GetCustomAttribute<PropertyAttribute>() with
                  | null -> ()
                  | p -> m.Name, p.MaxTest ]

    Assert.NotEmpty properties
    // A negative number means that the assembly's default holds.
    Assert.Empty(properties |> List.filter (fun (_, cases) -> cases >= 0 && cases < Cases.Least))
