namespace FunctionalNet.Interop

open System
open FunctionalNet

/// <summary>Arguments of a layer, optimizer, loss or any other configured thing, by Keras's snake_case names. Immutable:
/// every Set gives a new value. A null is left out, so that the default holds.</summary>
[<Sealed>]
type Arguments private (items: (string * ConfigValue) list) =

    static let empty = Arguments []

    /// <summary>No arguments.</summary>
    static member Empty = empty

    member private _.With(name: string, value: ConfigValue) = Arguments((name, value) :: items)

    member private this.Maybe(name: string, value: Nullable<'T>, convert: 'T -> ConfigValue) =
        if value.HasValue then this.With(name, convert value.Value) else this

    /// The arguments in the order they were set.
    member internal _.ToList() = List.rev items

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
