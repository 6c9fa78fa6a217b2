namespace FunctionalNet.Kernels

open System.Runtime.Intrinsics

#nowarn "3535"

/// Where the data of an LSTM's sequence is. Sizes: input and gates (batch, time, 4 units), states and cells (batch, time,
/// units), the others (batch, units). The gates may lie over the input.
[<NoEquality; NoComparison>]
type internal LstmData =
    {
        Input: nativeint
        Kernel: nativeint
        H0: nativeint
        C0: nativeint
        /// (batch, time) truth values, or null.
        Mask: nativeint
        States: nativeint
        LastH: nativeint
        LastC: nativeint
        Cells: nativeint
        Gates: nativeint
    }

/// Where the data of the derivative is. The gradient of the input may lie over the gates.
[<NoEquality; NoComparison>]
type internal LstmGradData =
    {
        Gates: nativeint
        Cells: nativeint
        C0: nativeint
        Kernel: nativeint
        LastH: nativeint
        LastC: nativeint
        /// The cotangent of all states, or null.
        States: nativeint
        Mask: nativeint
        Input: nativeint
        H0: nativeint
        C0Gradient: nativeint
    }

/// One row of one step.
[<AbstractClass; Sealed>]
type internal LstmRow<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>> private () =

    /// Gates from input and product; then c and h (which may be the row before). The gates of input and result are `gate` bytes
    /// apart, those of the product `productGate`.
    [<FullyOptimized>]
    static member Forward
        (
            units: int,
            gate: nativeint,
            productGate: nativeint,
            input: nativeint,
            product: nativeint,
            before: nativeint,
            gates: nativeint,
            cell: nativeint,
            h: nativeint
        ) =
        let mutable j = 0

        while j < units do
            let count = min 'W.Count (units - j)
            let full = count = 'W.Count
            let at = nativeint j * 4n
            let inline load p = if full then 'W.Load p else 'W.LoadFirst(p, count)
            let inline store p v = if full then 'W.Store(p, v) else 'W.StoreFirst(p, count, v)
            let inline sum n = 'W.Add(load (input + n * gate + at), load (product + n * productGate + at))
            let i = VectorMath<'W, 'V>.Sigmoid(sum 0n)
            let f = VectorMath<'W, 'V>.Sigmoid(sum 1n)
            let g = VectorMath<'W, 'V>.Tanh(sum 2n)
            let o = VectorMath<'W, 'V>.Sigmoid(sum 3n)
            store (gates + at) i
            store (gates + gate + at) f
            store (gates + 2n * gate + at) g
            store (gates + 3n * gate + at) o
            let c = 'W.Fma(f, load (before + at), 'W.Mul(i, g))
            store (cell + at) c
            store (h + at) ('W.Mul(o, VectorMath<'W, 'V>.Tanh c))
            j <- j + 'W.Count

    /// The gradient of the input from that of h; `dc` is carried on.
    [<FullyOptimized>]
    static member Backward
        (units: int, gates: nativeint, cell: nativeint, before: nativeint, dh: nativeint, dc: nativeint, dz: nativeint)
        =
        let gate = nativeint units * 4n
        let one = 'W.Create 1.0f
        let mutable j = 0

        while j < units do
            let count = min 'W.Count (units - j)
            let full = count = 'W.Count
            let at = nativeint j * 4n
            let inline load p = if full then 'W.Load p else 'W.LoadFirst(p, count)
            let inline store p v = if full then 'W.Store(p, v) else 'W.StoreFirst(p, count, v)
            /// v (1 - v)
            let inline slope v = 'W.Mul(v, 'W.Sub(one, v))
            let i = load (gates + at)
            let f = load (gates + gate + at)
            let g = load (gates + 2n * gate + at)
            let o = load (gates + 3n * gate + at)
            let t = VectorMath<'W, 'V>.Tanh(load (cell + at))
            let dh = load (dh + at)
            let through = 'W.Mul('W.Mul(dh, o), 'W.Sub(one, 'W.Mul(t, t)))
            let d = 'W.Add(load (dc + at), through)
            store (dz + at) ('W.Mul('W.Mul(d, g), slope i))
            store (dz + gate + at) ('W.Mul('W.Mul(d, load (before + at)), slope f))
            store (dz + 2n * gate + at) ('W.Mul('W.Mul(d, i), 'W.Sub(one, 'W.Mul(g, g))))
            store (dz + 3n * gate + at) ('W.Mul('W.Mul(dh, t), slope o))
            store (dc + at) ('W.Mul(d, f))
            j <- j + 'W.Count

/// h and c after every step. Per row aside: h, then the product.
[<Sealed>]
type internal LstmForward<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>>
    (shape: RecurrentShape, data: LstmData, workspace: nativeint) =
    inherit RecurrentKernel<'W, 'V>(shape, false, data.Kernel, 4 * shape.Units, shape.Units, 4 * shape.Units, workspace)

    let units = shape.Units
    let state = nativeint units * 4n
    let product = StepProduct<'W, 'V>.ResultRow(4 * units)

    static member PerRow(units: int) =
        Mem.align (int64 units * 4L) + Mem.align (int64 (StepProduct<'W, 'V>.ResultRow(4 * units)))

    override this.Rows(first, count, packed) =
        let perRow = nativeint (LstmForward<'W, 'V>.PerRow units)
        let h = this.Aside(first, perRow)
        let z = h + nativeint count * state |> fun p -> (p + 63n) &&& ~~~63n
        Mem.copy h (data.H0 + nativeint first * state) (int64 count * int64 state)

        for s in 0 .. shape.Time - 1 do
            let t = shape.Place s
            StepProduct<'W, 'V>.Run(count, units, 4 * units, h, state, packed, z)

            for r in 0 .. count - 1 do
                let step = (first + r) * shape.Time + t
                let own = h + nativeint r * state
                let cell = data.Cells + nativeint step * state

                let before =
                    if s = 0 then
                        data.C0 + nativeint (first + r) * state
                    else
                        data.Cells + nativeint ((first + r) * shape.Time + shape.Place(s - 1)) * state

                let skipped = data.Mask <> 0n && Mem.get<byte> data.Mask step = 0uy
                let target = data.States + nativeint step * state
                let input = data.Input + nativeint step * 4n * state
                let gates = data.Gates + nativeint step * 4n * state
                let products = z + nativeint r * product
                LstmRow<'W, 'V>.Forward(units, state, state, input, products, before, gates, cell, target)

                if skipped then
                    Mem.copy cell before (int64 state)
                    Mem.copy target own (int64 state)
                else
                    Mem.copy own target (int64 state)

        for r in 0 .. count - 1 do
            let row = nativeint (first + r) * state
            let last = nativeint ((first + r) * shape.Time + shape.Place(shape.Time - 1)) * state
            Mem.copy (data.LastH + row) (data.States + last) (int64 state)
            Mem.copy (data.LastC + row) (data.Cells + last) (int64 state)

/// h and c after every step of one row.
[<Sealed>]
type internal LstmSingle<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>>
    (shape: RecurrentShape, data: LstmData, workspace: nativeint) =
    inherit SingleRowKernel<'W, 'V>(shape, 4, data.Kernel, workspace)

    let units = shape.Units
    let state = nativeint units * 4n

    override _.Units(s, first, count, packed, product) =
        let t = shape.Place s
        let here = nativeint t * state
        let at = nativeint first * 4n
        let earlier = nativeint (shape.Place(s - 1)) * state
        let h = if s = 0 then data.H0 else data.States + earlier
        let before = (if s = 0 then data.C0 else data.Cells + earlier) + at
        let cell = data.Cells + here + at
        let target = data.States + here + at
        let input = data.Input + 4n * here + at
        let gates = data.Gates + 4n * here + at
        GateProduct<'W, 'V>.Four(units, h, packed, product)

        LstmRow<'W, 'V>.Forward(count, state, GateProduct<'W, 'V>.Gate, input, product, before, gates, cell, target)

        let bytes = int64 count * 4L

        if data.Mask <> 0n && Mem.get<byte> data.Mask t = 0uy then
            Mem.copy cell before bytes
            Mem.copy target (h + at) bytes

        if s = shape.Time - 1 then
            Mem.copy (data.LastH + at) target bytes
            Mem.copy (data.LastC + at) cell bytes

/// The derivative. Per row aside: two cotangents of h (before and after the product), that of c, and the step's dz.
[<Sealed>]
type internal LstmBackward<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>>
    (shape: RecurrentShape, data: LstmGradData, workspace: nativeint) =
    inherit RecurrentKernel<'W, 'V>(shape, true, data.Kernel, 4 * shape.Units, 4 * shape.Units, shape.Units, workspace)

    let units = shape.Units
    let state = nativeint units * 4n
    let wide = StepProduct<'W, 'V>.ResultRow units

    static member PerRow(units: int) =
        2L * int64 (StepProduct<'W, 'V>.ResultRow units)
        + Mem.align (int64 units * 4L)
        + Mem.align (int64 units * 16L)

    override this.Rows(first, count, packed) =
        let n = nativeint count
        let home = this.Aside(first, nativeint (LstmBackward<'W, 'V>.PerRow units))
        let mutable dh = home
        let mutable next = home + n * wide
        let dc = home + 2n * n * wide
        let dz = dc + n * nativeint (Mem.align (int64 state))

        for r in 0 .. count - 1 do
            Mem.copy (dh + nativeint r * wide) (data.LastH + nativeint (first + r) * state) (int64 state)
            Mem.copy (dc + nativeint r * state) (data.LastC + nativeint (first + r) * state) (int64 state)

        let isSkipped r t = data.Mask <> 0n && Mem.get<byte> data.Mask ((first + r) * shape.Time + t) = 0uy

        for s in shape.Time - 1 .. -1 .. 0 do
            let t = shape.Place s

            for r in 0 .. count - 1 do
                let step = (first + r) * shape.Time + t
                let own = dh + nativeint r * wide
                let out = data.Input + nativeint step * 4n * state
                if data.States <> 0n then
                    StateLoops<'W, 'V>.Add(units, own, data.States + nativeint step * state)

                if isSkipped r t then
                    Mem.zero (dz + nativeint r * 4n * state) (4L * int64 state)
                    Mem.zero out (4L * int64 state)
                else
                    let before =
                        if s = 0 then
                            data.C0 + nativeint (first + r) * state
                        else
                            data.Cells + nativeint ((first + r) * shape.Time + shape.Place(s - 1)) * state

                    let mine = dz + nativeint r * 4n * state

                    LstmRow<'W, 'V>
                        .Backward(
                            units,
                            data.Gates + nativeint step * 4n * state,
                            data.Cells + nativeint step * state,
                            before,
                            own,
                            dc + nativeint r * state,
                            mine
                        )

                    Mem.copy out mine (4L * int64 state)

            StepProduct<'W, 'V>.Run(count, 4 * units, units, dz, 4n * state, packed, next)

            for r in 0 .. count - 1 do
                if isSkipped r t then
                    Mem.copy (next + nativeint r * wide) (dh + nativeint r * wide) (int64 state)

            let done' = dh
            dh <- next
            next <- done'

        for r in 0 .. count - 1 do
            Mem.copy (data.H0 + nativeint (first + r) * state) (dh + nativeint r * wide) (int64 state)
            Mem.copy (data.C0Gradient + nativeint (first + r) * state) (dc + nativeint r * state) (int64 state)

/// LSTM over a sequence, in float32.
[<AbstractClass; Sealed>]
type internal Lstm private () =

    static member private Sizes<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>>
        (shape: RecurrentShape, back: bool)
        =
        let units = shape.Units

        if back then
            RecurrentKernel<'W, 'V>.WorkspaceFor(shape, 4 * units, units, LstmBackward<'W, 'V>.PerRow units)
        elif shape.Batch = 1 then
            SingleRowKernel<'W, 'V>.WorkspaceFor(shape, 4)
        else
            RecurrentKernel<'W, 'V>.WorkspaceFor(shape, units, 4 * units, LstmForward<'W, 'V>.PerRow units)

    static member Workspace(shape: RecurrentShape, back: bool) : int64 =
        match Width.current with
        | Width.W512 -> Lstm.Sizes<Lanes512<float32>, Vector512<float32>>(shape, back)
        | Width.W256 -> Lstm.Sizes<Lanes256<float32>, Vector256<float32>>(shape, back)
        | _ -> Lstm.Sizes<Lanes128<float32>, Vector128<float32>>(shape, back)

    static member private ForwardOf<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>>
        (shape: RecurrentShape, data: LstmData, workspace: nativeint)
        : Kernel =
        if shape.Batch = 1 then
            LstmSingle<'W, 'V>(shape, data, workspace)
        else
            LstmForward<'W, 'V>(shape, data, workspace)

    static member Forward(shape: RecurrentShape, data: LstmData, workspace: nativeint) : Kernel =
        match Width.current with
        | Width.W512 -> Lstm.ForwardOf<Lanes512<float32>, Vector512<float32>>(shape, data, workspace)
        | Width.W256 -> Lstm.ForwardOf<Lanes256<float32>, Vector256<float32>>(shape, data, workspace)
        | _ -> Lstm.ForwardOf<Lanes128<float32>, Vector128<float32>>(shape, data, workspace)

    static member Backward(shape: RecurrentShape, data: LstmGradData, workspace: nativeint) : Kernel =
        match Width.current with
        | Width.W512 -> LstmBackward<Lanes512<float32>, Vector512<float32>>(shape, data, workspace)
        | Width.W256 -> LstmBackward<Lanes256<float32>, Vector256<float32>>(shape, data, workspace)
        | _ -> LstmBackward<Lanes128<float32>, Vector128<float32>>(shape, data, workspace)
