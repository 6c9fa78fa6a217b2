namespace FunctionalNet.Tests.Kernels

#nowarn "3535"

open System
open System.Runtime.Intrinsics
open System.Threading
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Kernels
open FunctionalNet.Tests.Kernels.KernelSupport
open Xunit

/// A sequence of one row, against plain loops in float64.
type private OneRow<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>>
    (units: int, time: int, reverse: bool, masked: bool) =

    let shape = { Batch = 1; Time = time; Units = units; Reverse = reverse }
    let small seed n = floats seed n |> Array.map (fun v -> float (float32 (v * 0.3)))
    let write values = write DType.Float32 values
    let room n = room DType.Float32 n
    let mask = Array.init time (fun t -> if masked && t % 3 = 1 then 0.0 else 1.0)
    let sigmoid x = 1.0 / (1.0 + exp -x)

    /// h times column `column` of the kernel.
    let product (kernel: float[]) (columns: int) (h: float[]) (column: int) =
        Array.sum (Array.init units (fun k -> h[k] * kernel[k * columns + column]))

    let places = [ for s in 0 .. time - 1 -> shape.Place s ]

    member _.Lstm() =
        let x, kernel = small 1 (time * 4 * units), small 2 (units * 4 * units)
        let h0, c0 = small 3 units, small 4 units
        let states, cells, gates =
            Array.zeroCreate<float>(time * units), Array.zeroCreate (time * units), Array.zeroCreate (time * 4 * units)
        let mutable h, c = h0, c0

        for t in places do
            let z = Array.init (4 * units) (fun j -> x[t * 4 * units + j] + product kernel (4 * units) h j)
            let gate = z |> Array.mapi (fun j v -> if j / units = 2 then tanh v else sigmoid v)
            Array.blit gate 0 gates (t * 4 * units) (4 * units)

            if mask[t] = 1.0 then
                let before = c
                c <- Array.init units (fun j -> gate[units + j] * before[j] + gate[j] * gate[2 * units + j])
                let now = c
                h <- Array.init units (fun j -> gate[3 * units + j] * tanh now[j])

            Array.blit h 0 states (t * units) units
            Array.blit c 0 cells (t * units) units

        let inputs = [ write x; write kernel; write h0; write c0; KernelSupport.write DType.Bool mask ]
        let results =
            [ room (time * units); room units; room units; room (time * units); room (time * 4 * units) ]
        let work = workspace (SingleRowKernel<'W, 'V>.WorkspaceFor(shape, 4))

        let data: LstmData =
            { Input = inputs[0].Pointer
              Kernel = inputs[1].Pointer
              H0 = inputs[2].Pointer
              C0 = inputs[3].Pointer
              Mask = if masked then inputs[4].Pointer else 0n
              States = results[0].Pointer
              LastH = results[1].Pointer
              LastC = results[2].Pointer
              Cells = results[3].Pointer
              Gates = results[4].Pointer }

        let kernel = LstmSingle<'W, 'V>(shape, data, work.Pointer)
        run kernel results (work :: inputs)
        allocatesNothing kernel
        let expected = [ states; h; c; cells; gates ]
        List.iteri2 (fun i e r -> close 2e-5 1.0 ("result " + string i) e (read DType.Float32 r)) expected results

    member _.Gru() =
        let x, kernel, bias = small 1 (time * 3 * units), small 2 (units * 3 * units), small 3 units
        let h0 = small 4 units
        let states, gates = Array.zeroCreate<float>(time * units), Array.zeroCreate (time * 4 * units)
        let mutable h = h0

        for t in places do
            let before = h
            let s = Array.init (3 * units) (product kernel (3 * units) before)
            let p j = x[t * 3 * units + j]
            let z = Array.init units (fun j -> sigmoid (p j + s[j]))
            let r = Array.init units (fun j -> sigmoid (p (units + j) + s[units + j]))
            let n = Array.init units (fun j -> s[2 * units + j] + bias[j])
            let g = Array.init units (fun j -> tanh (p (2 * units + j) + r[j] * n[j]))
            Array.blit (Array.concat [ z; r; g; n ]) 0 gates (t * 4 * units) (4 * units)

            if mask[t] = 1.0 then
                h <- Array.init units (fun j -> z[j] * before[j] + (1.0 - z[j]) * g[j])

            Array.blit h 0 states (t * units) units

        let inputs = [ write x; write kernel; write bias; write h0; KernelSupport.write DType.Bool mask ]
        let results = [ room (time * units); room units; room (time * 4 * units) ]
        let work = workspace (SingleRowKernel<'W, 'V>.WorkspaceFor(shape, 3))

        let data: GruData =
            { Input = inputs[0].Pointer
              Kernel = inputs[1].Pointer
              Bias = inputs[2].Pointer
              H0 = inputs[3].Pointer
              Mask = if masked then inputs[4].Pointer else 0n
              States = results[0].Pointer
              LastH = results[1].Pointer
              Gates = results[2].Pointer }

        let kernel = GruSingle<'W, 'V>(shape, data, work.Pointer)
        run kernel results (work :: inputs)
        allocatesNothing kernel
        List.iteri2
            (fun i e r -> close 2e-5 1.0 ("result " + string i) e (read DType.Float32 r))
            [ states; h; gates ]
            results

    member this.Both() =
        this.Lstm()
        this.Gru()

