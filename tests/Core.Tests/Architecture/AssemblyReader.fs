namespace FunctionalNet.Tests.Architecture

open System
open System.Collections.Generic
open System.Collections.Immutable
open System.IO
open System.Reflection.Emit
open System.Reflection.Metadata
open System.Reflection.Metadata.Ecma335
open System.Reflection.PortableExecutable
open System.Text.RegularExpressions

/// One use of a source file by another: `Member` of `From` names something that is defined in `To`.
type Edge = { From: string; To: string; Member: string; Used: string }

/// Collects the types of the assembly itself that a signature names.
type private TypesInSignature() =
    let none = Seq.empty<TypeDefinitionHandle>

    interface ISignatureTypeProvider<seq<TypeDefinitionHandle>, unit> with
        member _.GetPrimitiveType _ = none
        member _.GetTypeFromDefinition(_, handle, _) = Seq.singleton handle
        member _.GetTypeFromReference(_, _, _) = none

        member this.GetTypeFromSpecification(reader, _, handle, _) =
            reader.GetTypeSpecification(handle).DecodeSignature(this, ())

        member _.GetSZArrayType element = element
        member _.GetArrayType(element, _) = element
        member _.GetByReferenceType element = element
        member _.GetPointerType element = element
        member _.GetPinnedType element = element
        member _.GetGenericInstantiation(definition, arguments) = Seq.append definition (Seq.concat arguments)
        member _.GetGenericMethodParameter(_, _) = none
        member _.GetGenericTypeParameter(_, _) = none
        member _.GetModifiedType(modifier, unmodified, _) = Seq.append modifier unmodified

        member _.GetFunctionPointerType signature =
            Seq.append signature.ReturnType (Seq.concat signature.ParameterTypes)

