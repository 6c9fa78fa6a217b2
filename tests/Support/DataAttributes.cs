using Xunit;

namespace FunctionalNet.Tests.Support;

/// <summary>A fact that needs data from <c>FUNCTIONALNET_DATA</c>: skipped, naming the data, when that is not set. Where it is
/// set, missing data are a failure.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DataFactAttribute : FactAttribute
{
    public DataFactAttribute(params string[] names) => Skip = DataSkip.Reason(names);
}

/// <summary>A theory that needs data from <c>FUNCTIONALNET_DATA</c>: skipped, naming the data, when that is not set.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DataTheoryAttribute : TheoryAttribute
{
    public DataTheoryAttribute(params string[] names) => Skip = DataSkip.Reason(names);
}

public static class DataSkip
{
    /// <summary>Why a test that needs these data is skipped, or null when it is not.</summary>
    public static string? Reason(params string[] names) =>
        string.IsNullOrEmpty(Environment.GetEnvironmentVariable("FUNCTIONALNET_DATA"))
            ? "Needs the data '" + string.Join("', '", names) + "': set FUNCTIONALNET_DATA to the folder that holds it."
            : null;
}
