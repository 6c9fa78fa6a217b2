namespace FunctionalNet.Compiler

open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph

/// Values between layers that a policy rounds to 16 bits: what of them is known from the way they are made.
module internal Halves =

    /// True for the way from 16 bits to 32.
    let isWidening (node: Expr) =
        match node.Op with
        | Cast DType.Float32 -> node.Inputs[0].DType = DType.BFloat16
        | _ -> false

    let isNarrowing (node: Expr) =
        match node.Op with
        | Cast DType.BFloat16 -> true
        | _ -> false

    /// True for a float that rounding to 16 bits does not change.
    let holds (value: float) = float (BFloat16.OfSingle(float32 value).ToSingle()) = value

    /// Windows that do not share positions: each takes its number from one place and hands it back to one.
    let private isApart (spec: PoolSpec) = Array.forall2 (<=) spec.Window spec.Strides

    /// True if 16 bits hold every element of a value of 32, because of how it is made. `fits` knows that of operands.
    let fits (fits: Expr -> bool) (node: Expr) : bool =
        node.DType = DType.Float32
        && match node.Op with
           | Cast _ -> isWidening node || node.Inputs[0].DType = DType.Bool
           | Constant t when t.Size = 1 -> t.BitEquals(t.Cast(DType.BFloat16).Cast DType.Float32)
           | Unary UnaryOp.Sign -> true
           | Unary(UnaryOp.Relu | UnaryOp.Neg | UnaryOp.Abs)
           | Binary(BinaryOp.Max | BinaryOp.Min)
           | Concat _
           | StopGradient
           | Broadcast _
           | Reshape _
           | Transpose _
           | Slice _
           | Reverse _ -> Array.forall fits node.Inputs
           | Pad(_, _, _, value) -> holds value && fits node.Inputs[0]
           | MaxPool _
           | TakeAlong _
           | Gather _ -> fits node.Inputs[0]
           | MaxPoolGrad spec
           | MaxPoolGather spec when isApart spec -> fits node.Inputs[1]
           | SumPoolGrad(spec, _) when isApart spec -> fits node.Inputs[0]
           | Select -> fits node.Inputs[1] && fits node.Inputs[2]
           | _ -> false

    /// What is known of nodes, each looked at once.
    [<Sealed>]
    type Known() =
        let known = Dictionary<Expr, bool>(HashIdentity.Reference)

        /// True if 16 bits hold every element.
        member this.Fits(node: Expr) : bool =
            match known.TryGetValue node with
            | true, f -> f
            | _ ->
                let f = fits this.Fits node
                known[node] <- f
                f
