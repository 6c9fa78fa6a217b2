namespace FunctionalNet

open System
open System.Collections.Generic
open System.IO
open System.Text
open FunctionalNet.Common
open FunctionalNet.Datasets

/// <summary>How the classes of files come out.</summary>
type LabelMode =
    /// <summary>Class numbers: int32, (batch,).</summary>
    | Int = 0
    /// <summary>One-hot vectors: float32, (batch, classes).</summary>
    | Categorical = 1
    /// <summary>0 or 1, for two classes: float32, (batch, 1).</summary>
    | Binary = 2

/// <summary>Which part of the files is read.</summary>
type DataSubset =
    /// <summary>All of them.</summary>
    | All = 0
    /// <summary>Those that the validation split leaves.</summary>
    | Training = 1
    /// <summary>The share of the validation split, from the end of the shuffled files.</summary>
    | Validation = 2

/// <summary>Options of datasets of files.</summary>
[<AutoOpen>]
module DirectoryTypes =

    /// <summary>Arguments of datasets of the files of a folder; <c>DirectoryFiles.options</c> has Keras's defaults.</summary>
    type DirectoryOptions =
        {
            /// <summary>A class number per file, in the order of the sorted paths. Default: None, which infers them: every folder
            /// in the directory is a class.</summary>
            Labels: int list option
            /// <summary>Default: class numbers.</summary>
            LabelMode: LabelMode
            /// <summary>The folders that are classes, in the order of their numbers. Default: all of them, sorted.</summary>
            ClassNames: string list
            /// <summary>Files per batch. Default: 32.</summary>
            BatchSize: int
            /// <summary>True (default) shuffles the files once, and again in every pass; false keeps them sorted.</summary>
            Shuffle: bool
            /// <summary>Decides the order and the split; the same files are split as by Keras. Default: 0.</summary>
            Seed: int
            /// <summary>The share of the files that is for validation. Default: None.</summary>
            ValidationSplit: float option
            /// <summary>Which part is read, with a validation split. Default: all.</summary>
            Subset: DataSubset
            /// <summary>Whether links to folders are followed. Default: false.</summary>
            FollowLinks: bool
            /// <summary>Whether the numbers of files and classes are printed. Default: true.</summary>
            Verbose: bool
            /// <summary>How many files are read at a time, on the thread pool. Default: one per processor.</summary>
            Parallelism: int
        }

/// <summary>A dataset of the batches of files, with the files and the names of their classes.</summary>
/// <typeparam name="T">What a batch is.</typeparam>
[<Sealed>]
type DirectoryDataset<'T> internal (source: Dataset<'T>, files: string[], classes: string[]) =
    inherit Dataset<'T>(source.ToString(), source.Cardinality, source.Open)

    /// <summary>The names of the classes, by number; empty without labels.</summary>
    member _.ClassNames: IReadOnlyList<string> = classes

    /// <summary>The paths of the files, in the order in which they are shuffled in every pass.</summary>
    member _.FilePaths: IReadOnlyList<string> = files

