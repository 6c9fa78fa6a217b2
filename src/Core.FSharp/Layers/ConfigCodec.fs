namespace FunctionalNet

open System
open System.Globalization
open FunctionalNet.Common

/// Reading single values of a configuration, with errors that name the class and the argument.
module internal ConfigRead =

    let private invariant = CultureInfo.InvariantCulture

    /// A short text of a value, for errors.
    let rec show (value: ConfigValue) =
        match value with
        | Null -> "null"
        | Bool true -> "true"
        | Bool false -> "false"
        | Int i -> i.ToString invariant
        | Float f -> f.ToString("R", invariant)
        | Text t -> "\"" + (if t.Length > 100 then t.Substring(0, 100) + "..." else t) + "\""
        | List items ->
            let shown = items |> List.truncate 8 |> List.map show
            "[" + String.Join(", ", shown) + (if items.Length > 8 then ", ...]" else "]")
        | Object entries ->
            "{"
            + String.Join(", ", entries |> List.truncate 4 |> List.map fst)
            + (if entries.Length > 4 then ", ...}" else "}")

    /// The error for a value of the wrong kind.
    let wrong (where: string) (expected: string) (value: ConfigValue) : exn =
        ArgumentValueException(
            "An argument has a value of the wrong kind.",
            where,
            expected,
            show value,
            "See the argument's documentation."
        )

    let int where value =
        match value with
        | Int i when i >= int64 Int32.MinValue && i <= int64 Int32.MaxValue -> int i
        | Float f when f = Math.Floor f && abs f < 2147483648.0 -> int f
        | other -> raise (wrong where "an integer" other)

    let int64 where value =
        match value with
        | Int i -> i
        | other -> raise (wrong where "an integer" other)

    /// What an array of NumPy, or a tensor, was written as: (nested) lists, or a number.
    let plain value =
        match value with
        | Object(("class_name", Text("__numpy__" | "__tensor__")) :: rest) ->
            match rest |> List.tryFind (fun (key, _) -> key = "config") with
            | Some(_, Object config) ->
                config
                |> List.tryFind (fun (key, _) -> key = "value")
                |> Option.map snd
                |> Option.defaultValue value
            | _ -> value
        | _ -> value

    let float where value =
        match plain value with
        | Int i -> float i
        | Float f -> f
        | other -> raise (wrong where "a number" other)

    let bool where value =
        match value with
        | Bool b -> b
        | other -> raise (wrong where "true or false" other)

    let text where value =
        match value with
        | Text t -> t
        | other -> raise (wrong where "a text" other)

    /// A list; Keras writes some tuples as objects with items.
    let list where value =
        match plain value with
        | List items -> items
        | Object [ ("class_name", Text "__tuple__"); ("items", List items) ] -> items
        | other -> raise (wrong where "a list" other)

    let entriesOf where value =
        match value with
        | Object entries -> entries
        | other -> raise (wrong where "an object" other)

    /// One integer, or a list of them.
    let ints where value =
        match value with
        | List _
        | Object _ -> list where value |> List.map (int where)
        | one -> [ int where one ]

    /// One number, or a (nested) list of them, flattened.
    let rec floats where value =
        match plain value with
        | List items -> items |> List.collect (floats where)
        | one -> [ float where one ]

    let optional read where value =
        match value with
        | Null -> None
        | other -> Some(read where other)

    let tryFind (key: string) (entries: (string * ConfigValue) list) =
        entries |> List.tryPick (fun (k, v) -> if k = key then Some v else None)

    /// The entry of an object, or Null.
    let get (key: string) (entries: (string * ConfigValue) list) = tryFind key entries |> Option.defaultValue Null

    /// A number among arguments, or the usual one.
    let numberOr (where: string) (arguments: (string * ConfigValue) list) (key: string) (usual: float) =
        match get key arguments with
        | Null -> usual
        | value -> float (where + "." + key) value

    /// Class name and arguments of `{"class_name": ..., "config": {...}}`, or of a bare name.
    let config where value : Config =
        match value with
        | Text name -> { ClassName = name; Arguments = [] }
        | Object entries ->
            let arguments =
                match get "config" entries with
                | Null -> []
                | value -> entriesOf where value

            { ClassName = text where (get "class_name" entries); Arguments = arguments }
        | other -> raise (wrong where "a name or an object with class_name and config" other)

/// Writing values that are part of a configuration.
module internal ConfigWrite =

    /// Keras's object form of a class with arguments.
    let objectOf (moduleName: string) (config: Config) =
        ConfigValue.Object
            [ "module", Text moduleName
              "class_name", Text config.ClassName
              "config", ConfigValue.Object config.Arguments
              "registered_name", Null ]

    let ints (values: int list) = List(values |> List.map (fun v -> Int(int64 v)))

    let option write value =
        match value with
        | None -> Null
        | Some v -> write v

/// One argument of a configurable class: its Keras name, and how it is read from and written to an options record. One
/// table of these serves both directions.
[<NoEquality; NoComparison>]
type internal Field<'o> =
    {
        Key: string
        /// The argument must be given.
        Required: bool
        /// None: the value cannot be saved. A field that is only read gives Some Null and Written = false.
        Get: 'o -> ConfigValue option
        Written: bool
        /// Left out of configurations where its value is null, as Keras does with a few.
        Quiet: bool
        /// Where (class and argument, for errors), the reader of nested layers, and the value.
        Set: string -> (ConfigValue -> Layer) -> ConfigValue -> 'o -> 'o
    }

