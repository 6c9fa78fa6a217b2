namespace FunctionalNet.Kernels

open FunctionalNet

/// Numbers of 16 bits written as floats to another place.
[<Sealed>]
type internal WidenKernel(count: int, src: nativeint, dst: nativeint, width: Width) =
    inherit Kernel()

    let runner = TileRunners.create TileDomain.F32 width
    let grain = 32768

    override _.Chunks(_) = (count + grain - 1) / grain

    override _.Run(_, chunk) =
        let first = chunk * grain
        let n = min grain (count - first)
        runner.Load(DType.BFloat16, n, dst + 4n * nativeint first, src + 2n * nativeint first, 1)

/// dst += src, floats.
[<Sealed>]
type internal AddToKernel(count: int, src: nativeint, dst: nativeint, width: Width) =
    inherit Kernel()

    let runner = TileRunners.create TileDomain.F32 width
    let grain = 32768

    override _.Chunks(_) = (count + grain - 1) / grain

    override _.Run(_, chunk) =
        let first = chunk * grain
        let d, s = dst + 4n * nativeint first, src + 4n * nativeint first
        runner.Apply(TileOp.Add, min grain (count - first), d, d, s, s)

/// The end of a kernel that makes the elements from a certain one on.
[<Sealed>]
type internal ShiftedEpilogue(epilogue: Epilogue, by: int) =
    inherit Epilogue()
    override _.Run(first, rows, columns, stride) = epilogue.Run(first + by, rows, columns, stride)
    override _.Announce(first, rows, columns, stride) = epilogue.Announce(first + by, rows, columns, stride)
