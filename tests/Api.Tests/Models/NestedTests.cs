using FunctionalNet.Layers;
using FunctionalNet.Optimizers;

namespace FunctionalNet.Tests.Models;

/// <summary>Optional inputs, inputs and outputs by name, models in models, and what is frozen in them.</summary>
public class NestedTests
{
    private static Tensor Rows(int rows, int size, int seed = 1)
    {
        var random = new Random(seed);
        return Tensor.Of(Shape.Of(rows, size), [.. Enumerable.Range(0, rows * size).Select(_ => random.NextSingle())]);
    }

    private static Model WithOptional()
    {
        var image = new Input([3], name: "image");
        var text = new Input([2], name: "text", optional: true);
        var sum = new Add().Apply(new Dense(4, name: "left").Apply(image), new Dense(4, name: "right").Apply(text));
        return new Model([image, text], [new Dense(1, name: "out").Apply(sum)], seed: 5);
    }

    [Fact]
    public void An_optional_input_may_be_left_out()
    {
        var model = WithOptional();
        var (image, text) = (Rows(6, 3), Rows(6, 2, 2));
        var both = model.Predict([image, text])[0];
        var alone = model.Predict([image])[0];
        Assert.False(both.BitEquals(alone));

        // Without it, Add gets one tensor: the model is that of the other input.
        var input = new Input(3);
        var small = new Model(input, new Dense(1).Apply(new Dense(4).Apply(input)));
        small.SetWeights([.. new[] { "left", "out" }.SelectMany(name => model.GetLayer(name).GetWeights())]);
        Assert.True(small.Predict(image).BitEquals(alone));

        // By name any optional input may be missing; others may not.
        var named = model.Predict(new Dictionary<string, Tensor> { ["image"] = image });
        Assert.True(named["out"].BitEquals(alone));
        Assert.Throws<DataException>(() => model.Predict(new Dictionary<string, Tensor> { ["text"] = text }));
    }

    [Fact]
    public void Training_without_an_optional_input_leaves_its_layers_as_they_are()
    {
        var model = WithOptional();
        model.Compile(new SGD(0.1), "mse");
        var (image, text, y) = (Rows(6, 3), Rows(6, 2, 2), Rows(6, 1, 3));
        var before = model.GetLayer("right").GetWeights()[0];
        model.Fit(new TrainingData([image], [y]), new FitOptions { Epochs = 2, Verbosity = Verbosity.Silent });
        Assert.True(before.BitEquals(model.GetLayer("right").GetWeights()[0]));
        model.Fit(new TrainingData([image, text], [y]), new FitOptions { Epochs = 2, Verbosity = Verbosity.Silent });
        Assert.False(before.BitEquals(model.GetLayer("right").GetWeights()[0]));
        Assert.True(model.Evaluate(new TrainingData([image], [y]))["loss"] >= 0);

        var again = Model.FromJson(model.ToJson());
        again.SetWeights(model.GetWeights());
        Assert.True(model.Predict([image])[0].BitEquals(again.Predict([image])[0]));
    }

    [Fact]
    public void An_optional_input_of_a_model_inside_a_model_may_be_left_out()
    {
        var inner = WithOptional();
        var image = new Input([3], name: "image");
        var text = new Input([2], name: "text", optional: true);
        var model = new Model([image, text], [inner.Apply(image, text)]);
        var pictures = Rows(4, 3);
        Assert.True(model.Predict([pictures])[0].BitEquals(inner.Predict([pictures])[0]));
        var nothing = new Model([text], [new Dense(1).Apply(text)]);
        Assert.Throws<DataException>(() => nothing.Predict(new Dictionary<string, Tensor>()));
    }

