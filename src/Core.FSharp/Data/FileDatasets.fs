namespace FunctionalNet

open System
open System.Buffers.Binary
open System.IO
open System.Runtime.InteropServices
open System.Text
open FunctionalNet.Datasets

/// <summary>Options of datasets of sounds.</summary>
[<AutoOpen>]
module AudioDatasetTypes =

    /// <summary>Arguments of AudioDataset; <c>AudioDataset.options</c> has Keras's defaults.</summary>
    type AudioDatasetOptions =
        {
            /// <summary>Which files, how many at a time, and their classes.</summary>
            Files: DirectoryOptions
            /// <summary>Samples per second of every sound: files of another rate are resampled. Default: None, for the rate that each
            /// file has.</summary>
            SamplingRate: int option
            /// <summary>Samples of every sound, counted at the rate that comes out: longer ones are cut, shorter ones filled up with 0. (Keras
            /// counts them before it resamples.) Default: None, for the longest of every batch.</summary>
            OutputSequenceLength: int option
        }

/// Texts and sounds of single files.
module internal FileContents =

    let texts: DirectoryFiles.Search = { Noun = "text files"; Endings = [ ".txt" ] }
    let sounds: DirectoryFiles.Search = { Noun = "audio files"; Endings = [ ".wav" ] }

    /// UTF-8, of at most so many bytes; a character that is cut through is left out.
    let text (maxLength: int option) (path: string) : string =
        let bytes = File.ReadAllBytes path
        let start =
            if bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) then Encoding.UTF8.Preamble.Length else 0
        let length = bytes.Length - start

        let kept =
            match maxLength with
            | Some limit when limit < length ->
                let mutable last = limit

                while last > 0 && (bytes[start + last] &&& 0xC0uy) = 0x80uy do
                    last <- last - 1

                last
            | _ -> length

        Encoding.UTF8.GetString(bytes, start, kept)

    /// More samples per second than any sound has, and few enough to count with.
    [<Literal>]
    let MaxRate = 10_000_000

    let private corrupt (path: string) (expected: string) (actual: string) : 'a =
        raise (
            DatasetException(
                DatasetFailure.Corrupt,
                "A sound cannot be read.",
                path,
                expected,
                actual,
                "Convert the file to WAV with 16-bit samples."
            )
        )

    /// Samples of 16 bits as -1 .. 1, (samples, channels); at another rate, and with a length cut or filled up with 0.
    let sound (target: int option) (length: int option) (path: string) : Tensor =
        let bytes = File.ReadAllBytes path
        let word at = int (BinaryPrimitives.ReadUInt16LittleEndian(ReadOnlySpan<byte>(bytes, at, 2)))
        let size at = int64 (BinaryPrimitives.ReadUInt32LittleEndian(ReadOnlySpan<byte>(bytes, at, 4)))
        let name at = Encoding.ASCII.GetString(bytes, at, 4)

        if bytes.Length < 12 || name 0 <> "RIFF" || name 8 <> "WAVE" then
            corrupt path "a RIFF file of type WAVE" "something else"

        let mutable at = 12
        let mutable channels = 0
        let mutable rate = 0L
        let mutable data = struct (0, -1)

        // Chunks: four letters, a size, and so many bytes, filled up to an even number.
        while at + 8 <= bytes.Length && (let struct (_, count) = data in count < 0) do
            let count = min (size (at + 4)) (int64 (bytes.Length - at - 8)) |> int

            match name at with
            | "fmt " when count >= 16 ->
                channels <- word (at + 10)
                rate <- size (at + 12)
                // 0xFFFE is the extensible form of the same samples.
                let format, bits = word (at + 8), word (at + 22)

                if (format <> 1 && format <> 0xFFFE) || bits <> 16 then
                    corrupt path "samples of 16 bits" ("format " + string format + " of " + string bits + " bits")
            | "data" -> data <- struct (at + 8, count)
            | _ -> ()

            at <- at + 8 + count + count % 2

        let struct (start, count) = data
        if channels = 0 || count < 0 then
            corrupt path "a format and samples" "no such chunk"
        let samples = count / 2 / channels

        let read =
            Array.init (samples * channels) (fun i ->
                float32 (BinaryPrimitives.ReadInt16LittleEndian(ReadOnlySpan<byte>(bytes, start + 2 * i, 2)))
                / 32768.0f)

        let values =
            match target with
            | Some target when int64 target <> rate ->
                if rate < 1L || rate > int64 MaxRate then
                    corrupt path ("1 to " + string MaxRate + " samples per second") (string rate)

                SoundResampling.resample samples channels (int rate) target read
            | _ -> read

        let wanted = length |> Option.defaultValue (values.Length / channels)
        let sized: float32[] = Array.zeroCreate (wanted * channels)
        Array.blit values 0 sized 0 (min values.Length sized.Length)
        Tensor.Of(Shape.Of(wanted, channels), sized)

    /// Sounds of different lengths, filled up with 0.
    let joined (sounds: Tensor[]) : Tensor =
        let channels = sounds |> Array.map (fun s -> s.Shape[1]) |> Array.max
        let samples = sounds |> Array.map (fun s -> s.Shape[0]) |> Array.max
        let values: float32[] = Array.zeroCreate (sounds.Length * samples * channels)

        sounds
        |> Array.iteri (fun n sound ->
            let own = sound.ToArray<float32>()

            for i in 0 .. sound.Shape[0] - 1 do
                for c in 0 .. sound.Shape[1] - 1 do
                    values[(n * samples + i) * channels + c] <- own[i * sound.Shape[1] + c])

        Tensor.Of(Shape.Of(sounds.Length, samples, channels), values)

