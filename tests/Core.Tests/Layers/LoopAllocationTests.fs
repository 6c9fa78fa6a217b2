/// Layers that run as loops of the graph, not as one kernel: nothing is allocated per step of a sequence or of training.
module FunctionalNet.Tests.Layers.LoopAllocationTests

open System
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Compiler
open FunctionalNet.Tests.Compiler
open FunctionalNet.Tests.Support
open Xunit

let private layers: Map<string, (int -> int list) * (unit -> Layer)> =
    let vectors steps = [ 2; steps; 3 ]

    Map.ofList
        [ "SimpleRNN", (vectors, (fun () -> Layer.simpleRNN 5))
          "ConvLSTM2D", ((fun steps -> [ 2; steps; 4; 4; 2 ]), (fun () -> Layer.convLSTM2D 3 [ 3; 3 ]))
          "RNN of a GRU cell with dropout",
          (vectors,
           (fun () -> Layer.rnn (Layer.gruCellWith { GRU.options 4 with Dropout = 0.3; RecurrentDropout = 0.2 })))
          "LSTM with another activation",
          (vectors, (fun () -> Layer.lstmWith { LSTM.options 4 with Activation = Activation.relu }))
          "MultiHeadAttention with dropout",
          (vectors, (fun () -> Layer.multiHeadAttentionWith { MultiHeadAttention.options 2 3 with Dropout = 0.4 })) ]

let names () : TheoryData<string> = TheoryData<string>(layers.Keys)

[<Theory; MemberData(nameof names)>]
let ``value and gradients of any number of steps allocate nothing`` (name: string) =
    let dims, make = layers[name]

    for steps in [ 1; 40 ] do
        let types = [| LayerRun.typeOf DType.Float32 (List.toArray (dims steps)) |]
        let trace = LayerRun.trace Mode.Train DType.Float32 (make ()) types (LayerRun.unmasked types)
        let loss = trace.Outputs |> Array.map (Ops.square >> Ops.sumAll) |> Array.reduce (+)
        let roots = Array.append [| loss |] (Grad.gradients loss trace.Leaves)
        let inputs = types |> Array.map (fun t -> LayerRun.data name t.DType (t.Shape.ToArray()))
        let graph = { Outputs = roots |> Array.mapi (fun i e -> "r" + string i, e); Updates = [||] }
        let needed = Traverse.leaves roots |> Array.map (fun e -> e.Id) |> Set.ofArray

        let bindings =
            LayerRun.bind trace inputs (LayerRun.weights DType.Float32 trace)
            |> Array.filter (fun (e, _) -> needed.Contains e.Id)

        let leaves = Leaves bindings
        let executable = Compile.executable CompileOptions.Default graph leaves.Bind
        executable.Run()
        executable.Run()

        let measure () =
            let before = GC.GetAllocatedBytesForCurrentThread()

            for _ in 1..20 do
                executable.Run()

            GC.GetAllocatedBytesForCurrentThread() - before

        let least = Seq.initInfinite (fun _ -> measure ()) |> Seq.truncate 5 |> Seq.tryFind (fun n -> n = 0L)
        Assert.Equal(Some 0L, least)
