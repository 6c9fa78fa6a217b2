namespace FunctionalNet

open System
open System.Collections.Generic
open System.Globalization
open System.Runtime.InteropServices
open FunctionalNet.Common

/// What bins become by an output mode, as for categories in graphs.
module internal Bins =

    /// The modes by Keras's names, without those that need a vocabulary.
    let check (kind: string) (allowed: LookupOutput list) (bins: int) (mode: LookupOutput) : unit =
        if bins <= 0 then
            LookupNames.wrong (kind + ".num_bins") "a number above 0" (string bins) "More bins mean fewer collisions."

        if not (List.contains mode allowed) then
            let names = allowed |> List.map LookupNames.ofMode
            LookupNames.wrong
                (kind + ".output_mode")
                (String.Join(", ", names))
                (LookupNames.ofMode mode)
                "There is no vocabulary to weigh tokens by."

    /// Bins of a shape, row-major: their numbers, or vectors. A last axis of size 1 gives way to one-hot vectors, and one vector
    /// per row takes the place of axis 1, or of the only axis.
    let encode (mode: LookupOutput) (depth: int) (shape: Shape) (bins: int64[]) : Tensor =
        let dims = shape.ToArray()

        match mode with
        | LookupOutput.Int -> Tensor.Of(shape, bins)
        | LookupOutput.OneHot ->
            let dims = if dims.Length > 1 && dims[dims.Length - 1] = 1 then dims[.. dims.Length - 2] else dims
            let values: float32[] = Array.zeroCreate (bins.Length * depth)
            bins |> Array.iteri (fun i bin -> values[i * depth + int bin] <- 1.0f)
            Tensor.Of(Shape.Of(Array.append dims [| depth |]), values)
        | _ ->
            let axis = if dims.Length > 1 then 1 else 0
            let count = dims[axis]
            let outer = Array.fold (*) 1 dims[.. axis - 1]
            let inner = Array.fold (*) 1 dims[axis + 1 ..]
            let values: float32[] = Array.zeroCreate (outer * inner * depth)

            for o in 0 .. outer - 1 do
                for c in 0 .. count - 1 do
                    for i in 0 .. inner - 1 do
                        let place = (o * inner + i) * depth + int bins[(o * count + c) * inner + i]
                        values[place] <- (if mode = LookupOutput.Count then values[place] + 1.0f else 1.0f)

            Tensor.Of(Shape.Of(Array.concat [ dims[.. axis - 1]; dims[axis + 1 ..]; [| depth |] ]), values)

    /// Whole numbers of a tensor; those of floating-point ones are cut.
    let numbers (x: Tensor) : int64[] =
        match x.DType with
        | DType.Int64 -> x.ToArray<int64>()
        | _ -> x.ToDoubles() |> Array.map int64

    let text (n: int64) = n.ToString CultureInfo.InvariantCulture

