namespace FunctionalNet.Kernels

open Microsoft.FSharp.NativeInterop
open FunctionalNet

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// What becomes of the results of a convolution while they are in registers, instead of in a pass over memory: numbers
/// are added, negative ones become zero, and of each 2 x 2 positions only the largest is kept.
[<Struct; NoEquality; NoComparison>]
type internal ConvEnding =
    {
        /// Where the numbers to be added are, one for each channel; 0 for none.
        Bias: nativeint
        /// Whether results are rounded to 16 bits, before negative ones become zero.
        Rounds: bool
        /// Whether negative results become zero.
        Rectifies: bool
        /// Whether results, which are rounded, are written in 16 bits.
        IsNarrow: bool
        /// Whether windows of 2 x 2 positions, side by side, become one position; a last odd row or column is dropped.
        Pools: bool
    }

    /// Results are written as they are.
    static member None = { Bias = 0n; Rounds = false; Rectifies = false; IsNarrow = false; Pools = false }

    /// True when there is nothing to do.
    member this.IsNone = this.Bias = 0n && not this.Rounds && not this.Rectifies && not this.Pools

    /// Whether results have to do with 16 bits at all.
    member this.IsHalf = this.Rounds || this.IsNarrow

    /// Bytes of a result where these are `size` bytes of a number in registers.
    member this.Bytes(size: nativeint) : nativeint = if this.IsNarrow then 2n else size

/// Whether a loop knows of results in 16 bits. Loops ask their type instead of the ending, for each result otherwise pays for
/// code that it does not run.
type internal IResultForm =
    static abstract IsHalf: bool

/// Results are whole numbers: nothing is rounded, and all their bits are written.
[<Struct; NoEquality; NoComparison>]
type internal FullResults =
    interface IResultForm with
        static member IsHalf = false

/// Results may be rounded, and be written in 16 bits.
[<Struct; NoEquality; NoComparison>]
type internal HalfResults =
    interface IResultForm with
        static member IsHalf = true

/// The arithmetic of endings. Adding, rounding and rectifying keep the order of numbers, so they come after the largest was found.
[<AbstractClass; Sealed>]
type internal ConvEndings<'F, 'W, 'V, 'T
    when 'F: struct and 'F :> IResultForm and 'W: struct and 'W :> ILanes<'V, 'T>> private () =

    /// The numbers for `count` channels from one on.
    static member inline Bias(ending: ConvEnding, channel: nativeint, count: int) : 'V =
        if ending.Bias = 0n then 'W.Zero
        elif count = 'W.Count then 'W.Load(ending.Bias + channel)
        else 'W.LoadFirst(ending.Bias + channel, count)

    /// What results must not be less than: below it they become zero.
    static member inline Limit(ending: ConvEnding, lowest: 'T) : 'V =
        if ending.Rectifies then 'W.Zero else 'W.Create lowest

    /// The end of a result; NaN stays NaN.
    static member inline End(ending: ConvEnding, v: 'V, bias: 'V, limit: 'V) : 'V =
        let v = 'W.Add(v, bias)
        let v = if 'F.IsHalf && ending.Rounds then HalfRounding<'W, 'V, 'T>.Round v else v
        'W.AndNot(v, 'W.Less(v, limit))

    /// The first results of a vector, in 16 bits.
    static member PutFewHalves(p: nativeint, count: int, v: 'V) : unit =
        let aside = NativePtr.toNativeInt (NativePtr.stackalloc<byte> 64)
        'W.StoreHalves(aside, v)
        Mem.copy p aside (2L * int64 count)

    /// Writes the first `count` results of a vector.
    static member inline Put(ending: ConvEnding, p: nativeint, count: int, v: 'V) : unit =
        if 'F.IsHalf && ending.IsNarrow then
            if count = 'W.Count then
                'W.StoreHalves(p, v)
            else
                ConvEndings<'F, 'W, 'V, 'T>.PutFewHalves(p, count, v)
        elif count = 'W.Count then
            'W.Store(p, v)
        else
            'W.StoreFirst(p, count, v)
