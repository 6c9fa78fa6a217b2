namespace FunctionalNet

open FunctionalNet.Graph

/// Changes of images of which some are chosen at random for every batch. A graph has no branches: within one all of them are
/// computed, except that movements share one reading of the images.
module internal Augmentation =

    /// Strength, as two bounds, and form of all changes.
    [<NoEquality; NoComparison>]
    type Settings = { Factor: float list; ValueRange: float * float; Interpolation: Sampling; Seed: int option }

    let private colors (s: Settings) : RandomColorOptions =
        { Factor = s.Factor
          ValueRange = s.ValueRange
          Seed = s.Seed
          DataFormat = DataFormat.ChannelsLast }

    let private moved (s: Settings) : RandomMovementOptions =
        { RandomMovement.options s.Factor s.Factor with
            Filling = { Warp.defaults with Interpolation = s.Interpolation }
            Seed = s.Seed }

    let private movements (s: Settings) : (Scope -> Expr -> Warp.Affine) list =
        let rotation = { RandomRotation.options s.Factor with Seed = s.Seed }

        [ RandomMovement.shearOf (moved s)
          RandomMovement.translationOf (moved s)
          RandomRotation.transform rotation ]

    let private levels (s: Settings) : (Scope -> Expr -> Expr) list =
        let bits = max 1.0 (floor (8.0 * List.max s.Factor))

        let solarization: SolarizationOptions =
            { AdditionFactor = s.Factor
              ThresholdFactor = s.Factor
              ValueRange = s.ValueRange
              Seed = s.Seed
              DataFormat = DataFormat.ChannelsLast }

        let equalization = { Equalization.options with ValueRange = s.ValueRange }

        [ RandomColor.posterize { colors s with Factor = [ bits ] }
          Solarization.apply solarization
          fun _ x -> ImageContrast.apply s.ValueRange x
          fun _ x -> Equalization.apply equalization x ]

    let private strengths (s: Settings) : (Scope -> Expr -> Expr) list =
        [ RandomColor.brighten (colors s)
          RandomColor.degenerate (colors s)
          RandomColor.contrast (colors s)
          RandomColor.sharpen (colors s) ]

    let settings kind factor range interpolation seed : Settings =
        let low, high = FactorBounds.share kind "factor" factor
        { Factor = [ low; high ]; ValueRange = range; Interpolation = interpolation; Seed = seed }

    /// How many changes there are, all or without those of strength.
    let count (all: bool) = if all then 11 else 7

    /// Change number `which` (an int32 scalar); none for the number behind the last. Only movements concern masks and boxes.
    let change (s: Settings) (all: bool) (which: Expr) (scope: Scope) (x: Expr) : ImageChange =
        let isNumber i = Ops.equal which (Expr.Scalar(DType.Int32, float i))
        let movements = movements s |> List.mapi (fun i make -> i, make (scope.Child("move" + string i)) x)
        let first = snd movements.Head
        let transform = movements.Tail |> List.fold (fun t (i, m) -> Warp.choose (isNumber i) m t) first
        let moved = Warp.moving (moved s).Filling transform x
        let changes = if all then levels s @ strengths s else levels s
        let isMovement = Ops.less which (Expr.Scalar(DType.Int32, float movements.Length))
        let ifMoved moved x = Ops.where isMovement (moved x) x

        let images (x: Expr) =
            changes
            |> List.mapi (fun i change -> i + movements.Length, change)
            |> List.fold
                (fun result (i, change) -> Ops.where (isNumber i) (change (scope.Child("change" + string i)) x) result)
                (ifMoved moved.Images x)

        { ImageChange.ofImages images with
            Masks = ifMoved moved.Masks
            Boxes =
                moved.Boxes
                |> ValueOption.map (fun move set ->
                    let after = move set

                    { Corners = Ops.where isMovement after.Corners set.Corners
                      Classes = Ops.where isMovement after.Classes set.Classes }) }

    /// Change number `which` alone.
    let only (s: Settings) (which: int) (scope: Scope) (x: Expr) : ImageChange =
        let movements = movements s

        if which < movements.Length then
            Warp.moving (moved s).Filling (movements[which] (scope.Child("move" + string which)) x) x
        else
            let changes = levels s @ strengths s
            ImageChange.ofImages (changes[which - movements.Length](scope.Child("change" + string which)))

