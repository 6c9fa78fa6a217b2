using Xunit;

namespace FunctionalNet.Tests.Support;

/// <summary>Texts that are kept in the source tree, below tests/data, so that a change of them shows in review. Rewritten by
/// <c>FUNCTIONALNET_REFRESH=1 dotnet test -c Release --filter Golden</c>: have "Golden" in the name of the test.</summary>
public static class Golden
{
    public const string Command = "FUNCTIONALNET_REFRESH=1 dotnet test -c Release --filter Golden";

    /// <summary>Fails at the first line where the text differs from the file below tests/data.</summary>
    public static void Check(string name, string text) => Check(Repository.Path("tests/data"), name, text, Refreshing);

    /// <summary>The same, for a folder and a mode of one's own.</summary>
    public static void Check(string folder, string name, string text, bool refresh)
    {
        string path = System.IO.Path.Combine(folder, name);
        string actual = Normalize(text);
        if (refresh)
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
            File.WriteAllText(path, actual);
            return;
        }

        if (!File.Exists(path))
        {
            Assert.Fail("The golden file " + name + " does not exist. Make it with: " + Command);
        }

        string[] expectedLines = Lines(File.ReadAllText(path));
        string[] actualLines = Lines(text);
        for (int i = 0; i < Math.Max(expectedLines.Length, actualLines.Length); i++)
        {
            string? expectedLine = expectedLines.ElementAtOrDefault(i);
            string? actualLine = actualLines.ElementAtOrDefault(i);
            if (expectedLine != actualLine)
            {
                Assert.Fail(string.Join(
                    '\n',
                    "The golden file " + name + " differs at line " + (i + 1) + ".",
                    "expected: " + (expectedLine ?? "(end of file)"),
                    "got:      " + (actualLine ?? "(end of text)"),
                    "If the change is wanted, rewrite the file with: " + Command));
            }
        }
    }

    private static bool Refreshing => Environment.GetEnvironmentVariable("FUNCTIONALNET_REFRESH") == "1";

    private static string[] Lines(string text) => Normalize(text).TrimEnd('\n').Split('\n');

    private static string Normalize(string text) => text.ReplaceLineEndings("\n").TrimEnd('\n') + "\n";
}
