namespace FunctionalNet.Tests.Support

open System
open System.IO
open Xunit

/// Where the tests find files: those of the repository, and the larger data sets that a machine may have.
module Data =

    /// The root of the repository: the nearest folder above the test assembly that holds FunctionalNet.sln.
    let repository =
        let rec up (folder: DirectoryInfo | null) =
            match folder with
            | null -> failwith "FunctionalNet.sln was not found in any folder above the test assembly."
            | f when File.Exists(Path.Combine(f.FullName, "FunctionalNet.sln")) -> f.FullName
            | f -> up f.Parent

        up (DirectoryInfo AppContext.BaseDirectory)

    /// A file or folder of the repository.
    let inRepository (relative: string) = Path.Combine(repository, relative)

    /// A file or folder of tests/data.
    let inTests (relative: string) = Path.Combine(repository, "tests", "data", relative)

    /// The folder of larger data sets, when FUNCTIONALNET_DATA names one.
    let root () =
        match Environment.GetEnvironmentVariable "FUNCTIONALNET_DATA" with
        | null
        | "" -> None
        | folder -> Some folder

    let private present (path: string) = File.Exists path || Directory.Exists path

    /// The path of a data set (a file or folder below FUNCTIONALNET_DATA). Fails when it is not there; use it in a
    /// [<DataFact>] or [<DataTheory>] of the same name, which is skipped where FUNCTIONALNET_DATA is not set.
    let require (name: string) =
        match root () with
        | None -> failwith ("The data '" + name + "' is needed and FUNCTIONALNET_DATA is not set.")
        | Some folder ->
            let path = Path.Combine(folder, name)

            if present path then
                path
            else
                raise (FileNotFoundException("FUNCTIONALNET_DATA has no '" + name + "'.", path))

    /// Why a test that needs these data is skipped, or null: then a missing one is a failure, not a skip.
    let skipReason (names: string[]) : string | null =
        match root () with
        | Some _ -> null
        | None ->
            "Needs the data '"
            + String.Join("', '", names)
            + "': set FUNCTIONALNET_DATA to the folder that holds it."

/// A fact that needs data from FUNCTIONALNET_DATA: skipped, naming the data, when that is not set.
[<AttributeUsage(AttributeTargets.Method)>]
type DataFactAttribute([<ParamArray>] names: string[]) as this =
    inherit FactAttribute()
    do this.Skip <- Unchecked.nonNull (Data.skipReason names)

/// A theory that needs data from FUNCTIONALNET_DATA: skipped, naming the data, when that is not set.
[<AttributeUsage(AttributeTargets.Method)>]
type DataTheoryAttribute([<ParamArray>] names: string[]) as this =
    inherit TheoryAttribute()
    do this.Skip <- Unchecked.nonNull (Data.skipReason names)
