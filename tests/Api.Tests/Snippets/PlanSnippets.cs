using FunctionalNet.Layers;

namespace FunctionalNet.Tests.Snippets;

public class PlanSnippets
{
    [Fact]
    public void Plan_text()
    {
        var model = new Sequential { new Input(4), new Dense(8, activation: "relu"), new Dense(1) };
        model.Compile("adam", "mse");
        var output = new StringWriter();
        var before = Console.Out;

        try
        {
            Console.SetOut(output);
            // snippet: plan-text
            Console.WriteLine(model.DescribePlan(batchSize: 32, profileRuns: 100));
            // end snippet
        }
        finally
        {
            Console.SetOut(before);
        }

        Assert.Contains("training step of a batch of 32", output.ToString(), StringComparison.Ordinal);
    }
}
