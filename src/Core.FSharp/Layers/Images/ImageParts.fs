namespace FunctionalNet

open System
open FunctionalNet.Graph

/// Factors: one number, or a lower and an upper bound.
module internal FactorBounds =

    /// Keras has two rules for pairs: most classes only refuse a pair that lies wholly outside of the range, the strict ones every
    /// number outside.
    let private boundsBy isStrict kind key (least: float, greatest: float) ofOne (factor: float list) : float * float =
        let wrong () =
            LayerCheck.argument
                (kind + "." + key)
                ("one or two numbers from "
                 + ConfigRead.show (Float least)
                 + " to "
                 + ConfigRead.show (Float greatest))
                (ConfigRead.show (List(List.map Float factor)))
                "Two numbers are a lower and an upper bound."

        let inside f = f >= least && f <= greatest

        match factor with
        | [ one ] when inside one -> ofOne one
        | [ a; b ] when (if isStrict then inside a && inside b else a <= greatest && b >= least) -> min a b, max a b
        | _ -> wrong ()

    let private bounds kind key range ofOne factor = boundsBy false kind key range ofOne factor

    /// From -1 to 1; one number f means -f to f.
    let symmetric kind key factor = bounds kind key (-1.0, 1.0) (fun f -> -(abs f), abs f) factor

    /// The same, and both numbers of a pair within.
    let movement kind key factor = boundsBy true kind key (-1.0, 1.0) (fun f -> -(abs f), abs f) factor

    /// From 0 to 1; one number f means 0 to f.
    let share kind key factor = bounds kind key (0.0, 1.0) (fun f -> 0.0, f) factor

    /// The same, and both numbers of a pair within.
    let strictShare kind key factor = boundsBy true kind key (0.0, 1.0) (fun f -> 0.0, f) factor

    /// From 0 to 1; one number f means -f to f.
    let shear kind key factor = boundsBy true kind key (0.0, 1.0) (fun f -> -f, f) factor

    /// Numbers of bits, from 1 to 8; one number f means 1 to f.
    let bits kind key factor = bounds kind key (1.0, 8.0) (fun f -> 1.0, f) factor

