module FunctionalNet.Tests.Common.ShapeTests

open System
open Xunit
open FsCheck.Xunit
open FunctionalNet

let private dims (s: Shape) = s.ToArray()

[<Fact>]
let ``a scalar has one element and no axes`` () =
    Assert.Equal(0, Shape.Scalar.Rank)
    Assert.Equal(1, Shape.Scalar.Size)
    Assert.Equal("()", Shape.Scalar.ToString())
    Assert.True(Shape.Scalar.Equals(Shape.Of()))

[<Fact>]
let ``a shape prints as Python prints a tuple`` () =
    Assert.Equal("(3,)", Shape.Of(3).ToString())
    Assert.Equal("(2, 3)", Shape.Of(2, 3).ToString())

[<Fact>]
let ``a shape keeps its own copy of the sizes`` () =
    let given = [| 2; 3 |]
    let shape = Shape.Of given
    given[0] <- 9
    Assert.Equal<int[]>([| 2; 3 |], dims shape)

[<Fact>]
let ``a negative size is refused with what came`` () =
    let error = Assert.Throws<ShapeException>(fun () -> Shape.Of(2, -1) |> ignore)
    Assert.Equal("(2, -1)", error.Actual)
    Assert.NotEqual<string>("", error.Hint)

[<Fact>]
let ``an overflowing number of elements is an error, not a wrong number`` () =
    Assert.Throws<OverflowException>(fun () -> Shape.Of(65536, 65536).Size |> ignore) |> ignore

[<Fact>]
let ``equal sizes are equal shapes with equal hashes`` () =
    Assert.Equal(Shape.Of(2, 3), Shape.Of(2, 3))
    Assert.Equal(Shape.Of(2, 3).GetHashCode(), Shape.Of(2, 3).GetHashCode())
    Assert.NotEqual(Shape.Of(2, 3), Shape.Of(3, 2))
    Assert.NotEqual(Shape.Of(2, 3), Shape.Of(2, 3, 1))

[<Fact>]
let ``axes count from the front and from the end`` () =
    Assert.Equal(Some 2, Shape.normalizeAxis 3 -1)
    Assert.Equal(Some 0, Shape.normalizeAxis 3 -3)
    Assert.Equal(None, Shape.normalizeAxis 3 3)
    Assert.Equal(None, Shape.normalizeAxis 3 -4)

[<Theory>]
[<InlineData("2,3", "3", "2,3")>]
[<InlineData("2,1", "1,3", "2,3")>]
[<InlineData("", "4,5", "4,5")>]
[<InlineData("0,3", "1,3", "0,3")>]
[<InlineData("5,1,7", "6,1", "5,6,7")>]
let ``shapes broadcast by NumPy's rule`` (a: string, b: string, expected: string) =
    let parse (text: string) = text.Split(',', StringSplitOptions.RemoveEmptyEntries) |> Array.map int |> Shape.ofArray

    Assert.Equal(Some(parse expected), Shape.broadcast (parse a) (parse b))
    Assert.Equal(Some(parse expected), Shape.broadcast (parse b) (parse a))

[<Fact>]
let ``shapes that do not fit do not broadcast`` () =
    Assert.Equal(None, Shape.broadcast (Shape.Of(2, 3)) (Shape.Of(2)))
    Assert.Equal(None, Shape.broadcast (Shape.Of(0)) (Shape.Of(2)))

[<Fact>]
let ``strides are row-major`` () = Assert.Equal<int[]>([| 12; 4; 1 |], Shape.strides (Shape.Of(2, 3, 4)))

[<Fact>]
let ``axes can be removed or kept at size 1`` () =
    Assert.Equal(Shape.Of(3), Shape.removeAxes [| 0; 2 |] (Shape.Of(2, 3, 4)))
    Assert.Equal(Shape.Of(1, 3, 1), Shape.keepAxes [| 0; 2 |] (Shape.Of(2, 3, 4)))

[<Fact>]
let ``same padding puts the odd cell at the end`` () =
    Assert.Equal(struct (1, 1), Shape.samePadding 28 3 1 1)
    Assert.Equal(struct (0, 1), Shape.samePadding 28 3 2 1)
    Assert.Equal(struct (0, 0), Shape.samePadding 5 1 2 1)

[<Property>]
let ``same padding gives ceil(n / stride) windows`` (n: uint8) (window: uint8) (stride: uint8) (dilation: uint8) =
    let n, window = 1 + int n, 1 + int window % 9
    let stride, dilation = 1 + int stride % 5, 1 + int dilation % 4
    let struct (low, high) = Shape.samePadding n window stride dilation
    let length = Shape.slidingLength n window stride dilation low high
    length = (n + stride - 1) / stride && high - low >= 0 && high - low <= 1

[<Property>]
let ``a window never reaches past the padded input`` (n: uint8) (window: uint8) (stride: uint8) =
    let n, window, stride = int n, 1 + int window % 9, 1 + int stride % 5
    let length = Shape.slidingLength n window stride 1 0 0

    if length = 0 then
        window > n
    else
        (length - 1) * stride + window <= n && length * stride + window > n
