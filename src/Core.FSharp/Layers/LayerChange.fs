namespace FunctionalNet

/// <summary>How a trained layer is adapted to something new.</summary>
[<AutoOpen>]
module LayerChangeTypes =

    /// <summary>Low-rank adaptation (Hu et al., 2021): the weight W of a layer keeps its value, and W + alpha / rank * A B is
    /// used in its place, where only the small matrices A and B are trained. A starts He-uniform, B at zero, so that the layer
    /// gives what it gave before.</summary>
    type LoraOptions =
        {
            /// <summary>Columns of A and rows of B; None for a layer without adaptation.</summary>
            Rank: int option
            /// <summary>Strength of A B, divided by the rank. Default: the rank, so that A B counts as it is.</summary>
            Alpha: float option
        }

    /// Another layer of the same inputs and outputs that a layer is to give way to.
    type internal LayerChange =
        /// The weight is frozen, and trained through two small matrices.
        | Adapt of LoraOptions
        /// The product of the small matrices becomes part of the weight.
        | Merge
        /// Large weights become 8-bit numbers.
        | Quantize
        /// Bounding boxes come in that format.
        | Locate of BoundingBoxFormat

/// <summary>Makers of LoRA options.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Lora =

    /// <summary>No adaptation.</summary>
    let none: LoraOptions = { Rank = None; Alpha = None }

    /// <summary>Matrices of that rank, whose product counts as it is.</summary>
    let ofRank (rank: int) : LoraOptions = { Rank = Some rank; Alpha = None }
