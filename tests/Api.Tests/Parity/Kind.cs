using System.Reflection;
using System.Text;
using FunctionalNet.Interop;
using FunctionalNet.Layers;
using FunctionalNet.Losses;
using FunctionalNet.Metrics;
using FunctionalNet.Optimizers;
using Config = FunctionalNet.ConfigTypes.Config;
using ConfigValue = FunctionalNet.ConfigTypes.ConfigValue;

namespace FunctionalNet.Tests.Parity;

/// <summary>What C# calls to make something: a constructor, a method, or a property.</summary>
internal sealed record Maker(ParameterInfo[] Parameters, Func<object?[], object> Make)
{
    public static Maker? OfClass(string space, string className) =>
        typeof(Model).Assembly.GetType($"FunctionalNet.{space}.{className}") is { IsPublic: true } type
            ? type.GetConstructors() is [var only] ? new(only.GetParameters(), only.Invoke) : null
            : null;

    public static Maker? OfMember(Type type, string name) =>
        type.GetMethod(name) is { } method
            ? new(method.GetParameters(), arguments => method.Invoke(null, arguments)!)
            : type.GetProperty(name) is { } property
                ? new([], _ => property.GetValue(null)!)
                : null;
}

/// <summary>One kind of things that have Keras's names: how C# makes them, and how the core reads them.</summary>
internal sealed class Kind
{
    public static readonly Kind[] All =
    [
        new("Layers", [.. Catalog.Layers.Select(entry => entry.Item1).Except(Other)],
            name => Maker.OfClass("Layers", name),
            Catalog.Layer,
            made => Catalog.LayerOf(((Layer)made).Core),
            name => Catalog.Layers.First(e => e.Item1 == name).Item2.Where(a => a.Free).Select(a => a.Key)),
        new("Losses", Catalog.Losses,
            name => Maker.OfClass("Losses", name),
            (name, arguments) => Catalog.Loss(new(name, arguments)),
            made => Catalog.Loss(((Loss)made).Description)),
        new("Metrics", Catalog.Metrics,
            name => Maker.OfClass("Metrics", name),
            (name, arguments) => Catalog.Metric(new(name, arguments)),
            made => Catalog.Metric(((Metric)made).Description)),
        new("Optimizers", Catalog.Optimizers,
            name => Maker.OfClass("Optimizers", name),
            (name, arguments) => Catalog.Optimizer(new(name, arguments)),
            made => Catalog.Optimizer(((Optimizer)made).Description)),
        new("Schedules", Catalog.Schedules,
            name => Maker.OfClass("Optimizers", name),
            (name, arguments) => Catalog.Schedule(new(name, arguments)),
            made => Catalog.Schedule(((LearningRateSchedule)made).Description)),
        new("Initializers", Catalog.Initializers,
            name => Maker.OfMember(typeof(Initializers), name),
            (name, arguments) => Catalog.Initializer(new(name, arguments)),
            made => Catalog.Initializer(((Initializer)made).Description)),
        new("Regularizers", Catalog.Regularizers,
            name => Maker.OfMember(typeof(Regularizers), name),
            (name, arguments) => Catalog.Regularizer(new(name, arguments)),
            made => Catalog.Regularizer(((Regularizer)made).Description)),
        new("Constraints", Catalog.Constraints,
            name => Maker.OfMember(typeof(Constraints), name),
            (name, arguments) => Catalog.Constraint(new(name, arguments)),
            made => Catalog.Constraint(((Constraint)made).Description)),
    ];

    private readonly Func<string, Maker?> find;
    private readonly Func<string, IEnumerable<string>>? keys;

    private Kind(
        string name,
        string[] classes,
        Func<string, Maker?> find,
        Func<string, Arguments, Config> core,
        Func<object, Config> facade,
        Func<string, IEnumerable<string>>? keys = null)
    {
        (Name, Classes, Core, Facade) = (name, classes, core, facade);
        (this.find, this.keys) = (find, keys);
    }

    /// <summary>Classes of the core that C# has in another form: Lambda holds a delegate, compositions are functional models,
    /// and NotEqual is how Keras writes the mask of an embedding into a file.</summary>
    public static string[] Other => ["Lambda", "NotEqual", "Parallel", "ParallelMerge", "Residual"];

    public string Name { get; }

    public string[] Classes { get; }

    /// <summary>What the core makes of a class name and arguments.</summary>
    public Func<string, Arguments, Config> Core { get; }

    /// <summary>What the core made of an object of the facade.</summary>
    public Func<object, Config> Facade { get; }

    public Maker? Find(string className) => find(className);

    /// <summary>The arguments of a class that the core knows.</summary>
    public string[] Keys(string className) =>
        [.. keys?.Invoke(className) ?? Core(className, Needed(className)).Arguments.Select(entry => entry.Item1)];

    /// <summary>The core's arguments for the parameters without a default.</summary>
    public Arguments Needed(string className) =>
        Find(className)!.Parameters.Where(p => !p.HasDefaultValue).Aggregate(
            Arguments.Empty,
            (a, p) => Sample.Required(Snake(p.Name!), p.ParameterType).Put(a, Snake(p.Name!)));

    /// <summary>An object with values for some parameters.</summary>
    public object Make(string className, params (ParameterInfo Parameter, object? Value)[] given)
    {
        var maker = Find(className)!;
        return maker.Make(
        [
            .. maker.Parameters.Select(p => given.FirstOrDefault(g => g.Parameter.Name == p.Name) is { Parameter: not null } found
                ? found.Value
                : p.HasDefaultValue ? p.DefaultValue : Sample.Required(Snake(p.Name!), p.ParameterType).Value),
        ]);
    }

    /// <summary>Keras's name of a parameter: keepDims is keepdims, beta1 is beta_1 and l1 is l1.</summary>
    public static string KeyOf(string parameter, string[] known) =>
        new[] { Snake(parameter), Snake(parameter, digits: true), Snake(parameter).Replace("_", "", StringComparison.Ordinal) }
            .FirstOrDefault(key => known.Contains(key)) ?? Snake(parameter);

    public static ConfigValue? Value(Config config, string key) =>
        config.Arguments.FirstOrDefault(entry => entry.Item1 == key)?.Item2;

    private static string Snake(string name, bool digits = false)
    {
        var text = new StringBuilder();

        foreach (var c in name)
        {
            if (char.IsUpper(c) || (digits && char.IsDigit(c)))
            {
                text.Append('_');
            }

            text.Append(char.ToLowerInvariant(c));
        }

        return text.ToString();
    }
}
