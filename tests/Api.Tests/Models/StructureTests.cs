using FunctionalNet.Layers;
using FunctionalNet.Optimizers;

namespace FunctionalNet.Tests.Models;

public class StructureTests
{
    private static Sequential Network(int seed = 1) =>
        new(seed: seed) { new Input(2), new Dense(4, activation: "relu"), new BatchNormalization(), new Dense(1) };

    [Fact]
    public void A_layer_has_the_same_weights_in_every_model()
    {
        var (x, y) = Lines.Data();
        var body = Network();
        body.Compile(new SGD(0.1), "mse");
        body.Fit(x, y, verbosity: Verbosity.Silent);

        // A part of a trained model, a model on top of it, and the whole of it inside another.
        var extractor = new Model(body.Inputs, [body.OutputOf("batch_normalization")]);
        Assert.True(extractor.GetWeights()[0].BitEquals(body.GetWeights()[0]));
        var input = new Input(2);
        var head = new Dense(1, activation: "sigmoid");
        var tuned = new Model(input, head.Apply(body.Apply(input)));
        Assert.True(tuned.GetWeights()[0].BitEquals(body.GetWeights()[0]));

        // What one of them learns, all have learned.
        tuned.Compile(new SGD(0.1), "mse");
        tuned.Fit(x, y, verbosity: Verbosity.Silent);
        Assert.True(extractor.GetWeights()[0].BitEquals(body.GetWeights()[0]));
        Assert.True(tuned.GetWeights()[0].BitEquals(body.GetWeights()[0]));
        Assert.True(body.GetLayer("dense").GetWeights()[0].BitEquals(body.GetWeights()[0]));
    }

    [Fact]
    public void Freezing_a_nested_model_and_unfreezing_it_needs_a_compile()
    {
        var (x, y) = Lines.Data();
        var body = Network();
        var input = new Input(2);
        var tuned = new Model(input, new Dense(1).Apply(body.Apply(input)));
        body.Trainable = false;
        tuned.Compile(new SGD(0.1), "mse");
        var before = body.GetWeights();
        tuned.Fit(x, y, verbosity: Verbosity.Silent);
        // Not even the running statistics move.
        Assert.All(before.Zip(body.GetWeights()), pair => Assert.True(pair.First.BitEquals(pair.Second)));
        body.Trainable = true;
        tuned.Fit(x, y, verbosity: Verbosity.Silent);
        Assert.True(before[0].BitEquals(body.GetWeights()[0]));
        tuned.Compile(new SGD(0.1), "mse");
        tuned.Fit(x, y, verbosity: Verbosity.Silent);
        Assert.False(before[0].BitEquals(body.GetWeights()[0]));
    }

    [Fact]
    public void Weights_of_a_layer_are_read_counted_and_set()
    {
        var model = Network();
        var dense = model.GetLayer(0);
        Assert.Equal("dense", dense.Name);
        Assert.Equal(2 * 4 + 4, dense.CountParameters());
        dense.SetWeights([new float[2, 4], new float[4]]);
        Assert.All(model.GetWeights()[0].ToDoubles(), value => Assert.Equal(0, value));
        Assert.Throws<ArgumentValueException>(() => dense.SetWeights([new float[2, 4]]));
        Assert.Throws<ShapeException>(() => dense.SetWeights([new float[2, 3], new float[4]]));
        Assert.Throws<NotReadyException>(() => new Dense(3).GetWeights());
        Assert.Throws<ArgumentValueException>(() => model.GetLayer("dens"));
        Assert.Throws<ArgumentValueException>(() => model.GetLayer(7));
    }

    [Fact]
    public void Layers_are_added_and_removed_and_keep_their_weights()
    {
        var (x, y) = Lines.Data();
        var model = Network();
        model.Compile("sgd", "mse");
        model.Fit(x, y, verbosity: Verbosity.Silent);
        var kernel = model.GetWeights()[0];
        Assert.Equal("Dense", model.Pop().ClassName);
        Assert.False(model.IsCompiled);
        model.Add(new Dense(3));
        Assert.True(kernel.BitEquals(model.GetWeights()[0]));
        Assert.Equal(Shape.Of(24, 3), model.Predict(x).Shape);
        Assert.Throws<NotReadyException>(() => new Sequential().Pop());
    }

    [Fact]
    public void A_clone_has_the_layers_and_weights_of_its_own()
    {
        var model = Network();
        var clone = model.Clone(seed: 9);
        Assert.Equal(model.LayerNames, clone.LayerNames);
        Assert.Equal(model.CountParameters(), clone.CountParameters());
        Assert.False(model.GetWeights()[0].BitEquals(clone.GetWeights()[0]));
        clone.SetWeights(model.GetWeights());
        var (x, _) = Lines.Data();
        Assert.True(model.Predict(x).BitEquals(clone.Predict(x)));

        var wide = model.Clone(replace: layer => layer is Dense { Name: "dense" } ? new Dense(7) : null);
        Assert.Equal(2 * 7 + 7 + 4 * 7 + 7 + 1, wide.CountParameters());
        Assert.Throws<ShapeException>(() => model.Clone(replace: layer => layer is Dense ? new Conv2D(1, 3) : null));
    }

