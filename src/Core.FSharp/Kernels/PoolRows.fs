namespace FunctionalNet.Kernels

open System
open System.Numerics
open Microsoft.FSharp.NativeInterop

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// Windows side by side, all alike: the first begins at an address, the next `step` bytes later; `offsets` are the places
/// of its `taps` positions from there, in bytes. Vector lanes are channels. On the other side, positions follow each other.
[<Struct; NoEquality; NoComparison>]
type internal PoolRow = { Count: int; Step: nativeint; Taps: int; Offsets: nativeptr<nativeint>; Channels: int }

/// The loops of poolings over one such row.
[<AbstractClass; Sealed>]
type internal PoolRows<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>> private () =

    static member inline private Load(p: nativeint, n: int) = if n = 'W.Count then 'W.Load p else 'W.LoadFirst(p, n)

    static member inline private Store(p: nativeint, n: int, v: 'V) =
        if n = 'W.Count then 'W.Store(p, v) else 'W.StoreFirst(p, n, v)

    static member inline private Largest(p: nativeint, row: PoolRow, n: int) =
        let mutable best = 'W.Create(Number.Lowest<'T>())

        for i in 0 .. row.Taps - 1 do
            best <- 'W.Max(best, PoolRows<'W, 'V, 'T>.Load(p + NativePtr.get row.Offsets i, n))

        best

    /// The largest element of each window; NaN if one is NaN.
    [<FullyOptimized>]
    static member Max(row: PoolRow, x: nativeint, y: nativeint) =
        let lowest = 'W.Create(Number.Lowest<'T>())
        let lanes = 'W.Count
        let mutable window = x
        let mutable q = y

        for _ in 1 .. row.Count do
            let mutable p = window
            let mutable left = row.Channels

            while left >= 2 * lanes do
                let mutable best = lowest
                let mutable next = lowest

                for i in 0 .. row.Taps - 1 do
                    let from = p + NativePtr.get row.Offsets i
                    best <- 'W.Max(best, 'W.Load from)
                    next <- 'W.Max(next, 'W.Load(from + 'W.Bytes))

                'W.Store(q, best)
                'W.Store(q + 'W.Bytes, next)
                p <- p + 'W.Bytes + 'W.Bytes
                q <- q + 'W.Bytes + 'W.Bytes
                left <- left - 2 * lanes

            while left > 0 do
                let n = min lanes left
                PoolRows<'W, 'V, 'T>.Store(q, n, PoolRows<'W, 'V, 'T>.Largest(p, row, n))
                p <- p + 'W.Bytes
                q <- q + nativeint (n * sizeof<'T>)
                left <- left - n

            window <- window + row.Step

    /// The sum of each window.
    [<FullyOptimized>]
    static member Sum(row: PoolRow, x: nativeint, y: nativeint) =
        let lanes = 'W.Count
        let mutable window = x
        let mutable q = y

        for _ in 1 .. row.Count do
            let mutable p = window
            let mutable left = row.Channels

            while left > 0 do
                let n = min lanes left
                let mutable sum = 'W.Zero

                for i in 0 .. row.Taps - 1 do
                    sum <- 'W.Add(sum, PoolRows<'W, 'V, 'T>.Load(p + NativePtr.get row.Offsets i, n))

                PoolRows<'W, 'V, 'T>.Store(q, n, sum)
                p <- p + 'W.Bytes
                q <- q + nativeint (n * sizeof<'T>)
                left <- left - n

            window <- window + row.Step

    /// For the gradient of sums: dy goes to all positions of its window, or is added to what is there.
    [<FullyOptimized>]
    static member SumGrad(row: PoolRow, dy: nativeint, dx: nativeint, adds: bool) =
        let lanes = 'W.Count
        let mutable window = dx
        let mutable q = dy

        for _ in 1 .. row.Count do
            let mutable p = window
            let mutable left = row.Channels

            while left > 0 do
                let n = min lanes left
                let v = PoolRows<'W, 'V, 'T>.Load(q, n)

                for i in 0 .. row.Taps - 1 do
                    let t = p + NativePtr.get row.Offsets i
                    let old = if adds then PoolRows<'W, 'V, 'T>.Load(t, n) else 'W.Zero
                    PoolRows<'W, 'V, 'T>.Store(t, n, 'W.Add(v, old))

                p <- p + 'W.Bytes
                q <- q + nativeint (n * sizeof<'T>)
                left <- left - n

            window <- window + row.Step

    /// Lanes that hold the largest element of their window, or the first NaN of a window that has one.
    static member inline private Holds(v: 'V, best: 'V, isNaN: 'V) =
        'W.Or('W.Equal(v, best), 'W.AndNot(isNaN, 'W.Equal(v, v)))

    /// Lanes that are not numbers.
    static member inline private NaNs(v: 'V) =
        let same = 'W.Equal(v, v)
        'W.AndNot('W.Equal('W.Zero, 'W.Zero), same)

    /// For the gradient of maxima: each dy goes to the first largest position of its window, or is added to what is there;
    /// `ahead` is the distance in bytes from x to dx.
    [<FullyOptimized>]
    static member MaxGrad(row: PoolRow, x: nativeint, dy: nativeint, ahead: nativeint, adds: bool) =
        let lanes = 'W.Count
        let mutable window = x
        let mutable q = dy

        for _ in 1 .. row.Count do
            let mutable p = window
            let mutable left = row.Channels

            while left > 0 do
                let n = min lanes left
                let best = PoolRows<'W, 'V, 'T>.Largest(p, row, n)
                let isNaN = PoolRows<'W, 'V, 'T>.NaNs best
                let v = PoolRows<'W, 'V, 'T>.Load(q, n)
                let mutable free = 'W.Equal('W.Zero, 'W.Zero)

                if n = lanes && not adds && not ('W.Any isNaN) then
                    for i in 0 .. row.Taps - 1 do
                        let from = p + NativePtr.get row.Offsets i
                        let here = 'W.And(free, 'W.Equal('W.Load from, best))
                        free <- 'W.AndNot(free, here)
                        'W.Store(from + ahead, 'W.And(v, here))
                else
                    for i in 0 .. row.Taps - 1 do
                        let from = p + NativePtr.get row.Offsets i
                        let e = PoolRows<'W, 'V, 'T>.Load(from, n)
                        let here = 'W.And(free, PoolRows<'W, 'V, 'T>.Holds(e, best, isNaN))
                        free <- 'W.AndNot(free, here)
                        let t = from + ahead
                        let old = if adds then PoolRows<'W, 'V, 'T>.Load(t, n) else 'W.Zero
                        PoolRows<'W, 'V, 'T>.Store(t, n, 'W.Add('W.And(v, here), old))

                p <- p + 'W.Bytes
                q <- q + nativeint (n * sizeof<'T>)
                left <- left - n

            window <- window + row.Step

    /// The element of another array (`ahead` bytes from x) at the first largest position of each window.
    [<FullyOptimized>]
    static member MaxGather(row: PoolRow, x: nativeint, y: nativeint, ahead: nativeint) =
        let lanes = 'W.Count
        let mutable window = x
        let mutable q = y

        for _ in 1 .. row.Count do
            let mutable p = window
            let mutable left = row.Channels

            while left > 0 do
                let n = min lanes left
                let best = PoolRows<'W, 'V, 'T>.Largest(p, row, n)
                let isNaN = PoolRows<'W, 'V, 'T>.NaNs best
                let mutable free = 'W.Equal('W.Zero, 'W.Zero)
                let mutable picked = 'W.Zero

                for i in 0 .. row.Taps - 1 do
                    let from = p + NativePtr.get row.Offsets i
                    let e = PoolRows<'W, 'V, 'T>.Load(from, n)
                    let here = 'W.And(free, PoolRows<'W, 'V, 'T>.Holds(e, best, isNaN))
                    free <- 'W.AndNot(free, here)
                    picked <- 'W.Or(picked, 'W.And(PoolRows<'W, 'V, 'T>.Load(from + ahead, n), here))

                PoolRows<'W, 'V, 'T>.Store(q, n, picked)
                p <- p + 'W.Bytes
                q <- q + nativeint (n * sizeof<'T>)
                left <- left - n

            window <- window + row.Step
