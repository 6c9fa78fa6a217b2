namespace FunctionalNet.Graph

open FunctionalNet

/// Which keys a query may see, apart from a mask given as a tensor. Queries and keys are counted from 0.
[<Struct>]
type internal AttentionPattern =
    {
        /// Factor of the products of queries and keys.
        Scale: float
        /// True if query t sees keys 0 .. t only.
        Causal: bool
        /// Query t sees keys less than this many positions away; 0 without such a limit.
        Window: int
    }

    override this.ToString() =
        "Attention "
        + this.Scale.ToString("R", System.Globalization.CultureInfo.InvariantCulture)
        + (if this.Causal then " causal" else "")
        + (if this.Window > 0 then " window " + string this.Window else "")

/// What attention means, in primitive operations. Queries (B, T, H, K), keys (B, S, G, K) and values (B, S, G, V), where G
/// divides H: query heads in a row share a head of keys and values. A mask is Bool (B, H, T, S), each of the first three axes
/// perhaps of size 1: true where a key is seen.
module internal AttentionMeaning =

    /// Logarithm of the weight of a key that is not seen, next to one that is.
    [<Literal>]
    let private Unseen = -1e30

    /// (B, S, G, K) as (B, H, S, K).
    let private headsFirst (heads: int) (x: Expr) =
        let first = Ops.transpose [| 0; 2; 1; 3 |] x
        let groups = x.Shape[2]
        if groups = heads then first else Ops.repeat (heads / groups) 1 first

    /// Sums (B, H, S, K) over the heads that share one of G, as (B, S, G, K).
    let private headsBack (groups: int) (x: Expr) =
        let b, h, s, k = x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]

        let summed =
            if groups = h then x else Ops.sum [| 2 |] false (Ops.reshape [| b; groups; h / groups; s; k |] x)

        Ops.transpose [| 0; 2; 1; 3 |] summed

    /// (T, S): the keys that the pattern lets a query see.
    let pattern (p: AttentionPattern) (t: int) (s: int) : Expr voption =
        let shape = Shape.Of(t, s)
        // How far behind the query the key is.
        let behind = lazy (Ops.iota DType.Int32 shape 0 - Ops.iota DType.Int32 shape 1)
        let causal () = Ops.greaterEqual behind.Value (Expr.Scalar(DType.Int32, 0.0))
        let near () = Ops.less (Ops.abs behind.Value) (Expr.Scalar(DType.Int32, float p.Window))

        match p.Causal, p.Window > 0 with
        | false, false -> ValueNone
        | true, false -> ValueSome(causal ())
        | false, true -> ValueSome(near ())
        | true, true -> ValueSome(Ops.logicalAnd (causal ()) (near ()))

    /// (B, H, T, S), axes perhaps of size 1; none if every query sees every key.
    let private seen (p: AttentionPattern) (t: int) (s: int) (mask: Expr voption) : Expr voption =
        match pattern p t s, mask with
        | ValueNone, mask -> mask
        | ValueSome own, ValueNone -> ValueSome(Ops.reshape [| 1; 1; t; s |] own)
        | ValueSome own, ValueSome mask -> ValueSome(Ops.logicalAnd mask (Ops.reshape [| 1; 1; t; s |] own))

    /// Scores (B, H, T, S), and where a key is seen. A query that sees no key at all attends to all alike: no weight is 0/0.
    let private scores (p: AttentionPattern) (q: Expr) (k: Expr) (mask: Expr voption) : struct (Expr * Expr voption) =
        let heads = q.Shape[2]
        let queries = headsFirst heads q * p.Scale
        let raw = Expr.Node(MatMul(false, true), [| queries; headsFirst heads k |])

        match seen p q.Shape[1] k.Shape[1] mask with
        | ValueNone -> struct (raw, ValueNone)
        | ValueSome seen ->
            let some = Ops.any [| 3 |] true seen
            let like value = Expr.Scalar(raw.DType, value)
            struct (Ops.where seen raw (Ops.where some (like Unseen) (like 0.0)), ValueSome seen)

    let private softmax (x: Expr) = Expr.Node(Structured(Softmax 3), [| x |])

    /// The weighted values (B, T, H, V), and per query the logarithm of the sum of its weights before normalising (B, H, T).
    let forward (p: AttentionPattern) (q: Expr) (k: Expr) (v: Expr) (mask: Expr voption) : Expr[] =
        let struct (x, _) = scores p q k mask
        let values = Expr.Node(MatMul(false, false), [| softmax x; headsFirst q.Shape[2] v |])
        [| Ops.transpose [| 0; 2; 1; 3 |] values; Ops.logsumexp [| 3 |] false x |]

    /// Cotangents of queries, keys and values for that of the weighted values.
    let backward (p: AttentionPattern) (q: Expr) (k: Expr) (v: Expr) (g: Expr) (mask: Expr voption) : Expr[] =
        let heads, groups = q.Shape[2], k.Shape[2]
        let struct (x, seen) = scores p q k mask
        let weights = softmax x
        let g = Ops.transpose [| 0; 2; 1; 3 |] g
        let ofWeights = Expr.Node(MatMul(false, true), [| g; headsFirst heads v |])
        let ofScores = weights * (ofWeights - Ops.sum [| 3 |] true (weights * ofWeights))

        let ofScores =
            match seen with
            | ValueNone -> ofScores
            | ValueSome seen -> Ops.where seen ofScores (Expr.Scalar(x.DType, 0.0))

        let ofQueries = Expr.Node(MatMul(false, false), [| ofScores; headsFirst heads k |]) * p.Scale
        let ofKeys = Expr.Node(MatMul(true, false), [| ofScores; headsFirst heads q |]) * p.Scale
        let ofValues = Expr.Node(MatMul(true, false), [| weights; g |])
        [| headsBack heads ofQueries; headsBack groups ofKeys; headsBack groups ofValues |]

    let maskAt (i: int) (inputs: Expr[]) : Expr voption = if inputs.Length > i then ValueSome inputs[i] else ValueNone

