// Sets the flag AggressiveOptimization on every method that carries the attribute FullyOptimized, in place: the F#
// compiler drops that flag. Run by the build of the core on what the compiler wrote; a second run changes nothing.
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

const string marker = "FullyOptimizedAttribute";

// A row of the table of methods: where the code is (4 bytes), then these flags (2 bytes).
const int flagsInRow = 4;

var path = args[0];
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
        var flags = method.ImplAttributes | MethodImplAttributes.AggressiveOptimization;
        if (flags == method.ImplAttributes)
            continue;

        BitConverter.TryWriteBytes(
            image.AsSpan(start + (MetadataTokens.GetRowNumber(handle) - 1) * size + flagsInRow),
            (ushort)flags);
        changed++;
    }
}

if (marked == 0)
{
    Console.Error.WriteLine($"{path}: error : no method carries {marker}");
    return 1;
}

if (changed > 0)
    File.WriteAllBytes(path, image);

return 0;

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
