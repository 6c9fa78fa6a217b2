namespace FunctionalNet.Kernels

open System.Runtime.CompilerServices
open System.Runtime.Intrinsics
open Microsoft.FSharp.NativeInterop

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// Vectors 'V of elements 'T, of one width. Kernels take a witness 'W of this interface, so that one source serves every
/// width: the runtime compiles it for each, and a call becomes one machine instruction. Addresses are in bytes, masks
/// are vectors whose lanes have all bits set or none, and integers live in the lanes of a vector as int32 (int64 for
/// 8-byte elements).
type internal ILanes<'V, 'T> =

    /// Elements of a vector.
    static abstract Count: int

    /// Bytes of a vector.
    static abstract Bytes: nativeint

    static abstract Zero: 'V
    static abstract Create: 'T -> 'V
    static abstract Load: nativeint -> 'V

    /// The first `count` elements, zeros after them; reads nothing beyond.
    static abstract LoadFirst: address: nativeint * count: int -> 'V

    /// One element in all lanes.
    static abstract Spread: nativeint -> 'V
    static abstract Store: nativeint * 'V -> unit

    /// Writes the first `count` lanes only.
    static abstract StoreFirst: address: nativeint * count: int * 'V -> unit

    /// For 4-byte elements: numbers of 2 bytes in the upper halves of the lanes, zeros in the lower.
    static abstract LoadHalves: nativeint -> 'V

    /// For 4-byte elements: writes the upper halves of the lanes.
    static abstract StoreHalves: nativeint * 'V -> unit

    static abstract Add: 'V * 'V -> 'V
    static abstract Sub: 'V * 'V -> 'V
    static abstract Mul: 'V * 'V -> 'V
    static abstract Div: 'V * 'V -> 'V

    /// x * y + z, fused where the machine can.
    static abstract Fma: x: 'V * y: 'V * z: 'V -> 'V
    static abstract Neg: 'V -> 'V
    static abstract Abs: 'V -> 'V
    static abstract Sqrt: 'V -> 'V

    /// NaN if either is NaN.
    static abstract Max: 'V * 'V -> 'V

    /// NaN if either is NaN.
    static abstract Min: 'V * 'V -> 'V
    static abstract Floor: 'V -> 'V
    static abstract Ceiling: 'V -> 'V
    static abstract Truncate: 'V -> 'V

    /// Half to even.
    static abstract Round: 'V -> 'V

    /// Limits to [low, high]; NaN stays NaN.
    static abstract Clamp: x: 'V * low: 'T * high: 'T -> 'V

    /// x 2^n for whole numbers n whose halves are exponents of normal numbers; the result may be any number, rounded once
    /// where the machine can.
    static abstract Scale: x: 'V * n: 'V -> 'V

    /// Whether the machine takes numbers apart.
    static abstract Splits: bool

    /// Where the machine takes numbers apart: m of x = m 2^e with m in [0.75, 1.5); NaN if x < 0, 1 if it is infinite,
    /// +-1 if it is zero.
    static abstract Mantissa: 'V -> 'V

    /// Where the machine takes numbers apart: the logarithm to base 2 of |x|, rounded down.
    static abstract Exponent: 'V -> 'V

    /// For 4-byte elements: from a table of 16 in memory, the ones at the integers 0 to 15.
    static abstract Lookup: table: nativeint * indices: 'V -> 'V

    static abstract Equal: 'V * 'V -> 'V
    static abstract Less: 'V * 'V -> 'V
    static abstract LessOrEqual: 'V * 'V -> 'V

    /// A mask of the first `count` lanes.
    static abstract First: count: int -> 'V

    /// Lanes of `yes` where the mask is set, of `no` elsewhere.
    static abstract Pick: mask: 'V * yes: 'V * no: 'V -> 'V
    static abstract And: 'V * 'V -> 'V
    static abstract Or: 'V * 'V -> 'V
    static abstract Xor: 'V * 'V -> 'V

    static abstract Not: 'V -> 'V

    /// Bits of the first that are not set in the second.
    static abstract AndNot: 'V * 'V -> 'V

    /// An integer in all lanes.
    static abstract CreateInt: int64 -> 'V

    /// 0, 1, 2, ... as integers.
    static abstract Indices: 'V
    static abstract AddInt: 'V * 'V -> 'V
    static abstract SubInt: 'V * 'V -> 'V
    static abstract ShiftLeft: 'V * int -> 'V

    /// Shifts in zeros.
    static abstract ShiftRight: 'V * int -> 'V

    /// Shifts in the sign.
    static abstract ShiftRightSigned: 'V * int -> 'V

    /// Whole numbers to integers.
    static abstract ToInt: 'V -> 'V

    /// Integers to numbers.
    static abstract OfInt: 'V -> 'V

    /// 64-bit products of the lower 32 bits of 64-bit lanes.
    static abstract MulHalves: 'V * 'V -> 'V

    /// The upper 32 bits of 64-bit lanes moved down; zeros take their place.
    static abstract HalvesDown: 'V -> 'V

    /// The lower 32 bits of 64-bit lanes moved up; zeros take their place.
    static abstract HalvesUp: 'V -> 'V

    /// The sum of all lanes, always in the same order.
    static abstract Sum: 'V -> 'T

    /// The largest lane; NaN if one is.
    static abstract Largest: 'V -> 'T

    /// Whether any lane of a mask is set.
    static abstract Any: mask: 'V -> bool

    /// A bit for each lane of a mask, the first lowest.
    static abstract Bits: mask: 'V -> uint64

    /// For 4-byte elements: the mask with these bits.
    static abstract OfBits: bits: uint32 -> 'V

/// The widths of vectors.
type internal Width =
    | W128 = 16
    | W256 = 32
    | W512 = 64

/// The width that kernels use on this machine.
module internal Width =

    /// The widest vectors that the machine computes with at full speed. The runtime's switches (DOTNET_EnableAVX512,
    /// DOTNET_EnableAVX2) narrow it.
    let current =
        if Vector512.IsHardwareAccelerated then Width.W512
        elif Vector256.IsHardwareAccelerated then Width.W256
        else Width.W128

/// Exchanges within 128 bits, for combining lanes.
module internal HalfLanes =

    /// The halves.
    let inline swap64 (x: Vector128<'T>) : Vector128<'T> =
        Vector128.Shuffle(x.AsInt64(), Vector128.Create(1L, 0L)).As<int64, 'T>()

    /// The halves of the halves.
    let inline swap32 (x: Vector128<'T>) : Vector128<'T> =
        Vector128.Shuffle(x.AsInt32(), Vector128.Create(1, 0, 3, 2)).As<int, 'T>()

/// Copies of a few elements, for machines without masked access.
module internal FirstLanes =

    [<MethodImpl(MethodImplOptions.NoInlining)>]
    let copy<'T> (source: nativeint) (target: nativeint) (count: int) =
        for i in 0 .. count - 1 do
            Mem.set<'T> target i (Mem.get<'T> source i)
