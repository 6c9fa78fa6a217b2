namespace FunctionalNet.Tests.Support

open System
open System.IO

/// Where the tests find files: those of the repository, and the larger data sets that a machine may have.
module Data =

    /// A file or folder of the repository.
    let inRepository (relative: string) = Repository.Path relative

    /// A file or folder of tests/data.
    let inTests (relative: string) = Path.Combine(Repository.Root, "tests", "data", relative)

    /// The folder of larger data sets, when FUNCTIONALNET_DATA names one.
    let root () =
        match Environment.GetEnvironmentVariable "FUNCTIONALNET_DATA" with
        | null
        | "" -> None
        | folder -> Some folder

    /// The path of a data set (a file or folder below FUNCTIONALNET_DATA). Fails when it is not there; use it in a
    /// [<DataFact>] or [<DataTheory>] of the same name, which is skipped where FUNCTIONALNET_DATA is not set.
    let require (name: string) =
        match root () with
        | None -> failwith ("The data '" + name + "' is needed and FUNCTIONALNET_DATA is not set.")
        | Some folder ->
            let path = Path.Combine(folder, name)

            if File.Exists path || Directory.Exists path then
                path
            else
                raise (FileNotFoundException("FUNCTIONALNET_DATA has no '" + name + "'.", path))
