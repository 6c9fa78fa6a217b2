namespace FunctionalNet.Common

open System

/// The weight of a cell at a distance, in cells, when rows of cells are resized.
module internal ResampleKernels =

    /// How far a kernel reaches, and its weights.
    [<NoEquality; NoComparison>]
    type Kernel = { Radius: float; At: float -> float }

    let triangle: Kernel = { Radius = 1.0; At = fun d -> max 0.0 (1.0 - abs d) }

    /// Keys' cubic with a = -1/2.
    let cubic: Kernel =
        { Radius = 2.0
          At =
            fun d ->
                let x = abs d

                if x < 1.0 then (1.5 * x - 2.5) * x * x + 1.0
                elif x < 2.0 then ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
                else 0.0 }

    /// Mitchell and Netravali's cubic with both parameters 1/3.
    let mitchell: Kernel =
        { Radius = 2.0
          At =
            fun d ->
                let x = abs d

                if x < 1.0 then (7.0 / 6.0 * x - 2.0) * x * x + 8.0 / 9.0
                elif x < 2.0 then ((-7.0 / 18.0 * x + 2.0) * x - 10.0 / 3.0) * x + 16.0 / 9.0
                else 0.0 }

    /// The normal distribution of deviation 1/2.
    let gaussian: Kernel = { Radius = 1.5; At = fun d -> if abs d < 1.5 then exp (-2.0 * d * d) else 0.0 }

    let lanczos (radius: float) : Kernel =
        let sinc v = if abs v < 1e-12 then 1.0 else sin (Math.PI * v) / (Math.PI * v)
        { Radius = radius; At = fun d -> if abs d < radius then sinc d * sinc (d / radius) else 0.0 }
