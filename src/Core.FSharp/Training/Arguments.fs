namespace FunctionalNet.Training

open System
open System.Collections.Generic
open System.Globalization
open FunctionalNet

/// The arguments of a configuration, each read at most once, with Keras's defaults where one is missing.
[<Sealed>]
type internal Arguments(config: Config) =

    let values = Dictionary<string, ConfigValue>()

    do
        for key, value in config.Arguments do
            values[key] <- value

    let wrong (key: string) (expected: string) : 'a =
        raise (
            ArgumentValueException(
                "An argument of " + config.ClassName + " is not valid.",
                key,
                expected,
                "another kind of value",
                "Use the argument as Keras documents it."
            )
        )

    let take (key: string) =
        match values.TryGetValue key with
        | true, value ->
            values.Remove key |> ignore
            ConfigRead.plain value
        | _ -> ConfigValue.Null

    let number (key: string) (value: ConfigValue) =
        match value with
        | ConfigValue.Float f -> f
        | ConfigValue.Int i -> float i
        | _ -> wrong key "a number"

    member _.ClassName = config.ClassName

    /// MeanSquaredError and mean_squared_error are one name.
    static member Canonical(name: string) = name.Replace("_", "").ToLowerInvariant()

    member _.Float(key: string, missing: float) =
        match take key with
        | ConfigValue.Null -> missing
        | value -> number key value

    member _.FloatOption(key: string) =
        match take key with
        | ConfigValue.Null -> None
        | value -> Some(number key value)

    /// A number, or none if it was given as null; what is missing only if it was not given.
    member this.FloatOr(key: string, missing: float option) =
        if config.Arguments |> List.exists (fun (k, _) -> k = key) then this.FloatOption key else missing

    member _.Int(key: string, missing: int) =
        match take key with
        | ConfigValue.Null -> missing
        | ConfigValue.Int i -> int i
        | ConfigValue.Float f when Double.IsInteger f -> int f
        | _ -> wrong key "a whole number"

    member _.IntOption(key: string) =
        match take key with
        | ConfigValue.Null -> None
        | ConfigValue.Int i -> Some(int i)
        | ConfigValue.Float f when Double.IsInteger f -> Some(int f)
        | _ -> wrong key "a whole number"

    member _.Bool(key: string, missing: bool) =
        match take key with
        | ConfigValue.Null -> missing
        | ConfigValue.Bool b -> b
        | _ -> wrong key "true or false"

    member _.Text(key: string, missing: string) =
        match take key with
        | ConfigValue.Null -> missing
        | ConfigValue.Text t -> t
        | _ -> wrong key "a text"

    member _.TextOption(key: string) =
        match take key with
        | ConfigValue.Null -> None
        | ConfigValue.Text t -> Some t
        | _ -> wrong key "a text"

    /// A list of texts; none if there is no list.
    member _.Texts(key: string) : string list =
        match take key with
        | ConfigValue.Null -> []
        | ConfigValue.List items ->
            items
            |> List.map (fun item ->
                match item with
                | ConfigValue.Text t -> t
                | _ -> wrong key "a list of texts")
        | _ -> wrong key "a list of texts"

    /// A list of numbers; a single number is a list of one.
    member _.Floats(key: string) : float[] option =
        match take key with
        | ConfigValue.Null -> None
        | ConfigValue.List items -> Some(items |> List.map (number key) |> List.toArray)
        | value -> Some [| number key value |]

    member this.Ints(key: string) : int[] option = this.Floats key |> Option.map (Array.map int)

    /// True if the argument was given, though it may be null.
    member _.Given(key: string) = config.Arguments |> List.exists (fun (k, _) -> k = key)

    /// The value as it stands, for nested configurations.
    member _.Raw(key: string) : ConfigValue = take key

    /// Raises if an argument is left that nobody asked for.
    member _.Done() =
        for key in [ "name"; "dtype"; "registered_name"; "module" ] do
            values.Remove key |> ignore

        for key in values.Keys do
            raise (
                ArgumentValueException(
                    config.ClassName + " has no such argument.",
                    key,
                    "an argument of Keras's " + config.ClassName,
                    key,
                    "Check the spelling of the argument."
                )
            )

/// Writing configurations.
module internal Configs =

    let text (value: string) = ConfigValue.Text value
    let number (value: float) = ConfigValue.Float value
    let whole (value: int) = ConfigValue.Int(int64 value)
    let flag (value: bool) = ConfigValue.Bool value

    let optional (write: 'a -> ConfigValue) (value: 'a option) =
        match value with
        | Some v -> write v
        | None -> ConfigValue.Null

    let numbers (values: float[]) = ConfigValue.List(values |> Array.toList |> List.map ConfigValue.Float)

    let wholes (values: int[]) =
        ConfigValue.List(values |> Array.toList |> List.map (fun v -> ConfigValue.Int(int64 v)))

    let make (className: string) (arguments: (string * ConfigValue) list) : Config =
        { ClassName = className; Arguments = arguments }

    /// Keras's form of an object within an object: class_name and config.
    let nest (config: Config) : ConfigValue =
        ConfigValue.Object
            [ "class_name", ConfigValue.Text config.ClassName; "config", ConfigValue.Object config.Arguments ]

    /// The configuration in Keras's nested form; None if the value is not one.
    let unnest (value: ConfigValue) : Config option =
        match value with
        | ConfigValue.Object fields ->
            let find key = fields |> List.tryFind (fun (k, _) -> k = key) |> Option.map snd

            match find "class_name", find "config" with
            | Some(ConfigValue.Text name), Some(ConfigValue.Object arguments) -> Some(make name arguments)
            | Some(ConfigValue.Text name), _ -> Some(make name [])
            | _ -> None
        | _ -> None

    /// A field of an object; Null if it has none.
    let field (key: string) (value: ConfigValue) : ConfigValue =
        match value with
        | ConfigValue.Object fields ->
            match fields |> List.tryFind (fun (k, _) -> k = key) with
            | Some(_, found) -> found
            | None -> ConfigValue.Null
        | _ -> ConfigValue.Null

/// Text of numbers that is the same on every machine.
module internal Texts =

    let ofFloat (value: float) = value.ToString("R", CultureInfo.InvariantCulture)

    let ofInt (value: int64) = value.ToString(CultureInfo.InvariantCulture)
