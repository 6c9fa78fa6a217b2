namespace FunctionalNet.Tests.Images

open System
open System.IO
open System.IO.Compression
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Common
open FunctionalNet.Datasets
open FunctionalNet.Tests.Support
open Xunit

/// Datasets of folders: which files, in which order, with which classes, as Keras's index_directory has it.
type DirectoryTests() =

    static let quiet = { DirectoryFiles.options with Verbose = false; Parallelism = 2 }

    /// A folder of texts that are their own paths.
    static let texts (folder: TemporaryFolder) (files: string list) =
        for file in files do
            File.WriteAllText(folder.File file, file)

        folder.Path

    static let tree =
        [ "b/2.txt"
          "b/10.txt"
          "a/x/deep.txt"
          "a/9.TXT"
          "a/1.txt"
          "c/only.txt"
          ".hidden/no.txt"
          "a/note.md"
          "root.txt" ]

    static let read (dataset: DirectoryDataset<struct (string[] * Tensor)>) =
        [ for struct (batch, labels) in dataset do
              yield! Seq.zip batch (labels.ToDoubles()) ]

    static let pictureOptions =
        { ImageDataset.options with Files = { quiet with Shuffle = false }; ImageSize = struct (5, 7) }

    static let pictures (folder: TemporaryFolder) =
        for name, target in
            [ "rgb.png", "a/1.png"; "rgb.bmp", "a/2.bmp"; "moving.gif", "b/3.gif"; "rgba.png", "b/4.PNG" ] do
            File.Copy(Data.inTests (Path.Combine("images", name)), folder.File target)

        folder.Path

    /// A WAV file of 16-bit samples, with a chunk that nobody knows in front of them.
    static member private Wave(channels: int, samples: int16[]) : byte[] = DirectoryTests.Wave(channels, samples, 16000)

    static member private Wave(channels: int, samples: int16[], rate: int) : byte[] =
        use stream = new MemoryStream()
        use writer = new BinaryWriter(stream)
        let text (t: string) = writer.Write(Text.Encoding.ASCII.GetBytes t)
        text "RIFF"
        writer.Write(36 + 12 + 2 * samples.Length)
        text "WAVEfmt "
        writer.Write 16
        writer.Write(1s)
        writer.Write(int16 channels)
        writer.Write rate
        writer.Write(rate * 2 * channels)
        writer.Write(int16 (2 * channels))
        writer.Write 16s
        text "LIST"
        writer.Write 3
        writer.Write(0)
        text "data"
        writer.Write(2 * samples.Length)
        for s in samples do
            writer.Write s
        writer.Flush()
        stream.ToArray()

    [<Fact>]
    member _.``sorted files come folder by folder``() =
        use folder = new TemporaryFolder()
        let path = texts folder tree
        let dataset = TextDataset.ofDirectory None { quiet with Shuffle = false; BatchSize = 4 } path
        Assert.Equal<string list>([ "a"; "b"; "c" ], List.ofSeq dataset.ClassNames)
        // Names in the order of their characters, and folders by their paths.
        let expected =
            [ "a/1.txt", 0.0
              "a/9.TXT", 0.0
              "a/x/deep.txt", 0.0
              "b/10.txt", 1.0
              "b/2.txt", 1.0
              "c/only.txt", 2.0 ]

        Assert.Equal<(string * float) list>(expected, read dataset)
        Assert.Equal<(string * float) list>(expected, read dataset)
        let relative = dataset.FilePaths |> Seq.map (fun p -> Path.GetRelativePath(path, p)) |> List.ofSeq
        Assert.Equal<string list>(List.map fst expected, relative)
        Assert.Equal(Nullable 2L, dataset.Length)

    [<Fact>]
    member _.``files are shuffled and split as by NumPy``() =
        use folder = new TemporaryFolder()
        let names = [ for i in 0..9 -> (if i < 5 then "a/" else "b/") + string i + ".txt" ]
        let path = texts folder names
        let order = [| 8; 1; 5; 0; 7; 2; 9; 4; 3; 6 |]
        let options = { quiet with Seed = 42; ValidationSplit = Some 0.3 }
        let files (d: DirectoryDataset<_>) =
            d.FilePaths |> Seq.map (fun p -> int (Path.GetFileNameWithoutExtension p)) |> Array.ofSeq
        let struct (train, validation) = TextDataset.split None options path
        Assert.Equal<int[]>(order[..6], files train)
        Assert.Equal<int[]>(order[7..], files validation)
        // Each subset by itself is the same.
        let only subset = TextDataset.ofDirectory None { options with Subset = subset } path
        Assert.Equal<int[]>(order[..6], files (only DataSubset.Training))
        Assert.Equal<int[]>(order[7..], files (only DataSubset.Validation))

        // Labels go with their files, in every pass, and passes for training differ.
        let passes = [ for _ in 1..3 -> read train ]

        for pass in passes do
            Assert.Equal<(string * float) list>(
                [ for i in order[..6] |> Array.sort -> names[i], (if i < 5 then 0.0 else 1.0) ],
                List.sort pass
            )

        Assert.NotEqual<(string * float) list>(passes[0], passes[1])
        Assert.Equal<string list>([ for i in order[7..] -> names[i] ], read validation |> List.map fst)
        // The same seed gives the same passes, with any number of threads.
        let struct (again, _) = TextDataset.split None { options with Parallelism = 7 } path
        Assert.Equal<(string * float) list>(passes[0], read again)
        Assert.Equal<(string * float) list>(passes[1], read again)

    [<Property(MaxTest = 150)>]
    member _.``a split loses no file and takes none twice``
        (seed: int, count: FsCheck.PositiveInt, share: FsCheck.PositiveInt)
        =
        use folder = new TemporaryFolder()
        let count = 2 + count.Get % 9
        let path = texts folder [ for i in 1..count -> "f/" + string i + ".txt" ]
        let part = (1.0 + float (share.Get % 8)) / 10.0

        let options = { quiet with Seed = seed; ValidationSplit = Some part }

        if int (part * float count) = 0 then
            Assert.Throws<DatasetException>(fun () -> TextDataset.split None options path |> ignore) |> ignore
        else
            let struct (train, validation) = TextDataset.split None options path
            Assert.Equal(int (part * float count), validation.FilePaths.Count)
            Assert.Equal(count, Seq.append train.FilePaths validation.FilePaths |> Seq.distinct |> Seq.length)

    [<Fact>]
    member _.``labels have the form of their mode``() =
        use folder = new TemporaryFolder()
        let path = texts folder tree
        let sorted = { quiet with Shuffle = false }

        let labels o =
            let struct (_, labels) = Seq.head (TextDataset.ofDirectory None o path)
            labels

        Assert.Equal<int[]>([| 0; 0; 0; 1; 1; 2 |], (labels sorted).ToArray<int>())
        let categorical = labels { sorted with LabelMode = LabelMode.Categorical }
        Assert.Equal(Shape.Of(6, 3), categorical.Shape)
        Assert.Equal<int[]>([| 0; 0; 0; 1; 1; 2 |], categorical.ArgMax())
        // Two folders, in an order of their own.
        let binary = labels { sorted with LabelMode = LabelMode.Binary; ClassNames = [ "c"; "b" ] }
        Assert.Equal(Shape.Of(3, 1), binary.Shape)
        Assert.Equal<float32[]>([| 0f; 1f; 1f |], binary.ToArray<float32>())
        // Given labels follow the sorted paths of all files, those in the root and in hidden folders included.
        let given = TextDataset.ofDirectory None { sorted with Labels = Some [ 5; 0; 0; 7; 7; 7; 0; 5 ] } path
        Assert.Equal<string list>([ "0"; "5"; "7" ], List.ofSeq given.ClassNames)
        Assert.Equal(("root.txt", 5.0), (read given).Head)
        let alone = TextDataset.unlabeled None sorted path
        Assert.Empty alone.ClassNames
        Assert.Equal<string[]>(read given |> List.map fst |> List.toArray, Seq.exactlyOne alone)

    [<Fact>]
    member _.``what cannot be read is refused``() =
        use folder = new TemporaryFolder()
        let path = texts folder tree
        let wrong o =
            Assert.Throws<ArgumentValueException>(fun () -> TextDataset.ofDirectory None o path |> ignore)
            |> ignore

        wrong { quiet with LabelMode = LabelMode.Binary }
        wrong { quiet with ClassNames = [ "a"; "d" ] }
        wrong { quiet with Labels = Some [ 1; 2 ] }
        wrong { quiet with Labels = Some [ 1; 2 ]; ClassNames = [ "a" ] }
        wrong { quiet with ValidationSplit = Some 1.5 }
        wrong { quiet with Subset = DataSubset.Training }
        wrong { quiet with BatchSize = 0 }

        let missing run =
            let e = Assert.Throws<DatasetException>(fun () -> run () |> ignore)
            Assert.Equal(DatasetFailure.NotFound, e.Failure)
            e

        let e = missing (fun () -> AudioDataset.ofDirectory { AudioDataset.options with Files = quiet } path)
        Assert.Equal(path, e.Path)
        missing (fun () -> TextDataset.ofDirectory None quiet (Path.Combine(path, "nowhere"))) |> ignore
        Directory.CreateDirectory(folder.File "empty/inner") |> ignore
        missing (fun () -> TextDataset.ofDirectory None quiet (Path.Combine(path, "empty"))) |> ignore

    [<Fact>]
    member _.``texts are cut at bytes and between characters``() =
        use folder = new TemporaryFolder()
        File.WriteAllText(folder.File "a/1.txt", "h\u00e9llo")
        let cut limit = Seq.exactlyOne (TextDataset.unlabeled (Some limit) quiet folder.Path) |> Array.exactlyOne
        Assert.Equal("h", cut 2)
        Assert.Equal("h\u00e9", cut 3)
        Assert.Equal("h\u00e9llo", cut 99)

    [<Fact>]
    member _.``sounds are samples from -1 to 1``() =
        use folder = new TemporaryFolder()
        File.WriteAllBytes(folder.File "a/1.wav", DirectoryTests.Wave(2, [| -32768s; 16384s; 0s; 1s |]))
        File.WriteAllBytes(folder.File "b/2.wav", DirectoryTests.Wave(2, [| 8192s; -8192s; 32767s; 3s; 4s; 5s |]))
        let sorted = { AudioDataset.options with Files = { quiet with Shuffle = false } }
        let struct (sounds, labels) = Seq.exactlyOne (AudioDataset.ofDirectory sorted folder.Path)
        Assert.Equal(Shape.Of(2, 3, 2), sounds.Shape)
        Assert.Equal<int[]>([| 0; 1 |], labels.ToArray<int>())

        Assert.Equal<float32[]>(
            [| -32768f; 16384f; 0f; 1f; 0f; 0f; 8192f; -8192f; 32767f; 3f; 4f; 5f |]
            |> Array.map (fun v -> v / 32768f),
            sounds.ToArray<float32>()
        )

        let struct (cut, _) =
            Seq.exactlyOne (AudioDataset.ofDirectory { sorted with OutputSequenceLength = Some 1 } folder.Path)
        Assert.Equal(Shape.Of(2, 1, 2), cut.Shape)
        let struct (filled, _) =
            Seq.exactlyOne (AudioDataset.ofDirectory { sorted with OutputSequenceLength = Some 4 } folder.Path)
        Assert.Equal(Shape.Of(2, 4, 2), filled.Shape)
        Assert.Equal(0f, (filled.ToArray<float32>())[4])
        // A broken file is named.
        File.WriteAllText(folder.File "b/3.wav", "RIFF but no sound")
        let e =
            Assert.Throws<DataPipelineException>(fun () ->
                AudioDataset.ofDirectory sorted folder.Path |> Seq.iter ignore)

        let inner = Assert.IsType<DatasetException> e.InnerException
        Assert.Equal(DatasetFailure.Corrupt, inner.Failure)
        Assert.EndsWith("3.wav", inner.Path)

    /// Tones are what they are at any rate: the oracle is the sine itself. What the lower rate cannot hold is gone.
    [<Theory>]
    [<InlineData(44100, 16000)>]
    [<InlineData(8000, 16000)>]
    [<InlineData(16000, 8000)>]
    [<InlineData(22050, 48000)>]
    [<InlineData(11025, 11024)>]
    member _.``sounds are resampled``(rate: int, target: int) =
        let samples = rate / 4
        let lower = float (min rate target)
        // Channels: a tone near the upper edge of what is kept, a low one, a constant, and what lies beyond half of the lower rate.
        let tones = [| 0.44 * lower; 0.0314 * lower; 0.0; 0.505 * lower |]

        let wave (channel: int) (time: float) =
            if tones[channel] = 0.0 then 0.25 else 0.8 * Math.Sin(2.0 * Math.PI * tones[channel] * time + 0.3)

        let given =
            [| for i in 0 .. samples - 1 do
                   for channel in 0..3 -> float32 (wave channel (float i / float rate)) |]

        let out = SoundResampling.resample samples 4 rate target given
        let length = int (Math.Ceiling(float samples * float target / float rate - 1e-9))
        Assert.Equal(length, out.Length / 4)
        // Sounds are silent beyond their ends, which the filter sees so many samples before.
        let edge = int (Math.Ceiling(64.0 / 0.95 * float target / lower)) + 2
        let worst = [| 0.0; 0.0; 0.0; 0.0 |]

        for j in edge .. length - 1 - edge do
            for channel in 0..3 do
                // Silence where the lower rate has no tones.
                let expected = if channel = 3 then 0.0 else wave channel (float j / float target)
                worst[channel] <- max worst[channel] (abs (float out[4 * j + channel] - expected))

        Assert.InRange(worst[0], 0.0, 3e-5)
        Assert.InRange(worst[1], 0.0, 3e-5)
        Assert.InRange(worst[2], 0.0, 1e-6)
        // A tone that the first rate cannot hold is another one before anything is done to it.
        if float rate > 1.1 * float target then Assert.InRange(worst[3], 0.0, 3e-5)

    [<Fact>]
    member _.``folders of sounds come at one rate``() =
        use folder = new TemporaryFolder()
        let tone (rate: int) (seconds: float) =
            Array.init (int (float rate * seconds)) (fun i ->
                int16 (20000.0 * Math.Sin(2.0 * Math.PI * 440.0 * float i / float rate)))

        File.WriteAllBytes(folder.File "a/1.wav", DirectoryTests.Wave(1, tone 44100 0.5, 44100))
        File.WriteAllBytes(folder.File "a/2.wav", DirectoryTests.Wave(1, tone 8000 0.25, 8000))
        File.WriteAllBytes(folder.File "a/3.wav", DirectoryTests.Wave(1, tone 16000 0.5, 16000))
        let sorted =
            { AudioDataset.options with Files = { quiet with Shuffle = false }; SamplingRate = Some 16000 }
        let all = Seq.exactlyOne (AudioDataset.unlabeled sorted folder.Path)
        Assert.Equal(Shape.Of(3, 8000, 1), all.Shape)
        let values = all.ToArray<float32>()

        for i in 100..3900 do
            let expected = 20000.0 / 32768.0 * Math.Sin(2.0 * Math.PI * 440.0 * float i / 16000.0)
            Assert.Equal(expected, float values[i], 3.0 / 32768.0)
            Assert.Equal(expected, float values[8000 + i], 3.0 / 32768.0)
            Assert.Equal(
                float32 (int16 (20000.0 * Math.Sin(2.0 * Math.PI * 440.0 * float i / 16000.0))) / 32768f,
                values[16000 + i]
            )

        Assert.Equal(0f, values[8000 + 4000])
        // The length counts samples that come out.
        let cut =
            Seq.exactlyOne (AudioDataset.unlabeled { sorted with OutputSequenceLength = Some 5000 } folder.Path)
        Assert.Equal(Shape.Of(3, 5000, 1), cut.Shape)

        for wrong in [ { sorted with SamplingRate = Some 0 }; { sorted with OutputSequenceLength = Some 0 } ] do
            Assert.Throws<ArgumentValueException>(fun () -> AudioDataset.ofDirectory wrong folder.Path |> ignore)
            |> ignore

        // A file without a rate cannot be resampled, and is read as it is.
        File.WriteAllBytes(folder.File "a/4.wav", DirectoryTests.Wave(1, [| 1s; 2s |], 0))
        let read options = AudioDataset.unlabeled options folder.Path |> Seq.iter ignore
        read { sorted with SamplingRate = None }
        let e = Assert.Throws<DataPipelineException>(fun () -> read sorted)
        Assert.Equal(DatasetFailure.Corrupt, (Assert.IsType<DatasetException> e.InnerException).Failure)

    [<Fact>]
    member _.``pictures come in batches of one size``() =
        use folder = new TemporaryFolder()
        let path = pictures folder
        let dataset =
            ImageDataset.ofDirectory { pictureOptions with Files = { pictureOptions.Files with BatchSize = 3 } } path
        Assert.Equal<string list>([ "a"; "b" ], List.ofSeq dataset.ClassNames)
        let batches = Seq.toArray dataset
        let struct (images, labels) = batches[0]
        Assert.Equal(Shape.Of(3, 5, 7, 3), images.Shape)
        Assert.Equal<int[]>([| 0; 0; 1 |], labels.ToArray<int>())
        let file name = Picture.load Picture.options (Path.Combine(path, name)) |> Picture.toTensor
        let row i = (images.Rows(i, 1)).ToArray<float32>()
        Assert.Equal<float32[]>((file "a/1.png").ToArray<float32>(), row 0)
        Assert.Equal<float32[]>(row 0, row 1)
        Assert.Equal<float32[]>((file "b/3.gif").ToArray<float32>(), row 2)
        let struct (last, _) = batches[1]
        Assert.Equal(Shape.Of(1, 5, 7, 3), last.Shape)

        let first =
            ImageDataset.unlabeled { pictureOptions with ChannelsFirst = true; ColorMode = ColorMode.Rgba } path
        let whole = Seq.exactlyOne first
        Assert.Equal(Shape.Of(4, 4, 5, 7), whole.Shape)
        Assert.Equal<float32[]>(
            row 0 |> Array.mapi (fun i v -> i % 3, v) |> Array.filter (fun (c, _) -> c = 1) |> Array.map snd,
            (whole.ToArray<float32>())[35..69]
        )

    [<Fact>]
    member _.``pictures are cropped and padded to the size's proportions``() =
        use folder = new TemporaryFolder()
        let path = pictures folder
        let level i j c = float32 ((i * 37 + j * 11 + c * 83) % 256)

        let one o =
            let struct (images, _) = Seq.head (ImageDataset.ofDirectory o path)
            (images.Rows(0, 1)).ToArray<float32>()

        // To 5 x 5: the middle five columns.
        Assert.Equal<float32[]>(
            Array.init 75 (fun t -> level (t / 15) (1 + t / 3 % 5) (t % 3)),
            one { pictureOptions with ImageSize = struct (5, 5); CropToAspectRatio = true }
        )

        // To 7 x 7: a black row above and one below.
        Assert.Equal<float32[]>(
            Array.init 147 (fun t ->
                let i = t / 21 - 1
                if i < 0 || i > 4 then 0f else level i (t / 3 % 7) (t % 3)),
            one { pictureOptions with ImageSize = struct (7, 7); PadToAspectRatio = true }
        )

        Assert.Throws<ArgumentValueException>(fun () ->
            one { pictureOptions with CropToAspectRatio = true; PadToAspectRatio = true } |> ignore)
        |> ignore

    [<Fact>]
    member _.``a broken picture is named by its path``() =
        use folder = new TemporaryFolder()
        let path = pictures folder
        File.WriteAllBytes(folder.File "b/5.jpg", [| 0xFFuy; 0xD8uy; 0xFFuy |])
        let dataset = ImageDataset.ofDirectory pictureOptions path
        let e = Assert.Throws<DataPipelineException>(fun () -> Seq.iter ignore dataset)
        Assert.EndsWith("5.jpg", (Assert.IsType<DatasetException> e.InnerException).Path)
        Assert.Equal(4L, e.Element)

    /// CIFAR-10 as JPEG files: classes, order and levels of real pictures, and a model that learns from them.
    [<DataFact("cifar10")>]
    member _.``a model learns from a folder of photographs``() =
        use folder = new TemporaryFolder()
        let classes = [ "airplane"; "automobile"; "frog"; "horse" ]
        use zip = ZipFile.OpenRead(Path.Combine(Data.require "cifar10", "cifar10-jpeg.zip"))

        for entry in zip.Entries do
            let parts = entry.FullName.Split('/')

            if
                parts.Length = 3
                && parts[0] = "train"
                && List.contains parts[1] classes
                && String.CompareOrdinal(parts[2], "0150.jpg") < 0
            then
                entry.ExtractToFile(folder.File(parts[1] + "/" + parts[2]))

        let options =
            { ImageDataset.options with
                Files = { quiet with ValidationSplit = Some 0.2; Seed = 1 }
                ImageSize = struct (32, 32) }

        let struct (train, validation) = ImageDataset.split options folder.Path
        Assert.Equal<string list>(classes, List.ofSeq train.ClassNames)
        Assert.Equal(480, train.FilePaths.Count)
        Assert.Equal(120, validation.FilePaths.Count)
        // Levels of photographs: neither black nor white on the mean, and none outside.
        let mutable sum, count = 0.0, 0

        for struct (images, _) in validation do
            for v in images.ToArray<float32>() do
                Assert.InRange(v, 0f, 255f)
                sum <- sum + float v
                count <- count + 1

        Assert.InRange(sum / float count, 90.0, 150.0)

        let trainer =
            Network.sequential
                (Network.input [ 32; 32; 3 ])
                [ Layer.rescaling (1.0 / 255.0) 0.0
                  Layer.conv2D 16 [ 3; 3 ] >>> Layer.relu
                  Layer.maxPooling2D [ 2; 2 ]
                  Layer.conv2D 32 [ 3; 3 ] >>> Layer.relu
                  Layer.globalAveragePooling2D
                  Layer.dense 4 >>> Layer.softmax ]
            |> FunctionalNet.Tests.Training.Samples.trained

        let history = trainer.Fit(train, FitOptions(Epochs = 8, Verbosity = Verbosity.Silent))
        let losses = Seq.toArray history["loss"]
        Assert.True(losses[7] < 0.9 * losses[0], "the loss fell from " + string losses[0] + " to " + string losses[7])
        // A quarter would be chance.
        let logs: TrainingLogs = trainer.Evaluate(validation, EvaluateOptions())
        Assert.InRange((logs["accuracy"]: float), 0.4, 1.0)
