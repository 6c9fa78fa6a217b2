namespace FunctionalNet.Tests.Layers

open FunctionalNet
open FunctionalNet.Tests.Support

/// What happens to a mask of time steps.
type MaskRule =
    /// It comes out as it went in.
    | Keeps
    /// None comes out.
    | Drops
    /// The layer makes one of its own, or the case has no time axis.
    | Own

/// One layer of the universal test, with what is expected of it.
type LayerRow =
    {
        Class: string
        Make: unit -> Layer
        /// Shapes without the batch; -1 where the network should not know the size.
        Inputs: int list list
        DType: DType
        /// Numbers in all variables.
        Count: int
        Mask: MaskRule
        /// Input shapes of a rank or size the layer must refuse; empty if it takes anything.
        Wrong: int list list
        /// True if training draws random numbers.
        Noisy: bool
        /// True if training replaces weights before it uses them, so that its derivative is that at the new weights.
        Replaces: bool
        /// True if rows of the output depend on one row of the input each.
        RowByRow: bool
        /// False if the values jump or bend at so many places that differences do not measure derivatives.
        Smooth: bool
    }

[<AutoOpen>]
module LayerRows =

    let row name make inputs count mask wrong =
        { Class = name
          Make = make
          Inputs = inputs
          DType = DType.Float32
          Count = count
          Mask = mask
          Wrong = wrong
          Noisy = false
          Replaces = false
          RowByRow = true
          Smooth = true }

    let noisy (row: LayerRow) = { row with Noisy = true }
    let jumping (row: LayerRow) = { row with Smooth = false }
    let ids (row: LayerRow) = { row with DType = DType.Int32 }

    let windows (name: string) (make: int -> Layer) (count: int -> int) =
        [ for rank in 1..3 do
              let inputs = List.replicate rank 5 @ [ 2 ]
              row (name.Replace("#", string rank)) (fun () -> make rank) [ inputs ] (count rank) Drops [ [ 5 ] ] ]
