namespace FunctionalNet.Common

/// The Mersenne Twister (Matsumoto and Nishimura, 1998) as NumPy's RandomState seeds and reads it, so that files are shuffled and
/// split as Keras does for the same seed.
[<Sealed>]
type internal Mersenne(seed: uint32) =

    let state: uint32[] = Array.zeroCreate 624
    let mutable next = 624

    do
        state[0] <- seed

        for i in 1..623 do
            state[i] <- 1812433253u * (state[i - 1] ^^^ (state[i - 1] >>> 30)) + uint32 i

    let renew () =
        for i in 0..623 do
            let joined = (state[i] &&& 0x80000000u) ||| (state[(i + 1) % 624] &&& 0x7fffffffu)
            let twisted = (joined >>> 1) ^^^ (if joined &&& 1u = 1u then 0x9908b0dfu else 0u)
            state[i] <- state[(i + 397) % 624] ^^^ twisted

        next <- 0

    member _.Next() : uint32 =
        if next = 624 then renew ()
        let y = state[next]
        next <- next + 1
        let y = y ^^^ (y >>> 11)
        let y = y ^^^ ((y <<< 7) &&& 0x9d2c5680u)
        let y = y ^^^ ((y <<< 15) &&& 0xefc60000u)
        y ^^^ (y >>> 18)

    /// From 0 to the greatest: bits beyond the mask are dropped, and numbers above it drawn again.
    member this.UpTo(greatest: int) : int =
        let mutable mask = uint32 greatest

        for by in [ 1; 2; 4; 8; 16 ] do
            mask <- mask ||| (mask >>> by)

        let mutable drawn = this.Next() &&& mask

        while drawn > uint32 greatest do
            drawn <- this.Next() &&& mask

        int drawn

    /// NumPy: RandomState.shuffle.
    member this.Shuffle(items: 'T[]) : unit =
        for i in items.Length - 1 .. -1 .. 1 do
            let j = this.UpTo i
            let item = items[i]
            items[i] <- items[j]
            items[j] <- item