    [Fact]
    public void Inputs_and_outputs_may_have_names_of_their_own()
    {
        var (a, b) = (new Input(3), new Input(2));
        var shared = new Concatenate().Apply(a, b);
        var model = new Model(
            inputs: new Dictionary<string, SymbolicTensor> { ["pixels"] = a, ["words"] = b },
            outputs: new Dictionary<string, SymbolicTensor>
            {
                ["score"] = new Dense(1).Apply(shared),
                ["kind"] = new Dense(3, activation: "softmax").Apply(shared),
            },
            seed: 2);
        Assert.Equal(["pixels", "words"], model.InputNames);
        Assert.Equal(["score", "kind"], model.OutputNames);
        model.Compile(
            "adam",
            new Dictionary<string, Losses.Loss> { ["kind"] = "sparse_categorical_crossentropy", ["score"] = "mse" },
            metrics: new Dictionary<string, IReadOnlyList<Metrics.Metric>> { ["kind"] = ["accuracy"] });
        var inputs = new Dictionary<string, Tensor> { ["words"] = Rows(6, 2), ["pixels"] = Rows(6, 3) };
        var targets = new Dictionary<string, Tensor> { ["kind"] = Tensor.Of(Shape.Of(6), [0, 1, 2, 0, 1, 2]), ["score"] = Rows(6, 1) };
        model.Fit(new TrainingData(inputs, targets), new FitOptions { Verbosity = Verbosity.Silent });
        var logs = model.Evaluate(new TrainingData(inputs, targets));
        Assert.Equal(["kind_accuracy", "kind_loss", "loss", "score_loss"], logs.Names.Order());
        var outputs = model.Predict(inputs);
        Assert.Equal(Shape.Of(6, 3), outputs["kind"].Shape);

        // The names go through JSON as Keras's dictionaries, and a clone has them too.
        Assert.Contains("\"output_layers\":{\"score\":[\"dense\",0,0],\"kind\":[\"dense_1\",0,0]}", model.ToJson(), StringComparison.Ordinal);
        var again = Model.FromJson(model.ToJson());
        Assert.Equal(model.OutputNames, again.OutputNames);
        Assert.Equal(model.InputNames, again.InputNames);
        Assert.Equal(model.OutputNames, model.Clone().OutputNames);
        again.SetWeights(model.GetWeights());
        Assert.True(again.Predict(inputs)["score"].BitEquals(outputs["score"]));
    }

    [Fact]
    public void What_is_frozen_stays_frozen_in_JSON_and_in_files()
    {
        var (x, y) = Lines.Data();
        var body = new Sequential(name: "body") { new Input(2), new Dense(4, name: "first"), new Dense(4, name: "second") };
        var input = new Input(2);
        var model = new Model(input, new Dense(1, name: "head").Apply(body.Apply(input)), seed: 4);
        body.GetLayer("first").Trainable = false;
        model.Compile(new SGD(0.1), "mse");

        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        model.Save(path);
        var loaded = Model.Load(path);
        File.Delete(path);

        foreach (var again in new[] { Model.FromJson(model.ToJson()), model.Clone(), loaded })
        {
            var inner = Assert.IsAssignableFrom<Model>(again.GetLayer("body"));
            Assert.False(inner.GetLayer("first").Trainable);
            Assert.True(inner.GetLayer("second").Trainable);
            again.Compile(new SGD(0.1), "mse");
            var before = again.GetWeights();
            again.Fit(x, y, verbosity: Verbosity.Silent);
            Assert.True(before[0].BitEquals(again.GetWeights()[0]));
            Assert.False(before[2].BitEquals(again.GetWeights()[2]));

            // It can be trained again.
            inner.GetLayer("first").Trainable = true;
            again.Compile(new SGD(0.1), "mse");
            again.Fit(x, y, verbosity: Verbosity.Silent);
            Assert.False(before[0].BitEquals(again.GetWeights()[0]));
        }
    }

    [Fact]
    public void A_model_inside_a_loaded_model_is_a_model()
    {
        var body = new Sequential(name: "body") { new Input(2), new Dense(4) };
        var input = new Input(2);
        var model = new Model(input, new Dense(1).Apply(body.Apply(input)), seed: 4);
        var again = Model.FromJson(model.ToJson(), seed: 4);
        var inner = Assert.IsAssignableFrom<Model>(again.GetLayer("body"));
        var x = Rows(3, 2);
        again.SetWeights(model.GetWeights());
        Assert.True(inner.Predict(x).BitEquals(body.Predict(x)));
        Assert.Equal(model.ToJson(), again.ToJson());
    }

