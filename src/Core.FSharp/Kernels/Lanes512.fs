namespace FunctionalNet.Kernels

open System.Runtime.CompilerServices
open System.Runtime.Intrinsics
open System.Runtime.Intrinsics.X86
open Microsoft.FSharp.NativeInterop

#nowarn "3535"

/// Vectors of 512 bits.
[<Struct; NoEquality; NoComparison>]
type internal Lanes512<'T> =

    interface ILanes<Vector512<'T>, 'T> with

        static member Count = Vector512<'T>.Count

        static member Bytes = 64n

        static member Zero = Vector512<'T>.Zero

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Create x = Vector512.Create x

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Load p = Vector512.LoadUnsafe(&Mem.at<'T> p)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member LoadFirst(p, count) =
            if Avx512F.IsSupported && sizeof<'T> = 4 then
                let mask = Vector512.LessThan(Vector512<int>.Indices, Vector512.Create count).AsSingle()
                Avx512F.MaskLoad(NativePtr.ofNativeInt<float32> p, mask, Vector512<float32>.Zero).As<float32, 'T>()
            elif Avx512F.IsSupported then
                let mask = Vector512.LessThan(Vector512<int64>.Indices, Vector512.Create(int64 count)).AsDouble()
                Avx512F.MaskLoad(NativePtr.ofNativeInt<float> p, mask, Vector512<float>.Zero).As<float, 'T>()
            else
                let mutable v = Vector512<'T>.Zero
                FirstLanes.copy<'T> p (NativePtr.toNativeInt &&v) count
                v

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Spread p = Vector512.Create(Mem.get<'T> p 0)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Store(p, v) = Vector512.StoreUnsafe(v, &Mem.at<'T> p)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member StoreFirst(p, count, v) =
            if Avx512F.IsSupported && sizeof<'T> = 4 then
                let mask = Vector512.LessThan(Vector512<int>.Indices, Vector512.Create count).AsSingle()
                Avx512F.MaskStore(NativePtr.ofNativeInt<float32> p, mask, v.As<'T, float32>())
            elif Avx512F.IsSupported then
                let mask = Vector512.LessThan(Vector512<int64>.Indices, Vector512.Create(int64 count)).AsDouble()
                Avx512F.MaskStore(NativePtr.ofNativeInt<float> p, mask, v.As<'T, float>())
            else
                let mutable v = v
                FirstLanes.copy<'T> (NativePtr.toNativeInt &&v) p count

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member LoadHalves(p) =
            let halves = Vector256.Load(NativePtr.ofNativeInt<uint16> p)

            let wide =
                if Avx512F.IsSupported then
                    Avx512F.ConvertToVector512UInt32 halves
                else
                    let struct (low, high) = Vector256.Widen halves
                    Vector512.Create(low, high)

            Vector512.ShiftLeft(wide, 16).As<uint32, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member StoreHalves(p, v) =
            let upper = Vector512.ShiftRightLogical(v.As<'T, uint32>(), 16)

            let halves =
                if Avx512F.IsSupported then
                    Avx512F.ConvertToVector256UInt16 upper
                else
                    Vector256.Narrow(upper.GetLower(), upper.GetUpper())

            Vector256.Store(halves, NativePtr.ofNativeInt<uint16> p)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Add(x, y) = Vector512.Add(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Sub(x, y) = Vector512.Subtract(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Mul(x, y) = Vector512.Multiply(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Div(x, y) = Vector512.Divide(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Fma(x, y, z) =
            if sizeof<'T> = 4 then
                NativeVector.Fma(x.As<'T, float32>(), y.As<'T, float32>(), z.As<'T, float32>()).As<float32, 'T>()
            else
                NativeVector.Fma(x.As<'T, float>(), y.As<'T, float>(), z.As<'T, float>()).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Neg x = Vector512.Negate x

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Abs x = Vector512.Abs x

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Sqrt x = Vector512.Sqrt x

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Max(x, y) = Vector512.Max(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Min(x, y) = Vector512.Min(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Floor x =
            if sizeof<'T> = 4 then
                Vector512.Floor(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector512.Floor(x.As<'T, float>()).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Ceiling x =
            if sizeof<'T> = 4 then
                Vector512.Ceiling(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector512.Ceiling(x.As<'T, float>()).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Truncate x =
            if sizeof<'T> = 4 then
                Vector512.Truncate(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector512.Truncate(x.As<'T, float>()).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Round x =
            if sizeof<'T> = 4 then
                Vector512.Round(x.As<'T, float32>()).As<float32, 'T>()
            else
                Vector512.Round(x.As<'T, float>()).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Clamp(x, low, high) =
            // The order of operands lets NaN through where the machine gives the second one then.
            NativeVector.Min(Vector512.Create<'T> high, NativeVector.Max(Vector512.Create<'T> low, x))

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Scale(x, n) =
            if Avx512F.IsSupported && sizeof<'T> = 4 then
                Avx512F.Scale(x.As<'T, float32>(), n.As<'T, float32>()).As<float32, 'T>()
            elif Avx512F.IsSupported then
                Avx512F.Scale(x.As<'T, float>(), n.As<'T, float>()).As<float, 'T>()
            elif sizeof<'T> = 4 then
                // Two factors, so that the largest numbers and those below the smallest normal one come out right.
                let n = NativeVector.ToInt(n.As<'T, float32>())
                let half = Vector512.ShiftRightArithmetic(n, 1)
                let bias = Vector512.Create 127
                let first = Vector512.ShiftLeft(half + bias, 23).AsSingle()
                let second = Vector512.ShiftLeft(n - half + bias, 23).AsSingle()
                (x.As<'T, float32>() * first * second).As<float32, 'T>()
            else
                // Adding 1.5 2^52 leaves a whole number in the lowest bits.
                let shift = Vector512.Create 6755399441055744.0
                let n = (n.As<'T, float>() + shift).AsInt64() - shift.AsInt64()
                let half = Vector512.ShiftRightArithmetic(n, 1)
                let bias = Vector512.Create 1023L
                let first = Vector512.ShiftLeft(half + bias, 52).AsDouble()
                let second = Vector512.ShiftLeft(n - half + bias, 52).AsDouble()
                (x.As<'T, float>() * first * second).As<float, 'T>()

        static member Splits = Avx512F.IsSupported

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Mantissa x =
            if sizeof<'T> = 4 then
                Avx512F.GetMantissa(x.As<'T, float32>(), 11uy).As<float32, 'T>()
            else
                Avx512F.GetMantissa(x.As<'T, float>(), 11uy).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Exponent x =
            if sizeof<'T> = 4 then
                Avx512F.GetExponent(x.As<'T, float32>()).As<float32, 'T>()
            else
                Avx512F.GetExponent(x.As<'T, float>()).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Lookup(table, indices) =
            if Avx512F.IsSupported then
                Avx512F
                    .PermuteVar16x32(Vector512.Load(NativePtr.ofNativeInt<float32> table), indices.AsInt32())
                    .As<float32, 'T>()
            else
                let mutable v = Vector512<'T>.Zero

                for i in 0 .. Vector512<'T>.Count - 1 do
                    let index = indices.AsInt32().GetElement i &&& 15
                    v <- v.WithElement(i, Mem.get<'T> table index)

                v

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Equal(x, y) = Vector512.Equals(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Less(x, y) = Vector512.LessThan(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member LessOrEqual(x, y) = Vector512.LessThanOrEqual(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member First count =
            if sizeof<'T> = 4 then
                Vector512.LessThan(Vector512<int>.Indices, Vector512.Create count).As<int, 'T>()
            else
                Vector512.LessThan(Vector512<int64>.Indices, Vector512.Create(int64 count)).As<int64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Pick(mask, yes, no) = Vector512.ConditionalSelect(mask, yes, no)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member And(x, y) = Vector512.BitwiseAnd(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Or(x, y) = Vector512.BitwiseOr(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Xor(x, y) = Vector512.Xor(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Not x = Vector512.OnesComplement x

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member AndNot(x, y) = Vector512.AndNot(x, y)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
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
                Vector512.ShiftLeft(x.As<'T, int>(), n).As<int, 'T>()
            else
                Vector512.ShiftLeft(x.As<'T, int64>(), n).As<int64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member ShiftRight(x, n) =
            if sizeof<'T> = 4 then
                Vector512.ShiftRightLogical(x.As<'T, int>(), n).As<int, 'T>()
            else
                Vector512.ShiftRightLogical(x.As<'T, int64>(), n).As<int64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member ShiftRightSigned(x, n) =
            if sizeof<'T> = 4 then
                Vector512.ShiftRightArithmetic(x.As<'T, int>(), n).As<int, 'T>()
            else
                Vector512.ShiftRightArithmetic(x.As<'T, int64>(), n).As<int64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member ToInt x =
            if sizeof<'T> = 4 then
                NativeVector.ToInt(x.As<'T, float32>()).As<int, 'T>()
            else
                NativeVector.ToInt(x.As<'T, float>()).As<int64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member OfInt x =
            if sizeof<'T> = 4 then
                Vector512.ConvertToSingle(x.As<'T, int>()).As<float32, 'T>()
            else
                Vector512.ConvertToDouble(x.As<'T, int64>()).As<float, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member MulHalves(x, y) =
            if Avx512F.IsSupported then
                Avx512F.Multiply(x.AsUInt32(), y.AsUInt32()).As<uint64, 'T>()
            else
                let low = Vector512.Create 0xffffffffUL
                ((x.AsUInt64() &&& low) * (y.AsUInt64() &&& low)).As<uint64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member HalvesDown x = Vector512.ShiftRightLogical(x.AsUInt64(), 32).As<uint64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member HalvesUp x = Vector512.ShiftLeft(x.AsUInt64(), 32).As<uint64, 'T>()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Sum x =
            let quarters = x.GetLower() + x.GetUpper()
            let halves = quarters.GetLower() + quarters.GetUpper()
            let pairs = halves + HalfLanes.swap64 halves

            if sizeof<'T> = 4 then (pairs + HalfLanes.swap32 pairs).ToScalar() else pairs.ToScalar()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Largest x =
            if Vector512.EqualsAll(x, x) then
                let quarters = NativeVector.Max(x.GetLower(), x.GetUpper())
                let halves = NativeVector.Max(quarters.GetLower(), quarters.GetUpper())
                let pairs = NativeVector.Max(halves, HalfLanes.swap64 halves)

                if sizeof<'T> = 4 then
                    NativeVector.Max(pairs, HalfLanes.swap32 pairs).ToScalar()
                else
                    pairs.ToScalar()
            else
                // The sum of what holds a NaN is one.
                Vector512.Sum x

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Any mask = Vector512.ExtractMostSignificantBits mask <> 0UL

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Bits mask = uint64 (Vector512.ExtractMostSignificantBits mask)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member OfBits bits =
            let own = Vector512.Create(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
            Vector512.Equals(Vector512.BitwiseAnd(Vector512.Create(int bits), own), own).As<int, 'T>()
