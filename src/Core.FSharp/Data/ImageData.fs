namespace FunctionalNet

open System.Runtime.InteropServices

/// <summary>Images with what is known about them, which layers for images change together: one image, (height, width, channels),
/// or a batch, (batch, height, width, channels). As an element of a <c>Dataset</c> it can be batched; to train on, the images
/// are inputs, and labels, boxes, labels of boxes and masks, as far as there are any, targets in this order. Keras: the
/// dictionary of images, labels, bounding_boxes and segmentation_masks.</summary>
/// <param name="images">One image or a batch of images.</param>
/// <param name="labels">What images show, one row per image; null for none.</param>
/// <param name="boxes">Bounding boxes, (batch, boxes, 4), or (boxes, 4) for one image; null for none. Layers must know their
/// format. Keras: bounding_boxes["boxes"].</param>
/// <param name="boxLabels">What is in boxes, (batch, boxes) or (batch, boxes, classes), -1 for a missing box; given whenever
/// boxes are. Keras: bounding_boxes["labels"].</param>
/// <param name="segmentationMasks">A number for every cell of the images, (batch, height, width), or with channels; null for
/// none.</param>
/// <exception cref="T:FunctionalNet.ArgumentValueException">There are boxes without labels, or labels without boxes.</exception>
/// <example><code>var data = new ImageData(photo, boxes: new float[,] { { 2, 1, 4, 3 } }, boxLabels: new[] { 7 });</code></example>
[<Sealed>]
type ImageData
    (
        images: Tensor,
        [<Optional; DefaultParameterValue(null: Tensor | null)>] labels: Tensor | null,
        [<Optional; DefaultParameterValue(null: Tensor | null)>] boxes: Tensor | null,
        [<Optional; DefaultParameterValue(null: Tensor | null)>] boxLabels: Tensor | null,
        [<Optional; DefaultParameterValue(null: Tensor | null)>] segmentationMasks: Tensor | null
    ) =

    do
        if isNull boxes <> isNull boxLabels then
            raise (
                ArgumentValueException(
                    "Bounding boxes come with labels.",
                    (if isNull boxes then "boxes" else "boxLabels"),
                    "boxes and one label per box",
                    (if isNull boxes then "labels only" else "boxes only"),
                    "Give 0 for all labels if there is one kind of boxes."
                )
            )

    /// <summary>One image or a batch of images.</summary>
    member _.Images = images

    /// <summary>What images show; null if that is not known.</summary>
    member _.Labels = labels

    /// <summary>Bounding boxes; null if there are none.</summary>
    member _.Boxes = boxes

    /// <summary>What is in boxes, -1 for a box that is missing; null if there are none.</summary>
    member _.BoxLabels = boxLabels

    /// <summary>A number for every cell of the images; null if there are none.</summary>
    member _.SegmentationMasks = segmentationMasks

    /// What there is besides images, by its place.
    member internal _.Others: (Tensor | null)[] = [| labels; boxes; boxLabels; segmentationMasks |]

    /// All tensors: images, then what else there is.
    member internal this.Parts: Tensor[] =
        [| images
           for part in this.Others do
               match part with
               | null -> ()
               | part -> part |]

    /// The same parts with other values.
    member internal this.With(parts: Tensor[]) : ImageData =
        let mutable next = 0

        let others =
            this.Others
            |> Array.map (fun part ->
                match part with
                | null -> null
                | _ ->
                    next <- next + 1
                    parts[next])

        ImageData(parts[0], others[0], others[1], others[2], others[3])
