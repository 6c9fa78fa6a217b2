namespace FunctionalNet.Tests.Layers

open System.IO
open FunctionalNet
open FunctionalNet.Tests.Support
open Xunit

/// Architectures that Keras wrote, and what it says about them.
module Architectures =

    let private get key value =
        match value with
        | ConfigValue.Object entries -> entries |> List.find (fun (k, _) -> k = key) |> snd
        | _ -> failwith "not an object"

    let private items value =
        match value with
        | ConfigValue.List items -> items
        | _ -> failwith "not a list"

    let private text value =
        match value with
        | Text t -> t
        | _ -> failwith "not a text"

    type Case =
        {
            Id: string
            Model: ConfigValue
            Parameters: int64
            Outputs: string list
            /// Last parts of the paths, and shapes.
            Weights: (string * string) list
        }

    let lastPart (path: string) = path.Substring(path.LastIndexOf '/' + 1)

    let private shape value =
        let dims =
            items value
            |> List.map (fun d ->
                match d with
                | Int i -> int i
                | _ -> failwith "not a size")

        (Shape.Of(List.toArray dims)).ToString()

    let private parse (name: string) =
        get "cases" (Json.parse (File.ReadAllText(Data.inTests ("keras/" + name)))) |> items

    let all: Case list =
        parse "architectures.json"
        |> List.map (fun case ->
            { Id = text (get "id" case)
              Model = get "model" case
              Parameters =
                (match get "parameters" case with
                 | Int i -> i
                 | _ -> failwith "not a number")
              Outputs = items (get "outputs" case) |> List.map text
              Weights =
                items (get "weights" case)
                |> List.map (fun w ->
                    let parts = items w
                    lastPart (text parts[0]), shape parts[1]) })

    /// The models of the training runs: only names and shapes of weights are known.
    let fits: (string * ConfigValue * string list) list =
        parse "fits.json"
        |> List.map (fun case ->
            text (get "id" case), get "model" case, items (get "weight_names" case) |> List.map (text >> lastPart))

    let rec private classes (value: ConfigValue) : string list =
        match value with
        | ConfigValue.Object entries ->
            let own =
                match
                    List.tryFind (fun (k, _) -> k = "class_name") entries,
                    List.tryFind (fun (k, _) -> k = "config") entries
                with
                | Some(_, Text name), Some(_, ConfigValue.Object config) when
                    List.exists (fun (k, _) -> k = "trainable") config
                    ->
                    [ name ]
                | _ -> []

            own @ (entries |> List.collect (snd >> classes))
        | ConfigValue.List items -> List.collect classes items
        | _ -> []

    /// True if all its layers exist in this library.
    let isReadable (model: ConfigValue) =
        let known = Registry.classNames ()
        classes model |> List.forall (fun c -> List.contains c known)

