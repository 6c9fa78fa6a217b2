namespace FunctionalNet.Datasets

open System
open System.Globalization
open System.IO
open System.Runtime.CompilerServices
open System.Threading
open System.Threading.Tasks
open FunctionalNet

/// One file of a data set and the SHA-256 of the published gzip file.
[<Sealed>]
type internal DatasetFile(name: string, sha256: string) =
    member _.Name = name
    member _.Sha256 = sha256

/// Half of a data set: its two files and how many images they hold.
[<Sealed>]
type internal DatasetSplit(images: DatasetFile, labels: DatasetFile, count: int, subsetPerClass: int) =
    member _.Images = images
    member _.Labels = labels
    member _.Count = count
    member _.SubsetPerClass = subsetPerClass

/// A data set in MNIST's format, 28x28 pixels in 10 classes: where its files may lie, where they come from, and how they
/// are read.
[<Sealed>]
type internal MnistFamily
    (name: string, folderNames: string[], addresses: Uri[], train: DatasetSplit, test: DatasetSplit) =

    let classes = 10
    let side = 28

    let text (number: int) = number.ToString CultureInfo.InvariantCulture

    let check (path: string) (condition: bool) (expected: string) (actual: string) =
        if not condition then
            raise (
                DatasetException(
                    DatasetFailure.Corrupt,
                    "A data file does not hold what it should.",
                    path,
                    expected,
                    actual,
                    "Get the file again."
                )
            )

    /// The folders that are looked at before anything is downloaded.
    let places () =
        let beside = Path.Combine(AppContext.BaseDirectory, "data")

        let roots =
            match Environment.GetEnvironmentVariable "FUNCTIONALNET_DATA" with
            | null
            | "" -> [| beside; "/usr/share/datasets" |]
            | named -> [| beside; named; "/usr/share/datasets" |]

        roots
        |> Array.collect (fun root -> folderNames |> Array.map (fun folder -> Path.Combine(root, folder)))

    let orDefault (options: DatasetOptions | null) : DatasetOptions =
        match options with
        | null -> DatasetOptions()
        | options -> options

    /// Whether a folder has both files, and enough in them.
    let holds (split: DatasetSplit) (least: int) (folder: string) =
        let images = Path.Combine(folder, split.Images.Name)
        let labels = Path.Combine(folder, split.Labels.Name)

        File.Exists images && File.Exists labels && (IdxFile.ReadShape(labels, 1))[0] >= least

    let download (cache: string) (file: DatasetFile) (options: DatasetOptions) (cancellation: CancellationToken) =
        backgroundTask {
            let target = Path.Combine(cache, file.Name)
            let! known = Downloader.hasAsync target file.Sha256 cancellation

            if not known then
                if not options.AllowDownload then
                    raise (
                        DatasetException(
                            DatasetFailure.NotFound,
                            "The data set " + name + " is not on this machine, and downloading is not allowed.",
                            target,
                            file.Name + " in " + String.Join(", ", Array.append (places ()) [| cache |]),
                            "no such file",
                            "Allow the download, or name the folder that holds the files."
                        )
                    )

                let sources = addresses |> Array.map (fun address -> Uri(address, file.Name))
                do! Downloader.fetchAsync sources file.Sha256 target options.HttpClient cancellation
        }

    /// The folder that has the files of the split, after a download if there was none.
    let find (split: DatasetSplit) (size: DatasetSize) (options: DatasetOptions) (cancellation: CancellationToken) =
        backgroundTask {
            match options.Folder with
            | null ->
                let least =
                    if size = DatasetSize.Full then split.Count else min split.Count (split.SubsetPerClass * classes)

                match places () |> Array.tryFind (holds split least) with
                | Some folder -> return folder
                | None ->
                    let cache = Path.Combine(options.CacheFolderOrDefault, name)
                    do! download cache split.Labels options cancellation
                    do! download cache split.Images options cancellation
                    return cache
            | folder -> return folder
        }

    /// The rows of the first images of each class, in order.
    let firstOfEachClass (labels: byte[]) (perClass: int) =
        let seen = Array.zeroCreate<int> classes
        let rows = ResizeArray<int>(perClass * classes)

        for i in 0 .. labels.Length - 1 do
            let label = int labels[i]
            if seen[label] < perClass then rows.Add i
            seen[label] <- seen[label] + 1

        rows.ToArray()

    let read (folder: string) (split: DatasetSplit) (size: DatasetSize) =
        let labelsPath = Path.Combine(folder, split.Labels.Name)
        let imagesPath = Path.Combine(folder, split.Images.Name)
        let struct (labelsShape, labels) = IdxFile.Read(labelsPath, 1)
        let struct (shape, pixels) = IdxFile.Read(imagesPath, 3)
        let sides (height: int) (width: int) = text height + "x" + text width
        check imagesPath (shape[1] = side && shape[2] = side) ("images of " + sides side side) (sides shape[1] shape[2])
        check imagesPath (shape[0] = labelsShape[0]) (text labelsShape[0] + " images, one per label") (text shape[0])

        match labels |> Array.tryFindIndex (fun label -> int label >= classes) with
        | Some wrong ->
            let actual = text (int labels[wrong]) + " at index " + text wrong
            check labelsPath false ("labels of 0 to " + text (classes - 1)) actual
        | None -> ()

        let rows =
            if size = DatasetSize.Full then
                Array.init labels.Length id
            else
                firstOfEachClass labels split.SubsetPerClass

        let area = side * side
        let scale = Array.init 256 (fun value -> float32 value / 255.0f)
        let x = Array.zeroCreate<float32>(rows.Length * area)

        for i in 0 .. rows.Length - 1 do
            let from, target = rows[i] * area, i * area

            for p in 0 .. area - 1 do
                x[target + p] <- scale[int pixels[from + p]]

        let y = rows |> Array.map (fun row -> int labels[row])

        LabeledImages(Tensor.Wrap(Shape.Of(rows.Length, side, side, 1), x), Tensor.Wrap(Shape.Of(rows.Length), y))

    [<return: TupleElementNames([| "Train"; "Test" |])>]
    member _.LoadAsync
        (size: DatasetSize, options: DatasetOptions | null, cancellation: CancellationToken)
        : Task<struct (LabeledImages * LabeledImages)> =
        let options = orDefault options

        backgroundTask {
            // Both are found before either is read: what is missing is known at once.
            let! trainFolder = find train size options cancellation
            let! testFolder = find test size options cancellation
            return struct (read trainFolder train size, read testFolder test size)
        }

    member _.LoadTestAsync
        (size: DatasetSize, options: DatasetOptions | null, cancellation: CancellationToken)
        : Task<LabeledImages> =
        let options = orDefault options

        backgroundTask {
            let! folder = find test size options cancellation
            return read folder test size
        }
