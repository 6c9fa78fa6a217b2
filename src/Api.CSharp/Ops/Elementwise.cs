using Elementwise = FunctionalNet.ElementwiseOps.Ops;

namespace FunctionalNet;

/// <summary>Operations on graph nodes under Keras's names (keras.ops), for layers, losses and metrics of your own. They build
/// the graph when a model is traced; nothing is computed at that time. Shapes and dtypes are checked at once.</summary>
public static partial class Ops
{
    /// <summary>Changes every sign.</summary>
    public static Expr Neg(Expr x) => Elementwise.neg(x);

    /// <summary>Absolute values; the derivative at 0 is 0.</summary>
    public static Expr Abs(Expr x) => Elementwise.abs(x);

    /// <summary>-1, 0 or 1. Its derivative is 0.</summary>
    public static Expr Sign(Expr x) => Elementwise.sign(x);

    /// <summary>1 / x.</summary>
    public static Expr Reciprocal(Expr x) => Elementwise.reciprocal(x);

    /// <summary>x * x.</summary>
    public static Expr Square(Expr x) => Elementwise.square(x);

    /// <summary>Square roots.</summary>
    public static Expr Sqrt(Expr x) => Elementwise.sqrt(x);

    /// <summary>1 / sqrt x.</summary>
    public static Expr Rsqrt(Expr x) => Elementwise.rsqrt(x);

    /// <summary>Exponentials.</summary>
    public static Expr Exp(Expr x) => Elementwise.exp(x);

    /// <summary>exp x - 1, exact near 0.</summary>
    public static Expr Expm1(Expr x) => Elementwise.expm1(x);

    /// <summary>Natural logarithms.</summary>
    public static Expr Log(Expr x) => Elementwise.log(x);

    /// <summary>log(1 + x), exact near 0.</summary>
    public static Expr Log1p(Expr x) => Elementwise.log1p(x);

    /// <summary>Logarithms to base 2.</summary>
    public static Expr Log2(Expr x) => Elementwise.log2(x);

    /// <summary>Logarithms to base 10.</summary>
    public static Expr Log10(Expr x) => Elementwise.log10(x);

    /// <summary>Sines.</summary>
    public static Expr Sin(Expr x) => Elementwise.sin(x);

    /// <summary>Cosines.</summary>
    public static Expr Cos(Expr x) => Elementwise.cos(x);

    /// <summary>Tangents.</summary>
    public static Expr Tan(Expr x) => Elementwise.tan(x);

    /// <summary>Inverse sines (Keras: arcsin).</summary>
    public static Expr Asin(Expr x) => Elementwise.asin(x);

    /// <summary>Inverse cosines (Keras: arccos).</summary>
    public static Expr Acos(Expr x) => Elementwise.acos(x);

    /// <summary>Inverse tangents (Keras: arctan).</summary>
    public static Expr Atan(Expr x) => Elementwise.atan(x);

    /// <summary>Hyperbolic sines.</summary>
    public static Expr Sinh(Expr x) => Elementwise.sinh(x);

    /// <summary>Hyperbolic cosines.</summary>
    public static Expr Cosh(Expr x) => Elementwise.cosh(x);

    /// <summary>Inverse hyperbolic sines (Keras: arcsinh).</summary>
    public static Expr Asinh(Expr x) => Elementwise.asinh(x);

    /// <summary>Inverse hyperbolic cosines (Keras: arccosh).</summary>
    public static Expr Acosh(Expr x) => Elementwise.acosh(x);

    /// <summary>Inverse hyperbolic tangents (Keras: arctanh).</summary>
    public static Expr Atanh(Expr x) => Elementwise.atanh(x);

    /// <summary>Hyperbolic tangents.</summary>
    public static Expr Tanh(Expr x) => Elementwise.tanh(x);

    /// <summary>1 / (1 + exp(-x)).</summary>
    public static Expr Sigmoid(Expr x) => Elementwise.sigmoid(x);

    /// <summary>log(1 + exp x), without overflow.</summary>
    public static Expr Softplus(Expr x) => Elementwise.softplus(x);

    /// <summary>max(x, 0); the derivative at 0 is 0.</summary>
    public static Expr Relu(Expr x) => Elementwise.relu(x);

    /// <summary>The error function.</summary>
    public static Expr Erf(Expr x) => Elementwise.erf(x);

    /// <summary>The inverse of the error function, on (-1, 1).</summary>
    public static Expr Erfinv(Expr x) => Elementwise.erfinv(x);

    /// <summary>The greatest integers not above. The derivative is 0.</summary>
    public static Expr Floor(Expr x) => Elementwise.floor(x);

    /// <summary>The least integers not below. The derivative is 0.</summary>
    public static Expr Ceil(Expr x) => Elementwise.ceil(x);

    /// <summary>The nearest integers, halves to even. The derivative is 0.</summary>
    public static Expr Round(Expr x) => Elementwise.round(x);

    /// <summary>True where false: bool to bool.</summary>
    public static Expr LogicalNot(Expr x) => Elementwise.logicalNot(x);

    /// <summary>True where a float is not a number.</summary>
    public static Expr IsNaN(Expr x) => Elementwise.isNaN(x);

    /// <summary>True where a float is neither infinite nor NaN.</summary>
    public static Expr IsFinite(Expr x) => Elementwise.isFinite(x);

    /// <summary>True where a float is infinite.</summary>
    public static Expr IsInf(Expr x) => Elementwise.isInf(x);

    /// <summary>Zeros of the type of x.</summary>
    public static Expr ZerosLike(Expr x) => Elementwise.zerosLike(x);

