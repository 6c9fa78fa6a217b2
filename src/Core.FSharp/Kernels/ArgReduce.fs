namespace FunctionalNet.Kernels

open System.Numerics
open Microsoft.FSharp.NativeInterop
open FunctionalNet

/// The position of the largest or smallest element along the middle axis of an (outer, axis, inner) view: int32, the
/// first of equals, NaN before everything.
[<Sealed>]
type internal ArgReduceKernel<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T>>
    (isMax: bool, outer: int, axis: int, inner: int, src: nativeint, dst: nativeint) =
    inherit Kernel()

    let perOuter = max 1L (int64 axis * int64 inner)
    let rows = int (max 1L (min (int64 (max 1 outer)) (16384L / perOuter)))

    override _.Chunks(_) = if inner = 0 then 0 else (outer + rows - 1) / rows

    override _.Run(_, chunk) =
        let source = NativePtr.ofNativeInt<'T> src
        let target = NativePtr.ofNativeInt<int> dst

        for o in chunk * rows .. min outer ((chunk + 1) * rows) - 1 do
            for j in 0 .. inner - 1 do
                let mutable p = NativePtr.add source (o * axis * inner + j)
                let mutable at = 0

                if axis > 0 then
                    let mutable best = NativePtr.read p
                    let mutable i = 1
                    // Nothing beats a NaN.
                    let mutable last = if 'T.IsNaN best then 0 else axis

                    while i < last do
                        p <- NativePtr.add p inner
                        let x = NativePtr.read p

                        if (if isMax then 'T.op_GreaterThan (x, best) else 'T.op_LessThan (x, best)) then
                            best <- x
                            at <- i
                        elif 'T.IsNaN x then
                            at <- i
                            last <- 0

                        i <- i + 1

                NativePtr.set target (o * inner + j) at

/// Positions of extremes.
[<AbstractClass; Sealed>]
type internal ArgReduce private () =

    /// The kernel for a type.
    static member Create
        (isMax: bool, dtype: DType, outer: int, axis: int, inner: int, src: nativeint, dst: nativeint)
        : Kernel =
        match dtype with
        | DType.Float32 -> ArgReduceKernel<float32>(isMax, outer, axis, inner, src, dst)
        | DType.Float64 -> ArgReduceKernel<float>(isMax, outer, axis, inner, src, dst)
        | DType.Int32 -> ArgReduceKernel<int>(isMax, outer, axis, inner, src, dst)
        | DType.Int64 -> ArgReduceKernel<int64>(isMax, outer, axis, inner, src, dst)
        | _ -> ArgReduceKernel<byte>(isMax, outer, axis, inner, src, dst)
