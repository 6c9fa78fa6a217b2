namespace FunctionalNet.Tests.Parity;

public class KerasPageTests
{
    [Fact]
    public void The_Golden_page_of_Keras_parity_is_true() =>
        Golden.Check(Repository.Path("docs"), "keras-parity.md", KerasPage.Text(), Environment.GetEnvironmentVariable("FUNCTIONALNET_REFRESH") == "1");

    [Fact]
    public void What_is_missing_is_missing_for_a_reason() =>
        Assert.Empty(KerasPage.Sections().SelectMany(s => s.Items).Where(i => !i.Exists && i.Reason is null).Select(i => i.Name));
}
