namespace FunctionalNet

open System
open FunctionalNet.Graph

/// <summary>The RandomRotation layer: in training every image is turned around its middle.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module RandomRotation =

    /// <summary>Keras's defaults for bounds of the angle, as a share of a full turn.</summary>
    let options (factor: float list) : RandomRotationOptions =
        { Factor = factor; Filling = Warp.defaults; Seed = None; DataFormat = DataFormat.ChannelsLast }

    let internal transform (o: RandomRotationOptions) (scope: Scope) (x: Expr) : Warp.Affine =
        let low, high = FactorBounds.symmetric "RandomRotation" "factor" o.Factor
        let turn = 2.0 * Math.PI
        let angle = ImageDraw.between scope o.Seed "angle" (turn * low, turn * high) [| x.Shape[0]; 1; 1 |]
        let cos, sin = Ops.cos angle, Ops.sin angle
        let cx, cy = float (x.Shape[2] - 1) / 2.0, float (x.Shape[1] - 1) / 2.0

        { A0 = cos
          A1 = -sin
          A2 = cx - cos * cx + sin * cy
          B0 = sin
          B1 = cos
          B2 = cy - sin * cx - cos * cy }

    let internal definition: ImageClass<RandomRotationOptions> =
        ImageLayer.changing
            "RandomRotation"
            (options [ 0.0 ])
            (Field.required (ImageField.factor "factor" _.Factor (fun v o -> { o with Factor = v }))
             :: ImageField.filling _.Filling (fun v o -> { o with Filling = v })
             @ [ ImageField.seed _.Seed (fun v o -> { o with Seed = v })
                 LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v }) ])
            _.DataFormat
            (fun o scope x -> Warp.moving o.Filling (transform o scope x) x)
        |> ImageLayer.checkedBy (fun o ->
            FactorBounds.symmetric "RandomRotation" "factor" o.Factor |> ignore
            o)

/// <summary>The layers that move every image along its axes in training: RandomZoom, RandomTranslation, RandomShear.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module RandomMovement =

    /// <summary>Keras's defaults for bounds along columns and along rows.</summary>
    let options (vertical: float list) (horizontal: float list) : RandomMovementOptions =
        { Vertical = vertical
          Horizontal = horizontal
          Filling = Warp.defaults
          Seed = None
          DataFormat = DataFormat.ChannelsLast }

    let private draw (o: RandomMovementOptions) scope name bounds (x: Expr) =
        ImageDraw.between scope o.Seed name bounds [| x.Shape[0]; 1; 1 |]

    let private zoomOf (o: RandomMovementOptions) (scope: Scope) (x: Expr) : Warp.Affine =
        let bounds key factor =
            let low, high = FactorBounds.movement "RandomZoom" key factor
            1.0 + low, 1.0 + high

        let vertical = draw o scope "height" (bounds "height_factor" o.Vertical) x

        let horizontal =
            if o.Horizontal.IsEmpty then
                vertical
            else
                draw o scope "width" (bounds "width_factor" o.Horizontal) x

        let none = Ops.zerosLike vertical

        { A0 = horizontal
          A1 = none
          A2 = (1.0 - horizontal) * (float (x.Shape[2] - 1) / 2.0)
          B0 = none
          B1 = vertical
          B2 = (1.0 - vertical) * (float (x.Shape[1] - 1) / 2.0) }

    let internal translationOf (o: RandomMovementOptions) (scope: Scope) (x: Expr) : Warp.Affine =
        let bounds = FactorBounds.movement "RandomTranslation"
        let down = draw o scope "height" (bounds "height_factor" o.Vertical) x * float x.Shape[1]
        let right = draw o scope "width" (bounds "width_factor" o.Horizontal) x * float x.Shape[2]
        let one, none = Ops.onesLike down, Ops.zerosLike down
        { A0 = one; A1 = none; A2 = -right; B0 = none; B1 = one; B2 = -down }

    let internal shearOf (o: RandomMovementOptions) (scope: Scope) (x: Expr) : Warp.Affine =
        let bounds = FactorBounds.shear "RandomShear"
        let sign = ImageDraw.sign scope o.Seed "sign" [| x.Shape[0]; 1; 1 |]
        let vertical = draw o scope "y" (bounds "y_factor" o.Vertical) x * sign
        let horizontal = draw o scope "x" (bounds "x_factor" o.Horizontal) x * sign
        let one, none = Ops.onesLike vertical, Ops.zerosLike vertical
        { A0 = one; A1 = horizontal; A2 = none; B0 = vertical; B1 = one; B2 = none }

    let private vertical key : Field<RandomMovementOptions> =
        ImageField.factor key _.Vertical (fun v o -> { o with Vertical = v })

    let private horizontal key : Field<RandomMovementOptions> =
        ImageField.factor key _.Horizontal (fun v o -> { o with Horizontal = v })

    let private make kind (start: RandomMovementOptions) factors check transform : ImageClass<RandomMovementOptions> =
        ImageLayer.changing
            kind
            start
            (factors
             @ ImageField.filling _.Filling (fun v o -> { o with Filling = v })
             @ [ ImageField.seed _.Seed (fun v o -> { o with Seed = v })
                 LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v }) ])
            _.DataFormat
            (fun o scope x -> Warp.moving o.Filling (transform o scope x) x)
        |> ImageLayer.checkedBy (fun o ->
            check o
            o)

    let internal zoom =
        make
            "RandomZoom"
            (options [ 0.0 ] [])
            [ Field.required (vertical "height_factor"); horizontal "width_factor" ]
            (fun o ->
                FactorBounds.movement "RandomZoom" "height_factor" o.Vertical |> ignore

                if not o.Horizontal.IsEmpty then
                    FactorBounds.movement "RandomZoom" "width_factor" o.Horizontal |> ignore)
            zoomOf

    let internal translation =
        make
            "RandomTranslation"
            (options [ 0.0 ] [ 0.0 ])
            [ Field.required (vertical "height_factor"); Field.required (horizontal "width_factor") ]
            (fun o ->
                FactorBounds.movement "RandomTranslation" "height_factor" o.Vertical |> ignore
                FactorBounds.movement "RandomTranslation" "width_factor" o.Horizontal |> ignore)
            translationOf

    let internal shear =
        make
            "RandomShear"
            (options [ 0.0 ] [ 0.0 ])
            [ horizontal "x_factor"; vertical "y_factor" ]
            (fun o ->
                FactorBounds.shear "RandomShear" "y_factor" o.Vertical |> ignore
                FactorBounds.shear "RandomShear" "x_factor" o.Horizontal |> ignore)
            shearOf

