namespace FunctionalNet

open FunctionalNet.Graph

/// <summary>Elementwise operations.</summary>
[<AutoOpen>]
module ElementwiseOps =

    /// <summary>Operations on nodes, under Keras's names. Shapes and dtypes are checked when a node is built.</summary>
    [<RequireQualifiedAccess>]
    module Ops =

        let private unary = OpsSupport.unary
        let private binary = OpsSupport.binary

        /// <summary>Changes every sign.</summary>
        let neg (x: Expr) : Expr = unary UnaryOp.Neg x

        /// <summary>Absolute values; the derivative at 0 is 0.</summary>
        let abs (x: Expr) : Expr = unary UnaryOp.Abs x

        /// <summary>-1, 0 or 1. Its derivative is 0.</summary>
        let sign (x: Expr) : Expr = unary UnaryOp.Sign x

        /// <summary>1 / x.</summary>
        let reciprocal (x: Expr) : Expr = unary UnaryOp.Reciprocal x

        /// <summary>x * x.</summary>
        let square (x: Expr) : Expr = unary UnaryOp.Square x

        /// <summary>Square roots.</summary>
        let sqrt (x: Expr) : Expr = unary UnaryOp.Sqrt x

        /// <summary>1 / sqrt x.</summary>
        let rsqrt (x: Expr) : Expr = unary UnaryOp.Rsqrt x

        /// <summary>Exponentials.</summary>
        let exp (x: Expr) : Expr = unary UnaryOp.Exp x

        /// <summary>exp x - 1, exact near 0.</summary>
        let expm1 (x: Expr) : Expr = unary UnaryOp.Expm1 x

        /// <summary>Natural logarithms.</summary>
        let log (x: Expr) : Expr = unary UnaryOp.Log x

        /// <summary>log(1 + x), exact near 0.</summary>
        let log1p (x: Expr) : Expr = unary UnaryOp.Log1p x

        /// <summary>Sines.</summary>
        let sin (x: Expr) : Expr = unary UnaryOp.Sin x

        /// <summary>Cosines.</summary>
        let cos (x: Expr) : Expr = unary UnaryOp.Cos x

        /// <summary>Tangents.</summary>
        let tan (x: Expr) : Expr = unary UnaryOp.Tan x

        /// <summary>Inverse sines (Keras: arcsin).</summary>
        let asin (x: Expr) : Expr = unary UnaryOp.Asin x

        /// <summary>Inverse cosines (Keras: arccos).</summary>
        let acos (x: Expr) : Expr = unary UnaryOp.Acos x

        /// <summary>Inverse tangents (Keras: arctan).</summary>
        let atan (x: Expr) : Expr = unary UnaryOp.Atan x

        /// <summary>Hyperbolic sines.</summary>
        let sinh (x: Expr) : Expr = unary UnaryOp.Sinh x

        /// <summary>Hyperbolic cosines.</summary>
        let cosh (x: Expr) : Expr = unary UnaryOp.Cosh x

        /// <summary>Inverse hyperbolic sines (Keras: arcsinh).</summary>
        let asinh (x: Expr) : Expr = unary UnaryOp.Asinh x

        /// <summary>Inverse hyperbolic cosines (Keras: arccosh).</summary>
        let acosh (x: Expr) : Expr = unary UnaryOp.Acosh x

        /// <summary>Inverse hyperbolic tangents (Keras: arctanh).</summary>
        let atanh (x: Expr) : Expr = unary UnaryOp.Atanh x

        /// <summary>Hyperbolic tangents.</summary>
        let tanh (x: Expr) : Expr = unary UnaryOp.Tanh x

        /// <summary>1 / (1 + exp(-x)).</summary>
        let sigmoid (x: Expr) : Expr = unary UnaryOp.Sigmoid x

        /// <summary>log(1 + exp x), without overflow.</summary>
        let softplus (x: Expr) : Expr = unary UnaryOp.Softplus x

        /// <summary>max(x, 0); the derivative at 0 is 0.</summary>
        let relu (x: Expr) : Expr = unary UnaryOp.Relu x

        /// <summary>The error function.</summary>
        let erf (x: Expr) : Expr = unary UnaryOp.Erf x

        /// <summary>The inverse of the error function, on (-1, 1).</summary>
        let erfinv (x: Expr) : Expr = unary UnaryOp.Erfinv x

        /// <summary>The greatest integers not above. The derivative is 0.</summary>
        let floor (x: Expr) : Expr = unary UnaryOp.Floor x

        /// <summary>The least integers not below. The derivative is 0.</summary>
        let ceil (x: Expr) : Expr = unary UnaryOp.Ceil x

        /// <summary>The nearest integers, halves to even. The derivative is 0.</summary>
        let round (x: Expr) : Expr = unary UnaryOp.Round x

        /// <summary>True where false: bool to bool.</summary>
        let logicalNot (x: Expr) : Expr = unary UnaryOp.Not x

        /// <summary>True where a float is not a number.</summary>
        let isNaN (x: Expr) : Expr = unary UnaryOp.IsNaN x

        /// <summary>True where a float is neither infinite nor NaN.</summary>
        let isFinite (x: Expr) : Expr = unary UnaryOp.IsFinite x

        /// <summary>Sums; shapes broadcast.</summary>
        let add (x: Expr) (y: Expr) : Expr = binary BinaryOp.Add x y

        /// <summary>Differences; shapes broadcast.</summary>
        let subtract (x: Expr) (y: Expr) : Expr = binary BinaryOp.Sub x y

        /// <summary>Products; shapes broadcast.</summary>
        let multiply (x: Expr) (y: Expr) : Expr = binary BinaryOp.Mul x y

        /// <summary>Quotients of floating-point values; shapes broadcast.</summary>
        let divide (x: Expr) (y: Expr) : Expr = binary BinaryOp.Div x y

        /// <summary>Quotients rounded toward minus infinity; shapes broadcast.</summary>
        let floorDivide (x: Expr) (y: Expr) : Expr = binary BinaryOp.FloorDiv x y

        /// <summary>Remainders with the sign of the divisor, as in Python (Keras: mod); shapes broadcast.</summary>
        let modulo (x: Expr) (y: Expr) : Expr = binary BinaryOp.Mod x y

        /// <summary>x to the power y (Keras: power); shapes broadcast.</summary>
        let pow (x: Expr) (y: Expr) : Expr = binary BinaryOp.Pow x y

        /// <summary>The angle of the point (x, y), given y first (Keras: arctan2); shapes broadcast.</summary>
        let atan2 (y: Expr) (x: Expr) : Expr = binary BinaryOp.Atan2 y x

        /// <summary>The greater of two, NaN if either is; shapes broadcast. A tie's derivative goes to the first.</summary>
        let maximum (x: Expr) (y: Expr) : Expr = binary BinaryOp.Max x y

        /// <summary>The smaller of two, NaN if either is; shapes broadcast. A tie's derivative goes to the first.</summary>
        let minimum (x: Expr) (y: Expr) : Expr = binary BinaryOp.Min x y

        /// <summary>Where two are equal: bool.</summary>
        let equal (x: Expr) (y: Expr) : Expr = binary BinaryOp.Eq x y

        /// <summary>Where two differ: bool.</summary>
        let notEqual (x: Expr) (y: Expr) : Expr = binary BinaryOp.Ne x y

        /// <summary>Where the first is less: bool.</summary>
        let less (x: Expr) (y: Expr) : Expr = binary BinaryOp.Lt x y

        /// <summary>Where the first is less or equal: bool.</summary>
        let lessEqual (x: Expr) (y: Expr) : Expr = binary BinaryOp.Le x y

        /// <summary>Where the first is greater: bool.</summary>
        let greater (x: Expr) (y: Expr) : Expr = binary BinaryOp.Gt x y

        /// <summary>Where the first is greater or equal: bool.</summary>
        let greaterEqual (x: Expr) (y: Expr) : Expr = binary BinaryOp.Ge x y

        /// <summary>Where both are true: bool.</summary>
        let logicalAnd (x: Expr) (y: Expr) : Expr = binary BinaryOp.And x y

        /// <summary>Where either is true: bool.</summary>
        let logicalOr (x: Expr) (y: Expr) : Expr = binary BinaryOp.Or x y

        /// <summary>Where exactly one is true: bool.</summary>
        let logicalXor (x: Expr) (y: Expr) : Expr = binary BinaryOp.Xor x y

        /// <summary>A scalar constant.</summary>
        let scalar (dtype: DType) (value: float) : Expr = Expr.Scalar(dtype, value)

        /// <summary>A constant node.</summary>
        let constant (value: Tensor) : Expr = Expr.Constant value

        /// <summary>A tensor of one value.</summary>
        let full (dtype: DType) (shape: Shape) (value: float) : Expr = OpsSupport.full dtype shape value

        /// <summary>Zeros (false for bool).</summary>
        let zeros (dtype: DType) (shape: Shape) : Expr = full dtype shape 0.0

        /// <summary>Ones (true for bool).</summary>
        let ones (dtype: DType) (shape: Shape) : Expr = full dtype shape 1.0

        /// <summary>Zeros of the type of x.</summary>
        let zerosLike (x: Expr) : Expr = zeros x.DType x.Shape

        /// <summary>Ones of the type of x.</summary>
        let onesLike (x: Expr) : Expr = ones x.DType x.Shape

        /// <summary>One value in the type of x.</summary>
        let fullLike (value: float) (x: Expr) : Expr = full x.DType x.Shape value

        /// <summary>x to a constant power.</summary>
        let powScalar (exponent: float) (x: Expr) : Expr = pow x (OpsSupport.like x exponent)

        /// <summary>Logarithms to base 2.</summary>
        let log2 (x: Expr) : Expr = log x * 1.4426950408889634

        /// <summary>Logarithms to base 10.</summary>
        let log10 (x: Expr) : Expr = log x * 0.43429448190325182

        /// <summary>log(exp x + exp y), without overflow.</summary>
        let logAddExp (x: Expr) (y: Expr) : Expr = maximum x y + softplus (neg (abs (x - y)))

        /// <summary>True where a float is infinite.</summary>
        let isInf (x: Expr) : Expr = logicalNot (logicalOr (isFinite x) (isNaN x))

        /// <summary>Elements of x where the condition (bool) is true, of y elsewhere; all three broadcast.</summary>
        /// <exception cref="T:FunctionalNet.DTypeException">The condition is not bool, or x and y differ in dtype.</exception>
        let where (condition: Expr) (x: Expr) (y: Expr) : Expr = Expr.Node(Select, [| condition; x; y |])

        /// <summary>Values below the least replaced by it, values above the greatest by that.</summary>
        let clip (least: float) (greatest: float) (x: Expr) : Expr =
            minimum (maximum x (OpsSupport.like x least)) (OpsSupport.like x greatest)

        /// <summary>Another dtype: floats are rounded to float32, cut toward zero for integers, and true where not 0 for bool.</summary>
        let cast (dtype: DType) (x: Expr) : Expr =
            let direct (dtype: DType) (x: Expr) = if x.DType = dtype then x else Expr.Node(Cast dtype, [| x |])

            // 16 bits are the upper half of a float32: that is the way to every other type.
            if x.DType = DType.BFloat16 || dtype = DType.BFloat16 then
                x |> direct (if x.DType = dtype then dtype else DType.Float32) |> direct dtype
            else
                direct dtype x

        /// <summary>The value itself, through which no derivative flows.</summary>
        let stopGradient (x: Expr) : Expr = Expr.Node(StopGradient, [| x |])
