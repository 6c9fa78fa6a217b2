namespace FunctionalNet

open System

/// <summary>Options that many layers share.</summary>
[<AutoOpen>]
module LayerOptionTypes =

    /// <summary>How one weight of a layer starts, is penalised and is constrained (Keras: kernel_initializer,
    /// kernel_regularizer, kernel_constraint, and so on for every weight).</summary>
    [<NoEquality; NoComparison>]
    type WeightOptions =
        {
            /// <summary>Its first value.</summary>
            Initializer: Initializer
            /// <summary>Its penalty, if any.</summary>
            Regularizer: Regularizer option
            /// <summary>Its projection after updates, if any.</summary>
            Constraint: Constraint option
        }

    /// <summary>Where images have their channels.</summary>
    [<RequireQualifiedAccess>]
    type DataFormat =
        /// <summary>(batch, spatial, channels): the default, and what runs fastest.</summary>
        | ChannelsLast
        /// <summary>(batch, channels, spatial).</summary>
        | ChannelsFirst

/// <summary>Options of single weights.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Weight =

    /// <summary>A weight with that initializer, no penalty and no projection.</summary>
    let startingFrom (initializer: Initializer) : WeightOptions =
        { Initializer = initializer; Regularizer = None; Constraint = None }

    let internal glorot = startingFrom Initializer.glorotUniform
    let internal zeros = startingFrom Initializer.zeros
    let internal ones = startingFrom Initializer.ones

    let internal declare (scope: Scope) (name: string) (shape: int[]) (weight: WeightOptions) : Expr =
        scope.Param(name, Shape.Of shape, weight.Initializer, weight.Regularizer, weight.Constraint)

