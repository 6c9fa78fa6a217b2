// Two small networks learn to continue a text character by character: a GRU, and a Transformer's decoder. The text is the book of
// Genesis in the translation of 1611, which is in the public domain (data/README.md). They are judged by bits per character on
// the last tenth, beside what counting characters and pairs gives. --quick trains briefly.
using FunctionalNet;
using FunctionalNet.Layers;
using FunctionalNet.Losses;
using FunctionalNet.Optimizers;

var quick = args.Contains("--quick");
const int Window = 64;
var text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "data", "genesis.txt"));

// Characters to numbers: 0 stays for padding, 1 for unknown ones.
var characters = new TextVectorization(new() { Split = TextSplit.Character, Standardize = TextStandardization.None });
characters.Adapt([text]);
var size = characters.VocabularySize;
var all = characters.Encode(text);
var cut = all.Length * 9 / 10;
int[] train = all[..cut], test = all[cut..];
Console.WriteLine($"{train.Length} characters to learn from, {test.Length} to test on, {size - 2} different ones");

// Windows, each with the same window one character later.
static (Tensor X, Tensor Y) Windows(int[] ids, int stride)
{
    var starts = Enumerable.Range(0, (ids.Length - 1 - Window) / stride + 1).Select(i => i * stride).ToArray();
    Tensor Rows(int shift) => Tensor.OfRows(starts.Select(start => ids[(start + shift)..(start + shift + Window)]).ToArray());
    return (Rows(0), Rows(1));
}

var (xTrain, yTrain) = Windows(train, quick ? 160 : 16);
var (xTest, yTest) = Windows(test, Window);

// What counting gives, with every character counted once more than it occurs.
var single = new double[size];
var pairs = new double[size, size];

for (var i = 1; i < train.Length; i++)
{
    single[train[i]]++;
    pairs[train[i - 1], train[i]]++;
}

double Bits(Func<int, int, double> probability) =>
    Enumerable.Range(1, test.Length - 1).Average(i => -Math.Log2(probability(test[i - 1], test[i])));

var total = single.Sum();
var unigram = Bits((_, next) => (single[next] + 1) / (total + size));
var sums = Enumerable.Range(0, size).Select(a => Enumerable.Range(0, size).Sum(b => pairs[a, b])).ToArray();
var bigram = Bits((last, next) => (pairs[last, next] + 1) / (sums[last] + size));

double Train(Model model)
{
    var epochs = quick ? 1 : 4;
    model.Compile(
        new Adam(new CosineDecay(0.003, epochs * xTrain.Shape[0] / 32)),
        new SparseCategoricalCrossentropy(fromLogits: true));
    model.Fit(xTrain, yTrain, batchSize: 32, epochs: epochs, verbosity: Verbosity.Line);
    return model.Evaluate(xTest, yTest, verbosity: Verbosity.Silent)["loss"] / Math.Log(2);
}

var gru = new Sequential(seed: 1)
{
    new Input([Window], "characters", DType.Int32),
    new Embedding(size, 32),
    new GRU(128, returnSequences: true),
    new Dense(size),
};
var gruBits = Train(gru);

// A decoder: no character sees a later one.
var ids = new Input([Window], "ids", DType.Int32);
var x = new Positions().Apply(new Embedding(size, 96).Apply(ids));

for (var block = 0; block < 2; block++)
{
    var normal = new LayerNormalization().Apply(x);
    var attended = new MultiHeadAttention(numHeads: 4, keyDim: 24, useCausalMask: true).Apply(normal, normal);
    x = new Add().Apply(x, attended);
    var wide = new Dense(192, activation: "gelu").Apply(new LayerNormalization().Apply(x));
    x = new Add().Apply(x, new Dense(96).Apply(wide));
}

var decoder = new Model(ids, new Dense(size).Apply(new LayerNormalization().Apply(x)), seed: 1);
var decoderBits = Train(decoder);

// One character after another, drawn by the probabilities of a window that moves on; rare ones a little rarer.
string Continue(Model model, string start, int length)
{
    var random = new Random(5);
    var written = characters.Encode(start).ToList();

    while (written.Count < length)
    {
        var last = Math.Min(written.Count, Window) - 1;
        var window = new int[Window];
        written.TakeLast(Window).ToArray().CopyTo(window, 0);
        var logits = model.Predict(Tensor.OfRows([window])).AsSpan<float>().Slice(last * size, size).ToArray();
        var weights = logits.Select((logit, id) => id < 2 ? 0 : Math.Exp(logit / 0.7)).ToArray();
        var draw = random.NextDouble() * weights.Sum();
        var next = 0;

        while (next < size - 1 && (draw -= weights[next]) > 0)
        {
            next++;
        }

        written.Add(next);
    }

    return string.Concat(characters.Decode(written));
}

const string Start = "And God said unto Abraham, ";
Console.WriteLine($"\nThe GRU writes:\n{Continue(gru, Start, 300)}\n");
Console.WriteLine($"The decoder writes:\n{Continue(decoder, Start, 300)}\n");
Console.WriteLine($"bits per character, single characters counted (baseline): {unigram:F3}");
Console.WriteLine($"bits per character, pairs counted (baseline):             {bigram:F3}");
Console.WriteLine($"bits per character, GRU:                                  {gruBits:F3}");
Console.WriteLine($"bits per character, Transformer decoder:                  {decoderBits:F3}");

/// <summary>Adds a trained vector to every position.</summary>
internal sealed class Positions : CustomLayer
{
    /// <inheritdoc/>
    protected override Expr Call(LayerScope scope, Expr input) =>
        input + scope.AddWeight("positions", [input.Shape[1], input.Shape[2]], Initializers.RandomUniform());
}
