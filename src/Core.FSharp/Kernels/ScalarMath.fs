namespace FunctionalNet.Kernels

open System

/// Functions of one float64 that System.Math lacks.
module internal ScalarMath =

    let expm1 (x: float) =
        let u = Math.Exp x

        // Near 0 the rounding of u is divided out again; elsewhere the difference loses nothing.
        if u = 1.0 then x
        elif Math.Abs x > 1.0 then u - 1.0
        else (u - 1.0) * x / Math.Log u

    let log1p (x: float) =
        let u = 1.0 + x

        if u = 1.0 then x
        elif u <= 0.0 || Double.IsInfinity u then Math.Log u
        else Math.Log u * x / (u - 1.0)

    let sigmoid (x: float) = 1.0 / (1.0 + Math.Exp -x)

    let softplus (x: float) = Math.Max(x, 0.0) + log1p (Math.Exp(-(Math.Abs x)))

    /// 2 / sqrt pi.
    let private slope = 1.1283791670955126

    // erf x = 2/sqrt(pi) e^(-x^2) sum of 2^n x^(2n+1) / (2n+1)!!: all terms have one sign, so nothing cancels.
    let private erfSeries (x: float) =
        let z = 2.0 * x * x
        let mutable term = x
        let mutable sum = x
        let mutable n = 1.0

        while Math.Abs term > 1e-17 * Math.Abs sum do
            term <- term * z / (2.0 * n + 1.0)
            sum <- sum + term
            n <- n + 1.0

        slope * Math.Exp(-x * x) * sum

    // erfc x = e^(-x^2) / (sqrt(pi) (x + (1/2)/(x + 1/(x + (3/2)/(x + ...))))), evaluated from the far end.
    let private erfcFraction (x: float) =
        let mutable f = x

        for n in 60..-1..1 do
            f <- x + 0.5 * float n / f

        Math.Exp(-x * x) * slope * 0.5 / f

    let erf (x: float) =
        let a = Math.Abs x

        if Double.IsNaN x then x
        elif a < 2.5 then erfSeries x
        elif a > 6.0 then Math.CopySign(1.0, x)
        else Math.CopySign(1.0 - erfcFraction a, x)

    /// Inverse of erf: a closed first guess, then Halley steps on erf, or on erfc where erf is close to 1.
    let erfinv (x: float) =
        let a = Math.Abs x

        if a > 1.0 || Double.IsNaN x then
            Double.NaN
        elif a = 1.0 then
            Math.CopySign(Double.PositiveInfinity, x)
        elif a = 0.0 then
            x
        else
            let l = Math.Log((1.0 - a) * (1.0 + a))
            let b = 4.330746750799873 + 0.5 * l
            let mutable y = Math.Sqrt(Math.Max(Math.Sqrt(b * b - l / 0.147) - b, 0.0))

            if a < 1e-3 then y <- a / slope

            for _ in 1..3 do
                let error = if y < 2.5 then erfSeries y - a else (1.0 - a) - erfcFraction y
                let step = error / (slope * Math.Exp(-y * y))
                y <- y - step / (1.0 + y * step)

            Math.CopySign(y, x)

    let gelu (x: float) = 0.5 * x * (1.0 + erf (x * Math.Sqrt 0.5))

    let relu (x: float) = if x < 0.0 then 0.0 else x

    /// floor(x / y).
    let floorDiv (x: float) (y: float) = Math.Floor(x / y)

    /// The remainder with the sign of the divisor.
    let floorMod (x: float) (y: float) =
        let r = x % y

        if r <> 0.0 && (r < 0.0) <> (y < 0.0) then r + y else r

    /// The quotient rounded down; 0 for a divisor of 0.
    let floorDivInt (x: int64) (y: int64) =
        if y = 0L then
            0L
        elif y = -1L then
            // Not by division: the smallest number has no positive counterpart.
            0L - x
        else
            let q = x / y
            if (x % y <> 0L) && ((x < 0L) <> (y < 0L)) then q - 1L else q

    /// x to the power y by squaring; 0 for negative powers of anything but 1 and -1.
    let powInt (x: int64) (y: int64) =
        if y < 0L then
            if x = 1L then 1L
            elif x = -1L then (if y &&& 1L = 0L then 1L else -1L)
            else 0L
        else
            let mutable result = 1L
            let mutable b = x
            let mutable e = y

            while e > 0L do
                if e &&& 1L = 1L then result <- result * b

                b <- b * b
                e <- e >>> 1

            result
