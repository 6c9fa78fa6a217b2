namespace FunctionalNet

/// <summary>A function or source that a <c>Dataset</c> was made with failed; <c>InnerException</c> is its error.</summary>
/// <param name="stage">Which stage of the pipeline, and those before it.</param>
/// <param name="element">The 0-based number of the element in the stage's input, or -1.</param>
/// <param name="inner">The error.</param>
[<Sealed>]
type DataPipelineException(stage: string, element: int64, inner: exn) =
    inherit
        FunctionalNetException(
            "A function of the data pipeline failed: " + inner.Message,
            stage,
            "a value for every element",
            (if element < 0L then "an error" else "an error at element " + string element),
            "See the inner exception; elements are counted from 0 in the order in which they reach the stage.",
            inner
        )

    /// <summary>The 0-based number of the element in the stage's input, or -1 if the source itself failed.</summary>
    member _.Element = element
