namespace FunctionalNet

open FunctionalNet.Graph

/// Cells inside other layers, as steps.
module internal CellLayer =

    let private notACell (where: string) (layer: Layer) =
        LayerCheck.argument
            where
            "a cell, such as LSTMCell"
            layer.Kind
            "A cell takes an input and states, and gives an output and new states; make one of your own with Layer.cell."

    let requireCell (where: string) (layer: Layer) =
        match layer.Role with
        | Cell _ -> ()
        | _ -> notACell where layer

    let states (where: string) (cell: Layer) (input: int[]) : int[][] =
        match cell.Role with
        | Cell shapes -> shapes input
        | _ -> notACell where cell

    /// One step of a cell that lies in that scope.
    let step (scope: Scope) (cell: Layer) : RecurrentStep =
        fun x states ->
            let outputs = Layer.call scope cell (Array.append [| x |] states |> Array.map Flow.ofValue)
            struct (outputs[0].Value, outputs[1..] |> Array.map (fun f -> f.Value))

    /// Losses and updates of a step would belong to no batch.
    let pure' (scope: Scope) (step: RecurrentStep) : RecurrentStep =
        fun x states ->
            let before = scope.Trace.UpdateCount + scope.Trace.Losses.Count
            let result = step x states

            if scope.Trace.UpdateCount + scope.Trace.Losses.Count > before then
                raise (
                    GraphException(
                        "A cell adds losses or changes its state from within a loop.",
                        scope.Path,
                        "a step whose only results are its output and new states",
                        "",
                        "Make what changes a state of the cell, and put penalties on the layer around it."
                    )
                )

            result

/// <summary>Options of the SimpleRNN layer and its cell: h = f (x W + b + h U).</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module SimpleRNN =

    /// <summary>Keras's defaults for that many units.</summary>
    let options (units: int) : RecurrentOptions = RecurrentFamily.defaults units

    let internal definition = RecurrentFamily.layer RecurrentFamily.simple
    let internal cell = RecurrentFamily.cell RecurrentFamily.simple

/// <summary>Options of the LSTM layer and its cell (Hochreiter and Schmidhuber 1997).</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module LSTM =

    /// <summary>Keras's defaults for that many units.</summary>
    let options (units: int) : RecurrentOptions = RecurrentFamily.defaults units

    let internal definition = RecurrentFamily.layer RecurrentFamily.lstm
    let internal cell = RecurrentFamily.cell RecurrentFamily.lstm

/// <summary>Options of the GRU layer and its cell (Cho et al. 2014).</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module GRU =

    /// <summary>Keras's defaults for that many units.</summary>
    let options (units: int) : RecurrentOptions = RecurrentFamily.defaults units

    let internal definition = RecurrentFamily.layer RecurrentFamily.gru
    let internal cell = RecurrentFamily.cell RecurrentFamily.gru