/// <summary>Categories to bins by a hash, without a vocabulary: equal ones to the same bin, different ones mostly to different bins.
/// It works ahead of a model, since tensors hold numbers only. Numbers are hashed by their decimal text. Keras: Hashing.</summary>
/// <param name="numBins">Number of bins, that of the mask included.</param>
/// <param name="maskValue">A category that gets bin 0, which is then kept for it: a text, or a number as text. Default: none.</param>
/// <param name="salt">Two numbers, or one for both, that choose another hash: SipHash in place of FarmHash. Default: none.</param>
/// <param name="outputMode">What comes out: Int (int64), OneHot, MultiHot or Count. Default: Int.</param>
/// <exception cref="T:FunctionalNet.ArgumentValueException">An argument is out of range.</exception>
/// <example><code>
/// var hashing = new Hashing(numBins: 3, maskValue: "");
/// Tensor bins = hashing.Transform(["A", "B", "", "C", "D"]); // 1 1 0 2 2
/// </code></example>
[<Sealed>]
type Hashing
    (
        numBins: int,
        [<Optional; DefaultParameterValue(null: string | null)>] maskValue: string | null,
        [<Optional; DefaultParameterValue(null: int64[] | null)>] salt: int64[] | null,
        [<Optional; DefaultParameterValue(LookupOutput.Int)>] outputMode: LookupOutput
    ) =

    do
        Bins.check
            "Hashing"
            [ LookupOutput.Int; LookupOutput.OneHot; LookupOutput.MultiHot; LookupOutput.Count ]
            numBins
            outputMode

    let key =
        match salt with
        | null -> ValueNone
        | [| one |] -> ValueSome(struct (uint64 one, uint64 one))
        | [| first; second |] -> ValueSome(struct (uint64 first, uint64 second))
        | several ->
            LookupNames.wrong
                "Hashing.salt"
                "one or two whole numbers"
                (string several.Length + " numbers")
                "One number stands for both."

    // Bin 0 is the mask's, unless it is the only one.
    let hasMask = not (isNull maskValue) && numBins > 1

    let bin (token: string) : int64 =
        if hasMask && String.Equals(token, maskValue, StringComparison.Ordinal) then
            0L
        else
            let bins = if hasMask then numBins - 1 else numBins

            let hashed =
                match key with
                | ValueNone -> Fingerprint.bucket token bins
                | ValueSome(struct (a, b)) -> Fingerprint.keyedBucket a b token bins

            int64 (if hasMask then hashed + 1 else hashed)

    let encode shape (tokens: string[]) = Bins.encode outputMode numBins shape (Array.map bin tokens)

    member internal _.NumBins = numBins
    member internal _.Output = outputMode

    /// <summary>The bin of a text.</summary>
    member _.BinOf(token: string) : int64 = bin token

    /// <summary>Bins of texts (texts,), or one-hot vectors (texts, bins), or one vector (bins,) for all of them.</summary>
    member _.Transform(tokens: IReadOnlyList<string>) : Tensor = encode (Shape.Of tokens.Count) (Seq.toArray tokens)

    /// <summary>Bins of rows of texts (rows, texts), or vectors: (rows, texts, bins) for OneHot, where a single text per row has
    /// no axis of its own, and (rows, bins) for the others.</summary>
    /// <exception cref="T:FunctionalNet.DataException">Rows differ in length.</exception>
    member _.Transform(rows: IEnumerable<IReadOnlyList<string>>) : Tensor =
        let rows = Seq.toArray rows
        let length = if rows.Length = 0 then 0 else rows[0].Count

        for row in rows do
            if row.Count <> length then
                raise (
                    DataException(
                        "Rows of different lengths cannot be one tensor.",
                        "Hashing",
                        string length + " texts per row",
                        string row.Count,
                        "Fill the rows up with the mask value."
                    )
                )

        encode (Shape.Of(rows.Length, length)) (rows |> Array.collect Seq.toArray)

    /// <summary>Bins of numbers of any shape; those of floating-point ones are cut to whole numbers first.</summary>
    member _.Transform(numbers: Tensor) : Tensor = encode numbers.Shape (Bins.numbers numbers |> Array.map Bins.text)

    /// <summary>Its configuration in Keras's form.</summary>
    member _.ToConfig() : ConfigValue =
        LookupConfig.objectOf
            "Hashing"
            [ "name", Text "hashing"
              "num_bins", Int(int64 numBins)
              "salt",
              (match key with
               | ValueNone -> Null
               | ValueSome(struct (a, b)) -> ConfigValue.List [ Int(int64 a); Int(int64 b) ])
              "mask_value",
              (match maskValue with
               | null -> Null
               | text -> Text text)
              "output_mode", Text(LookupNames.ofMode outputMode) ]

    /// <summary>The hashing of a configuration in Keras's form.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">It is of another class.</exception>
    static member OfConfig(config: ConfigValue) : Hashing =
        let get key = ConfigRead.get key (LookupConfig.argumentsOf "Hashing" config)

        let mask =
            match get "mask_value" with
            | Null -> null
            | Int n -> Bins.text n
            | other -> ConfigRead.text "mask_value" other

        let salt =
            match get "salt" with
            | Null -> null
            | Int one -> [| one |]
            | several -> ConfigRead.list "salt" several |> List.map (ConfigRead.int64 "salt") |> List.toArray

        Hashing(
            ConfigRead.int "num_bins" (get "num_bins"),
            mask,
            salt,
            LookupConfig.readMode "output_mode" (get "output_mode")
        )