/// <summary>The RandAugment layer (Cubuk et al., 2019): in training, a few changes chosen at random for every batch, one
/// after the other.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module RandAugment =

    /// <summary>Keras's defaults.</summary>
    let options: RandAugmentOptions =
        { ValueRange = (0.0, 255.0)
          NumOps = 2
          Factor = [ 0.5 ]
          Interpolation = Sampling.Bilinear
          Seed = None
          DataFormat = DataFormat.ChannelsLast }

    let private draw (o: RandAugmentOptions) (scope: Scope) (x: Expr) : ImageChange =
        let settings = Augmentation.settings "RandAugment" o.Factor o.ValueRange o.Interpolation o.Seed
        let order = ImageDraw.order scope o.Seed "order" (Augmentation.count true)

        [ 0 .. min o.NumOps (Augmentation.count true) - 1 ]
        |> List.map (fun i ->
            Augmentation.change settings true (Ops.index 0 i order) (scope.Child("step" + string i)) x)
        |> List.fold (fun before step -> before |> ImageChange.andThen step) (ImageChange.ofImages id)

    let private choices (o: RandAugmentOptions) : ImageChoices =
        let settings = Augmentation.settings "RandAugment" o.Factor o.ValueRange o.Interpolation o.Seed
        let count = Augmentation.count true
        { Count = count; Taken = min o.NumOps count; Draw = Augmentation.only settings }

    let internal definition: ImageClass<RandAugmentOptions> =
        ImageLayer.changing
            "RandAugment"
            options
            [ ImageField.valueRange _.ValueRange (fun v o -> { o with ValueRange = v })
              Field.int "num_ops" _.NumOps (fun v o -> { o with NumOps = v })
              ImageField.factor "factor" _.Factor (fun v o -> { o with Factor = v })
              ImageField.sampling _.Interpolation (fun v o -> { o with Interpolation = v })
              ImageField.seed _.Seed (fun v o -> { o with Seed = v })
              LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v }) ]
            _.DataFormat
            draw
        |> fun imageClass -> { imageClass with NeedsColors = true; Choices = ValueSome choices }
        |> ImageLayer.checkedBy (fun o ->
            FactorBounds.share "RandAugment" "factor" o.Factor |> ignore

            if o.NumOps < 0 then
                LayerCheck.argument "RandAugment.num_ops" "0 or more" (string o.NumOps) "No change is made twice."

            o)

/// <summary>The AugMix layer (Hendrycks et al., 2020): in training, chains of random changes, mixed with one another and with
/// the images. Masks and boxes stay those of the images, which are a part of every mixture.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module AugMix =

    /// <summary>Keras's defaults.</summary>
    let options: AugMixOptions =
        { ValueRange = (0.0, 255.0)
          NumChains = 3
          ChainDepth = 3
          Factor = [ 0.3 ]
          Alpha = 1.0
          AllOps = true
          Interpolation = Sampling.Bilinear
          Seed = None
          DataFormat = DataFormat.ChannelsLast }

    let private run (o: AugMixOptions) (scope: Scope) (x: Expr) =
        let settings = Augmentation.settings "AugMix" o.Factor o.ValueRange o.Interpolation o.Seed

        // One choice more than there are changes: none.
        let choices = float (Augmentation.count o.AllOps + 1)

        let step (chain: Scope) x i =
            let which = Ops.floor (ImageDraw.between chain o.Seed ("which" + string i) (0.0, choices) [||])
            let change =
                Augmentation.change settings o.AllOps (Ops.cast DType.Int32 which) (chain.Child("step" + string i)) x

            change.Images x

        let chains =
            Array.init o.NumChains (fun c ->
                let chain = scope.Child("chain" + string c)
                [ 0 .. o.ChainDepth - 1 ] |> List.fold (step chain) x)

        let alpha = Expr.Scalar(x.DType, o.Alpha)

        // A Dirichlet distribution: gamma-distributed numbers over their sum.
        let shares = Ops.softmax 0 (ImageDraw.logGamma scope o.Seed "shares" alpha [| o.NumChains |])
        let mixed = chains |> Array.mapi (fun c y -> y * Ops.index 0 c shares) |> Array.reduce (+)
        Colors.clip o.ValueRange (Colors.blend (ImageDraw.beta scope o.Seed "share" alpha [||]) mixed x)

    let internal definition: ImageClass<AugMixOptions> =
        ImageLayer.trainingColors
            "AugMix"
            options
            [ ImageField.valueRange _.ValueRange (fun v o -> { o with ValueRange = v })
              Field.int "num_chains" _.NumChains (fun v o -> { o with NumChains = v })
              Field.int "chain_depth" _.ChainDepth (fun v o -> { o with ChainDepth = v })
              ImageField.factor "factor" _.Factor (fun v o -> { o with Factor = v })
              Field.float "alpha" _.Alpha (fun v o -> { o with Alpha = v })
              Field.bool "all_ops" _.AllOps (fun v o -> { o with AllOps = v })
              ImageField.sampling _.Interpolation (fun v o -> { o with Interpolation = v })
              ImageField.seed _.Seed (fun v o -> { o with Seed = v })
              LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v }) ]
            _.DataFormat
            run
        |> ImageLayer.checkedBy (fun o ->
            FactorBounds.share "AugMix" "factor" o.Factor |> ignore
            LayerCheck.positive "AugMix.num_chains" o.NumChains
            LayerCheck.positive "AugMix.chain_depth" o.ChainDepth

            if not (o.Alpha > 0.0) then
                LayerCheck.argument
                    "AugMix.alpha"
                    "a number above 0"
                    (ConfigRead.show (Float o.Alpha))
                    "1 makes all shares equally likely."

            o)
