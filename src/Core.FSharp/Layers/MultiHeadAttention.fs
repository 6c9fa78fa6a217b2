namespace FunctionalNet

open FunctionalNet.Graph

/// <summary>Options of MultiHeadAttention and GroupQueryAttention.</summary>
[<AutoOpen>]
module MultiHeadAttentionTypes =

    /// <summary>Arguments of MultiHeadAttention; <c>MultiHeadAttention.options numHeads keyDim</c> has Keras's defaults.</summary>
    [<NoEquality; NoComparison>]
    type MultiHeadAttentionOptions =
        {
            /// <summary>Number of heads.</summary>
            NumHeads: int
            /// <summary>Size of a head's queries and keys.</summary>
            KeyDim: int
            /// <summary>Size of a head's values; None for that of its keys.</summary>
            ValueDim: int option
            /// <summary>Share of the weights that are dropped while training. Default: 0.</summary>
            Dropout: float
            /// <summary>True if the projections have biases. Default: true.</summary>
            UseBias: bool
            /// <summary>Sizes of the output's last axes; None for the size of the query.</summary>
            OutputShape: int list option
            /// <summary>The axes that are attended over; None for all but the batch and the features.</summary>
            AttentionAxes: int list option
            /// <summary>A query sees keys less than this many positions away; None for all. For one axis of attention.</summary>
            SlidingWindow: int option
            /// <summary>Of every projection. Default: Glorot uniform.</summary>
            Kernel: WeightOptions
            /// <summary>Of every projection. Default: zeros.</summary>
            Bias: WeightOptions
            /// <summary>Penalty on the output of every projection, summed over the whole batch.</summary>
            ActivityRegularizer: Regularizer option
            /// <summary>Low-rank adaptation of single projections, by their names: query, key, value, attention_output. Default:
            /// none.</summary>
            Lora: (string * LoraOptions) list
            /// <summary>Chooses another stream of random numbers under the same model seed.</summary>
            Seed: int option
            /// <summary>True if a query sees no later key (Keras's argument of the call). Default: false.</summary>
            UseCausalMask: bool
            /// <summary>True for a second output, the weights (Keras's argument of the call). Default: false.</summary>
            ReturnAttentionScores: bool
        }

    /// <summary>Arguments of GroupQueryAttention; <c>GroupQueryAttention.options headDim numQueryHeads numKeyValueHeads</c> has
    /// Keras's defaults.</summary>
    [<NoEquality; NoComparison>]
    type GroupQueryAttentionOptions =
        {
            /// <summary>Size of a head.</summary>
            HeadDim: int
            /// <summary>Number of heads of queries.</summary>
            NumQueryHeads: int
            /// <summary>Number of heads of keys and values; it divides that of the queries.</summary>
            NumKeyValueHeads: int
            /// <summary>Share of the weights that are dropped while training. Default: 0.</summary>
            Dropout: float
            /// <summary>True if the projections have biases. Default: true.</summary>
            UseBias: bool
            /// <summary>A query sees keys less than this many positions away; None for all.</summary>
            SlidingWindow: int option
            /// <summary>Of every projection. Default: Glorot uniform.</summary>
            Kernel: WeightOptions
            /// <summary>Of every projection. Default: zeros.</summary>
            Bias: WeightOptions
            /// <summary>Penalty on the output of every projection, summed over the whole batch.</summary>
            ActivityRegularizer: Regularizer option
            /// <summary>Low-rank adaptation of single projections, by their names: query, key, value, attention_output. Default:
            /// none.</summary>
            Lora: (string * LoraOptions) list
            /// <summary>Chooses another stream of random numbers under the same model seed.</summary>
            Seed: int option
            /// <summary>True if a query sees no later key (Keras's argument of the call). Default: false.</summary>
            UseCausalMask: bool
            /// <summary>True for a second output, the weights (Keras's argument of the call). Default: false.</summary>
            ReturnAttentionScores: bool
        }

