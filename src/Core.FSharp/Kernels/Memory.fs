namespace FunctionalNet.Kernels

open System
open System.Runtime.CompilerServices
open System.Runtime.InteropServices
open System.Runtime.Intrinsics.X86
open System.Threading
open Microsoft.FSharp.NativeInterop
open FunctionalNet

/// Large pages, where the operating system gives them to those who ask: the first touch of a page of 4 KB costs some
/// microseconds, that of one of 2 MB no more than fifty times as much, and the processor remembers where more memory is.
module private LargePages =

    [<DllImport("libc.so.6")>]
    extern int private madvise(nativeint address, unativeint length, int advice)

    /// Bytes of a large page.
    [<Literal>]
    let Size = 0x200000L

    /// Smaller memory is not worth the rounding up.
    [<Literal>]
    let Threshold = 0x100000L

    // MADV_HUGEPAGE.
    [<Literal>]
    let private Advice = 14

    let mutable private available = OperatingSystem.IsLinux()

    /// Asks for large pages in memory that begins and ends at their bounds. It does not matter if there are none.
    let request (start: nativeint) (bytes: int64) : unit =
        if available then
            try
                madvise (start, unativeint bytes, Advice) |> ignore
            with
            // Another C library.
            | :? DllNotFoundException
            | :? EntryPointNotFoundException -> available <- false

/// Memory on the pinned object heap. The garbage collector owns it: there is nothing to dispose, but pointers are valid
/// only while the block itself is reachable. What the system has just given is zero already, and is not written to make it so.
[<Sealed>]
type private Block(bytes: int64, zeroed: bool) =

    let isLarge = bytes >= LargePages.Threshold && bytes <= int64 Array.MaxLength - 2L * LargePages.Size

    let alignment = if isLarge then LargePages.Size else 64L

    // The last large page is for a part of it only if that is half of it: smaller pages for the rest take less memory.
    let room =
        let rest = bytes % LargePages.Size
        if isLarge && rest >= LargePages.Threshold then bytes - rest + LargePages.Size else bytes

    let storage: byte[] =
        if bytes < 0L || room > int64 Array.MaxLength - alignment then
            raise (
                ArgumentValueException(
                    "A buffer of this size cannot be allocated.",
                    "bytes",
                    "0 to about 2 GB",
                    bytes.ToString(Globalization.CultureInfo.InvariantCulture),
                    "Use a smaller batch or a smaller model."
                )
            )

        if zeroed then
            GC.AllocateArray<byte>(int (room + alignment), true)
        else
            GC.AllocateUninitializedArray<byte>(int (room + alignment), true)

    let start =
        let p = int64 (Marshal.UnsafeAddrOfPinnedArrayElement(storage, 0))
        nativeint ((p + alignment - 1L) &&& ~~~(alignment - 1L))

    do
        if isLarge then
            LargePages.request start (room / LargePages.Size * LargePages.Size)

    member _.Start = start

    /// Reachable up to here.
    member _.Keep() = GC.KeepAlive storage

/// Memory whose start is aligned to 64 bytes, alone or with others in one block. There is nothing to dispose, but pointers
/// are valid only while the buffer itself is reachable.
[<Sealed>]
type internal Buffer private (block: Block, offset: int64, bytes: int64) =

    let start = block.Start + nativeint offset
    let mutable version = 0L

    /// Of that size, not zeroed.
    new(bytes: int64) = Buffer(Block(bytes, false), 0L, bytes)

    /// Buffers of these sizes, all zeros. Small ones share blocks, which take whole pages between them: each is in memory
    /// as long as one of its block.
    static member Zeros(sizes: int64[]) : Buffer[] =
        let shared = 32L * LargePages.Size
        let buffers = Array.zeroCreate<Buffer> sizes.Length
        let mutable first = 0

        while first < sizes.Length do
            // As many as fit, or one.
            let mutable past = first + 1
            let mutable size = Buffer.Aligned sizes[first]

            while past < sizes.Length && size + Buffer.Aligned sizes[past] <= shared do
                size <- size + Buffer.Aligned sizes[past]
                past <- past + 1

            let block = Block((if past = first + 1 then sizes[first] else size), true)
            let mutable offset = 0L

            for i in first .. past - 1 do
                buffers[i] <- Buffer(block, offset, sizes[i])
                offset <- offset + Buffer.Aligned sizes[i]

            first <- past

        buffers

    static member private Aligned(bytes: int64) = (bytes + 63L) &&& ~~~63L

    /// The first byte.
    member _.Pointer = start

    /// How often the content has been declared changed.
    member _.Version = Volatile.Read(&version)

    /// Declares the content changed: what was computed from it once, such as packed weights, is computed again before it is
    /// used. Whoever writes to memory that outlives a run must say so here.
    member _.Touch() = Volatile.Write(&version, Volatile.Read(&version) + 1L)

    /// The size asked for.
    member _.Bytes = bytes

    /// Sets every byte to zero.
    member this.Zero() =
        NativeMemory.Clear(start.ToPointer(), unativeint bytes)
        // This use makes the block a field, which keeps it as long as the buffer.
        block.Keep()
        this.Touch()

