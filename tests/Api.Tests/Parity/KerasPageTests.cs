namespace FunctionalNet.Tests.Parity;

public class KerasPageTests
{
    [Fact]
    public void The_Golden_page_of_Keras_parity_is_true() =>
        Golden.Check(Repository.Path("docs"), "keras-parity.md", KerasPage.Text(), Environment.GetEnvironmentVariable("FUNCTIONALNET_REFRESH") == "1");
}
