namespace FunctionalNet.Interop

open System
open FunctionalNet

/// <summary>Operations whose F# form takes unions or functions, for the C# facade.</summary>
[<AbstractClass; Sealed>]
type OpsBridge =

    static member private Padding(name: string) =
        match name with
        | "same" -> Padding.Same
        | "causal" -> Padding.Causal
        | _ -> Padding.Valid

    static member private Each(x: Expr, values: int[]) =
        if values.Length = 1 then Array.create (max 1 (x.Rank - 2)) values[0] else values

    /// <summary>A convolution over the spatial axes; numbers given once count for every axis.</summary>
    static member Conv(x: Expr, kernel: Expr, strides: int[], padding: string, dilations: int[], groups: int) : Expr =
        Ops.conv (OpsBridge.Each(x, strides)) (OpsBridge.Padding padding) (OpsBridge.Each(x, dilations)) groups kernel x

    /// <summary>A transposed convolution; numbers given once count for every axis.</summary>
    static member ConvTranspose(x: Expr, kernel: Expr, strides: int[], padding: string, dilations: int[]) : Expr =
        Ops.convTranspose
            (OpsBridge.Each(x, strides))
            (OpsBridge.Padding padding)
            None
            (OpsBridge.Each(x, dilations))
            kernel
            x

    /// <summary>The greatest value of every window.</summary>
    static member MaxPool(x: Expr, window: int[], strides: int[], padding: string) : Expr =
        Ops.maxPool (OpsBridge.Each(x, window)) (OpsBridge.Each(x, strides)) (OpsBridge.Padding padding) x

    /// <summary>The mean of every window; padding does not count.</summary>
    static member AveragePool(x: Expr, window: int[], strides: int[], padding: string) : Expr =
        Ops.averagePool (OpsBridge.Each(x, window)) (OpsBridge.Each(x, strides)) (OpsBridge.Padding padding) x

    /// <summary>A loop over the first axis of the sequences.</summary>
    static member Scan
        (step: Func<Expr[], Expr[], ValueTuple<Expr[], Expr[]>>, initial: Expr[], sequences: Expr[], reverse: bool)
        : struct (Expr[] * Expr[]) =
        let carries, outputs =
            Ops.scan
                (fun carry slice ->
                    let struct (next, output) = step.Invoke(carry, slice)
                    next, output)
                initial
                sequences
                reverse

        struct (carries, outputs)

    /// <summary>The results of a function whose inner values derivatives compute again.</summary>
    static member Remat(call: Func<Expr[], Expr[]>, inputs: Expr[]) : Expr[] = Ops.remat call.Invoke inputs

    /// <summary>The value of a function whose derivative is the caller's own: the function gives both.</summary>
    static member CustomGradient(call: Func<Expr[], ValueTuple<Expr, Func<Expr, Expr[]>>>, inputs: Expr[]) : Expr =
        Ops.customGradient
            (fun inputs ->
                let struct (value, _) = call.Invoke inputs
                value)
            (fun inputs _ cotangent ->
                let struct (_, gradient) = call.Invoke inputs
                gradient.Invoke cotangent)
            inputs
