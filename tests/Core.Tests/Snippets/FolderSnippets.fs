module FunctionalNet.Tests.Snippets.FolderSnippets

open System.IO
open FunctionalNet
open FunctionalNet.Tests.Images
open FunctionalNet.Tests.Support
open Xunit

[<Fact>]
let ``a folder of pictures`` () =
    use temporary = new TemporaryFolder()

    for name in [ "rose"; "daisy" ] do
        for i in 1..5 do
            let file = temporary.File(name + "/" + string i + ".png")
            File.Copy(Data.inTests (Path.Combine("images", "rgb.png")), file)

    let folder = temporary.Path

    // snippet: data-folders-fsharp
    let options =
        { ImageDataset.options with
            Files = { DirectoryFiles.options with ValidationSplit = Some 0.2; Seed = 1; Verbose = false }
            ImageSize = struct (32, 32) }

    let struct (train, validation) = ImageDataset.split options folder
    // end snippet
    Assert.Equal(8, train.FilePaths.Count)
    Assert.Equal(2, validation.FilePaths.Count)
