namespace FunctionalNet

open System

/// <summary>The base of every exception this library throws on purpose. The message says where it happened, what was
/// expected, what came instead, and what to do about it; each part is also a property.</summary>
/// <param name="summary">One sentence: what went wrong.</param>
/// <param name="path">Where: the layer path, operation or argument; empty when there is none.</param>
/// <param name="expected">What was expected; empty when it does not apply.</param>
/// <param name="actual">What came instead; empty when it does not apply.</param>
/// <param name="hint">What to do about it; empty when there is nothing to say.</param>
/// <param name="inner">The cause, or null.</param>
type FunctionalNetException
    (summary: string, path: string, expected: string, actual: string, hint: string, inner: exn | null) =
    inherit Exception(FunctionalNetException.Compose(summary, path, expected, actual, hint), inner)

    static member private Compose(summary: string, path: string, expected: string, actual: string, hint: string) =
        let line (label: string) (text: string) =
            if text.Length = 0 then "" else Environment.NewLine + "  " + label + text

        summary
        + line "at:       " path
        + line "expected: " expected
        + line "got:      " actual
        + line "hint:     " hint

    /// <summary>One sentence: what went wrong.</summary>
    member _.Summary = summary

    /// <summary>The layer path, operation or argument where it went wrong; empty when there is none.</summary>
    member _.Path = path

    /// <summary>What was expected; empty when it does not apply.</summary>
    member _.Expected = expected

    /// <summary>What came instead; empty when it does not apply.</summary>
    member _.Actual = actual

    /// <summary>What to do about it; empty when there is nothing to say.</summary>
    member _.Hint = hint

/// <summary>Shapes do not fit: raised while a model or graph is built, before anything runs.</summary>
type ShapeException(summary, path, expected, actual, hint, inner: exn | null) =
    inherit FunctionalNetException(summary, path, expected, actual, hint, inner)

    new(summary, path, expected, actual, hint) = ShapeException(summary, path, expected, actual, hint, null)

/// <summary>Element types do not fit: raised while a model or graph is built, before anything runs.</summary>
type DTypeException(summary, path, expected, actual, hint, inner: exn | null) =
    inherit FunctionalNetException(summary, path, expected, actual, hint, inner)

    new(summary, path, expected, actual, hint) = DTypeException(summary, path, expected, actual, hint, null)

/// <summary>A graph is not well formed: a foreign leaf, an unbound input, a derivative that does not exist.</summary>
type GraphException(summary, path, expected, actual, hint, inner: exn | null) =
    inherit FunctionalNetException(summary, path, expected, actual, hint, inner)

    new(summary, path, expected, actual, hint) = GraphException(summary, path, expected, actual, hint, null)

/// <summary>An argument or name is not valid: an unknown loss, a negative size, a rate outside its range.</summary>
type ArgumentValueException(summary, path, expected, actual, hint, inner: exn | null) =
    inherit FunctionalNetException(summary, path, expected, actual, hint, inner)

    new(summary, path, expected, actual, hint) = ArgumentValueException(summary, path, expected, actual, hint, null)

/// <summary>Something was called before it can be: fit before compile, predict before build.</summary>
type NotReadyException(summary, path, expected, actual, hint) =
    inherit FunctionalNetException(summary, path, expected, actual, hint, null)

/// <summary>The data given to fit, evaluate or predict cannot be used: row counts differ, a set is empty, a value is
/// NaN or infinite, a label is out of range.</summary>
/// <param name="summary">One sentence: what went wrong.</param>
/// <param name="path">The name of the input or target.</param>
/// <param name="expected">What was expected.</param>
/// <param name="actual">What came instead.</param>
/// <param name="hint">What to do about it.</param>
/// <param name="batch">The 0-based index of the batch, or -1.</param>
/// <param name="row">The 0-based row in the data as given, or -1.</param>
type DataException(summary, path, expected, actual, hint, batch: int, row: int64) =
    inherit FunctionalNetException(summary, path, expected, actual, hint, null)

    new(summary, path, expected, actual, hint) = DataException(summary, path, expected, actual, hint, -1, -1L)

    /// <summary>The 0-based index of the batch where it was found, or -1.</summary>
    member _.Batch = batch

    /// <summary>The 0-based row in the data as given, or -1.</summary>
    member _.Row = row

/// <summary>A file is not what it should be: truncated, corrupt, of an unknown version, or of another model.</summary>
type ModelFormatException(summary, path, expected, actual, hint, inner: exn | null) =
    inherit FunctionalNetException(summary, path, expected, actual, hint, inner)

    new(summary, path, expected, actual, hint) = ModelFormatException(summary, path, expected, actual, hint, null)
