namespace FunctionalNet

open System
open System.Collections.Generic
open FunctionalNet.Graph

/// Which scale belongs to which number of a weight: the shape of the scales, and for every number the index of its scale.
type internal ScaleLayout = Shape -> struct (int[] * int[])

/// Weights of layers in 8 bits.
module internal Quantization =

    /// A scale for every place of the last axis.
    let columns: ScaleLayout =
        fun shape -> struct ([| shape[-1] |], Array.init shape.Size (fun i -> i % shape[-1]))

    /// A scale for every place of the first axis.
    let rows: ScaleLayout =
        fun shape -> struct ([| shape[0] |], Array.init shape.Size (fun i -> i / (shape.Size / shape[0])))

    /// Whole numbers -127..127 and the scales they were multiplied with: 127 / (largest absolute number + 1e-7), computed in the type
    /// of the weights.
    let absMax (layout: ScaleLayout) (weights: Tensor) : struct (Tensor * Tensor) =
        let struct (dims, slots) = layout weights.Shape
        let largest = Array.zeroCreate<float>(Array.fold (*) 1 dims)
        let values = weights.ToDoubles()

        for i in 0 .. values.Length - 1 do
            largest[slots[i]] <- Math.Max(largest[slots[i]], Math.Abs values[i])

        let single = weights.DType = DType.Float32

        let scales =
            largest
            |> Array.map (fun m ->
                if single then
                    float (127.0f / (float32 m + 1e-7f))
                else
                    QuantizedMeaning.Largest / (m + QuantizedMeaning.Epsilon))

        let whole i (v: float) =
            let scaled = v * scales[slots[i]]
            let scaled = if single then float (float32 v * float32 scales[slots[i]]) else scaled
            Math.Clamp(Math.Round scaled, -QuantizedMeaning.Largest, QuantizedMeaning.Largest)

        struct (Tensor.OfDoubles(DType.Int8, weights.Shape, Array.mapi whole values),
                Tensor.OfDoubles(weights.DType, Shape.Of dims, scales))

    /// The numbers that the whole numbers stand for.
    let restore (layout: ScaleLayout) (whole: Tensor) (scales: Tensor) : Tensor =
        let struct (_, slots) = layout whole.Shape
        let scale = scales.ToDoubles()
        let values = whole.ToDoubles() |> Array.mapi (fun i v -> v / scale[slots[i]])
        Tensor.OfDoubles(scales.DType, whole.Shape, values)

    let scaleOf (name: string) = name + "_scale"

    /// A weight and its scales, not trained.
    let declare (scope: Scope) (name: string) (shape: int[]) (scales: int[]) : struct (Expr * Expr) =
        struct (scope.State(name, Shape.Of shape, DType.Int8, Initializer.zeros),
                scope.State(scaleOf name, Shape.Of scales, scope.FloatType, Initializer.ones))

    /// x (..., k) times weights (k, n) with scales (n).
    let product (x: Expr) (struct (weights: Expr, scales: Expr)) : Expr =
        Expr.Node(Structured(Int8Matrix()), [| x; weights; scales |])

    /// Vectors looked up in a table with a scale for every row.
    let lookUp (ids: Expr) (struct (table: Expr, scales: Expr)) : Expr =
        Ops.cast scales.DType (Ops.take ids 0 table) / Ops.expandDims -1 (Ops.take ids 0 scales)

    /// A weight's values by name after quantisation.
    let values (name: string) (layout: ScaleLayout) (find: string -> Tensor) : (string * Tensor) list =
        let struct (whole, scales) = absMax layout (find name)
        [ name, whole; scaleOf name, scales ]

    /// The layer itself, whose policy will say that it is quantised, with the values of its weights.
    let variant (make: 'o -> Layer) (options: 'o) (weights: (string * ScaleLayout) list) : LayerVariant voption =
        ValueSome
            { Layer = make options
              Values = fun find -> weights |> List.collect (fun (name, layout) -> values name layout find) }