    [Fact]
    public void One_object_in_a_model_and_in_a_model_inside_it_has_one_set_of_weights()
    {
        var shared = new Dense(2);
        var inside = new Input(2);
        var body = new Model(inside, new Dense(2).Apply(shared.Apply(inside)));
        var input = new Input(2);
        var model = new Model(input, shared.Apply(body.Apply(new Dense(2).Apply(input))), seed: 3);
        Assert.Equal(3 * (2 * 2 + 2), model.GetWeights().Sum(w => w.Size));
        Assert.Equal(model.CountParameters(), model.GetWeights().Sum(w => w.Size));

        // The same weights everywhere, after training and through JSON too.
        model.Compile(new SGD(0.1), "mse");
        model.Fit(Rows(8, 2), Rows(8, 2, 2), verbosity: Verbosity.Silent);
        Assert.True(shared.GetWeights()[0].BitEquals(body.GetWeights()[0]));
        Assert.True(body.GetLayer(1).GetWeights()[0].BitEquals(shared.GetWeights()[0]));
        Assert.True(shared.GetWeights()[0].BitEquals(model.Layers[^1].GetWeights()[0]));
        var again = Model.FromJson(model.ToJson());
        Assert.Equal(model.GetNamedWeights().Select(pair => pair.Key), again.GetNamedWeights().Select(pair => pair.Key));
        again.SetWeights(model.GetWeights());
        var x = Rows(3, 2);
        Assert.True(model.Predict(x).BitEquals(again.Predict(x)));
        Assert.True(Assert.IsAssignableFrom<Model>(again.GetLayer("functional")).Predict(x).BitEquals(body.Predict(x)));

        // Frozen once, frozen everywhere.
        shared.Trainable = false;
        model.Compile(new SGD(0.1), "mse");
        var before = shared.GetWeights()[0];
        model.Fit(Rows(8, 2), Rows(8, 2, 2), verbosity: Verbosity.Silent);
        Assert.True(before.BitEquals(shared.GetWeights()[0]));
    }

    [Fact]
    public void A_model_that_two_models_have_inside_is_one_in_a_model_of_both()
    {
        var inside = new Input(2);
        var body = new Model(inside, new Dense(2, name: "core").Apply(inside), name: "body");
        Model Around()
        {
            var x = new Input(2);
            return new Model(x, new Dense(2).Apply(body.Apply(x)));
        }

        var (left, right) = (Around(), Around());
        var input = new Input(2);
        var model = new Model(input, new Add().Apply(left.Apply(input), right.Apply(input)), seed: 1);
        Assert.Equal(3 * 6, model.GetWeights().Sum(w => w.Size));
        var x = Rows(3, 2);
        Assert.True(body.Predict(x).BitEquals(new Model(model.Inputs, [body.Apply(model.Inputs[0])]).Predict([x])[0]));
    }

    [Fact]
    public void A_drawing_shows_what_it_is_asked_to_show()
    {
        var model = new Sequential { new Input([2], dtype: DType.Float32), new Dense(3, activation: "relu", name: "first"), new Dense(1, name: "second") };
        model.GetLayer("first").Trainable = false;
        var text = model.Diagram(
            mermaid: true, showShapes: false, showDType: true, rankdir: "LR", showLayerActivations: true, showTrainable: true);
        Assert.StartsWith("flowchart LR", text, StringComparison.Ordinal);
        Assert.Contains("first<br/>Dense<br/>Activation: relu<br/>float32<br/>Non-trainable", text, StringComparison.Ordinal);
        Assert.Contains("second<br/>Dense<br/>Activation: linear<br/>float32<br/>Trainable", text, StringComparison.Ordinal);
        Assert.DoesNotContain("(None, 3)", text, StringComparison.Ordinal);
        var plain = model.Diagram(mermaid: true);
        Assert.StartsWith("flowchart TB", plain, StringComparison.Ordinal);
        Assert.DoesNotContain("Activation", plain, StringComparison.Ordinal);

        static (double Width, double Height) Size(string svg)
        {
            var parts = svg.Split('"');
            return (
                double.Parse(parts[Array.FindIndex(parts, p => p.EndsWith("width=", StringComparison.Ordinal)) + 1], System.Globalization.CultureInfo.InvariantCulture),
                double.Parse(parts[Array.FindIndex(parts, p => p.EndsWith("height=", StringComparison.Ordinal)) + 1], System.Globalization.CultureInfo.InvariantCulture));
        }

        var (tall, wide) = (Size(model.Diagram(mermaid: false)), Size(model.Diagram(mermaid: false, rankdir: "LR")));
        Assert.True(tall.Height > tall.Width);
        Assert.True(wide.Width > wide.Height);
        Assert.Throws<ArgumentValueException>(() => model.Diagram(mermaid: false, rankdir: "XX"));
    }
}
