namespace FunctionalNet

open System

/// <summary>Options of the layers that turn numbers into categories and categories into vectors.</summary>
[<AutoOpen>]
module CategoryTypes =

    /// <summary>How categories come out of CategoryEncoding and Discretization.</summary>
    [<RequireQualifiedAccess>]
    type CategoryOutput =
        /// <summary>Their numbers, in the input's shape.</summary>
        | Int
        /// <summary>A new last axis with 1 at the category and 0 elsewhere; it takes the place of a last axis of size 1.</summary>
        | OneHot
        /// <summary>One vector per row, with 1 at every category that occurs in it.</summary>
        | MultiHot
        /// <summary>One vector per row: how often each category occurs in it.</summary>
        | Count

    /// <summary>Arguments of Discretization; <c>Discretization.options boundaries</c> and <c>Discretization.bins count</c> have
    /// Keras's defaults.</summary>
    type DiscretizationOptions =
        {
            /// <summary>Where one bin ends and the next begins, ascending. A boundary belongs to the bin above it. Empty until
            /// they are learnt: then everything is in bin 0.</summary>
            BinBoundaries: float list
            /// <summary>How many bins of about as many numbers each <c>Discretization.adapt</c> makes. Default: None, for
            /// boundaries that are given.</summary>
            NumBins: int option
            /// <summary>How far a learnt boundary may be from the true quantile, as a share of the data. Default: 0.01.</summary>
            Epsilon: float
            /// <summary>Default: numbers of bins, as int64.</summary>
            OutputMode: CategoryOutput
        }

    /// <summary>Arguments of CategoryEncoding; <c>CategoryEncoding.options tokens</c> has Keras's defaults.</summary>
    type CategoryEncodingOptions =
        {
            /// <summary>Number of categories: they run from 0 to this - 1. Others are not counted.</summary>
            NumTokens: int
            /// <summary>Default: multi-hot. Int is not for this layer.</summary>
            OutputMode: CategoryOutput
        }

module internal Categories =

    let modes =
        [ "int", CategoryOutput.Int
          "one_hot", CategoryOutput.OneHot
          "multi_hot", CategoryOutput.MultiHot
          "count", CategoryOutput.Count ]

    /// Categories in one of the forms; weights, of the categories' shape, are for counts.
    let encode
        (kind: string)
        (mode: CategoryOutput)
        (depth: int)
        (dtype: DType)
        (weights: Expr option)
        (ids: Expr)
        : Expr =
        let hot (x: Expr) = Ops.oneHot depth dtype x

        // A single axis is one row, as in Keras.
        let row = if ids.Rank > 1 then 1 else 0

        match mode with
        | CategoryOutput.Int -> ids
        | CategoryOutput.OneHot -> hot (if ids.Rank > 1 && ids.Shape[-1] = 1 then Ops.squeeze [| -1 |] ids else ids)
        | CategoryOutput.MultiHot ->
            LayerCheck.minRank kind 1 ids
            Ops.max [| row |] false (hot ids)
        | CategoryOutput.Count ->
            LayerCheck.minRank kind 1 ids

            let counted =
                match weights with
                | Some w ->
                    if not (w.Shape.Equals ids.Shape) then
                        raise (
                            ShapeException(
                                kind + " got weights of another shape than its input.",
                                "",
                                ids.Shape.ToString(),
                                w.Shape.ToString(),
                                "Give one weight per category."
                            )
                        )

                    hot ids * Ops.expandDims -1 (Ops.cast dtype w)
                | None -> hot ids

            Ops.sum [| row |] false counted