/// Products by an equation with 8-bit kernels.
module internal QuantizedEinsum =

    /// The terms with letters in place of "...", and the letters of the kernel that are summed over.
    let private analyze (rank: int) (input: string) (kernel: string) (output: string) =
        let hidden =
            String([| for i in 0 .. rank - input.Replace("...", "").Length - 1 -> char (int '0' + i) |])
        let plain (term: string) = term.Replace("...", hidden)
        let input, output = plain input, plain output
        let summed = kernel |> String.filter (fun c -> input.Contains c && not (output.Contains c))
        struct (input, output, summed)

    /// Scales lie as the output does, here without "...": a size of the kernel's where it has the axis, 1 elsewhere.
    let layout (kernel: string) (output: string) : ScaleLayout =
        fun shape ->
            let output = output.Replace("...", "")
            let size (c: char) = if kernel.Contains c then shape[kernel.IndexOf c] else 1
            let dims = output |> Seq.map size |> Seq.toArray
            let strides = Shape.strides (Shape.Of dims)

            let steps =
                kernel
                |> Seq.map (fun c -> if output.Contains c then strides[output.IndexOf c] else 0)
                |> Seq.toArray

            struct (dims, Reference.offsets shape 0 steps)

    /// The shape of the scales in a layer: as its output lies, of so many axes without a letter ("..."), each 1, where the output has them.
    let scaleShape (kernel: string) (output: string) (elided: int) (shape: Shape) : int[] =
        let struct (dims, _) = layout kernel output shape
        let at = max 0 (output.IndexOf "...")
        if elided = 0 then dims else Array.concat [ dims[.. at - 1]; Array.create elided 1; dims[at..] ]

    let private permuted (from: string) (target: string) (x: Expr) : Expr =
        if from = target then
            x
        else
            Ops.transpose (target |> Seq.map (fun c -> from.IndexOf c) |> Seq.toArray) x

    /// x and the kernel combined by the equation.
    let product (input: string) (kernel: string) (output: string) (x: Expr) (struct (weights: Expr, scales: Expr)) =
        let struct (input, output, summed) = analyze x.Rank input kernel output
        let isSummed (c: char) = summed.Contains c
        let ofKernel (c: char) = if kernel.Contains c then weights.Shape[kernel.IndexOf c] else 1
        let scales = Ops.reshape (output |> Seq.map ofKernel |> Seq.toArray) scales

        if kernel |> Seq.exists (fun c -> input.Contains c && output.Contains c) then
            // Kernel and input share an axis that is not summed over: a product for each of its places.
            let axes =
                [| for i in 0 .. input.Length - 1 do
                       if isSummed input[i] then i |]
            let struct (whole, rows) = QuantizedMeaning.absMax axes x
            let equation = input + "," + kernel + "->" + output
            let sums = Ops.einsum equation [| whole; Ops.cast x.DType weights |]
            let letters = String.filter (isSummed >> not) input
            // The scales of rows, as the output lies.
            let squeezed = if axes.Length = 0 then rows else Ops.squeeze axes rows
            let shared = String.filter (fun c -> letters.Contains c) output
            let ordered = permuted letters shared squeezed
            let dims = output |> Seq.map (fun c -> if shared.Contains c then x.Shape[input.IndexOf c] else 1)
            sums / (Ops.reshape (Seq.toArray dims) ordered * scales)
        else
            let free = String.filter (isSummed >> not) input
            let kept = String.filter (isSummed >> not) kernel
            let sizeOf (c: char) =
                if input.Contains c then x.Shape[input.IndexOf c] else weights.Shape[kernel.IndexOf c]
            let sizes (letters: string) = letters |> Seq.map sizeOf |> Seq.toArray
            let product (letters: string) = Array.fold (*) 1 (sizes letters)
            let k, n = product summed, product kept
            let rows = Ops.reshape (Array.append (sizes free) [| k |]) (permuted input (free + summed) x)
            let matrix = Ops.reshape [| k; n |] (permuted kernel (summed + kept) weights)
            // The scales in the order of the kernel's axes, without those that it does not have.
            let others =
                [| for i in 0 .. output.Length - 1 do
                       if not (kept.Contains output[i]) then i |]
            let own = if others.Length = 0 then scales else Ops.squeeze others scales
            let columns = Ops.reshape [| n |] (permuted (String.filter (fun c -> kept.Contains c) output) kept own)
            let result = Quantization.product rows (struct (matrix, columns))
            permuted (free + kept) output (Ops.reshape (Array.append (sizes free) (sizes kept)) result)