/// Reads from an assembly and its portable PDB which source file uses which. An outermost type belongs to the file that
/// most of its methods' sequence points name; code that the F# compiler inlined counts where it landed.
type AssemblyReader(assembly: string, sources: string) =

    let pe = new PEReader(new MemoryStream(File.ReadAllBytes assembly))
    let reader = pe.GetMetadataReader()

    let pdb =
        MetadataReaderProvider
            .FromPortablePdbStream(
                new MemoryStream(File.ReadAllBytes(nonNull (Path.ChangeExtension(assembly, ".pdb"))))
            )
            .GetMetadataReader()

    let provider = TypesInSignature()
    let text (handle: StringHandle) = reader.GetString handle

    let rec outermost (handle: TypeDefinitionHandle) =
        let declaring = reader.GetTypeDefinition(handle).GetDeclaringType()
        if declaring.IsNil then handle else outermost declaring

    let nameOf (handle: TypeDefinitionHandle) =
        let t = reader.GetTypeDefinition handle
        if t.Namespace.IsNil then text t.Name else text t.Namespace + "." + text t.Name

    let relative (path: string) =
        let path = path.Replace('\\', '/')
        let marker = "/" + Path.GetFileName sources + "/"
        let at = path.LastIndexOf(marker, StringComparison.Ordinal)
        // The compiler's own code is in a file called unknown, which a deterministic build places among ours.
        if at < 0 || path.EndsWith("/unknown", StringComparison.Ordinal) then
            None
        else
            Some(path.Substring(at + marker.Length))

    /// The source file of a method, where it has visible sequence points.
    let documentOf (handle: MethodDefinitionHandle) =
        let info = pdb.GetMethodDebugInformation(handle.ToDebugInformationHandle())

        let document =
            if not info.Document.IsNil then Some info.Document
            elif info.SequencePointsBlob.IsNil then None
            else info.GetSequencePoints() |> Seq.tryHead |> Option.map _.Document

        document |> Option.bind (fun d -> relative (pdb.GetString(pdb.GetDocument(d).Name)))

    let sourceTexts =
        lazy
            [ for path in Directory.EnumerateFiles(sources, "*.fs", SearchOption.AllDirectories) do
                  match relative path with
                  | Some name when not (name.StartsWith("obj/", StringComparison.Ordinal)) ->
                      name, File.ReadAllText path
                  | _ -> () ]

    /// For a type without code (an enumeration, an interface): the file that declares its name.
    let fileByName (handle: TypeDefinitionHandle) =
        let name = (text (reader.GetTypeDefinition(handle).Name)).Split('`')[0]

        let name =
            if name.EndsWith("Module", StringComparison.Ordinal) then
                name + "|" + name[.. name.Length - 7]
            else
                name

        let attributes = @"(?:\[<[^\]]*>\]\s*)*"

        let pattern =
            @"^\s*"
            + attributes
            + @"(?:type|and|module|exception)\s+"
            + attributes
            + @"(?:rec\s+|private\s+|internal\s+)*(?:[\w.]+\.)?(?:"
            + name
            + @")\b"

        let found =
            sourceTexts.Value
            |> List.filter (fun (_, content) -> Regex.IsMatch(content, pattern, RegexOptions.Multiline))

        match found with
        | [ file, _ ] -> Some file
        | _ -> None

    let files =
        lazy
            let votes = Dictionary<TypeDefinitionHandle, Dictionary<string, int>>()

            for handle in reader.MethodDefinitions do
                match documentOf handle with
                | None -> ()
                | Some file ->
                    let outer = outermost (reader.GetMethodDefinition(handle).GetDeclaringType())

                    if not (votes.ContainsKey outer) then votes[outer] <- Dictionary()

                    votes[outer][file] <-
                        1
                        + (match votes[outer].TryGetValue file with
                           | true, n -> n
                           | _ -> 0)

            let map = Dictionary<TypeDefinitionHandle, string>()
            let unknown = List<string>()

            for handle in reader.TypeDefinitions do
                if reader.GetTypeDefinition(handle).GetDeclaringType().IsNil then
                    match votes.TryGetValue handle with
                    | true, counts -> map[handle] <- (counts |> Seq.maxBy (fun p -> struct (p.Value, p.Key))).Key
                    | _ ->
                        match fileByName handle with
                        | Some file -> map[handle] <- file
                        | None ->
                            let name = nameOf handle
                            // The compiler's own: module initialisers, embedded resources, data of array literals.
                            if not (name.Contains '<' || name.StartsWith("System.", StringComparison.Ordinal)) then
                                unknown.Add name

            map, List.ofSeq unknown

    let fileOf (handle: TypeDefinitionHandle) =
        match (fst files.Value).TryGetValue(outermost handle) with
        | true, file -> Some file
        | _ -> None

    let oneByte, twoByte =
        let one, two = Dictionary<byte, OpCode>(), Dictionary<byte, OpCode>()

        for field in typeof<OpCodes>.GetFields() do
            match field.GetValue null with
            | :? OpCode as code ->
                let value = uint16 code.Value
                if code.Size = 1 then one[byte value] <- code else two[byte value] <- code
            | _ -> ()

        one, two

    let rec typesOf (handle: EntityHandle) : seq<TypeDefinitionHandle> =
        match handle.Kind with
        | HandleKind.TypeDefinition -> Seq.singleton (TypeDefinitionHandle.op_Explicit handle)
        | HandleKind.TypeSpecification ->
            reader.GetTypeSpecification(TypeSpecificationHandle.op_Explicit handle).DecodeSignature(provider, ())
        | HandleKind.FieldDefinition ->
            Seq.singleton (reader.GetFieldDefinition(FieldDefinitionHandle.op_Explicit handle).GetDeclaringType())
        | HandleKind.MethodDefinition ->
            Seq.singleton (reader.GetMethodDefinition(MethodDefinitionHandle.op_Explicit handle).GetDeclaringType())
        | HandleKind.MemberReference ->
            typesOf (reader.GetMemberReference(MemberReferenceHandle.op_Explicit handle).Parent)
        | HandleKind.MethodSpecification ->
            let spec = reader.GetMethodSpecification(MethodSpecificationHandle.op_Explicit handle)
            Seq.append (typesOf spec.Method) (spec.DecodeSignature(provider, ()) |> Seq.concat)
        | _ -> Seq.empty

    /// The metadata tokens in a method's instructions.
    let tokens (body: MethodBodyBlock) =
        [ let mutable il = body.GetILReader()

          while il.RemainingBytes > 0 do
              let first = il.ReadByte()
              let code = if first = 0xFEuy then twoByte[il.ReadByte()] else oneByte[first]

              match code.OperandType with
              | OperandType.InlineNone -> ()
              | OperandType.ShortInlineBrTarget
              | OperandType.ShortInlineI
              | OperandType.ShortInlineVar -> il.Offset <- il.Offset + 1
              | OperandType.InlineVar -> il.Offset <- il.Offset + 2
              | OperandType.InlineI8
              | OperandType.InlineR -> il.Offset <- il.Offset + 8
              | OperandType.InlineSwitch ->
                  let branches = il.ReadInt32()
                  il.Offset <- il.Offset + 4 * branches
              | OperandType.InlineField
              | OperandType.InlineMethod
              | OperandType.InlineTok
              | OperandType.InlineType -> MetadataTokens.EntityHandle(il.ReadInt32())
              | _ -> il.Offset <- il.Offset + 4 ]

    let signatureTypes (signature: MethodSignature<seq<TypeDefinitionHandle>>) =
        Seq.append signature.ReturnType (Seq.concat signature.ParameterTypes)

    let usesOfMethod (handle: MethodDefinitionHandle) =
        seq {
            let m = reader.GetMethodDefinition handle
            yield! signatureTypes (m.DecodeSignature(provider, ()))

            if m.RelativeVirtualAddress <> 0 then
                yield! tokens (pe.GetMethodBody m.RelativeVirtualAddress) |> Seq.collect typesOf
        }

    let usesOfType (handle: TypeDefinitionHandle) =
        seq {
            let t = reader.GetTypeDefinition handle

            if not t.BaseType.IsNil then yield! typesOf t.BaseType

            for i in t.GetInterfaceImplementations() do
                yield! typesOf (reader.GetInterfaceImplementation(i).Interface)

            for f in t.GetFields() do
                yield! reader.GetFieldDefinition(f).DecodeSignature(provider, ())
        }

    /// Types whose source file could not be told.
    member _.Unknown = snd files.Value

    /// The source files that hold types.
    member _.Files = (fst files.Value).Values |> Seq.distinct |> Seq.sort |> List.ofSeq

    /// Every use of one file by another, once per pair of file and member.
    member _.Edges: Edge list =
        [ for handle in reader.TypeDefinitions do
              match fileOf handle with
              | None -> ()
              | Some from ->
                  let edges memberName uses =
                      [ for used in uses do
                            match fileOf used with
                            | Some target when target <> from ->
                                { From = from; To = target; Member = memberName; Used = nameOf used }
                            | _ -> () ]

                  yield! edges (nameOf handle) (usesOfType handle)

                  for m in reader.GetTypeDefinition(handle).GetMethods() do
                      yield! edges (nameOf handle + "." + text (reader.GetMethodDefinition(m).Name)) (usesOfMethod m) ]
        |> List.distinct
