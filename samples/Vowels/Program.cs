// A Transformer reads a text that is written without vowels, as Hebrew is, and writes it out: "nd gd sd" becomes "and god said". Its
// encoder reads four words, its decoder writes them character by character while it looks at what the encoder made of them. The
// text is the book of Genesis in the translation of 1611 (../TextGeneration/data). The baseline knows for every word without vowels
// the word that it most often stands for. --quick trains briefly.
using System.Text.RegularExpressions;
using FunctionalNet;
using FunctionalNet.Layers;
using FunctionalNet.Losses;
using FunctionalNet.Optimizers;

const int Words = 4;
const int Width = 96;
var quick = args.Contains("--quick");
var text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "data", "genesis.txt")).ToLowerInvariant();
string[] words = [.. Regex.Matches(text, "[a-z]+").Select(match => match.Value)];
var cut = words.Length * 9 / 10;
string[] train = words[..cut], test = words[cut..];

static string Bare(string word) => Regex.Replace(word, "[aeiou]", "");

// The baseline: the most frequent word; a word that was never met stays as it is.
var readings = train
    .GroupBy(Bare)
    .ToDictionary(group => group.Key, group => group.GroupBy(word => word).MaxBy(same => same.Count())!.Key);
var baseline = test.Average(word => readings.GetValueOrDefault(Bare(word), Bare(word)) == word ? 1.0 : 0.0);

// Windows of words, with and without vowels. ^ begins what the decoder sees, $ ends what it writes.
static (string Source, string Target)[] Windows(string[] words, int stride) =>
[
    .. Enumerable.Range(0, (words.Length - Words) / stride + 1)
        .Select(i => words[(i * stride)..(i * stride + Words)])
        .Select(window => (string.Join(' ', window.Select(Bare)), string.Join(' ', window))),
];

var pairs = Windows(train, quick ? 20 : 1);
var held = Windows(test, Words);
var characters = new TextVectorization(new() { Split = TextSplit.Character, Standardize = TextStandardization.None });
characters.Adapt([text, "^$"]);
int begin = characters.Encode("^")[0], end = characters.Encode("$")[0], size = characters.VocabularySize;
var sourceLength = pairs.Concat(held).Max(pair => pair.Source.Length);
var targetLength = pairs.Concat(held).Max(pair => pair.Target.Length) + 1;

Tensor Padded(IEnumerable<string> texts, int length) =>
    Sequences.PadSequences(texts.Select(characters.Encode), length, padding: SequenceEnd.Post);

Console.WriteLine($"{pairs.Length} windows of {Words} words to learn from, {held.Length} to test on");

// Every block adds what it finds to what it was given.
SymbolicTensor Forward(SymbolicTensor x)
{
    var wide = new Dense(2 * Width, activation: "gelu").Apply(new LayerNormalization().Apply(x));
    return new Add().Apply(x, new Dense(Width).Apply(wide));
}

SymbolicTensor Attend(SymbolicTensor x, SymbolicTensor? memory, bool causal)
{
    var query = new LayerNormalization().Apply(x);
    var found = new MultiHeadAttention(numHeads: 4, keyDim: Width / 4).Apply(query, memory ?? query, useCausalMask: causal);
    return new Add().Apply(x, found);
}

SymbolicTensor Embed(SymbolicTensor ids, int length)
{
    var x = new Embedding(size, Width, maskZero: true).Apply(ids);
    return new Add().Apply(x, new PositionEmbedding(length).Apply(x));
}

var source = new Input([sourceLength], "source", DType.Int32);
var memory = Embed(source, sourceLength);

for (var block = 0; block < 2; block++)
{
    memory = Forward(Attend(memory, null, causal: false));
}

memory = new LayerNormalization().Apply(memory);
var written = new Input([targetLength], "written", DType.Int32);
var state = Embed(written, targetLength);

for (var block = 0; block < 2; block++)
{
    state = Attend(state, null, causal: true);
    state = Forward(Attend(state, memory, causal: false));
}

var logits = new Dense(size).Apply(new LayerNormalization().Apply(state));
var model = new Model([source, written], [logits], seed: 1);

var epochs = quick ? 1 : 8;
const int Batch = 64;
model.Compile(
    new Adam(new CosineDecay(0.003, epochs * pairs.Length / Batch)),
    new SparseCategoricalCrossentropy(fromLogits: true));
model.Fit(
    new TrainingData(
        [Padded(pairs.Select(pair => pair.Source), sourceLength), Padded(pairs.Select(pair => "^" + pair.Target), targetLength)],
        [Padded(pairs.Select(pair => pair.Target + "$"), targetLength)]),
    new FitOptions { BatchSize = Batch, Epochs = epochs, Verbosity = Verbosity.Line });

// Greedy decoding, all windows at once: the likeliest character, again and again, among those that are possible: a vowel, or what
// comes next in the source.
var sources = Padded(held.Select(pair => pair.Source), sourceLength);
var rows = held.Select(_ => new int[targetLength]).ToArray();
var taken = new int[held.Length];
int[] vowels = characters.Encode("aeiou");

foreach (var row in rows)
{
    row[0] = begin;
}

for (var at = 0; at + 1 < targetLength; at++)
{
    var scores = model.Predict([sources, Tensor.OfRows(rows)])[0];

    for (var i = 0; i < rows.Length; i++)
    {
        if (rows[i][at] == end || rows[i][at] == 0)
        {
            continue;
        }

        var bare = held[i].Source;
        var follows = taken[i] < bare.Length ? characters.Encode(bare[taken[i]].ToString())[0] : end;
        var best = follows;

        foreach (var vowel in vowels)
        {
            var score = scores.AsSpan<float>().Slice((i * targetLength + at) * size, size);
            best = score[vowel] > score[best] ? vowel : best;
        }

        rows[i][at + 1] = best;
        taken[i] += best == follows ? 1 : 0;
    }
}

string Text(int[] ids) => string.Concat(characters.Decode(ids.Skip(1).TakeWhile(id => id != end && id != 0)));
var results = held.Zip(rows, (pair, row) => (pair.Source, pair.Target, Written: Text(row))).ToArray();
var right = results.Sum(result => result.Target.Split(' ').Zip(result.Written.Split(' ')).Count(word => word.First == word.Second));

foreach (var (bare, _, decoded) in results.Take(6))
{
    Console.WriteLine($"{bare}  ->  {decoded}");
}

Console.WriteLine($"words read right, the most frequent reading (baseline): {baseline:F3}");
Console.WriteLine($"words read right, Transformer:                          {(double)right / (held.Length * Words):F3}");
