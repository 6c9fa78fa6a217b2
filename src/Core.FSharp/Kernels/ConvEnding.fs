namespace FunctionalNet.Kernels

open Microsoft.FSharp.NativeInterop
open FunctionalNet

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// What becomes of the results of a convolution while they are in registers, instead of in a pass over memory: numbers
/// are added, negative ones become zero, and of each 2 x 2 positions only the largest is kept; or they are masked.
[<Struct; NoEquality; NoComparison>]
type internal ConvEnding =
    {
        /// Where the numbers to be added are, one for each channel; 0 for none.
        Bias: nativeint
        /// Where numbers to be added after those are, laid out as the results; 0 for none. Winograd's method alone takes them,
        /// without rounding and pooling.
        Addend: nativeint
        /// Whether results are rounded to 16 bits, before negative ones become zero.
        Rounds: bool
        /// Whether negative results become zero.
        Rectifies: bool
        /// Whether results, which are rounded, are written in 16 bits.
        IsNarrow: bool
        /// Whether windows of 2 x 2 positions, side by side, become one position; a last odd row or column is dropped.
        Pools: bool
        /// Where a pooling by Winograd's method, without rounding, writes which position of each window it kept (`Places`); 0 for
        /// nowhere.
        Places: nativeint
        /// Where numbers stand, laid out as the results, of which only those above zero leave the result at their place as it is:
        /// the others make it zero; 0 for none. The results may be written over them. Winograd's method alone takes them, and
        /// nothing else with them.
        Mask: nativeint
    }

    /// Results are written as they are.
    static member None =
        { Bias = 0n
          Addend = 0n
          Rounds = false
          Rectifies = false
          IsNarrow = false
          Pools = false
          Places = 0n
          Mask = 0n }

    /// Whether results have to do with 16 bits at all.
    member this.IsHalf = this.Rounds || this.IsNarrow

    /// Bytes of a result where these are `size` bytes of a number in registers.
    member this.Bytes(size: nativeint) : nativeint = if this.IsNarrow then 2n else size

/// What a loop knows to do with results beside adding a bias and rectifying. Loops ask their type instead of the ending, for
/// each result otherwise pays for code that it does not run.
type internal IResultForm =
    /// Whether results may be rounded, and be written in 16 bits.
    static abstract IsHalf: bool
    /// Whether numbers laid out as the results are added.
    static abstract IsSum: bool
    /// Whether numbers laid out as the results mask them.
    static abstract IsMasked: bool
    /// Whether the places of what a pooling kept are written.
    static abstract IsPlaced: bool

/// Nothing else.
[<Struct; NoEquality; NoComparison>]
type internal FullResults =
    interface IResultForm with
        static member IsHalf = false
        static member IsSum = false
        static member IsMasked = false
        static member IsPlaced = false

/// Results in 16 bits.
[<Struct; NoEquality; NoComparison>]
type internal HalfResults =
    interface IResultForm with
        static member IsHalf = true
        static member IsSum = false
        static member IsMasked = false
        static member IsPlaced = false

/// Results that are added to numbers at their places.
[<Struct; NoEquality; NoComparison>]
type internal SumResults =
    interface IResultForm with
        static member IsHalf = false
        static member IsSum = true
        static member IsMasked = false
        static member IsPlaced = false

/// Results that are masked by numbers at their places.
[<Struct; NoEquality; NoComparison>]
type internal MaskedResults =
    interface IResultForm with
        static member IsHalf = false
        static member IsSum = false
        static member IsMasked = true
        static member IsPlaced = false

/// Pooled results, and where they stood.
[<Struct; NoEquality; NoComparison>]
type internal PlacedResults =
    interface IResultForm with
        static member IsHalf = false
        static member IsSum = false
        static member IsMasked = false
        static member IsPlaced = true

/// The arithmetic of endings. Adding, rounding and rectifying keep the order of numbers, so they come after the largest was found.
[<AbstractClass; Sealed>]
type internal ConvEndings<'F, 'W, 'V, 'T when 'F: struct and 'F :> IResultForm and 'W: struct and 'W :> ILanes<'V, 'T>>
    private () =

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

    /// The same where the numbers that stand beside the result, to be added after the bias or to mask it, are at `p`.
    static member inline EndAt(ending: ConvEnding, p: nativeint, count: int, v: 'V, bias: 'V, limit: 'V) : 'V =
        if 'F.IsSum || 'F.IsMasked then
            let beside = if count = 'W.Count then 'W.Load p else 'W.LoadFirst(p, count)

            if 'F.IsMasked then
                'W.And(v, 'W.Less('W.Zero, beside))
            else
                let v = 'W.Add('W.Add(v, bias), beside)
                'W.AndNot(v, 'W.Less(v, limit))
        else
            ConvEndings<'F, 'W, 'V, 'T>.End(ending, v, bias, limit)

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