/// Counts the parts that a team does.
type private TeamKernel(steps: int, members: int) =
    inherit Kernel()
    let team = workspace (StepTeam.Bytes members)
    let mutable count = 0
    member _.Count = count
    override _.Phases = 2
    override _.Chunks(phase) = if phase = 0 then 1 else members

    override _.Run(phase, _) =
        if phase = 0 then
            StepTeam.Reset(team.Pointer, members)
        else
            let own = StepTeam.Join team.Pointer

            if own < members then
                let mutable step = StepTeam.Enter(team.Pointer, own, steps)

                while step < steps do
                    let share = StepTeam.Begin(team.Pointer, members, step)

                    for _ in own * 8 / share .. (own + 1) * 8 / share - 1 do
                        Interlocked.Increment(&count) |> ignore

                    step <- step + 1
                    StepTeam.Finish(team.Pointer, own, members, step)

[<Collection("Workers")>]
type RecurrentKernelTests() =

    // Sizes on both sides of those from which threads share a step.
    [<Theory>]
    [<InlineData(1, 1)>]
    [<InlineData(7, 3)>]
    [<InlineData(16, 1)>]
    [<InlineData(54, 4)>]
    [<InlineData(64, 5)>]
    [<InlineData(75, 6)>]
    [<InlineData(128, 9)>]
    [<InlineData(300, 3)>]
    member _.``one row is right at every width, direction and mask, whoever takes part``(units: int, time: int) =
        for reverse in [ false; true ] do
            for masked in [ false; true ] do
                OneRow<Lanes128<float32>, Vector128<float32>>(units, time, reverse, masked).Both()
                OneRow<Lanes256<float32>, Vector256<float32>>(units, time, reverse, masked).Both()
                OneRow<Lanes512<float32>, Vector512<float32>>(units, time, reverse, masked).Both()

    /// Threads that come before the first step, in between, after the last one, or are more than the team takes.
    [<Property>]
    member _.``a team does every part of every step once, in order, however late its members come``
        (delays: byte list, size: byte, count: byte)
        =
        let members = 1 + int size % 5
        let steps = int count % 40
        let parts = 6
        let team = workspace (StepTeam.Bytes members)
        let doneParts: int[][] = Array.init steps (fun _ -> Array.zeroCreate parts)
        let mutable disorder = 0
        StepTeam.Reset(team.Pointer, members)

        let work (delay: byte) =
            Thread.SpinWait(int delay * 20)
            let own = StepTeam.Join team.Pointer

            if own < members then
                let mutable step = StepTeam.Enter(team.Pointer, own, steps)

                while step < steps do
                    let share = StepTeam.Begin(team.Pointer, members, step)

                    if step > 0 && doneParts[step - 1] |> Array.exists (fun n -> Volatile.Read(&n) <> 1) then
                        Interlocked.Increment(&disorder) |> ignore

                    for part in own * parts / share .. (own + 1) * parts / share - 1 do
                        Interlocked.Increment(&doneParts[step].[part]) |> ignore

                    step <- step + 1
                    StepTeam.Finish(team.Pointer, own, members, step)

        let threads = [ for delay in 0uy :: List.truncate 6 delays -> Thread(fun () -> work delay) ]

        for t in threads do
            t.Start()

        for t in threads do
            Assert.True(t.Join 20000, "a member waits for ever")

        team.Check()
        Assert.Equal(0, disorder)

        for step in doneParts do
            Assert.All(step, fun n -> Assert.Equal(1, n))

    [<Fact>]
    member _.``teams of several callers at once come to an end``() =
        let before = Workers.Threads
        let failures = Collections.Concurrent.ConcurrentQueue<exn>()

        try
            Workers.Threads <- 2

            let work () =
                try
                    let kernel = TeamKernel(20, 4)

                    for round in 1..500 do
                        Workers.Run kernel
                        Assert.Equal(round * 20 * 8, kernel.Count)
                with e ->
                    failures.Enqueue e

            let threads = [ for _ in 1..3 -> Thread(work) ]

            for t in threads do
                t.Start()

            for t in threads do
                Assert.True(t.Join 60000, "a team waits for ever")

            Assert.Empty failures
        finally
            Workers.Threads <- before
