namespace FunctionalNet.Training

open System
open FunctionalNet
open FunctionalNet.Kernels

/// The first values of variables, drawn on all threads: each element is a function of its number, so it does not matter
/// by whom.
[<Sealed>]
type internal FirstValues private (seed: uint64, variables: struct (VariableSpec * Variable)[]) =
    inherit Kernel()

    static let part = 1 <<< 16

    /// The first chunk of each variable, and the number of all.
    let starts =
        let starts = Array.zeroCreate<int>(variables.Length + 1)

        for i in 0 .. variables.Length - 1 do
            let struct (spec, _) = variables[i]
            starts[i + 1] <- starts[i] + (spec.Shape.Size + part - 1) / part

        starts

    override _.Chunks(_) = starts[variables.Length]

    override _.Run(_, chunk) =
        let mutable i = 0

        while starts[i + 1] <= chunk do
            i <- i + 1

        let struct (spec, variable) = variables[i]
        let first = (chunk - starts[i]) * part
        let count = min part (spec.Shape.Size - first)
        Layer.draw seed spec first (variable.Memory.Slice(4 * first, 4 * count))

    /// Draws them. Initializers that know no parts, such as a user's own, run one after the other on this thread.
    static member Draw(seed: uint64, variables: struct (VariableSpec * Variable)[]) : unit =
        let inParts, whole = variables |> Array.partition (fun struct (spec, _) -> Layer.isDrawnInParts spec)

        Workers.Run(FirstValues(seed, inParts))

        for struct (spec, variable) in whole do
            Layer.draw seed spec 0 variable.Memory

        for struct (_, variable) in variables do
            variable.Buffer.Touch()
