namespace FunctionalNet

open System
open System.Collections.Generic
open System.Runtime.InteropServices
open FunctionalNet.Datasets

/// <summary>An end of a sequence.</summary>
type SequenceEnd =
    /// <summary>In front of the first step.</summary>
    | Pre = 0
    /// <summary>Behind the last step.</summary>
    | Post = 1

/// <summary>Sequences as tensors: padding, windows over time series, and batches of similar lengths.</summary>
[<AbstractClass; Sealed>]
type Sequences =

    static member private Wrong(argument: string, expected: string, actual: string, hint: string) : 'a =
        raise (ArgumentValueException("An argument for sequences is not valid.", argument, expected, actual, hint))

    /// <summary>Sequences of different lengths as one tensor (sequences, length), filled up and cut to one length. Keras:
    /// pad_sequences.</summary>
    /// <param name="sequences">The sequences; elements of a type that tensors hold.</param>
    /// <param name="maxLength">The common length; by default that of the longest.</param>
    /// <param name="padding">Where short sequences are filled up. Default: in front.</param>
    /// <param name="truncating">Where long sequences lose steps. Default: in front.</param>
    /// <param name="value">What fills. Default: 0.</param>
    /// <example><code>
    /// Tensor ids = Sequences.PadSequences(new[] { new[] { 4, 9 }, new[] { 7, 1, 3 } }); // 0 4 9; 7 1 3
    /// </code></example>
    /// <exception cref="T:FunctionalNet.DataException">There are no sequences, or they are all empty and no length is
    /// given.</exception>
    static member PadSequences<'T when 'T: unmanaged and 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType>
        (
            sequences: IEnumerable<'T[]>,
            [<Optional; DefaultParameterValue(Nullable<int>())>] maxLength: Nullable<int>,
            [<Optional; DefaultParameterValue(SequenceEnd.Pre)>] padding: SequenceEnd,
            [<Optional; DefaultParameterValue(SequenceEnd.Pre)>] truncating: SequenceEnd,
            [<Optional; DefaultParameterValue(0.0)>] value: float
        ) : Tensor =
        let rows = Seq.toArray sequences

        let length =
            if maxLength.HasValue then
                maxLength.Value
            else
                rows |> Array.fold (fun longest row -> max longest row.Length) 0

        if maxLength.HasValue && length < 1 then
            Sequences.Wrong("maxlen", "a length of 1 or more", string length, "Leave it out for the longest sequence.")

        if rows.Length = 0 || length = 0 then
            raise (
                DataException(
                    "There is nothing to pad.",
                    "pad_sequences",
                    "a sequence with a step, or a length",
                    string rows.Length + " sequences without steps",
                    "Give maxLength to get rows of padding only."
                )
            )

        // The type's own zero or value, converted once.
        let filled =
            Tensor.Full((Tensor.Scalar(Unchecked.defaultof<'T>)).DType, Shape.Of(rows.Length, length), value)
        let data = filled.Data :?> 'T[]

        rows
        |> Array.iteri (fun i row ->
            let count = min length row.Length
            let from = if truncating = SequenceEnd.Pre then row.Length - count else 0
            let into = if padding = SequenceEnd.Pre then length - count else 0
            Array.blit row from data (i * length + into) count)

        filled

    /// The start positions of the windows over a series.
    static member private Starts
        (
            rows: int,
            length: int,
            stride: int,
            rate: int,
            startIndex: Nullable<int>,
            endIndex: Nullable<int>,
            targets: int
        ) : struct (int * int[]) =
        for name, number in [ "sequence_length", length; "sequence_stride", stride; "sampling_rate", rate ] do
            if number < 1 then
                Sequences.Wrong(name, "1 or more", string number, "Lengths, strides and rates count steps.")

        let first = if startIndex.HasValue then startIndex.Value else 0
        let last = if endIndex.HasValue then endIndex.Value else rows

        if first < 0 || first >= rows || last <= first || last > rows then
            Sequences.Wrong(
                "start_index, end_index",
                "0 <= start < end <= " + string rows,
                string first + " and " + string last,
                "They cut the part of the series that windows are taken from."
            )

        let count = min (last - first - (length - 1) * rate) targets

        if count < 1 then
            Sequences.Wrong(
                "sequence_length",
                "windows that fit into " + string (last - first) + " steps",
                string ((length - 1) * rate + 1) + " steps",
                "Use a shorter window or a smaller sampling rate."
            )

        struct (first, [| 0..stride .. count - 1 |])

    /// The rows of a tensor at those places, as one tensor with leading sizes of its own.
    static member private Gather(source: Tensor, lead: int[], places: int[]) : Tensor =
        let dims = source.Shape.ToArray()
        let result = Tensor.Zeros(source.DType, Shape.Of(Array.append lead dims[1..]))
        let row = source.Bytes.Length / max 1 dims[0]
        let target = Stacking.writable result

        for i in 0 .. places.Length - 1 do
            source.Bytes.Slice(places[i] * row, row).CopyTo(target.Slice(i * row, row))

        result

    static member private Windows
        (starts: int[], batchSize: int, shuffle: bool, seed: int, build: int[] -> 'T)
        : Dataset<'T> =
        let all = Dataset.FromEnumerable starts
        let ordered = if shuffle then all.Shuffle(starts.Length, seed) else all
        ordered.Batch(batchSize, (fun places -> build (Seq.toArray places)), false)

    /// <summary>Batches of windows over a series, without targets. Keras: timeseries_dataset_from_array with targets
    /// None.</summary>
    /// <param name="data">The series: (time, ...).</param>
    /// <param name="sequenceLength">Steps of a window.</param>
    /// <param name="sequenceStride">Steps between the starts of windows. Default: 1.</param>
    /// <param name="samplingRate">Steps of the series between steps of a window. Default: 1.</param>
    /// <param name="batchSize">Windows per batch. Default: 128.</param>
    /// <param name="shuffle">Whether windows come in random order, another one in every pass. Default: false.</param>
    /// <param name="seed">Decides the order.</param>
    /// <param name="startIndex">The first step that is used. Default: 0.</param>
    /// <param name="endIndex">The step before which to stop. Default: the number of steps.</param>
    /// <returns>Tensors (windows, sequenceLength, ...).</returns>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">No window fits, or an argument is out of range.</exception>
    static member TimeseriesDataset
        (
            data: Tensor,
            sequenceLength: int,
            [<Optional; DefaultParameterValue(1)>] sequenceStride: int,
            [<Optional; DefaultParameterValue(1)>] samplingRate: int,
            [<Optional; DefaultParameterValue(128)>] batchSize: int,
            [<Optional; DefaultParameterValue(false)>] shuffle: bool,
            [<Optional; DefaultParameterValue(0)>] seed: int,
            [<Optional; DefaultParameterValue(Nullable<int>())>] startIndex: Nullable<int>,
            [<Optional; DefaultParameterValue(Nullable<int>())>] endIndex: Nullable<int>
        ) : Dataset<Tensor> =
        let rows = Stacking.rowCount "timeseries_dataset" [| data |]

        let struct (first, starts) =
            Sequences.Starts(rows, sequenceLength, sequenceStride, samplingRate, startIndex, endIndex, Int32.MaxValue)

        Sequences.Windows(
            starts,
            batchSize,
            shuffle,
            seed,
            fun places ->
                Sequences.Gather(
                    data,
                    [| places.Length; sequenceLength |],
                    [| for place in places do
                           for step in 0 .. sequenceLength - 1 -> first + place + step * samplingRate |]
                )
        )

    /// <summary>Batches of windows over a series, each with the target at its first step: to forecast what follows a window,
    /// give targets that begin as much later. Keras: timeseries_dataset_from_array.</summary>
    /// <param name="data">The series: (time, ...).</param>
    /// <param name="targets">Row i belongs to the window that begins at step i.</param>
    /// <param name="sequenceLength">Steps of a window.</param>
    /// <param name="sequenceStride">Steps between the starts of windows. Default: 1.</param>
    /// <param name="samplingRate">Steps of the series between steps of a window. Default: 1.</param>
    /// <param name="batchSize">Windows per batch. Default: 128.</param>
    /// <param name="shuffle">Whether windows come in random order, another one in every pass. Default: false.</param>
    /// <param name="seed">Decides the order.</param>
    /// <param name="startIndex">The first step that is used. Default: 0.</param>
    /// <param name="endIndex">The step before which to stop. Default: the number of steps.</param>
    /// <returns>Pairs of tensors (windows, sequenceLength, ...) and (windows, ...).</returns>
    /// <example><code>
    /// // 30 days, and the day after them.
    /// var batches = Sequences.TimeseriesDataset(days, days.Rows(30, days.Shape[0] - 30), sequenceLength: 30, shuffle: true);
    /// </code></example>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">No window fits, or an argument is out of range.</exception>
    static member TimeseriesDataset
        (
            data: Tensor,
            targets: Tensor,
            sequenceLength: int,
            [<Optional; DefaultParameterValue(1)>] sequenceStride: int,
            [<Optional; DefaultParameterValue(1)>] samplingRate: int,
            [<Optional; DefaultParameterValue(128)>] batchSize: int,
            [<Optional; DefaultParameterValue(false)>] shuffle: bool,
            [<Optional; DefaultParameterValue(0)>] seed: int,
            [<Optional; DefaultParameterValue(Nullable<int>())>] startIndex: Nullable<int>,
            [<Optional; DefaultParameterValue(Nullable<int>())>] endIndex: Nullable<int>
        ) : Dataset<struct (Tensor * Tensor)> =
        let rows = Stacking.rowCount "timeseries_dataset" [| data |]
        let known = Stacking.rowCount "timeseries_dataset" [| targets |]

        let struct (first, starts) =
            Sequences.Starts(rows, sequenceLength, sequenceStride, samplingRate, startIndex, endIndex, known)

        Sequences.Windows(
            starts,
            batchSize,
            shuffle,
            seed,
            fun places ->
                let windows =
                    Sequences.Gather(
                        data,
                        [| places.Length; sequenceLength |],
                        [| for place in places do
                               for step in 0 .. sequenceLength - 1 -> first + place + step * samplingRate |]
                    )

                let wanted =
                    places
                    |> Array.map (fun place ->
                        if first + place < known then
                            first + place
                        else
                            Sequences.Wrong(
                                "targets",
                                string (first + place + 1) + " rows or more",
                                string known,
                                "Give a target for every window, or a smaller end_index."
                            ))

                struct (windows, Sequences.Gather(targets, [| places.Length |], wanted))
        )

    /// <summary>Batches of elements of similar length, each filled up to the longest of its batch: little padding, whatever
    /// the lengths. Keras: tf.data's bucket_by_sequence_length.</summary>
    /// <param name="elements">Tensors whose first part has its length on its first axis.</param>
    /// <param name="boundaries">Ascending lengths at which a new bucket begins: with 10 and 20, lengths below 10, 10 to 19, and 20
    /// or more go together.</param>
    /// <param name="batchSize">Elements per batch.</param>
    /// <param name="paddingValue">What fills, at the end. Default: 0.</param>
    /// <param name="dropRemainder">Whether batches that are not full when the elements end are left out. Default: false.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The boundaries do not ascend, or the batch size is below
    /// 1.</exception>
    static member BucketByLength<'T>
        (
            elements: Dataset<'T>,
            boundaries: int[],
            batchSize: int,
            [<Optional; DefaultParameterValue(0.0)>] paddingValue: float,
            [<Optional; DefaultParameterValue(false)>] dropRemainder: bool
        ) : Dataset<'T> =
        let stage = elements.ToString() + " > bucket_by_length"
        let structure = Structure.get<'T> stage

        if batchSize < 1 then
            Sequences.Wrong("batch_size", "1 or more", string batchSize, "It counts the elements of a batch.")

        if Array.pairwise boundaries |> Array.exists (fun (a, b) -> a >= b) then
            Sequences.Wrong(
                "boundaries",
                "ascending lengths",
                "[" + String.Join(", ", boundaries) + "]",
                "Sort them, and name each once."
            )

        let bucketOf (element: 'T) =
            let parts = structure.Parts element
            let length = parts[0].Shape[0]
            boundaries |> Array.filter (fun b -> length >= b) |> Array.length

        let collate (rows: List<'T>) : 'T =
            let first = rows[0]
            let parts = rows.ToArray() |> Array.map structure.Parts

            let joined =
                Array.init parts[0].Length (fun i ->
                    Stacking.pad stage i ValueNone paddingValue (parts |> Array.map (fun p -> p[i])))

            rows.Clear()
            structure.Build first joined

        let read (pass: Pass) =
            (seq {
                let buckets = Array.init (boundaries.Length + 1) (fun _ -> List<'T>())
                use source = elements.Open pass

                while source.MoveNext() do
                    let bucket = buckets[bucketOf source.Current]
                    bucket.Add source.Current

                    if bucket.Count = batchSize then yield collate bucket

                if not dropRemainder then
                    for bucket in buckets do
                        if bucket.Count > 0 then yield collate bucket
            })
                .GetEnumerator()

        Dataset<'T>(stage, Cardinality.Unknown, read)
