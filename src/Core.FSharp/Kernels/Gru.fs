namespace FunctionalNet.Kernels

open System.Runtime.Intrinsics

#nowarn "3535"

/// Where the data of a GRU's sequence is. Sizes: input (batch, time, 3 units), gates (batch, time, 4 units): z, r, the
/// candidate and its recurrent part; states (batch, time, units), the others (batch, units).
[<NoEquality; NoComparison>]
type internal GruData =
    {
        Input: nativeint
        Kernel: nativeint
        /// The candidate's recurrent bias (units).
        Bias: nativeint
        H0: nativeint
        /// (batch, time) truth values, or null.
        Mask: nativeint
        States: nativeint
        LastH: nativeint
        Gates: nativeint
    }

/// Where the data of the derivative is.
[<NoEquality; NoComparison>]
type internal GruGradData =
    {
        Gates: nativeint
        States: nativeint
        H0: nativeint
        Kernel: nativeint
        LastH: nativeint
        /// The cotangent of all states, or null.
        Cotangent: nativeint
        Mask: nativeint
        /// Of the input, and of the product of h and the recurrent kernel: (batch, time, 3 units).
        Input: nativeint
        Product: nativeint
        H0Gradient: nativeint
    }

/// One row of one step.
[<AbstractClass; Sealed>]
type internal GruRow<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>> private () =

    /// Gates from input and product; then h. The gates of input and result are `gate` bytes apart, those of the product
    /// `productGate`.
    [<FullyOptimized>]
    static member Forward
        (
            units: int,
            gate: nativeint,
            productGate: nativeint,
            input: nativeint,
            product: nativeint,
            bias: nativeint,
            before: nativeint,
            gates: nativeint,
            h: nativeint
        ) =
        let one = 'W.Create 1.0f
        let mutable j = 0

        while j < units do
            let count = min 'W.Count (units - j)
            let full = count = 'W.Count
            let at = nativeint j * 4n
            let inline load p = if full then 'W.Load p else 'W.LoadFirst(p, count)
            let inline store p v = if full then 'W.Store(p, v) else 'W.StoreFirst(p, count, v)
            let z = VectorMath<'W, 'V>.Sigmoid('W.Add(load (input + at), load (product + at)))
            let r = VectorMath<'W, 'V>.Sigmoid('W.Add(load (input + gate + at), load (product + productGate + at)))
            let n = 'W.Add(load (product + 2n * productGate + at), load (bias + at))
            let g = VectorMath<'W, 'V>.Tanh('W.Fma(r, n, load (input + 2n * gate + at)))
            store (gates + at) z
            store (gates + gate + at) r
            store (gates + 2n * gate + at) g
            store (gates + 3n * gate + at) n
            store (h + at) ('W.Fma(z, load (before + at), 'W.Mul('W.Sub(one, z), g)))
            j <- j + 'W.Count

    /// The gradients of input and product from that of h, which becomes what passes h by.
    [<FullyOptimized>]
    static member Backward
        (units: int, gates: nativeint, before: nativeint, dh: nativeint, input: nativeint, product: nativeint)
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
            let z = load (gates + at)
            let r = load (gates + gate + at)
            let g = load (gates + 2n * gate + at)
            let n = load (gates + 3n * gate + at)
            let d = load (dh + at)
            let rest = 'W.Sub(one, z)
            let dg = 'W.Mul('W.Mul(d, rest), 'W.Sub(one, 'W.Mul(g, g)))
            let dz = 'W.Mul('W.Mul(d, 'W.Sub(load (before + at), g)), 'W.Mul(z, rest))
            let dr = 'W.Mul('W.Mul(dg, n), 'W.Mul(r, 'W.Sub(one, r)))
            store (input + at) dz
            store (input + gate + at) dr
            store (input + 2n * gate + at) dg
            store (product + at) dz
            store (product + gate + at) dr
            store (product + 2n * gate + at) ('W.Mul(dg, r))
            store (dh + at) ('W.Mul(d, z))
            j <- j + 'W.Count

/// h after every step. Per row aside: h, then the product.
[<Sealed>]
type internal GruForward<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>>
    (shape: RecurrentShape, data: GruData, workspace: nativeint) =
    inherit RecurrentKernel<'W, 'V>(shape, false, data.Kernel, 3 * shape.Units, shape.Units, 3 * shape.Units, workspace)

    let units = shape.Units
    let state = nativeint units * 4n
    let product = StepProduct<'W, 'V>.ResultRow(3 * units)

    static member PerRow(units: int) =
        Mem.align (int64 units * 4L) + Mem.align (int64 (StepProduct<'W, 'V>.ResultRow(3 * units)))

    override this.Rows(first, count, packed) =
        let h = this.Aside(first, nativeint (GruForward<'W, 'V>.PerRow units))
        let products = h + nativeint (Mem.align (int64 count * int64 state))
        Mem.copy h (data.H0 + nativeint first * state) (int64 count * int64 state)

        for s in 0 .. shape.Time - 1 do
            let t = shape.Place s
            StepProduct<'W, 'V>.Run(count, units, 3 * units, h, state, packed, products)

            for r in 0 .. count - 1 do
                let step = (first + r) * shape.Time + t
                let own = h + nativeint r * state
                let target = data.States + nativeint step * state

                GruRow<'W, 'V>
                    .Forward(
                        units,
                        state,
                        state,
                        data.Input + nativeint step * 3n * state,
                        products + nativeint r * product,
                        data.Bias,
                        own,
                        data.Gates + nativeint step * 4n * state,
                        target
                    )

                if data.Mask <> 0n && Mem.get<byte> data.Mask step = 0uy then
                    Mem.copy target own (int64 state)
                else
                    Mem.copy own target (int64 state)

        Mem.copy (data.LastH + nativeint first * state) h (int64 count * int64 state)

/// h after every step of one row.
[<Sealed>]
type internal GruSingle<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>>
    (shape: RecurrentShape, data: GruData, workspace: nativeint) =
    inherit SingleRowKernel<'W, 'V>(shape, 3, data.Kernel, workspace)

    let units = shape.Units
    let state = nativeint units * 4n

    override _.Units(s, first, count, packed, product) =
        let t = shape.Place s
        let here = nativeint t * state
        let at = nativeint first * 4n
        let h = if s = 0 then data.H0 else data.States + nativeint (shape.Place(s - 1)) * state
        let target = data.States + here + at
        let input = data.Input + 3n * here + at
        let gates = data.Gates + 4n * here + at
        GateProduct<'W, 'V>.Three(units, h, packed, product)

        GruRow<'W, 'V>
            .Forward(count, state, GateProduct<'W, 'V>.Gate, input, product, data.Bias + at, h + at, gates, target)

        let bytes = int64 count * 4L

        if data.Mask <> 0n && Mem.get<byte> data.Mask t = 0uy then
            Mem.copy target (h + at) bytes

        if s = shape.Time - 1 then Mem.copy (data.LastH + at) target bytes

/// The derivative. Per row aside: the cotangent of h, that of the product, and what the product gives back.
[<Sealed>]
type internal GruBackward<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>>
    (shape: RecurrentShape, data: GruGradData, workspace: nativeint) =
    inherit RecurrentKernel<'W, 'V>(shape, true, data.Kernel, 3 * shape.Units, 3 * shape.Units, shape.Units, workspace)

    let units = shape.Units
    let state = nativeint units * 4n
    let wide = StepProduct<'W, 'V>.ResultRow units

    static member PerRow(units: int) = Mem.align (int64 units * 16L) + int64 (StepProduct<'W, 'V>.ResultRow units)

    override this.Rows(first, count, packed) =
        let n = nativeint count
        let dh = this.Aside(first, nativeint (GruBackward<'W, 'V>.PerRow units))
        let ds = dh + n * state
        let back = dh + n * 4n * state
        Mem.copy dh (data.LastH + nativeint first * state) (int64 count * int64 state)
        let isSkipped step = data.Mask <> 0n && Mem.get<byte> data.Mask step = 0uy

        for s in shape.Time - 1 .. -1 .. 0 do
            let t = shape.Place s

            for r in 0 .. count - 1 do
                let step = (first + r) * shape.Time + t
                let own = dh + nativeint r * state
                let mine = ds + nativeint r * 3n * state
                let input = data.Input + nativeint step * 3n * state
                let product = data.Product + nativeint step * 3n * state

                if data.Cotangent <> 0n then
                    StateLoops<'W, 'V>.Add(units, own, data.Cotangent + nativeint step * state)

                if isSkipped step then
                    Mem.zero mine (3L * int64 state)
                    Mem.zero input (3L * int64 state)
                else
                    let before =
                        if s = 0 then
                            data.H0 + nativeint (first + r) * state
                        else
                            data.States + nativeint ((first + r) * shape.Time + shape.Place(s - 1)) * state

                    let gates = data.Gates + nativeint step * 4n * state
                    GruRow<'W, 'V>.Backward(units, gates, before, own, input, mine)

                Mem.copy product mine (3L * int64 state)

            StepProduct<'W, 'V>.Run(count, 3 * units, units, ds, 3n * state, packed, back)

            // Zero where a step was skipped.
            for r in 0 .. count - 1 do
                StateLoops<'W, 'V>.Add(units, dh + nativeint r * state, back + nativeint r * wide)

        Mem.copy (data.H0Gradient + nativeint first * state) dh (int64 count * int64 state)

/// GRU over a sequence, in float32, its reset gate after the recurrent product.
[<AbstractClass; Sealed>]
type internal Gru private () =

    static member private Sizes<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>>
        (shape: RecurrentShape, back: bool)
        =
        let units = shape.Units

        if back then
            RecurrentKernel<'W, 'V>.WorkspaceFor(shape, 3 * units, units, GruBackward<'W, 'V>.PerRow units)
        elif shape.Batch = 1 then
            SingleRowKernel<'W, 'V>.WorkspaceFor(shape, 3)
        else
            RecurrentKernel<'W, 'V>.WorkspaceFor(shape, units, 3 * units, GruForward<'W, 'V>.PerRow units)

    static member Workspace(shape: RecurrentShape, back: bool) : int64 =
        match Width.current with
        | Width.W512 -> Gru.Sizes<Lanes512<float32>, Vector512<float32>>(shape, back)
        | Width.W256 -> Gru.Sizes<Lanes256<float32>, Vector256<float32>>(shape, back)
        | _ -> Gru.Sizes<Lanes128<float32>, Vector128<float32>>(shape, back)

    static member private ForwardOf<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>>
        (shape: RecurrentShape, data: GruData, workspace: nativeint)
        : Kernel =
        if shape.Batch = 1 then
            GruSingle<'W, 'V>(shape, data, workspace)
        else
            GruForward<'W, 'V>(shape, data, workspace)

    static member Forward(shape: RecurrentShape, data: GruData, workspace: nativeint) : Kernel =
        match Width.current with
        | Width.W512 -> Gru.ForwardOf<Lanes512<float32>, Vector512<float32>>(shape, data, workspace)
        | Width.W256 -> Gru.ForwardOf<Lanes256<float32>, Vector256<float32>>(shape, data, workspace)
        | _ -> Gru.ForwardOf<Lanes128<float32>, Vector128<float32>>(shape, data, workspace)

    static member Backward(shape: RecurrentShape, data: GruGradData, workspace: nativeint) : Kernel =
        match Width.current with
        | Width.W512 -> GruBackward<Lanes512<float32>, Vector512<float32>>(shape, data, workspace)
        | Width.W256 -> GruBackward<Lanes256<float32>, Vector256<float32>>(shape, data, workspace)
        | _ -> GruBackward<Lanes128<float32>, Vector128<float32>>(shape, data, workspace)
