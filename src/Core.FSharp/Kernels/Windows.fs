namespace FunctionalNet.Kernels

open System
open System.Globalization
open Microsoft.FSharp.NativeInterop
open FunctionalNet

/// Sliding windows over up to three spatial dims, written as three with leading ones.
[<Sealed>]
type internal Windows(inSpatial: int[], window: int[], strides: int[], dilations: int[], padLow: int[], padHigh: int[])
    =

    let lead (one: int) (v: int[]) = Array.append (Array.create (3 - v.Length) one) v

    do
        let bad (what: string) (value: int) =
            raise (
                ShapeException(
                    "Windows do not fit.",
                    what,
                    "1 to 3 spatial dims, sizes and strides of at least 1, padding of at least 0",
                    value.ToString CultureInfo.InvariantCulture,
                    ""
                )
            )

        let rank = inSpatial.Length
        if rank < 1 || rank > 3 then bad "spatial dims" rank

        for v in [| window; strides; dilations; padLow; padHigh |] do
            if v.Length <> rank then bad "spatial dims" v.Length

        for i in 0 .. rank - 1 do
            if window[i] < 1 then bad "window" window[i]
            if strides[i] < 1 then bad "stride" strides[i]
            if dilations[i] < 1 then bad "dilation" dilations[i]
            if padLow[i] < 0 then bad "padding" padLow[i]
            if padHigh[i] < 0 then bad "padding" padHigh[i]

    let input = lead 1 inSpatial
    let size = lead 1 window
    let step = lead 1 strides
    let spread = lead 1 dilations
    let low = lead 0 padLow
    let high = lead 0 padHigh

    let output =
        Array.init 3 (fun i ->
            let room = input[i] + low[i] + high[i] - ((size[i] - 1) * spread[i] + 1)
            if room < 0 then 0 else room / step[i] + 1)

    member _.In = input
    member _.Out = output
    member _.Window = size
    member _.Stride = step
    member _.Dilation = spread
    member _.PadLow = low
    member _.PadHigh = high

    /// Positions of the input.
    member _.InSize = input[0] * input[1] * input[2]

    /// Positions of the output.
    member _.OutSize = output[0] * output[1] * output[2]

    /// Positions of a window.
    member _.WindowSize = size[0] * size[1] * size[2]

/// Offsets in bytes, listed when a kernel is made.
[<Sealed>]
type internal OffsetTable(values: nativeint[]) =
    let buffer = Buffer(int64 values.Length * 8L)
    do ReadOnlySpan<nativeint>(values).CopyTo(Span<nativeint>(buffer.Pointer.ToPointer(), values.Length))

    /// The entries from one on. It asks the buffer, which thereby stays alive with the table: a binding that only the
    /// constructor uses would not be kept.
    member _.From(i: int) = NativePtr.add (NativePtr.ofNativeInt<nativeint> buffer.Pointer) i
