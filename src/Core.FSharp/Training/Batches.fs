namespace FunctionalNet.Training

open System
open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Common
open FunctionalNet.Kernels

/// Orders of samples, and the copying of batches. Nothing here allocates per batch.
module internal Batches =

    /// 0 .. n - 1.
    let inOrder (order: int[]) =
        for i in 0 .. order.Length - 1 do
            order[i] <- i

    let private stream = Philox.streamOf "shuffle"

    /// A permutation that depends on seed and epoch only (Fisher and Yates).
    let shuffle (seed: uint64) (epoch: int64) (order: int[]) =
        inOrder order

        for i in order.Length - 1 .. -1 .. 1 do
            let word = Philox.bits seed stream (uint32 epoch) (int64 i)
            // The high word of a product: no division, and a bias below 2^-32 * n.
            let j = int ((uint64 word * uint64 (i + 1)) / 4294967296UL)
            let kept = order[i]
            order[i] <- order[j]
            order[j] <- kept

    /// Copies the rows order[first], order[first + 1], ... to memory.
    let private gather (source: Tensor) (order: int[]) (first: int) (count: int) (target: Buffer) =
        if target.Bytes > 0L then
            let bytes = source.Bytes
            let row = bytes.Length / source.Shape[0]
            let memory = Span<byte>(target.Pointer.ToPointer(), row * count)

            for i in 0 .. count - 1 do
                bytes.Slice(order[first + i] * row, row).CopyTo(memory.Slice(i * row, row))

    /// Fills the memory of a step with a batch of its size.
    let fill (data: PreparedData) (order: int[]) (first: int) (step: BoundStep) =
        let count = step.Rows

        for i in 0 .. data.Inputs.Length - 1 do
            gather data.Inputs[i] order first count step.Inputs[i]

        for i in 0 .. step.Targets.Length - 1 do
            gather data.Targets[i] order first count step.Targets[i]

        for i in 0 .. step.Weights.Length - 1 do
            match data.Weights[i] with
            | ValueSome w -> gather w order first count step.Weights[i]
            | ValueNone -> ()

    /// How many samples of n are for training, when the last part of them is for validation.
    let split (n: int) (part: float) : int =
        if not (part > 0.0 && part < 1.0) then
            raise (
                ArgumentValueException(
                    "The validation split is not valid.",
                    "validation_split",
                    "a number above 0 and below 1",
                    Texts.ofFloat part,
                    "0.2 keeps the last fifth of the data for validation."
                )
            )

        let kept = int (Math.Floor(float n * (1.0 - part)))

        if kept = 0 || kept = n then
            raise (
                DataException(
                    "The validation split leaves nothing to train or to validate with.",
                    "validation_split",
                    "at least one sample on either side",
                    string kept + " and " + string (n - kept) + " of " + string n,
                    "Use another split, or more data."
                )
            )

        kept
