namespace FunctionalNet.Kernels

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// What becomes of the results of a convolution while they are in registers, instead of in a pass over memory: numbers
/// are added, negative ones become zero, and of each 2 x 2 positions only the largest is kept.
[<Struct; NoEquality; NoComparison>]
type internal ConvEnding =
    {
        /// Where the numbers to be added are, one for each channel; 0 for none.
        Bias: nativeint
        /// Whether negative results become zero.
        Rectifies: bool
        /// Whether windows of 2 x 2 positions, side by side, become one position; a last odd row or column is dropped.
        Pools: bool
    }

    /// Results are written as they are.
    static member None = { Bias = 0n; Rectifies = false; Pools = false }

    /// True when there is nothing to do.
    member this.IsNone = this.Bias = 0n && not this.Rectifies && not this.Pools

/// The arithmetic of endings. Adding and rectifying keep the order of numbers, so they come after the largest was found.
[<AbstractClass; Sealed>]
type internal ConvEndings<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>> private () =

    /// The numbers for `count` channels from one on.
    static member inline Bias(ending: ConvEnding, channel: nativeint, count: int) : 'V =
        if ending.Bias = 0n then 'W.Zero
        elif count = 'W.Count then 'W.Load(ending.Bias + channel)
        else 'W.LoadFirst(ending.Bias + channel, count)

    /// What results must not be less than: below it they become zero.
    static member inline Limit(ending: ConvEnding, lowest: 'T) : 'V =
        if ending.Rectifies then 'W.Zero else 'W.Create lowest

    /// The end of a result; NaN stays NaN.
    static member inline End(v: 'V, bias: 'V, limit: 'V) : 'V =
        let v = 'W.Add(v, bias)
        'W.AndNot(v, 'W.Less(v, limit))
