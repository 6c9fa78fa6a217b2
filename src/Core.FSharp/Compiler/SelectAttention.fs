namespace FunctionalNet.Compiler

open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels

/// Kernels of attention.
module internal SelectAttention =

    /// A composite of attention that has a kernel.
    type AttentionWork =
        | AttentionForward of AttentionPattern
        | AttentionBackward of AttentionPattern

    let (|Attention|_|) (op: Op) =
        match op with
        | Structured(:? DotProductAttention as a) -> Some(AttentionForward a.Pattern)
        | Structured(:? DotProductAttentionGrad as a) -> Some(AttentionBackward a.Pattern)
        | _ -> None

    let private isBackward (work: AttentionWork) =
        match work with
        | AttentionForward _ -> false
        | AttentionBackward _ -> true

    /// Where the mask is among the inputs, if there is one.
    let private maskIndex (work: AttentionWork) = if isBackward work then 6 else 3

    let private spec (work: AttentionWork) (inputs: TensorType[]) : AttentionSpec =
        let pattern =
            match work with
            | AttentionForward p
            | AttentionBackward p -> p

        let q, k, v = inputs[0].Shape, inputs[1].Shape, inputs[2].Shape
        let at = maskIndex work

        { Batch = q[0]
          Queries = q[1]
          Keys = k[1]
          Heads = q[2]
          Groups = k[2]
          KeySize = q[3]
          ValueSize = v[3]
          Scale = pattern.Scale
          Causal = pattern.Causal
          Window = pattern.Window
          Mask = if inputs.Length > at then (inputs[at].Shape.ToArray())[..2] else [||] }

    /// True if the keys are not too many for a kernel.
    let fits (inputs: Expr[]) = Kernels.Attention.Fits(inputs[0].DType, inputs[1].Shape[1])

    /// Floating-point operations of the products.
    let flops (work: AttentionWork) (inputs: TensorType[]) : int64 =
        let s = spec work inputs
        let pairs = int64 s.Batch * int64 s.Heads * int64 s.Queries * int64 s.Keys

        if isBackward work then
            2L * pairs * int64 (3 * s.KeySize + 2 * s.ValueSize)
        else
            2L * pairs * int64 (s.KeySize + s.ValueSize)

    let workspace (work: AttentionWork) (inputs: TensorType[]) : int64 =
        Kernels.Attention.Workspace(inputs[0].DType, spec work inputs, isBackward work)

    /// The kernel over the places of inputs and results, in the composite's order.
    let kernel
        (work: AttentionWork)
        (inputs: TensorType[])
        (src: nativeint[])
        (dst: nativeint[])
        (workspace: nativeint)
        : Kernel =
        let s = spec work inputs
        let at = maskIndex work
        let mask = if src.Length > at then src[at] else 0n
        let dtype = inputs[0].DType

        match work with
        | AttentionForward _ ->
            let q, k, v = src[0], src[1], src[2]
            Kernels.Attention.Forward(dtype, s, q, k, v, mask, dst[0], dst[1], workspace, Width.current)
        | AttentionBackward _ -> Kernels.Attention.Backward(dtype, s, src, mask, dst, workspace, Width.current)
