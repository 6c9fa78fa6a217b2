namespace FunctionalNet.Kernels

open System.Numerics
open System.Runtime.CompilerServices
open System.Runtime.Intrinsics
open Microsoft.FSharp.NativeInterop
open FunctionalNet
open FunctionalNet.Common
open FunctionalNet.Kernels.Lanes

/// Copies of elements from one type to another.
[<AbstractClass; Sealed>]
type internal Convert<'S, 'D
    when 'S: unmanaged and 'S: struct and 'S :> INumber<'S> and 'D: unmanaged and 'D: struct and 'D :> INumber<'D>>
    private () =

    /// d[i] = s[i * stride], converted; floats go to integers toward zero.
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Run(n: int, d: nativeint, s: nativeint, stride: int) =
        let src = NativePtr.ofNativeInt<'S> s
        let dst = NativePtr.ofNativeInt<'D> d

        if stride = 1 then
            for i in 0 .. n - 1 do
                NativePtr.set dst i ('D.CreateTruncating<'S>(NativePtr.get src i))
        elif stride = 0 then
            if n > 0 then
                BasicLoops<'D>.Fill(n, d, 'D.CreateTruncating<'S>(NativePtr.get src 0))
        else
            let mutable p = src

            for i in 0 .. n - 1 do
                NativePtr.set dst i ('D.CreateTruncating<'S>(NativePtr.read p))
                p <- NativePtr.add p stride

    /// d[i] = 1 if s[i] is not 0 (NaN included), else 0; d holds bytes.
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Truth(n: int, d: nativeint, s: nativeint) =
        let lanes = 32 / sizeof<'S>
        let mutable i = 0

        while i < n do
            let count = min lanes (n - i)
            let p = s + nativeint (i * sizeof<'S>)
            let v = if count = lanes then load<'S> p else loadFirst<'S> p count
            // One bit a lane; multiplied out to one byte a lane, eight lanes at most.
            let zeros = uint64 (Vector256.ExtractMostSignificantBits(Vector256.Equals(v, Vector256<'S>.Zero)))
            let spread = ((~~~zeros &&& 0x7fUL) * 0x02040810204081UL) &&& 0x0101010101010101UL
            let bytes = spread ||| ((~~~zeros &&& 0x80UL) <<< 49)
            let q = d + nativeint i

            if count = 8 then
                Mem.set<uint64> q 0 bytes
            elif count = 4 then
                Mem.set<uint32> q 0 (uint32 bytes)
            else
                for k in 0 .. count - 1 do
                    Mem.set<byte> q k (byte (bytes >>> (8 * k)))

            i <- i + count

/// Loads into tile registers and stores out of them, of one domain.
[<AbstractClass; Sealed>]
type internal TileMove<'D when 'D: unmanaged and 'D: struct and 'D :> INumber<'D>> private () =

    /// Loads n elements of a type, `stride` elements apart, into a register.
    static member Load(dtype: DType, n: int, d: nativeint, s: nativeint, stride: int) =
        match dtype with
        | DType.Float32 ->
            if stride = 1 && sizeof<'D> = 4 then
                BasicLoops<'D>.Copy(n, d, s)
            else
                Convert<float32, 'D>.Run(n, d, s, stride)
        | DType.Float64 -> Convert<float, 'D>.Run(n, d, s, stride)
        | DType.Int32 -> Convert<int, 'D>.Run(n, d, s, stride)
        | DType.Int64 -> Convert<int64, 'D>.Run(n, d, s, stride)
        | _ -> Convert<byte, 'D>.Run(n, d, s, stride)

    /// Stores n elements of a register as a type.
    static member Store(dtype: DType, n: int, d: nativeint, s: nativeint) =
        match dtype with
        | DType.Float32 -> if sizeof<'D> = 4 then BasicLoops<'D>.Copy(n, d, s) else Convert<'D, float32>.Run(n, d, s, 1)
        | DType.Float64 -> Convert<'D, float>.Run(n, d, s, 1)
        | DType.Int32 -> Convert<'D, int>.Run(n, d, s, 1)
        | DType.Int64 -> Convert<'D, int64>.Run(n, d, s, 1)
        | _ -> Convert<'D, byte>.Truth(n, d, s)

    /// Uniform numbers of elements position, position + 1, ...
    static member Uniform(n: int, d: nativeint, position: int, seed: uint64, stream: uint64, step: uint32) =
        if sizeof<'D> = 4 then
            RandomBits.Uniform(n, d, position, seed, stream, step)
        else
            // In pieces through float32, where all of these numbers are exact.
            let piece = NativePtr.toNativeInt (NativePtr.stackalloc<float32> 64)
            let mutable i = 0

            while i < n do
                let count = min 64 (n - i)
                RandomBits.Uniform(count, piece, position + i, seed, stream, step)
                Convert<float32, 'D>.Run(count, d + nativeint (i * sizeof<'D>), piece, 1)
                i <- i + count

/// Walks count positions in a few words on the stack.
module internal RankLimit =

    /// Fails for more than 16 dims.
    let check (dims: int[]) =
        if dims.Length > 16 then
            raise (
                ShapeException(
                    "A tensor has too many axes.",
                    "",
                    "at most 16",
                    dims.Length.ToString System.Globalization.CultureInfo.InvariantCulture,
                    "Merge axes with a reshape."
                )
            )

module internal Strides =

    /// Sizes and strides of the same elements in the same order, without axes of size 1 and with neighbours merged where
    /// one stride does for both.
    let collapse (dims: int[]) (strides: int[]) : struct (int[] * int[]) =
        let d = ResizeArray<int>()
        let s = ResizeArray<int>()

        for i in 0 .. dims.Length - 1 do
            if dims[i] <> 1 then
                let last = d.Count - 1

                if last >= 0 && s[last] = strides[i] * dims[i] then
                    d[last] <- d[last] * dims[i]
                    s[last] <- strides[i]
                else
                    d.Add dims[i]
                    s.Add strides[i]

        struct (d.ToArray(), s.ToArray())

/// A walk over a strided view in row-major order, its dims collapsed as far as the strides allow.
[<Sealed>]
type internal StridedWalk(dims: int[], strides: int[]) =

    do RankLimit.check dims

    let shape, steps =
        match Strides.collapse dims strides with
        | struct ([||], _) -> [| 1 |], [| 0 |]
        | struct (d, s) -> d, s

    /// Collapsed dims.
    member _.Dims = shape

    /// Collapsed strides.
    member _.Strides = steps

    /// Length of the innermost run.
    member _.Run = shape[shape.Length - 1]

    /// Stride of the innermost run.
    member _.RunStride = steps[steps.Length - 1]

    /// True when every row is the same.
    member _.IsPeriodic =
        let mutable same = true

        for i in 0 .. steps.Length - 2 do
            if steps[i] <> 0 then same <- false

        same

    /// Fills `index` (one counter per dim) with the position of a flat index and returns its element offset.
    member _.Seek(flat: int, index: nativeptr<int>) =
        let mutable rest = flat
        let mutable offset = 0n

        for a in shape.Length - 1 .. -1 .. 0 do
            let q = rest / shape[a]
            let i = rest - q * shape[a]
            NativePtr.set index a i
            offset <- offset + nativeint i * nativeint steps[a]
            rest <- q

        offset

    /// Moves to the start of the next row: the change of the element offset of a row's start.
    member _.NextRow(index: nativeptr<int>) =
        let mutable a = shape.Length - 2
        let mutable change = 0n

        while a >= 0 do
            let i = NativePtr.get index a + 1

            if i < shape[a] then
                NativePtr.set index a i
                change <- change + nativeint steps[a]
                a <- -1
            else
                NativePtr.set index a 0
                change <- change - nativeint (shape[a] - 1) * nativeint steps[a]
                a <- a - 1

        change

/// Loads tiles of a strided view.
[<AbstractClass; Sealed>]
type internal StridedLoad<'D when 'D: unmanaged and 'D: struct and 'D :> INumber<'D>> private () =

    static member Run(walk: StridedWalk, dtype: DType, n: int, d: nativeint, s: nativeint, position: int) =
        let index = NativePtr.stackalloc<int> 16
        let size = nativeint (DType.size dtype)
        let run = walk.Run
        let stride = walk.RunStride
        let mutable offset = walk.Seek(position, index)
        let mutable column = NativePtr.get index (walk.Dims.Length - 1)
        let mutable done' = 0

        if walk.IsPeriodic && column = 0 && n >= 2 * run && run < 64 then
            // A short row repeated: written once, then doubled in the register.
            TileMove<'D>.Load(dtype, run, d, s, stride)
            done' <- run

            while done' < n do
                let count = min done' (n - done')
                Unsafe.CopyBlock(
                    (d + nativeint done' * nativeint sizeof<'D>).ToPointer(),
                    d.ToPointer(),
                    uint32 (count * sizeof<'D>)
                )
                done' <- done' + count
        else
            while done' < n do
                let count = min (run - column) (n - done')
                TileMove<'D>.Load(dtype, count, d + nativeint (done' * sizeof<'D>), s + offset * size, stride)
                done' <- done' + count

                if done' < n then
                    offset <- offset - nativeint column * nativeint stride + walk.NextRow index
                    column <- 0

/// Loads tiles of indices along one axis.
[<AbstractClass; Sealed>]
type internal IotaLoad<'D when 'D: unmanaged and 'D: struct and 'D :> INumber<'D>> private () =

    /// Element i is (i / inner) mod length.
    static member Run(n: int, d: nativeint, position: int, length: int, inner: int) =
        let dst = NativePtr.ofNativeInt<'D> d
        let mutable value = position / inner % length
        let mutable left = inner - position % inner

        for i in 0 .. n - 1 do
            NativePtr.set dst i ('D.CreateTruncating<int> value)
            left <- left - 1

            if left = 0 then
                left <- inner
                value <- (if value + 1 = length then 0 else value + 1)
