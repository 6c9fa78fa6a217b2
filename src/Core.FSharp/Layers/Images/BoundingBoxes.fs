namespace FunctionalNet

/// <summary>Options of the layer that makes numbers of bounding boxes equal.</summary>
[<AutoOpen>]
module BoundingBoxTypes =

    /// <summary>Arguments of MaxNumBoundingBoxes; <c>BoundingBoxes.options</c> has Keras's defaults.</summary>
    type MaxNumBoundingBoxesOptions =
        {
            /// <summary>Boxes per image in the result.</summary>
            MaxNumber: int
            /// <summary>What coordinates and labels of missing boxes are. Default: -1.</summary>
            FillValue: int
        }

/// <summary>Bounding boxes of images.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module BoundingBoxes =

    /// <summary>That many boxes, filled up with -1.</summary>
    let options (maxNumber: int) : MaxNumBoundingBoxesOptions = { MaxNumber = maxNumber; FillValue = -1 }

    [<Literal>]
    let private Kind = "MaxNumBoundingBoxes"

    /// Axis 1 cut off or filled up.
    let private sized (o: MaxNumBoundingBoxesOptions) (x: Expr) =
        let kept = min o.MaxNumber x.Shape[1]
        let missing = Array.init x.Rank (fun axis -> struct (0, (if axis = 1 then o.MaxNumber - kept else 0)))
        Ops.pad missing (float o.FillValue) (Ops.sliceAxis 1 0 kept x)

    /// Boxes (batch, boxes, 4) and labels (batch, boxes), maybe after images, which pass unchanged.
    let private run (o: MaxNumBoundingBoxesOptions) (_: Scope) (inputs: Flow[]) : Flow[] =
        if inputs.Length < 1 || inputs.Length > 3 then
            raise (
                ShapeException(
                    Kind + " takes images, boxes and labels, or boxes and labels, or images.",
                    "",
                    "1 to 3 inputs",
                    string inputs.Length,
                    "Give boxes (batch, boxes, 4) and labels (batch, boxes)."
                )
            )

        let images = inputs.Length % 2
        if images = 1 then ImageLayer.check Kind inputs[0].Value

        if inputs.Length > 1 then
            let boxes, labels = inputs[images].Value, inputs[images + 1].Value
            LayerCheck.rank Kind 3 "boxes (batch, boxes, 4)" boxes
            LayerCheck.rank Kind 2 "labels (batch, boxes)" labels

            if boxes.Shape[2] <> 4 || boxes.Shape[0] <> labels.Shape[0] || boxes.Shape[1] <> labels.Shape[1] then
                raise (
                    ShapeException(
                        Kind + " takes four coordinates and one label per box.",
                        "",
                        "labels " + labels.Shape.ToString() + " and boxes of the same axes, then 4",
                        boxes.Shape.ToString(),
                        "Give boxes (batch, boxes, 4) and labels (batch, boxes)."
                    )
                )

        inputs |> Array.mapi (fun i flow -> if i < images then flow else Flow.ofValue (sized o flow.Value))

    let internal maxNumber: LayerClass<MaxNumBoundingBoxesOptions> =
        LayerClass.many
            Kind
            [ Field.int "max_number" (fun (o: MaxNumBoundingBoxesOptions) -> o.MaxNumber) (fun v o ->
                  { o with MaxNumber = v })
              |> Field.required
              Field.int "fill_value" (fun (o: MaxNumBoundingBoxesOptions) -> o.FillValue) (fun v o ->
                  { o with FillValue = v }) ]
            (options 1)
            run
        |> LayerClass.checkedBy (fun o ->
            LayerCheck.positive (Kind + ".max_number") o.MaxNumber
            o)
