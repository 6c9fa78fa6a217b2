using Movement = FunctionalNet.MovementOps.Ops;

namespace FunctionalNet;

public static partial class Ops
{
    /// <summary>Repeats axes of size 1, and new leading axes, up to the shape.</summary>
    public static Expr BroadcastTo(Expr x, Shape shape) => Movement.broadcastTo(shape, x);

    /// <summary>The same elements under other sizes. One size may be -1: it is what remains.</summary>
    public static Expr Reshape(Expr x, params int[] sizes) => Movement.reshape(sizes, x);

    /// <summary>Inserts an axis of size 1 before that place in the result; -1 appends one.</summary>
    public static Expr ExpandDims(Expr x, int axis) => Movement.expandDims(axis, x);

    /// <summary>Removes axes of size 1.</summary>
    public static Expr Squeeze(Expr x, params int[] axes) => Movement.squeeze(axes, x);

    /// <summary>Axis i of the result is axis perm[i] of x. Negative axes count from the end.</summary>
    public static Expr Transpose(Expr x, params int[] order) => Movement.transpose(order, x);

    /// <summary>Exchanges two axes.</summary>
    public static Expr SwapAxes(Expr x, int a, int b) => Movement.swapAxes(a, b, x);

    /// <summary>Moves one axis to another place; the others keep their order.</summary>
    public static Expr MoveAxis(Expr x, int source, int destination) => Movement.moveAxis(source, destination, x);

    /// <summary>All elements in one axis.</summary>
    public static Expr Ravel(Expr x) => Movement.ravel(x);

    /// <summary>All axes but the first in one, as Keras's Flatten layer does: (n, ...) to (n, product).</summary>
    public static Expr Flatten(Expr x) => Movement.flatten(x);

    /// <summary>A block of given sizes that begins at the starts.</summary>
    public static Expr Slice(Expr x, int[] starts, int[] sizes) => Movement.slice(starts, sizes, x);

    /// <summary>Elements start, start + step, ... below limit of every axis; steps are positive.</summary>
    public static Expr StridedSlice(Expr x, int[] starts, int[] limits, int[] steps) =>
        Movement.stridedSlice(starts, limits, steps, x);

    /// <summary>Elements start to limit - 1 of one axis. Negative start and limit count from the end.</summary>
    public static Expr SliceAxis(Expr x, int axis, int start, int limit) => Movement.sliceAxis(axis, start, limit, x);

    /// <summary>Joins tensors along an axis; the other sizes must agree.</summary>
    public static Expr Concatenate(Expr[] xs, int axis = -1) => Movement.concatenate(axis, xs);

    /// <summary>Joins tensors of one shape along a new axis.</summary>
    public static Expr Stack(Expr[] xs, int axis = 0) => Movement.stack(axis, xs);

    /// <summary>That many equal parts along an axis.</summary>
    public static Expr[] Split(Expr x, int parts, int axis = 0) => Movement.split(parts, axis, x);

    /// <summary>Parts of the given sizes along an axis; the sizes must add up to the whole.</summary>
    public static Expr[] SplitSizes(Expr x, int[] sizes, int axis = 0) => Movement.splitSizes(sizes, axis, x);

    /// <summary>The elements of an axis as tensors without it.</summary>
    public static Expr[] Unstack(Expr x, int axis = 0) => Movement.unstack(axis, x);

    /// <summary>Adds cells of a value in front and behind on every axis; negative numbers cut cells away.</summary>
    public static Expr Pad(Expr x, (int Before, int After)[] padding, double value = 0) =>
        Movement.pad(padding, value, x);

    /// <summary>Reverses the order along axes.</summary>
    public static Expr Flip(Expr x, params int[] axes) => Movement.flip(axes, x);

    /// <summary>Every element of an axis that many times in a row: a a b b.</summary>
    public static Expr Repeat(Expr x, int times, int axis) => Movement.repeat(times, axis, x);

    /// <summary>The whole, that many times along every axis: a b a b. One count per axis.</summary>
    public static Expr Tile(Expr x, params int[] times) => Movement.tile(times, x);

    /// <summary>Moves elements along an axis by a shift; what leaves at the end comes in at the front.</summary>
    public static Expr Roll(Expr x, int shift, int axis) => Movement.roll(shift, axis, x);
}
