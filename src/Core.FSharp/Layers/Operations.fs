namespace FunctionalNet

open System
open FunctionalNet.Graph

/// Keras's single operations as layers: what `x != 0` or `ops.mean(x, axis=1)` becomes in a functional model. The arguments of
/// the call belong to the layer here; tensors among them are slots.
module internal Operation =

    /// Stands for a tensor among the arguments of the call.
    let slot = ConfigValue.Object [ "class_name", Text "__slot__" ]

    [<Literal>]
    let private ArgumentsKey = "__args__"

    [<Literal>]
    let private OptionsKey = "__options__"

    [<Literal>]
    let private ModuleKey = "__module__"

    /// True for the module names under which Keras keeps its operations.
    let isOperation (moduleName: string) =
        moduleName.Contains(".ops.", StringComparison.Ordinal) || moduleName = "keras.ops"

    let private broken (kind: string) (expected: string) (actual: string) =
        raise (
            ModelFormatException(
                "An operation's arguments cannot be used.",
                kind,
                expected,
                actual,
                "Write the operation as a layer, for example with Lambda."
            )
        )

    /// The arguments with values in place of slots, which may stand in a list.
    let rec private fill (next: unit -> Expr) (argument: ConfigValue) : OperationArgument =
        match argument with
        | argument when argument = slot -> OperationArgument.Tensor(next ())
        | ConfigValue.List items when not items.IsEmpty && List.forall ((=) slot) items ->
            OperationArgument.Tensors(items |> List.map (fun _ -> next ()))
        | other -> OperationArgument.Plain other

    let rec private slots (argument: ConfigValue) : int =
        match argument with
        | argument when argument = slot -> 1
        | ConfigValue.List items -> List.sumBy slots items
        | _ -> 0

    let private run
        (kind: string)
        (options: (string * ConfigValue) list)
        (arguments: ConfigValue list)
        (flows: Flow[])
        : Flow[] =
        let expected = List.sumBy slots arguments

        if flows.Length <> expected || expected = 0 then
            broken kind (string expected + " tensors, at least one") (string flows.Length + " tensors")

        let mutable next = -1

        let take () =
            next <- next + 1
            flows[next].Value

        match OperationTable.run kind options (List.map (fill take) arguments) with
        // Masks belong to layers: Keras's operations give none.
        | Some results -> results |> Array.map Flow.ofValue
        | None ->
            broken
                kind
                "arguments and options of this operation that are known here"
                (ConfigRead.show (ConfigValue.List arguments) + ", " + ConfigRead.show (ConfigValue.Object options))

    /// The operation as a layer; None if it is not known.
    let tryLayer
        (moduleName: string)
        (kind: string)
        (options: (string * ConfigValue) list)
        (arguments: ConfigValue list)
        : Layer option =
        if OperationTable.knows kind then
            let config =
                { ClassName = kind
                  Arguments =
                    [ ModuleKey, Text moduleName
                      OptionsKey, ConfigValue.Object options
                      ArgumentsKey, ConfigValue.List arguments ] }

            Some(Layer.make kind (Some config) (fun _ flows -> run kind options arguments flows))
        else
            None

    /// Module, options and arguments of a layer that is an operation.
    let tryOf (layer: Layer) : (string * (string * ConfigValue) list * ConfigValue list) option =
        match layer.LayerConfig with
        | Some { Arguments = [ ModuleKey, Text moduleName
                               OptionsKey, ConfigValue.Object options
                               ArgumentsKey, ConfigValue.List arguments ] } -> Some(moduleName, options, arguments)
        | _ -> None
