namespace FunctionalNet.Training

open System
open System.Runtime.InteropServices
open System.Runtime.Intrinsics
open Microsoft.FSharp.NativeInterop
open FunctionalNet
open FunctionalNet.Common
open FunctionalNet.Kernels

/// The first values of variables, drawn on all threads: each element is a function of its number, so it does not matter
/// by whom.
[<Sealed>]
type internal FirstValues private (seed: uint64, variables: struct (VariableSpec * Variable)[]) =
    inherit Kernel()

    static let part = 1 <<< 16

    /// The nearest float32 numbers.
    static let round (values: Span<float>, target: Span<float32>) : unit =
        let halves = MemoryMarshal.Cast<float, Vector256<float>> values
        let lanes = Vector256<float32>.Count

        for i in 0 .. halves.Length / 2 - 1 do
            Vector256.Narrow(halves[2 * i], halves[2 * i + 1]).CopyTo(target.Slice(i * lanes))

        for i in halves.Length / 2 * lanes .. values.Length - 1 do
            target[i] <- float32 values[i]

    /// True if the elements can be drawn in any order, and on any thread.
    static let isDrawnInParts (spec: VariableSpec) : bool =
        match box spec.Initializer.Create with
        | :? Draw -> spec.DType = DType.Float32
        | _ -> false

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

        match box spec.Initializer.Create with
        | :? Draw as draw ->
            let stream = Philox.streamOf spec.Path
            let first = (chunk - starts[i]) * part
            let count = min part (spec.Shape.Size - first)
            let target = Span<float32>((variable.Buffer.Pointer + nativeint (4 * first)).ToPointer(), count)
            let some = Span<float>(NativePtr.toVoidPtr (NativePtr.stackalloc<float> 512), 512)
            let mutable at = 0

            while at < count do
                let values = some.Slice(0, min some.Length (count - at))
                draw.Fill(seed, stream, spec.Shape, first + at, values)

                round (values, target.Slice(at, values.Length))

                at <- at + values.Length
        | _ -> ()

    /// Draws them. Initializers that know no parts, such as a user's own, run one after the other on this thread.
    static member Draw(seed: uint64, variables: struct (VariableSpec * Variable)[]) : unit =
        let inParts, whole = variables |> Array.partition (fun struct (spec, _) -> isDrawnInParts spec)
        Workers.Run(FirstValues(seed, inParts))

        for struct (_, variable) in inParts do
            variable.Buffer.Touch()

        for struct (spec, variable) in whole do
            let values = spec.Initializer.Create seed (Philox.streamOf spec.Path) spec.Shape
            variable.Set(Tensor.OfDoubles(spec.DType, spec.Shape, values))