/// Attention by several heads between projections.
module private HeadedAttention =

    [<NoEquality; NoComparison>]
    type Settings =
        { Kind: string
          QueryHeads: int
          KeyHeads: int
          KeyDim: int
          ValueDim: int
          Dropout: float
          UseBias: bool
          OutputShape: int list option
          Axes: int list option
          Window: int option
          Kernel: WeightOptions
          Bias: WeightOptions
          Activity: Regularizer option
          Lora: (string * LoraOptions) list
          Seed: int option
          Causal: bool
          ReturnScores: bool }

    let private loraOf (name: string) (all: (string * LoraOptions) list) : LoraOptions =
        all
        |> List.tryPick (fun (n, lora) -> if n = name then Some lora else None)
        |> Option.defaultValue Lora.none

    /// The last `from` axes of x become the axes `into`: an einsum with a kernel of the axes of both, and a bias.
    let private project (s: Settings) (scope: Scope) (name: string) (from: int) (into: int[]) (x: Expr) : Expr =
        let scope = scope.Child name
        let lora = loraOf name s.Lora
        let dims = x.Shape.ToArray()
        let rows, inner = dims[.. dims.Length - 1 - from], dims[dims.Length - from ..]
        let product = Array.fold (*) 1
        let shape = Array.append inner into
        let flat = Ops.reshape [| product rows; product inner |] x
        let matrix = Ops.reshape [| product inner; product into |]
        let vector = Ops.reshape [| product into |]
        let whole =
            if scope.IsQuantized then
                // As a layer of the projection's equation has them.
                let scales = Array.append (Array.create rows.Length 1) into
                ValueSome(Quantization.declare scope "kernel" shape scales)
            else
                ValueNone
        let kernel =
            if whole.IsSome then ValueNone else ValueSome(LowRank.declare scope "kernel" shape s.Kernel lora)
        let bias = if s.UseBias then ValueSome(s.Bias |> Weight.declare scope "bias" into) else ValueNone
        let pair = LowRank.matrices scope "kernel" shape s.Kernel lora

        let output =
            match whole, kernel, pair with
            | ValueSome(struct (weights, scales)), _, pair ->
                let output = Quantization.product flat (struct (matrix weights, vector scales))

                match pair with
                | ValueSome pair -> output + Ops.matmul flat (matrix (LowRank.delta lora pair))
                | ValueNone -> output
            | _, kernel, ValueSome pair -> Ops.matmul flat (matrix (LowRank.merged lora kernel.Value pair))
            | _, kernel, ValueNone -> Ops.matmul flat (matrix kernel.Value)

        let output =
            match bias with
            | ValueSome bias -> output + vector bias
            | ValueNone -> output

        let output = Ops.reshape (Array.append rows into) output
        LayerCheck.activity scope s.Activity output
        output

    /// The projections, with the equations by which they would be layers of their own: they change as those do.
    let private projections =
        [| "query", "...x,xhd->...hd"
           "key", "...x,xhd->...hd"
           "value", "...x,xhd->...hd"
           "attention_output", "...hd,hdo->...o" |]

    /// The projections as layers, and what the layer is with others in their places.
    let nest
        (make: 'o -> Layer)
        (settings: 'o -> Settings)
        (set: (string * LoraOptions) list -> 'o -> 'o)
        (options: 'o)
        =
        let s = settings options

        let asLayer (name: string, equation: string) =
            // An output of several axes has the equation's letters for them.
            let axes = if name = "attention_output" then s.OutputShape |> Option.map List.length else None
            let equation =
                axes |> Option.fold (fun (e: string) n -> e.Replace("o", "opqrstuvw".Substring(0, n))) equation

            name,
            LayerClass.layer EinsumDense.definition { EinsumDense.options equation [] with Lora = loraOf name s.Lora }

        let rankOf (layer: Layer) : LoraOptions =
            match layer.LayerConfig with
            | Some config ->
                let rank = ConfigRead.get "lora_rank" config.Arguments
                let alpha = ConfigRead.get "lora_alpha" config.Arguments

                { Rank = ConfigRead.optional ConfigRead.int "lora_rank" rank
                  Alpha = ConfigRead.optional ConfigRead.float "lora_alpha" alpha }
            | None -> Lora.none

        ValueSome
            { Inner = Array.map asLayer projections
              OnePolicy = true
              With =
                fun layers ->
                    let lora =
                        [ for (name, _), layer in Array.zip projections layers do
                              let lora = rankOf layer
                              if LowRank.isOn lora then name, lora ]

                    make (set lora options) }

    /// The argument lora: the adapted projections by name.
    let loraField (get: 'o -> (string * LoraOptions) list) (set: (string * LoraOptions) list -> 'o -> 'o) : Field<'o> =
        let write (all: (string * LoraOptions) list) =
            match all with
            | [] -> Some Null
            | all ->
                Some(
                    Object
                        [ for name, lora in all ->
                              name,
                              Object
                                  [ "lora_rank",
                                    (match lora.Rank with
                                     | Some r -> Int(int64 r)
                                     | None -> Null)
                                    "lora_alpha",
                                    (match lora.Alpha with
                                     | Some a -> Float a
                                     | None -> Null) ] ]
                )

        let read (where: string) (value: ConfigValue) =
            match value with
            | Null -> []
            | Object entries ->
                [ for name, value in entries do
                      if not (projections |> Array.exists (fun (n, _) -> n = name)) then
                          raise (ConfigRead.wrong where "query, key, value or attention_output" (Text name))

                      match value with
                      | Object inner ->
                          let at key = ConfigRead.get key inner

                          name,
                          { Rank = ConfigRead.optional ConfigRead.int (where + ".lora_rank") (at "lora_rank")
                            Alpha = ConfigRead.optional ConfigRead.float (where + ".lora_alpha") (at "lora_alpha") }
                      | other -> raise (ConfigRead.wrong where "lora_rank and lora_alpha" other) ]
            | other -> raise (ConfigRead.wrong where "projections by name" other)

        Field.nullable "lora" write read get set

    /// The axes of attention of an input of that rank.
    let private axesOf (s: Settings) (query: Expr) : int[] =
        match s.Axes with
        | None -> [| 1 .. query.Rank - 2 |]
        | Some axes ->
            let axes = LayerCheck.axes s.Kind axes query

            if axes.Length = 0 || axes[0] = 0 || Array.last axes = query.Rank - 1 then
                LayerCheck.rankError
                    s.Kind
                    "axes of attention between the batch and the features"
                    query
                    "Change attention_axes."

            axes

    /// Masks of the inputs, of order and of distance: (batch, queries..., keys...) as far as Keras builds it.
    let private maskOf (scope: Scope) (query: Flow) (value: Flow) (key: Flow voption) : Expr voption =
        let ofQuery = AttentionParts.maskOf scope "query_mask" query |> ValueOption.map (Ops.expandDims -1)
        let ofKeys name flow = AttentionParts.maskOf scope name flow |> ValueOption.map (Ops.expandDims -2)
        let ofValue = ofKeys "value_mask" value

        let ofKey =
            match key with
            | ValueSome key -> ofKeys "key_mask" key
            | ValueNone -> scope.Argument "key_mask" |> ValueOption.map (AttentionParts.truth >> Ops.expandDims -2)

        AttentionParts.both (AttentionParts.both ofQuery ofValue) ofKey
        |> AttentionParts.both (scope.Argument "attention_mask" |> ValueOption.map AttentionParts.truth)

    /// A mask with axes of size 1 for the heads, so that its last axes are those of queries and keys.
    let private aligned (s: Settings) (axes: int) (rank: int) (mask: Expr) : Expr =
        let dims = mask.Shape.ToArray()

        if dims.Length > rank || dims.Length < 2 * axes then
            LayerCheck.rankError
                s.Kind
                ("an attention mask of rank " + string (2 * axes) + " to " + string rank)
                mask
                "Its axes are the batch, perhaps the heads, then those of queries and of keys."

        let at = dims.Length - 2 * axes
        Ops.reshape (Array.concat [ dims[.. at - 1]; Array.create (rank - dims.Length) 1; dims[at..] ]) mask

    /// Everything in four axes, by the operation that stores no matrix of scores.
    let private fused (s: Settings) (mask: Expr voption) (q: Expr) (k: Expr) (v: Expr) : Expr =
        let pattern =
            { Scale = 1.0 / sqrt (float s.KeyDim); Causal = s.Causal; Window = Option.defaultValue 0 s.Window }

        Ops.attention pattern (mask |> ValueOption.map (aligned s 1 4)) q k v

    let private repeatHeads (s: Settings) (x: Expr) =
        if s.KeyHeads = s.QueryHeads then x else Ops.repeat (s.QueryHeads / s.KeyHeads) (x.Rank - 2) x

    /// With the whole matrix of weights, over any axes: the weighted values, and the weights.
    let private explicit (s: Settings) (scope: Scope) (axes: int[]) mask (q: Expr) (k: Expr) (v: Expr) =
        let k, v = repeatHeads s k, repeatHeads s v
        // The other axes, heads last, are batch axes.
        let others = [| 0 .. q.Rank - 2 |] |> Array.except axes
        let order = Array.concat [ others; axes; [| q.Rank - 1 |] ]
        let sizes (x: Expr) (axes: int[]) = axes |> Array.map (fun a -> x.Shape[a])
        let product = Array.fold (*) 1
        let batch = sizes q others

        let matrices (x: Expr) =
            let last = x.Shape[-1]

            Ops.transpose order x |> Ops.reshape [| product batch; product (sizes x axes); last |]

        let queries = matrices (q * (1.0 / sqrt (float s.KeyDim)))
        let scores = Expr.Node(MatMul(false, true), [| queries; matrices k |])
        let full = Array.concat [ batch; sizes q axes; sizes k axes ]

        let pattern =
            let p = { Scale = 1.0; Causal = s.Causal; Window = Option.defaultValue 0 s.Window }

            AttentionMeaning.pattern p q.Shape[axes[0]] k.Shape[axes[0]]

        let seen =
            mask
            |> ValueOption.map (aligned s axes.Length full.Length)
            |> AttentionParts.both (
                pattern |> ValueOption.map (fun m -> aligned s axes.Length full.Length (Ops.expandDims 0 m))
            )
            |> ValueOption.map (Ops.broadcastTo (Shape.Of full) >> Ops.reshape (scores.Shape.ToArray()))

        let weights = Ops.softmax -1 (AttentionParts.lower seen scores)
        let values = Ops.matmul (AttentionParts.drop scope s.Dropout s.Seed weights) (matrices v)
        // Back to the order of the axes of the query.
        let inverse = Array.init order.Length (fun axis -> System.Array.IndexOf(order, axis))

        let output =
            values
            |> Ops.reshape (Array.concat [ batch; sizes q axes; [| v.Shape[-1] |] ])
            |> Ops.transpose inverse

        struct (output, Ops.reshape full weights)

    let run (s: Settings) (scope: Scope) (flows: Flow[]) : Flow[] =
        let s =
            { s with
                Causal = AttentionParts.flag scope "use_causal_mask" s.Causal
                ReturnScores = AttentionParts.flag scope "return_attention_scores" s.ReturnScores }

        let struct (query, value, key) = AttentionParts.inputs s.Kind flows
        let floating (flow: Flow) = LayerCheck.floating scope flow.Value
        let queries, values, keys = floating query, floating value, floating key
        AttentionParts.check s.Kind queries values keys

        if queries.Rank <> values.Rank then
            LayerCheck.rankError s.Kind ("rank " + string queries.Rank + ", that of the query") values "Give one rank."

        let axes = axesOf s queries

        if axes.Length <> 1 && (s.Causal || s.Window.IsSome) then
            LayerCheck.rankError
                s.Kind
                "one axis of attention where order or distance counts"
                queries
                "Choose one axis with attention_axes."

        let q = project s scope "query" 1 [| s.QueryHeads; s.KeyDim |] queries
        let k = project s scope "key" 1 [| s.KeyHeads; s.KeyDim |] keys
        let v = project s scope "value" 1 [| s.KeyHeads; s.ValueDim |] values
        let mask = maskOf scope query value (if flows.Length = 3 then ValueSome key else ValueNone)
        let dropping = s.Dropout > 0.0 && scope.Mode = Mode.Train

        let struct (heads, weights) =
            if q.Rank = 4 && not s.ReturnScores && not dropping then
                struct (fused s mask q k v, ValueNone)
            else
                let struct (heads, weights) = explicit s scope axes mask q k v
                struct (heads, ValueSome weights)

        let size = s.OutputShape |> Option.map List.toArray |> Option.defaultValue [| queries.Shape[-1] |]
        let output = project s scope "attention_output" 2 size (scope.Rounded heads)

        [| { Value = output; Mask = query.Mask }
           match weights with
           | ValueSome weights when s.ReturnScores -> Flow.ofValue weights
           | _ -> () |]

    let check (s: Settings) =
        LayerCheck.rate (s.Kind + ".dropout") s.Dropout

        for name, lora in s.Lora do
            LowRank.check (s.Kind + "." + name) s.Kernel lora

        match s.Window with
        | Some n -> LayerCheck.positive (s.Kind + ".sliding_window") n
        | None -> ()

/// <summary>The MultiHeadAttention layer: scaled dot-product attention of several heads (Vaswani et al., 2017).</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module MultiHeadAttention =

    /// <summary>Keras's defaults for that many heads with keys of that size.</summary>
    let options (numHeads: int) (keyDim: int) : MultiHeadAttentionOptions =
        { NumHeads = numHeads
          KeyDim = keyDim
          ValueDim = None
          Dropout = 0.0
          UseBias = true
          OutputShape = None
          AttentionAxes = None
          SlidingWindow = None
          Kernel = Weight.glorot
          Bias = Weight.zeros
          ActivityRegularizer = None
          Lora = []
          Seed = None
          UseCausalMask = false
          ReturnAttentionScores = false }

    let private settings (o: MultiHeadAttentionOptions) : HeadedAttention.Settings =
        { Kind = "MultiHeadAttention"
          QueryHeads = o.NumHeads
          KeyHeads = o.NumHeads
          KeyDim = o.KeyDim
          ValueDim = Option.defaultValue o.KeyDim o.ValueDim
          Dropout = o.Dropout
          UseBias = o.UseBias
          OutputShape = o.OutputShape
          Axes = o.AttentionAxes
          Window = o.SlidingWindow
          Kernel = o.Kernel
          Bias = o.Bias
          Activity = o.ActivityRegularizer
          Lora = o.Lora
          Seed = o.Seed
          Causal = o.UseCausalMask
          ReturnScores = o.ReturnAttentionScores }

    let internal definition: LayerClass<MultiHeadAttentionOptions> =
        LayerClass.many
            "MultiHeadAttention"
            (options 1 1)
            ([ Field.required (Field.int "num_heads" _.NumHeads (fun v o -> { o with NumHeads = v }))
               Field.required (Field.int "key_dim" _.KeyDim (fun v o -> { o with KeyDim = v }))
               Field.intOption "value_dim" _.ValueDim (fun v o -> { o with ValueDim = v })
               Field.float "dropout" _.Dropout (fun v o -> { o with Dropout = v })
               Field.bool "use_bias" _.UseBias (fun v o -> { o with UseBias = v })
               Field.intsOption "output_shape" _.OutputShape (fun v o -> { o with OutputShape = v })
               Field.intsOption "attention_axes" _.AttentionAxes (fun v o -> { o with AttentionAxes = v })
               Field.intOption "sliding_window" _.SlidingWindow (fun v o -> { o with SlidingWindow = v })
               Field.fixedTo "flash_attention" [ Null; Bool false; Bool true ] ]
             @ LayerField.weight "kernel" _.Kernel (fun v o -> { o with Kernel = v })
             @ LayerField.weight "bias" _.Bias (fun v o -> { o with Bias = v })
             @ [ LayerField.activity _.ActivityRegularizer (fun v o -> { o with ActivityRegularizer = v })
                 Field.seed "seed" _.Seed (fun v o -> { o with Seed = v })
                 Field.bool "use_causal_mask" _.UseCausalMask (fun v o -> { o with UseCausalMask = v })
                 Field.bool "return_attention_scores" _.ReturnAttentionScores (fun v o ->
                     { o with ReturnAttentionScores = v })
                 HeadedAttention.loraField _.Lora (fun v o -> { o with Lora = v }) ])
            (fun o -> HeadedAttention.run (settings o))
        |> LayerClass.checkedBy (fun o ->
            LayerCheck.positive "MultiHeadAttention.num_heads" o.NumHeads
            LayerCheck.positive "MultiHeadAttention.key_dim" o.KeyDim
            Option.iter (LayerCheck.positive "MultiHeadAttention.value_dim") o.ValueDim
            Option.iter (List.iter (LayerCheck.positive "MultiHeadAttention.output_shape")) o.OutputShape
            HeadedAttention.check (settings o)
            o)
        |> fun layerClass ->
            { layerClass with
                Nest = fun make o -> HeadedAttention.nest make settings (fun v o -> { o with Lora = v }) o }

/// <summary>The GroupQueryAttention layer: heads of queries in a row share a head of keys and values (Ainslie et al., 2023).</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module GroupQueryAttention =

    /// <summary>Keras's defaults for heads of that size, so many of queries, so many of keys and values.</summary>
    let options (headDim: int) (numQueryHeads: int) (numKeyValueHeads: int) : GroupQueryAttentionOptions =
        { HeadDim = headDim
          NumQueryHeads = numQueryHeads
          NumKeyValueHeads = numKeyValueHeads
          Dropout = 0.0
          UseBias = true
          SlidingWindow = None
          Kernel = Weight.glorot
          Bias = Weight.zeros
          ActivityRegularizer = None
          Lora = []
          Seed = None
          UseCausalMask = false
          ReturnAttentionScores = false }

    let private settings (o: GroupQueryAttentionOptions) : HeadedAttention.Settings =
        { Kind = "GroupQueryAttention"
          QueryHeads = o.NumQueryHeads
          KeyHeads = o.NumKeyValueHeads
          KeyDim = o.HeadDim
          ValueDim = o.HeadDim
          Dropout = o.Dropout
          UseBias = o.UseBias
          OutputShape = None
          Axes = Some [ 1 ]
          Window = o.SlidingWindow
          Kernel = o.Kernel
          Bias = o.Bias
          Activity = o.ActivityRegularizer
          Lora = o.Lora
          Seed = o.Seed
          Causal = o.UseCausalMask
          ReturnScores = o.ReturnAttentionScores }

    let private run (o: GroupQueryAttentionOptions) =
        let run = HeadedAttention.run (settings o)

        fun (scope: Scope) (flows: Flow[]) ->
            for flow in flows do
                LayerCheck.rank "GroupQueryAttention" 3 "(batch, time, features)" flow.Value

            let before = scope.Trace.Losses.Count
            let results: Flow[] = run scope flows

            // Unlike MultiHeadAttention, Keras's layer has the penalty itself too, and names it before those of its parts.
            match o.ActivityRegularizer with
            | Some regularizer when not scope.IgnoresActivity ->
                results
                |> Array.iteri (fun i flow -> scope.Trace.Losses.Insert(before + i, regularizer.Penalty flow.Value))
            | _ -> ()

            results

    let internal definition: LayerClass<GroupQueryAttentionOptions> =
        LayerClass.many
            "GroupQueryAttention"
            (options 1 1 1)
            ([ Field.required (Field.int "head_dim" _.HeadDim (fun v o -> { o with HeadDim = v }))
               Field.required (Field.int "num_query_heads" _.NumQueryHeads (fun v o -> { o with NumQueryHeads = v }))
               Field.required (
                   Field.int "num_key_value_heads" _.NumKeyValueHeads (fun v o -> { o with NumKeyValueHeads = v })
               )
               Field.float "dropout" _.Dropout (fun v o -> { o with Dropout = v })
               Field.bool "use_bias" _.UseBias (fun v o -> { o with UseBias = v })
               Field.intOption "sliding_window" _.SlidingWindow (fun v o -> { o with SlidingWindow = v })
               Field.fixedTo "flash_attention" [ Null; Bool false; Bool true ] ]
             @ LayerField.weight "kernel" _.Kernel (fun v o -> { o with Kernel = v })
             @ LayerField.weight "bias" _.Bias (fun v o -> { o with Bias = v })
             @ [ LayerField.activity _.ActivityRegularizer (fun v o -> { o with ActivityRegularizer = v })
                 Field.seed "seed" _.Seed (fun v o -> { o with Seed = v })
                 Field.bool "use_causal_mask" _.UseCausalMask (fun v o -> { o with UseCausalMask = v })
                 Field.bool "return_attention_scores" _.ReturnAttentionScores (fun v o ->
                     { o with ReturnAttentionScores = v })
                 HeadedAttention.loraField _.Lora (fun v o -> { o with Lora = v }) ])
            run
        |> LayerClass.checkedBy (fun o ->
            LayerCheck.positive "GroupQueryAttention.head_dim" o.HeadDim
            LayerCheck.positive "GroupQueryAttention.num_query_heads" o.NumQueryHeads
            LayerCheck.positive "GroupQueryAttention.num_key_value_heads" o.NumKeyValueHeads

            if o.NumQueryHeads % o.NumKeyValueHeads <> 0 then
                LayerCheck.argument
                    "GroupQueryAttention.num_key_value_heads"
                    ("a divisor of the " + string o.NumQueryHeads + " heads of queries")
                    (string o.NumKeyValueHeads)
                    "Every head of keys serves as many heads of queries."

            HeadedAttention.check (settings o)
            o)
        |> fun layerClass ->
            { layerClass with
                Nest = fun make o -> HeadedAttention.nest make settings (fun v o -> { o with Lora = v }) o }
