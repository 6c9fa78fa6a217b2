namespace FunctionalNet.Tests.Support

open System
open System.Globalization
open Xunit

/// Comparison of numbers that were computed in different ways.
module Close =

    let private text (x: float) = x.ToString("R", CultureInfo.InvariantCulture)

    /// How far `actual` is from `expected`, in units of what is allowed: above 1 is too far. Not-a-number equals itself,
    /// and an infinity equals only itself.
    let excess (rel: float) (abs: float) (expected: float) (actual: float) =
        if Double.IsNaN expected && Double.IsNaN actual then 0.0
        elif expected = actual then 0.0
        elif not (Double.IsFinite expected && Double.IsFinite actual) then Double.PositiveInfinity
        else Math.Abs(actual - expected) / (abs + rel * Math.Abs expected)

    /// The index and excess of the worst element.
    let worst (rel: float) (abs: float) (expected: float[]) (actual: float[]) =
        let mutable index = -1
        let mutable most = 0.0

        for i in 0 .. expected.Length - 1 do
            let e = excess rel abs expected[i] actual[i]

            if e > most then
                index <- i
                most <- e

        struct (index, most)

    /// What is wrong, or None: lengths differ, or some |actual - expected| > abs + rel * |expected|.
    let difference (rel: float) (abs: float) (expected: float[]) (actual: float[]) =
        if expected.Length <> actual.Length then
            Some("expected " + string expected.Length + " elements, got " + string actual.Length)
        else
            let struct (i, most) = worst rel abs expected actual

            if most <= 1.0 then
                None
            else
                let wrong = Seq.zip expected actual |> Seq.filter (fun (e, a) -> excess rel abs e a > 1.0) |> Seq.length

                Some(
                    "worst at index "
                    + string i
                    + " of "
                    + string expected.Length
                    + " ("
                    + string wrong
                    + " too far): expected "
                    + text expected[i]
                    + ", got "
                    + text actual[i]
                    + ", allowed "
                    + text (abs + rel * Math.Abs expected[i])
                )

    /// Fails, naming the worst element, unless |actual - expected| <= abs + rel * |expected| everywhere.
    let closeAt (what: string) (rel: float) (abs: float) (expected: float[]) (actual: float[]) =
        match difference rel abs expected actual with
        | None -> ()
        | Some message -> Assert.Fail(what + ": " + message)

    /// Fails, naming the worst element, unless |actual - expected| <= abs + rel * |expected| everywhere.
    let close (rel: float) (abs: float) (expected: float[]) (actual: float[]) =
        closeAt "values differ" rel abs expected actual

    /// The same, with the tolerance relative to the largest expected magnitude instead of each element's own: for
    /// results of long sums, where small elements carry the rounding of large ones.
    let closeToScale (what: string) (rel: float) (expected: float[]) (actual: float[]) =
        let scale = expected |> Array.fold (fun m x -> if Double.IsFinite x then max m (Math.Abs x) else m) 0.0
        closeAt what rel (rel * scale + 1e-12) expected actual

    /// The same for float32 results whose parts are of the order of 1: what is 0 in truth comes out as rounding.
    let closeToParts (what: string) (rel: float) (expected: float[]) (actual: float[]) =
        let scale = expected |> Array.fold (fun m x -> if Double.IsFinite x then max m (Math.Abs x) else m) 0.01
        closeAt what rel (rel * scale) expected actual