    [Fact]
    public void The_architecture_goes_through_JSON()
    {
        var model = Network();
        var again = Model.FromJson(model.ToJson());
        Assert.Equal(model.LayerNames, again.LayerNames);
        Assert.Equal(model.ToJson(), again.ToJson());
        Assert.Throws<ModelFormatException>(() => Model.FromJson("{}"));
    }

    [Fact]
    public void Activations_and_schedules_are_functions_that_are_saved_by_name()
    {
        var (x, y) = Lines.Data();
        var cube = ActivationFunction.Custom("tests_cube", v => v * v * v);
        var model = new Sequential { new Input(2), new Dense(4, activation: cube), new Dense(1) };
        var schedule = LearningRateSchedule.Custom("tests_warmup", step => 0.01 * Math.Min(1, (step + 1) / 4.0));
        model.Compile(new Adam(schedule), "mse");
        Assert.Equal(0.0025, model.LearningRate);
        model.Fit(x, y, batchSize: 12, verbosity: Verbosity.Silent);
        Assert.Equal(0.0075, model.LearningRate, 1e-12);
        Assert.Throws<ArgumentValueException>(() => model.LearningRate = 1);
        var path = Path.GetTempFileName();

        try
        {
            model.Save(path);
            var loaded = Model.Load(path);
            Assert.True(model.Predict(x).BitEquals(loaded.Predict(x)));
            Assert.Equal(model.LearningRate, loaded.LearningRate);
        }
        finally
        {
            File.Delete(path);
        }

        var other = Lines.Model();
        other.LearningRate = 0.5;
        Assert.Equal(0.5, other.LearningRate);
    }

    [Fact]
    public void Weights_of_another_model_are_loaded_where_they_fit()
    {
        var path = Path.GetTempFileName();

        try
        {
            var model = Network();
            model.SaveWeights(path);
            var other = new Sequential(seed: 4) { new Input(2), new Dense(4), new Dense(3) };
            Assert.Throws<ModelFormatException>(() => other.LoadWeights(path));
            Assert.Equal(["dense/kernel", "dense/bias"], other.LoadMatchingWeights(path));
            Assert.True(model.GetWeights()[0].BitEquals(other.GetWeights()[0]));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_model_is_drawn()
    {
        var input = new Input([4], "in");
        var inner = new Sequential(name: "inner") { new Input(4), new Dense(4, activation: "relu") };
        var sum = new Add().Apply(inner.Apply(input), input);
        var model = new Model(input, new Dense(2, name: "out<1>").Apply(sum));
        var text = model.Diagram(mermaid: true);
        Assert.StartsWith("flowchart TB\n", text, StringComparison.Ordinal);
        Assert.Contains("out&lt;1&gt;<br/>Dense<br/>(None, 2)", text, StringComparison.Ordinal);
        Assert.Equal(4, text.Split("-->").Length - 1);
        Assert.Contains("subgraph", model.Diagram(mermaid: true, expandNested: true), StringComparison.Ordinal);

        var path = Path.ChangeExtension(Path.GetTempFileName(), ".svg");

        try
        {
            model.PlotModel(path, expandNested: true);
            var svg = System.Xml.Linq.XDocument.Load(path);
            Assert.Equal(4, svg.Descendants().Count(e => e.Name.LocalName == "rect"));
            Assert.Contains(svg.Descendants(), e => e.Value == "inner/dense");
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_summary_shows_a_range_of_layers()
    {
        using var writer = new StringWriter();
        Network().Summary(writer, layerRange: ("batch_normalization", "dense_1"));
        Assert.DoesNotContain("dense (Dense)", writer.ToString(), StringComparison.Ordinal);
        Assert.Contains("dense_1 (Dense)", writer.ToString(), StringComparison.Ordinal);
        Assert.Throws<ArgumentValueException>(() => Network().Summary(writer, layerRange: ("dense", "dense_9")));
    }

    [Fact]
    public void Weights_of_samples_and_classes_count_on_single_batches()
    {
        var (x, y) = Lines.Data();
        var doubled = Tensor.Full(DType.Float32, Shape.Of(24), 2);
        var loss = Lines.Model().TestOnBatch(x, y)["loss"];
        Assert.Equal(2 * loss, Lines.Model().TestOnBatch(x, y, doubled)["loss"], 1e-5);
        Assert.Equal(2 * loss, Lines.Model().TrainOnBatch(x, y, doubled)["loss"], 1e-5);
        var classes = Enumerable.Range(-5, 12).ToDictionary(k => k, _ => 3.0);
        Assert.Equal(3 * loss, Lines.Model().TrainOnBatch(x, y, classWeight: classes)["loss"], 1e-5);
    }
}