/// <summary>Datasets of text files, one text a file: batches of strings, for a TextVectorization. Keras:
/// text_dataset_from_directory.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module TextDataset =

    /// <summary>Texts (.txt, UTF-8) and their classes.</summary>
    /// <param name="maxLength">The greatest length in bytes, from which texts are cut; None for no limit.</param>
    /// <param name="options">See <c>DirectoryFiles.options</c>.</param>
    /// <param name="directory">The folder.</param>
    /// <exception cref="T:FunctionalNet.Datasets.DatasetException">There is no such folder, or no file in it.</exception>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">An option is not valid.</exception>
    let ofDirectory (maxLength: int option) (options: DirectoryOptions) (directory: string) =
        DirectoryFiles.labeled FileContents.texts (FileContents.text maxLength) id options directory

    /// <summary>Texts alone.</summary>
    let unlabeled (maxLength: int option) (options: DirectoryOptions) (directory: string) =
        DirectoryFiles.unlabeled FileContents.texts (FileContents.text maxLength) id options directory

    /// <summary>Texts for training and texts for validation, by the options' validation split.</summary>
    let split (maxLength: int option) (options: DirectoryOptions) (directory: string) =
        DirectoryFiles.split FileContents.texts (FileContents.text maxLength) id options directory

/// <summary>Datasets of sounds: WAV files with samples of 16 bits, as float32 from -1 to 1, (batch, samples, channels). Keras:
/// audio_dataset_from_directory.</summary>
/// <example><code>
/// let sounds = AudioDataset.ofDirectory { AudioDataset.options with SamplingRate = Some 16000 } "speech"
/// </code></example>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module AudioDataset =

    /// <summary>Keras's defaults: sounds as long as they are, at their own rates.</summary>
    let options: AudioDatasetOptions =
        { Files = DirectoryFiles.options; SamplingRate = None; OutputSequenceLength = None }

    let private read (o: AudioDatasetOptions) : string -> Tensor =
        let check (name: string) (greatest: int) (value: int option) =
            match value with
            | Some n when n < 1 || n > greatest ->
                raise (
                    ArgumentValueException(
                        "An option of a dataset of sounds is not valid.",
                        name,
                        "1 to " + string greatest,
                        string n,
                        "Leave it out to keep what the files have."
                    )
                )
            | _ -> ()

        check "sampling_rate" FileContents.MaxRate o.SamplingRate
        check "output_sequence_length" Int32.MaxValue o.OutputSequenceLength
        FileContents.sound o.SamplingRate o.OutputSequenceLength

    /// <summary>Sounds and their classes.</summary>
    /// <param name="options">See <c>AudioDataset.options</c>.</param>
    /// <param name="directory">The folder.</param>
    /// <exception cref="T:FunctionalNet.Datasets.DatasetException">There is no such folder, or no file in it.</exception>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">An option is not valid.</exception>
    let ofDirectory (options: AudioDatasetOptions) (directory: string) =
        DirectoryFiles.labeled FileContents.sounds (read options) FileContents.joined options.Files directory

    /// <summary>Sounds alone.</summary>
    let unlabeled (options: AudioDatasetOptions) (directory: string) =
        DirectoryFiles.unlabeled FileContents.sounds (read options) FileContents.joined options.Files directory

    /// <summary>Sounds for training and sounds for validation, by the options' validation split.</summary>
    let split (options: AudioDatasetOptions) (directory: string) =
        DirectoryFiles.split FileContents.sounds (read options) FileContents.joined options.Files directory