/// Raw memory.
module internal Mem =

    /// Copies bytes; the ranges may overlap.
    let copy (dst: nativeint) (src: nativeint) (bytes: int64) =
        System.Buffer.MemoryCopy(src.ToPointer(), dst.ToPointer(), bytes, bytes)

    /// Sets bytes to zero.
    let zero (dst: nativeint) (bytes: int64) = NativeMemory.Clear(dst.ToPointer(), unativeint bytes)

    /// Writes to every page what is there, also while others write to it. The memory begins at a multiple of 4 bytes.
    let touch (p: nativeint) (bytes: int64) =
        let mutable at = 0L

        while at <= bytes - 4L do
            Interlocked.Or(NativePtr.toByRef (NativePtr.ofNativeInt<int>(p + nativeint at)), 0) |> ignore
            at <- at + 4096L

    /// Asks the machine to bring some bytes into the cache, where it can be asked.
    let inline announce (p: nativeint) (bytes: nativeint) =
        if Sse.IsSupported then
            let mutable line = p
            let stop = p + bytes

            while line < stop do
                Sse.Prefetch0(line.ToPointer())
                line <- line + 64n

    /// The same for what is read later: into the second cache.
    let inline announceFar (p: nativeint) (bytes: nativeint) =
        if Sse.IsSupported then
            let mutable line = p
            let stop = p + bytes

            while line < stop do
                Sse.Prefetch1(line.ToPointer())
                line <- line + 64n

    /// `announce` for 32 to 512 bytes, a number that is known when the method is compiled: one instruction for each line.
    let inline ask (p: nativeint) (bytes: nativeint) =
        if Sse.IsSupported then
            Sse.Prefetch0(p.ToPointer())
            if bytes > 64n then Sse.Prefetch0((p + 64n).ToPointer())
            if bytes > 128n then Sse.Prefetch0((p + 128n).ToPointer())
            if bytes > 192n then Sse.Prefetch0((p + 192n).ToPointer())
            if bytes > 256n then Sse.Prefetch0((p + 256n).ToPointer())
            if bytes > 320n then Sse.Prefetch0((p + 320n).ToPointer())
            if bytes > 384n then Sse.Prefetch0((p + 384n).ToPointer())
            if bytes > 448n then Sse.Prefetch0((p + 448n).ToPointer())

    /// Rounds a size up to a multiple of 64, so that what follows stays aligned.
    let align (bytes: int64) = (bytes + 63L) &&& ~~~63L

    /// The place of an element.
    let inline at<'T> (p: nativeint) : byref<'T> = &Unsafe.AsRef<'T>(p.ToPointer())

    /// The element at an index.
    let inline get<'T> (p: nativeint) (i: int) : 'T =
        Unsafe.Read<'T>((p + nativeint i * nativeint sizeof<'T>).ToPointer())

    /// Writes the element at an index.
    let inline set<'T> (p: nativeint) (i: int) (v: 'T) : unit =
        Unsafe.Write<'T>((p + nativeint i * nativeint sizeof<'T>).ToPointer(), v)

/// One block of memory per thread, for what a chunk needs while it runs: packed panels and the like, and behind them the
/// registers of a tile program, which have a place of their own because a program may run as the epilogue of a chunk.
[<AbstractClass; Sealed>]
type internal Scratch private () =

    [<ThreadStatic; DefaultValue>]
    static val mutable private block: Buffer | null

    /// Bytes that every thread has for its chunk.
    static member Size = 768 * 1024

    /// Bytes that every thread has for the registers of a tile program.
    static member TileSize = 128 * 1024

    /// The start of this thread's block. Allocates on the first call of a thread only.
    static member Pointer: nativeint =
        match Scratch.block with
        | null -> Scratch.Create()
        | b -> b.Pointer

    /// Where this thread's registers of a tile program start.
    static member TilePointer: nativeint = Scratch.Pointer + nativeint Scratch.Size

    [<MethodImpl(MethodImplOptions.NoInlining)>]
    static member private Create() : nativeint =
        let b = Buffer(int64 (Scratch.Size + Scratch.TileSize))
        Scratch.block <- b
        b.Pointer
