namespace FunctionalNet

open System.Collections.Concurrent

/// Names of classes with their packages.
module internal CustomName =

    /// The class without its package.
    let classOf (name: string) = name.Substring(name.IndexOf '>' + 1)

/// Classes and functions of the user's own by name, for configurations. Keras: register_keras_serializable. A name may begin with
/// a package, as in mine>Scale; without one the package is Custom.
[<Sealed>]
type internal CustomClasses<'T>() =

    let readers = ConcurrentDictionary<string, (string * ConfigValue) list -> 'T>()
    let packaged = ConcurrentDictionary<string, string>()

    /// From now on, configurations that name it are read like this.
    member _.Register(name: string, read: (string * ConfigValue) list -> 'T) : unit =
        let short = CustomName.classOf name
        let full = if short = name then "Custom>" + name else name
        packaged[short] <- full
        readers[short] <- read
        readers[full] <- read

    /// What reads it, by its class, or by package and class.
    member _.TryFind(name: string) : ((string * ConfigValue) list -> 'T) voption =
        match readers.TryGetValue name with
        | true, read -> ValueSome read
        | _ -> ValueNone

    /// What a configuration stands for: one of these, or something else.
    member this.ReadOr(config: Config, otherwise: unit -> 'T) : 'T =
        match this.TryFind config.ClassName with
        | ValueSome read -> read config.Arguments
        | ValueNone -> otherwise ()

    /// Package and class, as Keras writes them beside the class.
    member _.RegisteredName(className: string) : string voption =
        match packaged.TryGetValue className with
        | true, full -> ValueSome full
        | _ -> ValueNone

    /// The classes, without packages.
    member _.Names: string seq = Seq.cast packaged.Keys
