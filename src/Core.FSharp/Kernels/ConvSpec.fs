namespace FunctionalNet.Kernels

open System.Globalization
open FunctionalNet

/// The shapes of a convolution, channels last, kernel (spatial..., in / groups, out).
[<Sealed>]
type internal ConvSpec private (batch: int, inChannels: int, outChannels: int, groups: int, windows: Windows) =

    /// Spatial arguments have 1 to 3 entries.
    static member Create
        (
            batch: int,
            inSpatial: int[],
            inChannels: int,
            outChannels: int,
            kernel: int[],
            strides: int[],
            dilations: int[],
            padLow: int[],
            padHigh: int[],
            groups: int
        ) =
        if groups < 1 || inChannels % groups <> 0 || outChannels % groups <> 0 then
            raise (
                ShapeException(
                    "The channels of a convolution do not split into its groups.",
                    "conv",
                    "channels that are multiples of the groups",
                    groups.ToString CultureInfo.InvariantCulture + " groups",
                    ""
                )
            )

        ConvSpec(
            batch,
            inChannels,
            outChannels,
            groups,
            Windows(inSpatial, kernel, strides, dilations, padLow, padHigh)
        )

    member _.Batch = batch
    member _.InChannels = inChannels
    member _.OutChannels = outChannels
    member _.Groups = groups
    member _.Windows = windows

    /// Output sizes as three spatial dims.
    member _.OutSpatial = windows.Out