/// A class of layers as Keras knows it: a name, a table of arguments, and what such a layer does.
[<NoEquality; NoComparison>]
type internal LayerClass<'o> =
    {
        Kind: string
        Fields: Field<'o> list
        /// The options from which reading starts: Keras's defaults.
        Start: 'o
        /// Completes or refuses options when the layer is made.
        Check: 'o -> 'o
        /// What a layer with those options is to others. Gets the maker of layers of the class.
        Role: ('o -> Layer) -> 'o -> LayerRole
        /// The layers inside of one with those options. Gets the maker of layers of the class.
        Nest: ('o -> Layer) -> 'o -> LayerNest voption
        /// The layers that one with those options can give way to. Gets the maker of layers of the class.
        Variants: ('o -> Layer) -> 'o -> LayerChange -> LayerVariant voption
        Run: 'o -> Scope -> Flow[] -> Flow[]
    }

/// An argument of a class of layers: its Keras name, whether it must be given, and whether it may have more than one value.
type internal ArgumentInfo = { Key: string; Required: bool; Free: bool }

/// An entry of the registry: a Keras class name, its arguments, and how its layer is read from them. The function that Read
/// is given reads nested layers.
[<NoEquality; NoComparison>]
type internal LayerEntry =
    { Class: string
      Arguments: ArgumentInfo list
      Read: (ConfigValue -> Layer) -> (string * ConfigValue) list -> Layer }

module internal LayerClass =

    /// Any inputs, any outputs. The start tells the fields' type, so that they need not name it.
    let many
        (kind: string)
        (start: 'o)
        (fields: Field<'o> list)
        (run: 'o -> Scope -> Flow[] -> Flow[])
        : LayerClass<'o> =
        { Kind = kind
          Fields = fields
          Start = start
          Check = id
          Role = fun _ _ -> Plain
          Nest = fun _ _ -> ValueNone
          Variants = fun _ _ _ -> ValueNone
          Run = run }

    /// One input with its mask, one output.
    let flow kind start fields (run: 'o -> Scope -> Flow -> Flow) : LayerClass<'o> =
        many kind start fields (fun options ->
            let run = run options
            fun scope inputs -> [| run scope (Layer.single kind inputs) |])

    /// One input, one output under the same mask.
    let keepsMask kind start fields (run: 'o -> Scope -> Expr -> Expr) : LayerClass<'o> =
        flow kind start fields (fun options scope x -> x |> Flow.withValue (run options scope x.Value))

    /// One input, one output without mask: the time axis does not survive.
    let dropsMask kind start fields (run: 'o -> Scope -> Expr -> Expr) : LayerClass<'o> =
        flow kind start fields (fun options scope x -> Flow.ofValue (run options scope x.Value))

    let checkedBy (check: 'o -> 'o) (layerClass: LayerClass<'o>) = { layerClass with Check = check }

    let playing role (layerClass: LayerClass<'o>) = { layerClass with Role = role }

    /// The class holds other layers, which have names of their own and may give way to others.
    let holding
        (get: 'o -> (string * Layer)[])
        (set: Layer[] -> 'o -> 'o)
        (layerClass: LayerClass<'o>)
        : LayerClass<'o> =
        { layerClass with
            Nest =
                fun make options ->
                    ValueSome { Inner = get options; OnePolicy = false; With = fun layers -> make (set layers options) } }

    let changing variants (layerClass: LayerClass<'o>) = { layerClass with Variants = variants }

    let rec layer (layerClass: LayerClass<'o>) (options: 'o) : Layer =
        let options = layerClass.Check options
        let make options = layer layerClass options

        { Layer.make layerClass.Kind (Codec.write layerClass.Kind layerClass.Fields options) (layerClass.Run options) with
            Policy = DTypePolicy.OfNewLayer
            Role = layerClass.Role make options
            Nest = layerClass.Nest make options
            Variant = fun change -> layerClass.Variants make options change }

    let entry (layerClass: LayerClass<'o>) : LayerEntry =
        { Class = layerClass.Kind
          Arguments =
            layerClass.Fields
            |> List.map (fun field -> { Key = field.Key; Required = field.Required; Free = field.Written })
          Read =
            fun reader arguments ->
                layer layerClass (Codec.read layerClass.Kind layerClass.Fields reader layerClass.Start arguments) }

/// Fields for the parts of layers.
module internal LayerField =

    let activation key get set : Field<'o> = Field.make key Activation.toConfig Activation.ofConfigAt get set

    let private ofKeras moduleName (config: Config option) = config |> Option.map (ConfigWrite.objectOf moduleName)

    let initializer key get set : Field<'o> =
        Field.make key (fun (i: Initializer) -> ofKeras "keras.initializers" i.Config) Initializer.ofConfigAt get set

    let regularizer key get set : Field<'o> =
        Field.optional
            key
            (fun (r: Regularizer) -> ofKeras "keras.regularizers" r.Config)
            Regularizer.ofConfigAt
            get
            set

    let constraint' key get set : Field<'o> =
        Field.optional key (fun (c: Constraint) -> ofKeras "keras.constraints" c.Config) Constraint.ofConfigAt get set

    /// The three arguments of one weight: PREFIX_initializer, PREFIX_regularizer, PREFIX_constraint.
    let weight (prefix: string) (get: 'o -> WeightOptions) (set: WeightOptions -> 'o -> 'o) : Field<'o> list =
        [ initializer (prefix + "_initializer") (fun o -> (get o).Initializer) (fun v o ->
              set { get o with Initializer = v } o)
          regularizer (prefix + "_regularizer") (fun o -> (get o).Regularizer) (fun v o ->
              set { get o with Regularizer = v } o)
          constraint' (prefix + "_constraint") (fun o -> (get o).Constraint) (fun v o ->
              set { get o with Constraint = v } o) ]

    let activity get set : Field<'o> = regularizer "activity_regularizer" get set

    let dataFormat get set : Field<'o> =
        Field.choice
            "data_format"
            [ "channels_last", DataFormat.ChannelsLast; "channels_first", DataFormat.ChannelsFirst ]
            get
            set

    let padding get set : Field<'o> = Field.choice "padding" [ "valid", Padding.Valid; "same", Padding.Same ] get set

/// Checks and small steps that many layers need.
module internal LayerCheck =

    let argument (where: string) (expected: string) (actual: string) (hint: string) =
        raise (ArgumentValueException("An argument of a layer is not valid.", where, expected, actual, hint))

    let positive where (value: int) =
        if value <= 0 then
            argument where "a number above 0" (string value) "Sizes and counts start at 1."

    let rate where (value: float) =
        if not (value >= 0.0 && value <= 1.0) then
            argument where "a rate from 0 to 1" (ConfigRead.show (Float value)) "0.2 drops a fifth."

    /// One number per spatial axis; a single number counts for all.
    let perAxis where (rank: int) (values: int list) : int list =
        let values = if values.Length = 1 then List.replicate rank values.Head else values

        if values.Length <> rank || values |> List.exists (fun v -> v <= 0) then
            let text = "[" + String.Join(", ", values) + "]"
            argument
                where
                (string rank + " positive numbers, or one for all axes")
                text
                "Give one number per spatial axis."

        values

    let rankError (kind: string) (expected: string) (x: Expr) (hint: string) =
        raise (ShapeException(kind + " got an input of the wrong rank.", "", expected, x.Shape.ToString(), hint))

    let rank (kind: string) (rank: int) (meaning: string) (x: Expr) =
        if x.Rank <> rank then
            rankError
                kind
                ("rank " + string rank + ": " + meaning)
                x
                "Reshape the input, or use the layer for its rank."

    let minRank (kind: string) (rank: int) (x: Expr) =
        if x.Rank < rank then
            rankError kind ("rank " + string rank + " or more, the batch first") x "The first axis is the batch."

    /// The model's floating-point type, whatever the input's.
    let floating (scope: Scope) (x: Expr) : Expr = Ops.cast scope.FloatType x

    /// Whole numbers in the model's floating-point type; others stay what they are.
    let inexact (scope: Scope) (x: Expr) : Expr = if DType.isFloating x.DType then x else floating scope x

    /// Random numbers of a layer under a name; a seed chooses another stream of them.
    let random
        (scope: Scope)
        (seed: int option)
        (name: string)
        (kind: FunctionalNet.Graph.RandomKind)
        (shape: Shape)
        : Expr =
        let stream =
            match seed with
            | None -> name
            | Some seed -> name + ":" + string seed

        scope.Random(stream, kind, shape)

    /// Adds the penalty of an output, of the whole batch: Keras 3.8 does not divide it by the batch size.
    let activity (scope: Scope) (regularizer: Regularizer option) (output: Expr) =
        match regularizer with
        | Some r when not scope.IgnoresActivity -> scope.AddLoss(r.Penalty output)
        | Some _
        | None -> ()

    /// Runs a channels-last function on data of either layout.
    let inChannelsLast (format: DataFormat) (run: Expr -> Expr) (x: Expr) : Expr =
        match format with
        | DataFormat.ChannelsLast -> run x
        | DataFormat.ChannelsFirst -> x |> Ops.moveAxis 1 -1 |> run |> Ops.moveAxis -1 1

    /// Axis indices from the front, ascending.
    let axes (kind: string) (axes: int list) (x: Expr) : int[] =
        axes
        |> List.map (fun axis ->
            match Shape.normalizeAxis x.Rank axis with
            | Some a -> a
            | None -> rankError kind ("an input that has axis " + string axis) x "Change the layer's axis.")
        |> List.distinct
        |> List.sort
        |> List.toArray

    /// A vector (or tensor over the given axes) in a shape that broadcasts against x.
    let alignTo (x: Expr) (axes: int[]) (value: Expr) : Expr =
        let dims = Array.create x.Rank 1

        for axis in axes do
            dims[axis] <- x.Shape[axis]

        Ops.reshape dims value
