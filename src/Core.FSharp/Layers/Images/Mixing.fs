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

    let private check kind (inputs: Flow[]) =
        if inputs.Length < 1 || inputs.Length > 2 then
            raise (
                ShapeException(
                    kind + " takes images, or images and labels.",
                    "",
                    "1 or 2 inputs",
                    string inputs.Length,
                    "Give labels as vectors: one-hot, or probabilities."
                )
            )

        ImageLayer.check kind inputs[0].Value

        if inputs.Length = 2 then
            LayerCheck.minRank kind 2 inputs[1].Value

            if inputs[1].Value.Shape[0] <> inputs[0].Value.Shape[0] then
                raise (
                    ShapeException(
                        kind + " got as many labels as images only if their first axes agree.",
                        "",
                        inputs[0].Value.Shape.ToString(),
                        inputs[1].Value.Shape.ToString(),
                        "Give one label per image."
                    )
                )

    /// In training, `run` gives the order of the other images, the new images, and the shares of the old labels.
    let private make kind key start (run: ImageMixOptions -> Scope -> Expr -> struct (Expr * Expr * Expr)) =
        LayerClass.many
            kind
            [ ImageField.factor key (fun (o: ImageMixOptions) -> o.Concentration) (fun v (o: ImageMixOptions) ->
                  { o with Concentration = v })
              ImageField.seed (fun (o: ImageMixOptions) -> o.Seed) (fun v (o: ImageMixOptions) -> { o with Seed = v })
              LayerField.dataFormat (fun (o: ImageMixOptions) -> o.DataFormat) (fun v (o: ImageMixOptions) ->
                  { o with DataFormat = v }) ]
            start
            (fun (o: ImageMixOptions) scope inputs ->
                check kind inputs
                let values = inputs |> Array.map (fun f -> LayerCheck.floating scope f.Value)

                if scope.Mode = Mode.Train then
                    let last = if o.DataFormat = DataFormat.ChannelsLast then id else Ops.moveAxis 1 -1
                    let back = if o.DataFormat = DataFormat.ChannelsLast then id else Ops.moveAxis -1 1
                    let struct (order, images, share) = run o scope (last values[0])

                    values |> Array.mapi (fun i x -> Flow.ofValue (if i = 0 then back images else mix order share x))
                else
                    Array.map Flow.ofValue values)

    let private positive kind key (factor: float list) =
        if factor |> List.exists (fun f -> not (f > 0.0)) then
            LayerCheck.argument
                (kind + "." + key)
                "numbers above 0"
                (ConfigRead.show (List(List.map Float factor)))
                "Small numbers leave images nearly as they are."

    let internal mixingUp: LayerClass<ImageMixOptions> =
        make "MixUp" "alpha" mixUp (fun o scope x ->
            let n = x.Shape[0]
            let order = ImageDraw.order scope o.Seed "order" n
            let alpha = Expr.Scalar(x.DType, o.Concentration.Head)
            let share = ImageDraw.beta scope o.Seed "share" alpha [| n |]
            struct (order, mix order share x, share))
        |> LayerClass.checkedBy (fun (o: ImageMixOptions) ->
            match o.Concentration with
            | [ _ ] -> positive "MixUp" "alpha" o.Concentration
            | other ->
                LayerCheck.argument "MixUp.alpha" "one number" (string other.Length + " numbers") "0.2 is usual."

            o)

    let internal cutting: LayerClass<ImageMixOptions> =
        make "CutMix" "factor" cutMix (fun o scope x ->
            let n = x.Shape[0]
            let order = ImageDraw.order scope o.Seed "order" n
            let bounds = FactorBounds.share "CutMix" "factor" o.Concentration
            let alpha = ImageDraw.between scope o.Seed "alpha" bounds [||] + 1e-6
            let side = Ops.sqrt (1.0 - ImageDraw.beta scope o.Seed "share" alpha [| n; 1; 1 |])
            let box = ImageBox.draw scope o.Seed side side x
            let images = Ops.where box.Inside (Ops.take order 0 x) x
            struct (order, images, Ops.reshape [| n |] (1.0 - box.Share)))
        |> LayerClass.checkedBy (fun (o: ImageMixOptions) ->
            FactorBounds.share "CutMix" "factor" o.Concentration |> ignore
            o)
