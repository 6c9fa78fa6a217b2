namespace FunctionalNet

open System
open FunctionalNet.Graph

/// Factors: one number, or a lower and an upper bound.
module internal FactorBounds =

    /// Keras has two rules for pairs: most classes only refuse a pair that lies wholly outside of the range, the strict ones every
    /// number outside.
    let private boundsBy isStrict kind key (least: float, greatest: float) ofOne (factor: float list) : float * float =
        let wrong () =
            LayerCheck.argument
                (kind + "." + key)
                ("one or two numbers from "
                 + ConfigRead.show (Float least)
                 + " to "
                 + ConfigRead.show (Float greatest))
                (ConfigRead.show (List(List.map Float factor)))
                "Two numbers are a lower and an upper bound."

        let inside f = f >= least && f <= greatest

        match factor with
        | [ one ] when inside one -> ofOne one
        | [ a; b ] when (if isStrict then inside a && inside b else a <= greatest && b >= least) -> min a b, max a b
        | _ -> wrong ()

    let private bounds kind key range ofOne factor = boundsBy false kind key range ofOne factor

    /// From -1 to 1; one number f means -f to f.
    let symmetric kind key factor = bounds kind key (-1.0, 1.0) (fun f -> -(abs f), abs f) factor

    /// The same, and both numbers of a pair within.
    let movement kind key factor = boundsBy true kind key (-1.0, 1.0) (fun f -> -(abs f), abs f) factor

    /// From 0 to 1; one number f means 0 to f.
    let share kind key factor = bounds kind key (0.0, 1.0) (fun f -> 0.0, f) factor

    /// The same, and both numbers of a pair within.
    let strictShare kind key factor = boundsBy true kind key (0.0, 1.0) (fun f -> 0.0, f) factor

    /// From 0 to 1; one number f means -f to f.
    let shear kind key factor = boundsBy true kind key (0.0, 1.0) (fun f -> -f, f) factor

    /// Numbers of bits, from 1 to 8; one number f means 1 to f.
    let bits kind key factor = bounds kind key (1.0, 8.0) (fun f -> 1.0, f) factor

