namespace FunctionalNet

open FunctionalNet.Graph

/// <summary>Options of the layers that add noise while training.</summary>
[<AutoOpen>]
module RegularizationTypes =

    /// <summary>Arguments of Dropout, AlphaDropout, GaussianDropout and SpatialDropout; <c>Dropout.options rate</c> has
    /// Keras's defaults.</summary>
    type DropoutOptions =
        {
            /// <summary>Share of the elements that are dropped, from 0 to 1.</summary>
            Rate: float
            /// <summary>Shape of the drawn mask, which broadcasts to the input; None where the input decides. For Dropout and
            /// AlphaDropout.</summary>
            NoiseShape: int option list option
            /// <summary>Chooses another stream of random numbers under the same model seed.</summary>
            Seed: int option
            /// <summary>For SpatialDropout1D, 2D and 3D. Default: channels last.</summary>
            DataFormat: DataFormat
        }

/// <summary>The dropout layers. At inference all of them pass their input on.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Dropout =

    /// <summary>Keras's defaults for that rate.</summary>
    let options (rate: float) : DropoutOptions =
        { Rate = rate; NoiseShape = None; Seed = None; DataFormat = DataFormat.ChannelsLast }

    let private draw (scope: Scope) (seed: int option) (kind: RandomKind) (shape: Shape) =
        LayerCheck.random scope seed "noise" kind shape

    /// True where an element stays: with probability 1 - rate.
    let private keep (scope: Scope) (o: DropoutOptions) (shape: Shape) =
        let uniform = draw scope o.Seed RandomKind.Coarse shape
        Ops.greaterEqual uniform (Expr.Scalar(uniform.DType, o.Rate))

    let private noiseShape kind (o: DropoutOptions) (x: Expr) : Shape =
        match o.NoiseShape with
        | None -> x.Shape
        | Some sizes ->
            if sizes.Length <> x.Rank then
                LayerCheck.rankError
                    kind
                    ("rank " + string sizes.Length + ", as the noise shape has")
                    x
                    "Give one size (or none) per axis."

            Shape.Of(sizes |> List.mapi (fun i d -> Option.defaultValue x.Shape[i] d) |> List.toArray)

    /// Inverted dropout with a mask of the given shape.
    let private drop (scope: Scope) (o: DropoutOptions) (shape: Shape) (x: Expr) =
        if o.Rate >= 1.0 then
            Ops.zerosLike x
        else
            let kept = keep scope o shape
            x * Ops.where kept (Expr.Scalar(x.DType, 1.0 / (1.0 - o.Rate))) (Expr.Scalar(x.DType, 0.0))

    let private rateField: Field<DropoutOptions> =
        Field.float "rate" _.Rate (fun v o -> { o with Rate = v }) |> Field.required

    let private seedField: Field<DropoutOptions> = Field.seed "seed" _.Seed (fun v o -> { o with Seed = v })

    let private noiseField: Field<DropoutOptions> =
        let write (sizes: int option list) = Some(List(sizes |> List.map (ConfigWrite.option (fun d -> Int(int64 d)))))

        let read where value = ConfigRead.list where value |> List.map (ConfigRead.optional ConfigRead.int where)

        Field.optional "noise_shape" write read _.NoiseShape (fun v o -> { o with NoiseShape = v })

    let private formatField: Field<DropoutOptions> =
        LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v })

    let private make kind fields (train: DropoutOptions -> Scope -> Expr -> Expr) : LayerClass<DropoutOptions> =
        LayerClass.keepsMask kind (options 0.0) (rateField :: seedField :: fields) (fun o scope x ->
            if scope.Mode = Mode.Train && o.Rate > 0.0 then train o scope (LayerCheck.floating scope x) else x)
        |> LayerClass.checkedBy (fun o ->
            LayerCheck.rate (kind + ".rate") o.Rate
            o)

    let internal plain =
        make "Dropout" [ noiseField ] (fun o scope x -> drop scope o (noiseShape "Dropout" o x) x)

    /// Whole channels are dropped.
    let internal spatial =
        [| for rank in 1..3 ->
               let kind = "SpatialDropout" + string rank + "D"

               make kind [ formatField ] (fun o scope x ->
                   ConvolutionParts.check kind rank x
                   let channel = if o.DataFormat = DataFormat.ChannelsFirst then 1 else rank + 1
                   let dims = Array.init x.Rank (fun i -> if i = 0 || i = channel then x.Shape[i] else 1)
                   drop scope o (Shape.Of dims) x) |]

    /// Multiplies by normal numbers of mean 1 and the variance that dropout has.
    let internal gaussian =
        make "GaussianDropout" [] (fun o scope x ->
            let deviation = sqrt (o.Rate / (1.0 - o.Rate))
            x * (draw scope o.Seed RandomKind.Normal x.Shape * deviation + 1.0))
        |> LayerClass.checkedBy (fun o ->
            if not (o.Rate >= 0.0 && o.Rate < 1.0) then
                LayerCheck.argument
                    "GaussianDropout.rate"
                    "a rate from 0 to below 1"
                    (ConfigRead.show (Float o.Rate))
                    "At 1 the noise would be infinite."

            o)

    /// Drops to selu's lower limit, then restores mean and variance.
    let internal alpha =
        make "AlphaDropout" [ noiseField ] (fun o scope x ->
            let low = -Activation.SeluAlpha * Activation.SeluScale
            let a = 1.0 / sqrt ((1.0 - o.Rate) * (1.0 + o.Rate * low * low))
            let b = -a * low * o.Rate
            let kept = keep scope o (noiseShape "AlphaDropout" o x)
            Ops.where kept x (Expr.Scalar(x.DType, low)) * a + b)
        |> LayerClass.checkedBy (fun o ->
            if not (o.Rate >= 0.0 && o.Rate < 1.0) then
                LayerCheck.argument
                    "AlphaDropout.rate"
                    "a rate from 0 to below 1"
                    (ConfigRead.show (Float o.Rate))
                    "Nothing can be restored after dropping all."

            o)

    /// Adds normal numbers of a standard deviation. Options: deviation and seed.
    let internal noise: LayerClass<float * int option> =
        LayerClass.keepsMask
            "GaussianNoise"
            (0.0, None)
            [ Field.float "stddev" fst (fun v (_, seed) -> v, seed) |> Field.required
              Field.seed "seed" snd (fun v (deviation, _) -> deviation, v) ]
            (fun (deviation, seed) scope x ->
                if scope.Mode = Mode.Train && deviation > 0.0 then
                    let x = LayerCheck.floating scope x
                    x + draw scope seed RandomKind.Normal x.Shape * deviation
                else
                    x)
        |> LayerClass.checkedBy (fun (deviation, seed) ->
            if not (deviation >= 0.0) then
                LayerCheck.argument
                    "GaussianNoise.stddev"
                    "0 or more"
                    (ConfigRead.show (Float deviation))
                    "It is a standard deviation."

            deviation, seed)