/// <summary>The RandomPerspective layer: in training the corners of images move.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module RandomPerspective =

    /// <summary>Keras's defaults.</summary>
    let options: RandomPerspectiveOptions =
        { Factor = [ 1.0 ]
          Scale = 1.0
          Filling = { Warp.defaults with Mode = FillMode.Constant }
          Seed = None
          DataFormat = DataFormat.ChannelsLast }

    let private draw (o: RandomPerspectiveOptions) (scope: Scope) (x: Expr) : ImageChange =
        let n = x.Shape[0]
        let bounds = FactorBounds.share "RandomPerspective" "factor" o.Factor
        let changed = ImageDraw.chance scope o.Seed "apply" bounds [| n; 1; 1; 1 |]
        let width, height = float (x.Shape[2] - 1), float (x.Shape[1] - 1)

        // A coordinate v of a corner becomes v (1 + r); those that are 0 stay.
        let moved name value =
            (ImageDraw.between scope o.Seed name (-0.5 * o.Scale, 0.5 * o.Scale) [| n; 1; 1 |] + 1.0) * value

        // Corners: 1 top right, 2 bottom right, 3 bottom left; the top left one is the origin.
        let x1, y3 = moved "top right x" width, moved "bottom left y" height
        let x2, y2 = moved "bottom right x" width, moved "bottom right y" height

        // From the unit square to the corners (Heckbert, 1989): (a u + b v, d u + e v) / (g u + h v + 1), where y1 and x3
        // are 0, and so b and d.
        let determinant = (x1 - x2) * (y3 - y2) - x2 * y2
        let sx, sy = x2 - x1, y2 - y3
        let g = (sx * (y3 - y2) + x2 * sy) / determinant
        let h = ((x1 - x2) * sy + sx * y2) / determinant
        let a, e = x1 * (g + 1.0), y3 * (h + 1.0)

        // Its inverse shows every place of the output the place of the input.
        let struct (columns, rows) = Warp.grid x
        let u, v = columns * e, rows * a
        let scale = a * e - u * g - v * h

        let shown interpolation (x: Expr) =
            let filling = { o.Filling with Mode = FillMode.Constant; Interpolation = interpolation }
            ImageLayer.pick changed (Warp.sample filling (v / scale * height) (u / scale * width) x) x

        let forward (x: Expr) (y: Expr) : struct (Expr * Expr) =
            let perBox (e: Expr) = Ops.squeeze [| 2 |] e
            let u, v = x / max 1.0 width, y / max 1.0 height
            let w = perBox g * u + perBox h * v + 1.0
            struct (perBox a * u / w, perBox e * v / w)

        ImageChange.moving (ImageChange.sizeOf x) (shown o.Filling.Interpolation) (shown Sampling.Nearest) (fun boxes ->
            ImageLayer.pick (Ops.squeeze [| 3 |] changed) (Boxes.around forward boxes) boxes)

    let internal definition: ImageClass<RandomPerspectiveOptions> =
        ImageLayer.changing
            "RandomPerspective"
            options
            ([ ImageField.factor "factor" _.Factor (fun v o -> { o with Factor = v })
               Field.float "scale" _.Scale (fun v o -> { o with Scale = v }) ]
             @ ImageField.fillValue _.Filling (fun v o -> { o with Filling = v })
             @ [ ImageField.seed _.Seed (fun v o -> { o with Seed = v })
                 LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v }) ])
            _.DataFormat
            draw
        |> ImageLayer.checkedBy (fun o ->
            FactorBounds.share "RandomPerspective" "factor" o.Factor |> ignore
            LayerCheck.rate "RandomPerspective.scale" o.Scale
            o)

