namespace FunctionalNet

open System.IO
open System.Text
open FunctionalNet.Formats

/// Configurations as files of their own, and as parts of the file of the model that they belong to.
module internal ConfigFile =

    /// Writes a configuration as JSON.
    let save (path: string) (config: ConfigValue) : unit =
        AtomicFile.write path (fun stream ->
            let bytes = Encoding.UTF8.GetBytes(Json.write true config)
            stream.Write(bytes, 0, bytes.Length))

    let load (path: string) : ConfigValue = Json.parse (File.ReadAllText path)

    /// Adds a configuration to a model's file, in place of one of that name.
    let saveInto (part: string) (modelPath: string) (config: ConfigValue) : unit =
        let content = ModelFile.load modelPath
        let others = content.Parts |> Array.filter (fun (name, _) -> name <> part) |> Array.toList
        ModelFile.save modelPath content.Kind (others @ [ part, JsonPart config ])

    let loadFrom (part: string) (modelPath: string) : ConfigValue = ModelFile.json part (ModelFile.load modelPath)
