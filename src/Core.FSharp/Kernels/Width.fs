namespace FunctionalNet.Kernels

open System.Numerics
open System.Runtime.Intrinsics
open System.Runtime.Intrinsics.X86
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

    static abstract Equal: 'V * 'V -> 'V
    static abstract Less: 'V * 'V -> 'V
    static abstract LessOrEqual: 'V * 'V -> 'V

    /// Lanes of `yes` where the mask is set, of `no` elsewhere.
    static abstract Pick: mask: 'V * yes: 'V * no: 'V -> 'V
    static abstract And: 'V * 'V -> 'V
    static abstract Or: 'V * 'V -> 'V
    static abstract Xor: 'V * 'V -> 'V

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

    /// The sum of all lanes, always in the same order.
    static abstract Sum: 'V -> 'T

    /// The largest lane; NaN if one is.
    static abstract Largest: 'V -> 'T

    /// Whether any lane of a mask is set.
    static abstract Any: mask: 'V -> bool

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

/// Vectors of 128 bits.
[<Struct; NoEquality; NoComparison>]
type internal Lanes128<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T>> =

    interface ILanes<Vector128<'T>, 'T> with

        static member Count = Vector128<'T>.Count
        static member Bytes = 16n
        static member Zero = Vector128<'T>.Zero
        static member Create x = Vector128.Create x
        static member Load p = Vector128.Load(NativePtr.ofNativeInt<'T> p)

        static member LoadFirst(p, count) =
            if Avx.IsSupported && sizeof<'T> = 4 then
                let mask = Vector128.LessThan(Vector128<int>.Indices, Vector128.Create count).AsSingle()
                Avx.MaskLoad(NativePtr.ofNativeInt<float32> p, mask).As<float32, 'T>()
            elif Avx.IsSupported then
                let mask = Vector128.LessThan(Vector128<int64>.Indices, Vector128.Create(int64 count)).AsDouble()
                Avx.MaskLoad(NativePtr.ofNativeInt<float> p, mask).As<float, 'T>()
            else
                let mutable v = Vector128<'T>.Zero

                for i in 0 .. count - 1 do
                    v <- v.WithElement(i, NativePtr.get (NativePtr.ofNativeInt<'T> p) i)

                v

        static member Spread p = Vector128.Create(NativePtr.read (NativePtr.ofNativeInt<'T> p))
        static member Store(p, v) = Vector128.Store(v, NativePtr.ofNativeInt<'T> p)

        static member StoreFirst(p, count, v) =
            if Avx.IsSupported && sizeof<'T> = 4 then
                let mask = Vector128.LessThan(Vector128<int>.Indices, Vector128.Create count).AsSingle()
                Avx.MaskStore(NativePtr.ofNativeInt<float32> p, mask, v.As<'T, float32>())
            elif Avx.IsSupported then
                let mask = Vector128.LessThan(Vector128<int64>.Indices, Vector128.Create(int64 count)).AsDouble()
                Avx.MaskStore(NativePtr.ofNativeInt<float> p, mask, v.As<'T, float>())
            else
                for i in 0 .. count - 1 do
                    NativePtr.set (NativePtr.ofNativeInt<'T> p) i (v.GetElement i)

        static member Add(x, y) = x + y
        static member Sub(x, y) = x - y
        static member Mul(x, y) = x * y
        static member Div(x, y) = x / y

        static member Fma(x, y, z) =
            if sizeof<'T> = 4 then
                Vector128
                    .MultiplyAddEstimate(x.As<'T, float32>(), y.As<'T, float32>(), z.As<'T, float32>())
                    .As<float32, 'T>()
            else
                Vector128.MultiplyAddEstimate(x.As<'T, float>(), y.As<'T, float>(), z.As<'T, float>()).As<float, 'T>()

        static member Neg x = -x
        static member Abs x = Vector128.Abs x
        static member Sqrt x = Vector128.Sqrt x
        static member Max(x, y) = Vector128.Max(x, y)
        static member Min(x, y) = Vector128.Min(x, y)

        static member Floor x =
            if sizeof<'T> = 4 then
                Vector128.Floor(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector128.Floor(x.As<'T, float>()).As<float, 'T>()

        static member Ceiling x =
            if sizeof<'T> = 4 then
                Vector128.Ceiling(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector128.Ceiling(x.As<'T, float>()).As<float, 'T>()

        static member Truncate x =
            if sizeof<'T> = 4 then
                Vector128.Truncate(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector128.Truncate(x.As<'T, float>()).As<float, 'T>()

        static member Round x =
            if sizeof<'T> = 4 then
                Vector128.Round(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector128.Round(x.As<'T, float>()).As<float, 'T>()

        static member Equal(x, y) = Vector128.Equals(x, y)
        static member Less(x, y) = Vector128.LessThan(x, y)
        static member LessOrEqual(x, y) = Vector128.LessThanOrEqual(x, y)
        static member Pick(mask, yes, no) = Vector128.ConditionalSelect(mask, yes, no)
        static member And(x, y) = x &&& y
        static member Or(x, y) = x ||| y
        static member Xor(x, y) = x ^^^ y
        static member AndNot(x, y) = Vector128.AndNot(x, y)

        static member CreateInt n =
            if sizeof<'T> = 4 then
                Vector128.Create(int n).As<int, 'T>()
            else
                Vector128.Create(n).As<int64, 'T>()

        static member Indices =
            if sizeof<'T> = 4 then
                Vector128<int>.Indices.As<int, 'T>()
            else
                Vector128<int64>.Indices.As<int64, 'T>()

        static member AddInt(x, y) =
            if sizeof<'T> = 4 then
                (x.As<'T, int>() + y.As<'T, int>()).As<int, 'T>()
            else
                (x.As<'T, int64>() + y.As<'T, int64>()).As<int64, 'T>()

        static member SubInt(x, y) =
            if sizeof<'T> = 4 then
                (x.As<'T, int>() - y.As<'T, int>()).As<int, 'T>()
            else
                (x.As<'T, int64>() - y.As<'T, int64>()).As<int64, 'T>()

        static member ShiftLeft(x, n) =
            if sizeof<'T> = 4 then
                Vector128.ShiftLeft(x.As<'T, int>(), n).As<int, 'T>()
            else
                Vector128.ShiftLeft(x.As<'T, int64>(), n).As<int64, 'T>()

        static member ShiftRight(x, n) =
            if sizeof<'T> = 4 then
                Vector128.ShiftRightLogical(x.As<'T, int>(), n).As<int, 'T>()
            else
                Vector128.ShiftRightLogical(x.As<'T, int64>(), n).As<int64, 'T>()

        static member ShiftRightSigned(x, n) =
            if sizeof<'T> = 4 then
                Vector128.ShiftRightArithmetic(x.As<'T, int>(), n).As<int, 'T>()
            else
                Vector128.ShiftRightArithmetic(x.As<'T, int64>(), n).As<int64, 'T>()

        static member ToInt x =
            if sizeof<'T> = 4 then
                Vector128.ConvertToInt32Native(x.As<'T, float32>()).As<int, 'T>()
            else
                Vector128.ConvertToInt64Native(x.As<'T, float>()).As<int64, 'T>()

        static member OfInt x =
            if sizeof<'T> = 4 then
                Vector128.ConvertToSingle(x.As<'T, int>()).As<float32, 'T>()
            else
                Vector128.ConvertToDouble(x.As<'T, int64>()).As<float, 'T>()

        static member Sum x = Vector128.Sum x

        static member Largest x =
            let mutable best = x.GetElement 0

            for i in 1 .. Vector128<'T>.Count - 1 do
                best <- 'T.Max(best, x.GetElement i)

            best

        static member Any mask = Vector128.ExtractMostSignificantBits mask <> 0u

/// Vectors of 256 bits.
[<Struct; NoEquality; NoComparison>]
type internal Lanes256<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T>> =

    interface ILanes<Vector256<'T>, 'T> with

        static member Count = Vector256<'T>.Count
        static member Bytes = 32n
        static member Zero = Vector256<'T>.Zero
        static member Create x = Vector256.Create x
        static member Load p = Vector256.Load(NativePtr.ofNativeInt<'T> p)

        static member LoadFirst(p, count) =
            if Avx.IsSupported && sizeof<'T> = 4 then
                let mask = Vector256.LessThan(Vector256<int>.Indices, Vector256.Create count).AsSingle()
                Avx.MaskLoad(NativePtr.ofNativeInt<float32> p, mask).As<float32, 'T>()
            elif Avx.IsSupported then
                let mask = Vector256.LessThan(Vector256<int64>.Indices, Vector256.Create(int64 count)).AsDouble()
                Avx.MaskLoad(NativePtr.ofNativeInt<float> p, mask).As<float, 'T>()
            else
                let mutable v = Vector256<'T>.Zero

                for i in 0 .. count - 1 do
                    v <- v.WithElement(i, NativePtr.get (NativePtr.ofNativeInt<'T> p) i)

                v

        static member Spread p = Vector256.Create(NativePtr.read (NativePtr.ofNativeInt<'T> p))
        static member Store(p, v) = Vector256.Store(v, NativePtr.ofNativeInt<'T> p)

        static member StoreFirst(p, count, v) =
            if Avx.IsSupported && sizeof<'T> = 4 then
                let mask = Vector256.LessThan(Vector256<int>.Indices, Vector256.Create count).AsSingle()
                Avx.MaskStore(NativePtr.ofNativeInt<float32> p, mask, v.As<'T, float32>())
            elif Avx.IsSupported then
                let mask = Vector256.LessThan(Vector256<int64>.Indices, Vector256.Create(int64 count)).AsDouble()
                Avx.MaskStore(NativePtr.ofNativeInt<float> p, mask, v.As<'T, float>())
            else
                for i in 0 .. count - 1 do
                    NativePtr.set (NativePtr.ofNativeInt<'T> p) i (v.GetElement i)

        static member Add(x, y) = x + y
        static member Sub(x, y) = x - y
        static member Mul(x, y) = x * y
        static member Div(x, y) = x / y

        static member Fma(x, y, z) =
            if sizeof<'T> = 4 then
                Vector256
                    .MultiplyAddEstimate(x.As<'T, float32>(), y.As<'T, float32>(), z.As<'T, float32>())
                    .As<float32, 'T>()
            else
                Vector256.MultiplyAddEstimate(x.As<'T, float>(), y.As<'T, float>(), z.As<'T, float>()).As<float, 'T>()

        static member Neg x = -x
        static member Abs x = Vector256.Abs x
        static member Sqrt x = Vector256.Sqrt x
        static member Max(x, y) = Vector256.Max(x, y)
        static member Min(x, y) = Vector256.Min(x, y)

        static member Floor x =
            if sizeof<'T> = 4 then
                Vector256.Floor(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector256.Floor(x.As<'T, float>()).As<float, 'T>()

        static member Ceiling x =
            if sizeof<'T> = 4 then
                Vector256.Ceiling(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector256.Ceiling(x.As<'T, float>()).As<float, 'T>()

        static member Truncate x =
            if sizeof<'T> = 4 then
                Vector256.Truncate(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector256.Truncate(x.As<'T, float>()).As<float, 'T>()

        static member Round x =
            if sizeof<'T> = 4 then
                Vector256.Round(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector256.Round(x.As<'T, float>()).As<float, 'T>()

        static member Equal(x, y) = Vector256.Equals(x, y)
        static member Less(x, y) = Vector256.LessThan(x, y)
        static member LessOrEqual(x, y) = Vector256.LessThanOrEqual(x, y)
        static member Pick(mask, yes, no) = Vector256.ConditionalSelect(mask, yes, no)
        static member And(x, y) = x &&& y
        static member Or(x, y) = x ||| y
        static member Xor(x, y) = x ^^^ y
        static member AndNot(x, y) = Vector256.AndNot(x, y)

        static member CreateInt n =
            if sizeof<'T> = 4 then
                Vector256.Create(int n).As<int, 'T>()
            else
                Vector256.Create(n).As<int64, 'T>()

        static member Indices =
            if sizeof<'T> = 4 then
                Vector256<int>.Indices.As<int, 'T>()
            else
                Vector256<int64>.Indices.As<int64, 'T>()

        static member AddInt(x, y) =
            if sizeof<'T> = 4 then
                (x.As<'T, int>() + y.As<'T, int>()).As<int, 'T>()
            else
                (x.As<'T, int64>() + y.As<'T, int64>()).As<int64, 'T>()

        static member SubInt(x, y) =
            if sizeof<'T> = 4 then
                (x.As<'T, int>() - y.As<'T, int>()).As<int, 'T>()
            else
                (x.As<'T, int64>() - y.As<'T, int64>()).As<int64, 'T>()

        static member ShiftLeft(x, n) =
            if sizeof<'T> = 4 then
                Vector256.ShiftLeft(x.As<'T, int>(), n).As<int, 'T>()
            else
                Vector256.ShiftLeft(x.As<'T, int64>(), n).As<int64, 'T>()

        static member ShiftRight(x, n) =
            if sizeof<'T> = 4 then
                Vector256.ShiftRightLogical(x.As<'T, int>(), n).As<int, 'T>()
            else
                Vector256.ShiftRightLogical(x.As<'T, int64>(), n).As<int64, 'T>()

        static member ShiftRightSigned(x, n) =
            if sizeof<'T> = 4 then
                Vector256.ShiftRightArithmetic(x.As<'T, int>(), n).As<int, 'T>()
            else
                Vector256.ShiftRightArithmetic(x.As<'T, int64>(), n).As<int64, 'T>()

        static member ToInt x =
            if sizeof<'T> = 4 then
                Vector256.ConvertToInt32Native(x.As<'T, float32>()).As<int, 'T>()
            else
                Vector256.ConvertToInt64Native(x.As<'T, float>()).As<int64, 'T>()

        static member OfInt x =
            if sizeof<'T> = 4 then
                Vector256.ConvertToSingle(x.As<'T, int>()).As<float32, 'T>()
            else
                Vector256.ConvertToDouble(x.As<'T, int64>()).As<float, 'T>()

        static member Sum x = Vector256.Sum x

        static member Largest x =
            let halves = Vector128.Max(x.GetLower(), x.GetUpper())
            let mutable best = halves.GetElement 0

            for i in 1 .. Vector128<'T>.Count - 1 do
                best <- 'T.Max(best, halves.GetElement i)

            best

        static member Any mask = Vector256.ExtractMostSignificantBits mask <> 0u

/// Vectors of 512 bits.
[<Struct; NoEquality; NoComparison>]
type internal Lanes512<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T>> =

    interface ILanes<Vector512<'T>, 'T> with

        static member Count = Vector512<'T>.Count
        static member Bytes = 64n
        static member Zero = Vector512<'T>.Zero
        static member Create x = Vector512.Create x
        static member Load p = Vector512.Load(NativePtr.ofNativeInt<'T> p)

        static member LoadFirst(p, count) =
            if Avx512F.IsSupported && sizeof<'T> = 4 then
                let mask = Vector512.LessThan(Vector512<int>.Indices, Vector512.Create count).AsSingle()
                Avx512F.MaskLoad(NativePtr.ofNativeInt<float32> p, mask, Vector512<float32>.Zero).As<float32, 'T>()
            elif Avx512F.IsSupported then
                let mask = Vector512.LessThan(Vector512<int64>.Indices, Vector512.Create(int64 count)).AsDouble()
                Avx512F.MaskLoad(NativePtr.ofNativeInt<float> p, mask, Vector512<float>.Zero).As<float, 'T>()
            else
                let mutable v = Vector512<'T>.Zero

                for i in 0 .. count - 1 do
                    v <- v.WithElement(i, NativePtr.get (NativePtr.ofNativeInt<'T> p) i)

                v

        static member Spread p = Vector512.Create(NativePtr.read (NativePtr.ofNativeInt<'T> p))
        static member Store(p, v) = Vector512.Store(v, NativePtr.ofNativeInt<'T> p)

        static member StoreFirst(p, count, v) =
            if Avx512F.IsSupported && sizeof<'T> = 4 then
                let mask = Vector512.LessThan(Vector512<int>.Indices, Vector512.Create count).AsSingle()
                Avx512F.MaskStore(NativePtr.ofNativeInt<float32> p, mask, v.As<'T, float32>())
            elif Avx512F.IsSupported then
                let mask = Vector512.LessThan(Vector512<int64>.Indices, Vector512.Create(int64 count)).AsDouble()
                Avx512F.MaskStore(NativePtr.ofNativeInt<float> p, mask, v.As<'T, float>())
            else
                for i in 0 .. count - 1 do
                    NativePtr.set (NativePtr.ofNativeInt<'T> p) i (v.GetElement i)

        static member Add(x, y) = x + y
        static member Sub(x, y) = x - y
        static member Mul(x, y) = x * y
        static member Div(x, y) = x / y

        static member Fma(x, y, z) =
            if sizeof<'T> = 4 then
                Vector512
                    .MultiplyAddEstimate(x.As<'T, float32>(), y.As<'T, float32>(), z.As<'T, float32>())
                    .As<float32, 'T>()
            else
                Vector512.MultiplyAddEstimate(x.As<'T, float>(), y.As<'T, float>(), z.As<'T, float>()).As<float, 'T>()

        static member Neg x = -x
        static member Abs x = Vector512.Abs x
        static member Sqrt x = Vector512.Sqrt x
        static member Max(x, y) = Vector512.Max(x, y)
        static member Min(x, y) = Vector512.Min(x, y)

        static member Floor x =
            if sizeof<'T> = 4 then
                Vector512.Floor(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector512.Floor(x.As<'T, float>()).As<float, 'T>()

        static member Ceiling x =
            if sizeof<'T> = 4 then
                Vector512.Ceiling(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector512.Ceiling(x.As<'T, float>()).As<float, 'T>()

        static member Truncate x =
            if sizeof<'T> = 4 then
                Vector512.Truncate(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector512.Truncate(x.As<'T, float>()).As<float, 'T>()

        static member Round x =
            if sizeof<'T> = 4 then
                Vector512.Round(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector512.Round(x.As<'T, float>()).As<float, 'T>()

        static member Equal(x, y) = Vector512.Equals(x, y)
        static member Less(x, y) = Vector512.LessThan(x, y)
        static member LessOrEqual(x, y) = Vector512.LessThanOrEqual(x, y)
        static member Pick(mask, yes, no) = Vector512.ConditionalSelect(mask, yes, no)
        static member And(x, y) = x &&& y
        static member Or(x, y) = x ||| y
        static member Xor(x, y) = x ^^^ y
        static member AndNot(x, y) = Vector512.AndNot(x, y)

        static member CreateInt n =
            if sizeof<'T> = 4 then
                Vector512.Create(int n).As<int, 'T>()
            else
                Vector512.Create(n).As<int64, 'T>()

        static member Indices =
            if sizeof<'T> = 4 then
                Vector512<int>.Indices.As<int, 'T>()
            else
                Vector512<int64>.Indices.As<int64, 'T>()

        static member AddInt(x, y) =
            if sizeof<'T> = 4 then
                (x.As<'T, int>() + y.As<'T, int>()).As<int, 'T>()
            else
                (x.As<'T, int64>() + y.As<'T, int64>()).As<int64, 'T>()

        static member SubInt(x, y) =
            if sizeof<'T> = 4 then
                (x.As<'T, int>() - y.As<'T, int>()).As<int, 'T>()
            else
                (x.As<'T, int64>() - y.As<'T, int64>()).As<int64, 'T>()

        static member ShiftLeft(x, n) =
            if sizeof<'T> = 4 then
                Vector512.ShiftLeft(x.As<'T, int>(), n).As<int, 'T>()
            else
                Vector512.ShiftLeft(x.As<'T, int64>(), n).As<int64, 'T>()

        static member ShiftRight(x, n) =
            if sizeof<'T> = 4 then
                Vector512.ShiftRightLogical(x.As<'T, int>(), n).As<int, 'T>()
            else
                Vector512.ShiftRightLogical(x.As<'T, int64>(), n).As<int64, 'T>()

        static member ShiftRightSigned(x, n) =
            if sizeof<'T> = 4 then
                Vector512.ShiftRightArithmetic(x.As<'T, int>(), n).As<int, 'T>()
            else
                Vector512.ShiftRightArithmetic(x.As<'T, int64>(), n).As<int64, 'T>()

        static member ToInt x =
            if sizeof<'T> = 4 then
                Vector512.ConvertToInt32Native(x.As<'T, float32>()).As<int, 'T>()
            else
                Vector512.ConvertToInt64Native(x.As<'T, float>()).As<int64, 'T>()

        static member OfInt x =
            if sizeof<'T> = 4 then
                Vector512.ConvertToSingle(x.As<'T, int>()).As<float32, 'T>()
            else
                Vector512.ConvertToDouble(x.As<'T, int64>()).As<float, 'T>()

        static member Sum x = Vector512.Sum x

        static member Largest x =
            let halves = Vector256.Max(x.GetLower(), x.GetUpper())
            let quarters = Vector128.Max(halves.GetLower(), halves.GetUpper())
            let mutable best = quarters.GetElement 0

            for i in 1 .. Vector128<'T>.Count - 1 do
                best <- 'T.Max(best, quarters.GetElement i)

            best

        static member Any mask = Vector512.ExtractMostSignificantBits mask <> 0UL