/// Arguments of image layers.
module internal ImageField =

    let factor key (get: 'o -> float list) set : Field<'o> =
        let write factor =
            match factor with
            | [] -> Some Null
            | [ one ] -> Some(Float one)
            | several -> Some(List(List.map Float several))

        Field.make key write ConfigRead.floats get set

    let valueRange (get: 'o -> float * float) set : Field<'o> =
        let read where value =
            match ConfigRead.floats where value with
            | [ a; b ] when a <> b -> min a b, max a b
            | _ -> raise (ConfigRead.wrong where "two different numbers" value)

        Field.make "value_range" (fun (low, high) -> Some(List [ Float low; Float high ])) read get set

    let seed (get: 'o -> int option) set : Field<'o> = Field.seed "seed" get set

    let private modes =
        [ "reflect", FillMode.Reflect
          "constant", FillMode.Constant
          "wrap", FillMode.Wrap
          "nearest", FillMode.Nearest ]

    let sampling (get: 'o -> Sampling) set : Field<'o> =
        Field.choice "interpolation" [ "bilinear", Sampling.Bilinear; "nearest", Sampling.Nearest ] get set

    /// Interpolation and value outside.
    let fillValue (get: 'o -> Filling) set : Field<'o> list =
        [ sampling (fun o -> (get o).Interpolation) (fun v o -> set { get o with Interpolation = v } o)
          Field.float "fill_value" (fun o -> (get o).Value) (fun v o -> set { get o with Value = v } o) ]

    let filling (get: 'o -> Filling) set : Field<'o> list =
        Field.choice "fill_mode" modes (fun o -> (get o).Mode) (fun v o -> set { get o with Mode = v } o)
        :: fillValue get set

/// Random numbers of image layers, one or a few per image.
module internal ImageDraw =

    let private all (scope: Scope) (value: float) (dims: int[]) = Ops.full scope.FloatType (Shape.Of dims) value

    /// Uniform between bounds.
    let between (scope: Scope) seed name (low: float, high: float) (dims: int[]) : Expr =
        if low = high then
            all scope low dims
        else
            LayerCheck.random scope seed name RandomKind.Uniform (Shape.Of dims) |> Ops.uniformBetween low high

    /// One number per image, (n, 1, 1, 1).
    let perImage (scope: Scope) seed name bounds (x: Expr) : Expr =
        between scope seed name bounds [| x.Shape[0]; 1; 1; 1 |]

    /// True with a probability that is itself drawn between bounds.
    let chance (scope: Scope) seed name bounds (dims: int[]) : Expr =
        let probability = between scope seed (name + "/probability") bounds dims
        Ops.less (between scope seed name (0.0, 1.0) dims) probability

    /// -1 or 1.
    let sign (scope: Scope) seed name (dims: int[]) : Expr =
        let positive =
            Ops.lessEqual (between scope seed name (0.0, 1.0) dims) (Expr.Scalar(scope.FloatType, 0.5))
        Ops.where positive (all scope 1.0 dims) (all scope -1.0 dims)

    // Of the proposals at least 95 % are accepted: all of them are refused once in 10^10 draws.
    [<Literal>]
    let private Proposals = 8

    /// Logarithms of gamma-distributed numbers: the method of Marsaglia and Tsang (2000) for alpha + 1, then U^(1 / alpha).
    let logGamma (scope: Scope) seed name (alpha: Expr) (dims: int[]) : Expr =
        let shape = Shape.Of dims
        let draw kind part = LayerCheck.random scope seed (name + part) kind shape
        let d = alpha + (2.0 / 3.0)
        let c = 1.0 / Ops.sqrt (d * 9.0)
        let one = all scope 1.0 dims

        let propose (k: int) (otherwise: Expr) =
            let z = draw RandomKind.Normal ("/normal" + string k)
            let u = draw RandomKind.Uniform ("/uniform" + string k)
            let root = z * c + 1.0
            let v = root * root * root
            let positive = Ops.greater v (Ops.zerosLike v)
            let v = Ops.where positive v one
            let limit = Ops.square z * 0.5 + d - d * v + d * Ops.log v
            Ops.where (Ops.logicalAnd positive (Ops.less (Ops.log (1.0 - u)) limit)) v otherwise

        let v = [ Proposals - 1 .. -1 .. 0 ] |> List.fold (fun otherwise k -> propose k otherwise) one
        Ops.log d + Ops.log v + Ops.log (1.0 - draw RandomKind.Uniform "/power") / alpha

    /// Beta-distributed numbers with both parameters alpha.
    let beta (scope: Scope) seed name (alpha: Expr) (dims: int[]) : Expr =
        Ops.sigmoid (
            logGamma scope seed (name + "/first") alpha dims - logGamma scope seed (name + "/second") alpha dims
        )

    /// The numbers 0 .. count - 1 in random order, int32.
    let order (scope: Scope) seed name (count: int) : Expr =
        Ops.argsort 0 false (between scope seed name (0.0, 1.0) [| count |])

/// Making image layers.
module internal ImageLayer =

    let check (kind: string) (x: Expr) = LayerCheck.rank kind 4 "(batch, height, width, channels)" x

    let private channels (format: DataFormat) (x: Expr) = x.Shape[if format = DataFormat.ChannelsLast then 3 else 1]

    /// Refuses images that are not red, green and blue.
    let checkColors (kind: string) (format: DataFormat) (x: Expr) =
        check kind x

        if channels format x <> 3 then
            raise (
                ShapeException(
                    kind + " works on colors.",
                    "",
                    "3 channels: red, green and blue",
                    x.Shape.ToString(),
                    "Repeat the channel of gray images, or leave the layer out."
                )
            )

    /// A layer that does the same in training and at inference.
    let always kind fields start (formatOf: 'o -> DataFormat) (run: 'o -> Expr -> Expr) : LayerClass<'o> =
        LayerClass.dropsMask kind fields start (fun o scope x ->
            check kind x
            LayerCheck.floating scope x |> LayerCheck.inChannelsLast (formatOf o) (run o))

    /// A layer that changes images in training and passes them on at inference. `run` gets channels last.
    let training kind fields start (formatOf: 'o -> DataFormat) (run: 'o -> Scope -> Expr -> Expr) : LayerClass<'o> =
        LayerClass.dropsMask kind fields start (fun o scope x ->
            check kind x
            let x = LayerCheck.floating scope x
            if scope.Mode = Mode.Train then LayerCheck.inChannelsLast (formatOf o) (run o scope) x else x)

    /// The same for layers that need three channels.
    let trainingColors kind fields start (formatOf: 'o -> DataFormat) run : LayerClass<'o> =
        let layer = training kind fields start formatOf run

        { layer with
            Run =
                fun o ->
                    let run = layer.Run o

                    fun scope inputs ->
                        checkColors kind (formatOf o) (Layer.single kind inputs).Value
                        run scope inputs }

    /// x where the condition holds, which has one number per image.
    let pick (condition: Expr) (changed: Expr) (x: Expr) = Ops.where condition changed x

    let odd kind key (size: int) =
        if size <= 0 || size % 2 = 0 then
            LayerCheck.argument (kind + "." + key) "odd numbers" (string size) "A kernel has a cell in its middle."
