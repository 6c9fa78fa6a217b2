namespace FunctionalNet.Training

open System
open System.Text.RegularExpressions
open FunctionalNet

/// The update of one variable, by each optimizer. Scalars are computed in float64 and rounded once.
module internal UpdateRules =

    let private slot (initial: float) (name: string) (shape: Shape) = { Name = name; Shape = shape; Initial = initial }

    let private zeros (names: string list) (shape: Shape) =
        names |> List.map (fun n -> slot 0.0 n shape) |> List.toArray

    let private rule slots step : UpdateRule =
        { Slots = fun _ shape -> slots shape
          Step = step
          Scalars = [||]
          StepScalars = fun _ -> [||]
          Decay = fun decay _ _ -> decay }

    /// A float64 scalar in the dtype of the variable.
    let private like (variable: Expr) (scalar: Expr) = Ops.cast variable.DType scalar

    let private power (b: float) (t: Expr) = Ops.pow (Ops.scalar DType.Float64 b) t

    /// old + (new - old) * part.
    let private toward (old: Expr) (next: Expr) (part: float) = old + (next - old) * part

    let sgd (o: SgdOptions) =
        if o.Momentum = 0.0 then
            rule (fun _ -> [||]) (fun c w g _ -> struct (w - like w c.Rate * g, [||]))
        else
            rule (zeros [ "momentum" ]) (fun c w g s ->
                let step = like w c.Rate * g
                let v = s[0] * o.Momentum - step
                let w = if o.Nesterov then w + v * o.Momentum - step else w + v
                struct (w, [| v |]))

    let rmsProp (o: RmsPropOptions) =
        let names =
            [ "velocity"
              if o.Momentum > 0.0 then "momentum"
              if o.Centered then "average_gradient" ]

        rule (zeros names) (fun c w g s ->
            let v = s[0] * o.Rho + Ops.square g * (1.0 - o.Rho)
            let average = if o.Centered then s[s.Length - 1] * o.Rho + g * (1.0 - o.Rho) else g
            let spread = if o.Centered then v - Ops.square average else v
            let step = like w c.Rate * g / Ops.sqrt (spread + o.Epsilon)
            let step = if o.Momentum > 0.0 then s[1] * o.Momentum + step else step

            let kept =
                [| v
                   if o.Momentum > 0.0 then step
                   if o.Centered then average |]

            struct (w - step, kept))

    let private adamStep (o: AdamOptions) (c: UpdateContext) (w: Expr) (g: Expr) (s: Expr[]) =
        let rate = c.Rate * Ops.sqrt (1.0 - power o.Beta2 c.Time) / (1.0 - power o.Beta1 c.Time)
        let m = toward s[0] g (1.0 - o.Beta1)
        let v = toward s[1] (Ops.square g) (1.0 - o.Beta2)
        let kept = if o.Amsgrad then [| m; v; Ops.maximum s[2] v |] else [| m; v |]
        struct (w - m * like w rate / (Ops.sqrt kept[kept.Length - 1] + o.Epsilon), kept)

    let adam (o: AdamOptions) =
        let names = [ "momentum"; "velocity"; if o.Amsgrad then "velocity_hat" ]

        rule (zeros names) (adamStep o)

    let adagrad (initial: float) (epsilon: float) =
        rule (fun shape -> [| slot initial "accumulator" shape |]) (fun c w g s ->
            let a = s[0] + Ops.square g
            struct (w - like w c.Rate * g / Ops.sqrt (a + epsilon), [| a |]))

    let adadelta (rho: float) (epsilon: float) =
        rule (zeros [ "accumulated_grad"; "accumulated_delta_var" ]) (fun c w g s ->
            let rms (x: Expr) = Ops.sqrt (x + epsilon)
            let a = s[0] * rho + Ops.square g * (1.0 - rho)
            let delta = -(rms s[1]) * g / rms a
            struct (w + like w c.Rate * delta, [| a; s[1] * rho + Ops.square delta * (1.0 - rho) |]))

    let adamax (o: AdamOptions) =
        rule (zeros [ "momentum"; "norm" ]) (fun c w g s ->
            let m = toward s[0] g (1.0 - o.Beta1)
            let u = Ops.maximum (s[1] * o.Beta2) (Ops.abs g)
            let rate = c.Rate / (1.0 - power o.Beta1 c.Time)
            struct (w - like w rate * m / (u + o.Epsilon), [| m; u |]))

    let nadam (o: AdamOptions) =
        // The momentum of update t, which grows toward Beta1.
        let at (t: Expr) : Expr = (1.0 - power 0.96 t * 0.5) * o.Beta1
        let product (c: UpdateContext) : Expr = c.Scalars[0] * at c.Time

        { rule (zeros [ "momentum"; "velocity" ]) (fun c w g s ->
              let next: Expr = at (c.Time + 1.0)
              let now = product c
              let m = toward s[0] g (1.0 - o.Beta1)
              let v = toward s[1] (Ops.square g) (1.0 - o.Beta2)
              let ahead: Expr = c.Rate * next / (1.0 - now * next)
              let direct: Expr = c.Rate * (1.0 - at c.Time) / (1.0 - now)
              let scale = 1.0 / (1.0 - power o.Beta2 c.Time)
              let step = like w ahead * m + like w direct * g
              struct (w - step / (Ops.sqrt (v * like w scale) + o.Epsilon), [| m; v |])) with
            Scalars = [| slot 1.0 "u_product" Shape.Scalar |]
            StepScalars = fun c -> [| product c |] }

    let ftrl (o: FtrlOptions) =
        let raise' (x: Expr) = if o.LearningRatePower = -0.5 then Ops.sqrt x else Ops.powScalar -o.LearningRatePower x

        rule (fun shape -> [| slot o.InitialAccumulator "accumulator" shape; slot 0.0 "linear" shape |]) (fun c w g s ->
            let rate = like w c.Rate
            let shrunk = if o.L2Shrinkage = 0.0 then g else g + w * (2.0 * o.L2Shrinkage)
            let a = s[0] + Ops.square g
            let linear = s[1] + shrunk - (raise' a - raise' s[0]) / rate * w
            let quadratic = raise' a / rate + 2.0 * (o.L2 + o.Beta / (2.0 * rate))
            struct ((Ops.clip -o.L1 o.L1 linear - linear) / quadratic, [| a; linear |]))

    let lion (beta1: float) (beta2: float) =
        rule (zeros [ "momentum" ]) (fun c w g s ->
            let step = Ops.sign (s[0] * beta1 + g * (1.0 - beta1))
            struct (w - like w c.Rate * step, [| s[0] * beta2 + g * (1.0 - beta2) |]))

    let private norm (x: Expr) = Ops.sqrt (Ops.sumAll (Ops.square x))

    let lamb (o: AdamOptions) =
        rule (zeros [ "momentum"; "velocity" ]) (fun c w g s ->
            let m = toward s[0] g (1.0 - o.Beta1)
            let v = toward s[1] (Ops.square g) (1.0 - o.Beta2)
            let correct b = like w (1.0 / (1.0 - power b c.Time))
            let step = m * correct o.Beta1 / (Ops.sqrt (v * correct o.Beta2) + o.Epsilon)
            let one, zero = Ops.scalar w.DType 1.0, Ops.scalar w.DType 0.0
            let length, pace = norm w, norm step
            let usable = Ops.logicalAnd (Ops.greater length zero) (Ops.greater pace zero)
            let ratio = Ops.where usable (length / Ops.where usable pace one) one
            struct (w - ratio * like w c.Rate * step, [| m; v |]))

    let adafactor (o: AdafactorOptions) =
        let rms (x: Expr) = Ops.sqrt (Ops.meanAll (Ops.square x))

        let slots (shape: Shape) =
            if shape.Rank >= 2 then
                [| slot 0.0 "r" (Shape.removeAxes [| shape.Rank - 1 |] shape)
                   slot 0.0 "c" (Shape.removeAxes [| shape.Rank - 2 |] shape) |]
            else
                [| slot 0.0 "velocity" shape |]

        rule slots (fun c w g s ->
            // Keras bounds the rate so whether the step is relative or not.
            let rate = Ops.minimum c.Rate (Ops.rsqrt c.Time)

            let scale = Ops.maximum (Ops.scalar w.DType o.Epsilon2) (rms w) * like w rate
            let fresh = Ops.pow c.Time (Ops.scalar DType.Float64 o.Beta2Decay)
            let old, fresh = like w (1.0 - fresh), like w fresh
            let square = Ops.square g + o.Epsilon1

            let struct (v, kept) =
                if w.Rank >= 2 then
                    let r = old * s[0] + fresh * Ops.mean [| -1 |] false square
                    let columns = old * s[1] + fresh * Ops.mean [| -2 |] false square
                    let v = Ops.expandDims -1 (r / Ops.mean [| -1 |] true r) * Ops.expandDims -2 columns
                    struct (v, [| r; columns |])
                else
                    let v = old * s[0] + fresh * square
                    struct (v, [| v |])

            let step = g / Ops.sqrt v
            let step = step / Ops.maximum (Ops.scalar w.DType 1.0) (rms step * (1.0 / o.ClipThreshold))
            struct (w - scale * step, kept))

    /// About the orthogonal matrix nearest to x, by some iterations of a polynomial of the fifth degree.
    let private orthogonal (o: MuonOptions) (x: Expr) =
        let tall = x.Shape[0] > x.Shape[1]
        let turn (m: Expr) = Ops.transpose [| 1; 0 |] m
        let x = if tall then turn x else x
        // The spectral norm is at most 1 then.
        let mutable x = x / (norm x + 1e-7)

        for _ in 1 .. o.NsSteps do
            let square = Ops.matmul x (turn x)
            let polynomial = square * o.MuonB + Ops.matmul square square * o.MuonC
            x <- x * o.MuonA + Ops.matmul polynomial x

        if tall then turn x else x

    let muon (o: MuonOptions) =
        let excluded = o.ExcludeLayers |> List.map Regex

        let byAdam (path: string) (shape: Shape) =
            shape.Rank <> 2
            || (o.ExcludeEmbeddings && path.Contains("embedding", StringComparison.OrdinalIgnoreCase))
            || excluded |> List.exists (fun pattern -> pattern.IsMatch path)

        let adam: AdamOptions =
            { Beta1 = o.AdamBeta1; Beta2 = o.AdamBeta2; Epsilon = o.Epsilon; Amsgrad = false }

        { rule (zeros [ "momentum" ]) (fun c w g s ->
              if byAdam c.Path w.Shape then
                  adamStep adam { c with Rate = c.Rate * o.AdamLrRatio } w g s
              else
                  let m = s[0] * o.Momentum + g
                  let step = orthogonal o (if o.Nesterov then g + m * o.Momentum else m) * like w c.Rate

                  let step =
                      match o.RmsRate with
                      | Some rms -> step * (Math.Sqrt(float (max w.Shape[0] w.Shape[1])) * rms)
                      | None -> step

                  struct (w - step, [| m |])) with
            Slots = fun path shape -> zeros [ "momentum"; if byAdam path shape then "velocity" ] shape
            Decay = fun decay path shape -> if byAdam path shape then o.AdamWeightDecay else decay }

    let scheduleFree (o: ScheduleFreeOptions) =
        rule (zeros [ "momentum"; "velocity" ]) (fun c w g s ->
            let rate =
                if o.WarmupSteps > 0 then
                    c.Rate * Ops.minimum (c.Time / float o.WarmupSteps) (Ops.scalar DType.Float64 1.0)
                else
                    c.Rate

            // Where gradients lead, which begins at the variable. The variable lies between it and its average.
            let first = Ops.equal c.Time (Ops.scalar DType.Float64 1.0)
            let before = Ops.where first c.Undecayed s[0]
            let v = toward s[1] (Ops.square g) (1.0 - o.Beta2)
            let length = Ops.sqrt (v * like w (1.0 / (1.0 - power o.Beta2 c.Time))) + o.Epsilon
            let z = before - like w rate * g / length
            let part = 1.0 / c.Time
            let average = (w - before * (1.0 - o.Beta1)) / o.Beta1
            let average = average * like w (1.0 - part) + z * like w part
            struct (z * (1.0 - o.Beta1) + average * o.Beta1, [| z; v |]))
