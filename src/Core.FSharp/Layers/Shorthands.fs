namespace FunctionalNet

/// <summary>Makers of layers: with Keras's defaults, and with all arguments.</summary>
[<AutoOpen>]
module LayerShorthands =

    /// <summary>Making, composing and tracing layers.</summary>
    [<RequireQualifiedAccess>]
    module Layer =

        let private of' definition options = LayerClass.layer definition options

        // ---- Core

        /// <summary>A Dense layer: x W + b over the last axis, (..., inputs) to (..., units).</summary>
        let denseWith (options: DenseOptions) : Layer = of' Dense.definition options

        /// <summary>A Dense layer with Keras's defaults.</summary>
        let dense (units: int) : Layer = denseWith (Dense.options units)

        /// <summary>An EinsumDense layer: a dense layer over any axes.</summary>
        let einsumDenseWith (options: EinsumDenseOptions) : Layer = of' EinsumDense.definition options

        /// <summary>An Embedding layer: (batch, time) ids to (batch, time, size) vectors.</summary>
        let embeddingWith (options: EmbeddingOptions) : Layer = of' Embedding.definition options

        /// <summary>An Embedding layer for ids 0 .. inputDim - 1 and vectors of outputDim numbers.</summary>
        let embedding (inputDim: int) (outputDim: int) : Layer = embeddingWith (Embedding.options inputDim outputDim)

        /// <summary>A TernaryDense layer: a dense layer that computes with the weights -1, 0 and 1.</summary>
        let ternaryDenseWith (options: TernaryDenseOptions) : Layer = of' TernaryDense.definition options

        /// <summary>A TernaryDense layer with Keras's defaults.</summary>
        let ternaryDense (units: int) : Layer = ternaryDenseWith (TernaryDense.options units)

        /// <summary>An embedding that also leads back, from vectors to a score for every id.</summary>
        let reversibleEmbeddingWith (options: ReversibleEmbeddingOptions) : Layer =
            of' ReversibleEmbedding.definition options

        /// <summary>A ReversibleEmbedding layer with Keras's defaults: the way back uses the same table.</summary>
        let reversibleEmbedding (inputDim: int) (outputDim: int) : Layer =
            reversibleEmbeddingWith (ReversibleEmbedding.options inputDim outputDim)

        /// <summary>Masks time steps whose features all have that value. Keras's default: 0.</summary>
        let masking (maskValue: float) : Layer = of' PassThrough.masking maskValue

        /// <summary>A function as a layer. It runs once per signature, when the model is traced; a model with it cannot be
        /// saved.</summary>
        let lambda (apply: Expr -> Expr) : Layer = PassThrough.lambda apply

        /// <summary>A function with a name as a layer. Models that use it are saved by that name, and loaded where the name is
        /// known.</summary>
        let lambdaNamed (name: string) (apply: Expr -> Expr) : Layer = PassThrough.namedLambda name apply

        /// <summary>Adds penalties l1 and l2 on what passes through, summed over the whole batch.</summary>
        let activityRegularization (l1: float) (l2: float) : Layer = of' PassThrough.activityRegularization (l1, l2)

        // ---- Activations

        /// <summary>An activation as a layer.</summary>
        let activation (activation: Activation) : Layer = of' SmallActivations.activation activation

        /// <summary>A ReLU layer with a slope, a threshold and a bound.</summary>
        let reluWith (options: ReLUOptions) : Layer = of' ReLU.definition options

        /// <summary>A LeakyReLU layer. Keras's default slope: 0.3.</summary>
        let leakyReLU (negativeSlope: float) : Layer = of' SmallActivations.leakyReLU negativeSlope

        /// <summary>A PReLU layer: its negative slope is trained.</summary>
        let pReLUWith (options: PReLUOptions) : Layer = of' PReLU.definition options

        /// <summary>An ELU layer. Keras's default alpha: 1.</summary>
        let elu (alpha: float) : Layer = of' SmallActivations.elu alpha

        /// <summary>A Softmax layer over axes. Keras's default: the last.</summary>
        let softmaxOn (axes: int list) : Layer = of' SmallActivations.softmax axes

        // ---- Reshaping

        /// <summary>Flatten for data with channels first, which it moves behind before.</summary>
        let flattenWith (format: DataFormat) : Layer = of' Reshaping.flatten format

        /// <summary>Another shape (without the batch); one size may be -1.</summary>
        let reshape (targetShape: int list) : Layer = of' Reshaping.reshape targetShape

        /// <summary>Another order of the axes, counted from 1; the batch stays first.</summary>
        let permute (dims: int list) : Layer = of' Reshaping.permute dims

        /// <summary>(batch, features) to (batch, n, features).</summary>
        let repeatVector (n: int) : Layer = of' Reshaping.repeatVector n

        let private border (definitions: LayerClass<BorderOptions>[]) rank (cells: (int * int) list) =
            let definition = definitions[rank - 1]
            let cells = if cells.Length = 1 then List.replicate rank cells.Head else cells
            of' definition { definition.Start with Cells = cells }

        /// <summary>Zeros before and behind the steps: (before, behind). Keras's default: (1, 1).</summary>
        let zeroPadding1D (padding: int * int) : Layer = border Borders.zeroPadding 1 [ padding ]

        /// <summary>Zeros around images: a pair per axis, or one pair for both. Keras's default: (1, 1).</summary>
        let zeroPadding2D (padding: (int * int) list) : Layer = border Borders.zeroPadding 2 padding

        /// <summary>Zeros around volumes: a pair per axis, or one pair for all. Keras's default: (1, 1).</summary>
        let zeroPadding3D (padding: (int * int) list) : Layer = border Borders.zeroPadding 3 padding

        /// <summary>ZeroPadding1D, 2D or 3D by the number of pairs, with a data format.</summary>
        let zeroPaddingWith (options: BorderOptions) : Layer = of' Borders.zeroPadding[options.Cells.Length - 1] options

        /// <summary>Cuts steps off: (before, behind). Keras's default: (1, 1).</summary>
        let cropping1D (cropping: int * int) : Layer = border Borders.cropping 1 [ cropping ]

        /// <summary>Cuts the borders of images off: a pair per axis, or one pair for both. Keras's default: (0, 0).</summary>
        let cropping2D (cropping: (int * int) list) : Layer = border Borders.cropping 2 cropping

        /// <summary>Cuts the borders of volumes off: a pair per axis, or one pair for all. Keras's default: (1, 1).</summary>
        let cropping3D (cropping: (int * int) list) : Layer = border Borders.cropping 3 cropping

        /// <summary>Cropping1D, 2D or 3D by the number of pairs, with a data format.</summary>
        let croppingWith (options: BorderOptions) : Layer = of' Borders.cropping[options.Cells.Length - 1] options

        let private upSampling rank (size: int list) =
            let definition = Resampling.upSamplings[rank - 1]
            of' definition { definition.Start with Size = size }

        /// <summary>Repeats every step that many times. Keras's default: 2.</summary>
        let upSampling1D (size: int) : Layer = upSampling 1 [ size ]

        /// <summary>Repeats rows and columns; one number counts for both. Keras's default: 2.</summary>
        let upSampling2D (size: int list) : Layer = upSampling 2 size

        /// <summary>UpSampling2D with interpolation and data format.</summary>
        let upSampling2DWith (options: UpSamplingOptions) : Layer = of' Resampling.upSamplings[1] options

        /// <summary>Repeats cells of volumes; one number counts for all axes. Keras's default: 2.</summary>
        let upSampling3D (size: int list) : Layer = upSampling 3 size

        /// <summary>UpSampling3D with data format.</summary>
        let upSampling3DWith (options: UpSamplingOptions) : Layer = of' Resampling.upSamplings[2] options

        // ---- Convolution

        /// <summary>A Conv1D layer: (batch, steps, channels) to (batch, new steps, filters).</summary>
        let conv1DWith (options: ConvOptions) : Layer = of' Conv.definitions[0] options

        /// <summary>A Conv1D layer with Keras's defaults.</summary>
        let conv1D (filters: int) (kernelSize: int) : Layer = conv1DWith (Conv.options filters [ kernelSize ])

        /// <summary>A Conv2D layer: (batch, rows, columns, channels) to (batch, new rows, new columns, filters).</summary>
        let conv2DWith (options: ConvOptions) : Layer = of' Conv.definitions[1] options

        /// <summary>A Conv2D layer with Keras's defaults; one number counts for both axes.</summary>
        let conv2D (filters: int) (kernelSize: int list) : Layer = conv2DWith (Conv.options filters kernelSize)

        /// <summary>A Conv3D layer.</summary>
        let conv3DWith (options: ConvOptions) : Layer = of' Conv.definitions[2] options

        /// <summary>A Conv3D layer with Keras's defaults; one number counts for all axes.</summary>
        let conv3D (filters: int) (kernelSize: int list) : Layer = conv3DWith (Conv.options filters kernelSize)

        /// <summary>A Conv1DTranspose layer.</summary>
        let conv1DTransposeWith (options: ConvTransposeOptions) : Layer = of' ConvTranspose.definitions[0] options

        /// <summary>A Conv1DTranspose layer with Keras's defaults.</summary>
        let conv1DTranspose (filters: int) (kernelSize: int) : Layer =
            conv1DTransposeWith (ConvTranspose.options filters [ kernelSize ])

        /// <summary>A Conv2DTranspose layer.</summary>
        let conv2DTransposeWith (options: ConvTransposeOptions) : Layer = of' ConvTranspose.definitions[1] options

        /// <summary>A Conv2DTranspose layer with Keras's defaults.</summary>
        let conv2DTranspose (filters: int) (kernelSize: int list) : Layer =
            conv2DTransposeWith (ConvTranspose.options filters kernelSize)

        /// <summary>A Conv3DTranspose layer.</summary>
        let conv3DTransposeWith (options: ConvTransposeOptions) : Layer = of' ConvTranspose.definitions[2] options

        /// <summary>A Conv3DTranspose layer with Keras's defaults.</summary>
        let conv3DTranspose (filters: int) (kernelSize: int list) : Layer =
            conv3DTransposeWith (ConvTranspose.options filters kernelSize)

        /// <summary>A DepthwiseConv1D layer: every channel by itself.</summary>
        let depthwiseConv1DWith (options: DepthwiseConvOptions) : Layer = of' DepthwiseConv.definitions[0] options

        /// <summary>A DepthwiseConv1D layer with Keras's defaults.</summary>
        let depthwiseConv1D (kernelSize: int) : Layer = depthwiseConv1DWith (DepthwiseConv.options [ kernelSize ])

        /// <summary>A DepthwiseConv2D layer: every channel by itself.</summary>
        let depthwiseConv2DWith (options: DepthwiseConvOptions) : Layer = of' DepthwiseConv.definitions[1] options

        /// <summary>A DepthwiseConv2D layer with Keras's defaults.</summary>
        let depthwiseConv2D (kernelSize: int list) : Layer = depthwiseConv2DWith (DepthwiseConv.options kernelSize)

        /// <summary>A SeparableConv1D layer: every channel by itself, then mixed.</summary>
        let separableConv1DWith (options: SeparableConvOptions) : Layer = of' SeparableConv.definitions[0] options

        /// <summary>A SeparableConv1D layer with Keras's defaults.</summary>
        let separableConv1D (filters: int) (kernelSize: int) : Layer =
            separableConv1DWith (SeparableConv.options filters [ kernelSize ])

        /// <summary>A SeparableConv2D layer: every channel by itself, then mixed.</summary>
        let separableConv2DWith (options: SeparableConvOptions) : Layer = of' SeparableConv.definitions[1] options

        /// <summary>A SeparableConv2D layer with Keras's defaults.</summary>
        let separableConv2D (filters: int) (kernelSize: int list) : Layer =
            separableConv2DWith (SeparableConv.options filters kernelSize)

        /// <summary>A LocallyConnected1D layer: a convolution with a kernel of its own at every place.</summary>
        let locallyConnected1DWith (options: LocallyConnectedOptions) : Layer =
            of' LocallyConnected.definitions[0] options

        /// <summary>A LocallyConnected2D layer: a convolution with a kernel of its own at every place.</summary>
        let locallyConnected2DWith (options: LocallyConnectedOptions) : Layer =
            of' LocallyConnected.definitions[1] options

        // ---- Pooling

        /// <summary>Greatest values over windows of steps.</summary>
        let maxPooling1DWith (options: PoolOptions) : Layer = of' Pool.maxima[0] options

        /// <summary>Greatest values over windows of steps. Keras's default window: 2.</summary>
        let maxPooling1D (poolSize: int) : Layer = maxPooling1DWith (Pool.options [ poolSize ])

        /// <summary>Greatest values over windows of images.</summary>
        let maxPooling2DWith (options: PoolOptions) : Layer = of' Pool.maxima[1] options

        /// <summary>Greatest values over windows of images. Keras's default window: 2.</summary>
        let maxPooling2D (poolSize: int list) : Layer = maxPooling2DWith (Pool.options poolSize)

        /// <summary>Greatest values over windows of volumes.</summary>
        let maxPooling3DWith (options: PoolOptions) : Layer = of' Pool.maxima[2] options

        /// <summary>Greatest values over windows of volumes. Keras's default window: 2.</summary>
        let maxPooling3D (poolSize: int list) : Layer = maxPooling3DWith (Pool.options poolSize)

        /// <summary>Means over windows of steps; padding does not count.</summary>
        let averagePooling1DWith (options: PoolOptions) : Layer = of' Pool.averages[0] options

        /// <summary>Means over windows of steps.</summary>
        let averagePooling1D (poolSize: int) : Layer = averagePooling1DWith (Pool.options [ poolSize ])

        /// <summary>Means over windows of images; padding does not count.</summary>
        let averagePooling2DWith (options: PoolOptions) : Layer = of' Pool.averages[1] options

        /// <summary>Means over windows of images.</summary>
        let averagePooling2D (poolSize: int list) : Layer = averagePooling2DWith (Pool.options poolSize)

        /// <summary>Means over windows of volumes; padding does not count.</summary>
        let averagePooling3DWith (options: PoolOptions) : Layer = of' Pool.averages[2] options

        /// <summary>Means over windows of volumes.</summary>
        let averagePooling3D (poolSize: int list) : Layer = averagePooling3DWith (Pool.options poolSize)

        let private globalOf (definitions: LayerClass<GlobalPoolOptions>[]) rank options =
            of' definitions[rank - 1] options

        /// <summary>The greatest value of all steps, per channel.</summary>
        let globalMaxPooling1DWith (options: GlobalPoolOptions) : Layer = globalOf GlobalPool.maxima 1 options

        /// <summary>The greatest value of an image, per channel.</summary>
        let globalMaxPooling2DWith (options: GlobalPoolOptions) : Layer = globalOf GlobalPool.maxima 2 options

        /// <summary>The greatest value of a volume, per channel.</summary>
        let globalMaxPooling3DWith (options: GlobalPoolOptions) : Layer = globalOf GlobalPool.maxima 3 options

        /// <summary>The mean of the unmasked steps, per channel.</summary>
        let globalAveragePooling1DWith (options: GlobalPoolOptions) : Layer = globalOf GlobalPool.averages 1 options

        /// <summary>The mean of an image, per channel.</summary>
        let globalAveragePooling2DWith (options: GlobalPoolOptions) : Layer = globalOf GlobalPool.averages 2 options

        /// <summary>The mean of a volume, per channel.</summary>
        let globalAveragePooling3DWith (options: GlobalPoolOptions) : Layer = globalOf GlobalPool.averages 3 options

        let private adaptiveOf (definitions: LayerClass<AdaptivePoolOptions>[]) rank options =
            of' definitions[rank - 1] options

        /// <summary>Greatest values over windows of steps, as many as asked for.</summary>
        let adaptiveMaxPooling1DWith (options: AdaptivePoolOptions) : Layer = adaptiveOf AdaptivePool.maxima 1 options

        /// <summary>Greatest values over windows of images, as many as asked for.</summary>
        let adaptiveMaxPooling2DWith (options: AdaptivePoolOptions) : Layer = adaptiveOf AdaptivePool.maxima 2 options

        /// <summary>Greatest values over windows of volumes, as many as asked for.</summary>
        let adaptiveMaxPooling3DWith (options: AdaptivePoolOptions) : Layer = adaptiveOf AdaptivePool.maxima 3 options

        /// <summary>Means over windows of steps, as many as asked for.</summary>
        let adaptiveAveragePooling1DWith (options: AdaptivePoolOptions) : Layer =
            adaptiveOf AdaptivePool.averages 1 options

        /// <summary>Means over windows of images, as many as asked for.</summary>
        let adaptiveAveragePooling2DWith (options: AdaptivePoolOptions) : Layer =
            adaptiveOf AdaptivePool.averages 2 options

        /// <summary>Means over windows of volumes, as many as asked for.</summary>
        let adaptiveAveragePooling3DWith (options: AdaptivePoolOptions) : Layer =
            adaptiveOf AdaptivePool.averages 3 options

        // ---- Normalisation

        /// <summary>A BatchNormalization layer.</summary>
        let batchNormalizationWith (options: BatchNormalizationOptions) : Layer =
            of' BatchNormalization.definition options

        /// <summary>A LayerNormalization layer.</summary>
        let layerNormalizationWith (options: LayerNormalizationOptions) : Layer =
            of' LayerNormalization.definition options

        /// <summary>A GroupNormalization layer.</summary>
        let groupNormalizationWith (options: GroupNormalizationOptions) : Layer =
            of' GroupNormalization.definition options

        /// <summary>A GroupNormalization layer with that many groups; -1 for one per channel. Keras's default: 32.</summary>
        let groupNormalization (groups: int) : Layer =
            groupNormalizationWith { GroupNormalization.options with Groups = groups }

        /// <summary>x / sqrt(mean(x^2) + epsilon), times a trained factor. Keras's defaults: the last axis and 1e-6.</summary>
        let rmsNormalization (axes: int list) (epsilon: float) : Layer = of' SmallNormalizations.rms (axes, epsilon)

        /// <summary>x divided by its norm over axes. Keras's default: the last.</summary>
        let unitNormalization (axes: int list) : Layer = of' SmallNormalizations.unit (axes, 1e-12)

        /// <summary>A layer whose kernel is divided, in every training step, by its largest singular value, found by so many
        /// steps of the power iteration. Keras's default: 1.</summary>
        let spectralNormalization (powerIterations: int) (layer: Layer) : Layer =
            of' SpectralNormalization.definition { Layer = layer; PowerIterations = powerIterations }

        // ---- Noise while training

        /// <summary>Drops elements with a probability while training, and scales the others up.</summary>
        let dropoutWith (options: DropoutOptions) : Layer = of' Dropout.plain options

        /// <summary>Drops elements with that probability while training, and scales the others up.</summary>
        let dropout (rate: float) : Layer = dropoutWith (Dropout.options rate)

        /// <summary>Drops whole channels of sequences.</summary>
        let spatialDropout1D (rate: float) : Layer = of' Dropout.spatial[0] (Dropout.options rate)

        /// <summary>Drops whole channels of images.</summary>
        let spatialDropout2D (rate: float) : Layer = of' Dropout.spatial[1] (Dropout.options rate)

        /// <summary>Drops whole channels of volumes.</summary>
        let spatialDropout3D (rate: float) : Layer = of' Dropout.spatial[2] (Dropout.options rate)

        /// <summary>SpatialDropout of 1 to 3 spatial axes with all arguments.</summary>
        let spatialDropoutWith (rank: int) (options: DropoutOptions) : Layer = of' Dropout.spatial[rank - 1] options

        /// <summary>Multiplies by normal noise of mean 1 while training.</summary>
        let gaussianDropoutWith (options: DropoutOptions) : Layer = of' Dropout.gaussian options

        /// <summary>Multiplies by normal noise of mean 1 and variance rate / (1 - rate) while training.</summary>
        let gaussianDropout (rate: float) : Layer = gaussianDropoutWith (Dropout.options rate)

        /// <summary>Dropout that keeps mean and variance after selu.</summary>
        let alphaDropoutWith (options: DropoutOptions) : Layer = of' Dropout.alpha options

        /// <summary>Dropout that keeps mean and variance after selu.</summary>
        let alphaDropout (rate: float) : Layer = alphaDropoutWith (Dropout.options rate)

        /// <summary>Adds normal noise of that standard deviation while training.</summary>
        let gaussianNoise (stddev: float) : Layer = of' Dropout.noise (stddev, None)

        /// <summary>GaussianNoise with a seed.</summary>
        let gaussianNoiseWith (stddev: float) (seed: int option) : Layer = of' Dropout.noise (stddev, seed)

        // ---- Attention

        /// <summary>An Attention layer: inputs query, value and perhaps key, each (batch, time, features).</summary>
        let attentionWith (options: AttentionOptions) : Layer = of' Attention.definition options

        /// <summary>An Attention layer with Keras's defaults.</summary>
        let attention: Layer = attentionWith Attention.options

        /// <summary>An AdditiveAttention layer: inputs query, value and perhaps key, each (batch, time, features).</summary>
        let additiveAttentionWith (options: AdditiveAttentionOptions) : Layer = of' AdditiveAttention.definition options

        /// <summary>An AdditiveAttention layer with Keras's defaults.</summary>
        let additiveAttention: Layer = additiveAttentionWith AdditiveAttention.options

        /// <summary>A MultiHeadAttention layer: inputs query, value and perhaps key, each (batch, time, features). With one
        /// input it attends to itself. Masks that come with the inputs count; others are given with Network.applyWith as
        /// query_mask, value_mask, key_mask (batch, time) or attention_mask (batch, queries, keys).</summary>
        let multiHeadAttentionWith (options: MultiHeadAttentionOptions) : Layer =
            of' MultiHeadAttention.definition options

        /// <summary>A MultiHeadAttention layer with Keras's defaults.</summary>
        let multiHeadAttention (numHeads: int) (keyDim: int) : Layer =
            multiHeadAttentionWith (MultiHeadAttention.options numHeads keyDim)

        /// <summary>A GroupQueryAttention layer: as MultiHeadAttention, with fewer heads of keys and values than of
        /// queries.</summary>
        let groupQueryAttentionWith (options: GroupQueryAttentionOptions) : Layer =
            of' GroupQueryAttention.definition options

        /// <summary>A GroupQueryAttention layer with Keras's defaults.</summary>
        let groupQueryAttention (headDim: int) (numQueryHeads: int) (numKeyValueHeads: int) : Layer =
            groupQueryAttentionWith (GroupQueryAttention.options headDim numQueryHeads numKeyValueHeads)

        // ---- Positions

        /// <summary>A PositionEmbedding layer (KerasHub): trained vectors of positions in the shape of the input (..., time,
        /// features); add them to it.</summary>
        let positionEmbeddingWith (options: PositionEmbeddingOptions) : Layer = of' PositionEmbedding.definition options

        /// <summary>A PositionEmbedding layer with KerasHub's defaults for at most that many steps.</summary>
        let positionEmbedding (sequenceLength: int) : Layer =
            positionEmbeddingWith (PositionEmbedding.options sequenceLength)

        /// <summary>A SinePositionEncoding layer (KerasHub): sines and cosines of positions in the shape of the input (...,
        /// time, features); add them to it.</summary>
        let sinePositionEncodingWith (options: SinePositionEncodingOptions) : Layer =
            of' SinePositionEncoding.definition options

        /// <summary>A SinePositionEncoding layer with KerasHub's defaults.</summary>
        let sinePositionEncoding: Layer = sinePositionEncodingWith SinePositionEncoding.options

        /// <summary>A RotaryEmbedding layer (KerasHub): turns the features of queries or keys by their positions.</summary>
        let rotaryEmbeddingWith (options: RotaryEmbeddingOptions) : Layer = of' RotaryEmbedding.definition options

        /// <summary>A RotaryEmbedding layer with KerasHub's defaults: input (batch, time, ..., features).</summary>
        let rotaryEmbedding: Layer = rotaryEmbeddingWith RotaryEmbedding.options

        // ---- Merging

        /// <summary>Its inputs joined along an axis.</summary>
        let concatenateOn (axis: int) : Layer = of' Merging.concatenate axis

        /// <summary>Products of two inputs, summed over one axis of each.</summary>
        let dotWith (options: DotOptions) : Layer = of' Dot.definition options

        /// <summary>Products of two inputs, summed over one axis of each.</summary>
        let dot (axes: int * int) : Layer = dotWith (Dot.options axes)

        // ---- Preparing data

        /// <summary>x scale + offset.</summary>
        let rescaling (scale: float) (offset: float) : Layer = of' Rescaling.definition (Rescaling.options scale offset)

        /// <summary>x scale + offset, with numbers of their own for every position of the last axis.</summary>
        let rescalingWith (options: RescalingOptions) : Layer = of' Rescaling.definition options

        /// <summary>(x - mean) / sqrt variance.</summary>
        let normalizationWith (options: NormalizationOptions) : Layer = of' Normalization.definition options

        /// <summary>(x - mean) / sqrt variance, one number per feature (last axis), or one for all.</summary>
        let normalization (mean: float list) (variance: float list) : Layer =
            normalizationWith { Normalization.options with Mean = mean; Variance = variance }

        /// <summary>Numbers to the bins they fall into.</summary>
        let discretizationWith (options: DiscretizationOptions) : Layer = of' Discretization.definition options

        /// <summary>Numbers to the numbers of the bins they fall into: int64, from 0.</summary>
        let discretization (binBoundaries: float list) : Layer =
            discretizationWith (Discretization.options binBoundaries)

        /// <summary>Integer categories to vectors. A second input, of the first one's shape, weighs counts.</summary>
        let categoryEncodingWith (options: CategoryEncodingOptions) : Layer = of' CategoryEncoding.definition options

        /// <summary>Integer categories, (batch, n), to one multi-hot vector per row.</summary>
        let categoryEncoding (numTokens: int) : Layer = categoryEncodingWith (CategoryEncoding.options numTokens)

        /// <summary>A short-time Fourier transform of signals, by convolution with kernels that are trained unless the layer is
        /// frozen.</summary>
        let stftSpectrogramWith (options: STFTSpectrogramOptions) : Layer = of' STFTSpectrogram.definition options

        /// <summary>Signals (batch, samples) to powers in bands of the mel scale, (batch, bands, time).</summary>
        let melSpectrogramWith (options: MelSpectrogramOptions) : Layer = of' MelSpectrogram.definition options

        // ---- Composition

        /// <summary>The same inputs to every layer; the outputs side by side.</summary>
        let parallel' (layers: Layer list) : Layer = of' Composition.branches layers

        /// <summary>The same inputs to every layer, and their outputs merged by a layer such as Layer.add or
        /// Layer.concatenate.</summary>
        let parallelMerge (merge: Layer) (layers: Layer list) : Layer = of' Composition.merged (layers, merge)

        /// <summary>x + layer x.</summary>
        let residual (layer: Layer) : Layer = of' Composition.residual layer

    // Properties, not values: every use is a layer of its own. One value used twice would be one layer with one set of weights.
    type Layer with

        /// <summary>Passes its input on.</summary>
        static member identity: Layer = LayerClass.layer PassThrough.identity ()

        /// <summary>A ReLU layer: max(x, 0).</summary>
        static member relu: Layer = LayerClass.layer ReLU.definition ReLU.options

        /// <summary>A PReLU layer with one slope per feature, starting at 0.</summary>
        static member pReLU: Layer = Layer.pReLUWith PReLU.options

        /// <summary>A Softmax layer over the last axis.</summary>
        static member softmax: Layer = Layer.softmaxOn [ -1 ]

        /// <summary>All axes but the batch in one: (n, a, b) to (n, a b).</summary>
        static member flatten: Layer = LayerClass.layer Reshaping.flatten DataFormat.ChannelsLast

        /// <summary>The greatest value of all steps, per channel.</summary>
        static member globalMaxPooling1D: Layer = Layer.globalMaxPooling1DWith GlobalPool.options

        /// <summary>The greatest value of an image, per channel.</summary>
        static member globalMaxPooling2D: Layer = Layer.globalMaxPooling2DWith GlobalPool.options

        /// <summary>The greatest value of a volume, per channel.</summary>
        static member globalMaxPooling3D: Layer = Layer.globalMaxPooling3DWith GlobalPool.options

        /// <summary>The mean of the unmasked steps, per channel.</summary>
        static member globalAveragePooling1D: Layer = Layer.globalAveragePooling1DWith GlobalPool.options

        /// <summary>The mean of an image, per channel.</summary>
        static member globalAveragePooling2D: Layer = Layer.globalAveragePooling2DWith GlobalPool.options

        /// <summary>The mean of a volume, per channel.</summary>
        static member globalAveragePooling3D: Layer = Layer.globalAveragePooling3DWith GlobalPool.options

        /// <summary>A BatchNormalization layer with Keras's defaults.</summary>
        static member batchNormalization: Layer = Layer.batchNormalizationWith BatchNormalization.options

        /// <summary>A LayerNormalization layer over the last axis.</summary>
        static member layerNormalization: Layer = Layer.layerNormalizationWith LayerNormalization.options

        /// <summary>The sum of its inputs.</summary>
        static member add: Layer = LayerClass.layer Merging.add ()

        /// <summary>The first input minus the second.</summary>
        static member subtract: Layer = LayerClass.layer Merging.subtract ()

        /// <summary>The product of its inputs.</summary>
        static member multiply: Layer = LayerClass.layer Merging.multiply ()

        /// <summary>The mean of its inputs.</summary>
        static member average: Layer = LayerClass.layer Merging.average ()

        /// <summary>The elementwise maximum of its inputs.</summary>
        static member maximum: Layer = LayerClass.layer Merging.maximum ()

        /// <summary>The elementwise minimum of its inputs.</summary>
        static member minimum: Layer = LayerClass.layer Merging.minimum ()

        /// <summary>Its inputs joined along the last axis.</summary>
        static member concatenate: Layer = LayerClass.layer Merging.concatenate -1
