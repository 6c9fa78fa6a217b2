namespace FunctionalNet.Kernels

open System.Runtime.CompilerServices
open System.Runtime.Intrinsics
open System.Runtime.Intrinsics.Arm
open System.Runtime.Intrinsics.X86
open Microsoft.FSharp.NativeInterop

#nowarn "3535"

/// Vectors of 128 bits.
[<Struct; NoEquality; NoComparison>]
type internal Lanes128<'T> =

    interface ILanes<Vector128<'T>, 'T> with

        static member Count = Vector128<'T>.Count

        static member Bytes = 16n

        static member Zero = Vector128<'T>.Zero

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Create x = Vector128.Create x

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Load p = Vector128.LoadUnsafe(&Mem.at<'T> p)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member LoadFirst(p, count) =
            if Avx.IsSupported && sizeof<'T> = 4 then
                let mask = Vector128.LessThan(Vector128<int>.Indices, Vector128.Create count).AsSingle()
                Avx.MaskLoad(NativePtr.ofNativeInt<float32> p, mask).As<float32, 'T>()
            elif Avx.IsSupported then
                let mask = Vector128.LessThan(Vector128<int64>.Indices, Vector128.Create(int64 count)).AsDouble()
                Avx.MaskLoad(NativePtr.ofNativeInt<float> p, mask).As<float, 'T>()
            else
                let mutable v = Vector128<'T>.Zero
                FirstLanes.copy<'T> p (NativePtr.toNativeInt &&v) count
                v

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Spread p = Vector128.Create(Mem.get<'T> p 0)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Store(p, v) = Vector128.StoreUnsafe(v, &Mem.at<'T> p)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member StoreFirst(p, count, v) =
            if Avx.IsSupported && sizeof<'T> = 4 then
                let mask = Vector128.LessThan(Vector128<int>.Indices, Vector128.Create count).AsSingle()
                Avx.MaskStore(NativePtr.ofNativeInt<float32> p, mask, v.As<'T, float32>())
            elif Avx.IsSupported then
                let mask = Vector128.LessThan(Vector128<int64>.Indices, Vector128.Create(int64 count)).AsDouble()
                Avx.MaskStore(NativePtr.ofNativeInt<float> p, mask, v.As<'T, float>())
            else
                let mutable v = v
                FirstLanes.copy<'T> (NativePtr.toNativeInt &&v) p count

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member LoadHalves(p) =
            let halves = Vector128.CreateScalarUnsafe(NativePtr.read (NativePtr.ofNativeInt<uint64> p)).AsUInt16()
            Vector128.ShiftLeft(Vector128.WidenLower halves, 16).As<uint32, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member StoreHalves(p, v) =
            let upper = Vector128.ShiftRightLogical(v.As<'T, uint32>(), 16)
            NativePtr.write (NativePtr.ofNativeInt<uint64> p) (Vector128.Narrow(upper, upper).AsUInt64().ToScalar())

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Add(x, y) = Vector128.Add(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Sub(x, y) = Vector128.Subtract(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Mul(x, y) = Vector128.Multiply(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Div(x, y) = Vector128.Divide(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Fma(x, y, z) =
            if sizeof<'T> = 4 then
                NativeVector.Fma(x.As<'T, float32>(), y.As<'T, float32>(), z.As<'T, float32>()).As<float32, 'T>()
            else
                NativeVector.Fma(x.As<'T, float>(), y.As<'T, float>(), z.As<'T, float>()).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Neg x = Vector128.Negate x

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Abs x = Vector128.Abs x

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Sqrt x = Vector128.Sqrt x

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Max(x, y) = Vector128.Max(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Min(x, y) = Vector128.Min(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Floor x =
            if sizeof<'T> = 4 then
                Vector128.Floor(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector128.Floor(x.As<'T, float>()).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Ceiling x =
            if sizeof<'T> = 4 then
                Vector128.Ceiling(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector128.Ceiling(x.As<'T, float>()).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Truncate x =
            if sizeof<'T> = 4 then
                Vector128.Truncate(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector128.Truncate(x.As<'T, float>()).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Round x =
            if sizeof<'T> = 4 then
                Vector128.Round(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector128.Round(x.As<'T, float>()).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Clamp(x, low, high) =
            // The order of operands lets NaN through where the machine gives the second one then.
            NativeVector.Min(Vector128.Create<'T> high, NativeVector.Max(Vector128.Create<'T> low, x))

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Scale(x, n) =
            if Avx512F.VL.IsSupported && sizeof<'T> = 4 then
                Avx512F.VL.Scale(x.As<'T, float32>(), n.As<'T, float32>()).As<float32, 'T>()
            elif Avx512F.VL.IsSupported then
                Avx512F.VL.Scale(x.As<'T, float>(), n.As<'T, float>()).As<float, 'T>()
            elif sizeof<'T> = 4 then
                // Two factors, so that the largest numbers and those below the smallest normal one come out right.
                let n = NativeVector.ToInt(n.As<'T, float32>())
                let half = Vector128.ShiftRightArithmetic(n, 1)
                let bias = Vector128.Create 127
                let first = Vector128.ShiftLeft(half + bias, 23).AsSingle()
                let second = Vector128.ShiftLeft(n - half + bias, 23).AsSingle()
                (x.As<'T, float32>() * first * second).As<float32, 'T>()
            else
                // Adding 1.5 2^52 leaves a whole number in the lowest bits.
                let shift = Vector128.Create 6755399441055744.0
                let n = (n.As<'T, float>() + shift).AsInt64() - shift.AsInt64()
                let half = Vector128.ShiftRightArithmetic(n, 1)
                let bias = Vector128.Create 1023L
                let first = Vector128.ShiftLeft(half + bias, 52).AsDouble()
                let second = Vector128.ShiftLeft(n - half + bias, 52).AsDouble()
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
            let table = NativePtr.ofNativeInt<float32> table
            let indices = indices.AsInt32() &&& Vector128.Create 15

            Vector128
                .Create(
                    NativePtr.get table (indices.GetElement 0),
                    NativePtr.get table (indices.GetElement 1),
                    NativePtr.get table (indices.GetElement 2),
                    NativePtr.get table (indices.GetElement 3)
                )
                .As<float32, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Equal(x, y) = Vector128.Equals(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Less(x, y) = Vector128.LessThan(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member LessOrEqual(x, y) = Vector128.LessThanOrEqual(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member First count =
            if sizeof<'T> = 4 then
                Vector128.LessThan(Vector128<int>.Indices, Vector128.Create count).As<int, 'T>()
            else
                Vector128.LessThan(Vector128<int64>.Indices, Vector128.Create(int64 count)).As<int64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Pick(mask, yes, no) = Vector128.ConditionalSelect(mask, yes, no)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member And(x, y) = Vector128.BitwiseAnd(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Or(x, y) = Vector128.BitwiseOr(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Xor(x, y) = Vector128.Xor(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Not x = Vector128.OnesComplement x

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member AndNot(x, y) = Vector128.AndNot(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
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
                Vector128.ShiftLeft(x.As<'T, int>(), n).As<int, 'T>()
            else
                Vector128.ShiftLeft(x.As<'T, int64>(), n).As<int64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member ShiftRight(x, n) =
            if sizeof<'T> = 4 then
                Vector128.ShiftRightLogical(x.As<'T, int>(), n).As<int, 'T>()
            else
                Vector128.ShiftRightLogical(x.As<'T, int64>(), n).As<int64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member ShiftRightSigned(x, n) =
            if sizeof<'T> = 4 then
                Vector128.ShiftRightArithmetic(x.As<'T, int>(), n).As<int, 'T>()
            else
                Vector128.ShiftRightArithmetic(x.As<'T, int64>(), n).As<int64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member ToInt x =
            if sizeof<'T> = 4 then
                NativeVector.ToInt(x.As<'T, float32>()).As<int, 'T>()
            else
                NativeVector.ToInt(x.As<'T, float>()).As<int64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member OfInt x =
            if sizeof<'T> = 4 then
                Vector128.ConvertToSingle(x.As<'T, int>()).As<float32, 'T>()
            else
                Vector128.ConvertToDouble(x.As<'T, int64>()).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member MulHalves(x, y) =
            if Sse2.IsSupported then
                Sse2.Multiply(x.AsUInt32(), y.AsUInt32()).As<uint64, 'T>()
            elif AdvSimd.IsSupported then
                AdvSimd
                    .MultiplyWideningLower(
                        AdvSimd.ExtractNarrowingLower(x.AsUInt64()),
                        AdvSimd.ExtractNarrowingLower(y.AsUInt64())
                    )
                    .As<uint64, 'T>()
            else
                let low = Vector128.Create 0xffffffffUL
                ((x.AsUInt64() &&& low) * (y.AsUInt64() &&& low)).As<uint64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member HalvesDown x = Vector128.ShiftRightLogical(x.AsUInt64(), 32).As<uint64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member HalvesUp x = Vector128.ShiftLeft(x.AsUInt64(), 32).As<uint64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Sum x =
            let pairs = x + HalfLanes.swap64 x

            if sizeof<'T> = 4 then (pairs + HalfLanes.swap32 pairs).ToScalar() else pairs.ToScalar()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Largest x =
            if Vector128.EqualsAll(x, x) then
                let pairs = NativeVector.Max(x, HalfLanes.swap64 x)

                if sizeof<'T> = 4 then
                    NativeVector.Max(pairs, HalfLanes.swap32 pairs).ToScalar()
                else
                    pairs.ToScalar()
            else
                // The sum of what holds a NaN is one.
                Vector128.Sum x

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Any mask = Vector128.ExtractMostSignificantBits mask <> 0u

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Bits mask = uint64 (Vector128.ExtractMostSignificantBits mask)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member OfBits bits =
            let own = Vector128.Create(1, 2, 4, 8)
            Vector128.Equals(Vector128.BitwiseAnd(Vector128.Create(int bits), own), own).As<int, 'T>()
