namespace FunctionalNet

open System
open System.Collections.Generic

// Functions of FSharp.Core's modules Array and List, and beside them in LazyCollections.fs of Seq, by the same names and with the same
// meaning. They are written again because code of FSharp.Core is compiled when a program runs: its package has no code for any
// platform, and what it does by calls in tail position, by values made at the start of a program, or by its own internals cannot be
// compiled into this assembly either. Of the 700 methods that were compiled before the end of a first training step, 540 were
// FSharp.Core's. Functions that are missing here (map, init, exists, iter) are compiled into this assembly as they are.
//
// Nothing here is inline, and no type parameter has a constraint: only then is the code for numbers made ahead of time.

/// Orders and equality as F# has them, without its generic ones where a key is an integer or a text.
module internal Keys =

    let private isInteger (key: Type) =
        key.IsPrimitive
        && not (Object.ReferenceEquals(key, typeof<float>))
        && not (Object.ReferenceEquals(key, typeof<float32>))

    let comparer<'K when 'K: comparison> () : IComparer<'K> =
        if isInteger typeof<'K> then
            Comparer<'K>.Default
        else
            match box StringComparer.Ordinal with
            | :? IComparer<'K> as ordinal when Object.ReferenceEquals(typeof<'K>, typeof<string>) -> ordinal
            | _ -> LanguagePrimitives.FastGenericComparer<'K>

    let equality<'K when 'K: equality> () : IEqualityComparer<'K> =
        if isInteger typeof<'K> || Object.ReferenceEquals(typeof<'K>, typeof<string>) then
            EqualityComparer<'K>.Default
        else
            HashIdentity.Structural<'K>

    /// Places 0 to count - 1 in an order; places that are equal in it stay as they are.
    let order (count: int) (compare: int -> int -> int) : int[] =
        let places = Array.init count id

        Array.Sort(
            places,
            Comparison<int>(fun i j ->
                let sign = compare i j
                if sign <> 0 then sign else i.CompareTo j)
        )

        places

