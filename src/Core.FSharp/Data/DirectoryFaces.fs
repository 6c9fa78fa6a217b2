namespace FunctionalNet

open System
open System.Runtime.InteropServices

/// <summary>Datasets of the files of a folder, with Keras's arguments. F# has <c>TextDataset</c> and <c>AudioDataset</c>.</summary>
/// <example><code>
/// var (train, validation) = Directories.TextDatasetsFromDirectory("reviews", validationSplit: 0.2, seed: 1);
/// vectorize.Adapt(train.Map(batch => batch.Item1));
/// model.Fit(train.Map(batch => (vectorize.Transform(batch.Item1), batch.Item2)));
/// </code></example>
[<AbstractClass; Sealed>]
type Directories =

    /// The options that all datasets of files share: classes, order, parts, and the rest.
    static member internal Options
        (labels: int[] | null, labelMode: LabelMode, classNames: string[] | null)
        (batchSize: int, shuffle: bool, seed: int)
        (validationSplit: float, subset: DataSubset)
        (followLinks: bool, verbose: bool)
        : DirectoryOptions =
        { DirectoryFiles.options with
            Labels =
                (match labels with
                 | null -> None
                 | given -> Some(List.ofArray given))
            LabelMode = labelMode
            ClassNames =
                (match classNames with
                 | null -> []
                 | given -> List.ofArray given)
            BatchSize = batchSize
            Shuffle = shuffle
            Seed = seed
            ValidationSplit = (if validationSplit = 0.0 then None else Some validationSplit)
            Subset = subset
            FollowLinks = followLinks
            Verbose = verbose }

    static member private Limit(value: Nullable<int>) = if value.HasValue then Some value.Value else None

    /// <summary>Texts of files (.txt, UTF-8), one a file, in batches with their classes.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="labels">A class number per file, in the order of the sorted paths; null for the folders they are in.</param>
    /// <param name="labelMode">How classes come out.</param>
    /// <param name="classNames">The folders that are classes, in the order of their numbers; null for all, sorted.</param>
    /// <param name="batchSize">Files per batch.</param>
    /// <param name="maxLength">The greatest length in bytes, from which texts are cut; null for no limit.</param>
    /// <param name="shuffle">Whether files are shuffled, and again in every pass; else they are sorted.</param>
    /// <param name="seed">Decides the order and the split; the same files are split as by Keras.</param>
    /// <param name="validationSplit">The share of the files that is for validation; 0 for none.</param>
    /// <param name="subset">Which part is read, with a validation split.</param>
    /// <param name="followLinks">Whether links to folders are followed.</param>
    /// <param name="verbose">Whether the numbers of files and classes are printed.</param>
    /// <exception cref="T:FunctionalNet.Datasets.DatasetException">There is no such folder, or no file in it.</exception>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">An argument is not valid.</exception>
    static member TextDatasetFromDirectory
        (
            directory: string,
            [<Optional; DefaultParameterValue(null: int[] | null)>] labels: int[] | null,
            [<Optional; DefaultParameterValue(LabelMode.Int)>] labelMode: LabelMode,
            [<Optional; DefaultParameterValue(null: string[] | null)>] classNames: string[] | null,
            [<Optional; DefaultParameterValue(32)>] batchSize: int,
            [<Optional>] maxLength: Nullable<int>,
            [<Optional; DefaultParameterValue(true)>] shuffle: bool,
            [<Optional; DefaultParameterValue(0)>] seed: int,
            [<Optional; DefaultParameterValue(0.0)>] validationSplit: float,
            [<Optional; DefaultParameterValue(DataSubset.All)>] subset: DataSubset,
            [<Optional; DefaultParameterValue(false)>] followLinks: bool,
            [<Optional; DefaultParameterValue(true)>] verbose: bool
        ) : DirectoryDataset<struct (string[] * Tensor)> =
        TextDataset.ofDirectory
            (Directories.Limit maxLength)
            (Directories.Options
                (labels, labelMode, classNames)
                (batchSize, shuffle, seed)
                (validationSplit, subset)
                (followLinks, verbose))
            directory

    /// <summary>Texts for training and texts for validation. Keras: subset="both".</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="validationSplit">The share of the files that is for validation.</param>
    /// <param name="labels">A class number per file, in the order of the sorted paths; null for the folders they are in.</param>
    /// <param name="labelMode">How classes come out.</param>
    /// <param name="classNames">The folders that are classes, in the order of their numbers; null for all, sorted.</param>
    /// <param name="batchSize">Files per batch.</param>
    /// <param name="maxLength">The greatest length in bytes, from which texts are cut; null for no limit.</param>
    /// <param name="shuffle">Whether files are shuffled, those for training again in every pass.</param>
    /// <param name="seed">Decides the order and the split.</param>
    /// <param name="followLinks">Whether links to folders are followed.</param>
    /// <param name="verbose">Whether the numbers of files and classes are printed.</param>
    /// <exception cref="T:FunctionalNet.Datasets.DatasetException">There is no such folder, or no file in it.</exception>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">An argument is not valid.</exception>
    static member TextDatasetsFromDirectory
        (
            directory: string,
            validationSplit: float,
            [<Optional; DefaultParameterValue(null: int[] | null)>] labels: int[] | null,
            [<Optional; DefaultParameterValue(LabelMode.Int)>] labelMode: LabelMode,
            [<Optional; DefaultParameterValue(null: string[] | null)>] classNames: string[] | null,
            [<Optional; DefaultParameterValue(32)>] batchSize: int,
            [<Optional>] maxLength: Nullable<int>,
            [<Optional; DefaultParameterValue(true)>] shuffle: bool,
            [<Optional; DefaultParameterValue(0)>] seed: int,
            [<Optional; DefaultParameterValue(false)>] followLinks: bool,
            [<Optional; DefaultParameterValue(true)>] verbose: bool
        ) : struct (DirectoryDataset<struct (string[] * Tensor)> * DirectoryDataset<struct (string[] * Tensor)>) =
        TextDataset.split
            (Directories.Limit maxLength)
            (Directories.Options
                (labels, labelMode, classNames)
                (batchSize, shuffle, seed)
                (validationSplit, DataSubset.All)
                (followLinks, verbose))
            directory

    /// <summary>Sounds of files (WAV with samples of 16 bits), (batch, samples, channels) from -1 to 1, in batches with their
    /// classes.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="labels">A class number per file, in the order of the sorted paths; null for the folders they are in.</param>
    /// <param name="labelMode">How classes come out.</param>
    /// <param name="classNames">The folders that are classes, in the order of their numbers; null for all, sorted.</param>
    /// <param name="batchSize">Files per batch.</param>
    /// <param name="samplingRate">Samples per second of every sound: files of another rate are resampled, by a sine cardinal of 64 crossings
    /// on either side under a Kaiser window, which keeps what lies below 0.9 of half of the lower rate; null for the rate that each file
    /// has.</param>
    /// <param name="outputSequenceLength">Samples of every sound, counted at the rate that comes out: longer ones are cut, shorter ones filled
    /// up with 0; null for the longest of every batch. (Keras counts them before it resamples.)</param>
    /// <param name="shuffle">Whether files are shuffled, and again in every pass; else they are sorted.</param>
    /// <param name="seed">Decides the order and the split; the same files are split as by Keras.</param>
    /// <param name="validationSplit">The share of the files that is for validation; 0 for none.</param>
    /// <param name="subset">Which part is read, with a validation split.</param>
    /// <param name="followLinks">Whether links to folders are followed.</param>
    /// <param name="verbose">Whether the numbers of files and classes are printed.</param>
    /// <exception cref="T:FunctionalNet.Datasets.DatasetException">There is no such folder, or no file in it.</exception>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">An argument is not valid.</exception>
    static member AudioDatasetFromDirectory
        (
            directory: string,
            [<Optional; DefaultParameterValue(null: int[] | null)>] labels: int[] | null,
            [<Optional; DefaultParameterValue(LabelMode.Int)>] labelMode: LabelMode,
            [<Optional; DefaultParameterValue(null: string[] | null)>] classNames: string[] | null,
            [<Optional; DefaultParameterValue(32)>] batchSize: int,
            [<Optional>] samplingRate: Nullable<int>,
            [<Optional>] outputSequenceLength: Nullable<int>,
            [<Optional; DefaultParameterValue(true)>] shuffle: bool,
            [<Optional; DefaultParameterValue(0)>] seed: int,
            [<Optional; DefaultParameterValue(0.0)>] validationSplit: float,
            [<Optional; DefaultParameterValue(DataSubset.All)>] subset: DataSubset,
            [<Optional; DefaultParameterValue(false)>] followLinks: bool,
            [<Optional; DefaultParameterValue(true)>] verbose: bool
        ) : DirectoryDataset<struct (Tensor * Tensor)> =
        AudioDataset.ofDirectory
            { Files =
                Directories.Options
                    (labels, labelMode, classNames)
                    (batchSize, shuffle, seed)
                    (validationSplit, subset)
                    (followLinks, verbose)
              SamplingRate = Directories.Limit samplingRate
              OutputSequenceLength = Directories.Limit outputSequenceLength }
            directory
