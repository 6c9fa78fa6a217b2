using Linear = FunctionalNet.LinearOps.Ops;
using Structured = FunctionalNet.StructuredOps.Ops;

namespace FunctionalNet;

public static partial class Ops
{
    /// <summary>Matrix products by NumPy's rule: the last two axes are matrices, the others broadcast; a vector on the left is a row, on the right a column, and its axis disappears.</summary>
    public static Expr MatMul(Expr a, Expr b) => Linear.matmul(a, b);

    /// <summary>NumPy's dot: scalars multiply, otherwise the last axis of a with the second-to-last (or only) axis of b.</summary>
    public static Expr Dot(Expr a, Expr b) => Linear.dot(a, b);

    /// <summary>All products of the elements of two vectors: a matrix.</summary>
    public static Expr Outer(Expr a, Expr b) => Linear.outer(a, b);

    /// <summary>Sums products over given axes of both, pairwise; the other axes of a, then of b, remain.</summary>
    public static Expr TensorDot(Expr a, Expr b, int[] axesA, int[] axesB) => Linear.tensordot(axesA, axesB, a, b);

    /// <summary>Sums of products in Einstein's notation, such as "bij,bjk->bik". Any number of operands; "..." stands for leading axes that broadcast; without "->" the result has the indices that occur once, in alphabetical order.</summary>
    public static Expr Einsum(string equation, params Expr[] operands) => Linear.einsum(equation, operands);

    /// <summary>exp x / sum (exp x) along an axis, without overflow.</summary>
    public static Expr Softmax(Expr x, int axis = -1) => Structured.softmax(axis, x);

    /// <summary>log (softmax x) along an axis, without overflow.</summary>
    public static Expr LogSoftmax(Expr x, int axis = -1) => Structured.logSoftmax(axis, x);

    /// <summary>The cross-entropy of every row: integer labels (rows) and logits (rows, classes) give losses (rows). A label out of range gives 0.</summary>
    public static Expr SparseSoftmaxCrossEntropy(Expr labels, Expr logits) =>
        Structured.sparseSoftmaxCrossEntropy(labels, logits);

    /// <summary>The cross-entropy of every row: targets (rows, classes) that are probabilities, and logits of the same shape, give losses (rows).</summary>
    public static Expr SoftmaxCrossEntropy(Expr targets, Expr logits) =>
        Structured.softmaxCrossEntropy(targets, logits);
}
