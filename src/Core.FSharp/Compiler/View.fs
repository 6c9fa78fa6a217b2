namespace FunctionalNet.Compiler

open FunctionalNet
open FunctionalNet.Kernels

/// How the elements of a tensor lie in a buffer: sizes, strides and offset, in elements. A stride may be 0 (broadcast) or
/// negative (reversed). Movement operations change the view and leave the buffer alone, as long as that is possible.
[<NoEquality; NoComparison>]
type internal View = { Dims: int[]; Strides: int[]; Offset: int }

module internal View =

    /// Row-major, from the buffer's first element.
    let ofShape (shape: Shape) = { Dims = shape.ToArray(); Strides = Shape.strides shape; Offset = 0 }

    let size (view: View) =
        let mutable n = 1

        for d in view.Dims do
            n <- n * d

        n

    /// True when the elements lie one behind the other, in order.
    let isContiguous (view: View) =
        if size view <= 1 then
            true
        else
            let struct (d, s) = Strides.collapse view.Dims view.Strides
            d.Length = 1 && s[0] = 1

    /// The same elements under other sizes, or None when no strides can say that.
    let reshape (dims: int[]) (view: View) : View option =
        if size view <= 1 || isContiguous view then
            Some { Dims = dims; Strides = Shape.strides (Shape.ofArray dims); Offset = view.Offset }
        else
            let struct (sizes, steps) = Strides.collapse view.Dims view.Strides
            let strides = Array.zeroCreate dims.Length
            let mutable next = 0
            let mutable ok = true

            for axis in 0 .. sizes.Length - 1 do
                let first = next
                let mutable product = 1

                while ok && product < sizes[axis] do
                    if next = dims.Length || sizes[axis] % (product * dims[next]) <> 0 then
                        ok <- false
                    else
                        product <- product * dims[next]
                        next <- next + 1

                if ok then
                    let mutable stride = steps[axis]

                    for i in next - 1 .. -1 .. first do
                        strides[i] <- stride
                        stride <- stride * dims[i]

            if ok then Some { Dims = dims; Strides = strides; Offset = view.Offset } else None

    let broadcast (dims: int[]) (view: View) : View =
        let lead = dims.Length - view.Dims.Length

        let strides =
            Array.init dims.Length (fun i ->
                if i < lead || view.Dims[i - lead] <> dims[i] || dims[i] = 1 then 0 else view.Strides[i - lead])

        { Dims = dims; Strides = strides; Offset = view.Offset }

    let transpose (perm: int[]) (view: View) : View =
        { Dims = perm |> Array.map (fun p -> view.Dims[p])
          Strides = perm |> Array.map (fun p -> view.Strides[p])
          Offset = view.Offset }

    let slice (starts: int[]) (limits: int[]) (steps: int[]) (view: View) : View =
        let dims = Array.init starts.Length (fun i -> (limits[i] - starts[i] + steps[i] - 1) / steps[i])
        let empty = Array.contains 0 dims
        let mutable offset = view.Offset

        if not empty then
            for i in 0 .. starts.Length - 1 do
                offset <- offset + starts[i] * view.Strides[i]

        { Dims = dims; Strides = Array.map2 (*) view.Strides steps; Offset = offset }

    let reverse (axes: int[]) (view: View) : View =
        let strides = Array.copy view.Strides
        let mutable offset = view.Offset

        for axis in axes do
            offset <- offset + (max (view.Dims[axis] - 1) 0) * strides[axis]
            strides[axis] <- -strides[axis]

        { view with Strides = strides; Offset = offset }
