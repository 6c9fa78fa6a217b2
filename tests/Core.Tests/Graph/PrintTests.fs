module FunctionalNet.Tests.Graph.PrintTests

open Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Tests.Support

let private dense () =
    let x = Expr.Input("x", DType.Float32, Shape.Of(4, 3))
    let w = Expr.LeafOf(LeafRole.Param, "dense/kernel", DType.Float32, Shape.Of(3, 2))
    let labels = Expr.Input("labels", DType.Int32, Shape.Of 4)
    let logits = Ops.relu (Ops.matmul x w) * 2.0
    let loss = Ops.meanAll (Ops.sparseSoftmaxCrossEntropy labels logits)
    let gradient = (Grad.gradients loss [| w |])[0]

    { Outputs = [| "loss", loss; "best", Ops.argmax -1 logits |]
      Updates = [| w, w - gradient * 0.1 |] }

[<Fact>]
let ``Golden: the text of a training step`` () = Golden.Check("graph/training-step.txt", Print.graph (dense ()))

[<Fact>]
let ``Golden: the text of a loop and its derivative`` () =
    let x = Expr.Input("x", DType.Float32, Shape.Of(5, 2))
    let a = Expr.Input("a", DType.Float32, Shape.Of 2)

    let _, outputs =
        Ops.scan (fun c s -> (let h = c[0] * a + s[0] in [| h |], [| h |])) [| Ops.zerosLike a |] [| x |] false

    let loss = Ops.sumAll outputs[0]
    Golden.Check("graph/loop.txt", Print.nodes [| "loss", loss; "gradient", (Grad.gradients loss [| a |])[0] |])

[<Fact>]
let ``the text depends on the graph alone`` () =
    let first = Print.graph (dense ())
    Assert.Equal(first, Print.graph (dense ()))
    Assert.Contains("MatMul %", first)
    Assert.Contains("Leaf(Param, dense/kernel) : float32 (3, 2)", first)

[<Fact>]
let ``every row of the op table prints its attributes on one line per node`` () =
    for row in OpTable.rows do
        let leaves = OpTable.samples 1 row |> Array.head |> OpTable.leaves DType.Float32
        let text = Print.nodes [| "y", row.Build leaves |]
        Assert.EndsWith("\n", text)
        Assert.DoesNotContain("FunctionalNet", text)

[<Fact>]
let ``a graph from the constructors is well formed`` () = Check.graph (Traverse.roots (dense ()))

[<Fact>]
let ``a wrong type is found and named`` () =
    let x = Expr.Input("x", DType.Float32, Shape.Of 2)
    let wrong = Expr(Unary UnaryOp.Exp, [| x |], [| { DType = DType.Float32; Shape = Shape.Of 3 } |])
    let error = Assert.Throws<GraphException>(fun () -> Check.graph [ Ops.neg wrong ])
    Assert.Equal("Exp", error.Path)
    Assert.Contains("float32 (3,)", error.Actual)
    let outOfPlace =
        Expr(Binary BinaryOp.Add, [| x; Expr.Input("y", DType.Int32, Shape.Of 2) |], [| x.Type |])
    Assert.Throws<GraphException>(fun () -> Check.graph [ outOfPlace ]) |> ignore
    let projection = Expr(Project 3, [| x |], [| x.Type |])
    Assert.Throws<GraphException>(fun () -> Check.graph [ projection ]) |> ignore

[<Fact>]
let ``a foreign leaf in the body of a loop is found`` () =
    let x = Expr.Input("x", DType.Float32, Shape.Of 2)
    let c = Expr.Input("c", DType.Float32, Shape.Of 2)
    let body = { Carry = [| c |]; Step = [||]; Constants = [||]; NewCarry = [| c + x |]; Outputs = [||] }
    let scan = Expr.Node(Structured(Scan(body, 3, false)), [| Ops.zerosLike x |])
    let error = Assert.Throws<GraphException>(fun () -> Check.graph [ scan ])
    Assert.Contains("placeholders", error.Actual)