module ModelConfigTests =

    let private variables network =
        Network.variables network
        |> Array.map (fun v -> Architectures.lastPart v.Path, v.Shape.ToString())
        |> Array.toList

    let cases () =
        Architectures.all
        |> List.filter (fun c -> Architectures.isReadable c.Model)
        |> List.map (fun c -> [| box c.Id |])

    let private case id = Architectures.all |> List.find (fun c -> c.Id = id)

    [<Theory; MemberData(nameof cases)>]
    let ``an architecture of Keras has Keras's weights in Keras's order`` (id: string) =
        let case = case id
        let network = Network.ofConfig case.Model
        Assert.Equal<(string * string) list>(case.Weights, variables network)
        Assert.Equal(case.Parameters, Network.countParameters network)
        Assert.Equal<string list>(case.Outputs, Network.outputs network |> List.map (fun n -> n.Name))

    let fits () =
        Architectures.fits
        |> List.filter (fun (_, model, _) -> Architectures.isReadable model)
        |> List.map (fun (id, _, _) -> [| box id |])

    [<Theory; MemberData(nameof fits)>]
    let ``the model of a training run has Keras's weights in Keras's order`` (id: string) =
        let _, model, names = Architectures.fits |> List.find (fun (i, _, _) -> i = id)
        Assert.Equal<string list>(names, Network.ofConfig model |> variables |> List.map fst)

    [<Theory; MemberData(nameof cases)>]
    let ``what is written reads back as the same network`` (id: string) =
        let network = Network.ofConfig (case id).Model
        let text = Network.toJson network
        let again = Network.ofJson text
        Assert.Equal(text, Network.toJson again)
        Assert.Equal(network.Name, again.Name)
        Assert.Equal(network.ClassName, again.ClassName)
        Assert.Equal<string[]>(Small.paths network, Small.paths again)

        Assert.Equal(
            Summary.write { Summary.defaults with ExpandNested = true } network,
            Summary.write { Summary.defaults with ExpandNested = true } again
        )

    /// Names, uses and connections of what Keras wrote survive.
    let rec private wiring (value: ConfigValue) : string list =
        match value with
        | ConfigValue.Object entries ->
            entries
            |> List.collect (fun (key, value) ->
                match key, value with
                | ("keras_history" | "input_layers" | "output_layers" | "batch_shape" | "build_input_shape"), v ->
                    [ Json.write false v ]
                | ("name" | "class_name"), Text t when t <> "DTypePolicy" && t <> "float32" -> [ t ]
                | ("layers" | "inbound_nodes" | "args" | "kwargs" | "config"), v -> wiring v
                | _ -> [])
        | ConfigValue.List items -> List.collect wiring items
        | _ -> []

    [<Theory; MemberData(nameof cases)>]
    let ``the connections that are written are Keras's`` (id: string) =
        let model = (case id).Model
        let written = Network.toConfig (Network.ofConfig model)
        // The class of the policy and the order of the keys differ between versions of the file: compare as sets.
        Assert.Equal<Set<string>>(set (wiring model), set (wiring written))

    [<Fact>]
    let ``every architecture is read or names the class that is not known`` () =
        for case in Architectures.all do
            if not (Architectures.isReadable case.Model) then
                let e = Assert.Throws<ModelFormatException>(fun () -> Network.ofConfig case.Model |> ignore)
                Assert.StartsWith("Unknown layer class", e.Summary)

    // ---- Parameter counts of tutorials

    let private count (input: int list) (layers: Layer list) =
        Network.countParameters (Network.sequential (Network.input input) layers)

    [<Fact>]
    let ``tutorial models have the known numbers of parameters`` () =
        Assert.Equal(
            669706L,
            count [ 784 ] [ Layer.dense 512; Layer.dropout 0.2; Layer.dense 512; Layer.dropout 0.2; Layer.dense 10 ]
        )

        Assert.Equal(
            1199882L,
            count
                [ 28; 28; 1 ]
                [ Layer.conv2D 32 [ 3; 3 ]
                  Layer.conv2D 64 [ 3; 3 ]
                  Layer.maxPooling2D [ 2; 2 ]
                  Layer.dropout 0.25
                  Layer.flatten
                  Layer.dense 128
                  Layer.dropout 0.5
                  Layer.dense 10 ]
        )

        Assert.Equal(5121L, count [ 13 ] [ Layer.dense 64; Layer.dense 64; Layer.dense 1 ])
        Assert.Equal(2920L, count [ 8 ] [ Layer.dense 32; Layer.dense 64; Layer.dense 8 ])

        let custom =
            Layer.create "MyCustomLayer" (fun scope x ->
                Ops.matmul x (scope.Param("kernel", Shape.Of(x.Shape[-1], 32), Initializer.randomNormal 0.0 0.05)))

        Assert.Equal(776L, count [ 16 ] [ custom; Layer.dense 8 ])
        let x = Network.input [ 2; 3 ]
        Assert.Equal(8L, Network.countParameters (Network.create [ x ] [ x |> Network.apply (Layer.dense 2) ]))

    [<Fact>]
    let ``every use of a ready-made layer is a layer of its own`` () =
        let x = Network.input [ 4 ]
        let y = x |> Network.apply Layer.batchNormalization |> Network.apply Layer.batchNormalization
        Assert.Equal(32L, Network.countParameters (Network.create [ x ] [ y ]))

    // ---- Writing

    [<Fact>]
    let ``float64, frozen layers, shared names and fixed batches survive`` () =
        let x = Network.inputWith { Name = "x"; Shape = [ 3 ]; DType = DType.Float32; BatchSize = Some 4 }

        let y =
            x
            |> Network.apply (Layer.frozen (Layer.dense 3))
            |> Network.apply (Layer.dense 2 |> Layer.named "last")
        let network = Network.create [ x ] [ y ] |> Network.named "small" |> Network.withDType DType.Float64
        let again = Network.ofJson (Network.toJson network)
        Assert.Equal(DType.Float64, again.FloatType)
        Assert.Equal(4, again.Inputs[0].Shape[0])
        let flags network = Network.variables network |> Array.map (fun v -> v.Path, v.Frozen, v.DType)
        Assert.Equal<(string * bool * DType)[]>(flags network, flags again)
        Assert.Equal("small", again.Name)

    [<Fact>]
    let ``a serial layer inside a network is written as a pipeline and keeps its paths`` () =
        let x = Network.input [ 3 ]
        let block = Layer.serial [ Layer.dense 4; Layer.relu; Layer.dense 3 ]
        let network = Network.create [ x ] [ x |> Network.apply block |> Network.apply (Layer.dense 1) ]
        let again = Network.ofJson (Network.toJson network)
        Assert.Equal<string[]>(Small.paths network, Small.paths again)
        Assert.Equal(Network.toJson network, Network.toJson again)

    [<Fact>]
    let ``a layer that holds a function cannot be written`` () =
        let network = Network.sequential (Network.input [ 3 ]) [ Layer.dense 3; Small.relu () ]
        let e = Assert.Throws<NotReadyException>(fun () -> Network.toJson network |> ignore)
        Assert.Equal("re_lu", e.Path)

    // ---- Broken files

    let private dense name inputs =
        """{"module":"keras.layers","class_name":"Dense","config":{"name":"""
        + "\""
        + name
        + "\""
        + ""","units":2},"name":"""
        + "\""
        + name
        + "\""
        + ",\"inbound_nodes\":["
        + inputs
        + "]}"

    let private tensor name use' index =
        "{\"args\":[{\"class_name\":\"__keras_tensor__\",\"config\":{\"shape\":[null,2],\"dtype\":\"float32\",\"keras_history\":[\""
        + name
        + "\","
        + string (use': int)
        + ","
        + string (index: int)
        + "]}}],\"kwargs\":{}}"

    let private input =
        """{"class_name":"InputLayer","config":{"batch_shape":[null,2],"dtype":"float32","name":"x"},"name":"x","inbound_nodes":[]}"""

    let private functional layers (output: string) =
        "{\"class_name\":\"Functional\",\"config\":{\"name\":\"f\",\"layers\":["
        + String.concat "," layers
        + "],\"input_layers\":[[\"x\",0,0]],\"output_layers\":["
        + output
        + "]}}"

    [<Fact>]
    let ``a small functional model is read`` () =
        let network =
            Network.ofJson (functional [ dense "b" (tensor "a" 0 0); input; dense "a" (tensor "x" 0 0) ] "[\"b\",0,0]")
        Assert.Equal<string[]>([| "a/kernel"; "a/bias"; "b/kernel"; "b/bias" |], Small.paths network)

    [<Fact>]
    let ``an operation with a number is read, evaluated and written`` () =
        let twice = (tensor "x" 0 0).Replace("}}]", "}}, 0.5]")

        let operation =
            """{"module":"keras.src.ops.numpy","class_name":"Greater","config":{"name":"above"},"registered_name":"Greater","name":"above","inbound_nodes":["""
            + twice
            + "]}"

        let network = Network.ofJson (functional [ input; operation ] "[\"above\",0,0]")
        let data = Tensor.Of<float32>(Shape.Of(2, 2), [| 0.0f; 0.5f; 0.75f; 1.0f |])
        let result = Small.first network [||] [ data ]
        Assert.Equal<bool[]>([| false; false; true; true |], result.ToArray<bool>())
        let again = Network.ofJson (Network.toJson network)
        Assert.True((Small.first again [||] [ data ]).BitEquals result)
        Assert.Equal(Network.toJson network, Network.toJson again)
        // A number that the tensor's type cannot hold, and too many arguments.
        let ints = (functional [ input; operation ] "[\"above\",0,0]").Replace("float32", "int32")
        Assert.Throws<ModelFormatException>(fun () -> Network.ofJson ints |> ignore) |> ignore
        let three = (functional [ input; operation ] "[\"above\",0,0]").Replace("0.5]", "0.5, 1]")
        Assert.Throws<ModelFormatException>(fun () -> Network.ofJson three |> ignore) |> ignore

    let broken: obj[] seq =
        [ "not json"
          ""
          "null"
          "[]"
          "{}"
          """{"class_name":"Functional"}"""
          """{"class_name":"Functional","config":{}}"""
          """{"class_name":"Functional","config":{"layers":3}}"""
          """{"class_name":"Sequential","config":{"layers":[3]}}"""
          """{"class_name":"Sequential","config":{"layers":[{"class_name":4}]}}"""
          """{"class_name":"Sequential","config":{"layers":[{"class_name":"InputLayer","config":{"batch_shape":[]}}]}}"""
          """{"class_name":"Sequential","config":{"layers":[{"class_name":"InputLayer","config":{"batch_shape":[null,-3]}}]}}"""
          """{"class_name":"Sequential","config":{"layers":[{"class_name":"InputLayer","config":{"batch_shape":[null,3],"dtype":"complex64"}}]}}"""
          """{"class_name":"Sequential","config":{"layers":[{"class_name":"InputLayer","config":{"batch_shape":[null,3]}},{"class_name":"Dense","config":{"units":"many"}}]}}"""
          """{"class_name":"Dense","config":{"units":3}}"""
          functional [ input ] "[\"nobody\",0,0]"
          functional [ input; input ] "[\"x\",0,0]"
          functional [ input; dense "a" (tensor "a" 0 0) ] "[\"a\",0,0]"
          functional [ input; dense "a" (tensor "b" 0 0); dense "b" (tensor "a" 0 0) ] "[\"a\",0,0]"
          functional [ input; dense "a" (tensor "x" 0 1) ] "[\"a\",0,0]"
          functional [ input; dense "a" (tensor "x" 7 0) ] "[\"a\",0,0]"
          functional [ input; dense "a" (tensor "x" 0 0) ] "[\"a\",0,5]"
          functional [ input; dense "a" (tensor "x" 0 0) ] "[\"a\",-1,0]"
          functional [ input; dense "a" "{\"args\":4}" ] "[\"a\",0,0]"
          functional [ input; dense "a" "{\"args\":[],\"kwargs\":{}}" ] "[\"a\",0,0]"
          functional [ input; (dense "a" (tensor "x" 0 0)).Replace("Dense", "Dance") ] "[\"a\",0,0]" ]
        |> Seq.map (fun text -> [| text :> obj |])

    [<Theory; MemberData(nameof broken)>]
    let ``a broken model is refused with a typed error`` (text: string) =
        Assert.Throws<ModelFormatException>(fun () -> Network.ofJson text |> ignore) |> ignore

    [<Fact>]
    let ``an error in a file names the layer`` () =
        let text =
            functional [ input; (dense "here" (tensor "x" 0 0)).Replace("Dense", "Dance") ] "[\"here\",0,0]"
        let e = Assert.Throws<ModelFormatException>(fun () -> Network.ofJson text |> ignore)
        Assert.Contains("here", e.Path)
        Assert.Equal("Dance", e.Actual)
        let huge =
            (functional [ input; dense "here" (tensor "x" 0 0) ] "[\"here\",0,0]")
                .Replace("\"units\":2", "\"units\":2147483647")
        let e = Assert.Throws<ShapeException>(fun () -> Network.ofJson huge |> ignore)
        Assert.Equal("here", e.Path)

    [<Fact>]
    let ``every cut of a model is refused with a typed error`` () =
        let text = Network.toJson (Network.ofConfig (case "13-shared.weights.h5").Model)

        for length in 0..7 .. text.Length - 1 do
            Assert.Throws<ModelFormatException>(fun () -> Network.ofJson (text.Substring(0, length)) |> ignore)
            |> ignore

    [<Fact>]
    let ``models nested too deeply are refused`` () =
        let rec nest depth =
            if depth = 0 then
                dense "a" ""
            else
                "{\"class_name\":\"Sequential\",\"config\":{\"name\":\"s\",\"layers\":[" + nest (depth - 1) + "]}}"

        Assert.Throws<ModelFormatException>(fun () -> Network.ofJson (nest 3000) |> ignore) |> ignore
