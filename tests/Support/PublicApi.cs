using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace FunctionalNet.Tests.Support;

/// <summary>The public members of an assembly as text, one a line in a fixed order: what others may rely on.</summary>
public static class PublicApi
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly NullabilityInfoContext Nullability = new();

    public static string Describe(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (Type type in assembly.GetExportedTypes().OrderBy(t => t.FullName, StringComparer.Ordinal))
        {
            text.Append(Head(type)).Append('\n');
            foreach (string member in Members(type).Distinct().Order(StringComparer.Ordinal))
            {
                text.Append("    ").Append(member).Append('\n');
            }
        }

        return text.ToString();
    }

    private static string Head(Type type)
    {
        if (typeof(Delegate).IsAssignableFrom(type))
        {
            return "delegate " + Method(type.GetMethod("Invoke")!, Name(type));
        }

        string kind = type.IsEnum ? "enum"
            : type.IsInterface ? "interface"
            : type.IsValueType ? "struct"
            : type is { IsAbstract: true, IsSealed: true } ? "static class"
            : type.IsAbstract ? "abstract class"
            : type.IsSealed ? "sealed class"
            : "class";
        var bases = new List<string>();
        if (type.BaseType is { } b && b != typeof(object) && b != typeof(ValueType) && b != typeof(Enum))
        {
            bases.Add(Name(b));
        }

        if (!type.IsEnum)
        {
            IEnumerable<Type> inherited = (type.BaseType?.GetInterfaces() ?? []).Concat(type.GetInterfaces().SelectMany(i => i.GetInterfaces()));
            bases.AddRange(type.GetInterfaces().Except(inherited).Where(i => i.IsVisible).Select(i => Name(i)).Order(StringComparer.Ordinal));
        }

        return kind + " " + Name(type) + (bases.Count > 0 ? " : " + string.Join(", ", bases) : "");
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (typeof(Delegate).IsAssignableFrom(type))
        {
            yield break;
        }

        foreach (FieldInfo field in type.GetFields(Declared).Where(f => f.IsPublic || f.IsFamily || f.IsFamilyOrAssembly))
        {
            if (type.IsEnum && field.IsStatic)
            {
                yield return field.Name + " = " + Convert.ToInt64(field.GetRawConstantValue(), CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture);
            }
            else if (!type.IsEnum)
            {
                string kind = field.IsLiteral ? "const " : (field.IsStatic ? "static " : "") + (field.IsInitOnly ? "readonly " : "");
                yield return kind + Name(field.FieldType, Nullability.Create(field)) + " " + field.Name + (field.IsLiteral ? " = " + Literal(field.GetRawConstantValue()) : "");
            }
        }

        foreach (ConstructorInfo constructor in type.GetConstructors(Declared).Where(Visible))
        {
            yield return Access(constructor) + "new(" + Parameters(constructor) + ")";
        }

        foreach (PropertyInfo property in type.GetProperties(Declared))
        {
            MethodInfo? get = property.GetMethod is { } g && Visible(g) ? g : null;
            MethodInfo? set = property.SetMethod is { } s && Visible(s) ? s : null;
            if ((get ?? set) is { } any)
            {
                bool init = set?.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) == true;
                string index = property.GetIndexParameters().Length > 0 ? "[" + Parameters((get ?? set)!, property.GetIndexParameters().Length) + "]" : "";
                yield return Access(any) + Modifiers(any) + Name(property.PropertyType, Nullability.Create(property)) + " " + property.Name + index
                    + " {" + (get is null ? "" : " get;") + (set is null ? "" : (init ? " init;" : " set;")) + " }";
            }
        }

        foreach (EventInfo e in type.GetEvents(Declared).Where(e => e.AddMethod is { } add && Visible(add)))
        {
            yield return Modifiers(e.AddMethod!) + "event " + Name(e.EventHandlerType!) + " " + e.Name;
        }

        // F# does not mark every accessor as special.
        HashSet<MethodInfo> accessors = [.. type.GetProperties(Declared).SelectMany(p => p.GetAccessors(nonPublic: true))];
        foreach (MethodInfo method in type.GetMethods(Declared).Where(Visible))
        {
            bool accessor = accessors.Contains(method) || (method.IsSpecialName && !method.Name.StartsWith("op_", StringComparison.Ordinal));
            bool generated = method.GetCustomAttribute<CompilerGeneratedAttribute>() is not null && method.Name.Contains('<');
            if (!accessor && !generated)
            {
                yield return Access(method) + Modifiers(method) + Method(method, method.Name + Arguments(method));
            }
        }
    }

    private static bool Visible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Access(MethodBase method) => method.IsPublic ? "" : "protected ";

    private static string Modifiers(MethodInfo method)
    {
        if (method.IsStatic)
        {
            return method.IsAbstract ? "static abstract " : "static ";
        }

        if (method.DeclaringType!.IsInterface || !method.IsVirtual || method is { IsFinal: true } && method.GetBaseDefinition() == method)
        {
            return "";
        }

        return method.GetBaseDefinition() != method ? "override " : method.IsAbstract ? "abstract " : "virtual ";
    }

    private static string Arguments(MethodInfo method) =>
        method.IsGenericMethodDefinition ? "<" + string.Join(", ", method.GetGenericArguments().Select(a => a.Name)) + ">" : "";

    private static string Method(MethodInfo method, string name) =>
        Name(method.ReturnType, Nullability.Create(method.ReturnParameter)) + " " + name + "(" + Parameters(method) + ")";

    private static string Parameters(MethodBase method, int count = int.MaxValue) =>
        string.Join(", ", method.GetParameters().Take(count).Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        string mode = parameter.GetCustomAttribute<ParamArrayAttribute>() is not null ? "params "
            : parameter.IsOut ? "out "
            : parameter.ParameterType.IsByRef ? (parameter.IsIn ? "in " : "ref ")
            : "";
        object? value = parameter.HasDefaultValue ? parameter.RawDefaultValue : null;
        string fallback = !parameter.HasDefaultValue ? (parameter.IsOptional ? " = default" : "") : value is null && parameter.ParameterType.IsValueType ? " = default" : " = " + Literal(value);
        return mode + Name(parameter.ParameterType, Nullability.Create(parameter)) + " " + parameter.Name + fallback;
    }

    private static string Literal(object? value) => value switch
    {
        null => "null",
        string s => "\"" + s + "\"",
        bool b => b ? "true" : "false",
        IFormattable f => f.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private static string Name(Type type, NullabilityInfo? nullability = null)
    {
        if (type.IsByRef)
        {
            return Name(type.GetElementType()!, nullability);
        }

        string mark = !type.IsValueType && nullability is { ReadState: NullabilityState.Nullable } ? "?" : "";
        if (Nullable.GetUnderlyingType(type) is { } inner)
        {
            return Name(inner) + "?";
        }

        if (type.IsArray)
        {
            return Name(type.GetElementType()!, nullability?.ElementType) + "[" + new string(',', type.GetArrayRank() - 1) + "]" + mark;
        }

        if (type.IsPointer)
        {
            return Name(type.GetElementType()!) + "*";
        }

        if (type.IsGenericParameter)
        {
            return type.Name + mark;
        }

        string name = Short(type);
        Type[] arguments = type.GetGenericArguments();
        NullabilityInfo[] states = nullability?.GenericTypeArguments ?? [];
        for (int i = name.IndexOf('`'); i >= 0; i = name.IndexOf('`'))
        {
            int end = i + 1;
            while (end < name.Length && char.IsDigit(name[end]))
            {
                end++;
            }

            int arity = int.Parse(name.AsSpan(i + 1, end - i - 1), CultureInfo.InvariantCulture);
            int first = arguments.Length - arity;
            string list = string.Join(", ", arguments.Skip(first).Select((a, k) => Name(a, states.ElementAtOrDefault(first + k))));
            name = name[..i] + "<" + list + ">" + name[end..];
        }

        return name + mark;
    }

    private static string Short(Type type) => Type.GetTypeCode(type) switch
    {
        _ when type.IsEnum => Full(type),
        TypeCode.Boolean => "bool",
        TypeCode.Byte => "byte",
        TypeCode.Char => "char",
        TypeCode.Double => "double",
        TypeCode.Int16 => "short",
        TypeCode.Int32 => "int",
        TypeCode.Int64 => "long",
        TypeCode.SByte => "sbyte",
        TypeCode.Single => "float",
        TypeCode.String => "string",
        TypeCode.UInt16 => "ushort",
        TypeCode.UInt32 => "uint",
        TypeCode.UInt64 => "ulong",
        _ when type == typeof(object) => "object",
        _ when type == typeof(void) => "void",
        _ => Full(type),
    };

    private static string Full(Type type)
    {
        string name = type.IsNested ? Full(type.DeclaringType!) + "." + type.Name : (type.Namespace is null ? "" : type.Namespace + ".") + type.Name;
        return name;
    }
}
