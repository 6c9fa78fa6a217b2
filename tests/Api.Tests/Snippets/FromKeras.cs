namespace FunctionalNet.Tests.Snippets;

/// <summary>Small data for the programs of docs/from-keras.md: what they learn is not the point.</summary>
internal static class FromKeras
{
    public static Tensor Floats(params int[] sizes)
    {
        var random = new Random(1);
        var values = new float[sizes.Aggregate(1, (a, b) => a * b)];

        for (var i = 0; i < values.Length; i++)
        {
            values[i] = random.NextSingle();
        }

        return Tensor.Of(Shape.Of(sizes), values);
    }

    public static Tensor Labels(int rows, int classes) => Tensor.Of(Shape.Of(rows), [.. Enumerable.Range(0, rows).Select(i => i % classes)]);

    public static Tensor Ids(int rows, int length, int words)
    {
        var random = new Random(2);
        return Tensor.Of(Shape.Of(rows, length), [.. Enumerable.Range(0, rows * length).Select(_ => random.Next(1, words))]);
    }
}
