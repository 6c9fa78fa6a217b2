namespace FunctionalNet

open FunctionalNet.Common

/// <summary>Penalties on weights and outputs, added to the loss.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Regularizer =

    let private make
        (className: string)
        (arguments: (string * ConfigValue) list)
        (penalty: Expr -> Expr)
        : Regularizer =
        { Config = Some { ClassName = className; Arguments = arguments }; Penalty = penalty }

    let private absolute factor x = Ops.sumAll (Ops.abs x) * factor
    let private squared factor x = Ops.sumAll (Ops.square x) * factor

    /// <summary>A penalty of your own: a function to a scalar. It cannot be saved.</summary>
    let create (penalty: Expr -> Expr) : Regularizer = { Config = None; Penalty = penalty }

    /// <summary>factor times the sum of absolute values. Keras's default factor: 0.01.</summary>
    let l1 (factor: float) = make "L1" [ "l1", Float factor ] (absolute factor)

    /// <summary>factor times the sum of squares. Keras's default factor: 0.01.</summary>
    let l2 (factor: float) = make "L2" [ "l2", Float factor ] (squared factor)

    /// <summary>l1 times the sum of absolute values plus l2 times the sum of squares.</summary>
    let l1l2 (l1: float) (l2: float) =
        make "L1L2" [ "l1", Float l1; "l2", Float l2 ] (fun x ->
            match l1, l2 with
            | 0.0, _ -> squared l2 x
            | _, 0.0 -> absolute l1 x
            | _ -> absolute l1 x + squared l2 x)

    /// <summary>Penalises rows (or columns) of a matrix that are not orthogonal: factor times the mean absolute cosine between
    /// pairs. Keras's default factor: 0.01.</summary>
    /// <param name="factor">Strength.</param>
    /// <param name="rows">True for rows, false for columns.</param>
    let orthogonal (factor: float) (rows: bool) =
        make
            "OrthogonalRegularizer"
            [ "factor", Float factor; "mode", Text(if rows then "rows" else "columns") ]
            (fun x ->
                if x.Rank <> 2 then
                    raise (
                        ShapeException(
                            "The orthogonal regularizer takes matrices only.",
                            "",
                            "a variable with two axes",
                            x.Shape.ToString(),
                            "Use another regularizer for this variable."
                        )
                    )

                let unit = Ops.l2Normalize [| (if rows then 1 else 0) |] 1e-7 x
                let vectors = if rows then unit else Ops.transpose [| 1; 0 |] unit
                let count = vectors.Shape[0]
                let cosines = Ops.matmul vectors (Ops.transpose [| 1; 0 |] vectors)
                let others = cosines * (1.0 - Ops.eye x.DType count count)
                let pairs = max 1.0 (float count * float (count - 1) / 2.0)
                Ops.sumAll (Ops.abs others) * (factor * 0.5 / pairs))

    let internal known = [ "L1"; "L2"; "L1L2"; "OrthogonalRegularizer" ]

    /// Functions of the user's own.
    let internal registered = CustomClasses<Regularizer>()

    /// <summary>Makes a function of your own known under a name, in configurations too. It takes precedence over a built-in one.
    /// Keras: register_keras_serializable.</summary>
    let register (name: string) (penalty: Expr -> Expr) : Regularizer =
        let made: Regularizer =
            { Config = Some { ClassName = CustomName.classOf name; Arguments = [] }; Penalty = penalty }

        registered.Register(name, fun _ -> made)
        made

    let private builtIn (where: string) (value: ConfigValue) : Regularizer =
        let config = ConfigRead.config where value

        let number = ConfigRead.numberOr where config.Arguments

        match config.ClassName with
        | "L1"
        | "l1" -> l1 (number "l1" 0.01)
        | "L2"
        | "l2" -> l2 (number "l2" 0.01)
        | "L1L2"
        | "l1_l2" ->
            // By its bare name Keras means 0.01 for both; in an object the defaults are 0.
            let fallback =
                match value with
                | Text _ -> 0.01
                | _ -> 0.0

            l1l2 (number "l1" fallback) (number "l2" fallback)
        | "OrthogonalRegularizer"
        | "orthogonal_regularizer" ->
            let rows =
                match ConfigRead.get "mode" config.Arguments with
                | Null
                | Text "rows" -> true
                | Text "columns" -> false
                | other -> raise (ConfigRead.wrong (where + ".mode") "\"rows\" or \"columns\"" other)

            orthogonal (number "factor" 0.01) rows
        | other ->
            raise (Names.unknown "regularizer" where other (known @ [ "l1"; "l2"; "l1_l2"; "orthogonal_regularizer" ]))

    let internal ofConfigAt (where: string) (value: ConfigValue) : Regularizer =
        registered.ReadOr(ConfigRead.config where value, fun _ -> builtIn where value)

    /// <summary>The regularizer of a Keras name or configuration object.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The name is unknown.</exception>
    let ofConfig (value: ConfigValue) : Regularizer = ofConfigAt "regularizer" value

