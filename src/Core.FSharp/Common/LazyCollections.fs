namespace FunctionalNet

open System
open System.Collections
open System.Collections.Generic

/// One reading of a sequence.
[<AbstractClass>]
type internal Reading<'T>() =
    let mutable current = Unchecked.defaultof<'T>
    let mutable place = -1

    /// How many items were read before the one that is read now.
    member _.Place = place

    /// False at the end.
    abstract Next: next: byref<'T> -> bool

    abstract Close: unit -> unit

    interface IEnumerator<'T> with
        member _.Current = current

    interface IEnumerator with
        member this.MoveNext() =
            place <- place + 1
            this.Next(&current)

        member _.Current = box current
        member _.Reset() = raise (NotSupportedException())

    interface IDisposable with
        member this.Dispose() = this.Close()

/// Functions of FSharp.Core's module Seq, lazy where those are; why they are here is told in Collections.fs.
[<AutoOpen>]
module internal LazyCollections =

    /// A sequence that is made anew for each reader.
    let private delay (start: unit -> IEnumerator<'T>) : 'T seq =
        { new IEnumerable<'T> with
            member _.GetEnumerator() : IEnumerator<'T> = start ()
          interface IEnumerable with
              member _.GetEnumerator() : IEnumerator = start () :> IEnumerator }

    let private tooShort () =
        raise (InvalidOperationException "The input sequence has an insufficient number of elements.")

    module Seq =

        let toArray (xs: 'T seq) : 'T[] =
            ArgumentNullException.ThrowIfNull xs

            match xs with
            | :? ('T[]) as array -> Array.copy array
            | :? ('T list) as list -> List.toArray list
            | _ -> List<'T>(xs).ToArray()

        let toList (xs: 'T seq) : 'T list =
            match xs with
            | :? ('T list) as list -> list
            | _ -> Array.toList (toArray xs)

        /// What an array made of the items gives, made when somebody reads it.
        let private whole (make: 'T[] -> 'U[]) (xs: 'T seq) : 'U seq =
            ArgumentNullException.ThrowIfNull xs
            delay (fun () -> (make (toArray xs) :> seq<'U>).GetEnumerator())

        let sortWith (compare: 'T -> 'T -> int) (xs: 'T seq) : 'T seq = whole (Array.sortWith compare) xs

        let sortBy (key: 'T -> 'K) (xs: 'T seq) : 'T seq = whole (Array.sortBy key) xs

        let sortByDescending (key: 'T -> 'K) (xs: 'T seq) : 'T seq = whole (Array.sortByDescending key) xs

        let map (f: 'T -> 'U) (xs: 'T seq) : 'U seq =
            ArgumentNullException.ThrowIfNull xs

            delay (fun () ->
                let source = xs.GetEnumerator()

                { new Reading<'U>() with
                    member _.Next(next: byref<'U>) =
                        if source.MoveNext() then
                            next <- f source.Current
                            true
                        else
                            false

                    member _.Close() = source.Dispose() })

        let mapi (f: int -> 'T -> 'U) (xs: 'T seq) : 'U seq =
            ArgumentNullException.ThrowIfNull xs

            delay (fun () ->
                let source = xs.GetEnumerator()

                { new Reading<'U>() with
                    member this.Next(next: byref<'U>) =
                        if source.MoveNext() then
                            next <- f this.Place source.Current
                            true
                        else
                            false

                    member _.Close() = source.Dispose() })

        let indexed (xs: 'T seq) : (int * 'T) seq = mapi (fun i x -> i, x) xs

        let init (count: int) (f: int -> 'T) : 'T seq =
            if count < 0 then
                refuse "count" ("The input must be non-negative, but was " + string count + ".")

            delay (fun () ->
                { new Reading<'T>() with
                    member this.Next(next: byref<'T>) =
                        if this.Place < count then
                            next <- f this.Place
                            true
                        else
                            false

                    member _.Close() = () })

        let truncate (count: int) (xs: 'T seq) : 'T seq =
            ArgumentNullException.ThrowIfNull xs

            delay (fun () ->
                let source = xs.GetEnumerator()

                { new Reading<'T>() with
                    member this.Next(next: byref<'T>) =
                        if this.Place < count && source.MoveNext() then
                            next <- source.Current
                            true
                        else
                            false

                    member _.Close() = source.Dispose() })

        let take (count: int) (xs: 'T seq) : 'T seq =
            ArgumentNullException.ThrowIfNull xs

            if count < 0 then
                refuse "count" ("The input must be non-negative, but was " + string count + ".")

            delay (fun () ->
                let source = xs.GetEnumerator()

                { new Reading<'T>() with
                    member this.Next(next: byref<'T>) =
                        if this.Place >= count then
                            false
                        elif source.MoveNext() then
                            next <- source.Current
                            true
                        else
                            tooShort ()

                    member _.Close() = source.Dispose() })

        let skip (count: int) (xs: 'T seq) : 'T seq =
            ArgumentNullException.ThrowIfNull xs

            delay (fun () ->
                let source = xs.GetEnumerator()

                { new Reading<'T>() with
                    member this.Next(next: byref<'T>) =
                        if this.Place = 0 then
                            for _ in 1..count do
                                if not (source.MoveNext()) then tooShort ()

                        if source.MoveNext() then
                            next <- source.Current
                            true
                        else
                            false

                    member _.Close() = source.Dispose() })

        let map2 (f: 'A -> 'B -> 'U) (xs: 'A seq) (ys: 'B seq) : 'U seq =
            ArgumentNullException.ThrowIfNull xs
            ArgumentNullException.ThrowIfNull ys

            delay (fun () ->
                let first, second = xs.GetEnumerator(), ys.GetEnumerator()

                { new Reading<'U>() with
                    member _.Next(next: byref<'U>) =
                        if first.MoveNext() && second.MoveNext() then
                            next <- f first.Current second.Current
                            true
                        else
                            false

                    member _.Close() =
                        try
                            first.Dispose()
                        finally
                            second.Dispose() })

        let filter (isWanted: 'T -> bool) (xs: 'T seq) : 'T seq =
            ArgumentNullException.ThrowIfNull xs

            delay (fun () ->
                let source = xs.GetEnumerator()

                { new Reading<'T>() with
                    member _.Next(next: byref<'T>) =
                        let mutable isFound = false

                        while not isFound && source.MoveNext() do
                            next <- source.Current
                            isFound <- isWanted next

                        isFound

                    member _.Close() = source.Dispose() })

        let distinctBy (key: 'T -> 'K) (xs: 'T seq) : 'T seq =
            ArgumentNullException.ThrowIfNull xs

            delay (fun () ->
                let seen = HashSet<'K>(Keys.equality<'K>())
                (filter (fun x -> seen.Add(key x)) xs).GetEnumerator())

        let distinct (xs: 'T seq) : 'T seq = distinctBy id xs

        let singleton (x: 'T) : 'T seq = [| x |]

        /// The items of one sequence after another.
        let private joined (parts: 'T seq seq) : 'T seq =
            delay (fun () ->
                let sources = parts.GetEnumerator()
                // An array of one, since a closure may change no variable.
                let source = [| (Array.empty<'T> :> seq<'T>).GetEnumerator() |]

                { new Reading<'T>() with
                    member _.Next(next: byref<'T>) =
                        let mutable isFound = source[0].MoveNext()

                        while not isFound && sources.MoveNext() do
                            source[0].Dispose()
                            source[0] <- sources.Current.GetEnumerator()
                            isFound <- source[0].MoveNext()

                        if isFound then next <- source[0].Current

                        isFound

                    member _.Close() =
                        try
                            source[0].Dispose()
                        finally
                            sources.Dispose() })

        let append (xs: 'T seq) (ys: 'T seq) : 'T seq =
            ArgumentNullException.ThrowIfNull xs
            ArgumentNullException.ThrowIfNull ys
            joined [| xs; ys |]

        let collect (f: 'T -> #seq<'U>) (xs: 'T seq) : 'U seq = joined (map (fun x -> f x :> 'U seq) xs)

        let concat (parts: #seq<'T> seq) : 'T seq = collect id parts

        let exists (holds: 'T -> bool) (xs: 'T seq) : bool =
            ArgumentNullException.ThrowIfNull xs
            use source = xs.GetEnumerator()
            let mutable isFound = false

            while not isFound && source.MoveNext() do
                isFound <- holds source.Current

            isFound

        let forall (holds: 'T -> bool) (xs: 'T seq) : bool =
            ArgumentNullException.ThrowIfNull xs
            use source = xs.GetEnumerator()
            let mutable isSo = true

            while isSo && source.MoveNext() do
                isSo <- holds source.Current

            isSo

        let length (xs: 'T seq) : int =
            ArgumentNullException.ThrowIfNull xs
            use source = xs.GetEnumerator()
            let mutable count = 0

            while source.MoveNext() do
                count <- count + 1

            count

        let tryFind (isWanted: 'T -> bool) (xs: 'T seq) : 'T option =
            ArgumentNullException.ThrowIfNull xs
            use source = xs.GetEnumerator()
            let mutable found = None

            while found.IsNone && source.MoveNext() do
                if isWanted source.Current then found <- Some source.Current

            found

        let tryPick (f: 'T -> 'U option) (xs: 'T seq) : 'U option =
            ArgumentNullException.ThrowIfNull xs
            use source = xs.GetEnumerator()
            let mutable found = None

            while found.IsNone && source.MoveNext() do
                found <- f source.Current

            found

        let tryFindIndex (isWanted: 'T -> bool) (xs: 'T seq) : int option =
            ArgumentNullException.ThrowIfNull xs
            use source = xs.GetEnumerator()
            let mutable found = None
            let mutable i = 0

            while found.IsNone && source.MoveNext() do
                if isWanted source.Current then found <- Some i

                i <- i + 1

            found

        let fold (f: 'State -> 'T -> 'State) (start: 'State) (xs: 'T seq) : 'State =
            ArgumentNullException.ThrowIfNull xs
            use source = xs.GetEnumerator()
            let mutable state = start

            while source.MoveNext() do
                state <- f state source.Current

            state

        let iter2 (f: 'A -> 'B -> unit) (xs: 'A seq) (ys: 'B seq) : unit =
            ArgumentNullException.ThrowIfNull xs
            ArgumentNullException.ThrowIfNull ys
            use first = xs.GetEnumerator()
            use second = ys.GetEnumerator()

            while first.MoveNext() && second.MoveNext() do
                f first.Current second.Current

        let forall2 (holds: 'A -> 'B -> bool) (xs: 'A seq) (ys: 'B seq) : bool =
            ArgumentNullException.ThrowIfNull xs
            ArgumentNullException.ThrowIfNull ys
            use first = xs.GetEnumerator()
            use second = ys.GetEnumerator()
            let mutable isSo = true

            while isSo && first.MoveNext() && second.MoveNext() do
                isSo <- holds first.Current second.Current

            isSo

    /// Unlike FSharp.Core's it can be changed, which nobody does.
    let dict (entries: ('K * 'V) seq) : IDictionary<'K, 'V> =
        let result = Dictionary<'K, 'V>(Keys.equality<'K>())

        for key, value in Seq.toArray entries do
            result[key] <- value

        result
