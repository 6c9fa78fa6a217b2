using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace FunctionalNet.Peers;

/// <summary>Networks as TorchSharp's modules.</summary>
internal static class TorchNet
{
    private const double NormEpsilon = 1e-3;

    public static Sequential Build(Part[] parts) =>
        Sequential(parts.SelectMany(Modules).Select((module, i) => ($"m{i}", module)));

    private static IEnumerable<Module<Tensor, Tensor>> Modules(Part part)
    {
        switch (part.Kind)
        {
            case "dense":
                yield return Dense(part.Inputs, part.Size(0), part.Weight(0), part.Weight(1));
                if (part.Relu)
                    yield return ReLU();
                break;

            case "conv":
                {
                    var bias = part.Weights.Length > 1;
                    var conv = Conv2d(
                        part.Inputs, part.Size(0), part.Size(1), stride: part.Size(2), padding: part.Size(3), bias: bias);
                    Set(conv.weight, part.Weight(0));
                    if (bias)
                        Set(conv.bias, part.Weight(1));
                    yield return conv;
                    break;
                }

            case "pool":
                yield return MaxPool2d(part.Size(0), part.Size(1), part.Size(2));
                break;
            case "average":
                yield return AdaptiveAvgPool2d(1);
                yield return Flatten();
                break;
            case "batchnorm":
                {
                    var norm = BatchNorm2d(part.Inputs, NormEpsilon, 0.01);
                    Set(norm.weight, part.Weight(0));
                    Set(norm.bias, part.Weight(1));
                    Set(norm.running_mean, part.Weight(2));
                    Set(norm.running_var, part.Weight(3));
                    yield return norm;
                    break;
                }

            case "layernorm":
                {
                    var norm = LayerNorm(part.Inputs, NormEpsilon);
                    Set(norm.weight, part.Weight(0));
                    Set(norm.bias, part.Weight(1));
                    yield return norm;
                    break;
                }

            case "relu":
                yield return ReLU();
                break;
            case "flatten":
                yield return Flatten();
                break;
            case "dropout":
                yield return Dropout(part.Rate);
                break;
            case "embedding":
                {
                    var embedding = Embedding(part.Size(0), part.Size(1));
                    Set(embedding.weight, part.Weight(0));
                    yield return embedding;
                    break;
                }

            case "lstm":
                {
                    var lstm = LSTM(part.Inputs, part.Size(0), batchFirst: true);
                    SetRecurrent(lstm, part);
                    yield return new LastOfLstm(lstm);
                    break;
                }

            case "gru":
                {
                    var gru = GRU(part.Inputs, part.Size(0), batchFirst: true);
                    SetRecurrent(gru, part);
                    yield return new LastOfGru(gru);
                    break;
                }

            case "attention":
                yield return new SelfAttention(part);
                break;
            case "sum":
                yield return new Sum(Build(part.Main), part.Other.Length > 0 ? Build(part.Other) : null);
                break;
            default:
                throw new InvalidOperationException($"unknown layer {part.Kind}");
        }
    }

    private static Linear Dense(int inputs, int outputs, float[] kernel, float[] bias)
    {
        var linear = Linear(inputs, outputs);
        Set(linear.weight, NetSpec.Transposed(kernel, 1, inputs, outputs));
        Set(linear.bias, bias);
        return linear;
    }

    private static void Set(Tensor? parameter, float[] values)
    {
        using var _ = no_grad();
        using var source = tensor(values);
        parameter!.copy_(source.reshape(parameter.shape));
    }

    // PyTorch has two biases. Where one is enough, the second stays zero and is not trained. Its GRU has the gates in the
    // order reset, update, candidate.
    private static void SetRecurrent(Module module, Part part)
    {
        var units = part.Size(0);
        int[] order = part.Kind == "gru" ? [1, 0, 2] : [0, 1, 2, 3];
        var gates = order.Length;
        var parameters = module.named_parameters().ToDictionary(p => p.name, p => p.parameter);

        float[] Reordered(ReadOnlySpan<float> values, int width)
        {
            var result = new float[gates * units * width];
            for (var gate = 0; gate < gates; gate++)
                values.Slice(order[gate] * units * width, units * width).CopyTo(result.AsSpan(gate * units * width));
            return result;
        }

        float[] Turned(NamedArray kernel) =>
            Reordered(NetSpec.Transposed(kernel.Floats, 1, kernel.Shape[0], kernel.Shape[1]), kernel.Shape[0]);

        Set(parameters["weight_ih_l0"], Turned(part.Weights[0]));
        Set(parameters["weight_hh_l0"], Turned(part.Weights[1]));
        var bias = part.Weight(2);
        Set(parameters["bias_ih_l0"], Reordered(bias, 1));

        if (bias.Length > gates * units)
        {
            Set(parameters["bias_hh_l0"], Reordered(bias.AsSpan(gates * units), 1));
        }
        else
        {
            Set(parameters["bias_hh_l0"], new float[gates * units]);
            parameters["bias_hh_l0"].requires_grad = false;
        }
    }

    private sealed class Sum : Module<Tensor, Tensor>
    {
        private readonly Sequential main;
        private readonly Sequential? other;

        public Sum(Sequential main, Sequential? other)
            : base("sum")
        {
            this.main = main;
            this.other = other;
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => main.forward(x) + (other is null ? x : other.forward(x));
    }

    private sealed class LastOfLstm : Module<Tensor, Tensor>
    {
        private readonly LSTM lstm;

        public LastOfLstm(LSTM lstm)
            : base("last")
        {
            this.lstm = lstm;
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => lstm.forward(x).Item2.squeeze(0);
    }

    private sealed class LastOfGru : Module<Tensor, Tensor>
    {
        private readonly GRU gru;

        public LastOfGru(GRU gru)
            : base("last")
        {
            this.gru = gru;
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => gru.forward(x).Item2.squeeze(0);
    }

    /// <summary>By PyTorch's fused function, with one product for query, key and value.</summary>
    private sealed class SelfAttention : Module<Tensor, Tensor>
    {
        private readonly Linear project;
        private readonly Linear output;
        private readonly int heads;

        public SelfAttention(Part part)
            : base("attention")
        {
            var width = part.Inputs;
            heads = part.Size(0);
            var joined = new float[3 * width * width];
            for (var p = 0; p < 3; p++)
                for (var row = 0; row < width; row++)
                    Array.Copy(part.Weight(2 * p), row * width, joined, (row * 3 + p) * width, width);

            project = Dense(width, 3 * width, joined, [.. part.Weight(1), .. part.Weight(3), .. part.Weight(5)]);
            output = Dense(width, width, part.Weight(6), part.Weight(7));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            var (batch, time, width) = (x.shape[0], x.shape[1], x.shape[2]);
            var parts = project.forward(x).reshape(batch, time, 3, heads, width / heads).permute(2, 0, 3, 1, 4).unbind(0);
            var attended = functional.scaled_dot_product_attention(parts[0], parts[1], parts[2]);
            return output.forward(attended.transpose(1, 2).reshape(batch, time, width));
        }
    }
}
