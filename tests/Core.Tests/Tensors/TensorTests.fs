module FunctionalNet.Tests.Tensors.TensorTests

open System
open FsCheck.FSharp
open FsCheck.Xunit
open Xunit
open FunctionalNet

let private argMax (shape: int list) (values: 'T[]) = Tensor.Of(Shape.Of(Array.ofList shape), values).ArgMax()

[<Fact>]
let ``a tensor's memory is written in place, once, from zeros`` () =
    let calls = ref 0

    let tensor =
        Tensor.Create<int>(
            Shape.Of(2, 3),
            fun values shape ->
                calls.Value <- calls.Value + 1
                Assert.Equal(Shape.Of(2, 3), shape)

                for i in 0 .. values.Length - 1 do
                    Assert.Equal(0, values[i])
                    values[i] <- 10 * i
        )

    Assert.Equal(1, calls.Value)
    Assert.Equal<int>([| 0; 10; 20; 30; 40; 50 |], tensor.AsSpan<int>().ToArray())
    Assert.Equal(DType.Int32, tensor.DType)

[<Fact>]
let ``memory of another element type is refused before it is written`` () =
    let write () = Tensor.Create<byte>(Shape.Of 2, fun _ _ -> failwith "written") |> ignore

    Assert.Throws<DTypeException> write |> ignore

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

[<Fact>]
let ``arrays, spans, memory and rows make the same tensor`` () =
    let values = [| 1.0f; 2.0f; 3.0f; 4.0f; 5.0f; 6.0f |]
    let shape = Shape.Of(2, 3)
    let expected = Tensor.Of(shape, values)
    let rows = [| [| 1.0f; 2.0f; 3.0f |]; [| 4.0f; 5.0f; 6.0f |] |]

    let same =
        [ Tensor.Of<float32>(shape, ReadOnlySpan<float32>(values))
          Tensor.Of<float32>(shape, ReadOnlyMemory<float32>(values))
          Tensor.OfArray(Array2D.init 2 3 (fun i j -> rows[i][j]))
          Tensor.OfArray(Array3D.init 1 2 3 (fun _ i j -> rows[i][j])).Reshape shape
          Tensor.OfRows rows
          Tensor.OfDoubles(DType.Float32, shape, Array.map float values)
          Tensor.OfArray(values).Reshape shape ]

    for t in same do
        Assert.True(expected.BitEquals t)
        Assert.Equal(shape, t.Shape)
        Assert.Equal(DType.Float32, t.DType)

[<Fact>]
let ``every dtype has its arrays`` () =
    let check (dtype: DType) (values: Array) (doubles: float[]) =
        let t = Tensor.OfArray values
        Assert.Equal(dtype, t.DType)
        Assert.Equal<float[]>(doubles, t.ToDoubles())

    check DType.Float32 [| 0.5f; -1.0f |] [| 0.5; -1.0 |]
    check DType.Float64 [| 0.1; 2.0 |] [| 0.1; 2.0 |]
    check DType.Int32 [| 7; -8 |] [| 7.0; -8.0 |]
    check DType.Int64 [| 1L <<< 40 |] [| 1099511627776.0 |]
    check DType.Bool [| true; false |] [| 1.0; 0.0 |]

[<Fact>]
let ``a tensor keeps its values when the array that made it changes, and gives copies`` () =
    let values = [| 1.0f; 2.0f |]
    let table = array2D [ [ 1; 2 ] ]
    let t, u = Tensor.Of(Shape.Of 2, values), Tensor.OfArray table
    values[0] <- 9.0f
    table[0, 0] <- 9
    t.ToArray<float32>()[1] <- 9.0f
    Assert.Equal<float[]>([| 1.0; 2.0 |], t.ToDoubles())
    Assert.Equal<float[]>([| 1.0; 2.0 |], u.ToDoubles())

[<Fact>]
let ``a span is a view without a copy, also of a reshaped tensor`` () =
    let t = Tensor.Zeros(DType.Float32, Shape.Of(4, 250))
    t.AsSpan<float32>().Length |> ignore
    let before = GC.GetAllocatedBytesForCurrentThread()
    let mutable sum = 0.0f

    for _ in 1..100 do
        sum <- sum + t.AsSpan<float32>()[999]

    Assert.Equal(0L, GC.GetAllocatedBytesForCurrentThread() - before)
    Assert.Equal(0.0f, sum)
    Assert.True(t.AsSpan<float32>().Overlaps(t.Reshape(Shape.Of(1000)).AsSpan<float32>()))
    Assert.Throws<DTypeException>(fun () -> t.AsSpan<int>().Length |> ignore) |> ignore

[<Fact>]
let ``values that do not fill the shape, uneven rows and unknown elements are refused`` () =
    Assert.Throws<ShapeException>(fun () -> Tensor.Of(Shape.Of(2, 2), [| 1.0f |]) |> ignore) |> ignore

    Assert.Throws<ShapeException>(fun () -> Tensor.OfRows [| [| 1.0f |]; [| 1.0f; 2.0f |] |] |> ignore)
    |> ignore

    Assert.Throws<DTypeException>(fun () -> Tensor.OfArray [| "text" |] |> ignore) |> ignore

    Assert.Throws<ShapeException>(fun () -> Tensor.Scalar(1.0f).Reshape(Shape.Of 2) |> ignore) |> ignore