/// <summary>The RandomElasticTransform layer: in training images are distorted as if drawn on rubber.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module RandomElasticTransform =

    /// <summary>Keras's defaults.</summary>
    let options: RandomElasticTransformOptions =
        { Factor = [ 1.0 ]
          Scale = [ 1.0 ]
          Filling = Warp.defaults
          ValueRange = 0.0, 255.0
          Seed = None
          DataFormat = DataFormat.ChannelsLast }

    let private draw (o: RandomElasticTransformOptions) (scope: Scope) (x: Expr) : ImageChange =
        let bounds = FactorBounds.share "RandomElasticTransform" "factor" o.Factor
        let low, high = FactorBounds.share "RandomElasticTransform" "scale" o.Scale

        if high = 0.0 || snd bounds = 0.0 then
            ImageChange.ofImages id
        else
            let n, h, w = x.Shape[0], x.Shape[1], x.Shape[2]
            let changed = ImageDraw.chance scope o.Seed "apply" bounds [| n; 1; 1; 1 |]
            let strength = ImageDraw.between scope o.Seed "strength" (low, high) [||]
            let alpha = strength * (0.1 * float (max h w))
            // A strength of exactly 0 would divide by 0.
            let sigma = Ops.maximum (strength * (0.05 * float (min h w))) (Expr.Scalar(x.DType, 1e-6))
            // Three times the whole part of the deviation on either side: room for the strongest, of which a mask leaves as much
            // as the strength that was drawn has.
            let size = 6 * int (0.05 * float (min h w) * high) + 1
            let bell = Warp.bellWithin (Ops.floor sigma * 3.0) size sigma
            let kernel = Ops.reshape [| size; 1 |] bell * bell

            // Keras draws the movement along rows and along columns from one seed, so that both are the same.
            let noise = LayerCheck.random scope o.Seed "shift" RandomKind.Normal (Shape.Of(n, h, w, 1))
            let shift = Ops.squeeze [| 3 |] (Warp.blur kernel (noise * sigma)) * alpha
            let struct (columns, rows) = Warp.grid x

            let shown interpolation (x: Expr) =
                let filling = { o.Filling with Interpolation = interpolation }
                ImageLayer.pick changed (Warp.sample filling (rows + shift) (columns + shift) x) x

            let low, high = o.ValueRange

            { ImageChange.ofImages (shown o.Filling.Interpolation >> Ops.clip low high) with
                Masks = shown Sampling.Nearest
                Boxes = ValueSome(fun _ -> ImageLayer.withoutBoxes "RandomElasticTransform") }

    let internal definition: ImageClass<RandomElasticTransformOptions> =
        ImageLayer.changing
            "RandomElasticTransform"
            options
            ([ ImageField.factor "factor" _.Factor (fun v o -> { o with Factor = v })
               ImageField.factor "scale" _.Scale (fun v o -> { o with Scale = v }) ]
             @ ImageField.filling _.Filling (fun v o -> { o with Filling = v })
             @ [ ImageField.valueRange _.ValueRange (fun v o -> { o with ValueRange = v })
                 ImageField.seed _.Seed (fun v o -> { o with Seed = v })
                 LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v }) ])
            _.DataFormat
            draw
        |> ImageLayer.checkedBy (fun o ->
            FactorBounds.share "RandomElasticTransform" "factor" o.Factor |> ignore
            FactorBounds.share "RandomElasticTransform" "scale" o.Scale |> ignore
            o)
