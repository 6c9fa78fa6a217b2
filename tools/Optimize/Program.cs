// Sets two flags that the F# compiler leaves out, in place. Run by the build of the core on what the compiler wrote; a
// second run changes nothing.
// AggressiveOptimization, on every method that carries the attribute FullyOptimized. With a second path, a copy without this
// flag is written there instead: what is compiled ahead of time must not have it, for the runtime would compile it again.
// BeforeFieldInit, on every class without static fields, as the C# compiler does: without it a class counts as one that
// may have to be initialised before each of its methods, and generic methods of modules cannot be compiled ahead of time.
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

const string marker = "FullyOptimizedAttribute";

// A row of the table of methods: where the code is (4 bytes), then these flags (2 bytes). Rows of types begin with theirs.
const int flagsInRow = 4;

var path = args[0];
var copy = args.Length > 1 ? args[1] : null;
var image = File.ReadAllBytes(path);
var changed = 0;
var marked = 0;

using (var reader = new PEReader(new MemoryStream(image)))
{
    var metadata = reader.GetMetadataReader();
    var start = reader.PEHeaders.MetadataStartOffset + metadata.GetTableMetadataOffset(TableIndex.MethodDef);
    var size = metadata.GetTableRowSize(TableIndex.MethodDef);

    foreach (var handle in metadata.MethodDefinitions)
    {
        var method = metadata.GetMethodDefinition(handle);
        if (!method.GetCustomAttributes().Any(a => NameOf(metadata, metadata.GetCustomAttribute(a)) == marker))
            continue;

        marked++;
        var flags = copy is null
            ? method.ImplAttributes | MethodImplAttributes.AggressiveOptimization
            : method.ImplAttributes & ~MethodImplAttributes.AggressiveOptimization;
        if (flags == method.ImplAttributes)
            continue;

        BitConverter.TryWriteBytes(
            image.AsSpan(start + (MetadataTokens.GetRowNumber(handle) - 1) * size + flagsInRow),
            (ushort)flags);
        changed++;
    }

    start = reader.PEHeaders.MetadataStartOffset + metadata.GetTableMetadataOffset(TableIndex.TypeDef);
    size = metadata.GetTableRowSize(TableIndex.TypeDef);

    foreach (var handle in metadata.TypeDefinitions)
    {
        var type = metadata.GetTypeDefinition(handle);
        if (type.Attributes.HasFlag(TypeAttributes.BeforeFieldInit)
            || type.Attributes.HasFlag(TypeAttributes.Interface)
            || type.GetFields().Any(f => IsVariable(metadata.GetFieldDefinition(f))))
            continue;

        BitConverter.TryWriteBytes(
            image.AsSpan(start + (MetadataTokens.GetRowNumber(handle) - 1) * size),
            (uint)(type.Attributes | TypeAttributes.BeforeFieldInit));
        changed++;
    }
}

if (marked == 0)
{
    Console.Error.WriteLine($"{path}: error : no method carries {marker}");
    return 1;
}

if (changed > 0 || copy is not null)
    File.WriteAllBytes(copy ?? path, image);

return 0;

static bool IsVariable(FieldDefinition field) =>
    field.Attributes.HasFlag(FieldAttributes.Static) && !field.Attributes.HasFlag(FieldAttributes.Literal);

static string NameOf(MetadataReader metadata, CustomAttribute attribute)
{
    var type = attribute.Constructor.Kind == HandleKind.MethodDefinition
        ? (EntityHandle)metadata.GetMethodDefinition((MethodDefinitionHandle)attribute.Constructor).GetDeclaringType()
        : metadata.GetMemberReference((MemberReferenceHandle)attribute.Constructor).Parent;

    return type.Kind switch
    {
        HandleKind.TypeDefinition => metadata.GetString(metadata.GetTypeDefinition((TypeDefinitionHandle)type).Name),
        HandleKind.TypeReference => metadata.GetString(metadata.GetTypeReference((TypeReferenceHandle)type).Name),
        _ => "",
    };
}
