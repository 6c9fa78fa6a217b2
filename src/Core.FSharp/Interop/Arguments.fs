namespace FunctionalNet.Interop

open System
open FunctionalNet

/// <summary>Arguments of a layer, optimizer, loss or any other configured thing, by Keras's snake_case names. Immutable:
/// every Set gives a new value. A null is left out, so that the default holds.</summary>
[<Sealed>]
type Arguments private (items: (string * ConfigValue) list, layers: Layer list) =

    static let empty = Arguments([], [])

    /// Stands for a layer among the arguments, by its number.
    static let slot (number: int) = Object [ "layer", Int(int64 number) ]

    /// <summary>No arguments.</summary>
    static member Empty = empty

    static member internal OfList(items: (string * ConfigValue) list) = Arguments(List.rev items, [])

    member private _.With(name: string, value: ConfigValue) = Arguments((name, value) :: items, layers)

    member private this.Maybe(name: string, value: Nullable<'T>, convert: 'T -> ConfigValue) =
        if value.HasValue then this.With(name, convert value.Value) else this

    /// The arguments in the order they were set.
    member internal _.ToList() = List.rev items

    /// Reads layers among the arguments; others are read by the registry.
    member internal _.Reader(value: ConfigValue) : Layer =
        match value with
        | Object [ "layer", Int number ] -> layers[layers.Length - 1 - int number]
        | other -> Registry.ofConfig other

    /// <summary>Sets a layer inside another, unless null.</summary>
    member _.Set(name: string, value: Layer | null) =
        match value with
        | null -> Arguments(items, layers)
        | layer -> Arguments((name, slot layers.Length) :: items, layer :: layers)

    /// <summary>Sets a list of layers.</summary>
    member _.Set(name: string, value: Layer[]) =
        let slots = value |> Array.mapi (fun i _ -> slot (layers.Length + i)) |> List.ofArray
        Arguments((name, List slots) :: items, List.append (List.rev (List.ofArray value)) layers)

    /// <summary>Sets a truth value.</summary>
    member this.Set(name: string, value: bool) = this.With(name, Bool value)

    /// <summary>Sets a whole number.</summary>
    member this.Set(name: string, value: int) = this.With(name, Int(int64 value))

    /// <summary>Sets a whole number, unless null.</summary>
    member this.Set(name: string, value: Nullable<int>) = this.Maybe(name, value, (fun v -> Int(int64 v)))

    /// <summary>Sets a whole number, unless null.</summary>
    member this.Set(name: string, value: Nullable<int64>) = this.Maybe(name, value, Int)

    /// <summary>Sets a number.</summary>
    member this.Set(name: string, value: float) = this.With(name, Float value)

    /// <summary>Sets a number, unless null.</summary>
    member this.Set(name: string, value: Nullable<float>) = this.Maybe(name, value, Float)

    /// <summary>Sets a text, unless null.</summary>
    member this.Set(name: string, value: string | null) =
        match value with
        | null -> this
        | text -> this.With(name, Text text)

    /// <summary>Sets an element type, unless null.</summary>
    member this.Set(name: string, value: Nullable<DType>) = this.Maybe(name, value, (fun v -> Text(DType.name v)))

    /// <summary>Sets a list of whole numbers, unless null.</summary>
    member this.Set(name: string, value: int[] | null) =
        match value with
        | null -> this
        | numbers -> this.With(name, List [ for n in numbers -> Int(int64 n) ])

    /// <summary>Sets a list of whole numbers some of which are open, such as a shape; unless null.</summary>
    member this.Set(name: string, value: Nullable<int>[] | null) =
        match value with
        | null -> this
        | numbers -> this.With(name, List [ for n in numbers -> if n.HasValue then Int(int64 n.Value) else Null ])

    /// <summary>Sets a list of texts, unless null.</summary>
    member this.Set(name: string, value: string[] | null) =
        match value with
        | null -> this
        | texts -> this.With(name, List [ for text in texts -> Text text ])

    /// <summary>Sets Python's None, for arguments where it means something else than the default.</summary>
    member this.SetNone(name: string) = this.With(name, Null)

    /// <summary>Sets a list of pairs, such as the padding of each axis.</summary>
    member this.Set(name: string, value: int[][] | null) =
        match value with
        | null -> this
        | pairs -> this.With(name, List [ for pair in pairs -> List [ for n in pair -> Int(int64 n) ] ])

    /// <summary>Sets a list of numbers, unless null.</summary>
    member this.Set(name: string, value: float[] | null) =
        match value with
        | null -> this
        | numbers -> this.With(name, List [ for n in numbers -> Float n ])

    /// <summary>Sets described parts by name.</summary>
    member this.Set(name: string, value: struct (string * Description)[]) =
        this.With(name, Object [ for struct (key, part) in value -> key, part.Value ])

    /// <summary>Sets a matrix, as a list of rows, unless null.</summary>
    member this.Set(name: string, value: Tensor | null) =
        match value with
        | null -> this
        | matrix when matrix.Rank = 2 ->
            let values, width = matrix.ToDoubles(), matrix.Shape[1]
            let row i = List [ for j in 0 .. width - 1 -> Float values[i * width + j] ]
            this.With(name, List [ for i in 0 .. matrix.Shape[0] - 1 -> row i ])
        | other ->
            raise (
                ShapeException(
                    "An argument must be a matrix.",
                    name,
                    "two axes",
                    other.Shape.ToString(),
                    "Reshape the tensor first."
                )
            )

    /// <summary>Sets a described part, unless null.</summary>
    member this.Set(name: string, value: Description | null) =
        match value with
        | null -> this
        | part -> this.With(name, part.Value)

/// <summary>A described thing: Keras's class name with its arguments, or only a name that stands for one.</summary>
and [<Sealed>] Description private (name: string, arguments: Arguments voption) =

    /// <summary>A thing known by its short name, such as relu or glorot_uniform.</summary>
    new(name: string) = Description(name, ValueNone)

    /// <summary>A thing with arguments, by its class name.</summary>
    new(className: string, arguments: Arguments) = Description(className, ValueSome arguments)

    /// What stands in a configuration for a part: a name, or an object with class_name and config.
    static member internal Of(value: ConfigValue) : Description =
        match value with
        | Text name -> Description(name, ValueNone)
        | Object entries when ConfigRead.get "class_name" entries = Text "function" ->
            Description(ConfigRead.text "config" (ConfigRead.get "config" entries), ValueNone)
        | other ->
            let config = ConfigRead.config "config" other
            Description(config.ClassName, ValueSome(Arguments.OfList config.Arguments))

    /// <summary>The short name or the class name.</summary>
    member _.Name = name

    /// True if it is known by its short name alone.
    member internal _.IsShort = arguments.IsNone

    member internal _.Config: Config =
        { ClassName = name
          Arguments =
            match arguments with
            | ValueSome a -> a.ToList()
            | ValueNone -> [] }

    /// As it stands in a configuration: a text, or an object with class_name and config.
    member internal _.Value =
        match arguments with
        | ValueNone -> Text name
        | ValueSome a -> Object [ "class_name", Text name; "config", Object(a.ToList()) ]
