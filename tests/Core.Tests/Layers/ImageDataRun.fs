namespace FunctionalNet.Tests.Layers

open FunctionalNet
open FunctionalNet.Tests.Support

/// Image layers called with what comes with images.
module internal ImageDataRun =

    let tensor (dims: int list) (values: float seq) =
        Tensor.OfDoubles(DType.Float64, Shape.Of(List.toArray dims), Seq.toArray values)

    let ids (dims: int list) (values: int seq) = Tensor.Of(Shape.Of(List.toArray dims), Seq.toArray values)

    /// Traces a layer on images and tensors by name; runs it with seed 5 at the step, by the interpreter and as a plan, which
    /// must agree. Images come first.
    let runAt (step: int64) (mode: Mode) (layer: Layer) (images: Tensor) (named: (string * Tensor) list) : Tensor[] =
        let names = named |> List.map fst |> List.toArray

        let withNames =
            { layer with
                Run =
                    fun scope flows ->
                        bindKeywords scope (Array.zip names (flows[1..] |> Array.map (fun f -> f.Value))) flows
                        layer.Run scope flows[..0] }

        let inputs = Array.append [| images |] (named |> List.map snd |> List.toArray)
        let types = inputs |> Array.map (fun t -> LayerRun.typeOf t.DType (t.Shape.ToArray()))
        let trace = LayerRun.trace mode DType.Float64 withNames types (LayerRun.unmasked types)
        let bindings = Array.append (Array.zip trace.Inputs inputs) (LayerRun.clock trace 5L step)
        let expected = LayerRun.interpret bindings trace.Outputs
        let planned = LayerRun.compiled bindings trace.Outputs

        Array.iter2
            (fun (a: float[]) (b: float[]) -> Close.closeToScale (layer.ClassName + ", plan") 1e-9 a b)
            expected
            planned

        Array.map2 (fun (e: Expr) values -> Tensor.OfDoubles(e.DType, e.Shape, values)) trace.Outputs expected

    let run mode layer images named = runAt 3L mode layer images named

    /// Images of zeros, boxes and labels: boxes and labels after the layer.
    let boxes (layer: Layer) (dims: int list) (boxes: Tensor) (labels: Tensor) : float[] * float[] =
        let images = tensor dims (Seq.replicate (List.reduce (*) dims) 0.0)

        let outputs = run Mode.Train layer images [ "bounding_boxes", boxes; "bounding_box_labels", labels ]

        outputs[1].ToDoubles(), outputs[2].ToDoubles()
