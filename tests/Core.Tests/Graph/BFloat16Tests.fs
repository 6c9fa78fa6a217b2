/// The type that keeps numbers in 16 bits: tensors, casts, movement and derivatives.
module FunctionalNet.Tests.Graph.BFloat16Tests

open System
open System.IO
open Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Compiler
open FunctionalNet.Tests.Compiler
open FunctionalNet.Tests.Support

let private numbers (n: int) = Array.init n (fun i -> sin (float (i * i + 1)) * 10.0)

let private rounded (x: float) = float (BFloat16.OfSingle(float32 x).ToSingle())

[<Fact>]
let ``tensors keep rounded numbers in two bytes`` () =
    let values = numbers 6
    let t = Tensor.OfDoubles(DType.BFloat16, Shape.Of(2, 3), values)
    Assert.Equal(DType.BFloat16, t.DType)
    Assert.Equal(12, t.Bytes.Length)
    Assert.Equal<float[]>(Array.map rounded values, t.ToDoubles())
    Assert.Equal<float[]>(Array.map rounded values, t.Cast(DType.Float32).ToDoubles())
    Assert.True(t.BitEquals(t.Cast(DType.Float32).Cast DType.BFloat16))
    Assert.Equal<BFloat16[]>(values |> Array.map (fun v -> BFloat16.OfSingle(float32 v)), t.ToArray<BFloat16>())
    Assert.True(t.BitEquals(Tensor.Of(t.Shape, t.ToArray<BFloat16>())))
    Assert.Equal<int[]>(t.Cast(DType.Float32).ArgMax(), t.ArgMax())
    Assert.Equal(
        "bfloat16 (3,)\n[0.5 1.5 2. ]",
        (Tensor.OfDoubles(DType.BFloat16, Shape.Of 3, [| 0.5; 1.5; 2.0 |])).ToString()
    )
    Assert.Equal(DType.BFloat16, DType.parse (DType.name DType.BFloat16))
    Assert.Throws<DTypeException>(fun () -> t.ToArray<float32>() |> ignore) |> ignore

[<Fact>]
let ``nothing is computed in it, and the way to other types is through float32`` () =
    let x = Expr.Input("x", DType.Float32, Shape.Of(2, 3))
    let narrow = Ops.cast DType.BFloat16 x
    let w = Expr.Input("w", DType.Float32, Shape.Of(3, 4)) |> Ops.cast DType.BFloat16
    Assert.Throws<DTypeException>(fun () -> narrow + narrow |> ignore) |> ignore
    Assert.Throws<DTypeException>(fun () -> Ops.matmul narrow w |> ignore) |> ignore
    Assert.Throws<DTypeException>(fun () -> Ops.exp narrow |> ignore) |> ignore
    Assert.Throws<DTypeException>(fun () -> Ops.sumAll narrow |> ignore) |> ignore
    Assert.Throws<DTypeException>(fun () -> Expr.Node(Cast DType.Float64, [| narrow |]) |> ignore)
    |> ignore

    let whole = Expr.Input("i", DType.Int32, Shape.Of 3)
    Assert.Throws<DTypeException>(fun () -> Expr.Node(Cast DType.BFloat16, [| whole |]) |> ignore)
    |> ignore

    for target in [ DType.Float64; DType.Int32; DType.Int64; DType.Bool ] do
        let there = Ops.cast target narrow
        Assert.Equal(target, there.DType)
        Assert.Equal(DType.BFloat16, (Ops.cast DType.BFloat16 there).DType)

[<Fact>]
let ``simplification keeps the rounding and drops what rounds twice`` () =
    let x = Expr.Input("x", DType.Float32, Shape.Of(2, 3))
    let wide = Ops.cast DType.Float32 (Ops.cast DType.BFloat16 x)
    let twice = Ops.cast DType.Float32 (Ops.cast DType.BFloat16 wide)
    let simple = Simplify.roots [| wide; twice |]
    Assert.Same(simple[0], simple[1])

    match simple[0].Op, simple[0].Inputs[0].Op with
    | Cast DType.Float32, Cast DType.BFloat16 -> Assert.Same(x, simple[0].Inputs[0].Inputs[0])
    | _ -> Assert.Fail "the rounding is gone"

