module FunctionalNet.Tests.Data.SequencesTests

open System
open FunctionalNet
open Xunit

let private ragged = [ [| 1 |]; [| 2; 3 |]; [| 4; 5; 6 |] ]

[<Fact>]
let ``sequences are padded and cut in front, or behind`` () =
    // The examples of Keras's documentation.
    let plain = Sequences.PadSequences ragged
    Assert.Equal(Shape.Of(3, 3), plain.Shape)
    Assert.Equal<int[]>([| 0; 0; 1; 0; 2; 3; 4; 5; 6 |], plain.ToArray<int>())
    let filled = Sequences.PadSequences(ragged, value = -1.0)
    Assert.Equal<int[]>([| -1; -1; 1; -1; 2; 3; 4; 5; 6 |], filled.ToArray<int>())
    let behind = Sequences.PadSequences(ragged, padding = SequenceEnd.Post)
    Assert.Equal<int[]>([| 1; 0; 0; 2; 3; 0; 4; 5; 6 |], behind.ToArray<int>())
    let cut = Sequences.PadSequences(ragged, maxLength = Nullable 2)
    Assert.Equal<int[]>([| 0; 1; 2; 3; 5; 6 |], cut.ToArray<int>())
    let cutBehind = Sequences.PadSequences(ragged, maxLength = Nullable 2, truncating = SequenceEnd.Post)
    Assert.Equal<int[]>([| 0; 1; 2; 3; 4; 5 |], cutBehind.ToArray<int>())
    let numbers = Sequences.PadSequences([ [| 0.5f |]; [||] ], maxLength = Nullable 2, value = 2.5)
    Assert.Equal<float32[]>([| 2.5f; 0.5f; 2.5f; 2.5f |], numbers.ToArray<float32>())

[<Fact>]
let ``nothing cannot be padded`` () =
    Assert.Throws<DataException>(fun () -> Sequences.PadSequences(Seq.empty<int[]>) |> ignore) |> ignore
    Assert.Throws<DataException>(fun () -> Sequences.PadSequences [ Array.empty<int> ] |> ignore)
    |> ignore
    Assert.Throws<ArgumentValueException>(fun () -> Sequences.PadSequences(ragged, Nullable 0) |> ignore)
    |> ignore

[<Fact>]
let ``windows over a series have its targets`` () =
    // Keras's example: windows of 10 steps over 0..99, a target ten steps after the first.
    let data = Tensor.Of(Shape.Of 90, [| for i in 0..89 -> float32 i |])
    let targets = Tensor.Of(Shape.Of 90, [| for i in 10..99 -> float32 i |])
    let batches = Sequences.TimeseriesDataset(data, targets, 10) |> Seq.toArray
    Assert.Equal(1, batches.Length)
    let struct (x, y) = batches[0]
    Assert.Equal(Shape.Of(81, 10), x.Shape)
    Assert.Equal<float32[]>([| for i in 0..9 -> float32 i |], (x.ToArray<float32>())[..9])
    Assert.Equal(10f, (y.ToArray<float32>())[0])
    Assert.Equal(90f, (y.ToArray<float32>())[80])

[<Fact>]
let ``windows have strides and rates, and begin and end where they are told`` () =
    let data = Tensor.Of(Shape.Of(20, 2), [| for i in 0..39 -> float32 i |])

    let windows =
        Sequences.TimeseriesDataset(
            data,
            3,
            sequenceStride = 4,
            samplingRate = 2,
            batchSize = 2,
            startIndex = Nullable 1,
            endIndex = Nullable 18
        )
        |> Seq.toArray

    // Starts 1, 5, 9, 13: the last window ends at 17.
    Assert.Equal<Shape list>([ Shape.Of(2, 3, 2); Shape.Of(2, 3, 2) ], [ for w in windows -> w.Shape ])
    let last = (windows[1]).ToArray<float32>()
    Assert.Equal<float32[]>([| 26f; 27f; 30f; 31f; 34f; 35f |], last[6..])

[<Fact>]
let ``windows in random order are the same windows`` () =
    let data = Tensor.Of(Shape.Of 30, [| for i in 0..29 -> float32 i |])
    let dataset = Sequences.TimeseriesDataset(data, data, 4, batchSize = 5, shuffle = true, seed = 3)

    let pass () =
        dataset
        |> Seq.collect (fun (struct (x, y)) ->
            let x, y = x.ToArray<float32>(), y.ToArray<float32>()
            [ for i in 0 .. y.Length - 1 -> x[4 * i .. 4 * i + 3], y[i] ])
        |> Seq.toList

    let first, second = pass (), pass ()
    Assert.NotEqual<(float32[] * float32) list>(first, second)
    Assert.Equal<float32 list>([ for i in 0..26 -> float32 i ], first |> List.map snd |> List.sort)

    for window, target in first do
        Assert.Equal<float32[]>([| for k in 0..3 -> target + float32 k |], window)

[<Fact>]
let ``windows that do not fit are refused`` () =
    let data = Tensor.Of(Shape.Of 5, [| 0f; 1f; 2f; 3f; 4f |])

    for bad in
        [ (fun () -> Sequences.TimeseriesDataset(data, 6) |> ignore)
          (fun () -> Sequences.TimeseriesDataset(data, 0) |> ignore)
          (fun () -> Sequences.TimeseriesDataset(data, 3, samplingRate = 3) |> ignore)
          (fun () -> Sequences.TimeseriesDataset(data, 2, startIndex = Nullable 4, endIndex = Nullable 3) |> ignore)
          (fun () -> Sequences.BucketByLength(Dataset.FromTensors data, [| 4; 4 |], 2) |> ignore)
          (fun () -> Sequences.BucketByLength(Dataset.FromTensors data, [| 4 |], 0) |> ignore) ] do
        Assert.Throws<ArgumentValueException> bad |> ignore

[<Fact>]
let ``sequences of similar lengths go together`` () =
    let lengths = [| 3; 9; 2; 12; 4; 10; 1; 11; 2 |]

    let rows =
        lengths
        |> Array.mapi (fun i n -> struct (Tensor.Of(Shape.Of n, Array.create n (i + 1)), Tensor.Scalar i))

    let batches = Sequences.BucketByLength(Dataset.FromEnumerable rows, [| 5; 10 |], 2) |> Seq.toArray

    let seen =
        [ for struct (x, y) in batches do
              let ids = y.ToArray<int>()
              let wide = ids |> Array.map (fun i -> lengths[i]) |> Array.max
              Assert.Equal(Shape.Of(ids.Length, wide), x.Shape)
              let bucket i =
                  if lengths[i] < 5 then 0
                  elif lengths[i] < 10 then 1
                  else 2
              Assert.Equal(1, (ids |> Array.distinctBy bucket).Length)

              for row in 0 .. ids.Length - 1 do
                  let values = (x.ToArray<int>())[row * wide .. row * wide + wide - 1]
                  let n = lengths[ids[row]]
                  Assert.All(values[.. n - 1], fun v -> Assert.Equal(ids[row] + 1, v))
                  Assert.All(values[n..], fun v -> Assert.Equal(0, v))

              yield! ids ]

    Assert.Equal<int list>([ 0..8 ], List.sort seen)
    let full = Sequences.BucketByLength(Dataset.FromEnumerable rows, [| 5; 10 |], 2, dropRemainder = true)
    Assert.All(full, fun (struct (_, y)) -> Assert.Equal(2, y.Size))
