namespace FunctionalNet

open System

/// <summary>MixUp (Zhang et al., 2018) and CutMix (Yun et al., 2019): in training every image is mixed with another of its
/// batch, and so are their labels. The layers take images, or images and labels of rank 2 or more, and give as many.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module ImageMix =

    /// <summary>Keras's defaults for MixUp: alpha 0.2.</summary>
    let mixUp: ImageMixOptions =
        { Concentration = [ 0.2 ]; Seed = None; DataFormat = DataFormat.ChannelsLast }

    /// <summary>Keras's defaults for CutMix: factor 1.</summary>
    let cutMix: ImageMixOptions = { mixUp with Concentration = [ 1.0 ] }

    /// Shares of the images themselves, (n, 1, ..., 1) of the rank of x.
    let private like (x: Expr) (share: Expr) =
        Ops.reshape (Array.init x.Rank (fun i -> if i = 0 then x.Shape[0] else 1)) share

    let private mix (order: Expr) (share: Expr) (x: Expr) = Colors.blend (like x share) (Ops.take order 0 x) x

    let private make
        kind
        key
        start
        (draw: ImageMixOptions -> Scope -> Expr -> ImageChange)
        : ImageClass<ImageMixOptions> =
        { ImageLayer.changing
              kind
              start
              [ ImageField.factor key _.Concentration (fun v o -> { o with Concentration = v })
                ImageField.seed _.Seed (fun v o -> { o with Seed = v })
                LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v }) ]
              _.DataFormat
              draw with
            MixesLabels = true }

    let private positive kind key (factor: float list) =
        if factor |> List.exists (fun f -> not (f > 0.0)) then
            LayerCheck.argument
                (kind + "." + key)
                "numbers above 0"
                (ConfigRead.show (List(List.map Float factor)))
                "Small numbers leave images nearly as they are."

    let internal mixingUp: ImageClass<ImageMixOptions> =
        make "MixUp" "alpha" mixUp (fun o scope x ->
            let n = x.Shape[0]
            let order = ImageDraw.order scope o.Seed "order" n
            let alpha = Expr.Scalar(x.DType, o.Concentration.Head)
            let share = ImageDraw.beta scope o.Seed "share" alpha [| n |]
            let both (x: Expr) = Ops.concatenate 1 [| x; Ops.take order 0 x |]

            { Images = mix order share
              Masks = mix order share
              // What is in either image is in the mixed one.
              Boxes = ValueSome(fun set -> { Corners = both set.Corners; Classes = both set.Classes })
              Labels = mix order share
              BlendsMasks = true })
        |> ImageLayer.checkedBy (fun o ->
            match o.Concentration with
            | [ _ ] -> positive "MixUp" "alpha" o.Concentration
            | other ->
                LayerCheck.argument "MixUp.alpha" "one number" (string other.Length + " numbers") "0.2 is usual."

            o)

    let internal cutting: ImageClass<ImageMixOptions> =
        make "CutMix" "factor" cutMix (fun o scope x ->
            let n = x.Shape[0]
            let order = ImageDraw.order scope o.Seed "order" n
            let bounds = FactorBounds.share "CutMix" "factor" o.Concentration
            let alpha = ImageDraw.between scope o.Seed "alpha" bounds [||] + 1e-6
            let side = Ops.sqrt (1.0 - ImageDraw.beta scope o.Seed "share" alpha [| n; 1; 1 |])
            let box = ImageBox.draw scope o.Seed side side x
            let paste (x: Expr) = Ops.where box.Inside (Ops.take order 0 x) x

            { Images = paste
              Masks = paste
              Boxes = ValueSome(fun _ -> ImageLayer.withoutBoxes "CutMix")
              Labels = mix order (Ops.reshape [| n |] (1.0 - box.Share))
              BlendsMasks = false })
        |> ImageLayer.checkedBy (fun o ->
            FactorBounds.share "CutMix" "factor" o.Concentration |> ignore
            o)