/// Inputs: queries, keys, values, the weighted values, the logarithms of the sums, g (like the weighted values), and perhaps
/// the mask. The cotangents of queries, keys and values. Values and logarithms follow from the rest: they are there so that a
/// kernel need not compute them again.
[<Sealed>]
type internal DotProductAttentionGrad(pattern: AttentionPattern) =
    inherit Composite("DotProductAttentionGrad")

    member _.Pattern = pattern

    override _.Key: obj = ("DotProductAttentionGrad " + pattern.ToString()) :> obj

    override _.Decompose inputs =
        AttentionMeaning.backward pattern inputs[0] inputs[1] inputs[2] inputs[5] (AttentionMeaning.maskAt 6 inputs)

/// Inputs: queries, keys, values, and perhaps a mask. Softmax (scale * queries keys^T) values for every head, and per query
/// the logarithm of the sum of its weights.
[<Sealed>]
type internal DotProductAttention(pattern: AttentionPattern) =
    inherit Composite("DotProductAttention")

    member _.Pattern = pattern

    override _.Key: obj = ("DotProductAttention " + pattern.ToString()) :> obj

    override _.Decompose inputs =
        AttentionMeaning.forward pattern inputs[0] inputs[1] inputs[2] (AttentionMeaning.maskAt 3 inputs)

    override _.Vjp(inputs, outputs, cotangents) =
        let rec isZero (e: Expr) =
            match e.Op with
            | Broadcast _ -> isZero e.Inputs[0]
            | Constant t -> t.Size = 1 && t.ToDoubles()[0] = 0.0
            | _ -> false

        if isZero cotangents[1] then
            let operands = Array.concat [ inputs[..2]; outputs; [| cotangents[0] |]; inputs[3..] ]

            let grads = Expr.Node(Structured(DotProductAttentionGrad pattern), operands).Results
            Some(Array.append grads (inputs[3..] |> Array.map Ops.zerosLike))
        else
            None

namespace FunctionalNet

open FunctionalNet.Graph

