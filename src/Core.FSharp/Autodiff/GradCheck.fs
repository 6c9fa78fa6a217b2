namespace FunctionalNet

open System
open System.Globalization
open FunctionalNet.Common
open FunctionalNet.Graph

/// <summary>What a gradient check found: derivatives from the graph against differences of values.</summary>
[<Sealed>]
type GradCheckReport internal (errors: float[], worst: string) =

    /// <summary>The worst relative error of every order, from order 1: |analytic - numeric| / max(1, |analytic|, |numeric|).
    /// NaN if a derivative is not finite.</summary>
    member _.Errors: float[] = Array.copy errors

    /// <summary>The worst of all orders; infinite if any is NaN.</summary>
    member _.WorstError =
        errors
        |> Array.fold (fun w e -> if Double.IsNaN e then Double.PositiveInfinity else Math.Max(w, e)) 0.0

    /// <summary>Where the worst error is, with both values.</summary>
    member _.Worst = worst

    /// <summary>True if no error is above the tolerance.</summary>
    member this.IsWithin(tolerance: float) = this.WorstError <= tolerance

    override this.ToString() =
        "worst relative error " + this.WorstError.ToString("E2", CultureInfo.InvariantCulture) + " " + worst

/// <summary>Checks derivatives against differences in float64, through the interpreter.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module GradCheck =

    /// Fixed pseudo-random numbers in [-1, 1) without small ones, so that no direction misses an input.
    let private direction (stream: string) (count: int) =
        let hash = Philox.streamOf stream

        Array.init count (fun i ->
            let u = float (Philox.toUniform (Philox.bits 7UL hash 0u (int64 i)))
            if u < 0.5 then -0.3 - 1.4 * u else -0.4 + 1.4 * u)

    let private constant (e: Expr) (values: float[]) = Expr.Constant(Tensor.OfDoubles(e.DType, e.Shape, values))

    let private dot (a: Expr[]) (b: float[][]) =
        Array.map2 (fun (e: Expr) v -> Ops.sumAll (e * constant e v)) a b |> Array.reduce (fun x y -> x + y)

    /// <summary>Compares derivatives along fixed directions with fourth-order central differences, for orders 1 to
    /// <c>order</c> (1 to 3): order 2 differentiates the gradient, order 3 the gradient of that. At order 1 every
    /// floating-point input is also checked alone. Give float64 inputs, away from kinks by more than 0.003; other dtypes of
    /// inputs stay fixed. Weighted sums make a scalar of other results.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The order is not 1, 2 or 3, or no input is a float.</exception>
    let check (f: Expr[] -> Expr) (inputs: Tensor[]) (order: int) : GradCheckReport =
        if order < 1 || order > 3 then
            OpsSupport.argumentError
                "GradCheck"
                "order"
                "1, 2 or 3"
                (string order)
                "Differences of higher order are too rough."

        let leaves =
            inputs |> Array.mapi (fun i t -> Expr.LeafOf(LeafRole.Input, "input" + string i, t.DType, t.Shape))

        let values = inputs |> Array.map (fun t -> t.ToDoubles())
        let moving =
            [| for i in 0 .. inputs.Length - 1 do
                   if DType.isFloating inputs[i].DType then i |]

        if moving.Length = 0 then
            OpsSupport.argumentError
                "GradCheck"
                "inputs"
                "at least one floating-point input"
                "none"
                "Only floats have derivatives."

        let wrt = moving |> Array.map (fun i -> leaves[i])
        let result = f leaves
        let weights = direction "weights" result.Shape.Size
        let mutable current = Ops.sumAll (result * constant result weights)
        let errors = Array.zeroCreate order
        let mutable worst = ""
        let mutable worstError = -1.0
        let step = 1e-3

        let evaluate (at: float[][]) (node: Expr) =
            let results = Interpreter.runDoubles (Array.zip leaves at) [| node |]
            Array.head results[0]

        /// The derivative of a node along a direction, from values at four points.
        let difference (node: Expr) (along: float[][]) =
            let at t =
                let moved = Array.copy values
                moving |> Array.iteri (fun k i -> moved[i] <- Array.map2 (fun x d -> x + t * d) values[i] along[k])
                evaluate moved node

            (8.0 * (at step - at -step) - (at (2.0 * step) - at (-2.0 * step))) / (12.0 * step)

        let compare (k: int) (what: string) (analytic: float) (numeric: float) =
            let error = abs (analytic - numeric) / Math.Max(1.0, Math.Max(abs analytic, abs numeric))

            if Double.IsNaN error || error > errors[k] then errors[k] <- error

            if Double.IsNaN error || error > worstError then
                worstError <- error
                let show (x: float) = x.ToString("G12", CultureInfo.InvariantCulture)
                worst <-
                    "at order " + string (k + 1) + what + ": analytic " + show analytic + ", numeric " + show numeric

        for k in 0 .. order - 1 do
            let along =
                wrt |> Array.mapi (fun i e -> direction ("order " + string k + " input " + string i) e.Shape.Size)
            let slopes = Grad.gradients current wrt
            let next = dot slopes along

            if k = 0 && wrt.Length > 1 then
                for i in 0 .. wrt.Length - 1 do
                    let alone = along |> Array.mapi (fun j d -> if i = j then d else Array.zeroCreate d.Length)
                    let analytic = evaluate values (Ops.sumAll (slopes[i] * constant slopes[i] along[i]))
                    compare k (" in input " + string moving[i]) analytic (difference current alone)

            compare k "" (evaluate values next) (difference current along)
            current <- next

        GradCheckReport(errors, worst)

/// <summary>The gradient check for C#.</summary>
[<AbstractClass; Sealed>]
type GradientChecker =

    /// <summary>Compares derivatives of a function of nodes with differences of its values, for orders 1 to
    /// <paramref name="order"/> (1 to 3). Give float64 inputs, away from kinks.</summary>
    static member Check(f: Func<Expr[], Expr>, inputs: Tensor[], order: int) : GradCheckReport =
        GradCheck.check f.Invoke inputs order
