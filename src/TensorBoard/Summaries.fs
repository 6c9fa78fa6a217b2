namespace FunctionalNet.Events

open System
open System.Globalization
open System.Text
open FunctionalNet

/// Values in the form of TensorBoard's plugins, as `tf.summary` of TensorFlow 2 writes them.
module internal Summaries =

    [<Literal>]
    let private Buckets = 30

    [<Literal>]
    let private MostPictures = 3

    let private value (tag: string) (plugin: string) (dataClass: DataClass) (tensor: SummaryTensor) : SummaryValue =
        { Tag = tag; Plugin = plugin; Content = [||]; DataClass = dataClass; Tensor = tensor }

    /// tf.summary.scalar.
    let scalar (tag: string) (number: float) : SummaryValue =
        value tag "scalars" DataClass.Scalar (Scalar(float32 number))

    /// Rows of left edge, right edge and count over 30 buckets of equal width. Of equal numbers, all are in the last bucket.
    let buckets (numbers: float[]) : float[] =
        let rows: float[] = Array.zeroCreate (Buckets * 3)

        if numbers.Length > 0 then
            let least, most = Array.min numbers, Array.max numbers
            let range = most - least

            let index =
                if range = 0.0 then
                    fun _ -> Buckets - 1
                else
                    let width = range / float Buckets
                    fun number -> min (Buckets - 1) (int (Math.Floor((number - least) / width)))

            for i in 0 .. Buckets - 1 do
                rows[3 * i] <- if range = 0.0 then most else least + range * float i / float Buckets

                rows[3 * i + 1] <-
                    if range = 0.0 || i = Buckets - 1 then most else least + range * float (i + 1) / float Buckets

            for number in numbers do
                let at = 3 * index number + 2
                rows[at] <- rows[at] + 1.0

        rows

    /// tf.summary.histogram; nothing for numbers that are not all finite, which have no buckets.
    let histogram (tag: string) (numbers: float[]) : SummaryValue voption =
        if Array.forall Double.IsFinite numbers then
            ValueSome(value tag "histograms" DataClass.Tensor (Doubles([| Buckets; 3 |], buckets numbers)))
        else
            ValueNone

    /// The axes of a weight as pictures: how many, height, width, channels; and which element a pixel shows.
    let private layout (sizes: int[]) : struct (int[] * (int[] -> int[])) voption =
        match sizes with
        | [| n |] -> ValueSome(struct ([| 1; n; 1; 1 |], (fun at -> [| at[1] |])))
        | [| a; b |] when a > b -> ValueSome(struct ([| 1; b; a; 1 |], (fun at -> [| at[2]; at[1] |])))
        | [| a; b |] -> ValueSome(struct ([| 1; a; b; 1 |], (fun at -> [| at[1]; at[2] |])))
        | [| a; b; c |] -> ValueSome(struct ([| c; a; b; 1 |], (fun at -> [| at[1]; at[2]; at[0] |])))
        | [| _; _; _; channels |] when channels = 1 || channels = 3 || channels = 4 -> ValueSome(struct (sizes, id))
        | _ -> ValueNone

    /// Weights as pictures, at most three, as Keras arranges them; values below 0 are black and above 1 white. Nothing for weights
    /// that are no pictures.
    let image (tag: string) (weight: Tensor) : SummaryValue voption =
        let sizes = weight.Shape.ToArray() |> Array.filter (fun size -> size <> 1)

        match layout sizes with
        | ValueNone -> ValueNone
        | ValueSome(struct (form, element)) ->
            let numbers = weight.ToDoubles()
            let strides = Array.scanBack (*) sizes 1 |> Array.tail
            let height, width, channels = form[1], form[2], form[3]

            let pixel (at: int[]) =
                let number = numbers[Array.fold2 (fun sum i stride -> sum + i * stride) 0 (element at) strides]
                // To 8 bits as tf.image.convert_image_dtype does it.
                byte (Math.Clamp(Math.Floor(number * 255.5), 0.0, 255.0))

            let picture (k: int) =
                Png.encode
                    height
                    width
                    channels
                    [| for y in 0 .. height - 1 do
                           for x in 0 .. width - 1 do
                               for c in 0 .. channels - 1 do
                                   pixel [| k; y; x; c |] |]

            let size (n: int) = Encoding.ASCII.GetBytes(n.ToString CultureInfo.InvariantCulture)

            let items =
                [| size width
                   size height
                   for k in 0 .. min MostPictures form[0] - 1 do
                       picture k |]

            ValueSome(value tag "images" DataClass.BlobSequence (Strings([| items.Length |], items)))

    /// The architecture as JSON, which TensorBoard draws as its conceptual graph.
    let model (json: string) : SummaryValue =
        { value "keras" "graph_keras_model" DataClass.Unknown (Strings([||], [| Encoding.UTF8.GetBytes json |])) with
            Content = [| byte '1' |] }
