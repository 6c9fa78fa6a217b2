module FunctionalNet.Tests.Compiler.OpTablePlanTests

open Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Compiler
open FunctionalNet.Tests.Graph
open FunctionalNet.Tests.Support

let names () = OpTable.rows |> Seq.map (fun r -> [| box r.Name |])

[<Theory; MemberData(nameof names)>]
let ``a plan computes the operation as the interpreter does, in both float types`` (name: string) =
    let row = OpTable.rows |> List.find (fun r -> r.Name = name)

    for inputs in OpTable.samples Cases.count row do
        for dtype, tolerance in [ DType.Float32, row.Tolerance; DType.Float64, 1e-11 ] do
            let leaves = OpTable.leaves dtype inputs
            let result = row.Build leaves

            // Some operations, such as random numbers, choose their own type.
            let tolerance = if result.DType = DType.Float32 then max tolerance row.Tolerance else tolerance

            let graph = { Outputs = [| "result", result |]; Updates = [||] }

            let bindings = Array.map2 (fun (e: Expr) (t: Tensor) -> e, t.Cast e.DType) leaves inputs
            let expected = PlanRuns.interpret graph bindings

            for options in [ CompileOptions.Default; CompileOptions.Plain ] do
                let actual = PlanRuns.run { options with Check = true; Poison = true } graph bindings

                match PlanRuns.difference tolerance expected actual with
                | None -> ()
                | Some text -> Assert.Fail(row.Name + ": " + text)
