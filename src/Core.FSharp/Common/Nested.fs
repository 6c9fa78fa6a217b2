namespace FunctionalNet

open System
open System.Collections.Generic

/// What a nested structure is made of.
[<NoEquality; NoComparison>]
type internal Nest<'T> =
    | One of 'T
    | Several of Nest<'T>[]
    /// Sorted by name.
    | ByName of (string * Nest<'T>)[]

/// <summary>A value, or lists and dictionaries of such structures in one another: inputs, outputs, targets, losses or variables of a
/// model that has many. Leaves are in Keras's order: lists as they are, dictionaries by their names in ordinal order. The path of a
/// leaf has the names and numbers that lead to it, such as boxes/0. Immutable. Keras: a nested structure (keras.tree).</summary>
/// <typeparam name="T">What the leaves are.</typeparam>
/// <example><code>
/// let x = Nested.Dictionary(struct ("image", Nested.Of image), struct ("facts", Nested.List(Nested.Of age, Nested.Of height)))
/// x.Paths // facts/0, facts/1, image
/// </code></example>
[<Sealed>]
type Nested<'T> internal (nest: Nest<'T>) =

    static let rec map (f: string -> 'T -> 'U) (path: string) (nest: Nest<'T>) : Nest<'U> =
        let below (name: string) = if path = "" then name else path + "/" + name

        match nest with
        | One value -> One(f path value)
        | Several items -> Several(items |> Array.mapi (fun i item -> map f (below (string i)) item))
        | ByName entries -> ByName(entries |> Array.map (fun (name, item) -> name, map f (below name) item))

    static let rec leaves (path: string) (nest: Nest<'T>) : KeyValuePair<string, 'T>[] =
        let below (name: string) = if path = "" then name else path + "/" + name

        match nest with
        | One value -> [| KeyValuePair(path, value) |]
        | Several items -> items |> Array.mapi (fun i item -> leaves (below (string i)) item) |> Array.concat
        | ByName entries -> entries |> Array.collect (fun (name, item) -> leaves (below name) item)

    static let refuse (expected: string) (actual: string) : 'a =
        raise (
            ArgumentValueException(
                "A nested structure is not what it should be.",
                "",
                expected,
                actual,
                "Its paths are listed by Paths."
            )
        )

    let flat = Lazy<KeyValuePair<string, 'T>[]>(fun () -> leaves "" nest)

    let text () =
        String.Join(", ", flat.Value |> Array.map (fun pair -> if pair.Key = "" then "one value" else pair.Key))

    member internal _.Nest = nest

    /// <summary>A value alone.</summary>
    static member Of(value: 'T) : Nested<'T> = Nested<'T>(One value)

    /// <summary>A list of structures.</summary>
    static member List([<ParamArray>] items: Nested<'T>[]) : Nested<'T> =
        Nested<'T>(Several(items |> Array.map (fun item -> item.Nest)))

    /// <summary>Structures by name.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">A name is empty, has a slash, or occurs twice.</exception>
    static member Dictionary([<ParamArray>] entries: struct (string * Nested<'T>)[]) : Nested<'T> =
        let names = entries |> Array.map (fun (struct (name, _)) -> name)

        for name in names do
            if name = "" || name.Contains '/' then
                refuse "names without a slash" (if name = "" then "an empty name" else name)

        if (Array.distinct names).Length < names.Length then
            refuse "different names" (String.Join(", ", names))

        let sorted =
            entries
            |> Array.map (fun (struct (name, item)) -> name, item.Nest)
            |> Array.sortWith (fun (a, _) (b, _) -> String.CompareOrdinal(a, b))

        Nested<'T>(ByName sorted)

    /// <summary>Structures by name.</summary>
    static member Dictionary(entries: IReadOnlyDictionary<string, Nested<'T>>) : Nested<'T> =
        Nested<'T>.Dictionary([| for pair in entries -> struct (pair.Key, pair.Value) |])

    /// <summary>Values at their paths: the names on the way become dictionaries.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">A path is empty, occurs twice, or leads through another.</exception>
    static member OfPaths(leaves: IReadOnlyList<KeyValuePair<string, 'T>>) : Nested<'T> =
        let rec build (entries: (string list * 'T)[]) : Nested<'T> =
            entries
            |> Array.groupBy (fun (path, _) -> List.head path)
            |> Array.map (fun (name, group) ->
                match group with
                | [| [ _ ], value |] -> struct (name, Nested<'T>.Of value)
                | _ when group |> Array.exists (fun (path, _) -> path.Length = 1) ->
                    refuse "paths of which none leads through another" name
                | _ -> struct (name, build (group |> Array.map (fun (path, value) -> List.tail path, value))))
            |> fun found -> Nested<'T>.Dictionary found

        build [| for pair in leaves -> List.ofArray (pair.Key.Split '/'), pair.Value |]

    /// <summary>A value alone.</summary>
    static member op_Implicit(value: 'T) : Nested<'T> = Nested<'T>.Of value

    /// <summary>True for a value alone.</summary>
    member _.IsLeaf =
        match nest with
        | One _ -> true
        | _ -> false

    /// <summary>The only value.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">It is a list or a dictionary.</exception>
    member _.Value: 'T =
        match nest with
        | One value -> value
        | _ -> refuse "one value" (text ())

    /// <summary>The structure under a name.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is none.</exception>
    member _.Item
        with get (name: string): Nested<'T> =
            match nest with
            | ByName entries ->
                match entries |> Array.tryFind (fun (key, _) -> key = name) with
                | Some(_, item) -> Nested<'T> item
                | None -> raise (Common.Names.unknown "entry" "" name (Array.map fst entries))
            | _ -> refuse ("a dictionary with " + name) (text ())

    /// <summary>The structure at a place of a list.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is none.</exception>
    member _.Item
        with get (index: int): Nested<'T> =
            match nest with
            | Several items when index >= 0 && index < items.Length -> Nested<'T> items[index]
            | _ -> refuse ("a list with place " + string index) (text ())

    /// <summary>Number of leaves.</summary>
    member _.Count = flat.Value.Length

    /// <summary>The leaves in order. Keras: tree.flatten.</summary>
    member _.Leaves: IReadOnlyList<'T> = [| for pair in flat.Value -> pair.Value |]

    /// <summary>The paths of the leaves, in order; empty for a value alone.</summary>
    member _.Paths: IReadOnlyList<string> = [| for pair in flat.Value -> pair.Key |]

    /// <summary>The leaf at a path.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is none.</exception>
    member _.At(path: string) : 'T =
        match flat.Value |> Array.tryFind (fun pair -> pair.Key = path) with
        | Some pair -> pair.Value
        | None -> raise (Common.Names.unknown "path" "" path (flat.Value |> Array.map (fun pair -> pair.Key)))

    /// <summary>The same structure of other values. Keras: tree.map_structure.</summary>
    member _.Map(f: Func<'T, 'U>) : Nested<'U> = Nested<'U>(map (fun _ value -> f.Invoke value) "" nest)

    /// <summary>The same structure of other values, in the order of Leaves. Keras: tree.pack_sequence_as.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There are too few or too many.</exception>
    member _.Pack(values: IReadOnlyList<'U>) : Nested<'U> =
        if values.Count <> flat.Value.Length then
            refuse (string flat.Value.Length + " values") (string values.Count)

        let mutable next = 0

        let take _ _ =
            let value = values[next]
            next <- next + 1
            value

        Nested<'U>(map take "" nest)

    /// <summary>True for a structure of the same lists and names. Keras: tree.assert_same_structure.</summary>
    member _.HasStructureOf(other: Nested<'U>) : bool =
        let rec same (a: Nest<'T>) (b: Nest<'U>) =
            match a, b with
            | One _, One _ -> true
            | Several a, Several b -> a.Length = b.Length && Array.forall2 same a b
            | ByName a, ByName b -> a.Length = b.Length && Array.forall2 (fun (n, a) (m, b) -> n = m && same a b) a b
            | _ -> false

        same nest other.Nest

    /// <summary>The paths.</summary>
    override _.ToString() = text ()
