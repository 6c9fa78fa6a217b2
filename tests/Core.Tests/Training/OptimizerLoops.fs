namespace FunctionalNet.Tests.Training

open System
open MathNet.Numerics.LinearAlgebra

/// Keras's optimizers once more, as loops over float64 arrays that follow `keras/src/optimizers` of Keras 3.8.0 line by line
/// (Muon and ScheduleFreeAdamW: of the version after it). They share nothing with the library.
module OptimizerLoops =

    /// A matrix or vector with what an optimizer keeps for it.
    type Variable(rows: int, columns: int, start: float[]) =
        let kept = Collections.Generic.Dictionary<string, float[]>()

        member val W = Array.copy start with get, set
        member _.Rows = rows
        member _.Columns = columns
        member _.IsMatrix = columns > 0

        /// Memory under a name.
        member this.Slot(name: string, initial: float) : float[] =
            match kept.TryGetValue name with
            | true, found -> found
            | _ ->
                let fresh = Array.create this.W.Length initial
                kept[name] <- fresh
                fresh

        member this.Slot(name: string) = this.Slot(name, 0.0)

        /// Memory that begins as the variable.
        member this.Copy(name: string) : float[] =
            match kept.TryGetValue name with
            | true, found -> found
            | _ ->
                kept[name] <- Array.copy this.W
                kept[name]

    let private norm (x: float[]) = sqrt (Array.sumBy (fun v -> v * v) x)
    let private rms (x: float[]) = sqrt (Array.averageBy (fun v -> v * v) x)

    /// muon.py: zeropower_via_newtonschulz5.
    let newtonSchulz (p: string -> float) (rows: int) (columns: int) (x: float[]) : float[] =
        let m = Matrix<float>.Build.Dense(rows, columns, fun i j -> x[i * columns + j])
        let turned = rows > columns
        let mutable m = if turned then m.Transpose() else m
        m <- m / (m.FrobeniusNorm() + 1e-7)

        for _ in 1 .. int (p "ns_steps") do
            let a = m * m.Transpose()
            let b = p "muon_b" * a + p "muon_c" * a * a
            m <- p "muon_a" * m + b * m

        let m = if turned then m.Transpose() else m
        [| for i in 0 .. rows - 1 do
               for j in 0 .. columns - 1 do
                   m[i, j] |]

    /// update_step of each class. `iterations` counts updates done; `lr` is the rate.
    let private updateStep
        (name: string)
        (p: string -> float)
        (iterations: int)
        (lr: float)
        (v: Variable)
        (g: float[])
        =
        let w = v.W
        let t = float (iterations + 1)

        let adam (lr: float) (amsgrad: bool) =
            let m, s = v.Slot "m", v.Slot "v"
            let alpha = lr * sqrt (1.0 - p "beta_2" ** t) / (1.0 - p "beta_1" ** t)

            for i in 0 .. w.Length - 1 do
                m[i] <- m[i] + (g[i] - m[i]) * (1.0 - p "beta_1")
                s[i] <- s[i] + (g[i] * g[i] - s[i]) * (1.0 - p "beta_2")

                let s =
                    if amsgrad then
                        let hat = v.Slot "v_hat"
                        hat[i] <- max hat[i] s[i]
                        hat[i]
                    else
                        s[i]

                w[i] <- w[i] - m[i] * alpha / (sqrt s + p "epsilon")

        match name with
        | "SGD" ->
            let m = v.Slot "m"

            for i in 0 .. w.Length - 1 do
                if p "momentum" = 0.0 then
                    w[i] <- w[i] - g[i] * lr
                else
                    m[i] <- m[i] * p "momentum" - g[i] * lr
                    w[i] <- w[i] + (if p "nesterov" = 1.0 then m[i] * p "momentum" - g[i] * lr else m[i])

        | "RMSprop" ->
            let s, m, a = v.Slot "v", v.Slot "m", v.Slot "a"

            for i in 0 .. w.Length - 1 do
                s[i] <- p "rho" * s[i] + (1.0 - p "rho") * g[i] * g[i]
                a[i] <- p "rho" * a[i] + (1.0 - p "rho") * g[i]
                let below = if p "centered" = 1.0 then s[i] - a[i] * a[i] + p "epsilon" else s[i] + p "epsilon"
                let step = lr * g[i] / sqrt below
                m[i] <- p "momentum" * m[i] + step
                w[i] <- w[i] - (if p "momentum" > 0.0 then m[i] else step)

        | "Adam"
        | "AdamW" -> adam lr (p "amsgrad" = 1.0)

        | "Adagrad" ->
            let a = v.Slot("a", p "initial_accumulator_value")

            for i in 0 .. w.Length - 1 do
                a[i] <- a[i] + g[i] * g[i]
                w[i] <- w[i] - lr * g[i] / sqrt (a[i] + p "epsilon")

        | "Adadelta" ->
            let a, d = v.Slot "a", v.Slot "d"

            for i in 0 .. w.Length - 1 do
                a[i] <- p "rho" * a[i] + (1.0 - p "rho") * g[i] * g[i]
                let delta = -(sqrt (d[i] + p "epsilon") * g[i] / sqrt (a[i] + p "epsilon"))
                d[i] <- p "rho" * d[i] + (1.0 - p "rho") * delta * delta
                w[i] <- w[i] + lr * delta

        | "Adamax" ->
            let m, u = v.Slot "m", v.Slot "u"

            for i in 0 .. w.Length - 1 do
                m[i] <- m[i] + (g[i] - m[i]) * (1.0 - p "beta_1")
                u[i] <- max (p "beta_2" * u[i]) (abs g[i])
                w[i] <- w[i] - lr * m[i] / ((1.0 - p "beta_1" ** t) * (u[i] + p "epsilon"))

        | "Nadam" ->
            let m, s, product = v.Slot "m", v.Slot "v", v.Slot("u_product", 1.0)
            let at n = p "beta_1" * (1.0 - 0.5 * 0.96 ** n)
            // Kept once for all variables in Keras; every variable sees the same.
            let now = product[0] * at t
            Array.fill product 0 product.Length now

            for i in 0 .. w.Length - 1 do
                m[i] <- m[i] + (g[i] - m[i]) * (1.0 - p "beta_1")
                s[i] <- s[i] + (g[i] * g[i] - s[i]) * (1.0 - p "beta_2")
                let mHat = at (t + 1.0) * m[i] / (1.0 - now * at (t + 1.0)) + (1.0 - at t) * g[i] / (1.0 - now)
                w[i] <- w[i] - mHat * lr / (sqrt (s[i] / (1.0 - p "beta_2" ** t)) + p "epsilon")

        | "Ftrl" ->
            let a, linear = v.Slot("a", p "initial_accumulator_value"), v.Slot "linear"
            let power = -(p "learning_rate_power")
            let l1 = p "l1_regularization_strength"
            let l2 = p "l2_regularization_strength" + p "beta" / (2.0 * lr)

            for i in 0 .. w.Length - 1 do
                let used = g[i] + 2.0 * p "l2_shrinkage_regularization_strength" * w[i]
                let next = a[i] + g[i] * g[i]
                linear[i] <- linear[i] + used - (next ** power - a[i] ** power) / lr * w[i]
                let quadratic = next ** power / lr + 2.0 * l2
                w[i] <- (min l1 (max -l1 linear[i]) - linear[i]) / quadratic
                a[i] <- next

        | "Lion" ->
            let m = v.Slot "m"

            for i in 0 .. w.Length - 1 do
                w[i] <- w[i] - lr * float (sign (m[i] * p "beta_1" + g[i] * (1.0 - p "beta_1")))
                m[i] <- m[i] * p "beta_2" + g[i] * (1.0 - p "beta_2")

        | "Lamb" ->
            let m, s = v.Slot "m", v.Slot "v"
            let step = Array.zeroCreate w.Length

            for i in 0 .. w.Length - 1 do
                m[i] <- m[i] + (g[i] - m[i]) * (1.0 - p "beta_1")
                s[i] <- s[i] + (g[i] * g[i] - s[i]) * (1.0 - p "beta_2")
                step[i] <- m[i] / (1.0 - p "beta_1" ** t) / (sqrt (s[i] / (1.0 - p "beta_2" ** t)) + p "epsilon")

            let ratio = if norm w > 0.0 && norm step > 0.0 then norm w / norm step else 1.0

            for i in 0 .. w.Length - 1 do
                w[i] <- w[i] - ratio * lr * step[i]

        | "Adafactor" ->
            // Relative step or not: rho_t bounds the rate in both cases.
            let bounded = min lr (1.0 / sqrt t)
            let alpha = max (p "epsilon_2") (rms w) * bounded
            let beta = 1.0 - t ** p "beta_2_decay"
            let square = g |> Array.map (fun x -> x * x + p "epsilon_1")
            let s = v.Slot "v"

            if v.IsMatrix then
                let r, c = v.Slot "r", v.Slot "c"

                for i in 0 .. v.Rows - 1 do
                    let mean = Array.averageBy (fun j -> square[i * v.Columns + j]) [| 0 .. v.Columns - 1 |]
                    r[i] <- beta * r[i] + (1.0 - beta) * mean

                for j in 0 .. v.Columns - 1 do
                    let mean = Array.averageBy (fun i -> square[i * v.Columns + j]) [| 0 .. v.Rows - 1 |]
                    c[j] <- beta * c[j] + (1.0 - beta) * mean

                let mean = Array.average r[.. v.Rows - 1]

                for i in 0 .. v.Rows - 1 do
                    for j in 0 .. v.Columns - 1 do
                        s[i * v.Columns + j] <- r[i] / mean * c[j]
            else
                for i in 0 .. w.Length - 1 do
                    s[i] <- beta * s[i] + (1.0 - beta) * square[i]

            let u = Array.map2 (fun x s -> x / sqrt s) g s
            let u = u |> Array.map (fun x -> x / max 1.0 (rms u / p "clip_threshold"))

            for i in 0 .. w.Length - 1 do
                w[i] <- w[i] - alpha * u[i]

        | "Muon" when v.IsMatrix ->
            let m = v.Slot "m"

            for i in 0 .. w.Length - 1 do
                m[i] <- m[i] + g[i] + m[i] * (p "momentum" - 1.0)

            let x = if p "nesterov" = 1.0 then Array.map2 (fun g m -> g + p "momentum" * m) g m else m
            let step = newtonSchulz p v.Rows v.Columns x

            for i in 0 .. w.Length - 1 do
                w[i] <- w[i] - lr * step[i] * sqrt (float (max v.Rows v.Columns)) * p "rms_rate"

        | "Muon" -> adam (lr * p "adam_lr_ratio") false

        | "ScheduleFreeAdamW" ->
            let z, s = v.Copy "z", v.Slot "v"
            let lr = if p "warmup_steps" > 0.0 then lr * min (t / p "warmup_steps") 1.0 else lr
            let b = p "beta_1"

            for i in 0 .. w.Length - 1 do
                s[i] <- s[i] + (g[i] * g[i] - s[i]) * (1.0 - p "beta_2")
                let old = z[i]
                z[i] <- z[i] - lr * g[i] / (sqrt (s[i] / (1.0 - p "beta_2" ** t)) + p "epsilon")
                let x = (w[i] - (1.0 - b) * old) / b
                let x = (1.0 - 1.0 / t) * x + 1.0 / t * z[i]
                w[i] <- (1.0 - b) * z[i] + b * x

        | other -> invalidArg (nameof name) other

    /// base_optimizer.py: apply, over gradients batch by batch. An option of 0 is not given. Gives the variables after every
    /// batch, and the moving averages at the end.
    let run
        (name: string)
        (p: string -> float)
        (rate: int -> float)
        (constrain: float[] -> unit)
        (variables: Variable[])
        (grads: float[][][])
        : float[][][] =
        let gathering = max 1 (int (p "gradient_accumulation_steps"))

        [| for batch in 0 .. grads.Length - 1 do
               let iterations = batch / gathering
               let lr = rate batch
               let scale = if p "loss_scale_factor" > 0.0 then p "loss_scale_factor" else 1.0
               let g = grads[batch] |> Array.map (Array.map (fun x -> x / scale))
               let updates = (batch + 1) % gathering = 0

               // Built before the first update.
               if name = "ScheduleFreeAdamW" then
                   for v in variables do
                       v.Copy "z" |> ignore

               if not updates then
                   Array.iter2
                       (fun (v: Variable) (g: float[]) ->
                           let sum = v.Slot "sum"

                           for i in 0 .. g.Length - 1 do
                               sum[i] <- sum[i] + g[i])
                       variables
                       g
               else
                   let g =
                       Array.map2
                           (fun (v: Variable) (g: float[]) ->
                               Array.map2 (fun a b -> (a + b) / float gathering) g (v.Slot "sum"))
                           variables
                           g

                   let clipped =
                       if p "clipnorm" > 0.0 then
                           g
                           |> Array.map (fun g ->
                               g |> Array.map (fun x -> x * p "clipnorm" / max (norm g) (p "clipnorm")))
                       elif p "global_clipnorm" > 0.0 then
                           let all = norm (Array.concat g)
                           let limit = p "global_clipnorm"
                           g |> Array.map (Array.map (fun x -> x * limit * min (1.0 / all) (1.0 / limit)))
                       elif p "clipvalue" > 0.0 then
                           let limit = p "clipvalue"
                           g |> Array.map (Array.map (fun x -> min limit (max -limit x)))
                       else
                           g

                   for v in variables do
                       let decay = if name = "Muon" && not v.IsMatrix then p "adam_weight_decay" else p "weight_decay"

                       for i in 0 .. v.W.Length - 1 do
                           v.W[i] <- v.W[i] - v.W[i] * decay * lr

                   Array.iter2 (updateStep name p iterations lr) variables clipped

                   for v in variables do
                       let sum = v.Slot "sum"
                       Array.fill sum 0 sum.Length 0.0

               if p "use_ema" = 1.0 then
                   let momentum = if iterations <> 0 then p "ema_momentum" else 0.0
                   let every = int (p "ema_overwrite_frequency")

                   for v in variables do
                       let average = v.Slot "average"

                       for i in 0 .. average.Length - 1 do
                           average[i] <- momentum * average[i] + (1.0 - momentum) * v.W[i]

                       if every > 0 && (iterations + 1) % every = 0 then
                           Array.blit average 0 v.W 0 average.Length

               for v in variables do
                   constrain v.W

               variables |> Array.map (fun v -> Array.copy v.W) |]
