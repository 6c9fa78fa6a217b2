namespace FunctionalNet.Tests.Parity;

public class KerasPageTests
{
    [Fact]
    public void The_Golden_page_of_Keras_parity_is_true() =>
        Golden.Check(Repository.Path("docs"), "keras-parity.md", KerasPage.Text(), Environment.GetEnvironmentVariable("FUNCTIONALNET_REFRESH") == "1");

    /// <summary>What there must be at least, of as many as Keras has.</summary>
    [Theory]
    [InlineData("layers", 110, 146)]
    [InlineData("losses", 22, 22)]
    [InlineData("metrics", 40, 45)]
    [InlineData("optimizers", 14, 16)]
    [InlineData("schedules", 6, 6)]
    [InlineData("initializers", 15, 16)]
    [InlineData("regularizers", 4, 4)]
    [InlineData("constraints", 4, 4)]
    [InlineData("callbacks", 13, 14)]
    [InlineData("activations", 30, 30)]
    public void Nearly_all_of_Keras_is_there(string section, int least, int all)
    {
        var items = KerasPage.Sections().Single(s => s.Title == section).Items;
        Assert.Equal(all, items.Length);
        Assert.True(items.Count(item => item.Exists) >= least, $"{section}: {items.Count(item => item.Exists)}");
    }

    [Fact]
    public void What_is_missing_is_missing_for_a_reason()
    {
        var without = KerasPage.Sections().SelectMany(s => s.Items).Where(item => !item.Exists && string.IsNullOrWhiteSpace(item.Reason));
        Assert.Empty(without.Select(item => item.Name));
    }
}
