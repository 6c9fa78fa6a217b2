namespace FunctionalNet.Kernels

open System.Runtime.CompilerServices
open System.Runtime.Intrinsics
open System.Runtime.Intrinsics.X86
open Microsoft.FSharp.NativeInterop

#nowarn "3535"

/// Vectors of 256 bits.
[<Struct; NoEquality; NoComparison>]
type internal Lanes256<'T> =

    interface ILanes<Vector256<'T>, 'T> with

        static member Count = Vector256<'T>.Count

        static member Bytes = 32n

        static member Zero = Vector256<'T>.Zero

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Create x = Vector256.Create x

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Load p = Vector256.LoadUnsafe(&Mem.at<'T> p)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member LoadFirst(p, count) =
            if Avx.IsSupported && sizeof<'T> = 4 then
                let mask = Vector256.LessThan(Vector256<int>.Indices, Vector256.Create count).AsSingle()
                Avx.MaskLoad(NativePtr.ofNativeInt<float32> p, mask).As<float32, 'T>()
            elif Avx.IsSupported then
                let mask = Vector256.LessThan(Vector256<int64>.Indices, Vector256.Create(int64 count)).AsDouble()
                Avx.MaskLoad(NativePtr.ofNativeInt<float> p, mask).As<float, 'T>()
            else
                let mutable v = Vector256<'T>.Zero
                FirstLanes.copy<'T> p (NativePtr.toNativeInt &&v) count
                v

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Spread p = Vector256.Create(Mem.get<'T> p 0)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Store(p, v) = Vector256.StoreUnsafe(v, &Mem.at<'T> p)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member StoreFirst(p, count, v) =
            if Avx.IsSupported && sizeof<'T> = 4 then
                let mask = Vector256.LessThan(Vector256<int>.Indices, Vector256.Create count).AsSingle()
                Avx.MaskStore(NativePtr.ofNativeInt<float32> p, mask, v.As<'T, float32>())
            elif Avx.IsSupported then
                let mask = Vector256.LessThan(Vector256<int64>.Indices, Vector256.Create(int64 count)).AsDouble()
                Avx.MaskStore(NativePtr.ofNativeInt<float> p, mask, v.As<'T, float>())
            else
                let mutable v = v
                FirstLanes.copy<'T> (NativePtr.toNativeInt &&v) p count

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member LoadHalves(p) =
            let struct (low, high) = Vector128.Widen(Vector128.Load(NativePtr.ofNativeInt<uint16> p))
            Vector256.ShiftLeft(Vector256.Create(low, high), 16).As<uint32, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member StoreHalves(p, v) =
            let upper = Vector256.ShiftRightLogical(v.As<'T, uint32>(), 16)

            Vector128.Store(Vector128.Narrow(upper.GetLower(), upper.GetUpper()), NativePtr.ofNativeInt<uint16> p)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Add(x, y) = Vector256.Add(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Sub(x, y) = Vector256.Subtract(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Mul(x, y) = Vector256.Multiply(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Div(x, y) = Vector256.Divide(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Fma(x, y, z) =
            if sizeof<'T> = 4 then
                NativeVector.Fma(x.As<'T, float32>(), y.As<'T, float32>(), z.As<'T, float32>()).As<float32, 'T>()
            else
                NativeVector.Fma(x.As<'T, float>(), y.As<'T, float>(), z.As<'T, float>()).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Neg x = Vector256.Negate x

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Abs x = Vector256.Abs x

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Sqrt x = Vector256.Sqrt x

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Max(x, y) = Vector256.Max(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Min(x, y) = Vector256.Min(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Floor x =
            if sizeof<'T> = 4 then
                Vector256.Floor(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector256.Floor(x.As<'T, float>()).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Ceiling x =
            if sizeof<'T> = 4 then
                Vector256.Ceiling(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector256.Ceiling(x.As<'T, float>()).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Truncate x =
            if sizeof<'T> = 4 then
                Vector256.Truncate(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector256.Truncate(x.As<'T, float>()).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Round x =
            if sizeof<'T> = 4 then
                Vector256.Round(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector256.Round(x.As<'T, float>()).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Clamp(x, low, high) =
            // The order of operands lets NaN through where the machine gives the second one then.
            NativeVector.Min(Vector256.Create<'T> high, NativeVector.Max(Vector256.Create<'T> low, x))

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Scale(x, n) =
            if Avx512F.VL.IsSupported && sizeof<'T> = 4 then
                Avx512F.VL.Scale(x.As<'T, float32>(), n.As<'T, float32>()).As<float32, 'T>()
            elif Avx512F.VL.IsSupported then
                Avx512F.VL.Scale(x.As<'T, float>(), n.As<'T, float>()).As<float, 'T>()
            elif sizeof<'T> = 4 then
                // Two factors, so that the largest numbers and those below the smallest normal one come out right.
                let n = NativeVector.ToInt(n.As<'T, float32>())
                let half = Vector256.ShiftRightArithmetic(n, 1)
                let bias = Vector256.Create 127
                let first = Vector256.ShiftLeft(half + bias, 23).AsSingle()
                let second = Vector256.ShiftLeft(n - half + bias, 23).AsSingle()
                (x.As<'T, float32>() * first * second).As<float32, 'T>()
            else
                // Adding 1.5 2^52 leaves a whole number in the lowest bits.
                let shift = Vector256.Create 6755399441055744.0
                let n = (n.As<'T, float>() + shift).AsInt64() - shift.AsInt64()
                let half = Vector256.ShiftRightArithmetic(n, 1)
                let bias = Vector256.Create 1023L
                let first = Vector256.ShiftLeft(half + bias, 52).AsDouble()
                let second = Vector256.ShiftLeft(n - half + bias, 52).AsDouble()
                (x.As<'T, float>() * first * second).As<float, 'T>()

        static member Splits = Avx512F.VL.IsSupported

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Mantissa x =
            if sizeof<'T> = 4 then
                Avx512F.VL.GetMantissa(x.As<'T, float32>(), 11uy).As<float32, 'T>()
            else
                Avx512F.VL.GetMantissa(x.As<'T, float>(), 11uy).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Exponent x =
            if sizeof<'T> = 4 then
                Avx512F.VL.GetExponent(x.As<'T, float32>()).As<float32, 'T>()
            else
                Avx512F.VL.GetExponent(x.As<'T, float>()).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Lookup(table, indices) =
            if Avx512F.VL.IsSupported then
                let low = Vector256.Load(NativePtr.ofNativeInt<float32> table)
                let high = Vector256.Load(NativePtr.ofNativeInt<float32>(table + 32n))
                Avx512F.VL.PermuteVar8x32x2(low, indices.AsInt32(), high).As<float32, 'T>()
            elif Avx2.IsSupported then
                let indices = indices.AsInt32()
                let low = Avx2.PermuteVar8x32(Vector256.Load(NativePtr.ofNativeInt<float32> table), indices)
                let high = Avx2.PermuteVar8x32(Vector256.Load(NativePtr.ofNativeInt<float32>(table + 32n)), indices)
                // The fourth bit of the index becomes the sign, which chooses.
                Avx.BlendVariable(low, high, Vector256.ShiftLeft(indices, 28).AsSingle()).As<float32, 'T>()
            else
                let mutable v = Vector256<'T>.Zero

                for i in 0 .. Vector256<'T>.Count - 1 do
                    let index = indices.AsInt32().GetElement i &&& 15
                    v <- v.WithElement(i, Mem.get<'T> table index)

                v

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Equal(x, y) = Vector256.Equals(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Less(x, y) = Vector256.LessThan(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member LessOrEqual(x, y) = Vector256.LessThanOrEqual(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member First count =
            if sizeof<'T> = 4 then
                Vector256.LessThan(Vector256<int>.Indices, Vector256.Create count).As<int, 'T>()
            else
                Vector256.LessThan(Vector256<int64>.Indices, Vector256.Create(int64 count)).As<int64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Pick(mask, yes, no) = Vector256.ConditionalSelect(mask, yes, no)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member And(x, y) = Vector256.BitwiseAnd(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Or(x, y) = Vector256.BitwiseOr(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Xor(x, y) = Vector256.Xor(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Not x = Vector256.OnesComplement x

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member AndNot(x, y) = Vector256.AndNot(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
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

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member AddInt(x, y) =
            if sizeof<'T> = 4 then
                (x.As<'T, int>() + y.As<'T, int>()).As<int, 'T>()
            else
                (x.As<'T, int64>() + y.As<'T, int64>()).As<int64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member SubInt(x, y) =
            if sizeof<'T> = 4 then
                (x.As<'T, int>() - y.As<'T, int>()).As<int, 'T>()
            else
                (x.As<'T, int64>() - y.As<'T, int64>()).As<int64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member ShiftLeft(x, n) =
            if sizeof<'T> = 4 then
                Vector256.ShiftLeft(x.As<'T, int>(), n).As<int, 'T>()
            else
                Vector256.ShiftLeft(x.As<'T, int64>(), n).As<int64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member ShiftRight(x, n) =
            if sizeof<'T> = 4 then
                Vector256.ShiftRightLogical(x.As<'T, int>(), n).As<int, 'T>()
            else
                Vector256.ShiftRightLogical(x.As<'T, int64>(), n).As<int64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member ShiftRightSigned(x, n) =
            if sizeof<'T> = 4 then
                Vector256.ShiftRightArithmetic(x.As<'T, int>(), n).As<int, 'T>()
            else
                Vector256.ShiftRightArithmetic(x.As<'T, int64>(), n).As<int64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member ToInt x =
            if sizeof<'T> = 4 then
                NativeVector.ToInt(x.As<'T, float32>()).As<int, 'T>()
            else
                NativeVector.ToInt(x.As<'T, float>()).As<int64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member OfInt x =
            if sizeof<'T> = 4 then
                Vector256.ConvertToSingle(x.As<'T, int>()).As<float32, 'T>()
            else
                Vector256.ConvertToDouble(x.As<'T, int64>()).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member MulHalves(x, y) =
            if Avx2.IsSupported then
                Avx2.Multiply(x.AsUInt32(), y.AsUInt32()).As<uint64, 'T>()
            else
                let low = Vector256.Create 0xffffffffUL
                ((x.AsUInt64() &&& low) * (y.AsUInt64() &&& low)).As<uint64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member HalvesDown x = Vector256.ShiftRightLogical(x.AsUInt64(), 32).As<uint64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member HalvesUp x = Vector256.ShiftLeft(x.AsUInt64(), 32).As<uint64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Sum x =
            let halves = x.GetLower() + x.GetUpper()
            let pairs = halves + HalfLanes.swap64 halves

            if sizeof<'T> = 4 then (pairs + HalfLanes.swap32 pairs).ToScalar() else pairs.ToScalar()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Largest x =
            if Vector256.EqualsAll(x, x) then
                let halves = NativeVector.Max(x.GetLower(), x.GetUpper())
                let pairs = NativeVector.Max(halves, HalfLanes.swap64 halves)

                if sizeof<'T> = 4 then
                    NativeVector.Max(pairs, HalfLanes.swap32 pairs).ToScalar()
                else
                    pairs.ToScalar()
            else
                // The sum of what holds a NaN is one.
                Vector256.Sum x

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Any mask = Vector256.ExtractMostSignificantBits mask <> 0u

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Bits mask = uint64 (Vector256.ExtractMostSignificantBits mask)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member OfBits bits =
            let own = Vector256.Create(1, 2, 4, 8, 16, 32, 64, 128)
            Vector256.Equals(Vector256.BitwiseAnd(Vector256.Create(int bits), own), own).As<int, 'T>()
