using System.Reflection;

namespace FunctionalNet.Tests;

public class AssemblyTests
{
    [Fact]
    public void The_facade_brings_the_core_along()
    {
        Assembly core = typeof(Shape).Assembly;
        Assert.Equal("FunctionalNet.Core", core.GetName().Name);
        Assert.Equal("(2, 3)", Shape.Of(2, 3).ToString());
    }
}