/// <summary>Projections applied to weights after every update.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Constraint =

    [<Literal>]
    let private Epsilon = 1e-7

    let private make (className: string) (arguments: (string * ConfigValue) list) (project: Expr -> Expr) : Constraint =
        { Config = Some { ClassName = className; Arguments = arguments }; Project = project }

    let private axesValue (axes: int list) =
        match axes with
        | [ axis ] -> Int(int64 axis)
        | axes -> ConfigWrite.ints axes

    let private norms (axes: int list) (w: Expr) = Ops.sqrt (Ops.sum (List.toArray axes) true (Ops.square w))

    /// <summary>A projection of your own. It cannot be saved.</summary>
    let create (project: Expr -> Expr) : Constraint = { Config = None; Project = project }

    /// <summary>Euclidean norms over the axes are at most the given value. Keras's defaults: 2 and axis 0.</summary>
    let maxNorm (maxValue: float) (axes: int list) =
        make "MaxNorm" [ "max_value", Float maxValue; "axis", axesValue axes ] (fun w ->
            let norm = norms axes w
            w * (Ops.clip 0.0 maxValue norm / (norm + Epsilon)))

    /// <summary>Negative values become 0.</summary>
    let nonNeg = make "NonNeg" [] Ops.relu

    /// <summary>Euclidean norms over the axes are 1. Keras's default: axis 0.</summary>
    let unitNorm (axes: int list) = make "UnitNorm" [ "axis", axesValue axes ] (fun w -> w / (norms axes w + Epsilon))

    /// <summary>Euclidean norms over the axes move toward the range by the given rate. Keras's defaults: 0, 1, 1 and
    /// axis 0.</summary>
    let minMaxNorm (minValue: float) (maxValue: float) (rate: float) (axes: int list) =
        make
            "MinMaxNorm"
            [ "min_value", Float minValue
              "max_value", Float maxValue
              "rate", Float rate
              "axis", axesValue axes ]
            (fun w ->
                let norm = norms axes w
                let wanted = Ops.clip minValue maxValue norm * rate + norm * (1.0 - rate)
                w * (wanted / (norm + Epsilon)))

    let internal known = [ "MaxNorm"; "NonNeg"; "UnitNorm"; "MinMaxNorm" ]

    /// Functions of the user's own.
    let internal registered = CustomClasses<Constraint>()

    /// <summary>Makes a function of your own known under a name, in configurations too. It takes precedence over a built-in one.
    /// Keras: register_keras_serializable.</summary>
    let register (name: string) (project: Expr -> Expr) : Constraint =
        let made: Constraint =
            { Config = Some { ClassName = CustomName.classOf name; Arguments = [] }; Project = project }

        registered.Register(name, fun _ -> made)
        made

    let private builtIn (where: string) (value: ConfigValue) : Constraint =
        let config = ConfigRead.config where value

        let number = ConfigRead.numberOr where config.Arguments

        let axes =
            match ConfigRead.get "axis" config.Arguments with
            | Null -> [ 0 ]
            | value -> ConfigRead.ints (where + ".axis") value

        match config.ClassName with
        | "MaxNorm"
        | "max_norm" -> maxNorm (number "max_value" 2.0) axes
        | "NonNeg"
        | "non_neg" -> nonNeg
        | "UnitNorm"
        | "unit_norm" -> unitNorm axes
        | "MinMaxNorm"
        | "min_max_norm" -> minMaxNorm (number "min_value" 0.0) (number "max_value" 1.0) (number "rate" 1.0) axes
        | other ->
            raise (
                Names.unknown "constraint" where other (known @ [ "max_norm"; "non_neg"; "unit_norm"; "min_max_norm" ])
            )

    let internal ofConfigAt (where: string) (value: ConfigValue) : Constraint =
        registered.ReadOr(ConfigRead.config where value, fun _ -> builtIn where value)

    /// <summary>The constraint of a Keras name or configuration object.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The name is unknown.</exception>
    let ofConfig (value: ConfigValue) : Constraint = ofConfigAt "constraint" value
