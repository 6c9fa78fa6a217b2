module FunctionalNet.Tests.Tensors.TensorTests

open FsCheck.FSharp
open FsCheck.Xunit
open Xunit
open FunctionalNet

let private argMax (shape: int list) (values: 'T[]) = Tensor.Of(Shape.Of(Array.ofList shape), values).ArgMax()

[<Fact>]
let ``the greatest of each row is found`` () =
    Assert.Equal<int>([| 2; 0 |], argMax [ 2; 3 ] [| 0.1f; 0.2f; 0.7f; 0.5f; 0.3f; 0.2f |])
    Assert.Equal<int>([| 1 |], argMax [ 3 ] [| -3.0; -1.0; -2.0 |])
    Assert.Equal<int>([| 1; 0; 1; 1 |], argMax [ 2; 2; 2 ] [| 1; 2; 4; 3; 5; 6; 7; 8 |])
    Assert.Equal<int>([| 1 |], argMax [ 1; 2 ] [| -9_000_000_000L; 9_000_000_000L |])
    Assert.Equal<int>([| 1; 0 |], argMax [ 2; 2 ] [| false; true; true; false |])
    Assert.Equal<int>([| 0; 0; 0 |], argMax [ 3; 1 ] [| 3.0f; nanf; -1.0f |])

[<Fact>]
let ``the first of equals is the greatest`` () =
    Assert.Equal<int>([| 1; 0 |], argMax [ 2; 3 ] [| 1.0f; 2.0f; 2.0f; 0.0f; 0.0f; 0.0f |])
    Assert.Equal<int>([| 0 |], argMax [ 2 ] [| 0.0; -0.0 |])
    Assert.Equal<int>([| 0 |], argMax [ 2 ] [| true; true |])
    Assert.Equal<int>([| 0 |], argMax [ 2 ] [| -infinity; -infinity |])

[<Fact>]
let ``the first NaN is greater than everything`` () =
    Assert.Equal<int>([| 1 |], argMax [ 4 ] [| 5.0f; nanf; infinityf; nanf |])
    Assert.Equal<int>([| 0; 2 |], argMax [ 2; 3 ] [| nan; 1.0; nan; infinity; 1.0; nan |])

[<Fact>]
let ``no rows have no greatest`` () = Assert.Empty(argMax [ 0; 4 ] Array.empty<float32>)

[<Fact>]
let ``a scalar and an empty row are refused`` () =
    let scalar = Assert.Throws<ShapeException>(fun () -> Tensor.Scalar(1.0f).ArgMax() |> ignore)
    Assert.Equal("a scalar", scalar.Actual)
    let empty = Assert.Throws<ShapeException>(fun () -> argMax [ 2; 0 ] Array.empty<float> |> ignore)
    Assert.Equal("shape (2, 0)", empty.Actual)

[<Property>]
let ``nothing before the greatest is as great, and nothing after it greater`` () =
    let rows =
        Gen.choose (1, 20)
        |> Gen.bind (fun width -> Gen.choose (-4, 4) |> Gen.arrayOfLength width |> Gen.arrayOfLength 3)

    Prop.forAll (Arb.fromGen rows) (fun rows ->
        (Tensor.OfRows rows).ArgMax() = (rows |> Array.map (fun row -> Array.findIndex ((=) (Array.max row)) row)))