/// Quantiles of data that comes in parts, as Keras estimates them: a summary is values in ascending order and how many elements
/// each stands for. Numbers are float32 where NumPy's are.
module internal Quantiles =

    /// A few values for all, at equal steps.
    let private summarize (epsilon: float) (values: float32[]) : (float32 * float32)[] =
        let sorted = Array.sort values
        let increment = float sorted.Length / (1.0 / epsilon)
        let step = max increment 1.0
        [| for i in int increment .. int step .. sorted.Length - 1 -> sorted[i], float32 step |]

    /// The value at x of the line through the points (xs, ys), ascending; beyond the ends the first and the last. NumPy: interp.
    let private interpolate (xs: float[]) (ys: float[]) (x: float) : float =
        let last = xs.Length - 1

        if x <= xs[0] then
            ys[0]
        elif x >= xs[last] then
            ys[last]
        else
            let mutable low, high = 0, last

            while high - low > 1 do
                let middle = (low + high) / 2
                if x >= xs[middle] then low <- middle else high <- middle

            if xs[low] = x then
                ys[low]
            else
                (ys[low + 1] - ys[low]) / (xs[low + 1] - xs[low]) * (x - xs[low]) + ys[low]

    /// A summary of at most 1 / epsilon values, by interpolation of the shares of the elements up to each.
    let private compress (epsilon: float) (summary: (float32 * float32)[]) : (float32 * float32)[] =
        if float summary.Length * epsilon < 1.0 then
            summary
        else
            let percents = Array.init (int (Math.Ceiling(1.0 / epsilon))) (fun i -> epsilon + float i * epsilon)
            let sums = summary |> Array.map snd |> Array.scan (+) 0.0f |> Array.tail
            let total = sums[sums.Length - 1]
            let shares = sums |> Array.map (fun s -> float (s / total))
            let at (ys: float32[]) = percents |> Array.map (interpolate shares (Array.map float ys))
            let values, below = at (Array.map fst summary), at sums

            Array.init percents.Length (fun i ->
                float32 values[i], float32 (below[i] - (if i = 0 then 0.0 else below[i - 1])))

    /// The boundaries of bins that hold about as many elements each.
    let boundaries (epsilon: float) (bins: int) (batches: float32[] seq) : float32[] =
        let join summary batch = Array.append (summarize epsilon batch) summary |> Array.sortBy fst |> compress epsilon

        let whole = batches |> Seq.fold join [||] |> compress (1.0 / float bins)
        whole |> Array.truncate (max 0 (whole.Length - 1)) |> Array.map fst

/// <summary>The Discretization layer: numbers to the bins they fall into.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Discretization =

    /// <summary>Numbers of bins between those boundaries: n boundaries make n + 1 bins.</summary>
    let options (binBoundaries: float list) : DiscretizationOptions =
        { BinBoundaries = binBoundaries; NumBins = None; Epsilon = 0.01; OutputMode = CategoryOutput.Int }

    /// <summary>So many bins, whose boundaries <c>adapt</c> learns.</summary>
    let bins (count: int) : DiscretizationOptions = { options [] with NumBins = Some count }

    /// <summary>The options with boundaries that split data into bins of about as many numbers each: estimated quantiles, of
    /// all numbers whatever their axis. Keras: adapt.</summary>
    /// <param name="batches">The data, which are read once: a dataset, a list, any sequence.</param>
    /// <param name="options">Options with a number of bins.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The number of bins is missing.</exception>
    /// <exception cref="T:FunctionalNet.DataException">There are no data.</exception>
    let adaptTo (batches: Tensor seq) (options: DiscretizationOptions) : DiscretizationOptions =
        match options.NumBins with
        | Some bins when bins > 0 ->
            let mutable seen = 0L

            let numbers =
                batches
                |> Seq.map (fun batch ->
                    seen <- seen + int64 batch.Size
                    batch.ToDoubles() |> Array.map float32)

            let learnt = Quantiles.boundaries options.Epsilon bins numbers

            if seen = 0L then
                raise (
                    DataException(
                        "Data cannot be adapted to.",
                        "Discretization",
                        "data of one element or more",
                        "none",
                        "Adapt to the data that the model will be trained on."
                    )
                )

            { options with BinBoundaries = learnt |> Array.map float |> Array.toList }
        | bins ->
            LayerCheck.argument
                "Discretization.num_bins"
                "a number above 0, to learn boundaries"
                (match bins with
                 | Some n -> string n
                 | None -> "none")
                "Give num_bins in place of bin_boundaries."

            options

    /// <summary>The same over all of the data.</summary>
    /// <param name="data">The data.</param>
    /// <param name="options">Options with a number of bins.</param>
    let adapt (data: Tensor) (options: DiscretizationOptions) : DiscretizationOptions = adaptTo [ data ] options

    let private run (o: DiscretizationOptions) (scope: Scope) (x: Expr) =
        let x = LayerCheck.floating scope x

        let bins =
            if o.BinBoundaries.IsEmpty then
                Ops.zeros DType.Int64 x.Shape
            else
                let boundaries =
                    Ops.constant (
                        Tensor.OfDoubles(x.DType, Shape.Of o.BinBoundaries.Length, List.toArray o.BinBoundaries)
                    )

                // What is no number passes all of them, as in NumPy.
                let passed = Ops.logicalNot (Ops.less (Ops.expandDims -1 x) boundaries)
                Ops.sum [| -1 |] false (Ops.cast DType.Int64 passed)

        Categories.encode "Discretization" o.OutputMode (o.BinBoundaries.Length + 1) scope.FloatType None bins

    let internal definition: LayerClass<DiscretizationOptions> =
        LayerClass.dropsMask
            "Discretization"
            (options [])
            [ Field.make
                  "bin_boundaries"
                  (fun (values: float list) -> Some(if values.IsEmpty then Null else List(List.map Float values)))
                  ConfigRead.floats
                  _.BinBoundaries
                  (fun v o -> { o with BinBoundaries = v })
              Field.intOption "num_bins" _.NumBins (fun v o -> { o with NumBins = v })
              Field.float "epsilon" _.Epsilon (fun v o -> { o with Epsilon = v })
              Field.choice "output_mode" Categories.modes _.OutputMode (fun v o -> { o with OutputMode = v })
              Field.fixedTo "sparse" [ Bool false ] ]
            run
        |> LayerClass.checkedBy (fun o ->
            // Equal ones have an empty bin between them, as learnt ones of data with many equal numbers.
            if not (List.pairwise o.BinBoundaries |> List.forall (fun (a, b) -> a <= b)) then
                LayerCheck.argument
                    "Discretization.bin_boundaries"
                    "ascending numbers"
                    (ConfigRead.show (List(List.map Float o.BinBoundaries)))
                    "[0.0; 1.0] makes three bins: below 0, from 0 to 1, and from 1."

            match o.NumBins with
            | Some bins when bins < 0 ->
                LayerCheck.argument "Discretization.num_bins" "0 or more" (string bins) "4 makes quarters."
            | Some bins when not o.BinBoundaries.IsEmpty && o.BinBoundaries.Length > bins ->
                LayerCheck.argument
                    "Discretization.num_bins"
                    ("none, or one more than the " + string o.BinBoundaries.Length + " boundaries")
                    (string bins)
                    "Give boundaries, or a number of bins to learn them."
            | _ -> ()

            if not (o.Epsilon > 0.0 && o.Epsilon < 1.0) then
                LayerCheck.argument
                    "Discretization.epsilon"
                    "a share between 0 and 1"
                    (ConfigRead.show (Float o.Epsilon))
                    "0.01 is Keras's default."

            o)