/// <summary>A column of categories to cross: texts, or whole numbers.</summary>
[<Sealed>]
type CategoryColumn internal (shape: Shape, hashes: uint64[]) =

    /// (rows,) or (rows, 1).
    member internal _.Shape = shape

    /// What HashedCrossing joins: fingerprints of texts, and numbers as they are.
    member internal _.Hashes = hashes

    /// <summary>A column of texts.</summary>
    static member OfTexts(texts: IReadOnlyList<string>) : CategoryColumn =
        let hashes = texts |> Seq.map (Text.Encoding.UTF8.GetBytes >> Fingerprint.ofBytes) |> Seq.toArray
        CategoryColumn(Shape.Of texts.Count, hashes)

    /// <summary>A column of whole numbers, (rows,) or (rows, 1).</summary>
    /// <exception cref="T:FunctionalNet.DTypeException">They are not whole numbers.</exception>
    /// <exception cref="T:FunctionalNet.ShapeException">There are several columns.</exception>
    static member OfNumbers(numbers: Tensor) : CategoryColumn =
        if not (DType.isInteger numbers.DType) then
            raise (
                DTypeException(
                    "HashedCrossing takes texts and whole numbers.",
                    "HashedCrossing",
                    "int32 or int64",
                    DType.name numbers.DType,
                    "Put floating-point numbers into bins first.",
                    null
                )
            )

        if numbers.Rank <> 1 && not (numbers.Rank = 2 && numbers.Shape[1] = 1) then
            raise (
                ShapeException(
                    "HashedCrossing takes single columns.",
                    "HashedCrossing",
                    "(rows,) or (rows, 1)",
                    numbers.Shape.ToString(),
                    "Give every column by itself."
                )
            )

        CategoryColumn(numbers.Shape, Bins.numbers numbers |> Array.map uint64)

    /// <summary>A column of texts.</summary>
    static member op_Implicit(texts: string[]) : CategoryColumn = CategoryColumn.OfTexts texts

    /// <summary>A column of whole numbers.</summary>
    static member op_Implicit(numbers: int[]) : CategoryColumn =
        CategoryColumn.OfNumbers(Tensor.Of(Shape.Of numbers.Length, numbers))

    /// <summary>A column of whole numbers.</summary>
    static member op_Implicit(numbers: int64[]) : CategoryColumn =
        CategoryColumn.OfNumbers(Tensor.Of(Shape.Of numbers.Length, numbers))

    /// <summary>A column of whole numbers.</summary>
    static member op_Implicit(numbers: Tensor) : CategoryColumn = CategoryColumn.OfNumbers numbers

/// <summary>Combinations of categories to bins by a hash: a bin for every combination of a city and a month, say. It works ahead of
/// a model, since tensors hold numbers only. Keras: HashedCrossing.</summary>
/// <param name="numBins">Number of bins.</param>
/// <param name="outputMode">What comes out: Int (int64) or OneHot. Default: Int.</param>
/// <exception cref="T:FunctionalNet.ArgumentValueException">An argument is out of range.</exception>
/// <example><code>
/// var crossing = new HashedCrossing(numBins: 5);
/// string[] letters = ["A", "B", "A", "B", "A"];
/// int[] numbers = [101, 101, 101, 102, 102];
/// Tensor bins = crossing.Transform(letters, numbers); // 1 4 1 1 3
/// </code></example>
[<Sealed>]
type HashedCrossing(numBins: int, [<Optional; DefaultParameterValue(LookupOutput.Int)>] outputMode: LookupOutput) =

    // That of TensorFlow's op.
    let key = 0xDECAFCAFFEUL

    do Bins.check "HashedCrossing" [ LookupOutput.Int; LookupOutput.OneHot ] numBins outputMode

    /// <summary>Bins of combinations, of the columns' shape, or one-hot vectors (rows, bins).</summary>
    /// <param name="columns">Two columns or more of as many rows each.</param>
    /// <exception cref="T:FunctionalNet.ShapeException">There are fewer than two columns, or their shapes differ.</exception>
    member _.Transform([<ParamArray>] columns: CategoryColumn[]) : Tensor =
        if columns.Length < 2 then
            raise (
                ShapeException(
                    "There is nothing to cross.",
                    "HashedCrossing",
                    "two columns or more",
                    string columns.Length,
                    "For one column, use Hashing."
                )
            )

        let shape = columns[0].Shape

        for column in columns do
            if not (column.Shape.Equals shape) then
                raise (
                    ShapeException(
                        "Columns of different shapes cannot be crossed.",
                        "HashedCrossing",
                        shape.ToString(),
                        column.Shape.ToString(),
                        "Give every column as many rows."
                    )
                )

        Array.init columns[0].Hashes.Length (fun row ->
            let hash = columns |> Array.fold (fun hash column -> Fingerprint.combine hash column.Hashes[row]) key
            int64 (hash % uint64 numBins))
        |> Bins.encode outputMode numBins shape

    /// <summary>Its configuration in Keras's form.</summary>
    member _.ToConfig() : ConfigValue =
        LookupConfig.objectOf
            "HashedCrossing"
            [ "name", Text "hashed_crossing"
              "num_bins", Int(int64 numBins)
              "output_mode", Text(LookupNames.ofMode outputMode) ]

    /// <summary>The crossing of a configuration in Keras's form.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">It is of another class.</exception>
    static member OfConfig(config: ConfigValue) : HashedCrossing =
        let get key = ConfigRead.get key (LookupConfig.argumentsOf "HashedCrossing" config)
        HashedCrossing(
            ConfigRead.int "num_bins" (get "num_bins"),
            LookupConfig.readMode "output_mode" (get "output_mode")
        )
