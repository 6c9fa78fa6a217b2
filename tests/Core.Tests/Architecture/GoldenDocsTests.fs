module FunctionalNet.Tests.Architecture.GoldenDocsTests

open System
open System.IO
open Xunit
open FunctionalNet.Tests.Support

let private files (folder: string) (patterns: string list) =
    let root = Data.inRepository folder

    if Directory.Exists root then
        [ for pattern in patterns do
              for path in Directory.EnumerateFiles(root, pattern, SearchOption.AllDirectories) do
                  let name = path.Replace('\\', '/')

                  if not (name.Contains "/obj/" || name.Contains "/bin/") then path ]
    else
        []

[<Fact>]
let ``the code in the documentation is code that is compiled and run`` () =
    let pages = Data.inRepository "README.md" :: files "docs" [ "*.md" ]

    let sources =
        files "tests/Api.Tests/Snippets" [ "*.cs" ]
        @ files "tests/Core.Tests/Snippets" [ "*.fs" ]
        @ files "samples" [ "*.cs"; "*.fs" ]

    Snippets.Check(pages, sources, (Environment.GetEnvironmentVariable "FUNCTIONALNET_REFRESH" = "1"))

/// Checks one page against one source; the message, or an empty text.
let private check (page: string) (source: string) (refresh: bool) =
    let folder = Directory.CreateTempSubdirectory("functionalnet-").FullName

    try
        let pagePath, sourcePath = Path.Combine(folder, "page.md"), Path.Combine(folder, "source.cs")
        File.WriteAllText(pagePath, page)
        File.WriteAllText(sourcePath, source)

        let message =
            try
                Snippets.Check([ pagePath ], [ sourcePath ], refresh)
                ""
            with e ->
                e.Message

        message, File.ReadAllText pagePath
    finally
        Directory.Delete(folder, true)

let private source =
    "// snippet: one\nusing A;\n// end snippet\nclass C\n{\n    // snippet: one\n    F(\n        x);\n    // end snippet\n}\n"

let private page =
    "# Title\n\n<!-- snippet: one -->\n```csharp\nusing A;\n\nF(\n    x);\n```\n\nMore.\n"

[<Fact>]
let ``a block that equals its regions passes`` () = Assert.Equal("", fst (check page source false))

[<Fact>]
let ``a block that differs is named, and rewritten on demand`` () =
    let stale = page.Replace("    x);", "    y);")
    let message, unchanged = check stale source false
    Assert.Contains("page.md(4)", message)
    Assert.Contains("differs from the snippet 'one'", message)
    Assert.Equal(stale, unchanged)
    Assert.Equal(("", page), check stale source true)

[<Fact>]
let ``a block without a name, an unknown name and an unused snippet are told`` () =
    Assert.Contains("has no line", fst (check (page.Replace("<!-- snippet: one -->\n", "")) source false))
    Assert.Contains("no snippet 'two'", fst (check (page.Replace("snippet: one", "snippet: two")) source false))
    Assert.Contains("'one' is shown on no page", fst (check "Nothing.\n" source false))
    Assert.Contains("has no end", fst (check (page.Replace("x);\n```", "x);")) source false))
    Assert.Contains("has no end", fst (check page (source.Replace("    // end snippet\n", "")) false))

[<Fact>]
let ``blocks of other languages are left alone`` () =
    Assert.Equal("", fst (check (page + "\n```bash\ndotnet test\n```\n") source false))
