namespace FunctionalNet.Training

open System
open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Kernels

/// A value that lives as long as the trainer, in memory that plans read and write in place.
[<Sealed>]
type internal Variable private (name: string, dtype: DType, shape: Shape, buffer: Buffer) =

    let bytes = shape.Size * DType.size dtype

    new(name: string, dtype: DType, shape: Shape) =
        Variable(name, dtype, shape, Buffer(int64 (max (shape.Size * DType.size dtype) 1)))

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

    member _.All = order

    member _.TryFind(name: string) =
        match byName.TryGetValue name with
        | true, v -> ValueSome v
        | _ -> ValueNone

    /// The variable of that name; made, with all elements at `initial`, if there is none.
    member _.Ensure(name: string, dtype: DType, shape: Shape, initial: float) =
        match byName.TryGetValue name with
        | true, v when v.DType = dtype && v.Shape.Equals shape -> v
        | true, v ->
            raise (
                ShapeException(
                    "A variable is wanted in two shapes.",
                    name,
                    DType.name v.DType + " " + v.Shape.ToString(),
                    DType.name dtype + " " + shape.ToString(),
                    "Use data of the same shape as before, or compile again."
                )
            )
        | _ ->
            let v = Variable(name, dtype, shape)
            v.Fill initial
            byName[name] <- v
            order.Add v
            v

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
