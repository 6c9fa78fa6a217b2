namespace FunctionalNet.Tests.Layers

open FunctionalNet
open FunctionalNet.Tests.Support

module LayerTable =

    let private power rank = pown 2 rank

    let rows: LayerRow list =
        [ row "Dense" (fun () -> Layer.dense 3) [ [ -1; 4 ] ] 15 Keeps [ [] ]
          row
              "EinsumDense"
              (fun () ->
                  Layer.einsumDenseWith { EinsumDense.options "abc,cd->abd" [ None; Some 3 ] with BiasAxes = Some "d" })
              [ [ -1; 4 ] ]
              15
              Drops
              [ [ 4 ] ]
          row "Embedding" (fun () -> Layer.embedding 4 3) [ [ -1 ] ] 12 Own [] |> ids
          row "TernaryDense" (fun () -> Layer.ternaryDense 3) [ [ -1; 4 ] ] 15 Keeps [ [] ] |> jumping
          row "ReversibleEmbedding" (fun () -> Layer.reversibleEmbedding 4 3) [ [ -1 ] ] 12 Own [] |> ids
          row "Identity" (fun () -> Layer.identity) [ [ -1; 3 ] ] 0 Keeps []
          row "Masking" (fun () -> Layer.masking 0.0) [ [ -1; 3 ] ] 0 Own [ [] ]
          row
              "NotEqual"
              (fun () ->
                  Registry.ofConfig (
                      ConfigValue.Object
                          [ "class_name", Text "NotEqual"; "config", ConfigValue.Object [ "x2", Float 0.0 ] ]
                  ))
              [ [ 3 ] ]
              0
              Drops
              []
          row "Lambda" (fun () -> Layer.lambdaNamed "universal double" (fun x -> x * 2.0)) [ [ 3 ] ] 0 Drops []
          { row "ActivityRegularization" (fun () -> Layer.activityRegularization 0.1 0.2) [ [ -1; 3 ] ] 0 Keeps [] with
              RowByRow = true }
          row "Activation" (fun () -> Layer.activation Activation.selu) [ [ -1; 3 ] ] 0 Keeps []
          row
              "ReLU"
              (fun () -> Layer.reluWith { MaxValue = Some 0.7; NegativeSlope = 0.1; Threshold = 0.04 })
              [ [ -1; 3 ] ]
              0
              Keeps
              []
          row "LeakyReLU" (fun () -> Layer.leakyReLU 0.3) [ [ -1; 3 ] ] 0 Keeps []
          row "PReLU" (fun () -> Layer.pReLUWith { PReLU.options with SharedAxes = [ 1 ] }) [ [ -1; 3 ] ] 3 Keeps [ [] ]
          row "ELU" (fun () -> Layer.elu 0.5) [ [ -1; 3 ] ] 0 Keeps []
          row "Softmax" (fun () -> Layer.softmax) [ [ -1; 3 ] ] 0 Keeps []
          row "Flatten" (fun () -> Layer.flatten) [ [ 2; 3; 2 ] ] 0 Drops []
          row "Reshape" (fun () -> Layer.reshape [ 3; -1 ]) [ [ 2; 6 ] ] 0 Drops [ [ 5 ] ]
          row "Permute" (fun () -> Layer.permute [ 2; 1 ]) [ [ -1; 3 ] ] 0 Drops [ [ 3 ] ]
          row "RepeatVector" (fun () -> Layer.repeatVector 3) [ [ 4 ] ] 0 Drops [ [ 2; 4 ] ]
          yield!
              windows
                  "ZeroPadding#D"
                  (fun rank ->
                      [ Layer.zeroPadding1D (1, 2)
                        Layer.zeroPadding2D [ (1, 2); (0, 1) ]
                        Layer.zeroPadding3D [ (1, 1) ] ][rank - 1])
                  (fun _ -> 0)
          yield!
              windows
                  "Cropping#D"
                  (fun rank ->
                      [ Layer.cropping1D (1, 2); Layer.cropping2D [ (1, 2); (0, 1) ]; Layer.cropping3D [ (1, 1) ] ][rank
                                                                                                                    - 1])
                  (fun _ -> 0)
          yield!
              windows
                  "UpSampling#D"
                  (fun rank ->
                      [ Layer.upSampling1D 2
                        Layer.upSampling2DWith
                            { Size = [ 3; 2 ]
                              DataFormat = DataFormat.ChannelsLast
                              Interpolation = Interpolation.Bilinear }
                        Layer.upSampling3D [ 2 ] ][rank - 1])
                  (fun _ -> 0)
          yield!
              windows
                  "Conv#D"
                  (fun rank -> [ Layer.conv1D 3 2; Layer.conv2D 3 [ 2 ]; Layer.conv3D 3 [ 2 ] ][rank - 1])
                  (fun rank -> power rank * 6 + 3)
          yield!
              windows
                  "Conv#DTranspose"
                  (fun rank ->
                      [ Layer.conv1DTranspose 3 2; Layer.conv2DTranspose 3 [ 2 ]; Layer.conv3DTranspose 3 [ 2 ] ][rank
                                                                                                                  - 1])
                  (fun rank -> power rank * 6 + 3)
          yield!
              windows
                  "DepthwiseConv#D"
                  (fun rank -> [ Layer.depthwiseConv1D 2; Layer.depthwiseConv2D [ 2 ]; Layer.identity ][rank - 1])
                  (fun rank -> power rank * 2 + 2)
              |> List.take 2
          yield!
              windows
                  "SeparableConv#D"
                  (fun rank -> [ Layer.separableConv1D 3 2; Layer.separableConv2D 3 [ 2 ]; Layer.identity ][rank - 1])
                  (fun rank -> power rank * 2 + 6 + 3)
              |> List.take 2
          yield!
              windows
                  "LocallyConnected#D"
                  (fun rank ->
                      [ Layer.locallyConnected1DWith (LocallyConnected.options 3 [ 2 ])
                        Layer.locallyConnected2DWith { LocallyConnected.options 3 [ 2 ] with Strides = [ 2 ] }
                        Layer.identity ][rank - 1])
                  (fun rank -> 4 * (power rank * 6 + 3))
              |> List.take 2
          yield!
              windows
                  "AdaptiveMaxPooling#D"
                  (fun rank ->
                      let makers =
                          [ Layer.adaptiveMaxPooling1DWith
                            Layer.adaptiveMaxPooling2DWith
                            Layer.adaptiveMaxPooling3DWith ]

                      makers[rank - 1](AdaptivePool.options [ 3 ]))
                  (fun _ -> 0)
              // Of many volumes' windows, some have two greatest values that are nearly equal.
              |> List.map (fun (r: LayerRow) -> if r.Class = "AdaptiveMaxPooling3D" then jumping r else r)
          yield!
              windows
                  "AdaptiveAveragePooling#D"
                  (fun rank ->
                      let makers =
                          [ Layer.adaptiveAveragePooling1DWith
                            Layer.adaptiveAveragePooling2DWith
                            Layer.adaptiveAveragePooling3DWith ]

                      makers[rank - 1](AdaptivePool.options [ 3 ]))
                  (fun _ -> 0)
          yield!
              windows
                  "MaxPooling#D"
                  (fun rank -> [ Layer.maxPooling1D 2; Layer.maxPooling2D [ 2 ]; Layer.maxPooling3D [ 2 ] ][rank - 1])
                  (fun _ -> 0)
          yield!
              windows
                  "AveragePooling#D"
                  (fun rank ->
                      [ Layer.averagePooling1D 2
                        Layer.averagePooling2DWith { Pool.options [ 2 ] with Padding = Padding.Same }
                        Layer.averagePooling3D [ 2 ] ][rank - 1])
                  (fun _ -> 0)
          yield!
              windows
                  "GlobalMaxPooling#D"
                  (fun rank ->
                      [ Layer.globalMaxPooling1D; Layer.globalMaxPooling2D; Layer.globalMaxPooling3D ][rank - 1])
                  (fun _ -> 0)
          yield!
              windows
                  "GlobalAveragePooling#D"
                  (fun rank ->
                      [ Layer.globalAveragePooling1D; Layer.globalAveragePooling2D; Layer.globalAveragePooling3D ][rank
                                                                                                                   - 1])
                  (fun _ -> 0)
          { row "BatchNormalization" (fun () -> Layer.batchNormalization) [ [ -1; 3 ] ] 12 Keeps [ [] ] with
              RowByRow = false }
          row "LayerNormalization" (fun () -> Layer.layerNormalization) [ [ -1; 3 ] ] 6 Keeps [ [] ]
          row "GroupNormalization" (fun () -> Layer.groupNormalization 2) [ [ 3; 4 ] ] 8 Keeps [ [ 3; 5 ] ]
          row "RMSNormalization" (fun () -> Layer.rmsNormalization [ -1 ] 1e-6) [ [ -1; 3 ] ] 3 Keeps []
          row "UnitNormalization" (fun () -> Layer.unitNormalization [ -1 ]) [ [ -1; 3 ] ] 0 Keeps []
          row
              "Dropout"
              (fun () -> Layer.dropoutWith { Dropout.options 0.4 with Seed = Some 3 })
              [ [ -1; 3 ] ]
              0
              Keeps
              []
          |> noisy
          yield!
              windows "SpatialDropout#D" (fun rank -> Layer.spatialDropoutWith rank (Dropout.options 0.5)) (fun _ -> 0)
              |> List.map (fun (r: LayerRow) -> noisy { r with Mask = Keeps; Wrong = [] })
          row "GaussianDropout" (fun () -> Layer.gaussianDropout 0.3) [ [ -1; 3 ] ] 0 Keeps [] |> noisy
          row "AlphaDropout" (fun () -> Layer.alphaDropout 0.3) [ [ -1; 3 ] ] 0 Keeps [] |> noisy
          row "GaussianNoise" (fun () -> Layer.gaussianNoiseWith 0.2 (Some 4)) [ [ -1; 3 ] ] 0 Keeps []
          |> noisy
          row
              "SpectralNormalization"
              (fun () -> Layer.spectralNormalization 2 (Layer.dense 3))
              [ [ -1; 4 ] ]
              18
              Keeps
              [ [] ]
          |> fun row -> { row with Replaces = true }
          row "PositionEmbedding" (fun () -> Layer.positionEmbedding 5) [ [ 4; 3 ] ] 15 Drops [ [ 3 ]; [ 6; 3 ] ]
          row "SinePositionEncoding" (fun () -> Layer.sinePositionEncoding) [ [ 4; 3 ] ] 0 Drops [ [ 3 ] ]
          row "RotaryEmbedding" (fun () -> Layer.rotaryEmbedding) [ [ -1; 4 ] ] 0 Drops [ [ 4; 3 ] ]
          row
              "Attention"
              (fun () ->
                  Layer.attentionWith { Attention.options with UseScale = true; ScoreMode = AttentionScore.Concat })
              [ [ -1; 3 ]; [ 4; 3 ] ]
              2
              Keeps
              [ [ 4; 3 ]; [ 4; 2 ] ]
          row
              "AdditiveAttention"
              (fun () -> Layer.additiveAttentionWith { AdditiveAttention.options with UseCausalMask = true })
              [ [ -1; 3 ]; [ 4; 3 ] ]
              3
              Keeps
              [ [ 4; 3 ]; [ 4; 2 ] ]
          row
              "MultiHeadAttention"
              (fun () ->
                  Layer.multiHeadAttentionWith
                      { MultiHeadAttention.options 2 3 with
                          ValueDim = Some 2
                          SlidingWindow = Some 3
                          UseCausalMask = true })
              [ [ -1; 4 ]; [ 5; 4 ] ]
              // query and key 4*6+6, value 4*4+4, output 4*4+4
              100
              Keeps
              [ [ 4 ]; [ 4 ] ]
          row
              "GroupQueryAttention"
              (fun () -> Layer.groupQueryAttention 3 4 2)
              [ [ -1; 4 ]; [ 5; 4 ] ]
              // query 4*12+12, key and value 4*6+6, output 12*4+4
              172
              Keeps
              [ [ 4 ]; [ 4 ] ]
          yield!
              [ "Add", Layer.add
                "Subtract", Layer.subtract
                "Multiply", Layer.multiply
                "Average", Layer.average
                "Maximum", Layer.maximum
                "Minimum", Layer.minimum ]
              |> List.map (fun (name, layer) ->
                  row name (fun () -> layer) [ [ -1; 3 ]; [ -1; 3 ] ] 0 Keeps [ [ 4; 3 ]; [ 4; 2 ] ])
          row "Concatenate" (fun () -> Layer.concatenate) [ [ -1; 3 ]; [ -1; 2 ] ] 0 Keeps [ [ 4; 3 ]; [ 5; 2 ] ]
          row
              "Dot"
              (fun () -> Layer.dotWith { Dot.options (2, 1) with Normalize = true })
              [ [ -1; 3 ]; [ 3; 2 ] ]
              0
              Drops
              [ [ 4; 3 ]; [ 2; 2 ] ]
          row
              "Normalization"
              (fun () -> Layer.normalization [ 0.5; -1.0; 2.0 ] [ 1.5; 0.25; 4.0 ])
              [ [ -1; 3 ] ]
              0
              Keeps
              [ [ 4 ] ]
          row
              "SimpleRNN"
              (fun () -> Layer.simpleRNNWith { SimpleRNN.options 2 with ReturnSequences = true })
              [ [ -1; 3 ] ]
              12
              Keeps
              [ [ 3 ] ]
          row
              "LSTM"
              (fun () -> Layer.lstmWith { LSTM.options 2 with ReturnSequences = true; ReturnState = true })
              [ [ -1; 3 ] ]
              48
              Own
              [ [ 3 ] ]
          row
              "GRU"
              (fun () -> Layer.gruWith { GRU.options 2 with ReturnSequences = true })
              [ [ -1; 3 ] ]
              42
              Keeps
              [ [ 3 ] ]
          row "SimpleRNNCell" (fun () -> Layer.simpleRNNCellWith (SimpleRNN.options 2)) [ [ 3 ]; [ 2 ] ] 12 Drops []
          row
              "LSTMCell"
              (fun () -> Layer.lstmCellWith (LSTM.options 2))
              [ [ 3 ]; [ 2 ]; [ 2 ] ]
              48
              Drops
              [ [ 3 ]; [ 2 ]; [ 4 ] ]
          row "GRUCell" (fun () -> Layer.gruCellWith (GRU.options 2)) [ [ 3 ]; [ 2 ] ] 42 Drops [ [ 3 ]; [ 3 ] ]
          row
              "StackedRNNCells"
              (fun () ->
                  Layer.stackedRNNCells [ Layer.gruCellWith (GRU.options 2); Layer.lstmCellWith (LSTM.options 1) ])
              [ [ 3 ]; [ 2 ]; [ 1 ]; [ 1 ] ]
              58
              Drops
              [ [ 3 ]; [ 2 ]; [ 1 ] ]
          row
              "RNN"
              (fun () ->
                  Layer.rnnWith
                      { RNN.options (Layer.gruCellWith { GRU.options 2 with ResetAfter = false }) with
                          GoBackwards = true
                          ReturnSequences = true })
              [ [ -1; 3 ] ]
              36
              Keeps
              [ [ 3 ] ]
          row
              "Bidirectional"
              (fun () -> Layer.bidirectional (Layer.gruWith { GRU.options 2 with ReturnSequences = true }))
              [ [ -1; 3 ] ]
              84
              Keeps
              [ [ 3 ] ]
          row "TimeDistributed" (fun () -> Layer.timeDistributed (Layer.dense 2)) [ [ -1; 3 ] ] 8 Keeps [ [ 3 ] ]
          yield!
              windows
                  "ConvLSTM#D"
                  (fun rank ->
                      [ Layer.convLSTM1DWith { ConvLSTM.options 2 [ 2 ] with Padding = Padding.Same }
                        Layer.convLSTM2D 2 [ 2 ]
                        Layer.convLSTM3DWith { ConvLSTM.options 1 [ 2 ] with ReturnSequences = true } ][rank - 1])
                  (fun rank -> [ 72; 136; 100 ][rank - 1])
              |> List.mapi (fun i row ->
                  { row with Inputs = [ 2 :: row.Inputs.Head ]; Mask = if i = 2 then Keeps else Drops })
          yield! ImageLayerTable.rows
          row "Rescaling" (fun () -> Layer.rescaling 0.25 -1.5) [ [ -1; 3 ] ] 0 Keeps []
          row "Discretization" (fun () -> Layer.discretization [ -0.5; 0.0; 0.25 ]) [ [ -1; 3 ] ] 0 Drops []
          row
              "STFTSpectrogram"
              (fun () ->
                  Layer.stftSpectrogramWith
                      { STFTSpectrogram.options with Mode = SpectrogramMode.Psd; FrameLength = 6; FrameStep = Some 4 })
              [ [ 14; 2 ] ]
              60
              Drops
              [ [ 14 ] ]
          { row
                "MelSpectrogram"
                (fun () ->
                    Layer.melSpectrogramWith
                        { MelSpectrogram.options with
                            FftLength = 16
                            SequenceStride = 5
                            NumMelBins = 4
                            MinFreq = 100.0 })
                [ [ 30 ] ]
                0
                Drops
                [ [ 30; 2 ] ] with
              RowByRow = false }
          row "CategoryEncoding" (fun () -> Layer.categoryEncoding 4) [ [ -1 ] ] 0 Drops [] |> ids
          row "Parallel" (fun () -> Layer.parallel' [ Layer.dense 2; Layer.dense 2 ]) [ [ -1; 3 ] ] 16 Own [ [] ]
          row
              "ParallelMerge"
              (fun () -> Layer.parallelMerge Layer.concatenate [ Layer.dense 2; Layer.named "right" (Layer.dense 3) ])
              [ [ -1; 3 ] ]
              20
              Keeps
              [ [] ]
          row
              "Pipeline"
              (fun () -> Layer.pipeline [ Layer.rescaling 0.5 1.0; Layer.dense 2 ])
              [ [ -1; 3 ] ]
              8
              Keeps
              [ [] ]
          row "Residual" (fun () -> Layer.residual (Layer.dense 3)) [ [ -1; 3 ] ] 12 Keeps [ [] ]
          row
              "Sequential"
              (fun () -> Layer.serial [ Layer.dense 2; Layer.dropout 0.0; Layer.dense 3 ])
              [ [ -1; 3 ] ]
              17
              Keeps
              [ [] ]
          row
              "Functional"
              (fun () ->
                  let x = Network.input [ -1; 3 ]
                  let tower = Layer.dense 3
                  let once = Network.apply tower x
                  Network.asLayer (Network.create [ x ] [ Network.merge Layer.add [ once; Network.apply tower once ] ]))
              [ [ -1; 3 ] ]
              12
              Keeps
              [ [ 2 ] ] ]
