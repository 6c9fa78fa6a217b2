namespace FunctionalNet

open System.Collections.Generic

/// Layers that stand for one object in several places of a network and of networks inside it: one object has one set of weights,
/// which then lies at the root.
module internal NetworkSharing =

    /// A layer where it stands: the network around it by its number, its name there, and whether it is shared already.
    [<NoEquality; NoComparison>]
    type private Place = { Around: int; Name: string; IsShared: bool }

    /// The places of every object, and of all layers without one by their names. The inside of an object is looked at once.
    let private placesOf (network: Network) =
        let places = Dictionary<obj, List<Place>>(HashIdentity.Reference)
        let order = List<obj>()
        let others = HashSet<string>()
        let mutable networks = 0

        let rec walk (network: Network) =
            let around = networks
            networks <- networks + 1

            for entry in network.Entries do
                let isNew =
                    match entry.Layer.Owner with
                    | null ->
                        others.Add entry.Name |> ignore
                        true
                    | owner ->
                        let place = { Around = around; Name = entry.Name; IsShared = entry.Layer.Shared }

                        match places.TryGetValue owner with
                        | true, known ->
                            known.Add place
                            false
                        | _ ->
                            places[owner] <- List [| place |]
                            order.Add owner
                            true

                if isNew then
                    match Network.tryOfLayer entry.Layer with
                    | Some inner -> walk inner
                    | None -> ()

        walk network
        struct (places, order, others)

    /// The network with every object that stands in several networks shared, and those objects with their names.
    let share (network: Network) : struct (Network * (obj * string)[]) =
        let struct (places, order, others) = placesOf network
        let names = Dictionary<obj, string>(HashIdentity.Reference)

        let several (places: List<Place>) = places.Exists(fun p -> p.IsShared || p.Around <> places[0].Around)

        let mutable changes = false

        for owner in order do
            let own = places[owner]

            if several own then
                let isTaken (name: string) =
                    others.Contains name
                    || names.ContainsValue name
                    || order.Exists(fun other ->
                        not (obj.ReferenceEquals(other, owner)) && places[other].Exists(fun p -> p.Name = name))

                let mutable name = own[0].Name
                let mutable n = 0

                while isTaken name do
                    n <- n + 1
                    name <- own[0].Name + "_shared" + (if n = 1 then "" else string n)

                names[owner] <- name

                if own.Exists(fun p -> not p.IsShared || p.Name <> name) then changes <- true

        let shared (layer: Layer) =
            match layer.Owner with
            | null -> layer
            | owner ->
                match names.TryGetValue owner with
                | true, name -> Layer.shared name layer
                | _ -> layer

        struct ((if changes then Network.cloneWith shared network else network),
                [| for pair in names -> pair.Key, pair.Value |])