[<Fact>]
let ``plans round and move as the interpreter does`` () =
    let x = Expr.Input("x", DType.Float32, Shape.Of(4, 3, 5))
    let narrow = Ops.cast DType.BFloat16 (x * 1.7)
    let wide = Ops.cast DType.Float32 narrow
    let indices = Expr.Constant(Tensor.OfArray [| 2; 0; 3 |])

    let outputs =
        [| "narrow", narrow
           "wide", wide
           "product", wide * 3.0 + x
           "transposed", Ops.transpose [| 2; 0; 1 |] narrow
           "broadcast", Ops.cast DType.Float32 (Ops.broadcastTo (Shape.Of(2, 4, 3, 5)) narrow)
           "joined", Expr.Node(Concat 1, [| narrow; Ops.cast DType.BFloat16 x |])
           "taken", Expr.Node(Gather 0, [| narrow; indices |])
           "reversed", Expr.Node(Reverse [| 0; 2 |], [| narrow |])
           "cut", Expr.Node(Slice([| 1; 0; 1 |], [| 4; 3; 5 |], [| 2; 1; 3 |]), [| narrow |])
           "sums", Ops.sum [| 1 |] false wide
           "wider", Ops.cast DType.Float64 narrow |]

    let graph = { Outputs = outputs; Updates = [||] }
    let bindings = [| x, Tensor.OfDoubles(DType.Float32, x.Shape, numbers x.Shape.Size) |]
    let expected = PlanRuns.interpret graph bindings

    for options in [ CompileOptions.Default; CompileOptions.Plain ] do
        let actual = PlanRuns.run { options with Check = true; Poison = true } graph bindings

        match PlanRuns.difference 1e-6 expected actual with
        | None -> ()
        | Some text -> Assert.Fail text

[<Fact>]
let ``a derivative is rounded where its value is`` () =
    let x = Expr.Input("x", DType.Float32, Shape.Of 7)
    let w = Expr.Input("w", DType.Float32, Shape.Of 7)
    let narrow = Ops.cast DType.BFloat16 x
    let loss = Ops.sumAll (w * Ops.cast DType.Float32 narrow)
    // Two readers of the value of 16 bits: their derivatives meet in float32.
    let two = loss + Ops.sumAll (w * Ops.cast DType.Float32 narrow)
    let values = numbers 7

    let bindings =
        [ x, Tensor.OfDoubles(DType.Float32, x.Shape, values)
          w, Tensor.OfDoubles(DType.Float32, w.Shape, values |> Array.map (fun v -> v + 1.0)) ]

    let value loss = Interpreter.run bindings [| (Grad.gradients loss [| x |])[0] |] |> Array.head
    let w = bindings[1] |> snd |> fun t -> t.ToDoubles()
    Assert.Equal<float[]>(Array.map rounded w, value loss)
    Assert.Equal<float[]>(w |> Array.map (fun v -> rounded (2.0 * rounded v)), value two)
    Assert.Equal(DType.Float32, ((Grad.gradients two [| x |])[0]).DType)

[<Fact>]
let ``files keep it as BF16`` () =
    let t = Tensor.OfDoubles(DType.BFloat16, Shape.Of(3), [| 1.0; -2.5; 3.140625 |])
    use stream = new MemoryStream()
    SafeTensors.writeStream stream { Tensors = [| "t", t |]; Metadata = [||] }
    Assert.Contains("\"BF16\"", Text.Encoding.UTF8.GetString(stream.ToArray()))
    stream.Position <- 0L
    let name, back = (SafeTensors.readStream "t" stream stream.Length).Tensors[0]
    Assert.Equal("t", name)
    Assert.Equal<float[]>(t.ToDoubles(), back.ToDoubles())