/// Makers of fields: a key, the way out of the record, and the way in.
module internal Field =

    /// A field whose value may be null.
    let nullable
        key
        (write: 'v -> ConfigValue option)
        (read: string -> ConfigValue -> 'v)
        (get: 'o -> 'v)
        (set: 'v -> 'o -> 'o)
        : Field<'o> =
        { Key = key
          Required = false
          Get = get >> write
          Written = true
          Quiet = false
          Set = fun where _ value options -> set (read where value) options }

    /// A field for which null means the default.
    let make key write read get set : Field<'o> =
        let field = nullable key write read get set

        { field with
            Set =
                fun where reader value options -> if value.IsNull then options else field.Set where reader value options }

    /// The field of a record inside another.
    let inside (get: 'o -> 'i) (set: 'i -> 'o -> 'o) (field: Field<'i>) : Field<'o> =
        { Key = field.Key
          Required = field.Required
          Get = get >> field.Get
          Written = field.Written
          Quiet = field.Quiet
          Set = fun where reader value options -> set (field.Set where reader value (get options)) options }

    /// The argument must be given when reading.
    let required (field: Field<'o>) = { field with Required = true }

    let int key get set = make key (fun v -> Some(Int(int64 v))) ConfigRead.int get set
    let bool key get set = make key (fun v -> Some(Bool v)) ConfigRead.bool get set
    let float key get set = make key (fun v -> Some(Float v)) ConfigRead.float get set
    let text key get set = make key (fun v -> Some(Text v)) ConfigRead.text get set
    let ints key get set = make key (fun v -> Some(ConfigWrite.ints v)) ConfigRead.ints get set

    let optional key (write: 'v -> ConfigValue option) read get set =
        let writeOption value =
            match value with
            | None -> Some Null
            | Some v -> write v

        nullable key writeOption (ConfigRead.optional read) get set

    let floatOption key get set = optional key (fun v -> Some(Float v)) ConfigRead.float get set
    let intOption key get set = optional key (fun v -> Some(Int(int64 v))) ConfigRead.int get set
    let intsOption key get set = optional key (fun v -> Some(ConfigWrite.ints v)) ConfigRead.ints get set

    /// A seed: Keras may write a whole seed generator, of which the seed is taken.
    let seed key get set =
        let rec read where value =
            match value with
            | Object entries ->
                match ConfigRead.get "config" entries with
                | Object inner -> read where (ConfigRead.get "seed" inner)
                | _ -> raise (ConfigRead.wrong where "an integer seed" value)
            | other -> ConfigRead.int where other

        let readOption where value =
            match value with
            | Null -> None
            | other -> Some(read where other)

        nullable key (fun v -> Some(ConfigWrite.option (fun (s: int) -> Int(int64 s)) v)) readOption get set

    /// A union of names: its cases with Keras's spelling.
    let choice key (cases: (string * 'v) list) (get: 'o -> 'v) (set: 'v -> 'o -> 'o) : Field<'o> when 'v: equality =
        let write v = cases |> List.tryPick (fun (name, case) -> if case = v then Some(Text name) else None)

        let read where value =
            let name = ConfigRead.text where value

            match cases |> List.tryPick (fun (n, case) -> if n = name then Some case else None) with
            | Some case -> case
            | None -> raise (Names.unknown "value" where name (List.map fst cases))

        make key write read get set

    /// An argument that only has one meaning here; any other value is refused.
    let fixedTo key (accepted: ConfigValue list) : Field<'o> =
        { Key = key
          Required = false
          Get = fun _ -> Some Null
          Written = false
          Quiet = false
          Set =
            fun where _ value options ->
                if List.contains value accepted then
                    options
                else
                    raise (
                        ArgumentValueException(
                            "An argument has a value that is not supported.",
                            where,
                            String.Join(" or ", accepted |> List.map ConfigRead.show),
                            ConfigRead.show value,
                            "Leave the argument at its default."
                        )
                    ) }

/// Options records to configurations and back, by their table of fields.
module internal Codec =

    /// Keras's name of the argument in an error.
    let private where (className: string) (key: string) = className + "." + key

    /// The arguments of an options record, or None if one of them cannot be saved.
    let write (className: string) (fields: Field<'o> list) (options: 'o) : Config option =
        let rec all (fields: Field<'o> list) done' =
            match fields with
            | [] -> Some(List.rev done')
            | field :: rest when not field.Written -> all rest done'
            | field :: rest ->
                match field.Get options with
                | Some Null when field.Quiet -> all rest done'
                | Some value -> all rest ((field.Key, value) :: done')
                | None -> None

        all fields [] |> Option.map (fun arguments -> { ClassName = className; Arguments = arguments })

    /// The options with the given arguments set. An argument without a field is an error, unless its value is null.
    let read
        (className: string)
        (fields: Field<'o> list)
        (reader: ConfigValue -> Layer)
        (start: 'o)
        (arguments: (string * ConfigValue) list)
        : 'o =
        for field in fields do
            if field.Required && (ConfigRead.get field.Key arguments).IsNull then
                raise (
                    ArgumentValueException(
                        "A required argument is missing.",
                        where className field.Key,
                        "a value",
                        "nothing",
                        "Add the argument to the configuration."
                    )
                )

        arguments
        |> List.fold
            (fun options (key, value) ->
                match fields |> List.tryFind (fun f -> f.Key = key), value with
                | Some field, value -> field.Set (where className key) reader value options
                | None, Null -> options
                | None, _ -> raise (Names.unknown "argument" className key (fields |> List.map (fun f -> f.Key))))
            start