    /// <summary>Ones of the type of x.</summary>
    public static Expr OnesLike(Expr x) => Elementwise.onesLike(x);

    /// <summary>The value itself, through which no derivative flows.</summary>
    public static Expr StopGradient(Expr x) => Elementwise.stopGradient(x);

    /// <summary>Sums; shapes broadcast.</summary>
    public static Expr Add(Expr x, Expr y) => Elementwise.add(x, y);

    /// <summary>Differences; shapes broadcast.</summary>
    public static Expr Subtract(Expr x, Expr y) => Elementwise.subtract(x, y);

    /// <summary>Products; shapes broadcast.</summary>
    public static Expr Multiply(Expr x, Expr y) => Elementwise.multiply(x, y);

    /// <summary>Quotients of floating-point values; shapes broadcast.</summary>
    public static Expr Divide(Expr x, Expr y) => Elementwise.divide(x, y);

    /// <summary>Quotients rounded toward minus infinity; shapes broadcast.</summary>
    public static Expr FloorDivide(Expr x, Expr y) => Elementwise.floorDivide(x, y);

    /// <summary>Remainders with the sign of the divisor, as in Python (Keras: mod); shapes broadcast.</summary>
    public static Expr Modulo(Expr x, Expr y) => Elementwise.modulo(x, y);

    /// <summary>x to the power y (Keras: power); shapes broadcast.</summary>
    public static Expr Pow(Expr x, Expr y) => Elementwise.pow(x, y);

    /// <summary>The greater of two, NaN if either is; shapes broadcast. A tie's derivative goes to the first.</summary>
    public static Expr Maximum(Expr x, Expr y) => Elementwise.maximum(x, y);

    /// <summary>The smaller of two, NaN if either is; shapes broadcast. A tie's derivative goes to the first.</summary>
    public static Expr Minimum(Expr x, Expr y) => Elementwise.minimum(x, y);

    /// <summary>Where two are equal: bool.</summary>
    public static Expr Equal(Expr x, Expr y) => Elementwise.equal(x, y);

    /// <summary>Where two differ: bool.</summary>
    public static Expr NotEqual(Expr x, Expr y) => Elementwise.notEqual(x, y);

    /// <summary>Where the first is less: bool.</summary>
    public static Expr Less(Expr x, Expr y) => Elementwise.less(x, y);

    /// <summary>Where the first is less or equal: bool.</summary>
    public static Expr LessEqual(Expr x, Expr y) => Elementwise.lessEqual(x, y);

    /// <summary>Where the first is greater: bool.</summary>
    public static Expr Greater(Expr x, Expr y) => Elementwise.greater(x, y);

    /// <summary>Where the first is greater or equal: bool.</summary>
    public static Expr GreaterEqual(Expr x, Expr y) => Elementwise.greaterEqual(x, y);

    /// <summary>Where both are true: bool.</summary>
    public static Expr LogicalAnd(Expr x, Expr y) => Elementwise.logicalAnd(x, y);

    /// <summary>Where either is true: bool.</summary>
    public static Expr LogicalOr(Expr x, Expr y) => Elementwise.logicalOr(x, y);

    /// <summary>Where exactly one is true: bool.</summary>
    public static Expr LogicalXor(Expr x, Expr y) => Elementwise.logicalXor(x, y);

    /// <summary>log(exp x + exp y), without overflow.</summary>
    public static Expr LogAddExp(Expr x, Expr y) => Elementwise.logAddExp(x, y);

    /// <summary>The angle of the point (x, y), given y first (Keras: arctan2); shapes broadcast.</summary>
    public static Expr Atan2(Expr y, Expr x) => Elementwise.atan2(y, x);

    /// <summary>x to a constant power.</summary>
    public static Expr Pow(Expr x, double exponent) => Elementwise.powScalar(exponent, x);

    /// <summary>The greater of two, NaN if either is; shapes broadcast. A tie's derivative goes to the first.</summary>
    public static Expr Maximum(Expr x, double y) => Elementwise.maximum(x, Expr.Scalar(x.DType, y));

    /// <summary>The smaller of two, NaN if either is; shapes broadcast. A tie's derivative goes to the first.</summary>
    public static Expr Minimum(Expr x, double y) => Elementwise.minimum(x, Expr.Scalar(x.DType, y));

    /// <summary>A constant node.</summary>
    public static Expr Constant(Tensor value) => Elementwise.constant(value);

    /// <summary>A tensor of one value.</summary>
    public static Expr Full(Shape shape, double value, DType dtype = DType.Float32) =>
        Elementwise.full(dtype, shape, value);

    /// <summary>Zeros (false for bool).</summary>
    public static Expr Zeros(Shape shape, DType dtype = DType.Float32) => Elementwise.zeros(dtype, shape);

    /// <summary>Ones (true for bool).</summary>
    public static Expr Ones(Shape shape, DType dtype = DType.Float32) => Elementwise.ones(dtype, shape);

    /// <summary>Elements of x where the condition (bool) is true, of y elsewhere; all three broadcast.</summary>
    public static Expr Where(Expr condition, Expr x, Expr y) => Elementwise.where(condition, x, y);

    /// <summary>Values below the least replaced by it, values above the greatest by that.</summary>
    public static Expr Clip(Expr x, double least, double greatest) => Elementwise.clip(least, greatest, x);

    /// <summary>Another dtype: floats are rounded to float32, cut toward zero for integers, and true where not 0 for bool.</summary>
    public static Expr Cast(Expr x, DType dtype) => Elementwise.cast(dtype, x);
}
