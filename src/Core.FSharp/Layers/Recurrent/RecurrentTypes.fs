namespace FunctionalNet

/// <summary>Options of the recurrent layers.</summary>
[<AutoOpen>]
module RecurrentTypes =

    /// <summary>Arguments of SimpleRNN, LSTM, GRU and their cells; <c>LSTM.options units</c> and its like have Keras's
    /// defaults. Arguments of the loop, from ReturnSequences on, mean nothing to a cell.</summary>
    [<NoEquality; NoComparison>]
    type RecurrentOptions =
        {
            /// <summary>Size of the output and of every state.</summary>
            Units: int
            /// <summary>Function of the new value. Default: tanh.</summary>
            Activation: Activation
            /// <summary>Function of the gates of LSTM and GRU. Default: sigmoid.</summary>
            RecurrentActivation: Activation
            /// <summary>Default: true.</summary>
            UseBias: bool
            /// <summary>LSTM: the forget gate's bias starts at 1, so that a new layer remembers. Default: true.</summary>
            UnitForgetBias: bool
            /// <summary>GRU: the reset gate acts after the product with the recurrent kernel (as in cuDNN), not before.
            /// Default: true.</summary>
            ResetAfter: bool
            /// <summary>Shape (inputs, gates * units); gates in Keras's order: LSTM i, f, c, o; GRU z, r, h. Default: Glorot
            /// uniform.</summary>
            Kernel: WeightOptions
            /// <summary>Shape (units, gates * units). Default: orthogonal.</summary>
            Recurrent: WeightOptions
            /// <summary>Shape (gates * units), and (2, gates * units) for a GRU with ResetAfter. Default: zeros.</summary>
            Bias: WeightOptions
            /// <summary>Penalty on the output, summed over the whole batch.</summary>
            ActivityRegularizer: Regularizer option
            /// <summary>Share of the inputs that is dropped while training: one mask for all steps. Default: 0.</summary>
            Dropout: float
            /// <summary>Share of the states that is dropped while training: one mask per gate for all steps. Default: 0.</summary>
            RecurrentDropout: float
            /// <summary>Chooses another stream of random numbers under the same model seed.</summary>
            Seed: int option
            /// <summary>The outputs of all steps, (batch, time, units), in place of the last. Default: false.</summary>
            ReturnSequences: bool
            /// <summary>The last states follow the output (LSTM: h, then c). Default: false.</summary>
            ReturnState: bool
            /// <summary>From the last step to the first; outputs come in that order. Default: false.</summary>
            GoBackwards: bool
            /// <summary>A batch starts with the states at which the batch before ended, row by row, until the model's states
            /// are reset. Needs a fixed batch size. Default: false.</summary>
            Stateful: bool
            /// <summary>The steps one by one in the graph, in place of a loop: the same values. Default: false.</summary>
            Unroll: bool
            /// <summary>A masked step gives zeros, in place of the output before. Default: false.</summary>
            ZeroOutputForMask: bool
        }

    /// <summary>Arguments of RNN; <c>RNN.options cell</c> has Keras's defaults.</summary>
    [<NoEquality; NoComparison>]
    type RNNOptions =
        {
            /// <summary>What a step does: LSTMCell, StackedRNNCells, or a cell of your own.</summary>
            Cell: Layer
            /// <summary>Penalty on the output, summed over the whole batch.</summary>
            ActivityRegularizer: Regularizer option
            /// <summary>The outputs of all steps in place of the last. Default: false.</summary>
            ReturnSequences: bool
            /// <summary>The last states follow the output. Default: false.</summary>
            ReturnState: bool
            /// <summary>From the last step to the first; outputs come in that order. Default: false.</summary>
            GoBackwards: bool
            /// <summary>A batch starts with the states at which the batch before ended. Default: false.</summary>
            Stateful: bool
            /// <summary>The steps one by one in the graph, in place of a loop. Default: false.</summary>
            Unroll: bool
            /// <summary>A masked step gives zeros, in place of the output before. Default: false.</summary>
            ZeroOutputForMask: bool
        }

/// Fields of the arguments that say how a recurrent layer runs over its sequence.
module internal LoopField =

    let once: LoopFlags =
        { Sequences = false
          States = false
          Backwards = false
          Stateful = false
          Unrolled = false
          ZeroMasked = false }

    let all (get: 'o -> LoopFlags) (set: LoopFlags -> 'o -> 'o) : Field<'o> list =
        let flag key of' with' = Field.bool key (fun o -> of' (get o)) (fun v o -> set (with' v (get o)) o)

        [ flag "return_sequences" (fun f -> f.Sequences) (fun v f -> { f with Sequences = v })
          flag "return_state" (fun f -> f.States) (fun v f -> { f with States = v })
          flag "go_backwards" (fun f -> f.Backwards) (fun v f -> { f with Backwards = v })
          flag "stateful" (fun f -> f.Stateful) (fun v f -> { f with Stateful = v })
          flag "unroll" (fun f -> f.Unrolled) (fun v f -> { f with Unrolled = v })
          flag "zero_output_for_mask" (fun f -> f.ZeroMasked) (fun v f -> { f with ZeroMasked = v })
          // Keras 2 had another order of the axes as an option, and two ways to compute the same.
          Field.fixedTo "time_major" [ Bool false ] ]
