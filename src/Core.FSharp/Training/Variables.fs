namespace FunctionalNet.Training

open System
open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels

/// A value that lives as long as the trainer, in memory that plans read and write in place.
[<Sealed>]
type internal Variable(name: string, dtype: DType, shape: Shape, buffer: Buffer) =

    let bytes = shape.Size * DType.size dtype

    new(name: string, dtype: DType, shape: Shape) = Variable(name, dtype, shape, Buffer(Variable.SizeOf(dtype, shape)))

    /// Bytes of memory for a value of that type.
    static member SizeOf(dtype: DType, shape: Shape) : int64 = int64 (max (shape.Size * DType.size dtype) 1)

    /// The same memory under another name.
    member _.Under(other: string) = Variable(other, dtype, shape, buffer)

    member _.Name = name
    member _.DType = dtype
    member _.Shape = shape
    member _.Buffer = buffer

    /// The memory, to be written; `Buffer.Touch` must follow.
    member private _.Memory = Span<byte>(buffer.Pointer.ToPointer(), bytes)

    /// The memory as bytes, to be read.
    member _.Bytes = ReadOnlySpan<byte>(buffer.Pointer.ToPointer(), bytes)

    /// A copy of the value.
    member this.Value = Tensor.OfBytes(dtype, shape, this.Bytes)

    /// Takes another value, of the same shape and dtype.
    member this.Set(value: Tensor) =
        if not (value.Shape.Equals shape) then
            raise (
                ShapeException(
                    "A value does not fit the variable.",
                    name,
                    shape.ToString(),
                    value.Shape.ToString(),
                    "Give a tensor of the variable's shape."
                )
            )

        (value.Cast dtype).Bytes.CopyTo this.Memory
        buffer.Touch()

    member this.CopyFrom(other: Variable) =
        other.Bytes.CopyTo this.Memory
        buffer.Touch()

    /// Exchanges the values of two variables of one shape and dtype.
    member this.Swap(other: Variable) =
        let mine = this.Memory
        let theirs = other.Memory

        for i in 0 .. mine.Length - 1 do
            let kept = mine[i]
            mine[i] <- theirs[i]
            theirs[i] <- kept

        buffer.Touch()
        other.Buffer.Touch()

    /// Sets every element.
    member this.Fill(value: float) =
        if value = 0.0 then
            this.Memory.Clear()
            buffer.Touch()
        else
            this.Set(Tensor.Full(dtype, shape, value))

    member _.SetInt64(value: int64) =
        Mem.set<int64> buffer.Pointer 0 value
        buffer.Touch()

    member _.GetInt64() = Mem.get<int64> buffer.Pointer 0

    member _.SetDouble(value: float) =
        Mem.set<float> buffer.Pointer 0 value
        buffer.Touch()

    member _.GetDouble(index: int) = Mem.get<float> buffer.Pointer index

/// Variables by name, in the order in which they were added.
[<Sealed>]
type internal VariableStore() =

    let order = ResizeArray<Variable>()
    let byName = Dictionary<string, Variable>()

    let check (v: Variable) (wanted: StepSlot) : unit =
        if v.DType <> wanted.Type.DType || not (v.Shape.Equals wanted.Type.Shape) then
            raise (
                ShapeException(
                    "A variable is wanted in two shapes.",
                    wanted.Name,
                    DType.name v.DType + " " + v.Shape.ToString(),
                    DType.name wanted.Type.DType + " " + wanted.Type.Shape.ToString(),
                    "Use data of the same shape as before, or compile again."
                )
            )

    member _.All = order

    member _.TryFind(name: string) =
        match byName.TryGetValue name with
        | true, v -> ValueSome v
        | _ -> ValueNone

    /// Makes those that there are not, side by side in memory.
    member _.EnsureAll(wanted: StepSlot[]) : unit =
        let missing = ResizeArray<StepSlot>()

        for w in wanted do
            match byName.TryGetValue w.Name with
            | true, v -> check v w
            | _ -> missing.Add w

        if missing.Count > 0 then
            let buffers =
                missing.ToArray()
                |> Array.map (fun w -> Variable.SizeOf(w.Type.DType, w.Type.Shape))
                |> Buffer.Zeros

            for i in 0 .. buffers.Length - 1 do
                let w = missing[i]

                match byName.TryGetValue w.Name with
                | true, v -> check v w
                | _ ->
                    let v = Variable(w.Name, w.Type.DType, w.Type.Shape, buffers[i])
                    if w.Initial <> 0.0 then v.Fill w.Initial
                    byName[w.Name] <- v
                    order.Add v

    /// The variable of that name; made, with all elements at `initial`, if there is none.
    member this.Ensure(name: string, dtype: DType, shape: Shape, initial: float) : Variable =
        this.EnsureAll [| { StepSlot.Name = name; Type = { DType = dtype; Shape = shape }; Initial = initial } |]

        byName[name]

    /// Lets another thread touch the memory while this one prepares to use it.
    member _.TouchMeanwhile() : unit = Workers.TouchMeanwhile [| for v in order -> v.Buffer |]

    /// Adds a variable in the memory of another one.
    member _.Share(name: string, dtype: DType, shape: Shape, other: Variable) =
        if other.DType <> dtype || not (other.Shape.Equals shape) then
            raise (
                ShapeException(
                    "A layer's weights have another type in the model that it comes from.",
                    name,
                    DType.name other.DType + " " + other.Shape.ToString(),
                    DType.name dtype + " " + shape.ToString(),
                    "Use the layer with inputs of the same sizes, and models of one dtype."
                )
            )

        let v = other.Under name
        byName[name] <- v
        order.Add v

    /// Copies of all values.
    member _.Snapshot() : (string * Tensor)[] = [| for v in order -> v.Name, v.Value |]

    member _.Clear() =
        order.Clear()
        byName.Clear()
