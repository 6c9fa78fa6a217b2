namespace FunctionalNet

open FunctionalNet.Graph

/// One argument of an operation's call.
[<NoEquality; NoComparison; RequireQualifiedAccess>]
type internal OperationArgument =
    | Tensor of Expr
    | Tensors of Expr list
    | Plain of ConfigValue

/// What Keras's single operations compute, from the options they were made with and the arguments of their call.
module internal OperationTable =

    let private node op (a: Expr) (b: Expr) = Expr.Node(Binary op, [| a; b |])
    let private apply op (x: Expr) = Expr.Node(Unary op, [| x |])

    /// Of two tensors; one may be a number.
    let private binary: (string * (Expr -> Expr -> Expr)) list =
        [ "Add", Ops.add
          "Subtract", Ops.subtract
          "Multiply", Ops.multiply
          "Divide", Ops.divide
          "TrueDivide", Ops.divide
          "FloorDivide", Ops.floorDivide
          "Mod", Ops.modulo
          "Power", Ops.pow
          "Maximum", Ops.maximum
          "Minimum", Ops.minimum
          "Equal", Ops.equal
          "NotEqual", Ops.notEqual
          "Less", Ops.less
          "LessEqual", Ops.lessEqual
          "Greater", Ops.greater
          "GreaterEqual", Ops.greaterEqual
          "LogicalAnd", Ops.logicalAnd
          "LogicalOr", Ops.logicalOr
          "LogicalXor", Ops.logicalXor
          "Arctan2", node BinaryOp.Atan2
          "Logaddexp", Ops.logAddExp
          "Matmul", Ops.matmul
          "Dot", Ops.dot ]

    /// Of one tensor, without options.
    let private unary: (string * (Expr -> Expr)) list =
        [ "Negative", Ops.neg
          "Absolute", Ops.abs
          "Abs", Ops.abs
          "Sign", Ops.sign
          "Reciprocal", Ops.reciprocal
          "Square", Ops.square
          "Sqrt", Ops.sqrt
          "Rsqrt", Ops.rsqrt
          "Exp", Ops.exp
          "Expm1", Ops.expm1
          "Log", Ops.log
          "Log1p", Ops.log1p
          "Log2", Ops.log2
          "Log10", Ops.log10
          "Sin", Ops.sin
          "Cos", Ops.cos
          "Tan", Ops.tan
          "Arcsin", Ops.asin
          "Arccos", Ops.acos
          "Arctan", Ops.atan
          "Sinh", Ops.sinh
          "Cosh", Ops.cosh
          "Tanh", Ops.tanh
          "Erf", Ops.erf
          "Sigmoid", Ops.sigmoid
          "Relu", Ops.relu
          "Softplus", Ops.softplus
          "Floor", Ops.floor
          "Ceil", Ops.ceil
          "Isnan", Ops.isNaN
          "Isinf", Ops.isInf
          "Isfinite", Ops.isFinite
          "LogicalNot", apply UnaryOp.Not
          "StopGradient", Ops.stopGradient
          "Ravel", Ops.ravel ]

    let private reductions: (string * (int[] -> bool -> Expr -> Expr)) list =
        [ "Sum", Ops.sum
          "Mean", Ops.mean
          "Average", Ops.mean
          "Max", Ops.max
          "Amax", Ops.max
          "Min", Ops.min
          "Amin", Ops.min
          "Prod", Ops.prod
          "Any", Ops.any
          "All", Ops.all
          "Var", Ops.var
          "Std", Ops.std
          "Logsumexp", Ops.logsumexp ]

    /// The axes of an option: one, several, or all.
    let private axesOf (where: string) (x: Expr) (value: ConfigValue) : int[] =
        match value with
        | Null -> [| 0 .. x.Rank - 1 |]
        | given -> List.toArray (ConfigRead.ints where given)

    /// Part of one axis, by Python's rules for a slice.
    let private part (where: string) (axis: int) (entries: (string * ConfigValue) list) (x: Expr) : Expr =
        let bound key orElse =
            match ConfigRead.get key entries with
            | Null -> orElse
            | value ->
                let at = ConfigRead.int where value
                min x.Shape[axis] (max 0 (if at < 0 then at + x.Shape[axis] else at))

        let step =
            match ConfigRead.get "step" entries with
            | Null -> 1
            | value -> ConfigRead.int where value

        if step < 1 then
            raise (ConfigRead.wrong where "slices with a positive step" (Int(int64 step)))

        let starts = Array.zeroCreate x.Rank
        let limits = x.Shape.ToArray()
        let steps = Array.create x.Rank 1
        starts[axis] <- bound "start" 0
        limits[axis] <- max starts[axis] (bound "stop" x.Shape[axis])
        steps[axis] <- step
        Ops.stridedSlice starts limits steps x

    /// Keras's `x[...]` with numbers, slices, ellipses and new axes.
    let private item (where: string) (x: Expr) (key: ConfigValue) : Expr =
        let keys =
            match key with
            | ConfigValue.List keys -> keys
            | ConfigValue.Object [ ("class_name", Text "__tuple__"); ("items", ConfigValue.List keys) ] -> keys
            | one -> [ one ]

        let isEllipsis key =
            match key with
            | ConfigValue.Object entries -> ConfigRead.get "class_name" entries = Text "__ellipsis__"
            | _ -> false

        let taken = keys |> List.filter (fun key -> key <> Null && not (isEllipsis key)) |> List.length

        let mutable result = x
        let mutable axis = 0

        for key in keys do
            match key with
            | Null ->
                result <- Ops.expandDims axis result
                axis <- axis + 1
            | Int index ->
                let size = result.Shape[axis]
                result <- Ops.index axis (if index < 0L then int index + size else int index) result
            | key when isEllipsis key -> axis <- axis + x.Rank - taken
            | ConfigValue.Object entries when ConfigRead.get "class_name" entries = Text "__slice__" ->
                result <- part where axis (ConfigRead.entriesOf where (ConfigRead.get "config" entries)) result
                axis <- axis + 1
            | other -> raise (ConfigRead.wrong where "numbers, slices, ellipses and new axes" other)

        result

    /// The activation that an operation of `keras.ops.nn` is, by its name.
    let private activation (kind: string) (options: (string * ConfigValue) list) : Activation option =
        let name = Layer.snakeCase kind

        if List.contains name Activation.knownNames then
            let given = options |> List.filter (fun (_, value) -> value <> Null)
            Some(
                Activation.ofConfig (ConfigValue.Object [ "class_name", Text name; "config", ConfigValue.Object given ])
            )
        else
            None

    let private withOptions: string list =
        [ "Argmax"
          "Argmin"
          "BroadcastTo"
          "Cast"
          "Clip"
          "Concatenate"
          "ConvertToTensor"
          "Cumsum"
          "Einsum"
          "ExpandDims"
          "Flip"
          "GetItem"
          "Moveaxis"
          "Norm"
          "Normalize"
          "OneHot"
          "OnesLike"
          "Pad"
          "Repeat"
          "Reshape"
          "Roll"
          "Sort"
          "Split"
          "Squeeze"
          "Stack"
          "Swapaxes"
          "Take"
          "Tile"
          "TopK"
          "Transpose"
          "Where"
          "ZerosLike" ]

    /// True if there is an operation of that class.
    let knows (kind: string) : bool =
        List.exists (fst >> (=) kind) binary
        || List.exists (fst >> (=) kind) unary
        || List.exists (fst >> (=) kind) reductions
        || List.contains kind withOptions
        || List.contains (Layer.snakeCase kind) Activation.knownNames

    /// A number among tensors, in the type of the tensor where that can hold it.
    let private constant (like: Expr) (kind: string) (value: ConfigValue) : Expr =
        match value with
        | Int i -> Expr.Scalar(like.DType, float i)
        | Float f when DType.isFloating like.DType -> Expr.Scalar(like.DType, f)
        | Float f when f = System.Math.Floor f -> Expr.Scalar(like.DType, f)
        | Bool b when like.DType = DType.Bool -> Expr.Scalar(DType.Bool, (if b then 1.0 else 0.0))
        | other -> raise (ConfigRead.wrong kind ("a tensor or a number of type " + DType.name like.DType) other)

    /// Both of one type; a condition keeps its own.
    let private tensorsOf (kind: string) (arguments: OperationArgument list) : Expr list =
        let like =
            arguments
            |> List.tryPick (fun argument ->
                match argument with
                | OperationArgument.Tensor x when kind <> "Where" || x.DType <> DType.Bool -> Some x
                | _ -> None)

        let given =
            arguments
            |> List.map (fun argument ->
                match argument, like with
                | OperationArgument.Tensor x, _ -> x
                | OperationArgument.Plain value, Some like -> constant like kind value
                | _ -> raise (ConfigRead.wrong kind "tensors and numbers" Null))

        // Of a whole number and one with a point Keras makes two of the latter.
        match given |> List.tryFind (fun x -> DType.isFloating x.DType) with
        | Some point -> given |> List.map (fun x -> if DType.isInteger x.DType then Ops.cast point.DType x else x)
        | None -> given

    let private find table kind = table |> List.tryPick (fun (name, apply) -> if name = kind then Some apply else None)

    /// The results of an operation; None if it does not take such arguments.
    let run (kind: string) (options: (string * ConfigValue) list) (arguments: OperationArgument list) : Expr[] option =
        let get key = ConfigRead.get key options
        let int key = ConfigRead.int (kind + "." + key) (get key)
        let axis key (rank: int) = let at = int key in (if at < 0 then at + rank else at)
        let one (x: Expr) = Some [| x |]

        let flag key =
            match get key with
            | Bool value -> value
            | _ -> false

        let dtype key (orElse: DType) =
            match get key with
            | Text name -> DType.parse name
            | _ -> orElse

        match kind, find reductions kind, arguments with
        | _, Some reduce, [ OperationArgument.Tensor x ] ->
            one (reduce (axesOf kind x (get "axis")) (flag "keepdims") x)
        | "GetItem", _, [ OperationArgument.Tensor x; OperationArgument.Plain key ] -> one (item kind x key)
        | "Concatenate", _, [ OperationArgument.Tensors xs ] ->
            one (Ops.concatenate (axis "axis" xs.Head.Rank) (List.toArray xs))
        | "Stack", _, [ OperationArgument.Tensors xs ] ->
            one (Ops.stack (axis "axis" (xs.Head.Rank + 1)) (List.toArray xs))
        | "Einsum", _, xs ->
            one (Ops.einsum (ConfigRead.text kind (get "subscripts")) (List.toArray (tensorsOf kind xs)))
        | "Take", _, [ OperationArgument.Tensor x; OperationArgument.Plain(Int index) ] ->
            let along = axis "axis" x.Rank
            one (Ops.index along (if index < 0L then int32 index + x.Shape[along] else int32 index) x)
        | "Take", _, [ OperationArgument.Tensor x; OperationArgument.Tensor indices ] ->
            one (Ops.take indices (axis "axis" x.Rank) x)
        | "Where", _, [ OperationArgument.Tensor _; _; _ ] ->
            match tensorsOf kind arguments with
            | [ condition; x; y ] -> one (Ops.where condition x y)
            | _ -> None
        | _, _, [ OperationArgument.Tensor x ] ->
            match kind with
            | "Reshape" -> one (Ops.reshape (List.toArray (ConfigRead.ints kind (get "newshape"))) x)
            | "Transpose" ->
                match get "axes" with
                | Null -> one (Ops.transpose (Array.rev [| 0 .. x.Rank - 1 |]) x)
                | axes -> one (Ops.transpose (List.toArray (ConfigRead.ints kind axes)) x)
            | "ExpandDims" ->
                let axes = ConfigRead.ints kind (get "axis")
                one (axes |> List.fold (fun x axis -> Ops.expandDims axis x) x)
            | "Squeeze" ->
                match get "axis" with
                | Null ->
                    one (
                        Ops.squeeze
                            [| for i in 0 .. x.Rank - 1 do
                                   if x.Shape[i] = 1 then i |]
                            x
                    )
                | axes -> one (Ops.squeeze (List.toArray (ConfigRead.ints kind axes)) x)
            | "Swapaxes" -> one (Ops.swapAxes (axis "axis1" x.Rank) (axis "axis2" x.Rank) x)
            | "Moveaxis" -> one (Ops.moveAxis (axis "source" x.Rank) (axis "destination" x.Rank) x)
            | "BroadcastTo" ->
                one (Ops.broadcastTo (Shape.ofArray (List.toArray (ConfigRead.ints kind (get "shape")))) x)
            | "Cast"
            // What Keras makes of the mask that an attention layer hands on.
            | "ConvertToTensor" -> one (Ops.cast (dtype "dtype" x.DType) x)
            | "OnesLike" -> one (Ops.ones (dtype "dtype" x.DType) x.Shape)
            | "ZerosLike" -> one (Ops.zeros (dtype "dtype" x.DType) x.Shape)
            | "Clip" -> one (Ops.clip (ConfigRead.float kind (get "x_min")) (ConfigRead.float kind (get "x_max")) x)
            | "Flip" -> one (Ops.flip (axesOf kind x (get "axis")) x)
            | "Sort" when get "axis" <> Null -> one (Ops.sort (axis "axis" x.Rank) false x)
            | "Roll" when get "axis" <> Null -> one (Ops.roll (int "shift") (axis "axis" x.Rank) x)
            | "TopK" ->
                let struct (values, places) = Ops.topK (int "k") x
                Some [| values; places |]
            | "Tile" ->
                let times = List.toArray (ConfigRead.ints kind (get "repeats"))
                one (Ops.tile (Array.append (Array.create (max 0 (x.Rank - times.Length)) 1) times) x)
            | "Repeat" -> one (Ops.repeat (int "repeats") (axis "axis" x.Rank) x)
            | "Cumsum" -> one (Ops.cumsum (axis "axis" x.Rank) x)
            | "Split" ->
                match get "indices_or_sections" with
                | Int parts -> Some(Ops.split (int32 parts) (axis "axis" x.Rank) x)
                | places ->
                    let along = axis "axis" x.Rank
                    let places = ConfigRead.ints kind places @ [ x.Shape[along] ]
                    let sizes = List.map2 (-) places (0 :: List.truncate (places.Length - 1) places)
                    Some(Ops.splitSizes (List.toArray sizes) along x)
            | "Argmax"
            | "Argmin" ->
                let along = axis "axis" x.Rank
                let found = if kind = "Argmax" then Ops.argmax along x else Ops.argmin along x
                one (if flag "keepdims" then Ops.expandDims along found else found)
            | "OneHot" when get "axis" = Int -1L || get "axis" = Null ->
                one (Ops.oneHot (int "num_classes") (dtype "dtype" DType.Float32) x)
            | "Pad" when get "mode" = Text "constant" ->
                let widths =
                    match get "pad_width" with
                    | ConfigValue.List items ->
                        [| for item in items ->
                               match ConfigRead.ints kind item with
                               | [ before; after ] -> struct (before, after)
                               | _ -> raise (ConfigRead.wrong kind "pairs" item) |]
                    | other -> raise (ConfigRead.wrong kind "pairs" other)

                one (Ops.pad widths 0.0 x)
            | "Norm" when get "ord" = Null ->
                one (Ops.sqrt (Ops.sum (axesOf kind x (get "axis")) (flag "keepdims") (Ops.square x)))
            | "Normalize" when get "order" = Int 2L ->
                let epsilon =
                    match get "epsilon" with
                    | Null -> 1e-7
                    | value -> ConfigRead.float kind value

                let axes = axesOf kind x (get "axis")
                let squares = Ops.sum axes true (Ops.square x)
                one (x * Ops.rsqrt (Ops.maximum squares (Expr.Scalar(x.DType, epsilon * epsilon))))
            | _ ->
                match find unary kind, activation kind options with
                | Some apply, _ -> one (apply x)
                | None, Some activation -> one (activation.Apply x)
                | None, None -> None
        | _, _, [ _; _ ] ->
            match find binary kind, tensorsOf kind arguments with
            | Some apply, [ a; b ] -> one (apply a b)
            | _ -> None
        | _ -> None
