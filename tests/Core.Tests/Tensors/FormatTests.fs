module FunctionalNet.Tests.Tensors.FormatTests

open Xunit
open FunctionalNet

let private prints (expected: string list) (t: Tensor) = Assert.Equal(String.concat "\n" expected, t.ToString())

[<Fact>]
let ``numbers line up at the point`` () =
    Tensor.OfRows [| [| 1.0f; 2.5f |]; [| -3.25f; 4.0f |] |]
    |> prints [ "float32 (2, 2)"; "[[ 1.    2.5 ]"; " [-3.25  4.  ]]" ]

[<Fact>]
let ``scalars, integers and truth values`` () =
    Tensor.Scalar 3.5f |> prints [ "float32 () 3.5" ]
    Tensor.OfArray [| 1; 20; -300 |] |> prints [ "int32 (3,)"; "[   1   20 -300]" ]
    Tensor.OfArray [| 9007199254740993L |] |> prints [ "int64 (1,)"; "[9007199254740993]" ]
    Tensor.OfArray [| true; false |] |> prints [ "bool (2,)"; "[ True False]" ]
    Tensor.Zeros(DType.Float32, Shape.Of(0, 3)) |> prints [ "float32 (0, 3)"; "[]" ]

[<Fact>]
let ``matrices of a stack are apart by a blank line`` () =
    Tensor.OfDoubles(DType.Int32, Shape.Of(2, 1, 2), [| 1.0; 2.0; 3.0; 4.0 |])
    |> prints [ "int32 (2, 1, 2)"; "[[[1 2]]"; ""; " [[3 4]]]" ]

[<Fact>]
let ``very small and very large numbers are scientific, and what is no number has a name`` () =
    Tensor.OfArray [| 1e-9; 1.0; nan; infinity; -infinity |]
    |> prints [ "float64 (5,)"; "[1e-09 1e+00   nan   inf  -inf]" ]

[<Fact>]
let ``large tensors are shortened in the middle`` () =
    Tensor.OfDoubles(DType.Int32, Shape.Of(50, 40), Array.init 2000 float)
    |> prints
        [ "int32 (50, 40)"
          "[[   0    1    2 ...   37   38   39]"
          " [  40   41   42 ...   77   78   79]"
          " [  80   81   82 ...  117  118  119]"
          " ..."
          " [1880 1881 1882 ... 1917 1918 1919]"
          " [1920 1921 1922 ... 1957 1958 1959]"
          " [1960 1961 1962 ... 1997 1998 1999]]" ]

[<Fact>]
let ``long rows wrap`` () =
    let lines = (Tensor.OfDoubles(DType.Int32, Shape.Of 40, Array.init 40 float)).ToString().Split '\n'
    Assert.Equal(3, lines.Length)
    Assert.All(lines, fun l -> Assert.True(l.Length <= 80))
