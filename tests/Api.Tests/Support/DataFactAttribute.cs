namespace FunctionalNet.Tests;

/// <summary>A fact that needs data from <c>FUNCTIONALNET_DATA</c>: skipped, naming the data, when that is not set. Where it is
/// set, missing data are a failure.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DataFactAttribute : FactAttribute
{
    public DataFactAttribute(params string[] names)
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable("FUNCTIONALNET_DATA")))
        {
            Skip = "Needs the data '" + string.Join("', '", names) + "': set FUNCTIONALNET_DATA to the folder that holds it.";
        }
    }
}
