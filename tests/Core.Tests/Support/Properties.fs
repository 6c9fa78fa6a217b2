namespace FunctionalNet.Tests.Support

open System
open FsCheck.Xunit

/// How many cases a property runs: 150, or 1,000 when FUNCTIONALNET_NIGHTLY=1. FsCheck prints the seed of a failing case;
/// [<Property(Replay = "(seed, gamma)")>] runs it again.
module Cases =

    [<Literal>]
    let Least = 150

    let count = if Environment.GetEnvironmentVariable "FUNCTIONALNET_NIGHTLY" = "1" then 1000 else Least

/// The defaults of every property in this assembly.
[<AttributeUsage(AttributeTargets.Assembly)>]
type HousePropertiesAttribute() =
    inherit PropertiesAttribute(MaxTest = Cases.count)

[<assembly: HouseProperties>]
do ()
