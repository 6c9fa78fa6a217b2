namespace FunctionalNet.Graph

open System
open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Common

/// The meaning of every primitive on row-major float64 arrays: plain loops, written to be read. Integers and truth values
/// are stored as float64 numbers.
module internal Reference =

    // ---- functions of one number ----

    /// The error function, by its series of positive terms: exact to the last digits everywhere.
    let erf (x: float) =
        if Double.IsNaN x then
            x
        elif abs x > 6.0 then
            float (sign x)
        else
            let mutable term = x
            let mutable total = x
            let mutable n = 0

            while abs term > abs total * 1e-18 && n < 500 do
                n <- n + 1
                term <- term * 2.0 * x * x / float (2 * n + 1)
                total <- total + term

            2.0 / sqrt Math.PI * exp (-x * x) * total

    /// The inverse of erf: Winitzki's estimate, then Newton's steps.
    let erfinv (y: float) =
        if y = 1.0 then
            Double.PositiveInfinity
        elif y = -1.0 then
            Double.NegativeInfinity
        elif not (abs y < 1.0) then
            Double.NaN
        else
            let a = 0.147
            let l = log (1.0 - y * y)
            let b = 2.0 / (Math.PI * a) + l / 2.0
            let mutable x = float (sign y) * sqrt (sqrt (b * b - l / a) - b)

            for _ in 1..4 do
                x <- x - (erf x - y) / (2.0 / sqrt Math.PI * exp (-x * x))

            x

    let expm1 (x: float) =
        let u = exp x

        if u = 1.0 then x
        elif u - 1.0 = -1.0 then -1.0
        elif Double.IsInfinity u || Double.IsNaN u then u
        else (u - 1.0) * x / log u

    let log1p (x: float) =
        let u = 1.0 + x
        if u = 1.0 then x
        elif Double.IsInfinity u then u
        else log u * x / (u - 1.0)

    let private truth b = if b then 1.0 else 0.0

    let unary (op: UnaryOp) : float -> float =
        match op with
        | UnaryOp.Neg -> fun x -> -x
        | UnaryOp.Abs -> abs
        | UnaryOp.Sign ->
            fun x ->
                if x > 0.0 then 1.0
                elif x < 0.0 then -1.0
                else x
        | UnaryOp.Reciprocal -> fun x -> 1.0 / x
        | UnaryOp.Square -> fun x -> x * x
        | UnaryOp.Sqrt -> sqrt
        | UnaryOp.Rsqrt -> fun x -> 1.0 / sqrt x
        | UnaryOp.Exp -> exp
        | UnaryOp.Expm1 -> expm1
        | UnaryOp.Log -> log
        | UnaryOp.Log1p -> log1p
        | UnaryOp.Sin -> sin
        | UnaryOp.Cos -> cos
        | UnaryOp.Tan -> tan
        | UnaryOp.Asin -> asin
        | UnaryOp.Acos -> acos
        | UnaryOp.Atan -> atan
        | UnaryOp.Sinh -> sinh
        | UnaryOp.Cosh -> cosh
        | UnaryOp.Asinh -> Math.Asinh
        | UnaryOp.Acosh -> Math.Acosh
        | UnaryOp.Atanh -> Math.Atanh
        | UnaryOp.Tanh -> tanh
        | UnaryOp.Sigmoid -> fun x -> 1.0 / (1.0 + exp -x)
        | UnaryOp.Softplus -> fun x -> Math.Max(x, 0.0) + log1p (exp -(abs x))
        | UnaryOp.Relu -> fun x -> Math.Max(x, 0.0)
        | UnaryOp.Erf -> erf
        | UnaryOp.Erfinv -> erfinv
        | UnaryOp.Floor -> floor
        | UnaryOp.Ceil -> ceil
        | UnaryOp.Round -> fun x -> Math.Round(x, MidpointRounding.ToEven)
        | UnaryOp.Not -> fun x -> 1.0 - x
        | UnaryOp.IsNaN -> fun x -> truth (Double.IsNaN x)
        | _ -> fun x -> truth (Double.IsFinite x)

    /// Python's remainder: the sign of the divisor. By zero: NaN for floats, 0 for integers.
    let private modulo integer (x: float) (y: float) =
        if integer && y = 0.0 then
            0.0
        else
            let r = x % y
            if r <> 0.0 && (r < 0.0) <> (y < 0.0) then r + y else r

    let binary (op: BinaryOp) (integer: bool) : float -> float -> float =
        match op with
        | BinaryOp.Add -> fun x y -> x + y
        | BinaryOp.Sub -> fun x y -> x - y
        | BinaryOp.Mul -> fun x y -> x * y
        | BinaryOp.Div -> fun x y -> x / y
        | BinaryOp.FloorDiv -> fun x y -> if integer && y = 0.0 then 0.0 else floor (x / y)
        | BinaryOp.Mod -> modulo integer
        | BinaryOp.Pow -> fun x y -> Math.Pow(x, y)
        | BinaryOp.Atan2 -> fun y x -> Math.Atan2(y, x)
        | BinaryOp.Max -> fun x y -> Math.Max(x, y)
        | BinaryOp.Min -> fun x y -> Math.Min(x, y)
        | BinaryOp.Eq -> fun x y -> truth (x = y)
        | BinaryOp.Ne -> fun x y -> truth (x <> y)
        | BinaryOp.Lt -> fun x y -> truth (x < y)
        | BinaryOp.Le -> fun x y -> truth (x <= y)
        | BinaryOp.Gt -> fun x y -> truth (x > y)
        | BinaryOp.Ge -> fun x y -> truth (x >= y)
        | BinaryOp.And -> fun x y -> x * y
        | BinaryOp.Or -> fun x y -> Math.Max(x, y)
        | _ -> fun x y -> truth (x <> y)

    /// Integers outside of the target's range saturate when they come from a float and wrap when they come from an int64.
    let cast (source: DType) (target: DType) : float -> float =
        match target with
        | DType.Float32 -> fun x -> float (float32 x)
        // As the value is rounded that a plan has in float32.
        | DType.BFloat16 -> fun x -> float (BFloat16.OfSingle(float32 x).ToSingle())
        | DType.Float64 -> id
        | DType.Int32 when source = DType.Int64 -> fun x -> float (int (int64 x))
        | DType.Int32 -> fun x -> float (int x)
        | DType.Int64 -> fun x -> float (int64 x)
        | _ -> fun x -> truth (x <> 0.0)

    // ---- index arithmetic ----

    /// For every element of a shape in row-major order, start + the sum of index * stride.
    let offsets (shape: Shape) (start: int) (strides: int[]) : int[] =
        let index = Array.zeroCreate shape.Rank
        let result = Array.zeroCreate shape.Size
        let mutable at = start

        for i in 0 .. result.Length - 1 do
            result[i] <- at
            let mutable axis = shape.Rank - 1
            let mutable carry = true

            while carry && axis >= 0 do
                index[axis] <- index[axis] + 1
                at <- at + strides[axis]

                if index[axis] = shape[axis] then
                    at <- at - strides[axis] * shape[axis]
                    index[axis] <- 0
                    axis <- axis - 1
                else
                    carry <- false

        result

    let private pick (x: float[]) (from: int[]) = from |> Array.map (fun i -> x[i])

    /// x repeated up to a shape.
    let broadcast (source: Shape) (target: Shape) (x: float[]) =
        if source.Equals target then
            x
        else
            let strides = Shape.strides source
            let extra = target.Rank - source.Rank

            Array.init target.Rank (fun i -> if i < extra || source[i - extra] = 1 then 0 else strides[i - extra])
            |> offsets target 0
            |> pick x

    let transpose (source: Shape) (target: Shape) (perm: int[]) (x: float[]) =
        let strides = Shape.strides source
        pick x (offsets target 0 (perm |> Array.map (fun p -> strides[p])))

    let slice (source: Shape) (target: Shape) (starts: int[]) (steps: int[]) (x: float[]) =
        let strides = Shape.strides source
        let start = Array.fold2 (fun n i s -> n + i * s) 0 starts strides
        pick x (offsets target start (Array.map2 (*) strides steps))

    let reverse (shape: Shape) (axes: int[]) (x: float[]) =
        let strides = Shape.strides shape
        let start = axes |> Array.sumBy (fun a -> (max shape[a] 1 - 1) * strides[a])
        pick x (offsets shape start (strides |> Array.mapi (fun i s -> if Array.contains i axes then -s else s)))

    let pad (source: Shape) (target: Shape) (low: int[]) (interior: int[]) (value: float) (x: float[]) =
        let result = Array.create target.Size value
        let strides = Shape.strides target
        let index = Array.zeroCreate source.Rank

        for i in 0 .. x.Length - 1 do
            let mutable rest = i
            let mutable at = 0
            let mutable inside = true

            for axis in source.Rank - 1 .. -1 .. 0 do
                index[axis] <- rest % source[axis]
                rest <- rest / source[axis]
                let place = low[axis] + index[axis] * (interior[axis] + 1)
                inside <- inside && place >= 0 && place < target[axis]
                at <- at + place * strides[axis]

            if inside then result[at] <- x[i]

        result

    /// (product of the sizes before an axis, its size, product of those behind it)
    let around (shape: Shape) (axis: int) =
        let dims = shape.ToArray()
        let product part = Array.fold (*) 1 part
        struct (product dims[.. axis - 1], dims[axis], product dims[axis + 1 ..])

    let concat (axis: int) (target: Shape) (parts: (Shape * float[])[]) =
        let result = Array.zeroCreate target.Size
        let struct (outer, size, inner) = around target axis
        let mutable first = 0

        for shape, x in parts do
            let n = shape[axis]

            for o in 0 .. outer - 1 do
                Array.blit x (o * n * inner) result ((o * size + first) * inner) (n * inner)

            first <- first + n

        result

    // ---- along axes ----

    let reduce (op: ReduceOp) (shape: Shape) (axes: int[]) (target: Shape) (x: float[]) =
        let start, combine =
            match op with
            | ReduceOp.Sum -> 0.0, (fun a b -> a + b)
            | ReduceOp.Prod -> 1.0, (fun a b -> a * b)
            | ReduceOp.Max -> Double.NegativeInfinity, (fun a b -> Math.Max((a: float), b))
            | ReduceOp.Min -> Double.PositiveInfinity, (fun a b -> Math.Min((a: float), b))
            | ReduceOp.Any -> 0.0, (fun a b -> Math.Max((a: float), b))
            | _ -> 1.0, (fun a b -> Math.Min((a: float), b))

        let result = Array.create target.Size start
        let kept = Shape.strides target
        let mutable next = 0

        let strides =
            Array.init shape.Rank (fun i ->
                if Array.contains i axes then
                    0
                else
                    next <- next + 1
                    kept[next - 1])

        let place = offsets shape 0 strides

        for i in 0 .. x.Length - 1 do
            result[place[i]] <- combine result[place[i]] x[i]

        result

    /// Runs over all lines along an axis: action (first element, distance between elements, size, number of the line).
    let lines (shape: Shape) (axis: int) (action: int -> int -> int -> int -> unit) =
        let struct (outer, size, inner) = around shape axis

        for o in 0 .. outer - 1 do
            for i in 0 .. inner - 1 do
                action (o * size * inner + i) inner size (o * inner + i)

    /// The first greatest (or least); the first NaN if there is one.
    let argReduce largest (shape: Shape) axis (target: Shape) (x: float[]) =
        let result = Array.zeroCreate target.Size

        lines shape axis (fun first step size line ->
            let mutable best = 0

            for k in 1 .. size - 1 do
                let v, b = x[first + k * step], x[first + best * step]

                if not (Double.IsNaN b) && (Double.IsNaN v || (if largest then v > b else v < b)) then
                    best <- k

            result[line] <- float best)

        result

    let cumSum (shape: Shape) axis exclusive reverse (x: float[]) =
        let result = Array.zeroCreate x.Length

        lines shape axis (fun first step size _ ->
            let mutable total = 0.0

            for k in 0 .. size - 1 do
                let at = first + (if reverse then size - 1 - k else k) * step
                result[at] <- if exclusive then total else total + x[at]
                total <- total + x[at])

        result

    let argSort (shape: Shape) axis descending (x: float[]) =
        let result = Array.zeroCreate x.Length

        lines shape axis (fun first step size _ ->
            let compare a b =
                let u, v = x[first + a * step], x[first + b * step]

                match Double.IsNaN u, Double.IsNaN v with
                | true, true -> 0
                | true, false -> 1
                | false, true -> -1
                | _ -> if descending then v.CompareTo u else u.CompareTo v

            List.sortWith compare [ 0 .. size - 1 ]
            |> List.iteri (fun k from -> result[first + k * step] <- float from))

        result

    // ---- indices ----

    let gather (shape: Shape) axis (x: float[]) (indices: float[]) =
        let struct (outer, size, inner) = around shape axis
        let result = Array.zeroCreate (outer * indices.Length * inner)

        for o in 0 .. outer - 1 do
            for k in 0 .. indices.Length - 1 do
                let from = int64 indices[k]

                if from >= 0L && from < int64 size then
                    Array.blit x ((o * size + int from) * inner) result ((o * indices.Length + k) * inner) inner

        result

    let scatterAdd axis (target: Shape) (indices: float[]) (updates: float[]) =
        let struct (outer, size, inner) = around target axis
        let result = Array.zeroCreate target.Size

        for o in 0 .. outer - 1 do
            for k in 0 .. indices.Length - 1 do
                let place = int64 indices[k]

                if place >= 0L && place < int64 size then
                    for i in 0 .. inner - 1 do
                        let at = (o * size + int place) * inner + i
                        result[at] <- result[at] + updates[(o * indices.Length + k) * inner + i]

        result

    /// Calls action (place in the tensor of indices, place in the other tensor) for every index in range.
    let private along (indexShape: Shape) axis (size: int) (indices: float[]) (action: int -> int -> unit) =
        lines indexShape axis (fun first step count line ->
            for k in 0 .. count - 1 do
                let place = int64 indices[first + k * step]

                if place >= 0L && place < int64 size then
                    action (first + k * step) ((line / step * size + int place) * step + line % step))

    let takeAlong (shape: Shape) (indexShape: Shape) axis (x: float[]) (indices: float[]) =
        let result = Array.zeroCreate indexShape.Size
        along indexShape axis shape[axis] indices (fun i from -> result[i] <- x[from])
        result

    let scatterAlong (indexShape: Shape) axis (target: Shape) (indices: float[]) (updates: float[]) =
        let result = Array.zeroCreate target.Size
        along indexShape axis target[axis] indices (fun i place -> result[place] <- result[place] + updates[i])
        result

    // ---- products and windows ----

    let matmul ta tb (sa: Shape) (sb: Shape) (target: Shape) (a: float[]) (b: float[]) =
        let m, n = target[-2], target[-1]
        let k = if ta then sa[-2] else sa[-1]
        let result = Array.zeroCreate target.Size
        let outer = Shape.Of(target.ToArray()[.. target.Rank - 3])

        /// The first element of every matrix, with batch axes broadcast.
        let firsts (s: Shape) =
            let strides = Shape.strides s
            let extra = target.Rank - s.Rank

            Array.init outer.Rank (fun i -> if i < extra || s[i - extra] = 1 then 0 else strides[i - extra])
            |> offsets outer 0

        let fa, fb = firsts sa, firsts sb

        for p in 0 .. outer.Size - 1 do
            for i in 0 .. m - 1 do
                for j in 0 .. n - 1 do
                    let mutable total = 0.0

                    for l in 0 .. k - 1 do
                        let u = a[fa[p] + (if ta then l * m + i else i * k + l)]
                        let v = b[fb[p] + (if tb then j * k + l else l * n + j)]
                        total <- total + u * v

                    result[(p * m + i) * n + j] <- total

        result

    /// Spatial sizes as three, with sizes of 1 in front.
    let private three (fill: int) (values: int[]) = Array.append (Array.create (3 - values.Length) fill) values

    /// Every place where a window cell lies on the input: action (spatial place in x, in the window, in the result).
    let private eachCell
        (x: int[])
        (window: int[])
        (out: int[])
        strides
        dilations
        padLow
        (action: int -> int -> int -> unit)
        =
        let x, window, out = three 1 x, three 1 window, three 1 out
        let strides, dilations, low = three 1 strides, three 1 dilations, three 0 padLow
        let inline place i o k = o * Array.get strides i + k * Array.get dilations i - Array.get low i

        for o0 in 0 .. out[0] - 1 do
            for o1 in 0 .. out[1] - 1 do
                for o2 in 0 .. out[2] - 1 do
                    for k0 in 0 .. window[0] - 1 do
                        for k1 in 0 .. window[1] - 1 do
                            for k2 in 0 .. window[2] - 1 do
                                let i0, i1, i2 = place 0 o0 k0, place 1 o1 k1, place 2 o2 k2

                                if i0 >= 0 && i0 < x[0] && i1 >= 0 && i1 < x[1] && i2 >= 0 && i2 < x[2] then
                                    action
                                        ((i0 * x[1] + i1) * x[2] + i2)
                                        ((k0 * window[1] + k1) * window[2] + k2)
                                        ((o0 * out[1] + o1) * out[2] + o2)

    let private spatial (shape: Shape) = shape.ToArray()[1 .. shape.Rank - 2]

    let private volume (sizes: int[]) = Array.fold (*) 1 sizes

    /// Every product of a convolution: action (place in x, in the kernel, in the result).
    let eachProduct (spec: ConvSpec) (x: Shape) (kernel: Shape) (y: Shape) (action: int -> int -> int -> unit) =
        let window = kernel.ToArray()[.. kernel.Rank - 3]
        let channels, filters, part = x[-1], y[-1], kernel[-2]
        let perGroup = filters / spec.Groups
        let xSize, ySize = volume (spatial x), volume (spatial y)

        for n in 0 .. x[0] - 1 do
            eachCell (spatial x) window (spatial y) spec.Strides spec.Dilations spec.PadLow (fun xi ki yi ->
                for f in 0 .. filters - 1 do
                    for c in 0 .. part - 1 do
                        action
                            ((n * xSize + xi) * channels + f / perGroup * part + c)
                            ((ki * part + c) * filters + f)
                            ((n * ySize + yi) * filters + f))

    let conv spec x kernel (y: Shape) (xs: float[]) (ks: float[]) =
        let result = Array.zeroCreate y.Size
        eachProduct spec x kernel y (fun i k o -> result[o] <- result[o] + xs[i] * ks[k])
        result

    let convInputGrad spec (x: Shape) kernel y (gs: float[]) (ks: float[]) =
        let result = Array.zeroCreate x.Size
        eachProduct spec x kernel y (fun i k o -> result[i] <- result[i] + gs[o] * ks[k])
        result

    let convKernelGrad spec x (kernel: Shape) y (xs: float[]) (gs: float[]) =
        let result = Array.zeroCreate kernel.Size
        eachProduct spec x kernel y (fun i k o -> result[k] <- result[k] + xs[i] * gs[o])
        result

    /// Every cell of every pooling window in order: action (place in x, in the result).
    let eachPooled (spec: PoolSpec) (x: Shape) (y: Shape) (action: int -> int -> unit) =
        let channels = x[-1]
        let xSize, ySize = volume (spatial x), volume (spatial y)
        let ones = Array.create spec.Window.Length 1

        for n in 0 .. x[0] - 1 do
            eachCell (spatial x) spec.Window (spatial y) spec.Strides ones spec.PadLow (fun xi _ yi ->
                for c in 0 .. channels - 1 do
                    action ((n * xSize + xi) * channels + c) ((n * ySize + yi) * channels + c))

    /// Where every window has its first maximum (or first NaN); -1 for a window without cells.
    let firstMaxima spec x (y: Shape) (xs: float[]) =
        let best = Array.create y.Size -1

        eachPooled spec x y (fun i o ->
            let b = best[o]

            if b < 0 || (not (Double.IsNaN xs[b]) && (Double.IsNaN xs[i] || xs[i] > xs[b])) then
                best[o] <- i)

        best

    let sumPool spec x (y: Shape) (xs: float[]) =
        let result = Array.zeroCreate y.Size
        eachPooled spec x y (fun i o -> result[o] <- result[o] + xs[i])
        result

    let sumPoolGrad spec (x: Shape) y (gs: float[]) =
        let result = Array.zeroCreate x.Size
        eachPooled spec x y (fun i o -> result[i] <- result[i] + gs[o])
        result

    // ---- random numbers ----

    /// Element i of a stream: see RandomKind.
    let random (spec: RandomSpec) (seed: int64) (step: int64) : float[] =
        let bits (i: int64) = Philox.bits (uint64 seed) spec.Stream (uint32 step) i
        let uniform (i: int64) = float (Philox.toUniform (bits i))

        Array.init spec.Type.Shape.Size (fun i ->
            let i = int64 i

            match spec.Kind with
            | RandomKind.Uniform -> uniform i
            | RandomKind.Bits -> float (bits i)
            | RandomKind.Coarse -> float (Philox.toCoarse (Philox.half (uint64 seed) spec.Stream (uint32 step) i))
            | _ ->
                let struct (first, second) = Philox.pair i
                let r = sqrt (-2.0 * log (1.0 - uniform first))
                let angle = 2.0 * Math.PI * uniform second
                if i = first then r * cos angle else r * sin angle)
