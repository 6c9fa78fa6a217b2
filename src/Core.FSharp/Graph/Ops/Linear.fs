namespace FunctionalNet

open System
open FunctionalNet.Graph

/// <summary>Products of matrices and tensors.</summary>
[<AutoOpen>]
module LinearOps =

    /// <summary>Operations on nodes, under Keras's names. Shapes and dtypes are checked when a node is built.</summary>
    [<RequireQualifiedAccess>]
    module Ops =

        let private product (dims: int[]) = Array.fold (*) 1 dims

        /// <summary>Matrix products by NumPy's rule: the last two axes are matrices, the others broadcast; a vector on the left is
        /// a row, on the right a column, and its axis disappears.</summary>
        /// <exception cref="T:FunctionalNet.ShapeException">The inner sizes differ, or an operand is a scalar.</exception>
        let matmul (a: Expr) (b: Expr) : Expr =
            if a.Rank = 0 || b.Rank = 0 then
                OpsSupport.shapeError
                    "MatMul"
                    "operands of rank 1 or more"
                    (a.Shape.ToString() + " and " + b.Shape.ToString())
                    "Multiply scalars with *."

            if b.Rank <= 2 && a.Rank > 2 then
                // One large product instead of many small ones.
                let rows = a.Shape.ToArray()[.. a.Rank - 2]
                let flat = OpsSupport.reshapeTo (Shape.Of(product rows, a.Shape[-1])) a

                if b.Rank = 1 then
                    Expr.Node(MatMul(false, false), [| flat; OpsSupport.insertAxis 1 b |])
                    |> OpsSupport.reshapeTo (Shape.Of rows)
                else
                    Expr.Node(MatMul(false, false), [| flat; b |])
                    |> OpsSupport.reshapeTo (Shape.Of(Array.append rows [| b.Shape[-1] |]))
            else
                let left = if a.Rank = 1 then OpsSupport.insertAxis 0 a else a
                let right = if b.Rank = 1 then OpsSupport.insertAxis 1 b else b
                let result = Expr.Node(MatMul(false, false), [| left; right |])

                let gone =
                    [| if a.Rank = 1 then result.Rank - 2
                       if b.Rank = 1 then result.Rank - 1 |]

                OpsSupport.reshapeTo (Shape.removeAxes gone result.Shape) result

        /// <summary>Sums products over given axes of both, pairwise; the other axes of a, then of b, remain.</summary>
        let tensordot (axesA: int[]) (axesB: int[]) (a: Expr) (b: Expr) : Expr =
            let ia = axesA |> Array.map (OpsSupport.axisOf "TensorDot" a)
            let ib = axesB |> Array.map (OpsSupport.axisOf "TensorDot" b)

            let fits =
                ia.Length = ib.Length
                && (Array.distinct ia).Length = ia.Length
                && (Array.distinct ib).Length = ib.Length
                && Array.forall2 (fun i j -> a.Shape[i] = b.Shape[j]) ia ib

            if not fits then
                OpsSupport.shapeError
                    "TensorDot"
                    "as many axes of equal sizes on both sides"
                    (a.Shape.ToString()
                     + " over "
                     + OpsSupport.text axesA
                     + " and "
                     + b.Shape.ToString()
                     + " over "
                     + OpsSupport.text axesB)
                    "Pair the axes in order."

            let freeA = [| 0 .. a.Rank - 1 |] |> Array.except ia
            let freeB = [| 0 .. b.Rank - 1 |] |> Array.except ib
            let sizes (x: Expr) axes = axes |> Array.map (fun (i: int) -> x.Shape[i])
            let inner = product (sizes a ia)

            let left =
                OpsSupport.permute (Array.append freeA ia) a
                |> OpsSupport.reshapeTo (Shape.Of(product (sizes a freeA), inner))

            let right =
                OpsSupport.permute (Array.append ib freeB) b
                |> OpsSupport.reshapeTo (Shape.Of(inner, product (sizes b freeB)))

            Expr.Node(MatMul(false, false), [| left; right |])
            |> OpsSupport.reshapeTo (Shape.Of(Array.append (sizes a freeA) (sizes b freeB)))

        /// <summary>NumPy's dot: scalars multiply, otherwise the last axis of a with the second-to-last (or only) axis of b.</summary>
        let dot (a: Expr) (b: Expr) : Expr =
            if a.Rank = 0 || b.Rank = 0 then a * b
            elif b.Rank = 1 then tensordot [| -1 |] [| 0 |] a b
            else tensordot [| -1 |] [| -2 |] a b

        /// <summary>All products of the elements of two vectors: a matrix.</summary>
        let outer (a: Expr) (b: Expr) : Expr = Ops.expandDims 1 (Ops.ravel a) * Ops.expandDims 0 (Ops.ravel b)

        // Labels are characters; the axes of an ellipsis get labels outside of the alphabet.
        let private ellipsisLabel (fromEnd: int) = char (0x2000 + fromEnd)

        let private bad (equation: string) (expected: string) (hint: string) =
            OpsSupport.argumentError "Einsum" "equation" expected equation hint

        /// The labels of one term, with the ellipsis replaced by `covered` labels.
        let private labels (equation: string) (term: string) (covered: int) : char[] =
            let dots = term.IndexOf("...", StringComparison.Ordinal)
            let ellipsis = Array.init covered (fun i -> ellipsisLabel (covered - i))

            let found =
                if dots < 0 then
                    term.ToCharArray()
                else
                    Array.concat
                        [ term.Substring(0, dots).ToCharArray(); ellipsis; term.Substring(dots + 3).ToCharArray() ]

            if found |> Array.exists (fun c -> not (Char.IsAsciiLetter c) && c < char 0x2000) then
                bad
                    equation
                    "letters, commas, ->, and ... at most once per term"
                    "An equation looks like \"bij,bjk->bik\"."

            if (Array.distinct found).Length <> found.Length then
                bad equation "no index twice in one term" "Take the diagonal first, with where and eye."

            found

        let private sumOut (keep: char -> bool) (names: char[], x: Expr) =
            let axes =
                [| for i in 0 .. names.Length - 1 do
                       if not (keep names[i]) then i |]
            Array.filter keep names, OpsSupport.reduce ReduceOp.Sum axes false x

        let private arrange (target: char[]) (names: char[], x: Expr) =
            OpsSupport.permute (target |> Array.map (fun c -> Array.IndexOf(names, c))) x

        /// Contracts two operands over the labels they share and nobody else needs.
        let private contract (keep: char -> bool) (na: char[], a: Expr) (nb: char[], b: Expr) =
            let inA c = Array.contains c na
            let inB c = Array.contains c nb
            let batch = na |> Array.filter (fun c -> inB c && keep c)
            let summed = na |> Array.filter (fun c -> inB c && not (keep c))
            let freeA = na |> Array.filter (fun c -> not (inB c))
            let freeB = nb |> Array.filter (fun c -> not (inA c))
            let sizeA (cs: char[]) = cs |> Array.map (fun c -> a.Shape[Array.IndexOf(na, c)])
            let sizeB (cs: char[]) = cs |> Array.map (fun c -> b.Shape[Array.IndexOf(nb, c)])
            let left = arrange (Array.concat [ batch; freeA; summed ]) (na, a)
            let right = arrange (Array.concat [ batch; summed; freeB ]) (nb, b)
            let names = Array.concat [ batch; freeA; freeB ]
            let dims = Array.concat [ sizeA batch; sizeA freeA; sizeB freeB ]
            let matrix m n = Shape.Of(Array.concat [ sizeA batch; [| m; n |] ])
            let m, k, n = product (sizeA freeA), product (sizeA summed), product (sizeB freeB)

            if summed.Length = 0 then
                let l = OpsSupport.reshapeTo (matrix m 1) left
                let r = OpsSupport.reshapeTo (matrix 1 n) right
                names, OpsSupport.reshapeTo (Shape.Of dims) (l * r)
            else
                let l = OpsSupport.reshapeTo (matrix m k) left
                let r = OpsSupport.reshapeTo (matrix k n) right
                names, OpsSupport.reshapeTo (Shape.Of dims) (Expr.Node(MatMul(false, false), [| l; r |]))

        /// <summary>Sums of products in Einstein's notation, such as "bij,bjk->bik". Any number of operands; "..." stands for
        /// leading axes that broadcast; without "->" the result has the indices that occur once, in alphabetical order.</summary>
        /// <exception cref="T:FunctionalNet.ArgumentValueException">The equation is not valid, or repeats an index in one
        /// operand.</exception>
        /// <exception cref="T:FunctionalNet.ShapeException">A rank or a size does not fit the equation.</exception>
        let einsum (equation: string) (operands: Expr[]) : Expr =
            let compact = equation.Replace(" ", "")
            let arrow = compact.IndexOf("->", StringComparison.Ordinal)
            let terms = (if arrow < 0 then compact else compact.Substring(0, arrow)).Split(',')

            if terms.Length <> operands.Length || operands.Length = 0 then
                bad
                    equation
                    ("a term for each of " + string operands.Length + " operands")
                    "Separate terms with commas."

            let covered (term: string) (x: Expr) =
                let hasDots = term.Contains("...", StringComparison.Ordinal)
                let named = term.Length - (if hasDots then 3 else 0)

                if x.Rank < named || (not hasDots && x.Rank <> named) then
                    OpsSupport.shapeError
                        "Einsum"
                        ("an operand with the axes " + term)
                        (x.Shape.ToString())
                        "Write one letter per axis, or use \"...\"."

                x.Rank - named

            let widest = Array.map2 covered terms operands |> Array.max
            let named = Array.map2 (fun term x -> labels equation term (covered term x), x) terms operands
            let sizes = Collections.Generic.Dictionary<char, int>()

            for names, x in named do
                names
                |> Array.iteri (fun i c ->
                    match sizes.TryGetValue c with
                    | true, n when n = x.Shape[i] -> ()
                    | true, 1 when c >= char 0x2000 -> sizes[c] <- x.Shape[i]
                    | true, n ->
                        if not (c >= char 0x2000 && x.Shape[i] = 1) then
                            OpsSupport.shapeError
                                "Einsum"
                                ("one size for index " + (if c >= char 0x2000 then "..." else string c))
                                (string n + " and " + string x.Shape[i])
                                ("The equation is " + equation + ".")
                    | _ -> sizes[c] <- x.Shape[i])

            // An axis of size 1 that broadcasts against a larger one is left out of its operand.
            let named =
                named
                |> Array.map (fun (names, x) ->
                    let gone =
                        [| for i in 0 .. names.Length - 1 do
                               if x.Shape[i] = 1 && sizes[names[i]] <> 1 then i |]
                    let kept =
                        [| for i in 0 .. names.Length - 1 do
                               if not (Array.contains i gone) then names[i] |]
                    kept, OpsSupport.reshapeTo (Shape.removeAxes gone x.Shape) x)

            let result =
                if arrow >= 0 then
                    labels equation (compact.Substring(arrow + 2)) widest
                else
                    let letters = named |> Array.collect fst |> Array.filter Char.IsAsciiLetter |> Array.countBy id
                    let once = letters |> Array.filter (fun (_, n) -> n = 1) |> Array.map fst |> Array.sort
                    Array.append (Array.init widest (fun i -> ellipsisLabel (widest - i))) once

            if result |> Array.exists (fun c -> not (sizes.ContainsKey c)) then
                bad equation "result indices that occur in an operand" "An index of the result needs a size."

            let mutable rest = List.ofArray named

            let needed later c =
                Array.contains c result || later |> List.exists (fun (names, _) -> Array.contains c names)

            while rest.Length > 1 do
                let first, second, later = rest[0], rest[1], rest[2..]
                let first = sumOut (needed (second :: later)) first
                let second = sumOut (needed (first :: later)) second
                rest <- contract (needed later) first second :: later

            let names, x = sumOut (needed []) rest[0]
            arrange result (names, x)
