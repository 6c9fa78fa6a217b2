module FunctionalNet.Tests.Data.IndexedDatasetTests

open System
open System.Collections.Concurrent
open System.IO
open System.IO.Compression
open System.Security.Cryptography
open System.Threading
open Xunit
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Datasets
open FunctionalNet.Tests.Support
open FunctionalNet.Tests.Training.Samples

/// Batches that hold their own number, and notes of what was called.
type private Numbered(count: int) =
    inherit IndexedDataset()
    let mutable current = count
    member val Asked = ConcurrentQueue<int>()
    member val Notes = ConcurrentQueue<string>()
    override _.Count = current

    override this.GetBatch index =
        // Later batches are ready first.
        if this.Workers > 1 then Thread.Sleep(max 0 (6 - index))
        this.Asked.Enqueue index
        let x = Tensor.Full(DType.Float32, Shape.Of(2, 3), float index)
        TrainingData(x, Tensor.Full(DType.Float32, Shape.Of(2, 1), 1.0))

    override this.OnEpochBegin() = this.Notes.Enqueue("begin after " + string this.Asked.Count)

    override this.OnEpochEnd() =
        this.Notes.Enqueue("end after " + string this.Asked.Count)
        current <- current + 1

let private numbers (batches: seq<TrainingData>) = [ for b in batches -> int ((b.Inputs[0].ToDoubles())[0]) ]

[<Property>]
let ``every batch comes once, in order or in an order that follows from seed and pass`` (seed: int) (size: byte) =
    let count = 1 + int size % 9
    let make workers = Numbered(count, Workers = workers)
    Assert.Equal<int>([ 0 .. count - 1 ], numbers ((make (1 + abs (seed % 4))).ToDataset()))
    let one, other = (make 1).ToDataset(true, seed), (make 3).ToDataset(true, seed)
    let first = numbers one
    Assert.Equal<int>([ 0 .. count - 1 ], List.sort first)
    Assert.Equal<int>(first, numbers other)
    // The second pass has one batch more: Count is asked for anew.
    Assert.Equal<int>([ 0..count ], List.sort (numbers one))

[<Fact>]
let ``epochs are begun and ended around their batches, also in fit`` () =
    let data = Numbered 3
    let network = Network.sequential (Network.input [ 3 ]) [ Layer.dense 1 ]
    let trainer = Trainer.create network |> Trainer.compile (Optimizer.sgd 0.001) (Loss.parse "mse") []
    let history = trainer.Fit(data.ToDataset(true, 1), FitOptions(Epochs = 2, Verbosity = Verbosity.Silent))
    Assert.Equal<string>([ "begin after 0"; "end after 3"; "begin after 3"; "end after 7" ], data.Notes)
    Assert.Equal(2, history["loss"].Count)
    Assert.Equal(7L, trainer.Iterations)
    Assert.Equal(Nullable 3L, (Numbered 3).ToDataset().Length)
    Assert.Throws<ArgumentValueException>(fun () -> (Numbered 0).ToDataset() |> ignore) |> ignore

[<Fact>]
let ``an error in a batch says which`` () =
    let broken =
        { new IndexedDataset() with
            member _.Count = 4

            member _.GetBatch index =
                if index = 2 then raise (InvalidOperationException "no such picture")
                TrainingData(Tensor.Zeros(DType.Float32, Shape.Of(1, 1)), Tensor.Zeros(DType.Float32, Shape.Of(1, 1))) }

    let e = Assert.Throws<DataPipelineException>(fun () -> numbers (broken.ToDataset()) |> ignore)
    Assert.Equal(2L, e.Element)

// keras/src/utils/numerical_utils_test.py

[<Property>]
let ``labels become rows with a one, and the last axis of size 1 goes`` (seed: int) =
    let rng = Random(seed)
    let dims = [ [ 1 ]; [ 3 ]; [ 4; 3 ]; [ 5; 4; 3 ]; [ 3; 1 ]; [ 3; 2; 1 ] ][rng.Next 6] |> List.toArray
    let labels =
        Tensor.OfDoubles(DType.Int32, Shape.Of dims, Array.init (Array.fold (*) 1 dims) (fun _ -> float (rng.Next 5)))
    let rows = Arrays.ToCategorical(labels, Nullable 5)
    let kept = if dims.Length > 1 && dims[dims.Length - 1] = 1 then dims[.. dims.Length - 2] else dims
    Assert.Equal(Shape.Of(Array.append kept [| 5 |]), rows.Shape)
    let values, expected = rows.ToDoubles(), labels.ToDoubles()

    for i in 0 .. expected.Length - 1 do
        for k in 0..4 do
            Assert.Equal((if float k = expected[i] then 1.0 else 0.0), values[i * 5 + k])

[<Fact>]
let ``the number of classes follows from the labels, and labels outside are refused`` () =
    Assert.Equal(Shape.Of(3, 6), Arrays.ToCategorical(Tensor.OfArray [| 0; 2; 5 |]).Shape)

    for wrong in [ Tensor.OfArray [| 0; 5 |]; Tensor.OfArray [| -1; 0 |]; Tensor.OfArray [| 0.5f; 1.0f |] ] do
        Assert.Throws<DataException>(fun () -> Arrays.ToCategorical(wrong, Nullable 5) |> ignore) |> ignore

