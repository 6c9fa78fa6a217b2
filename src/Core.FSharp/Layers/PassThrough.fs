namespace FunctionalNet

open System
open System.Collections.Concurrent
open FunctionalNet.Common

/// Layers without weights that pass values on, mask them, or call functions.
module internal PassThrough =

    let identity: LayerClass<unit> = LayerClass.keepsMask "Identity" () [] (fun () _ x -> x)

    let masking: LayerClass<float> =
        LayerClass.flow "Masking" 0.0 [ Field.float "mask_value" id (fun v _ -> v) ] (fun value _ x ->
            LayerCheck.minRank "Masking" 2 x.Value
            let differs = Ops.notEqual x.Value (Expr.Scalar(x.Value.DType, value))
            let axis = x.Value.Rank - 1
            let mask = Ops.any [| axis |] false differs
            let kept = Ops.cast x.Value.DType (Ops.expandDims -1 mask)
            { Value = x.Value * kept; Mask = ValueSome mask })

    /// Penalties (l1, l2) on what passes through.
    let activityRegularization: LayerClass<float * float> =
        LayerClass.keepsMask
            "ActivityRegularization"
            (0.0, 0.0)
            [ Field.float "l1" fst (fun v (_, l2) -> v, l2); Field.float "l2" snd (fun v (l1, _) -> l1, v) ]
            (fun (l1, l2) scope x ->
                LayerCheck.activity scope (Some(Regularizer.l1l2 l1 l2)) x
                x)

    /// Functions by the names under which models that use them are saved.
    let functions = ConcurrentDictionary<string, Expr -> Expr>()

    let private lambdaLayer (config: Config option) (apply: Expr -> Expr) : Layer =
        Layer.make "Lambda" config (fun _ inputs -> [| Flow.ofValue (apply (Layer.single "Lambda" inputs).Value) |])

    let lambda (apply: Expr -> Expr) : Layer = lambdaLayer None apply

    let namedLambda (name: string) (apply: Expr -> Expr) : Layer =
        functions[name] <- apply
        lambdaLayer (Some { ClassName = "Lambda"; Arguments = [ "function", Text name ] }) apply

    let lambdaEntry: LayerEntry =
        { Class = "Lambda"
          Arguments = [ { Key = "function"; Required = true; Free = true } ]
          Read =
            fun _ arguments ->
                match ConfigRead.get "function" arguments with
                | Text name ->
                    match functions.TryGetValue name with
                    | true, apply ->
                        lambdaLayer (Some { ClassName = "Lambda"; Arguments = [ "function", Text name ] }) apply
                    | _ -> raise (Names.unknown "function of a Lambda layer" "Lambda.function" name functions.Keys)
                | other ->
                    raise (
                        ArgumentValueException(
                            "The function of a Lambda layer cannot be read.",
                            "Lambda.function",
                            "the name of a function",
                            ConfigRead.show other,
                            "Python code in model files is never run. Make a Lambda of the same name with Layer.lambdaNamed first, and replace the function in the configuration by that name."
                        )
                    ) }

    /// Where a value differs from a number: a truth value per element. Keras writes the masks of embeddings in functional
    /// models as applications of this operation.
    let notEqual: LayerClass<float> =
        LayerClass.dropsMask "NotEqual" 0.0 [ Field.float "x2" id (fun v _ -> v) |> Field.required ] (fun value _ x ->
            Ops.notEqual x (Expr.Scalar(x.DType, value)))