/// <summary>Cells of your own, and cells on top of each other.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module RecurrentCell =

    /// One after the other; the states of all of them, first cell first.
    let internal stacked: LayerClass<Layer list> =
        let kind = "StackedRNNCells"

        let shapes (cells: Layer list) (input: int[]) =
            let mutable dims = input

            [| for cell in cells do
                   let states = CellLayer.states kind cell dims
                   if states.Length > 0 then dims <- states[0]
                   yield states |]

        LayerClass.many kind [] [ NestedField.layers "cells" id (fun v _ -> v) ] (fun cells ->
            let names = Layer.assignNames (List.toArray cells)
            let named = Array.zip names (List.toArray cells)

            fun scope flows ->
                let makeStep (slice: TensorType) : RecurrentStep =
                    let counts = shapes cells (slice.Shape.ToArray()[1..]) |> Array.map Array.length

                    fun x states ->
                        let mutable output = x
                        let mutable at = 0

                        let next =
                            [| for i in 0 .. named.Length - 1 do
                                   let name, cell = named[i]
                                   let own = states[at .. at + counts[i] - 1]
                                   let struct (y, next) = CellLayer.step (enter scope name cell) cell output own
                                   output <- y
                                   at <- at + counts[i]
                                   yield! next |]

                        struct (output, next)

                Recurrence.single kind scope (fun input -> Array.concat (shapes cells input)) makeStep flows)
        |> LayerClass.checkedBy (fun cells ->
            cells |> List.iter (CellLayer.requireCell (kind + ".cells"))

            if cells.IsEmpty then
                LayerCheck.argument (kind + ".cells") "one cell or more" "none" "Give the cells from bottom to top."

            cells)
        |> LayerClass.playing (fun _ cells -> Cell(fun input -> Array.concat (shapes cells input)))

    /// <summary>A cell of your own for RNN: the shapes of its states (without the batch), and a step from scope, input and
    /// states to output and new states. The step runs once, when a model is traced; weights are declared where they are used.
    /// It cannot be saved with its configuration.</summary>
    /// <example><code>
    /// let leaky = RecurrentCell.create "Leaky" [ [ 8 ] ] (fun scope x states ->
    ///     let w = scope.Param("kernel", Shape.Of(x.Shape[-1], 8), Initializer.glorotUniform)
    ///     let h = states[0] * 0.9 + Ops.matmul x w * 0.1
    ///     h, [| h |])
    /// </code></example>
    let create
        (className: string)
        (stateShapes: int list list)
        (step: Scope -> Expr -> Expr[] -> Expr * Expr[])
        : Layer =
        let shapes = stateShapes |> List.map List.toArray |> List.toArray

        let run (scope: Scope) (flows: Flow[]) =
            let one _ : RecurrentStep =
                fun x states ->
                    let output, next = step scope x states
                    struct (output, next)

            Recurrence.single className scope (fun _ -> shapes) one flows

        { Layer.make className None run with Role = Cell(fun _ -> shapes) }

/// <summary>Options of the RNN layer: any cell over a sequence.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module RNN =

    /// <summary>Keras's defaults for that cell.</summary>
    let options (cell: Layer) : RNNOptions =
        { Cell = cell
          ActivityRegularizer = None
          ReturnSequences = false
          ReturnState = false
          GoBackwards = false
          Stateful = false
          Unroll = false
          ZeroOutputForMask = false }

    let private flags (o: RNNOptions) : LoopFlags =
        { Sequences = o.ReturnSequences
          States = o.ReturnState
          Backwards = o.GoBackwards
          Stateful = o.Stateful
          Unrolled = o.Unroll
          ZeroMasked = o.ZeroOutputForMask }

    let private withFlags (f: LoopFlags) (o: RNNOptions) : RNNOptions =
        { o with
            ReturnSequences = f.Sequences
            ReturnState = f.States
            GoBackwards = f.Backwards
            Stateful = f.Stateful
            Unroll = f.Unrolled
            ZeroOutputForMask = f.ZeroMasked }

    let internal definition: LayerClass<RNNOptions> =
        LayerClass.many
            "RNN"
            (options (LayerClass.layer SimpleRNN.cell (SimpleRNN.options 1)))
            (LoopField.all flags withFlags
             @ [ NestedField.layer "cell" _.Cell (fun v o -> { o with Cell = v })
                 LayerField.activity _.ActivityRegularizer (fun v o -> { o with ActivityRegularizer = v }) ])
            (fun o scope flows ->
                let inner = enter scope ((Layer.assignNames [| o.Cell |])[0]) o.Cell
                let step = CellLayer.step inner o.Cell |> CellLayer.pure' inner

                Recurrence.run
                    "RNN"
                    (flags o)
                    o.ActivityRegularizer
                    scope
                    (CellLayer.states "RNN.cell" o.Cell)
                    (fun _ -> Recurrence.loop (flags o) step)
                    flows)
        |> LayerClass.checkedBy (fun o ->
            CellLayer.requireCell "RNN.cell" o.Cell
            o)
        |> LayerClass.playing (fun make o -> Recurrent { Loop = flags o; WithLoop = fun f -> make (withFlags f o) })
