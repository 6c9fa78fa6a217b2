namespace FunctionalNet.Compiler

open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels

/// Kernels of recurrent sequences.
module internal SelectSequence =

    /// A composite over a sequence that has a kernel.
    type RecurrentSequence =
        | LstmForward of LstmSequence
        | LstmBackward of LstmSequenceGrad
        | GruForward of GruSequence
        | GruBackward of GruSequenceGrad

    let (|Sequence|_|) (op: Op) =
        match op with
        | Structured(:? LstmSequence as s) -> Some(LstmForward s)
        | Structured(:? LstmSequenceGrad as s) -> Some(LstmBackward s)
        | Structured(:? GruSequence as s) -> Some(GruForward s)
        | Structured(:? GruSequenceGrad as s) -> Some(GruBackward s)
        | _ -> None

    /// The recurrent kernel among the inputs.
    let private matrix (sequence: RecurrentSequence) =
        match sequence with
        | LstmForward _
        | GruForward _ -> 1
        | LstmBackward _
        | GruBackward _ -> 3

    let private shape (sequence: RecurrentSequence) (inputs: TensorType[]) : RecurrentShape =
        let options =
            match sequence with
            | LstmForward s -> s.Options
            | LstmBackward s -> s.Options
            | GruForward s -> s.Options
            | GruBackward s -> s.Options

        { Batch = inputs[0].Shape[0]
          Time = inputs[0].Shape[1]
          Units = inputs[matrix sequence].Shape[0]
          Reverse = options.Reverse }

    /// Floating-point operations of the products.
    let flops (sequence: RecurrentSequence) (inputs: TensorType[]) : int64 =
        2L * int64 inputs[matrix sequence].Shape.Size * int64 inputs[0].Shape[0] * int64 inputs[0].Shape[1]

    /// Pairs (output, input) of which the first may lie over the second: the gates over the pre-activations they come from,
    /// and the gradient of those over the gates.
    let overlays (sequence: RecurrentSequence) : (int * int)[] =
        match sequence with
        | LstmForward _ -> [| (4, 0) |]
        | LstmBackward _ -> [| (0, 0) |]
        | GruForward _
        | GruBackward _ -> [||]

    let workspace (sequence: RecurrentSequence) (inputs: TensorType[]) : int64 =
        let shape = shape sequence inputs

        match sequence with
        | LstmForward _ -> Lstm.Workspace(shape, false)
        | LstmBackward _ -> Lstm.Workspace(shape, true)
        | GruForward _ -> Gru.Workspace(shape, false)
        | GruBackward _ -> Gru.Workspace(shape, true)

    /// The kernel over the places of inputs and results, in the composite's order.
    let kernel
        (sequence: RecurrentSequence)
        (inputs: TensorType[])
        (src: nativeint[])
        (dst: nativeint[])
        (work: nativeint)
        : Kernel =
        let shape = shape sequence inputs
        let optional isThere i = if isThere then src[i] else 0n

        match sequence with
        | LstmForward s ->
            let data: LstmData =
                { Input = src[0]
                  Kernel = src[1]
                  H0 = src[2]
                  C0 = src[3]
                  Mask = optional s.Options.Masked 4
                  States = dst[0]
                  LastH = dst[1]
                  LastC = dst[2]
                  Cells = dst[3]
                  Gates = dst[4] }

            Lstm.Forward(shape, data, work)
        | LstmBackward s ->
            let data: LstmGradData =
                { Gates = src[0]
                  Cells = src[1]
                  C0 = src[2]
                  Kernel = src[3]
                  LastH = src[4]
                  LastC = src[5]
                  States = optional s.Inner 6
                  Mask = optional s.Options.Masked (src.Length - 1)
                  Input = dst[0]
                  H0 = dst[1]
                  C0Gradient = dst[2] }

            Lstm.Backward(shape, data, work)
        | GruForward s ->
            let data: GruData =
                { Input = src[0]
                  Kernel = src[1]
                  Bias = src[2]
                  H0 = src[3]
                  Mask = optional s.Options.Masked 4
                  States = dst[0]
                  LastH = dst[1]
                  Gates = dst[2] }

            Gru.Forward(shape, data, work)
        | GruBackward s ->
            let data: GruGradData =
                { Gates = src[0]
                  States = src[1]
                  H0 = src[2]
                  Kernel = src[3]
                  LastH = src[4]
                  Cotangent = optional s.Inner 5
                  Mask = optional s.Options.Masked (src.Length - 1)
                  Input = dst[0]
                  Product = dst[1]
                  H0Gradient = dst[2] }

            Gru.Backward(shape, data, work)
