namespace FunctionalNet.Kernels

/// Tables for VectorSystem.Math.Piecewise: polynomials of degree 5 in the distance from the start of each of 16 unit intervals,
/// all highest coefficients first, then the next ones.
[<AbstractClass; Sealed>]
type internal PiecewiseTable private () =

    static let degree = 5

    /// Interpolates at the zeros of a Chebyshev polynomial, which is nearly the best there is.
    static let make (f: float -> float) : Buffer =
        let table = Buffer(int64 ((degree + 1) * 16 * sizeof<float32>))

        for piece in 0..15 do
            let nodes =
                Array.init (degree + 1) (fun j ->
                    0.5 - 0.5 * System.Math.Cos(System.Math.PI * (float j + 0.5) / float (degree + 1)))

            // Divided differences, in place.
            let d = nodes |> Array.map (fun v -> f (float piece + v))

            for order in 1..degree do
                for j in degree .. -1 .. order do
                    d[j] <- (d[j] - d[j - 1]) / (nodes[j] - nodes[j - order])

            // From Newton's form to powers.
            let c = Array.zeroCreate<float>(degree + 1)

            for j in degree .. -1 .. 0 do
                for k in degree .. -1 .. 1 do
                    c[k] <- c[k - 1] - nodes[j] * c[k]

                c[0] <- d[j] - nodes[j] * c[0]

            for k in 0..degree do
                Mem.set<float32> table.Pointer ((degree - k) * 16 + piece) (float32 c[k])

        table

    /// erf t / t. From 3.75 on, where erf is 1 - 1.1e-7 or more, a little too much: with the result limited to 1, it gets
    /// there.
    static let erfOver (t: float) =
        if t = 0.0 then 2.0 / System.Math.Sqrt System.Math.PI
        elif t < 3.75 then ScalarMath.erf t / t
        else ScalarMath.erf t / t * 1.0000002

    static let erf = make (fun s -> erfOver (s / 4.0))

    static let normal = make (fun s -> erfOver (s / 4.0) * System.Math.Sqrt 0.5)

    /// erf t / t at t = s / 4.
    static member Erf = erf.Pointer

    /// erf (t / sqrt 2) / t at t = s sqrt 2 / 4.
    static member Normal = normal.Pointer
