namespace FunctionalNet.Kernels

open Microsoft.FSharp.NativeInterop

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// Tiles of convolutions whose windows are three wide and stand side by side, for one vector of columns. An element of the
/// source lies in three windows, so it is read once for three multiply-adds: narrow tiles that read it for each of them
/// are held up by reading. Written for 32 vector registers.
[<AbstractClass; Sealed>]
type internal ConvNeighbours<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>> private () =

    /// Positions of a tile.
    static member Positions = 16

    /// Channels of a tile of a gradient.
    static member Channels = 8

    /// The results of 16 positions in a row, `step` bytes apart in the source. Every run has the three taps of a row of the
    /// window, `step` bytes each; `q` has a vector of columns for each of their elements. The results are written, or
    /// added, to the addresses in `into` plus `put`.
    [<FullyOptimized>]
    static member Forward
        (
            first: nativeint,
            step: nativeint,
            runs: ConvRuns,
            q: nativeint,
            into: nativeptr<nativeint>,
            put: nativeint,
            accumulate: bool
        ) =
        let mutable s0 = 'W.Zero
        let mutable s1 = 'W.Zero
        let mutable s2 = 'W.Zero
        let mutable s3 = 'W.Zero
        let mutable s4 = 'W.Zero
        let mutable s5 = 'W.Zero
        let mutable s6 = 'W.Zero
        let mutable s7 = 'W.Zero
        let mutable s8 = 'W.Zero
        let mutable s9 = 'W.Zero
        let mutable s10 = 'W.Zero
        let mutable s11 = 'W.Zero
        let mutable s12 = 'W.Zero
        let mutable s13 = 'W.Zero
        let mutable s14 = 'W.Zero
        let mutable s15 = 'W.Zero
        let size = nativeint sizeof<'T>
        let tap = step / size * 'W.Bytes
        let step2 = step + step
        let step4 = step2 + step2
        let step8 = step4 + step4
        let mutable q = q

        for r in 0 .. runs.Count - 1 do
            // Every fourth position has an address of its own; the others are one, two and three steps from it.
            let mutable p0 = first + NativePtr.get runs.Offsets r
            let mutable p4 = p0 + step4
            let mutable p8 = p0 + step8
            let mutable p12 = p8 + step4
            let mutable p16 = p8 + step8
            let step3 = step2 + step
            let stop = p0 + step

            while p0 < stop do
                let x = 'W.Load q
                let y = 'W.Load(q + tap)
                let z = 'W.Load(q + tap + tap)
                let e = 'W.Spread p0
                s0 <- 'W.Fma(e, x, s0)
                let e = 'W.Spread(p0 + step)
                s0 <- 'W.Fma(e, y, s0)
                s1 <- 'W.Fma(e, x, s1)
                let e = 'W.Spread(p0 + step2)
                s0 <- 'W.Fma(e, z, s0)
                s1 <- 'W.Fma(e, y, s1)
                s2 <- 'W.Fma(e, x, s2)
                let e = 'W.Spread(p0 + step3)
                s1 <- 'W.Fma(e, z, s1)
                s2 <- 'W.Fma(e, y, s2)
                s3 <- 'W.Fma(e, x, s3)
                let e = 'W.Spread p4
                s2 <- 'W.Fma(e, z, s2)
                s3 <- 'W.Fma(e, y, s3)
                s4 <- 'W.Fma(e, x, s4)
                let e = 'W.Spread(p4 + step)
                s3 <- 'W.Fma(e, z, s3)
                s4 <- 'W.Fma(e, y, s4)
                s5 <- 'W.Fma(e, x, s5)
                let e = 'W.Spread(p4 + step2)
                s4 <- 'W.Fma(e, z, s4)
                s5 <- 'W.Fma(e, y, s5)
                s6 <- 'W.Fma(e, x, s6)
                let e = 'W.Spread(p4 + step3)
                s5 <- 'W.Fma(e, z, s5)
                s6 <- 'W.Fma(e, y, s6)
                s7 <- 'W.Fma(e, x, s7)
                let e = 'W.Spread p8
                s6 <- 'W.Fma(e, z, s6)
                s7 <- 'W.Fma(e, y, s7)
                s8 <- 'W.Fma(e, x, s8)
                let e = 'W.Spread(p8 + step)
                s7 <- 'W.Fma(e, z, s7)
                s8 <- 'W.Fma(e, y, s8)
                s9 <- 'W.Fma(e, x, s9)
                let e = 'W.Spread(p8 + step2)
                s8 <- 'W.Fma(e, z, s8)
                s9 <- 'W.Fma(e, y, s9)
                s10 <- 'W.Fma(e, x, s10)
                let e = 'W.Spread(p8 + step3)
                s9 <- 'W.Fma(e, z, s9)
                s10 <- 'W.Fma(e, y, s10)
                s11 <- 'W.Fma(e, x, s11)
                let e = 'W.Spread p12
                s10 <- 'W.Fma(e, z, s10)
                s11 <- 'W.Fma(e, y, s11)
                s12 <- 'W.Fma(e, x, s12)
                let e = 'W.Spread(p12 + step)
                s11 <- 'W.Fma(e, z, s11)
                s12 <- 'W.Fma(e, y, s12)
                s13 <- 'W.Fma(e, x, s13)
                let e = 'W.Spread(p12 + step2)
                s12 <- 'W.Fma(e, z, s12)
                s13 <- 'W.Fma(e, y, s13)
                s14 <- 'W.Fma(e, x, s14)
                let e = 'W.Spread(p12 + step3)
                s13 <- 'W.Fma(e, z, s13)
                s14 <- 'W.Fma(e, y, s14)
                s15 <- 'W.Fma(e, x, s15)
                let e = 'W.Spread p16
                s14 <- 'W.Fma(e, z, s14)
                s15 <- 'W.Fma(e, y, s15)
                let e = 'W.Spread(p16 + step)
                s15 <- 'W.Fma(e, z, s15)
                p0 <- p0 + size
                p4 <- p4 + size
                p8 <- p8 + size
                p12 <- p12 + size
                p16 <- p16 + size
                q <- q + 'W.Bytes

            q <- q + tap + tap

        let inline write j v =
            let p = NativePtr.get into j + put
            'W.Store(p, (if accumulate then 'W.Add('W.Load p, v) else v))

        write 0 s0
        write 1 s1
        write 2 s2
        write 3 s3
        write 4 s4
        write 5 s5
        write 6 s6
        write 7 s7
        write 8 s8
        write 9 s9
        write 10 s10
        write 11 s11
        write 12 s12
        write 13 s13
        write 14 s14
        write 15 s15

    /// The gradients of eight channels of the three taps of a row of the window: the sum over the positions of all runs of
    /// the element of the source times the vector of gradients at `q`, which has one for each position. A run has one
    /// position for every `step` of its stop; it begins at its offset from `first`. The results are written, or added, to
    /// the addresses in `into` plus `put`: eight of each tap, one tap `apart` entries after the other.
    [<FullyOptimized>]
    static member Gradient
        (
            first: nativeint,
            step: nativeint,
            runs: ConvRuns,
            q: nativeint,
            into: nativeptr<nativeint>,
            apart: int,
            put: nativeint,
            accumulate: bool
        ) =
        let mutable a0 = 'W.Zero
        let mutable a1 = 'W.Zero
        let mutable a2 = 'W.Zero
        let mutable a3 = 'W.Zero
        let mutable a4 = 'W.Zero
        let mutable a5 = 'W.Zero
        let mutable a6 = 'W.Zero
        let mutable a7 = 'W.Zero
        let mutable b0 = 'W.Zero
        let mutable b1 = 'W.Zero
        let mutable b2 = 'W.Zero
        let mutable b3 = 'W.Zero
        let mutable b4 = 'W.Zero
        let mutable b5 = 'W.Zero
        let mutable b6 = 'W.Zero
        let mutable b7 = 'W.Zero
        let mutable c0 = 'W.Zero
        let mutable c1 = 'W.Zero
        let mutable c2 = 'W.Zero
        let mutable c3 = 'W.Zero
        let mutable c4 = 'W.Zero
        let mutable c5 = 'W.Zero
        let mutable c6 = 'W.Zero
        let mutable c7 = 'W.Zero
        let size = nativeint sizeof<'T>
        let mutable q = q

        for r in 0 .. runs.Count - 1 do
            let mutable p = first + NativePtr.get runs.Offsets r
            let last = p + NativePtr.get runs.Stops r
            // The gradients one and two positions before.
            let mutable y = 'W.Zero
            let mutable z = 'W.Zero

            while p < last + step + step do
                // Behind the last position there are two more elements that its window sees.
                let x = if p < last then 'W.Load q else 'W.Zero
                let e = 'W.Spread p
                a0 <- 'W.Fma(e, x, a0)
                b0 <- 'W.Fma(e, y, b0)
                c0 <- 'W.Fma(e, z, c0)
                let e = 'W.Spread(p + 1n * size)
                a1 <- 'W.Fma(e, x, a1)
                b1 <- 'W.Fma(e, y, b1)
                c1 <- 'W.Fma(e, z, c1)
                let e = 'W.Spread(p + 2n * size)
                a2 <- 'W.Fma(e, x, a2)
                b2 <- 'W.Fma(e, y, b2)
                c2 <- 'W.Fma(e, z, c2)
                let e = 'W.Spread(p + 3n * size)
                a3 <- 'W.Fma(e, x, a3)
                b3 <- 'W.Fma(e, y, b3)
                c3 <- 'W.Fma(e, z, c3)
                let e = 'W.Spread(p + 4n * size)
                a4 <- 'W.Fma(e, x, a4)
                b4 <- 'W.Fma(e, y, b4)
                c4 <- 'W.Fma(e, z, c4)
                let e = 'W.Spread(p + 5n * size)
                a5 <- 'W.Fma(e, x, a5)
                b5 <- 'W.Fma(e, y, b5)
                c5 <- 'W.Fma(e, z, c5)
                let e = 'W.Spread(p + 6n * size)
                a6 <- 'W.Fma(e, x, a6)
                b6 <- 'W.Fma(e, y, b6)
                c6 <- 'W.Fma(e, z, c6)
                let e = 'W.Spread(p + 7n * size)
                a7 <- 'W.Fma(e, x, a7)
                b7 <- 'W.Fma(e, y, b7)
                c7 <- 'W.Fma(e, z, c7)
                z <- y
                y <- x
                if p < last then q <- q + 'W.Bytes
                p <- p + step

        let inline write tap channel v =
            let p = NativePtr.get into (tap * apart + channel) + put
            'W.Store(p, (if accumulate then 'W.Add('W.Load p, v) else v))

        write 0 0 a0
        write 0 1 a1
        write 0 2 a2
        write 0 3 a3
        write 0 4 a4
        write 0 5 a5
        write 0 6 a6
        write 0 7 a7
        write 1 0 b0
        write 1 1 b1
        write 1 2 b2
        write 1 3 b3
        write 1 4 b4
        write 1 5 b5
        write 1 6 b6
        write 1 7 b7
        write 2 0 c0
        write 2 1 c1
        write 2 2 c2
        write 2 3 c3
        write 2 4 c4
        write 2 5 c5
        write 2 6 c6
        write 2 7 c7
