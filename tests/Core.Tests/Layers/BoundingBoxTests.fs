namespace FunctionalNet.Tests.Layers

open System
open System.IO
open System.Text.Json
open Xunit
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Tests.Support

/// Functions of bounding boxes, and boxes that layers move, against Keras 3.8.0 (tests/data/keras/bounding_boxes.py).
type BoundingBoxTests() =

    static let cases =
        lazy
            (let file =
                JsonDocument.Parse(File.ReadAllText(Data.inRepository "tests/data/keras/bounding_boxes.json"))

             [| for case in file.RootElement.EnumerateArray() -> case |])

    static let tensorOf (e: JsonElement) =
        ImageDataRun.tensor
            [ for d in (e.GetProperty "shape").EnumerateArray() -> d.GetInt32() ]
            [ for v in (e.GetProperty "data").EnumerateArray() -> v.GetDouble() ]

    static let formats =
        [ BoundingBoxFormat.Xyxy
          BoundingBoxFormat.Yxyx
          BoundingBoxFormat.Xywh
          BoundingBoxFormat.CenterXywh
          BoundingBoxFormat.CenterYxhw
          BoundingBoxFormat.RelXyxy
          BoundingBoxFormat.RelYxyx
          BoundingBoxFormat.RelXywh
          BoundingBoxFormat.RelCenterXywh ]

    static let evaluate (e: Expr) : float[] = (Interpreter.run [||] [| e |])[0]
    static let constant (t: Tensor) = Expr.Constant t
    static let of' (values: float list) = constant (ImageDataRun.tensor [ values.Length / 4; 4 ] values)

    /// What a case should give, by this library.
    static let results (case: JsonElement) : float[] list =
        let args = case.GetProperty "args"
        let number (key: string) = (args.GetProperty key).GetDouble()
        let size () = Some(number "height", number "width")
        let format (key: string) = Boxes.ofName (string (args.GetProperty key))
        let pair (key: string) = [ for v in (args.GetProperty key).EnumerateArray() -> v.GetDouble() ]
        let inputs = [| for e in (case.GetProperty "inputs").EnumerateArray() -> tensorOf e |]
        let nodes = inputs |> Array.map constant

        let coding () : BoundingBoxCoding =
            { AnchorFormat = format "anchor_format"
              BoxFormat = format "box_format"
              Encoding = format "encoding"
              Variance =
                (match (args.GetProperty "variance").ValueKind with
                 | JsonValueKind.Null -> []
                 | _ -> pair "variance")
              ImageSize = size () }

        let moved (layer: Layer) =
            let located = layer |> Layer.withBoundingBoxes (format "bounding_box_format")
            let boxes, labels = ImageDataRun.boxes located [ 3; 48; 80; 3 ] inputs[0] inputs[1]
            [ boxes; labels ]

        match string (case.GetProperty "op") with
        | "convert_format" ->
            [ evaluate (BoundingBoxes.convertFormat (format "source") (format "target") (size ()) nodes[0]) ]
        | "clip_to_image_size" ->
            let struct (boxes, labels) = BoundingBoxes.clipToImageSize (format "format") (size ()) nodes[1] nodes[0]
            [ evaluate boxes; evaluate labels ]
        | "affine_transform" ->
            let movement: BoundingBoxMovement =
                { Height = number "height"
                  Width = number "width"
                  Angle = nodes[1]
                  TranslateX = nodes[2]
                  TranslateY = nodes[3]
                  Scale = nodes[4]
                  ShearX = nodes[5]
                  ShearY = nodes[6]
                  CenterX = number "center_x"
                  CenterY = number "center_y" }

            [ evaluate (BoundingBoxes.affineTransform movement nodes[0]) ]
        | "crop" ->
            [ evaluate (BoundingBoxes.crop (number "top") (number "left") (number "height") (number "width") nodes[0]) ]
        | "pad" -> [ evaluate (BoundingBoxes.pad (number "top") (number "left") nodes[0]) ]
        | "encode_box_to_deltas" -> [ evaluate (BoundingBoxes.encodeBoxToDeltas (coding ()) nodes[0] nodes[1]) ]
        | "decode_deltas_to_boxes" -> [ evaluate (BoundingBoxes.decodeDeltasToBoxes (coding ()) nodes[0] nodes[1]) ]
        | "compute_iou" when (args.GetProperty "masked").GetBoolean() ->
            [ evaluate (BoundingBoxes.computeIouMasked -1.0 (format "format") (size ()) nodes[0] nodes[1]) ]
        | "compute_iou" -> [ evaluate (BoundingBoxes.computeIou (format "format") (size ()) nodes[0] nodes[1]) ]
        | "compute_ciou" -> [ evaluate (BoundingBoxes.computeCiou (format "format") (size ()) nodes[0] nodes[1]) ]
        | "RandomTranslation" ->
            moved (Layer.randomTranslationWith (RandomMovement.options (pair "height_factor") (pair "width_factor")))
        | "RandomZoom" ->
            moved (Layer.randomZoomWith (RandomMovement.options (pair "height_factor") (pair "width_factor")))
        | "RandomRotation" -> moved (Layer.randomRotationWith (RandomRotation.options (pair "factor")))
        | "CenterCrop" -> moved (Layer.centerCrop (int (number "height")) (int (number "width")))
        | "Resizing" -> moved (Layer.resizing (int (number "height")) (int (number "width")))
        | other -> failwith other

    [<Fact>]
    member _.``every case of Keras agrees``() =
        Assert.True(cases.Value.Length > 190)

        for i, case in Array.indexed cases.Value do
            let name = string i + " " + string (case.GetProperty "op")
            let expected = [ for e in (case.GetProperty "outputs").EnumerateArray() -> (tensorOf e).ToDoubles() ]

            for expected, actual in List.zip expected (results case) do
                Close.closeToScale name 2e-5 expected actual

    [<Property(MaxTest = 200)>]
    member _.``every format leads to every other and back``(seed: int) =
        let random = System.Random seed
        let a = [ for _ in 1..2 -> 100.0 * random.NextDouble() - 20.0 ]
        let sides = [ for _ in 1..2 -> 0.5 + 40.0 * random.NextDouble() ]
        let box = [ a[0]; a[1]; a[0] + sides[0]; a[1] + sides[1] ]
        let height, width = 10.0 + 90.0 * random.NextDouble(), 10.0 + 90.0 * random.NextDouble()
        let convert source target = BoundingBoxes.convertFormat source target (Some(height, width))

        // By hand: middle and sides of both axes, as shares or not.
        let byHand format =
            let x, y, x', y' = box[0], box[1], box[2], box[3]
            let rx, ry, rx', ry' = x / width, y / height, x' / width, y' / height

            match format with
            | BoundingBoxFormat.Xyxy -> [ x; y; x'; y' ]
            | BoundingBoxFormat.Yxyx -> [ y; x; y'; x' ]
            | BoundingBoxFormat.Xywh -> [ x; y; x' - x; y' - y ]
            | BoundingBoxFormat.CenterXywh -> [ (x + x') / 2.0; (y + y') / 2.0; x' - x; y' - y ]
            | BoundingBoxFormat.CenterYxhw -> [ (y + y') / 2.0; (x + x') / 2.0; y' - y; x' - x ]
            | BoundingBoxFormat.RelXyxy -> [ rx; ry; rx'; ry' ]
            | BoundingBoxFormat.RelYxyx -> [ ry; rx; ry'; rx' ]
            | BoundingBoxFormat.RelXywh -> [ rx; ry; rx' - rx; ry' - ry ]
            | BoundingBoxFormat.RelCenterXywh -> [ (rx + rx') / 2.0; (ry + ry') / 2.0; rx' - rx; ry' - ry ]

        for source in formats do
            for target in formats do
                let converted = of' (byHand source) |> convert source target
                Close.closeToScale (string source) 1e-12 (List.toArray (byHand target)) (evaluate converted)

    [<Property(MaxTest = 150)>]
    member _.``decoding undoes encoding``(seed: int) =
        let random = System.Random seed

        let boxes () =
            [ for _ in 1..3 do
                  let x, y = 50.0 * random.NextDouble(), 50.0 * random.NextDouble()
                  yield! [ x; y; x + 1.0 + 20.0 * random.NextDouble(); y + 1.0 + 20.0 * random.NextDouble() ] ]

        let anchors, boxes = boxes (), boxes ()

        let coding =
            { BoundingBoxes.coding BoundingBoxFormat.Xyxy BoundingBoxFormat.Xyxy with
                Variance = [ 0.1; 0.2; 0.3; 0.4 ] }

        let deltas = BoundingBoxes.encodeBoxToDeltas coding (of' anchors) (of' boxes)
        let again = BoundingBoxes.decodeDeltasToBoxes coding (of' anchors) deltas
        Close.closeToScale "again" 1e-12 (List.toArray boxes) (evaluate again)

    [<Fact>]
    member _.``names in any case are found, and others refused``() =
        Assert.Equal(BoundingBoxFormat.RelCenterXywh, Boxes.ofName "REL_center_xyWH")
        let error = Assert.Throws<ArgumentValueException>(fun () -> Boxes.ofName "xyx" |> ignore)
        Assert.Contains("Did you mean xyxy?", error.Message)

    [<Fact>]
    member _.``what is missing is said``() =
        let boxes = of' [ 1.0; 2.0; 3.0; 4.0 ]
        let refused (run: unit -> unit) = Assert.Throws<ArgumentValueException>(Action run) |> ignore
        let convert source target = BoundingBoxes.convertFormat source target None boxes |> ignore
        refused (fun () -> convert BoundingBoxFormat.Xyxy BoundingBoxFormat.RelXywh)
        refused (fun () -> BoundingBoxes.clipToImageSize BoundingBoxFormat.Xywh None boxes boxes |> ignore)
        convert BoundingBoxFormat.RelYxyx BoundingBoxFormat.RelXywh
        let coding = BoundingBoxes.coding BoundingBoxFormat.Xyxy BoundingBoxFormat.Xyxy
        let encode coding = BoundingBoxes.encodeBoxToDeltas coding boxes boxes |> ignore
        refused (fun () -> encode { coding with Variance = [ 1.0 ] })
        refused (fun () -> encode { coding with Encoding = BoundingBoxFormat.Xywh })

        Assert.Throws<ShapeException>(fun () ->
            constant (ImageDataRun.tensor [ 3 ] [ 1.0; 2.0; 3.0 ]) |> BoundingBoxes.pad 1.0 1.0 |> ignore)
        |> ignore
