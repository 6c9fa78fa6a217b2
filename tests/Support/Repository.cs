namespace FunctionalNet.Tests.Support;

/// <summary>Files of the source tree that the tests read.</summary>
public static class Repository
{
    /// <summary>The nearest folder above the test assembly that holds FunctionalNet.sln.</summary>
    public static string Root { get; } = Find();

    /// <summary>A file or folder, from its path with forward slashes.</summary>
    public static string Path(string relative) => System.IO.Path.Combine(Root, relative);

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "FunctionalNet.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("FunctionalNet.sln was not found in any folder above the test assembly.");
    }
}
