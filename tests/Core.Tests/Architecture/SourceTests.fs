module FunctionalNet.Tests.Architecture.SourceTests

open System
open System.IO
open System.Text.RegularExpressions
open Xunit
open FunctionalNet.Tests.Support

/// Files that may be longer than 800 lines, each with its reason.
let private long: Map<string, string> = Map []

let private sources (extension: string) =
    let root = Data.inRepository "src"

    [ for path in Directory.EnumerateFiles(root, "*" + extension, SearchOption.AllDirectories) do
          let name = Path.GetRelativePath(root, path).Replace('\\', '/')

          if not (name.Contains "/obj/" || name.Contains "/bin/") then
              name, File.ReadAllText path ]

/// F# code without its comments and the contents of its strings; an interpolated string keeps its `$"`.
let private code (text: string) =
    let notCode =
        "\"\"\"[\\s\\S]*?\"\"\"|@\"(?:[^\"]|\"\")*\"|\"(?:\\\\[\\s\\S]|[^\"\\\\])*\"|//[^\\n]*|\\(\\*(?!\\))[\\s\\S]*?\\*\\)|'(?:\\\\[^']+|[^'\\\\\\n])'"

    Regex.Replace(
        text,
        notCode,
        fun m ->
            // Line breaks stay, so that line numbers do.
            let breaks = String.replicate (m.Value |> Seq.filter ((=) '\n') |> Seq.length) "\n"
            if m.Value[0] = '"' || m.Value[0] = '@' then "\"\"" + breaks else breaks
    )

/// What throws under NativeAOT or loses the type of an error.
let private banned =
    Regex(@"\b(k?[sbf]?printfn?|e?printfn?|failwithf?|invalidArg|invalidOp|nullArg|reraise\s*\(\s*\)\s*\|\>)\b|\$+@?""")

let private offences (text: string) =
    code text
    |> fun t -> t.Split('\n')
    |> Seq.indexed
    |> Seq.collect (fun (i, line) -> [ for m in banned.Matches line -> i + 1, m.Value ])
    |> List.ofSeq

[<Fact>]
let ``no file is longer than 800 lines without a reason`` () =
    let tooLong =
        [ for name, text in sources ".fs" @ sources ".cs" do
              let lines = text.Split('\n').Length

              if lines > 800 && not (long.ContainsKey name) then
                  name + ": " + string lines + " lines" ]

    Assert.Empty tooLong

[<Fact>]
let ``every listed long file is there, long, and has a reason`` () =
    let all = Map.ofList (sources ".fs" @ sources ".cs")

    for KeyValue(name, reason) in long do
        Assert.True(all.ContainsKey name, name + " does not exist")
        Assert.True(all[name].Split('\n').Length > 800, name + " is no longer long")
        Assert.True(reason.Length > 10, name + " has no reason")

[<Fact>]
let ``the library uses no printf family, untyped failure or interpolated string`` () =
    let wrong =
        [ for name, text in sources ".fs" do
              for line, word in offences text do
                  name + "(" + string line + "): " + word ]

    Assert.NotEmpty(sources ".fs")
    Assert.Empty wrong

[<Theory>]
[<InlineData("let x = sprintf \"%d\" 3", 1)>]
[<InlineData("failwith \"no\"", 1)>]
[<InlineData("failwithf \"no %d\" 1", 1)>]
[<InlineData("invalidArg \"x\" \"no\"", 1)>]
[<InlineData("let s = $\"{x}\"", 1)>]
[<InlineData("let s = $\"\"\"{x}\"\"\"", 1)>]
[<InlineData("printfn \"x\"", 1)>]
[<InlineData("eprintfn \"x\"", 1)>]
[<InlineData("// sprintf is not used", 0)>]
[<InlineData("(* sprintf *) let f (*) x = x", 0)>]
[<InlineData("let s = \"sprintf \\\" failwith\"", 0)>]
[<InlineData("let c = '\"' // failwith", 0)>]
[<InlineData("let f (x: 'a) (y: 'b) = raise (E(\"$\"))", 0)>]
let ``the search finds what it should and nothing else`` (text: string, count: int) =
    Assert.Equal(count, (offences text).Length)
