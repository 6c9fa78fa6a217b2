namespace FunctionalNet.Kernels

open System.Runtime.CompilerServices
open FunctionalNet

#nowarn "3535"

/// Rounding to numbers of 16 bits, for loops that are written for floats and doubles alike and round floats only.
[<AbstractClass; Sealed>]
type internal HalfRounding<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>> private () =

    /// The nearest values that 16 bits hold.
    static member inline Round(x: 'V) : 'V =
        let isOdd = 'W.And('W.ShiftRight(x, 16), 'W.CreateInt 1L)
        let rounded = 'W.AddInt(x, 'W.AddInt(isOdd, 'W.CreateInt 0x7FFFL))
        // A NaN is made quiet: its bits may all lie in the half that goes.
        let quiet = 'W.Or(x, 'W.CreateInt 0x400000L)
        'W.And('W.Pick('W.Equal(x, x), rounded, quiet), 'W.CreateInt -65536L)

/// Numbers of 16 bits (bfloat16): the upper halves of floats. Widening is exact; narrowing goes to the nearest, the even one of
/// two, and keeps NaN.
[<AbstractClass; Sealed>]
type internal HalfWidth<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>> private () =

    /// The nearest values that 16 bits hold.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    static member Round(x: 'V) : 'V = HalfRounding<'W, 'V, float32>.Round x

    /// d[i] = s[i * stride], as floats.
    [<FullyOptimized>]
    static member Widen(n: int, d: nativeint, s: nativeint, stride: int) : unit =
        let vectors = if stride = 1 then n / 'W.Count else 0

        for i in 0 .. vectors - 1 do
            let at = nativeint i * 'W.Bytes
            'W.Store(d + at, 'W.LoadHalves(s + at / 2n))

        for i in vectors * 'W.Count .. n - 1 do
            Mem.set<uint32> d i (uint32 (Mem.get<uint16> s (i * stride)) <<< 16)

    /// d[i] = s[i], rounded to 16 bits.
    [<FullyOptimized>]
    static member Narrow(n: int, d: nativeint, s: nativeint) : unit =
        let vectors = n / 'W.Count

        for i in 0 .. vectors - 1 do
            let at = nativeint i * 'W.Bytes
            'W.StoreHalves(d + at / 2n, HalfWidth<'W, 'V>.Round('W.Load(s + at)))

        for i in vectors * 'W.Count .. n - 1 do
            Mem.set<BFloat16> d i (BFloat16.OfSingle(Mem.get<float32> s i))