/// <summary>The CategoryEncoding layer: integer categories to vectors.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module CategoryEncoding =

    /// <summary>Multi-hot vectors of that many categories.</summary>
    let options (numTokens: int) : CategoryEncodingOptions =
        { NumTokens = numTokens; OutputMode = CategoryOutput.MultiHot }

    let private run (o: CategoryEncodingOptions) (scope: Scope) (inputs: Flow[]) =
        // A second input weighs the counts: Keras's count_weights.
        let weights = if inputs.Length = 2 then Some inputs[1].Value else None

        if weights.IsSome && o.OutputMode <> CategoryOutput.Count then
            LayerCheck.argument
                "CategoryEncoding.output_mode"
                "count, because there are weights"
                "another mode"
                "Leave out the second input, or count."

        let x = (Layer.single "CategoryEncoding" (if weights.IsSome then [| inputs[0] |] else inputs)).Value
        let ids = if DType.isInteger x.DType then x else Ops.cast DType.Int32 x
        [| Flow.ofValue (Categories.encode "CategoryEncoding" o.OutputMode o.NumTokens scope.FloatType weights ids) |]

    let internal definition: LayerClass<CategoryEncodingOptions> =
        LayerClass.many
            "CategoryEncoding"
            (options 1)
            [ Field.required (Field.int "num_tokens" _.NumTokens (fun v o -> { o with NumTokens = v }))
              Field.choice "output_mode" (List.tail Categories.modes) _.OutputMode (fun v o ->
                  { o with OutputMode = v })
              Field.fixedTo "sparse" [ Bool false ] ]
            run
        |> LayerClass.checkedBy (fun o ->
            LayerCheck.positive "CategoryEncoding.num_tokens" o.NumTokens

            if o.OutputMode = CategoryOutput.Int then
                LayerCheck.argument
                    "CategoryEncoding.output_mode"
                    "one-hot, multi-hot or count"
                    "int"
                    "Leave the layer out to keep numbers."

            o)
