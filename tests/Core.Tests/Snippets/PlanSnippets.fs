module FunctionalNet.Tests.Snippets.PlanSnippets

open Xunit
open FunctionalNet

[<Fact>]
let ``compiled functions`` () =
    // snippet: compiled-fsharp
    let energy (q: Expr) = Ops.sumAll (Ops.square (Ops.square q) - Ops.square q)

    let force = Compiled.unary (fun q -> -(Grad.grad energy q)) // traced once, then only run
    let f = force (Tensor.Of(Shape.Of 3, [| 0.0; 0.5; 1.0 |]))
    // end snippet
    Assert.Equal<float[]>([| 0.0; 0.5; -2.0 |], f.ToArray<float>())

[<Fact>]
let ``looking for an error`` () =
    let f (xs: Expr[]) = [| Ops.softmax -1 (Ops.matmul xs[0] xs[1]) |]
    let a, b =
        Tensor.Full(DType.Float32, Shape.Of(4, 8), 0.5), Tensor.Full(DType.Float32, Shape.Of(8, 3), 0.25)
    // snippet: passes-fsharp
    let unfused = Compiled.createWith (PlanOptions(Fuse = false)) f
    let text = unfused.ProfilePlan(10, a, b)

    match unfused.FirstDifference(1e-5, a, b) with
    | null -> ()
    | difference -> printfn "%s" difference
    // end snippet
    Assert.Contains("flops", text)
    Assert.Null(unfused.FirstDifference(1e-5, a, b))
