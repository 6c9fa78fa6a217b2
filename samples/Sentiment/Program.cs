// Is a sentence of a film review friendly? An embedding with an LSTM, and a Transformer's encoder, learn it from 7,500 real
// sentences (Pang and Lee's sentence polarity data), and are compared with a logistic regression on the words that occur.
// The folder is found through FUNCTIONALNET_DATA, or given: dotnet run -c Release -- --data FOLDER. --quick trains briefly.
using System.Text;
using FunctionalNet;
using FunctionalNet.Layers;
using FunctionalNet.Optimizers;

const int Length = 40;
var quick = args.Contains("--quick");
var at = Array.IndexOf(args, "--data");
var root = at >= 0 ? args[at + 1] : Environment.GetEnvironmentVariable("FUNCTIONALNET_DATA");

if (root is null || !File.Exists(Path.Combine(root, "rt-polarity", "rt-polarity.pos")))
{
    Console.WriteLine("The data is not there: put rt-polarity.pos and rt-polarity.neg (Pang and Lee's sentence polarity data v1.0)");
    Console.WriteLine("into a folder rt-polarity, and name the folder around it in FUNCTIONALNET_DATA or after --data.");
    return 1;
}

// The files are in an 8-bit encoding, one sentence a line.
(string Text, float Label)[] Read(string name, float label) =>
[
    .. File.ReadAllText(Path.Combine(root, "rt-polarity", name), Encoding.Latin1)
        .Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => (line, label)),
];

var all = Read("rt-polarity.pos", 1).Concat(Read("rt-polarity.neg", 0)).ToArray();
new Random(7).Shuffle(all);
var part = all.Length / 10;
var test = all[..(2 * part)];
var validation = all[(2 * part)..(3 * part)];
var train = all[(3 * part)..];
var count = quick ? 1500 : train.Length;
train = train[..count];
Console.WriteLine($"{train.Length} sentences to learn from, {validation.Length} to choose by, {test.Length} to test on");

static Tensor Labels((string Text, float Label)[] rows) => rows.Select(row => row.Label).ToArray();
static IEnumerable<string> Texts((string Text, float Label)[] rows) => rows.Select(row => row.Text);

double Train(Model model, Func<(string Text, float Label)[], Tensor> prepare, double rate, int epochs, int patience)
{
    model.Compile(new Adam(rate), "binary_crossentropy", ["accuracy"]);
    model.Fit(
        prepare(train),
        Labels(train),
        batchSize: 32,
        epochs: quick ? 2 : epochs,
        validationData: (prepare(validation), Labels(validation)),
        callbacks: [new EarlyStopping("val_accuracy", patience: patience, restoreBestWeights: true)],
        verbosity: Verbosity.Line);
    return model.Evaluate(prepare(test), Labels(test), verbosity: Verbosity.Silent)["accuracy"];
}

// The baseline: which of the 5,000 most frequent words occur, weighed and summed.
var bag = new TextVectorization(new() { MaxTokens = 5000, OutputMode = LookupOutput.MultiHot });
bag.Adapt(Texts(train));
var logistic = new Sequential(seed: 1)
{
    new Input(bag.VocabularySize),
    new Dense(1, activation: "sigmoid", kernelRegularizer: Regularizers.L2(1e-5)),
};
var baseline = Train(logistic, rows => bag.Transform(Texts(rows)), 0.003, 40, 8);

var words = new TextVectorization(new() { MaxTokens = 10000, OutputSequenceLength = Length });
words.Adapt(Texts(train));
Tensor Ids((string Text, float Label)[] rows) => words.Transform(Texts(rows));

// The tutorial's network, in both directions; padding is masked.
var recurrent = new Sequential(seed: 1)
{
    new Input([Length], "words", DType.Int32),
    new Embedding(words.VocabularySize, 64, maskZero: true),
    new SpatialDropout1D(0.5),
    new Bidirectional(new LSTM(32, returnSequences: true)),
    new GlobalMaxPooling1D(),
    new Dropout(0.5),
    new Dense(1, activation: "sigmoid"),
};
var lstm = Train(recurrent, Ids, 0.0005, 12, 4);

// A Transformer's encoder: words with their positions, attention and a small dense network around residual connections.
var ids = new Input([Length], "ids", DType.Int32);
var x = new SpatialDropout1D(0.5).Apply(
    new Positions().Apply(new Embedding(words.VocabularySize, 64, maskZero: true).Apply(ids)));
var attended = new MultiHeadAttention(numHeads: 4, keyDim: 16, dropout: 0.1).Apply(x, x);
x = new LayerNormalization().Apply(new Add().Apply(x, attended));
var wide = new Dense(64).Apply(new Dense(128, activation: "relu").Apply(x));
x = new LayerNormalization().Apply(new Add().Apply(x, wide));
var verdict = new Dense(1, activation: "sigmoid").Apply(
    new Dropout(0.5).Apply(new GlobalAveragePooling1D().Apply(x)));
var encoder = new Model(ids, verdict, seed: 1);
var transformer = Train(encoder, Ids, 0.0005, 12, 4);

recurrent.Save("sentiment.fnet");
words.SaveInto("sentiment.fnet");
var loaded = Model.Load("sentiment.fnet");
string[] mine = ["a warm , funny and wonderful film", "the plot is dull and the jokes are stale"];
var scores = loaded.Predict(TextVectorization.LoadFrom("sentiment.fnet").Transform(mine)).ToArray<float>();

for (var i = 0; i < mine.Length; i++)
{
    Console.WriteLine($"{scores[i]:F2}  {mine[i]}");
}

Console.WriteLine($"test accuracy, logistic regression on words (baseline): {baseline:F4}");
Console.WriteLine($"test accuracy, embedding and LSTM:                      {lstm:F4}");
Console.WriteLine($"test accuracy, Transformer encoder:                     {transformer:F4}");
return 0;

/// <summary>Adds a trained vector to every position.</summary>
internal sealed class Positions : CustomLayer
{
    /// <inheritdoc/>
    protected override Expr Call(LayerScope scope, Expr input) =>
        input + scope.AddWeight("positions", [input.Shape[1], input.Shape[2]], Initializers.RandomUniform());
}
