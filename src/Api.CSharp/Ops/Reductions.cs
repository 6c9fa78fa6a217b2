using Reduction = FunctionalNet.ReductionOps.Ops;

namespace FunctionalNet;

public static partial class Ops
{
    /// <summary>Sums over axes; keepDims leaves them with size 1. No axes: x itself.</summary>
    public static Expr Sum(Expr x, Axes axis = default, bool keepDims = false) =>
        Reduction.sum(axis.Of(x), keepDims, x);

    /// <summary>Products over axes.</summary>
    public static Expr Prod(Expr x, Axes axis = default, bool keepDims = false) =>
        Reduction.prod(axis.Of(x), keepDims, x);

    /// <summary>Greatest elements over axes (Keras: amax). The derivative is shared equally among ties.</summary>
    public static Expr Max(Expr x, Axes axis = default, bool keepDims = false) =>
        Reduction.max(axis.Of(x), keepDims, x);

    /// <summary>Least elements over axes (Keras: amin). The derivative is shared equally among ties.</summary>
    public static Expr Min(Expr x, Axes axis = default, bool keepDims = false) =>
        Reduction.min(axis.Of(x), keepDims, x);

    /// <summary>True where any along the axes is: bool.</summary>
    public static Expr Any(Expr x, Axes axis = default, bool keepDims = false) =>
        Reduction.any(axis.Of(x), keepDims, x);

    /// <summary>True where all along the axes are: bool.</summary>
    public static Expr All(Expr x, Axes axis = default, bool keepDims = false) =>
        Reduction.all(axis.Of(x), keepDims, x);

    /// <summary>Means over axes of floating-point values.</summary>
    public static Expr Mean(Expr x, Axes axis = default, bool keepDims = false) =>
        Reduction.mean(axis.Of(x), keepDims, x);

    /// <summary>Population variances over axes.</summary>
    public static Expr Var(Expr x, Axes axis = default, bool keepDims = false) =>
        Reduction.var(axis.Of(x), keepDims, x);

    /// <summary>Population standard deviations over axes.</summary>
    public static Expr Std(Expr x, Axes axis = default, bool keepDims = false) =>
        Reduction.std(axis.Of(x), keepDims, x);

    /// <summary>log of the sum of exponentials over axes, without overflow.</summary>
    public static Expr Logsumexp(Expr x, Axes axis = default, bool keepDims = false) =>
        Reduction.logsumexp(axis.Of(x), keepDims, x);

    /// <summary>x scaled so that its Euclidean norm over axes is 1; norms below epsilon count as epsilon (Keras: normalize, whose epsilon is 1e-7).</summary>
    public static Expr L2Normalize(Expr x, Axes axis, double epsilon = 1e-12) =>
        Reduction.l2Normalize(axis.Of(x), epsilon, x);

    /// <summary>Int32 index of the first greatest element along an axis, which disappears.</summary>
    public static Expr ArgMax(Expr x, int axis = -1) => Reduction.argmax(axis, x);

    /// <summary>Int32 index of the first least element along an axis, which disappears.</summary>
    public static Expr ArgMin(Expr x, int axis = -1) => Reduction.argmin(axis, x);

    /// <summary>Running sums along an axis: exclusive starts with 0, reverse runs from the end.</summary>
    public static Expr CumSum(Expr x, int axis = -1, bool exclusive = false, bool reverse = false) =>
        Reduction.cumsumWith(axis, exclusive, reverse, x);

    /// <summary>Int32 indices that sort along an axis; stable, NaN last.</summary>
    public static Expr ArgSort(Expr x, int axis = -1, bool descending = false) =>
        Reduction.argsort(axis, descending, x);

    /// <summary>Sorted along an axis.</summary>
    public static Expr Sort(Expr x, int axis = -1, bool descending = false) => Reduction.sort(axis, descending, x);

    /// <summary>The k greatest elements of the last axis in descending order, and their int32 indices.</summary>
    public static (Expr Values, Expr Indices) TopK(Expr x, int k) => Reduction.topK(k, x);

    /// <summary>Slices of x at integer indices along an axis; the indices' shape takes the axis's place. Out of range reads 0. Derivatives are added up where an index occurs often.</summary>
    public static Expr Take(Expr x, Expr indices, int axis = 0) => Reduction.take(indices, axis, x);

    /// <summary>Elements along an axis at given places: indices has the rank of x, and its sizes off the axis.</summary>
    public static Expr TakeAlongAxis(Expr x, Expr indices, int axis) => Reduction.takeAlongAxis(indices, axis, x);

    /// <summary>Zeros with an axis of the given size, to whose slices at the indices the updates are added. The updates' axes from `axis` on begin with the indices' shape. Out of range is dropped.</summary>
    public static Expr ScatterAdd(Expr indices, Expr updates, int size, int axis = 0) =>
        Reduction.scatterAdd(axis, size, indices, updates);

    /// <summary>0, 1, ..., n - 1.</summary>
    public static Expr Arange(int n, DType dtype = DType.Int32) => Reduction.arange(dtype, n);

    /// <summary>For integer ids of any shape: a new last axis with 1 at the id and 0 elsewhere (all 0 if out of range).</summary>
    public static Expr OneHot(Expr ids, int classes, DType dtype = DType.Float32) =>
        Reduction.oneHot(classes, dtype, ids);

    /// <summary>Ones on a diagonal, zeros elsewhere.</summary>
    public static Expr Eye(int rows, int columns, DType dtype = DType.Float32) => Reduction.eye(dtype, rows, columns);

    /// <summary>Matrices (last two axes) with zeros above a diagonal.</summary>
    public static Expr Tril(Expr x, int diagonal = 0) => Reduction.tril(diagonal, x);

    /// <summary>Matrices (last two axes) with zeros below a diagonal.</summary>
    public static Expr Triu(Expr x, int diagonal = 0) => Reduction.triu(diagonal, x);
}
