namespace FunctionalNet

open System
open FunctionalNet.Graph

/// <summary>Operations that move elements without computing.</summary>
[<AutoOpen>]
module MovementOps =

    /// <summary>Operations on nodes, under Keras's names. Shapes and dtypes are checked when a node is built.</summary>
    [<RequireQualifiedAccess>]
    module Ops =

        /// <summary>Repeats axes of size 1, and new leading axes, up to the shape.</summary>
        let broadcastTo (shape: Shape) (x: Expr) : Expr = OpsSupport.broadcastTo shape x

        /// <summary>The same elements under other sizes. One size may be -1: it is what remains.</summary>
        /// <exception cref="T:FunctionalNet.ShapeException">The number of elements differs, or several sizes are -1.</exception>
        let reshape (sizes: int[]) (x: Expr) : Expr =
            let open' = sizes |> Array.filter (fun d -> d = -1)

            let known = sizes |> Array.fold (fun n d -> if d = -1 then n else n * int64 d) 1L

            if open'.Length > 1 || sizes |> Array.exists (fun d -> d < -1) then
                OpsSupport.shapeError
                    "Reshape"
                    "sizes of 0 or more, at most one -1"
                    (OpsSupport.text sizes)
                    "Only one size can be worked out."

            if open'.Length = 0 then
                OpsSupport.reshapeTo (Shape.Of sizes) x
            elif known = 0L || int64 x.Shape.Size % known <> 0L then
                OpsSupport.shapeError
                    "Reshape"
                    (string x.Shape.Size + " elements, as in " + x.Shape.ToString())
                    (OpsSupport.text sizes)
                    "The known sizes must divide the number of elements."
            else
                let rest = int (int64 x.Shape.Size / known)
                OpsSupport.reshapeTo (Shape.Of(sizes |> Array.map (fun d -> if d = -1 then rest else d))) x

        /// <summary>Inserts an axis of size 1 before that place in the result; -1 appends one.</summary>
        let expandDims (axis: int) (x: Expr) : Expr =
            OpsSupport.insertAxis (OpsSupport.axisWithin "ExpandDims" (x.Rank + 1) axis) x

        /// <summary>Removes axes of size 1.</summary>
        /// <exception cref="T:FunctionalNet.ShapeException">An axis has another size.</exception>
        let squeeze (axes: int[]) (x: Expr) : Expr =
            let axes = OpsSupport.axesOf "Squeeze" x axes

            if axes |> Array.exists (fun a -> x.Shape[a] <> 1) then
                OpsSupport.shapeError
                    "Squeeze"
                    "axes of size 1"
                    (x.Shape.ToString() + ", axes " + OpsSupport.text axes)
                    "Reduce or slice the axis first."

            OpsSupport.reshapeTo (Shape.removeAxes axes x.Shape) x

        /// <summary>Axis i of the result is axis perm[i] of x. Negative axes count from the end.</summary>
        let transpose (perm: int[]) (x: Expr) : Expr =
            OpsSupport.permute (perm |> Array.map (OpsSupport.axisOf "Transpose" x)) x

        /// <summary>Exchanges two axes.</summary>
        let swapAxes (a: int) (b: int) (x: Expr) : Expr =
            let a, b = OpsSupport.axisOf "SwapAxes" x a, OpsSupport.axisOf "SwapAxes" x b
            OpsSupport.permute
                (Array.init x.Rank (fun i ->
                    if i = a then b
                    elif i = b then a
                    else i))
                x

        /// <summary>Moves one axis to another place; the others keep their order.</summary>
        let moveAxis (source: int) (destination: int) (x: Expr) : Expr =
            let source = OpsSupport.axisOf "MoveAxis" x source
            let destination = OpsSupport.axisOf "MoveAxis" x destination
            let others = [| 0 .. x.Rank - 1 |] |> Array.filter (fun i -> i <> source)
            OpsSupport.permute (Array.insertAt destination source others) x

        /// <summary>All elements in one axis.</summary>
        let ravel (x: Expr) : Expr = OpsSupport.reshapeTo (Shape.Of x.Shape.Size) x

        /// <summary>All axes but the first in one, as Keras's Flatten layer does: (n, ...) to (n, product).</summary>
        let flatten (x: Expr) : Expr =
            if x.Rank = 0 then
                OpsSupport.shapeError "Flatten" "rank 1 or more" (x.Shape.ToString()) "The first axis is the batch."

            let rest = x.Shape.ToArray()[1..] |> Array.fold (*) 1
            OpsSupport.reshapeTo (Shape.Of(x.Shape[0], rest)) x

        /// <summary>A block of given sizes that begins at the starts.</summary>
        let slice (starts: int[]) (sizes: int[]) (x: Expr) : Expr =
            if starts.Length <> x.Rank || sizes.Length <> x.Rank then
                OpsSupport.shapeError
                    "Slice"
                    ("a start and a size for every axis of " + x.Shape.ToString())
                    ("starts " + OpsSupport.text starts + ", sizes " + OpsSupport.text sizes)
                    "Give one number per axis."

            Expr.Node(Slice(starts, Array.map2 (+) starts sizes, Array.create x.Rank 1), [| x |])

        /// <summary>Elements start, start + step, ... below limit of every axis; steps are positive.</summary>
        let stridedSlice (starts: int[]) (limits: int[]) (steps: int[]) (x: Expr) : Expr =
            if steps.Length <> starts.Length || limits.Length <> starts.Length then
                OpsSupport.shapeError
                    "Slice"
                    "starts, limits and steps of one length"
                    (OpsSupport.text steps)
                    "Give three numbers per axis."

            Expr.Node(Slice(starts, limits, steps), [| x |])

        /// <summary>Elements start to limit - 1 of one axis. Negative start and limit count from the end.</summary>
        let sliceAxis (axis: int) (start: int) (limit: int) (x: Expr) : Expr =
            let axis = OpsSupport.axisOf "Slice" x axis
            let place i = if i < 0 then i + x.Shape[axis] else i
            OpsSupport.sliceAxis axis (place start) (place limit) x

        /// <summary>Element `index` of one axis, which disappears. Negative counts from the end.</summary>
        let index (axis: int) (index: int) (x: Expr) : Expr =
            let axis = OpsSupport.axisOf "Slice" x axis
            let i = if index < 0 then index + x.Shape[axis] else index
            OpsSupport.reshapeTo (Shape.removeAxes [| axis |] x.Shape) (OpsSupport.sliceAxis axis i (i + 1) x)

        /// <summary>Joins tensors along an axis; the other sizes must agree.</summary>
        let concatenate (axis: int) (xs: Expr[]) : Expr =
            if xs.Length = 0 then
                OpsSupport.argumentError "Concatenate" "xs" "at least one tensor" "none" "There is nothing to join."
            elif xs.Length = 1 then
                xs[0]
            else
                Expr.Node(Concat(OpsSupport.axisOf "Concatenate" xs[0] axis), xs)

        /// <summary>Joins tensors of one shape along a new axis.</summary>
        let stack (axis: int) (xs: Expr[]) : Expr =
            if xs.Length = 0 then
                OpsSupport.argumentError "Stack" "xs" "at least one tensor" "none" "There is nothing to join."

            if xs |> Array.exists (fun x -> not (x.Shape.Equals xs[0].Shape)) then
                OpsSupport.shapeError
                    "Stack"
                    "tensors of one shape"
                    (String.Join(" and ", xs |> Array.map (fun x -> x.Shape.ToString())))
                    "Use concatenate to join along an axis that exists."

            concatenate axis (xs |> Array.map (expandDims axis))

        /// <summary>Parts of the given sizes along an axis; the sizes must add up to the whole.</summary>
        let splitSizes (sizes: int[]) (axis: int) (x: Expr) : Expr[] =
            let axis = OpsSupport.axisOf "Split" x axis

            if Array.sum sizes <> x.Shape[axis] || sizes |> Array.exists (fun s -> s < 0) then
                OpsSupport.shapeError
                    "Split"
                    ("sizes that add up to " + string x.Shape[axis])
                    (OpsSupport.text sizes)
                    "The parts must cover the axis."

            let starts = Array.scan (+) 0 sizes
            sizes |> Array.mapi (fun i size -> OpsSupport.sliceAxis axis starts[i] (starts[i] + size) x)

        /// <summary>That many equal parts along an axis.</summary>
        let split (parts: int) (axis: int) (x: Expr) : Expr[] =
            let a = OpsSupport.axisOf "Split" x axis

            if parts <= 0 || x.Shape[a] % parts <> 0 then
                OpsSupport.shapeError
                    "Split"
                    ("a number of parts that divides " + string x.Shape[a])
                    (string parts)
                    "Use splitSizes for unequal parts."

            splitSizes (Array.create parts (x.Shape[a] / parts)) a x

        /// <summary>The elements of an axis as tensors without it.</summary>
        let unstack (axis: int) (x: Expr) : Expr[] =
            let axis = OpsSupport.axisOf "Unstack" x axis
            Array.init x.Shape[axis] (fun i -> index axis i x)

        let private checkPadding op (padding: struct (int * int)[]) (x: Expr) =
            if padding.Length <> x.Rank then
                OpsSupport.shapeError
                    op
                    ("a pair (front, behind) for every axis of " + x.Shape.ToString())
                    (string padding.Length + " pairs")
                    "Use (0, 0) for an axis that stays."

        /// <summary>Adds cells of a value in front and behind on every axis; negative numbers cut cells away.</summary>
        let pad (padding: struct (int * int)[]) (value: float) (x: Expr) : Expr =
            checkPadding "Pad" padding x

            if padding |> Array.forall (fun (struct (l, h)) -> l = 0 && h = 0) then
                x
            else
                let low = padding |> Array.map (fun (struct (l, _)) -> l)
                let high = padding |> Array.map (fun (struct (_, h)) -> h)
                Expr.Node(Pad(low, high, Array.zeroCreate x.Rank, value), [| x |])

        /// <summary>Reverses the order along axes.</summary>
        let flip (axes: int[]) (x: Expr) : Expr =
            let axes = OpsSupport.axesOf "Flip" x axes
            if axes.Length = 0 then x else Expr.Node(Reverse axes, [| x |])

        // The mirror of reflection lies on the border cell (skip 1), that of symmetry behind it (skip 0).
        let private mirror op skip (padding: struct (int * int)[]) (x: Expr) =
            checkPadding op padding x
            let mutable y = x

            for axis in 0 .. x.Rank - 1 do
                let struct (low, high) = padding[axis]
                let n = x.Shape[axis]

                if low < 0 || high < 0 || low > n - skip || high > n - skip then
                    OpsSupport.shapeError
                        op
                        ("0 to " + string (n - skip) + " cells on axis " + string axis)
                        ("(" + string low + ", " + string high + ")")
                        "A mirror cannot show more than there is."

                let part start limit source = flip [| axis |] (OpsSupport.sliceAxis axis start limit source)
                let front = if low = 0 then [||] else [| part skip (skip + low) y |]
                let behind = if high = 0 then [||] else [| part (n - skip - high) (n - skip) y |]
                y <- concatenate axis (Array.concat [ front; [| y |]; behind ])

            y

        /// <summary>Pads by reflection without repeating the border: b c | a b c | b a becomes c b a b c b a.</summary>
        let padReflect (padding: struct (int * int)[]) (x: Expr) : Expr = mirror "PadReflect" 1 padding x

        /// <summary>Pads by reflection that repeats the border: b a | a b c | c b.</summary>
        let padSymmetric (padding: struct (int * int)[]) (x: Expr) : Expr = mirror "PadSymmetric" 0 padding x

        let private spread op (times: int) (axis: int) (inside: bool) (x: Expr) =
            if times < 0 then
                OpsSupport.argumentError op "repeats" "0 or more" (string times) "Give a count."

            if times = 1 then
                x
            else
                let dims = x.Shape.ToArray()
                let place = if inside then axis + 1 else axis
                let wide = Array.insertAt place times dims
                let result = Array.copy dims
                result[axis] <- dims[axis] * times

                OpsSupport.insertAxis place x
                |> OpsSupport.broadcastTo (Shape.Of wide)
                |> OpsSupport.reshapeTo (Shape.Of result)

        /// <summary>Every element of an axis that many times in a row: a a b b.</summary>
        let repeat (times: int) (axis: int) (x: Expr) : Expr =
            spread "Repeat" times (OpsSupport.axisOf "Repeat" x axis) true x

        /// <summary>The whole, that many times along every axis: a b a b. One count per axis.</summary>
        let tile (times: int[]) (x: Expr) : Expr =
            if times.Length <> x.Rank then
                OpsSupport.shapeError
                    "Tile"
                    ("one count per axis of " + x.Shape.ToString())
                    (OpsSupport.text times)
                    "Use 1 for an axis that stays."

            let mutable y = x

            for axis in 0 .. x.Rank - 1 do
                y <- spread "Tile" times[axis] axis false y

            y

        /// <summary>Moves elements along an axis by a shift; what leaves at the end comes in at the front.</summary>
        let roll (shift: int) (axis: int) (x: Expr) : Expr =
            let axis = OpsSupport.axisOf "Roll" x axis
            let n = x.Shape[axis]
            let shift = if n = 0 then 0 else ((shift % n) + n) % n

            if shift = 0 then
                x
            else
                concatenate
                    axis
                    [| OpsSupport.sliceAxis axis (n - shift) n x; OpsSupport.sliceAxis axis 0 (n - shift) x |]
