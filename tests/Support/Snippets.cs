using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace FunctionalNet.Tests.Support;

/// <summary>The code in the documentation is code that is compiled and run. A block fenced as csharp or fsharp follows the line
/// <c>&lt;!-- snippet: NAME --&gt;</c> and equals the region of that name in a source file:
/// <code>
/// // snippet: NAME
/// ...
/// // end snippet
/// </code>
/// Several regions of one name in one file are one snippet, with an empty line between them, so that the usings at the top of a
/// file can be shown with what lies in a method.</summary>
public static partial class Snippets
{
    /// <summary>Fails unless every block equals its snippet and every snippet is shown somewhere; or, refreshing, rewrites the
    /// blocks.</summary>
    public static void Check(IEnumerable<string> pages, IEnumerable<string> sources, bool refresh)
    {
        Dictionary<string, string> snippets = Read(sources);
        var errors = new List<string>();
        var shown = new HashSet<string>();
        foreach (string page in pages)
        {
            string text = File.ReadAllText(page).ReplaceLineEndings("\n");
            string updated = Update(text, System.IO.Path.GetFileName(page), snippets, shown, errors, refresh);
            if (refresh && updated != text)
            {
                File.WriteAllText(page, updated);
            }
        }

        errors.AddRange(snippets.Keys.Except(shown).Order(StringComparer.Ordinal).Select(name => "The snippet '" + name + "' is shown on no page."));
        if (errors.Count > 0)
        {
            Assert.Fail(string.Join('\n', errors));
        }
    }

    /// <summary>The snippets of source files, by name.</summary>
    public static Dictionary<string, string> Read(IEnumerable<string> sources)
    {
        var snippets = new Dictionary<string, string>();
        foreach (string source in sources)
        {
            var here = new Dictionary<string, List<string>>();
            string? name = null;
            var region = new List<string>();
            foreach (string line in File.ReadAllText(source).ReplaceLineEndings("\n").Split('\n'))
            {
                if (Begin().Match(line) is { Success: true } begin)
                {
                    name = begin.Groups[1].Value;
                    region.Clear();
                }
                else if (End().IsMatch(line))
                {
                    Assert.True(name is not null, System.IO.Path.GetFileName(source) + ": a snippet ends that did not begin");
                    if (!here.TryGetValue(name!, out List<string>? parts))
                    {
                        here[name!] = parts = [];
                    }

                    parts.Add(Dedent(region));
                    name = null;
                }
                else if (name is not null)
                {
                    region.Add(line);
                }
            }

            Assert.True(name is null, System.IO.Path.GetFileName(source) + ": the snippet '" + name + "' has no end");
            foreach ((string key, List<string> parts) in here)
            {
                Assert.True(snippets.TryAdd(key, string.Join("\n\n", parts)), "two files hold a snippet named '" + key + "'");
            }
        }

        return snippets;
    }

    private static string Update(
        string text, string page, Dictionary<string, string> snippets, HashSet<string> shown, List<string> errors, bool refresh)
    {
        string[] lines = text.Split('\n');
        var result = new StringBuilder();
        string? name = null;
        for (int i = 0; i < lines.Length; i++)
        {
            bool last = i == lines.Length - 1;
            result.Append(lines[i]).Append(last ? "" : "\n");
            if (Shown().Match(lines[i]) is { Success: true } comment)
            {
                name = comment.Groups[1].Value;
                continue;
            }

            if (!Fence().IsMatch(lines[i]))
            {
                name = lines[i].Trim().Length == 0 ? name : null;
                continue;
            }

            int end = Array.FindIndex(lines, i + 1, line => line.TrimEnd() == "```");
            string where = page + "(" + (i + 1) + "): ";
            if (end < 0)
            {
                errors.Add(where + "the block has no end.");
                return text;
            }

            string block = string.Join('\n', lines[(i + 1)..end]);
            string? wanted = name is not null && snippets.TryGetValue(name, out string? found) ? found : null;
            if (name is null)
            {
                errors.Add(where + "the block has no line '<!-- snippet: NAME -->' before it.");
            }
            else if (wanted is null)
            {
                errors.Add(where + "there is no snippet '" + name + "'.");
            }
            else
            {
                shown.Add(name);
                if (!refresh && block != wanted)
                {
                    errors.Add(where + "the block differs from the snippet '" + name + "'. Rewrite it with: " + Golden.Command);
                }
            }

            result.Append(refresh && wanted is not null ? wanted : block).Append('\n').Append(lines[end]).Append(end == lines.Length - 1 ? "" : "\n");
            i = end;
            name = null;
        }

        return result.ToString();
    }

    private static string Dedent(List<string> lines)
    {
        int indent = lines.Where(line => line.Trim().Length > 0).Select(line => line.Length - line.TrimStart().Length).DefaultIfEmpty(0).Min();
        return string.Join('\n', lines.Select(line => line.Length >= indent ? line[indent..] : "")).Trim('\n');
    }

    [GeneratedRegex(@"^\s*// snippet: ([\w-]+)\s*$")]
    private static partial Regex Begin();

    [GeneratedRegex(@"^\s*// end snippet\s*$")]
    private static partial Regex End();

    [GeneratedRegex(@"^\s*<!-- snippet: ([\w-]+) -->\s*$")]
    private static partial Regex Shown();

    [GeneratedRegex(@"^```(csharp|fsharp|cs|fs|c#|f#)\b")]
    private static partial Regex Fence();
}
