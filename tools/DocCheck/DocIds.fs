/// Which public members of an assembly lack a documentation summary.
module FunctionalNet.Tools.DocIds

open System
open System.Collections.Generic
open System.IO
open System.Reflection
open System.Runtime.CompilerServices
open System.Xml.Linq
open Microsoft.FSharp.Core

let private typeName (t: Type) = (Option.ofObj t.FullName |> Option.defaultValue t.Name).Replace('+', '.')

/// A type as it appears in the parameters of a documentation id.
let rec private parameterName (t: Type) : string =
    let element () = t.GetElementType() |> Option.ofObj |> Option.get

    if t.IsByRef then
        parameterName (element ()) + "@"
    elif t.IsPointer then
        parameterName (element ()) + "*"
    elif t.IsArray then
        // The F# compiler writes one bound less than there are axes.
        let rank = t.GetArrayRank()

        let bounds = if rank = 1 then "[]" else "[" + String.Join(", ", Array.create (rank - 1) "0:") + "]"

        parameterName (element ()) + bounds
    elif t.IsGenericMethodParameter then
        "``" + string t.GenericParameterPosition
    elif t.IsGenericParameter then
        "`" + string t.GenericParameterPosition
    elif t.IsGenericType then
        let name = typeName (t.GetGenericTypeDefinition())
        let bare = name.Substring(0, name.IndexOf '`')
        bare + "{" + String.Join(",", t.GetGenericArguments() |> Array.map parameterName) + "}"
    else
        typeName t

let private parameters (ps: ParameterInfo[]) =
    if ps.Length = 0 then
        ""
    else
        "(" + String.Join(",", ps |> Array.map (fun p -> parameterName p.ParameterType)) + ")"

let private methodId (owner: Type) (m: MethodInfo) =
    let arity = if m.IsGenericMethodDefinition then "``" + string (m.GetGenericArguments().Length) else ""

    "M:" + typeName owner + "." + m.Name + arity + parameters (m.GetParameters())

let private generated (m: MemberInfo) = m.IsDefined(typeof<CompilerGeneratedAttribute>, false) || m.Name.Contains '@'

/// The kind of F# thing that the compiler made a member for.
let private mapping (m: MemberInfo) =
    m.GetCustomAttributes(typeof<CompilationMappingAttribute>, false)
    |> Array.tryHead
    |> Option.map (fun a -> (a :?> CompilationMappingAttribute).SourceConstructFlags &&& SourceConstructFlags.KindMask)

/// Members that say what every object says, or that implement an interface and are documented there.
let private inherited (owner: Type) (m: MethodInfo) =
    m.GetBaseDefinition().DeclaringType <> owner
    || [ for i in owner.GetInterfaces() do
             if not owner.IsInterface then yield! owner.GetInterfaceMap(i).TargetMethods ]
       |> List.exists (fun target -> target.MethodHandle = m.MethodHandle)

/// The documentation ids that the public members of an assembly should have. Constructors are told by their type.
let expectedIds (assembly: Assembly) =
    let flags =
        BindingFlags.Public ||| BindingFlags.Instance ||| BindingFlags.Static ||| BindingFlags.DeclaredOnly

    [ for t in assembly.GetExportedTypes() do
          let isDelegate = typeof<Delegate>.IsAssignableFrom t
          let isCaseOrTags = t.IsNested && FSharp.Reflection.FSharpType.IsUnion(nonNull t.DeclaringType)

          if not (isDelegate || isCaseOrTags) then
              "T:" + typeName t
              let accessors = HashSet<nativeint>()

              for p in t.GetProperties flags do
                  for a in p.GetAccessors true do
                      accessors.Add a.MethodHandle.Value |> ignore

                  let unionHelper =
                      FSharp.Reflection.FSharpType.IsUnion t
                      && (p.Name = "Tag"
                          || p.Name.StartsWith("Is", StringComparison.Ordinal)
                          || mapping p = Some SourceConstructFlags.UnionCase)

                  let getter = p.GetMethod |> Option.ofObj

                  if not (generated p || unionHelper || getter |> Option.exists (inherited t)) then
                      "P:" + typeName t + "." + p.Name + parameters (p.GetIndexParameters())

              if FSharp.Reflection.FSharpType.IsUnion t then
                  for case in FSharp.Reflection.FSharpType.GetUnionCases t do
                      "T:" + typeName t + "." + case.Name

              for f in t.GetFields flags do
                  if not (generated f || f.IsSpecialName) then "F:" + typeName t + "." + f.Name

              for m in t.GetMethods flags do
                  let unionCase = mapping m = Some SourceConstructFlags.UnionCase

                  if not (accessors.Contains m.MethodHandle.Value || generated m || unionCase || inherited t m) then
                      methodId t m ]

let private documented (xml: string) =
    let summaries =
        [ for m in (XDocument.Load xml).Descendants(XName.Get "member") do
              let name = m.Attribute(XName.Get "name") |> Option.ofObj |> Option.map _.Value
              let summary = m.Element(XName.Get "summary") |> Option.ofObj |> Option.map _.Value
              defaultArg name "", defaultArg summary "" ]

    summaries
    |> List.filter (fun (_, summary) -> not (String.IsNullOrWhiteSpace summary))
    |> List.map fst
    |> Set.ofList

/// The ids of public members without a summary in the XML file beside the assembly.
let missing (assembly: Assembly) =
    let known = documented (nonNull (Path.ChangeExtension(assembly.Location, ".xml")))
    expectedIds assembly |> List.filter (fun id -> not (known.Contains id))
