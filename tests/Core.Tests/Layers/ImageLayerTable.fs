namespace FunctionalNet.Tests.Layers

open FunctionalNet

/// The rows of the layers that prepare and augment images.
module ImageLayerTable =

    let private range = (-1.0, 1.0)

    let private image name make inputs = row name make [ inputs ] 0 Drops [ [ 5; 4 ] ]

    /// Images in, images of the same size out, with noise in training.
    let private augmenting name make = image name make [ 5; 4; 3 ] |> noisy

    let private color factor : RandomColorOptions = { RandomColor.options factor with ValueRange = range }

    let private mixing name make =
        { row name make [ [ 4; 5; 3 ]; [ 2 ] ] 0 Drops [ [ 4; 5; 3 ]; [] ] with Noisy = true }

    let rows: LayerRow list =
        [ image "Resizing" (fun () -> Layer.resizing 3 7) [ 5; 4; 2 ]
          image "CenterCrop" (fun () -> Layer.centerCrop 3 2) [ 5; 4; 2 ]
          // Of its own size: at inference images keep theirs.
          image "RandomCrop" (fun () -> Layer.randomCropWith { ImageCrop.options 3 2 with Seed = Some 2 }) [ 3; 2; 2 ]
          row
              "MaxNumBoundingBoxes"
              (fun () -> Layer.maxNumBoundingBoxes 3)
              [ [ 2; 4 ]; [ 2 ] ]
              0
              Drops
              [ [ 2; 5 ]; [ 2 ] ]
          augmenting "RandomFlip" (fun () -> Layer.randomFlipWith { RandomFlip.options with Seed = Some 1 })
          augmenting "RandomRotation" (fun () -> Layer.randomRotation 0.2)
          augmenting "RandomZoom" (fun () -> Layer.randomZoomWith (RandomMovement.options [ 0.1; 0.4 ] [ -0.4; 0.3 ]))
          augmenting "RandomTranslation" (fun () ->
              Layer.randomTranslationWith
                  { RandomMovement.options [ 0.4 ] [ 0.3 ] with
                      Filling = { Mode = FillMode.Constant; Interpolation = Sampling.Bilinear; Value = 0.25 } })
          augmenting "RandomShear" (fun () -> Layer.randomShear 0.4 0.2)
          augmenting "RandomPerspective" (fun () ->
              Layer.randomPerspectiveWith { RandomPerspective.options with Scale = 0.6; Factor = [ 1.0; 1.0 ] })
          augmenting "RandomElasticTransform" (fun () ->
              Layer.randomElasticTransformWith
                  { RandomElasticTransform.options with ValueRange = range; Factor = [ 1.0; 1.0 ] })
          augmenting "RandomBrightness" (fun () -> Layer.randomBrightnessWith (color [ 0.2 ]))
          augmenting "RandomContrast" (fun () ->
              Layer.randomContrastWith { color [ 0.3 ] with ValueRange = (-3.0, 3.0) })
          augmenting "RandomHue" (fun () -> Layer.randomHueWith (color [ 0.3 ])) |> jumping
          augmenting "RandomSaturation" (fun () -> Layer.randomSaturationWith (color [ 0.3; 0.7 ]))
          augmenting "RandomSharpness" (fun () ->
              Layer.randomSharpnessWith { color [ 0.2; 0.9 ] with ValueRange = (-3.0, 3.0) })
          augmenting "RandomColorDegeneration" (fun () -> Layer.randomColorDegenerationWith (color [ 0.7 ]))
          augmenting "RandomColorJitter" (fun () ->
              Layer.randomColorJitterWith
                  { RandomColorJitter.options with
                      ValueRange = range
                      Brightness = [ 0.2 ]
                      Contrast = [ 0.3 ]
                      Saturation = [ 0.4; 0.6 ]
                      Hue = [ 0.2 ] })
          |> jumping
          augmenting "RandomGrayscale" (fun () -> Layer.randomGrayscale 0.6)
          augmenting "RandomInvert" (fun () -> Layer.randomInvertWith (color [ 0.6; 0.8 ]))
          augmenting "RandomPosterization" (fun () -> Layer.randomPosterizationWith (color [ 3.0; 7.0 ]))
          |> jumping
          augmenting "RandomGaussianBlur" (fun () ->
              Layer.randomGaussianBlurWith
                  { RandomGaussianBlur.options with
                      ValueRange = range
                      Factor = [ 0.6; 1.0 ]
                      KernelSize = [ 3; 1 ]
                      Sigma = [ 0.4; 1.0 ] })
          augmenting "RandomErasing" (fun () ->
              Layer.randomErasingWith
                  { RandomErasing.options with ValueRange = range; Scale = [ 0.2; 0.6 ]; Factor = [ 1.0; 1.0 ] })
          augmenting "Solarization" (fun () ->
              Layer.solarizationWith
                  { Solarization.options with
                      ValueRange = range
                      AdditionFactor = [ 0.3 ]
                      ThresholdFactor = [ 0.2; 0.8 ] })
          image "AutoContrast" (fun () -> Layer.autoContrast -1.0 1.0) [ 2; 3; 3 ]
          image
              "Equalization"
              (fun () -> Layer.equalizationWith { Equalization.options with ValueRange = range })
              [ 5; 4; 3 ]
          |> jumping
          image
              "ContrastLimitedAdaptiveHistogramEqualization"
              (fun () ->
                  Layer.adaptiveEqualizationWith
                      { AdaptiveEqualization.options with
                          ValueRange = range
                          TileGridSize = [ 2; 2 ]
                          ClipLimit = 40.0 })
              [ 5; 4; 3 ]
          |> jumping
          mixing "MixUp" (fun () -> Layer.mixUpWith { ImageMix.mixUp with Concentration = [ 0.7 ] })
          mixing "CutMix" (fun () -> Layer.cutMixWith ImageMix.cutMix)
          augmenting "RandAugment" (fun () -> Layer.randAugmentWith { RandAugment.options with ValueRange = range })
          |> jumping
          augmenting "AugMix" (fun () ->
              Layer.augMixWith { AugMix.options with ValueRange = range; NumChains = 2; ChainDepth = 2 })
          |> jumping ]
