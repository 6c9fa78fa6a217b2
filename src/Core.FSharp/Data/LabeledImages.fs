namespace FunctionalNet.Datasets

open System.Runtime.InteropServices
open FunctionalNet

/// <summary>Images and the class of each: what <c>Fit</c> and <c>Evaluate</c> take.</summary>
/// <param name="images">float32, shape (n, height, width, channels), scaled to 0..1.</param>
/// <param name="labels">int32, shape (n,): class numbers from 0.</param>
[<Sealed>]
type LabeledImages(images: Tensor, labels: Tensor) =

    /// <summary>The images: float32, shape (n, height, width, channels), scaled to 0..1.</summary>
    member _.Images = images

    /// <summary>The class numbers: int32, shape (n,).</summary>
    member _.Labels = labels

    /// <summary>The number of images.</summary>
    member _.Count = labels.Size

    /// <summary>Takes the two apart: <c>var (x, y) = train;</c> in C#, <c>let x, y = train.Deconstruct()</c> in F#.</summary>
    /// <param name="images">The images.</param>
    /// <param name="labels">The class numbers.</param>
    member this.Deconstruct([<Out>] images: byref<Tensor>, [<Out>] labels: byref<Tensor>) =
        images <- this.Images
        labels <- this.Labels