/// Equality of references, as FSharp.Core's.
module internal HashIdentity =

    type private OfReferences<'T when 'T: not struct>() =
        static member val Instance = OfReferences<'T>()

        interface IEqualityComparer<'T> with
            member _.Equals(a: 'T, b: 'T) = Object.ReferenceEquals(a, b)

            member _.GetHashCode(value: 'T) = Runtime.CompilerServices.RuntimeHelpers.GetHashCode value

    let Reference<'T when 'T: not struct> : IEqualityComparer<'T> = OfReferences<'T>.Instance

[<AutoOpen>]
module internal Collections =

    let refuse (argument: string) (reason: string) : 'a = raise (ArgumentException(reason, argument))

    let private refuseLengths (first: int) (second: int) : unit =
        if first <> second then
            refuse "array2" ("The arrays have different lengths: " + string first + " and " + string second + ".")

    let private refuseCount (name: string) (count: int) : unit =
        if count < 0 then
            refuse name ("The input must be non-negative, but was " + string count + ".")

    let private notFound () : 'T = raise (KeyNotFoundException "No element satisfies the predicate.")

    /// Array.zeroCreate is among what cannot be compiled ahead for a type that is not known.
    let private fresh (count: int) : 'T[] = GC.AllocateUninitializedArray<'T> count

    module Array =

        /// The first items.
        let private first (count: int) (xs: 'T[]) : 'T[] =
            if count = xs.Length then
                xs
            else
                let result = fresh count
                Array.Copy(xs, result, count)
                result

        let create (count: int) (value: 'T) : 'T[] =
            refuseCount "count" count
            let result = fresh count

            for i in 0 .. count - 1 do
                result[i] <- value

            result

        let copy (xs: 'T[]) : 'T[] =
            ArgumentNullException.ThrowIfNull xs
            let result = fresh xs.Length
            Array.Copy(xs, result, xs.Length)
            result

        let sub (xs: 'T[]) (start: int) (count: int) : 'T[] =
            ArgumentNullException.ThrowIfNull xs
            refuseCount "startIndex" start
            refuseCount "count" count

            if start + count > xs.Length then
                raise (ArgumentOutOfRangeException("count", "The array has fewer elements."))

            let result = fresh count
            Array.Copy(xs, start, result, 0, count)
            result

        let append (xs: 'T[]) (ys: 'T[]) : 'T[] =
            ArgumentNullException.ThrowIfNull xs
            ArgumentNullException.ThrowIfNull ys
            let result = fresh (xs.Length + ys.Length)
            Array.Copy(xs, result, xs.Length)
            Array.Copy(ys, 0, result, xs.Length, ys.Length)
            result

        let concat (parts: 'T[] seq) : 'T[] =
            ArgumentNullException.ThrowIfNull parts
            let parts = List<'T[]>(parts)
            let mutable length = 0

            for part in parts do
                length <- length + part.Length

            let result = fresh length
            let mutable place = 0

            for part in parts do
                Array.Copy(part, 0, result, place, part.Length)
                place <- place + part.Length

            result

        let collect (f: 'T -> 'U[]) (xs: 'T[]) : 'U[] = concat (Array.map f xs)

        let mapi (f: int -> 'T -> 'U) (xs: 'T[]) : 'U[] =
            ArgumentNullException.ThrowIfNull xs
            let result = fresh xs.Length

            for i in 0 .. xs.Length - 1 do
                result[i] <- f i xs[i]

            result

        let map2 (f: 'A -> 'B -> 'U) (xs: 'A[]) (ys: 'B[]) : 'U[] =
            ArgumentNullException.ThrowIfNull xs
            ArgumentNullException.ThrowIfNull ys
            refuseLengths xs.Length ys.Length
            let result = fresh xs.Length

            for i in 0 .. xs.Length - 1 do
                result[i] <- f xs[i] ys[i]

            result

        let mapi2 (f: int -> 'A -> 'B -> 'U) (xs: 'A[]) (ys: 'B[]) : 'U[] =
            ArgumentNullException.ThrowIfNull xs
            ArgumentNullException.ThrowIfNull ys
            refuseLengths xs.Length ys.Length
            let result = fresh xs.Length

            for i in 0 .. xs.Length - 1 do
                result[i] <- f i xs[i] ys[i]

            result

        let iteri (f: int -> 'T -> unit) (xs: 'T[]) : unit =
            ArgumentNullException.ThrowIfNull xs

            for i in 0 .. xs.Length - 1 do
                f i xs[i]

        let iter2 (f: 'A -> 'B -> unit) (xs: 'A[]) (ys: 'B[]) : unit =
            ArgumentNullException.ThrowIfNull xs
            ArgumentNullException.ThrowIfNull ys
            refuseLengths xs.Length ys.Length

            for i in 0 .. xs.Length - 1 do
                f xs[i] ys[i]

        let zip (xs: 'A[]) (ys: 'B[]) : ('A * 'B)[] =
            ArgumentNullException.ThrowIfNull xs
            ArgumentNullException.ThrowIfNull ys
            refuseLengths xs.Length ys.Length
            let result = fresh xs.Length

            for i in 0 .. xs.Length - 1 do
                result[i] <- xs[i], ys[i]

            result

        let indexed (xs: 'T[]) : (int * 'T)[] = zip (Array.init xs.Length id) xs

        let fold (f: 'State -> 'T -> 'State) (start: 'State) (xs: 'T[]) : 'State =
            ArgumentNullException.ThrowIfNull xs
            let mutable state = start

            for x in xs do
                state <- f state x

            state

        let fold2 (f: 'State -> 'A -> 'B -> 'State) (start: 'State) (xs: 'A[]) (ys: 'B[]) : 'State =
            ArgumentNullException.ThrowIfNull xs
            ArgumentNullException.ThrowIfNull ys
            refuseLengths xs.Length ys.Length
            let mutable state = start

            for i in 0 .. xs.Length - 1 do
                state <- f state xs[i] ys[i]

            state

        let scan (f: 'State -> 'T -> 'State) (start: 'State) (xs: 'T[]) : 'State[] =
            ArgumentNullException.ThrowIfNull xs
            let result = create (xs.Length + 1) start

            for i in 0 .. xs.Length - 1 do
                result[i + 1] <- f result[i] xs[i]

            result

        let reduce (f: 'T -> 'T -> 'T) (xs: 'T[]) : 'T =
            ArgumentNullException.ThrowIfNull xs

            if xs.Length = 0 then refuse "array" "The array is empty."

            let mutable state = xs[0]

            for i in 1 .. xs.Length - 1 do
                state <- f state xs[i]

            state

        let tryFindIndex (isWanted: 'T -> bool) (xs: 'T[]) : int option =
            ArgumentNullException.ThrowIfNull xs
            let mutable i = 0

            while i < xs.Length && not (isWanted xs[i]) do
                i <- i + 1

            if i < xs.Length then Some i else None

        let findIndex (isWanted: 'T -> bool) (xs: 'T[]) : int =
            match tryFindIndex isWanted xs with
            | Some i -> i
            | None -> notFound ()

        let tryFind (isWanted: 'T -> bool) (xs: 'T[]) : 'T option =
            match tryFindIndex isWanted xs with
            | Some i -> Some xs[i]
            | None -> None

        let find (isWanted: 'T -> bool) (xs: 'T[]) : 'T = xs[findIndex isWanted xs]

        let forall (holds: 'T -> bool) (xs: 'T[]) : bool =
            ArgumentNullException.ThrowIfNull xs
            let mutable i = 0

            while i < xs.Length && holds xs[i] do
                i <- i + 1

            i = xs.Length

        let exists2 (holds: 'A -> 'B -> bool) (xs: 'A[]) (ys: 'B[]) : bool =
            ArgumentNullException.ThrowIfNull xs
            ArgumentNullException.ThrowIfNull ys
            refuseLengths xs.Length ys.Length
            let mutable i = 0

            while i < xs.Length && not (holds xs[i] ys[i]) do
                i <- i + 1

            i < xs.Length

        let forall2 (holds: 'A -> 'B -> bool) (xs: 'A[]) (ys: 'B[]) : bool =
            ArgumentNullException.ThrowIfNull xs
            ArgumentNullException.ThrowIfNull ys
            refuseLengths xs.Length ys.Length
            let mutable i = 0

            while i < xs.Length && holds xs[i] ys[i] do
                i <- i + 1

            i = xs.Length

        let tryPick (f: 'T -> 'U option) (xs: 'T[]) : 'U option =
            ArgumentNullException.ThrowIfNull xs
            let mutable found = None
            let mutable i = 0

            while found.IsNone && i < xs.Length do
                found <- f xs[i]
                i <- i + 1

            found

        let filter (isWanted: 'T -> bool) (xs: 'T[]) : 'T[] =
            ArgumentNullException.ThrowIfNull xs
            let result = fresh xs.Length
            let mutable count = 0

            for x in xs do
                if isWanted x then
                    result[count] <- x
                    count <- count + 1

            first count result

        let choose (f: 'T -> 'U option) (xs: 'T[]) : 'U[] =
            ArgumentNullException.ThrowIfNull xs
            let result = fresh xs.Length
            let mutable count = 0

            for x in xs do
                match f x with
                | Some y ->
                    result[count] <- y
                    count <- count + 1
                | None -> ()

            first count result

        let partition (isFirst: 'T -> bool) (xs: 'T[]) : 'T[] * 'T[] =
            ArgumentNullException.ThrowIfNull xs
            let chosen = Array.map isFirst xs

            let values (wanted: bool) =
                let result = fresh xs.Length
                let mutable count = 0

                for i in 0 .. xs.Length - 1 do
                    if chosen[i] = wanted then
                        result[count] <- xs[i]
                        count <- count + 1

                first count result

            values true, values false

        let truncate (count: int) (xs: 'T[]) : 'T[] =
            ArgumentNullException.ThrowIfNull xs
            sub xs 0 (max 0 (min count xs.Length))

        let splitAt (index: int) (xs: 'T[]) : 'T[] * 'T[] =
            ArgumentNullException.ThrowIfNull xs
            refuseCount "index" index

            if index > xs.Length then
                raise (InvalidOperationException "The array has fewer elements.")

            sub xs 0 index, sub xs index (xs.Length - index)

        let skip (count: int) (xs: 'T[]) : 'T[] =
            ArgumentNullException.ThrowIfNull xs

            if count > xs.Length then
                raise (ArgumentOutOfRangeException("count", "The array has fewer elements."))

            let count = max 0 count
            sub xs count (xs.Length - count)

        let rev (xs: 'T[]) : 'T[] =
            ArgumentNullException.ThrowIfNull xs
            Array.init xs.Length (fun i -> xs[xs.Length - 1 - i])

        let distinctBy (key: 'T -> 'K) (xs: 'T[]) : 'T[] =
            let seen = HashSet<'K>(Keys.equality<'K>())
            xs |> filter (fun x -> seen.Add(key x))

        let distinct (xs: 'T[]) : 'T[] = distinctBy id xs

        /// The keys in the order of their first items, each with its items in their order.
        let groupBy (key: 'T -> 'K) (xs: 'T[]) : ('K * 'T[])[] =
            ArgumentNullException.ThrowIfNull xs
            let groups = Dictionary<'K, List<'T>>(Keys.equality<'K>())
            let keys = List<'K>()

            for x in xs do
                let k = key x

                match groups.TryGetValue k with
                | true, group -> group.Add x
                | _ ->
                    groups[k] <- List<'T>([| x |])
                    keys.Add k

            Array.init keys.Count (fun i -> keys[i], groups[keys[i]].ToArray())

        let countBy (key: 'T -> 'K) (xs: 'T[]) : ('K * int)[] =
            groupBy key xs |> Array.map (fun (k, group) -> k, group.Length)

        let private inOrder (order: int[]) (xs: 'T[]) : 'T[] = Array.init order.Length (fun i -> xs[order[i]])

        /// Equal items stay in their order.
        let sortWith (compare: 'T -> 'T -> int) (xs: 'T[]) : 'T[] =
            ArgumentNullException.ThrowIfNull xs
            inOrder (Keys.order xs.Length (fun i j -> compare xs[i] xs[j])) xs

        /// Items of equal keys stay in their order, which FSharp.Core does not promise.
        let sortBy (key: 'T -> 'K) (xs: 'T[]) : 'T[] =
            ArgumentNullException.ThrowIfNull xs
            let keys = Array.map key xs
            let comparer = Keys.comparer<'K>()
            inOrder (Keys.order xs.Length (fun i j -> comparer.Compare(keys[i], keys[j]))) xs

        let sortByDescending (key: 'T -> 'K) (xs: 'T[]) : 'T[] =
            ArgumentNullException.ThrowIfNull xs
            let keys = Array.map key xs
            let comparer = Keys.comparer<'K>()
            inOrder (Keys.order xs.Length (fun i j -> comparer.Compare(keys[j], keys[i]))) xs

        let toList (xs: 'T[]) : 'T list =
            ArgumentNullException.ThrowIfNull xs
            let mutable result = []

            for i = xs.Length - 1 downto 0 do
                result <- xs[i] :: result

            result

    module List =

        let toArray (xs: 'T list) : 'T[] =
            let mutable count = 0

            for _ in xs do
                count <- count + 1

            let result = fresh count
            let mutable i = 0

            for x in xs do
                result[i] <- x
                i <- i + 1

            result

        let ofArray (xs: 'T[]) : 'T list = Array.toList xs

        let map (f: 'T -> 'U) (xs: 'T list) : 'U list = [ for x in xs -> f x ]

        let mapi (f: int -> 'T -> 'U) (xs: 'T list) : 'U list = Array.toList (Array.mapi f (toArray xs))

        let filter (isWanted: 'T -> bool) (xs: 'T list) : 'T list =
            [ for x in xs do
                  if isWanted x then x ]

        let choose (f: 'T -> 'U option) (xs: 'T list) : 'U list =
            [ for x in xs do
                  match f x with
                  | Some y -> y
                  | None -> () ]

        let collect (f: 'T -> 'U list) (xs: 'T list) : 'U list =
            [ for x in xs do
                  for y in f x do
                      y ]

        let append (xs: 'T list) (ys: 'T list) : 'T list =
            let items = toArray xs
            let mutable result = ys

            for i = items.Length - 1 downto 0 do
                result <- items[i] :: result

            result

        let rev (xs: 'T list) : 'T list =
            let mutable result = []

            for x in xs do
                result <- x :: result

            result

        let fold (f: 'State -> 'T -> 'State) (start: 'State) (xs: 'T list) : 'State =
            let mutable state = start

            for x in xs do
                state <- f state x

            state

        let reduce (f: 'T -> 'T -> 'T) (xs: 'T list) : 'T =
            match xs with
            | first :: others -> fold f first others
            | [] -> refuse "list" "The list is empty."

        let rec tryFind (isWanted: 'T -> bool) (xs: 'T list) : 'T option =
            match xs with
            | [] -> None
            | x :: others -> if isWanted x then Some x else tryFind isWanted others

        let rec find (isWanted: 'T -> bool) (xs: 'T list) : 'T =
            match xs with
            | [] -> notFound ()
            | x :: others -> if isWanted x then x else find isWanted others

        let rec tryPick (f: 'T -> 'U option) (xs: 'T list) : 'U option =
            match xs with
            | [] -> None
            | x :: others ->
                match f x with
                | None -> tryPick f others
                | found -> found

        let rec exists (holds: 'T -> bool) (xs: 'T list) : bool =
            match xs with
            | [] -> false
            | x :: others -> holds x || exists holds others

        let rec forall (holds: 'T -> bool) (xs: 'T list) : bool =
            match xs with
            | [] -> true
            | x :: others -> holds x && forall holds others

        let partition (isFirst: 'T -> bool) (xs: 'T list) : 'T list * 'T list =
            let firsts, others = Array.partition isFirst (toArray xs)
            Array.toList firsts, Array.toList others

        let sortWith (compare: 'T -> 'T -> int) (xs: 'T list) : 'T list =
            Array.toList (Array.sortWith compare (toArray xs))

        let sortBy (key: 'T -> 'K) (xs: 'T list) : 'T list = Array.toList (Array.sortBy key (toArray xs))

        let sortByDescending (key: 'T -> 'K) (xs: 'T list) : 'T list =
            Array.toList (Array.sortByDescending key (toArray xs))

        let distinct (xs: 'T list) : 'T list = Array.toList (Array.distinct (toArray xs))

        let zip (xs: 'A list) (ys: 'B list) : ('A * 'B) list = Array.toList (Array.zip (toArray xs) (toArray ys))

        let indexed (xs: 'T list) : (int * 'T) list = Array.toList (Array.indexed (toArray xs))

        let map2 (f: 'A -> 'B -> 'U) (xs: 'A list) (ys: 'B list) : 'U list =
            Array.toList (Array.map2 f (toArray xs) (toArray ys))

        let iteri (f: int -> 'T -> unit) (xs: 'T list) : unit = Array.iteri f (toArray xs)

        let iter (f: 'T -> unit) (xs: 'T list) : unit =
            for x in xs do
                f x

        let truncate (count: int) (xs: 'T list) : 'T list = Array.toList (Array.truncate count (toArray xs))

        let tryFindIndex (isWanted: 'T -> bool) (xs: 'T list) : int option = Array.tryFindIndex isWanted (toArray xs)

    let (@) (xs: 'T list) (ys: 'T list) : 'T list = List.append xs ys
