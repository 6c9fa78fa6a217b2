namespace FunctionalNet.Kernels

open FunctionalNet

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// Which position of each window of 2 x 2 a max-pooling kept, so that its gradient needs nothing else of what was pooled: 32
/// bits for each vector of channels of a window, lanes of the lower half set where it stood right, of the upper half where it
/// stood below. For numbers of 4 bytes.
[<AbstractClass; Sealed>]
type internal PoolPlaces private () =

    /// Vectors of channels of a window.
    static member Vectors(width: Width, channels: int) : int = (channels + int width / 4 - 1) / (int width / 4)

    /// Numbers of 32 bits for so many windows.
    static member Count(width: Width, windows: int, channels: int) : int = windows * PoolPlaces.Vectors(width, channels)

/// The loops over them.
[<AbstractClass; Sealed>]
type internal PoolPlaces<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>> private () =

    /// Channels of a tile at a time: it stays in the L1 cache.
    static member Channels = 64

    // Bytes from one position of a tile to the next.
    static member inline private Pixel = 256n

    /// Where the thread's tile is: at the end of its scratch memory, which Winograd's method does not fill.
    static member Tile: nativeint = Scratch.Pointer + nativeint Scratch.Size - 36n * PoolPlaces<'W, 'V, 'T>.Pixel

    /// Bytes from one position of a tile to the next.
    static member TilePixel: nativeint = PoolPlaces<'W, 'V, 'T>.Pixel

    /// Lanes where a value comes before the best so far: it is larger, or the first that is not a number.
    static member inline private Beats(v: 'V, best: 'V) = 'W.AndNot('W.Equal(best, best), 'W.LessOrEqual(v, best))

    /// The first largest of the four positions of a window; where it stands goes to `places`.
    static member inline Keep(v0: 'V, v1: 'V, v2: 'V, v3: 'V, places: nativeint) : 'V =
        let second = PoolPlaces<'W, 'V, 'T>.Beats(v1, v0)
        let best = 'W.Pick(second, v1, v0)
        let third = PoolPlaces<'W, 'V, 'T>.Beats(v2, best)
        let best = 'W.Pick(third, v2, best)
        let fourth = PoolPlaces<'W, 'V, 'T>.Beats(v3, best)
        let below = 'W.Or(third, fourth)
        let right = 'W.Or('W.AndNot(second, below), fourth)
        Mem.set<uint32> places 0 (uint32 ('W.Bits right) ||| (uint32 ('W.Bits below) <<< 16))
        'W.Pick(fourth, v3, best)

    /// The gradients of `side` x `side` positions from row `y` and column `x` on, which may be outside, from those of an
    /// image's windows, `down` x `across` of them: channels [first, past) of `channels`, into the thread's tile.
    [<FullyOptimized>]
    static member Spread
        (
            gradients: nativeint,
            places: nativeint,
            down: int,
            across: int,
            channels: int,
            first: int,
            past: int,
            y: int,
            x: int,
            side: int
        ) : unit =
        let lanes = 'W.Count
        let vectors = (channels + lanes - 1) / lanes
        let tile = PoolPlaces<'W, 'V, 'T>.Tile
        let pixel = PoolPlaces<'W, 'V, 'T>.Pixel
        let row = nativeint side * pixel

        for wy in y >>> 1 .. (y + side - 1) >>> 1 do
            for wx in x >>> 1 .. (x + side - 1) >>> 1 do
                let exists = uint32 wy < uint32 down && uint32 wx < uint32 across
                let window = wy * across + wx
                let top = 2 * wy - y
                let left = 2 * wx - x
                let p = tile + nativeint top * row + nativeint left * pixel
                let hasTop = top >= 0
                let hasBelow = top + 1 < side
                let hasLeft = left >= 0
                let hasRight = left + 1 < side
                let mutable channel = first
                let mutable at = p

                while channel < past do
                    let count = min lanes (past - channel)

                    let g =
                        if not exists then
                            'W.Zero
                        else
                            let q = gradients + nativeint (window * channels + channel) * nativeint sizeof<'T>
                            if count = lanes then 'W.Load q else 'W.LoadFirst(q, count)

                    let bits = if exists then Mem.get<uint32> places (window * vectors + channel / lanes) else 0u
                    let right = 'W.OfBits bits
                    let below = 'W.OfBits(bits >>> 16)
                    let upper = 'W.AndNot(g, below)
                    let lower = 'W.And(g, below)

                    if hasTop then
                        if hasLeft then 'W.Store(at, 'W.AndNot(upper, right))
                        if hasRight then 'W.Store(at + pixel, 'W.And(upper, right))

                    if hasBelow then
                        if hasLeft then 'W.Store(at + row, 'W.AndNot(lower, right))
                        if hasRight then 'W.Store(at + row + pixel, 'W.And(lower, right))

                    channel <- channel + lanes
                    at <- at + 'W.Bytes