[<Property>]
let ``vectors along an axis get the norm 1, zeros stay`` (seed: int) =
    let rng = Random(seed)
    let dims = Array.init (1 + rng.Next 3) (fun _ -> 1 + rng.Next 4)
    let x =
        Tensor.OfDoubles(
            DType.Float64,
            Shape.Of dims,
            Array.init (Array.fold (*) 1 dims) (fun _ -> float (rng.Next(-3, 4)))
        )
    let axis = rng.Next dims.Length
    let order = [ 1.0; 2.0; 3.0; infinity ][rng.Next 4]
    let y = Arrays.Normalize(x, axis - (if rng.Next 2 = 0 then dims.Length else 0), order)
    let e = Expr.Input("x", DType.Float64, x.Shape)
    let magnitude = Ops.abs e

    let norm =
        if order = infinity then
            Ops.max [| axis |] true magnitude
        else
            Ops.pow
                (Ops.sum [| axis |] true (Ops.pow magnitude (Expr.Scalar(DType.Float64, order))))
                (Expr.Scalar(DType.Float64, 1.0 / order))

    let safe = Ops.where (Ops.equal norm (Ops.zerosLike norm)) (Ops.onesLike norm) norm
    let expected = (Graph.Interpreter.runDoubles [| e, x.ToDoubles() |] [| e / safe |])[0]
    Array.iter2 (fun (a: float) b -> Assert.Equal(a, b, 1e-9)) expected (y.ToDoubles())

// keras/src/utils/file_utils_test.py, GetFileTest; addresses are files, so that no network is needed.

let private sha (path: string) = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes path))
let private md5 (path: string) = Convert.ToHexStringLower(MD5.HashData(File.ReadAllBytes path))

let private withFiles (act: string -> string -> unit) =
    inFolder (fun folder ->
        let source = Path.Combine(folder, "source")
        Directory.CreateDirectory(Path.Combine(source, "inner")) |> ignore
        File.WriteAllText(Path.Combine(source, "inner", "text.txt"), "Float like a butterfly, sting like a bee.")
        act folder source)

[<Fact>]
let ``a file is fetched once, and again if its hash is another`` () =
    withFiles (fun folder source ->
        let original = Path.Combine(source, "inner", "text.txt")
        let cache = Path.Combine(folder, "cache")
        let get (hash: string) = FileCache.GetFile(Uri(original).AbsoluteUri, fileHash = hash, cacheFolder = cache)
        let path = get (sha original)
        Assert.Equal(Path.Combine(cache, "files", "text.txt"), path)
        Assert.True(FileCache.HasHash(path, sha original))
        Assert.True(FileCache.HasHash(path, md5 original))
        // What lies there is damaged; without a hash it is taken as it is.
        File.WriteAllText(path, "changed")
        Assert.Equal("changed", File.ReadAllText(FileCache.GetFile(Uri(original).AbsoluteUri, cacheFolder = cache)))
        Assert.Equal(File.ReadAllText original, File.ReadAllText(get (md5 original)))
        File.WriteAllText(original, "new")
        let forced = FileCache.GetFile(Uri(original).AbsoluteUri, cacheFolder = cache, forceDownload = true)
        Assert.Equal("new", File.ReadAllText forced)
        let e = Assert.Throws<DatasetException>(fun () -> get (String('0', 64)) |> ignore)
        Assert.Equal(DatasetFailure.HashMismatch, e.Failure)
        Assert.False(File.Exists path)
        let gone = Uri(Path.Combine(source, "no.txt")).AbsoluteUri
        let e =
            Assert.Throws<DatasetException>(fun () -> FileCache.GetFile(gone, cacheFolder = cache) |> ignore)
        Assert.Equal(DatasetFailure.DownloadFailed, e.Failure)
        Assert.Empty(Directory.GetFiles(Path.Combine(cache, "files"))))

[<Theory; InlineData("zip"); InlineData("tar"); InlineData("tar.gz")>]
let ``archives are unpacked`` (kind: string) =
    withFiles (fun folder source ->
        let archive = Path.Combine(folder, "data." + kind)

        match kind with
        | "zip" -> ZipFile.CreateFromDirectory(source, archive)
        | "tar" -> Formats.Tar.TarFile.CreateFromDirectory(source, archive, false)
        | _ ->
            use file = File.Create archive
            use zipped = new GZipStream(file, CompressionMode.Compress)
            Formats.Tar.TarFile.CreateFromDirectory(source, zipped, false)

        let cache = Path.Combine(folder, "cache")
        let get () =
            FileCache.GetFile(
                Uri(archive).AbsoluteUri,
                fileName = "data",
                fileHash = sha archive,
                extract = true,
                cacheFolder = cache
            )

        let target = get ()
        Assert.Equal(Path.Combine(cache, "files", "data"), target)
        Assert.Equal(
            "Float like a butterfly, sting like a bee.",
            File.ReadAllText(Path.Combine(target, "inner", "text.txt"))
        )
        Assert.Equal(target, get ())
        // What is no archive leaves nothing behind.
        let text = Uri(Path.Combine(source, "inner", "text.txt")).AbsoluteUri
        Assert.Throws<DatasetException>(fun () ->
            FileCache.GetFile(text, extract = true, cacheFolder = cache) |> ignore)
        |> ignore

        Assert.Equal<string>([ target ], Directory.GetDirectories(Path.Combine(cache, "files"))))