/// Arguments of image layers.
module internal ImageField =

    let factor key (get: 'o -> float list) set : Field<'o> =
        let write factor =
            match factor with
            | [] -> Some Null
            | [ one ] -> Some(Float one)
            | several -> Some(List(List.map Float several))

        Field.make key write ConfigRead.floats get set

    let valueRange (get: 'o -> float * float) set : Field<'o> =
        let read where value =
            match ConfigRead.floats where value with
            | [ a; b ] when a <> b -> min a b, max a b
            | _ -> raise (ConfigRead.wrong where "two different numbers" value)

        Field.make "value_range" (fun (low, high) -> Some(List [ Float low; Float high ])) read get set

    let seed (get: 'o -> int option) set : Field<'o> = Field.seed "seed" get set

    let private modes =
        [ "reflect", FillMode.Reflect
          "constant", FillMode.Constant
          "wrap", FillMode.Wrap
          "nearest", FillMode.Nearest ]

    let sampling (get: 'o -> Sampling) set : Field<'o> =
        Field.choice "interpolation" [ "bilinear", Sampling.Bilinear; "nearest", Sampling.Nearest ] get set

    /// Interpolation and value outside.
    let fillValue (get: 'o -> Filling) set : Field<'o> list =
        [ sampling (fun o -> (get o).Interpolation) (fun v o -> set { get o with Interpolation = v } o)
          Field.float "fill_value" (fun o -> (get o).Value) (fun v o -> set { get o with Value = v } o) ]

    let filling (get: 'o -> Filling) set : Field<'o> list =
        Field.choice "fill_mode" modes (fun o -> (get o).Mode) (fun v o -> set { get o with Mode = v } o)
        :: fillValue get set

/// Random numbers of image layers, one or a few per image.
module internal ImageDraw =

    let private all (scope: Scope) (value: float) (dims: int[]) = Ops.full scope.FloatType (Shape.Of dims) value

    /// Uniform between bounds.
    let between (scope: Scope) seed name (low: float, high: float) (dims: int[]) : Expr =
        if low = high then
            all scope low dims
        else
            LayerCheck.random scope seed name RandomKind.Uniform (Shape.Of dims) |> Ops.uniformBetween low high

    /// One number per image, (n, 1, 1, 1).
    let perImage (scope: Scope) seed name bounds (x: Expr) : Expr =
        between scope seed name bounds [| x.Shape[0]; 1; 1; 1 |]

    /// True with a probability that is itself drawn between bounds.
    let chance (scope: Scope) seed name bounds (dims: int[]) : Expr =
        let probability = between scope seed (name + "/probability") bounds dims
        Ops.less (between scope seed name (0.0, 1.0) dims) probability

    /// -1 or 1.
    let sign (scope: Scope) seed name (dims: int[]) : Expr =
        let positive =
            Ops.lessEqual (between scope seed name (0.0, 1.0) dims) (Expr.Scalar(scope.FloatType, 0.5))
        Ops.where positive (all scope 1.0 dims) (all scope -1.0 dims)

    // Of the proposals at least 95 % are accepted: all of them are refused once in 10^10 draws.
    [<Literal>]
    let private Proposals = 8

    /// Logarithms of gamma-distributed numbers: the method of Marsaglia and Tsang (2000) for alpha + 1, then U^(1 / alpha).
    let logGamma (scope: Scope) seed name (alpha: Expr) (dims: int[]) : Expr =
        let shape = Shape.Of dims
        let draw kind part = LayerCheck.random scope seed (name + part) kind shape
        let d = alpha + (2.0 / 3.0)
        let c = 1.0 / Ops.sqrt (d * 9.0)
        let one = all scope 1.0 dims

        let propose (k: int) (otherwise: Expr) =
            let z = draw RandomKind.Normal ("/normal" + string k)
            let u = draw RandomKind.Uniform ("/uniform" + string k)
            let root = z * c + 1.0
            let v = root * root * root
            let positive = Ops.greater v (Ops.zerosLike v)
            let v = Ops.where positive v one
            let limit = Ops.square z * 0.5 + d - d * v + d * Ops.log v
            Ops.where (Ops.logicalAnd positive (Ops.less (Ops.log (1.0 - u)) limit)) v otherwise

        let v = [ Proposals - 1 .. -1 .. 0 ] |> List.fold (fun otherwise k -> propose k otherwise) one
        Ops.log d + Ops.log v + Ops.log (1.0 - draw RandomKind.Uniform "/power") / alpha

    /// Beta-distributed numbers with both parameters alpha.
    let beta (scope: Scope) seed name (alpha: Expr) (dims: int[]) : Expr =
        Ops.sigmoid (
            logGamma scope seed (name + "/first") alpha dims - logGamma scope seed (name + "/second") alpha dims
        )

    /// The numbers 0 .. count - 1 in random order, int32.
    let order (scope: Scope) seed name (count: int) : Expr =
        Ops.argsort 0 false (between scope seed name (0.0, 1.0) [| count |])

/// Bounding boxes of a batch: left, top, right and bottom in cells, (n, boxes, 4), and what is in them, (n, boxes) or
/// (n, boxes, classes).
[<NoEquality; NoComparison>]
type internal BoxSet = { Corners: Expr; Classes: Expr }

/// What one draw of a layer does to images, (n, height, width, channels), and to what belongs to them. Everything it does
/// comes from the same random numbers.
[<NoEquality; NoComparison>]
type internal ImageChange =
    {
        Images: Expr -> Expr
        /// Masks have the axes of images, and are of a floating-point type.
        Masks: Expr -> Expr
        /// ValueNone where boxes stay as they are, whatever their format.
        Boxes: (BoxSet -> BoxSet) voption
        Labels: Expr -> Expr
        /// True if masks are mixed, so that those of whole numbers do not stay whole.
        BlendsMasks: bool
    }

module internal ImageChange =

    /// A change of colors: things stay where they are.
    let ofImages (run: Expr -> Expr) : ImageChange =
        { Images = run; Masks = id; Boxes = ValueNone; Labels = id; BlendsMasks = false }

    let andThen (second: ImageChange) (first: ImageChange) : ImageChange =
        { Images = first.Images >> second.Images
          Masks = first.Masks >> second.Masks
          Boxes =
            (match first.Boxes, second.Boxes with
             | ValueSome first, ValueSome second -> ValueSome(first >> second)
             | ValueNone, only
             | only, ValueNone -> only)
          Labels = first.Labels >> second.Labels
          BlendsMasks = first.BlendsMasks || second.BlendsMasks }

    /// A movement to images of that many rows and columns. Boxes are cut off at the images' borders, and those of which nothing
    /// is left get the label -1, as in Keras.
    let moving
        (struct (rows: int, columns: int))
        (images: Expr -> Expr)
        (masks: Expr -> Expr)
        (corners: Expr -> Expr)
        : ImageChange =
        let boxes (set: BoxSet) =
            let size (n: int) = Expr.Scalar(set.Corners.DType, float n)
            let kept = Boxes.clip (size rows) (size columns) (corners set.Corners)
            { Corners = kept; Classes = Boxes.keep kept set.Classes }

        { ofImages images with Masks = masks; Boxes = ValueSome boxes }

    /// The size of images, channels last.
    let sizeOf (x: Expr) : struct (int * int) = struct (x.Shape[1], x.Shape[2])

/// What may come with the images of a call, by the names of arguments.
module internal ImagePart =

    /// Classes of images.
    [<Literal>]
    let Labels = "labels"

    [<Literal>]
    let Boxes = "bounding_boxes"

    /// Classes of boxes.
    [<Literal>]
    let BoxLabels = "bounding_box_labels"

    [<Literal>]
    let Masks = "segmentation_masks"

    /// In the order in which they follow the images.
    let all = [| Labels; Boxes; BoxLabels; Masks |]

/// Changes of which a layer makes a few, chosen anew for every batch.
[<NoEquality; NoComparison>]
type internal ImageChoices =
    {
        Count: int
        /// How many are made, one after the other; none is made twice.
        Taken: int
        /// What one of them does.
        Draw: int -> Scope -> Expr -> ImageChange
    }

/// A class of image layers: Keras's BaseImagePreprocessingLayer. It says what a draw does; that labels, boxes and masks are
/// taken along, and in whatever format, is the same for all.
[<NoEquality; NoComparison>]
type internal ImageClass<'o> =
    {
        Kind: string
        Fields: Field<'o> list
        Start: 'o
        /// Completes or refuses options when the layer is made.
        Check: 'o -> 'o
        FormatOf: 'o -> DataFormat
        /// False where images pass unchanged.
        IsActive: Scope -> bool
        /// True if images must be red, green and blue.
        NeedsColors: bool
        /// True if images of whole numbers stay whole: results are rounded, halves to even.
        KeepsIntegers: bool
        /// True if labels are mixed: they may be given as a second input too.
        MixesLabels: bool
        /// Gets images, channels last, of a floating-point type.
        Draw: 'o -> Scope -> Expr -> ImageChange
        /// For layers that choose: what they choose from.
        Choices: ('o -> ImageChoices) voption
    }

/// Options of an image layer, and the format of its bounding boxes, if it gets any.
[<NoEquality; NoComparison>]
type internal Boxed<'o> = { Options: 'o; Format: BoundingBoxFormat option }

/// Making image layers.
module internal ImageLayer =

    let check (kind: string) (x: Expr) = LayerCheck.rank kind 4 "(batch, height, width, channels)" x

    let private channels (format: DataFormat) (x: Expr) = x.Shape[if format = DataFormat.ChannelsLast then 3 else 1]

    /// Refuses images that are not red, green and blue.
    let private checkColors (kind: string) (format: DataFormat) (x: Expr) =
        if channels format x <> 3 then
            raise (
                ShapeException(
                    kind + " works on colors.",
                    "",
                    "3 channels: red, green and blue",
                    x.Shape.ToString(),
                    "Repeat the channel of gray images, or leave the layer out."
                )
            )

    /// One layer class from what its draws do.
    let changing
        kind
        (start: 'o)
        fields
        (formatOf: 'o -> DataFormat)
        (draw: 'o -> Scope -> Expr -> ImageChange)
        : ImageClass<'o> =
        { Kind = kind
          Fields = fields
          Start = start
          Check = id
          FormatOf = formatOf
          IsActive = fun scope -> scope.Mode = Mode.Train
          NeedsColors = false
          KeepsIntegers = false
          MixesLabels = false
          Draw = draw
          Choices = ValueNone }

    /// The same in training and at inference.
    let alwaysActive (imageClass: ImageClass<'o>) = { imageClass with IsActive = fun _ -> true }

    let checkedBy (check: 'o -> 'o) (imageClass: ImageClass<'o>) = { imageClass with Check = check }

    /// A change of colors that is the same in training and at inference. `run` gets channels last.
    let always kind start fields formatOf (run: 'o -> Expr -> Expr) : ImageClass<'o> =
        changing kind start fields formatOf (fun o _ _ -> ImageChange.ofImages (run o)) |> alwaysActive

    /// A change of colors in training.
    let training kind start fields formatOf (run: 'o -> Scope -> Expr -> Expr) : ImageClass<'o> =
        changing kind start fields formatOf (fun o scope _ -> ImageChange.ofImages (run o scope))

    /// The same for layers that need three channels.
    let trainingColors kind start fields formatOf run : ImageClass<'o> =
        { training kind start fields formatOf run with NeedsColors = true }

    let private refuse (kind: string) (problem: string) (expected: string) (actual: string) (hint: string) =
        raise (ShapeException(kind + problem, "", expected, actual, hint))

    /// Boxes (n, boxes, 4) with classes of so many boxes for every image.
    let checkBoxes (kind: string) (n: int) (boxes: Expr) (classes: Expr) =
        LayerCheck.rank kind 3 "boxes (batch, boxes, 4)" boxes

        if classes.Rank <> 2 && classes.Rank <> 3 then
            LayerCheck.rankError
                kind
                "labels of boxes (batch, boxes), or (batch, boxes, classes)"
                classes
                "Give one label per box."

        if
            boxes.Shape[2] <> 4
            || boxes.Shape[0] <> n
            || classes.Shape[0] <> n
            || boxes.Shape[1] <> classes.Shape[1]
        then
            refuse
                kind
                " takes four coordinates and one label per box."
                ("boxes ("
                 + string n
                 + ", "
                 + string classes.Shape[1]
                 + ", 4) for labels "
                 + classes.Shape.ToString())
                (boxes.Shape.ToString())
                "Give boxes (batch, boxes, 4) and labels (batch, boxes)."

    let private formatOf kind (given: BoundingBoxFormat option) =
        match given with
        | Some format -> format
        | None ->
            raise (
                ArgumentValueException(
                    "A layer that gets bounding boxes must know their format.",
                    kind + ".bounding_box_format",
                    System.String.Join(", ", List.map fst Boxes.names),
                    "none",
                    "Give the layer a bounding_box_format, such as xyxy."
                )
            )

    let private last (format: DataFormat) (x: Expr) =
        if format = DataFormat.ChannelsLast then x else Ops.moveAxis 1 -1 x

    let private back (format: DataFormat) (x: Expr) =
        if format = DataFormat.ChannelsLast then x else Ops.moveAxis -1 1 x

    let private boxesOf
        kind
        (given: BoundingBoxFormat option)
        (before: Expr)
        (after: Expr)
        (change: (BoxSet -> BoxSet) voption)
        (scope: Scope)
        (boxes: Expr)
        : struct (Expr * Expr) =
        let classes =
            match scope.Argument ImagePart.BoxLabels with
            | ValueSome classes -> classes
            | ValueNone ->
                refuse kind " got bounding boxes without labels." "one label per box" "none" "Give 0 for all."

        checkBoxes kind before.Shape[0] boxes classes
        let boxes = LayerCheck.floating scope boxes

        match change with
        | ValueNone -> struct (boxes, classes)
        | ValueSome change ->

            let format = formatOf kind given
            let size (x: Expr) =
                let number (n: int) = Expr.Scalar(boxes.DType, float n)
                ValueSome(struct (number x.Shape[1], number x.Shape[2]))
            let corners = Boxes.convert format BoundingBoxFormat.Xyxy (size before) boxes
            let changed: BoxSet = change { Corners = corners; Classes = classes }
            struct (Boxes.convert BoundingBoxFormat.Xyxy format (size after) changed.Corners, changed.Classes)

    /// Masks with or without an axis of channels, of any type.
    let private maskOf kind (format: DataFormat) (images: Expr) (change: ImageChange) (scope: Scope) (mask: Expr) =
        if mask.Rank <> 3 && mask.Rank <> 4 then
            LayerCheck.rankError kind "masks (batch, height, width) or with channels" mask "Give one mask per image."

        let flat = mask.Rank = 3
        let whole = if flat then Ops.expandDims 3 mask else last format mask

        if Seq.exists (fun axis -> whole.Shape[axis] <> images.Shape[axis]) [ 0; 1; 2 ] then
            refuse
                kind
                " takes masks of the images' size."
                (images.Shape.ToString() + " (channels last), whatever the channels")
                (mask.Shape.ToString())
                "Give a mask of as many rows and columns for every image."

        // Whole numbers are moved, not mixed, so a floating-point type carries them unchanged.
        let changed =
            change.Masks(if DType.isFloating whole.DType then whole else Ops.cast scope.FloatType whole)
        let isDone = changed.DType = whole.DType || change.BlendsMasks
        let changed = if isDone then changed else Ops.cast whole.DType changed
        if flat then Ops.squeeze [| 3 |] changed else back format changed

    /// Labels that can be mixed: one row of numbers per image.
    let private checkMixed (kind: string) (n: int) (labels: Expr) =
        LayerCheck.minRank kind 2 labels

        if labels.Shape[0] <> n then
            refuse
                kind
                " got as many labels as images only if their first axes agree."
                (string n + " labels")
                (labels.Shape.ToString())
                "Give one label per image."

    let private run (c: ImageClass<'o>) (o: Boxed<'o>) (scope: Scope) (inputs: Flow[]) : Flow[] =
        if c.MixesLabels && (inputs.Length < 1 || inputs.Length > 2) then
            refuse
                c.Kind
                " takes images, or images and labels."
                "1 or 2 inputs"
                (string inputs.Length)
                "Give labels as vectors: one-hot, or probabilities."

        let given = if c.MixesLabels then inputs[0].Value else (Layer.single c.Kind inputs).Value
        check c.Kind given
        let format = c.FormatOf o.Options
        if c.NeedsColors then checkColors c.Kind format given
        let images = LayerCheck.floating scope given |> last format
        let isActive = c.IsActive scope
        let change = if isActive then c.Draw o.Options scope images else ImageChange.ofImages id
        let changed = change.Images images
        let result = back format changed
        let isRounded = isActive && c.KeepsIntegers && DType.isInteger given.DType

        let labels = if inputs.Length = 2 then ValueSome inputs[1].Value else scope.Argument ImagePart.Labels

        match labels with
        | ValueSome labels when c.MixesLabels -> checkMixed c.Kind images.Shape[0] labels
        | _ -> ()

        let part value run = value |> ValueOption.map run |> ValueOption.toArray

        Array.map
            Flow.ofValue
            [| if isRounded then Ops.cast given.DType (Ops.round result) else result
               yield!
                   part labels (fun labels ->
                       change.Labels(if c.MixesLabels then LayerCheck.floating scope labels else labels))
               yield!
                   part (scope.Argument ImagePart.Boxes) (fun boxes ->
                       let struct (boxes, classes) = boxesOf c.Kind o.Format images changed change.Boxes scope boxes
                       [| boxes; classes |])
                   |> Array.concat
               yield! part (scope.Argument ImagePart.Masks) (maskOf c.Kind format images change scope) |]

    /// The argument that every image layer has.
    let private formatField () : Field<Boxed<'o>> =
        { Field.optional
              "bounding_box_format"
              (fun format -> Some(Text(Boxes.nameOf format)))
              (fun where value -> Boxes.ofName (ConfigRead.text where value))
              _.Format
              (fun v o -> { o with Format = v }) with
            Quiet = true }

    let private boxedFields (fields: Field<'o> list) : Field<Boxed<'o>> list =
        (fields |> List.map (Field.inside _.Options (fun v o -> { o with Options = v })))
        @ [ formatField () ]

    /// A layer class of its own rules with that argument.
    let boxed kind start fields check run : LayerClass<Boxed<'o>> =
        LayerClass.many kind { Options = start; Format = None } (boxedFields fields) run
        |> LayerClass.checkedBy (fun o -> { o with Options = check o.Options })
        |> LayerClass.changing (fun make o change ->
            match change with
            | Locate format -> ValueSome { Layer = make { o with Format = Some format }; Values = fun _ -> [] }
            | _ -> ValueNone)

    let private plainClass (c: ImageClass<'o>) : LayerClass<Boxed<'o>> = boxed c.Kind c.Start c.Fields c.Check (run c)

    let toClass (c: ImageClass<'o>) : LayerClass<Boxed<'o>> =
        match c.Choices with
        | ValueNone -> plainClass c
        | ValueSome choices ->
            plainClass c
            |> LayerClass.playing (fun _ o ->
                let all = choices o.Options
                let only i = { c with Draw = (fun _ -> all.Draw i); Choices = ValueNone }
                let layer i = LayerClass.layer (plainClass (only i)) o
                Choosing { Choices = all.Count; Taken = all.Taken; Only = layer })

    /// A layer without a format of boxes.
    let layer (c: ImageClass<'o>) (options: 'o) : Layer =
        LayerClass.layer (toClass c) { Options = options; Format = None }

    /// For layers that have no rule for boxes, as in Keras.
    let withoutBoxes (kind: string) : BoxSet =
        LayerCheck.argument
            (kind + "." + ImagePart.Boxes)
            "images, labels and masks"
            "bounding boxes"
            "What the layer does to an image leaves no boxes; take it out of the pipeline, or draw boxes around its masks."

    /// x where the condition holds, which has one number per image.
    let pick (condition: Expr) (changed: Expr) (x: Expr) = Ops.where condition changed x

    let odd kind key (size: int) =
        if size <= 0 || size % 2 = 0 then
            LayerCheck.argument (kind + "." + key) "odd numbers" (string size) "A kernel has a cell in its middle."
