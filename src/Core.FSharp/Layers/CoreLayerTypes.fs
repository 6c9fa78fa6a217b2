namespace FunctionalNet

/// <summary>Options of Dense, EinsumDense and Embedding.</summary>
[<AutoOpen>]
module CoreLayerTypes =

    /// <summary>Arguments of Dense; <c>Dense.options units</c> has Keras's defaults.</summary>
    [<NoEquality; NoComparison>]
    type DenseOptions =
        {
            /// <summary>Size of the output's last axis.</summary>
            Units: int
            /// <summary>Default: linear.</summary>
            Activation: Activation
            /// <summary>Default: true.</summary>
            UseBias: bool
            /// <summary>Shape (inputs, units). Default: Glorot uniform.</summary>
            Kernel: WeightOptions
            /// <summary>Shape (units). Default: zeros.</summary>
            Bias: WeightOptions
            /// <summary>Penalty on the output, summed over the whole batch.</summary>
            ActivityRegularizer: Regularizer option
            /// <summary>Low-rank adaptation of the kernel. Default: none.</summary>
            Lora: LoraOptions
        }

    /// <summary>Arguments of EinsumDense; <c>EinsumDense.options equation outputShape</c> has Keras's defaults.</summary>
    [<NoEquality; NoComparison>]
    type EinsumDenseOptions =
        {
            /// <summary>Such as "abc,cd->abd" or "...x,xy->...y": input, kernel, output.</summary>
            Equation: string
            /// <summary>Sizes of the output's last axes, without the batch; None where the input decides.</summary>
            OutputShape: int option list
            /// <summary>Default: linear.</summary>
            Activation: Activation
            /// <summary>The output's axes that have a bias, such as "d"; None for no bias.</summary>
            BiasAxes: string option
            /// <summary>Default: Glorot uniform.</summary>
            Kernel: WeightOptions
            /// <summary>Default: zeros.</summary>
            Bias: WeightOptions
            /// <summary>Penalty on the output, summed over the whole batch.</summary>
            ActivityRegularizer: Regularizer option
            /// <summary>Low-rank adaptation of the kernel. Default: none.</summary>
            Lora: LoraOptions
        }

    /// <summary>Arguments of Embedding; <c>Embedding.options inputDim outputDim</c> has Keras's defaults.</summary>
    [<NoEquality; NoComparison>]
    type EmbeddingOptions =
        {
            /// <summary>Number of different ids: ids are 0 .. InputDim - 1.</summary>
            InputDim: int
            /// <summary>Size of a vector.</summary>
            OutputDim: int
            /// <summary>True if id 0 is padding, to be masked.</summary>
            MaskZero: bool
            /// <summary>Shape (InputDim, OutputDim). Default: uniform in -0.05..0.05.</summary>
            Embeddings: WeightOptions
            /// <summary>Penalty on the output, summed over the whole batch.</summary>
            ActivityRegularizer: Regularizer option
            /// <summary>The first vectors, shape (InputDim, OutputDim), in place of what the initializer draws. Not a part of the
            /// configuration.</summary>
            Weights: Tensor option
            /// <summary>Low-rank adaptation of the vectors. Default: none.</summary>
            Lora: LoraOptions
        }
