namespace FunctionalNet

/// <summary>Makers of recurrent layers.</summary>
[<AutoOpen>]
module RecurrentShorthands =

    /// <summary>Making, composing and tracing layers.</summary>
    [<RequireQualifiedAccess>]
    module Layer =

        /// <summary>A SimpleRNN layer: (batch, time, features) to (batch, units), or (batch, time, units) with ReturnSequences.
        /// Further inputs are initial states.</summary>
        let simpleRNNWith (options: RecurrentOptions) : Layer = LayerClass.layer SimpleRNN.definition options

        /// <summary>A SimpleRNN layer with Keras's defaults.</summary>
        let simpleRNN (units: int) : Layer = simpleRNNWith (SimpleRNN.options units)

        /// <summary>An LSTM layer: (batch, time, features) to (batch, units), or (batch, time, units) with ReturnSequences.
        /// Further inputs are initial states, h and c.</summary>
        let lstmWith (options: RecurrentOptions) : Layer = LayerClass.layer LSTM.definition options

        /// <summary>An LSTM layer with Keras's defaults.</summary>
        let lstm (units: int) : Layer = lstmWith (LSTM.options units)

        /// <summary>A GRU layer: (batch, time, features) to (batch, units), or (batch, time, units) with ReturnSequences. A
        /// further input is the initial state.</summary>
        let gruWith (options: RecurrentOptions) : Layer = LayerClass.layer GRU.definition options

        /// <summary>A GRU layer with Keras's defaults.</summary>
        let gru (units: int) : Layer = gruWith (GRU.options units)

        /// <summary>One step of a SimpleRNN: inputs x and h, outputs y and h.</summary>
        let simpleRNNCellWith (options: RecurrentOptions) : Layer = LayerClass.layer SimpleRNN.cell options

        /// <summary>One step of an LSTM: inputs x, h and c, outputs y, h and c.</summary>
        let lstmCellWith (options: RecurrentOptions) : Layer = LayerClass.layer LSTM.cell options

        /// <summary>One step of a GRU: inputs x and h, outputs y and h.</summary>
        let gruCellWith (options: RecurrentOptions) : Layer = LayerClass.layer GRU.cell options

        /// <summary>A cell of cells: each takes the output of the one before.</summary>
        let stackedRNNCells (cells: Layer list) : Layer = LayerClass.layer RecurrentCell.stacked cells

        /// <summary>A cell over a sequence: (batch, time, ...) to the last output, or to all with ReturnSequences.</summary>
        let rnnWith (options: RNNOptions) : Layer = LayerClass.layer RNN.definition options

        /// <summary>A cell over a sequence, with Keras's defaults.</summary>
        let rnn (cell: Layer) : Layer = rnnWith (RNN.options cell)

        /// <summary>A recurrent layer in both directions.</summary>
        let bidirectionalWith (options: BidirectionalOptions) : Layer =
            LayerClass.layer Bidirectional.definition options

        /// <summary>A recurrent layer in both directions, outputs side by side.</summary>
        let bidirectional (layer: Layer) : Layer = bidirectionalWith (Bidirectional.options layer)

        /// <summary>A layer applied to every step of a sequence by itself: (batch, time, ...).</summary>
        let timeDistributed (layer: Layer) : Layer = LayerClass.layer TimeDistributed.definition layer

        /// <summary>A ConvLSTM over sequences of signals: (batch, time, length, channels).</summary>
        let convLSTM1DWith (options: ConvLSTMOptions) : Layer = LayerClass.layer ConvLSTM.definitions[0] options

        /// <summary>A ConvLSTM over sequences of images: (batch, time, height, width, channels).</summary>
        let convLSTM2DWith (options: ConvLSTMOptions) : Layer = LayerClass.layer ConvLSTM.definitions[1] options

        /// <summary>A ConvLSTM over sequences of volumes: (batch, time, depth, height, width, channels).</summary>
        let convLSTM3DWith (options: ConvLSTMOptions) : Layer = LayerClass.layer ConvLSTM.definitions[2] options

        /// <summary>A ConvLSTM1D layer with Keras's defaults.</summary>
        let convLSTM1D (filters: int) (kernelSize: int) : Layer =
            convLSTM1DWith (ConvLSTM.options filters [ kernelSize ])

        /// <summary>A ConvLSTM2D layer with Keras's defaults.</summary>
        let convLSTM2D (filters: int) (kernelSize: int list) : Layer =
            convLSTM2DWith (ConvLSTM.options filters kernelSize)

        /// <summary>A ConvLSTM3D layer with Keras's defaults.</summary>
        let convLSTM3D (filters: int) (kernelSize: int list) : Layer =
            convLSTM3DWith (ConvLSTM.options filters kernelSize)
