namespace FunctionalNet.Common

open System

/// Finding the name somebody probably meant.
module internal Names =

    /// Levenshtein's distance, ignoring case.
    let distance (a: string) (b: string) =
        let a, b = a.ToLowerInvariant(), b.ToLowerInvariant()
        let mutable previous = Array.init (b.Length + 1) id

        for i in 1 .. a.Length do
            let row = Array.zeroCreate (b.Length + 1)
            row[0] <- i

            for j in 1 .. b.Length do
                let change = previous[j - 1] + (if a[i - 1] = b[j - 1] then 0 else 1)
                row[j] <- min change (1 + min previous[j] row[j - 1])

            previous <- row

        previous[b.Length]

    /// The known name nearest to the one given; empty if there are no names.
    let nearest (name: string) (known: string seq) =
        let known = Seq.toArray known
        // Very long names come from broken files; comparing them is not worth the time.
        if known.Length = 0 || name.Length > 200 then "" else known |> Array.minBy (distance name)

    /// The hint of an error about an unknown name.
    let didYouMean (name: string) (known: string seq) =
        match nearest name known with
        | "" -> "There are no names to choose from."
        | best -> "Did you mean " + best + "?"

    /// The error for a name that is none of the known ones.
    let unknown (what: string) (path: string) (name: string) (known: string seq) : exn =
        let known = Seq.toArray known
        let shown =
            if known.Length <= 40 then
                String.Join(", ", known)
            else
                "one of " + string known.Length + " known names"
        FunctionalNet.ArgumentValueException("Unknown " + what + ".", path, shown, name, didYouMean name known)
