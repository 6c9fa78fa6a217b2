namespace FunctionalNet.Tests.Training

open System
open System.Text.Json
open FunctionalNet

/// Configurations as the case files write them.
module CaseConfig =

    let rec value (e: JsonElement) : ConfigValue =
        match e.ValueKind with
        | JsonValueKind.True -> ConfigValue.Bool true
        | JsonValueKind.False -> ConfigValue.Bool false
        | JsonValueKind.String -> ConfigValue.Text(nonNull (e.GetString()))
        | JsonValueKind.Number ->
            match e.TryGetInt64() with
            | true, i when not (e.GetRawText().Contains '.') -> ConfigValue.Int i
            | _ -> ConfigValue.Float(e.GetDouble())
        | JsonValueKind.Array -> ConfigValue.List [ for item in e.EnumerateArray() -> value item ]
        | JsonValueKind.Object -> ConfigValue.Object [ for p in e.EnumerateObject() -> p.Name, value p.Value ]
        | _ -> ConfigValue.Null

    let make (className: string) (config: JsonElement) : Config =
        { ClassName = className
          Arguments =
            match value config with
            | ConfigValue.Object arguments -> arguments
            | _ -> [] }