/// <summary>Files of a folder, their classes, and what of them is for validation, as Keras finds them.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module DirectoryFiles =

    /// <summary>Keras's defaults; the seed is 0 in place of a random one.</summary>
    let options: DirectoryOptions =
        { Labels = None
          LabelMode = LabelMode.Int
          ClassNames = []
          BatchSize = 32
          Shuffle = true
          Seed = 0
          ValidationSplit = None
          Subset = DataSubset.All
          FollowLinks = false
          Verbose = true
          Parallelism = Environment.ProcessorCount }

    let private wrong (where: string) (expected: string) (actual: string) (hint: string) : 'a =
        raise (ArgumentValueException("An option of a dataset of files is not valid.", where, expected, actual, hint))

    /// What is asked for of a folder: files with certain endings.
    [<NoEquality; NoComparison>]
    type internal Search =
        {
            /// Names what is looked for, for errors.
            Noun: string
            Endings: string list
        }

    /// Paths with class numbers, and the names of the classes. Without labels there are none.
    [<NoEquality; NoComparison>]
    type internal Found = { Paths: string[]; Labels: int[]; Classes: string[] }

    let private ordinal (names: string seq) =
        let sorted = Seq.toArray names
        Array.Sort(sorted, StringComparer.Ordinal)
        sorted

    /// The files below a folder: folders sorted by their paths, files by their names.
    let private below (search: Search) (followLinks: bool) (root: string) : string[] =
        let folders = List<string>()
        let seen = HashSet<string>(StringComparer.Ordinal)

        let rec walk (folder: string) =
            // A link that leads back would never end.
            let real =
                match DirectoryInfo(folder).ResolveLinkTarget true with
                | null -> Path.GetFullPath folder
                | target -> target.FullName

            if seen.Add real then
                folders.Add folder

                for inner in Directory.GetDirectories folder do
                    let isLink = not (isNull (DirectoryInfo(inner).LinkTarget))
                    if followLinks || not isLink then walk inner

        walk root

        [| for folder in ordinal folders do
               for name in ordinal (Directory.GetFiles folder |> Seq.map (fun f -> Path.GetFileName f |> nonNull)) do
                   if search.Endings |> List.exists (fun e -> name.EndsWith(e, StringComparison.OrdinalIgnoreCase)) then
                       Path.Combine(folder, name) |]

    let private classFolders (directory: string) : string[] =
        Directory.GetDirectories directory
        |> Seq.map (fun folder -> Path.GetFileName folder |> nonNull)
        |> Seq.filter (fun name -> not (name.StartsWith '.'))
        |> ordinal

    let private print (text: string) = Console.Out.WriteLine text

    /// All files with their classes, shuffled as NumPy shuffles under the seed.
    let private all (search: Search) (hasLabels: bool) (o: DirectoryOptions) (directory: string) : Found =
        let found =
            match o.Labels with
            | None when hasLabels ->
                let folders = classFolders directory

                let classes =
                    if o.ClassNames.IsEmpty then
                        folders
                    else
                        for name in o.ClassNames do
                            if not (Array.contains name folders) then
                                wrong
                                    "class_names"
                                    ("names of folders: " + String.Join(", ", folders))
                                    name
                                    "Every class is a folder in the directory."

                        List.toArray o.ClassNames

                let files =
                    classes |> Array.map (fun name -> below search o.FollowLinks (Path.Combine(directory, name)))

                { Paths = Array.concat files
                  Labels = files |> Array.mapi (fun i own -> Array.create own.Length i) |> Array.concat
                  Classes = classes }
            | labels ->
                if not o.ClassNames.IsEmpty then
                    wrong
                        "class_names"
                        "none, for labels that are not inferred"
                        (string o.ClassNames.Length + " names")
                        "Folders are classes only where labels are inferred."

                let paths = below search o.FollowLinks directory

                match labels with
                | Some given when hasLabels ->
                    if given.Length <> paths.Length then
                        wrong
                            "labels"
                            (string paths.Length + " class numbers, one per file")
                            (string given.Length)
                            "They follow the sorted paths of the files."

                    let classes = given |> List.distinct |> List.sort |> List.map string |> List.toArray
                    { Paths = paths; Labels = List.toArray given; Classes = classes }
                | _ -> { Paths = paths; Labels = [||]; Classes = [||] }

        if o.Verbose then
            print (
                "Found "
                + string found.Paths.Length
                + " files"
                + (if hasLabels then " belonging to " + string found.Classes.Length + " classes." else ".")
            )

        if o.Shuffle then
            Mersenne(uint32 o.Seed).Shuffle found.Paths
            Mersenne(uint32 o.Seed).Shuffle found.Labels

        found

    let private check (o: DirectoryOptions) =
        if o.BatchSize < 1 then
            wrong "batch_size" "a number above 0" (string o.BatchSize) "For single files, unbatch the dataset."

        if o.Parallelism < 1 then
            wrong "parallelism" "a number above 0" (string o.Parallelism) "1 reads one file at a time."

        match o.ValidationSplit with
        | Some share when not (share > 0.0 && share < 1.0) ->
            wrong "validation_split" "a share between 0 and 1" (string share) "0.2 keeps a fifth for validation."
        | None when o.Subset <> DataSubset.All ->
            wrong "validation_split" "a share, for a subset" "none" "Give both, or neither."
        | _ -> ()

    /// The part of the files that a subset is. Keras: get_training_or_validation_split.
    let private part (search: Search) (directory: string) (o: DirectoryOptions) (subset: DataSubset) (found: Found) =
        let held =
            match o.ValidationSplit with
            | Some share when subset <> DataSubset.All -> int (share * float found.Paths.Length)
            | _ -> 0

        let struct (first, count) =
            match subset with
            | DataSubset.Validation -> struct (found.Paths.Length - held, held)
            | _ -> struct (0, found.Paths.Length - held)

        // A share that leaves nothing for validation leaves nothing at all in Keras.
        if count = 0 || (subset <> DataSubset.All && held = 0) then
            raise (
                DatasetException(
                    DatasetFailure.NotFound,
                    "There are no " + search.Noun + ".",
                    directory,
                    "files that end with " + String.Join(", ", search.Endings),
                    (if found.Paths.Length = 0 then
                         "none"
                     else
                         string found.Paths.Length + ", which the validation split does not part"),
                    "With inferred labels, every class is a folder of its own in the directory."
                )
            )

        if o.Verbose then
            match subset with
            | DataSubset.Training -> print ("Using " + string count + " files for training.")
            | DataSubset.Validation -> print ("Using " + string count + " files for validation.")
            | _ -> ()

        { found with
            Paths = Array.sub found.Paths first count
            Labels = if found.Labels.Length = 0 then found.Labels else Array.sub found.Labels first count }

    let private find (search: Search) (hasLabels: bool) (o: DirectoryOptions) (directory: string) : Found =
        check o

        if not (Directory.Exists directory) then
            raise (
                DatasetException(
                    DatasetFailure.NotFound,
                    "There is no such folder.",
                    directory,
                    "a folder with " + search.Noun,
                    "nothing",
                    "Check the path."
                )
            )

        let found = all search hasLabels o directory

        if hasLabels && o.LabelMode = LabelMode.Binary && found.Classes.Length <> 2 then
            wrong
                "label_mode"
                "int or categorical, unless there are two classes"
                ("binary with " + string found.Classes.Length + " classes")
                "class_names chooses two folders."

        found

    /// Labels of a batch.
    let private labelsOf (o: DirectoryOptions) (classes: int) (labels: int[]) : Tensor =
        match o.LabelMode with
        | LabelMode.Binary -> Tensor.Of(Shape.Of(labels.Length, 1), Array.map float32 labels)
        | LabelMode.Categorical ->
            let values: float32[] = Array.zeroCreate (labels.Length * classes)

            labels
            |> Array.iteri (fun i label -> if label >= 0 && label < classes then values[i * classes + label] <- 1.0f)

            Tensor.Of(Shape.Of(labels.Length, classes), values)
        | _ -> Tensor.Of(Shape.Of labels.Length, labels)

    /// Batches of what is loaded of files, with their labels.
    let private batches
        (o: DirectoryOptions)
        (isShuffled: bool)
        (load: string -> 'X)
        (collate: 'X[] -> Tensor -> 'B)
        (found: Found)
        : DirectoryDataset<'B> =
        let hasLabels = found.Labels.Length > 0
        let items =
            found.Paths |> Array.mapi (fun i path -> struct (path, (if hasLabels then found.Labels[i] else 0)))
        let source = Dataset.FromEnumerable items
        // Keras's buffer.
        let source = if isShuffled then source.Shuffle(8 * o.BatchSize, o.Seed) else source

        let loaded =
            source.Map(
                Func<struct (string * int), struct ('X * int)>(fun (struct (path, label)) -> struct (load path, label)),
                o.Parallelism
            )

        let join (rows: IReadOnlyList<struct ('X * int)>) =
            let parts = rows |> Seq.map (fun (struct (x, _)) -> x) |> Seq.toArray

            let labels =
                if hasLabels then rows |> Seq.map (fun (struct (_, label)) -> label) |> Seq.toArray else [||]

            collate parts (labelsOf o found.Classes.Length labels)

        let whole = loaded.Batch(o.BatchSize, Func<_, _>(join), false).Prefetch 2
        DirectoryDataset<'B>(whole, found.Paths, found.Classes)

    /// What is loaded of the files of a folder, with labels.
    let internal labeled search (load: string -> 'X) (collate: 'X[] -> 'B) (o: DirectoryOptions) (directory: string) =
        find search true o directory
        |> part search directory o o.Subset
        |> batches o o.Shuffle load (fun rows labels -> struct (collate rows, labels))

    /// The same without labels.
    let internal unlabeled search (load: string -> 'X) (collate: 'X[] -> 'B) (o: DirectoryOptions) (directory: string) =
        find search false o directory
        |> part search directory o o.Subset
        |> batches o o.Shuffle load (fun rows _ -> collate rows)

    /// Both subsets, of which that for validation keeps its order. Keras: subset="both".
    let internal split search (load: string -> 'X) (collate: 'X[] -> 'B) (o: DirectoryOptions) (directory: string) =
        if o.ValidationSplit.IsNone then
            wrong "validation_split" "a share, for two datasets" "none" "0.2 keeps a fifth for validation."

        let found = find search true o directory
        let pair rows labels = struct (collate rows, labels)

        struct (found |> part search directory o DataSubset.Training |> batches o o.Shuffle load pair,
                found |> part search directory o DataSubset.Validation |> batches o false load pair)