/// <summary>Attention.</summary>
[<AutoOpen>]
module AttentionOps =

    /// <summary>Operations on nodes, under Keras's names. Shapes and dtypes are checked when a node is built.</summary>
    [<RequireQualifiedAccess>]
    module Ops =

        let private fail expected (actual: string) hint =
            OpsSupport.shapeError "DotProductAttention" expected actual hint

        let private check (q: Expr) (k: Expr) (v: Expr) =
            for x in [| q; k; v |] do
                if x.Rank <> 4 then
                    fail
                        "queries, keys and values of rank 4: (batch, time, heads, size)"
                        (x.Shape.ToString())
                        "Split the last axis into heads with Ops.reshape."

            let shapes = q.Shape.ToString() + ", " + k.Shape.ToString() + " and " + v.Shape.ToString()

            if q.Shape[0] <> k.Shape[0] || k.Shape[0] <> v.Shape[0] || k.Shape[1] <> v.Shape[1] then
                fail "one batch size, and as many keys as values" shapes "Queries may differ in number only."

            if q.Shape[3] <> k.Shape[3] then
                fail "queries and keys of one size" shapes "Project both to one size."

            if k.Shape[2] <> v.Shape[2] || k.Shape[2] = 0 || q.Shape[2] % k.Shape[2] <> 0 then
                fail
                    "as many heads of keys as of values, and a multiple of them of queries"
                    shapes
                    "Heads of queries in a row share a head of keys and values."

        let private checkMask (q: Expr) (k: Expr) (mask: Expr) =
            if mask.DType <> DType.Bool then
                OpsSupport.dtypeError
                    "DotProductAttention"
                    "a mask of truth values"
                    (DType.name mask.DType)
                    "Compare first."

            let full = [| q.Shape[0]; q.Shape[2]; q.Shape[1]; k.Shape[1] |]
            let dims = mask.Shape.ToArray()

            if dims.Length <> 4 || Array.exists2 (fun d f -> d <> 1 && d <> f) dims full then
                fail
                    ("a mask of shape " + (Shape.Of full).ToString() + ", axes of size 1 allowed")
                    (mask.Shape.ToString())
                    "Insert the axis of the heads with Ops.expandDims."

            // Kernels read whole rows of keys.
            if dims[3] = full[3] then
                mask
            else
                Ops.broadcastTo (Shape.Of [| dims[0]; dims[1]; dims[2]; full[3] |]) mask

        /// The weighted values for a pattern of keys that are seen.
        let internal attention (pattern: AttentionPattern) (mask: Expr voption) (q: Expr) (k: Expr) (v: Expr) : Expr =
            check q k v

            let inputs =
                match mask with
                | ValueNone -> [| q; k; v |]
                | ValueSome m -> [| q; k; v; checkMask q k m |]

            (Expr.Node(Structured(DotProductAttention pattern), inputs).Results)[0]

        /// <summary>Scaled dot-product attention, head by head: softmax (scale * query key^T) value. Keras:
        /// ops.dot_product_attention. The matrix of scores is never stored as a whole, nor in the derivative. A query that
        /// sees no key gets the mean of all values.</summary>
        /// <param name="scale">Factor of the products; None for 1 / sqrt(size of a key).</param>
        /// <param name="causal">True if a query sees no later key.</param>
        /// <param name="mask">Bool, (batch, heads, queries, keys), where axes may have size 1: true where a key is seen.</param>
        /// <param name="query">(batch, queries, heads, size).</param>
        /// <param name="key">(batch, keys, heads or a divisor of them, size).</param>
        /// <param name="value">(batch, keys, as many heads as key, size of a value).</param>
        /// <returns>(batch, queries, heads, size of a value).</returns>
        /// <exception cref="T:FunctionalNet.ShapeException">The shapes do not fit one another.</exception>
        let dotProductAttention
            (scale: float option)
            (causal: bool)
            (mask: Expr option)
            (query: Expr)
            (key: Expr)
            (value: Expr)
            : Expr =
            let usual = 1.0 / sqrt (float (max 1 (if key.Rank > 0 then key.Shape[-1] else 1)))

            let pattern = { Scale = Option.defaultValue usual scale; Causal = causal; Window = 0 }

            attention pattern (Option.toValueOption mask) query key value
