module FunctionalNet.Tests.Common.CollectionsTests

open System
open System.Collections.Generic
open Xunit
open FsCheck
open FsCheck.Xunit
open FunctionalNet

module TheirArray = Microsoft.FSharp.Collections.Array
module TheirList = Microsoft.FSharp.Collections.List
module TheirSeq = Microsoft.FSharp.Collections.Seq
module OurArray = FunctionalNet.Collections.Array
module OurList = FunctionalNet.Collections.List
module OurSeq = FunctionalNet.LazyCollections.Seq

/// What a call gives: a value, or the type of what it throws. Arrays of parts are compared as F# compares them.
let private outcome (call: unit -> 'r) : Result<'r, Type> =
    try
        Ok(call ())
    with e ->
        Error(e.GetType())

let private same (ours: unit -> 'r) (theirs: unit -> 'r) =
    let ours, theirs = outcome ours, outcome theirs
    if ours <> theirs then failwithf "%A instead of %A" ours theirs

/// Few values, so that keys meet.
let private key (x: int) = x % 3
let private isSome (x: int) = x % 2 = 0
let private picked (x: int) = if isSome x then Some(string x) else None

[<Property>]
let ``functions of one array give what FSharp.Core gives`` (xs: int[]) (n: int) =
    same (fun () -> OurArray.copy xs) (fun () -> TheirArray.copy xs)
    same (fun () -> OurArray.create n 'x') (fun () -> TheirArray.create n 'x')
    same (fun () -> OurArray.collect (fun x -> [| x; x + 1 |]) xs) (fun () ->
        TheirArray.collect (fun x -> [| x; x + 1 |]) xs)
    same (fun () -> OurArray.mapi (fun i x -> i, x) xs) (fun () -> TheirArray.mapi (fun i x -> i, x) xs)
    same (fun () -> OurArray.indexed xs) (fun () -> TheirArray.indexed xs)
    same (fun () -> OurArray.fold (fun s x -> s * 3 + x) n xs) (fun () -> TheirArray.fold (fun s x -> s * 3 + x) n xs)
    same (fun () -> OurArray.scan (fun s x -> s * 3 + x) n xs) (fun () -> TheirArray.scan (fun s x -> s * 3 + x) n xs)
    same (fun () -> OurArray.reduce (fun s x -> s * 3 + x) xs) (fun () -> TheirArray.reduce (fun s x -> s * 3 + x) xs)
    same (fun () -> OurArray.tryFindIndex isSome xs) (fun () -> TheirArray.tryFindIndex isSome xs)
    same (fun () -> OurArray.findIndex isSome xs) (fun () -> TheirArray.findIndex isSome xs)
    same (fun () -> OurArray.tryFind isSome xs) (fun () -> TheirArray.tryFind isSome xs)
    same (fun () -> OurArray.find isSome xs) (fun () -> TheirArray.find isSome xs)
    same (fun () -> OurArray.forall isSome xs) (fun () -> TheirArray.forall isSome xs)
    same (fun () -> OurArray.tryPick picked xs) (fun () -> TheirArray.tryPick picked xs)
    same (fun () -> OurArray.filter isSome xs) (fun () -> TheirArray.filter isSome xs)
    same (fun () -> OurArray.choose picked xs) (fun () -> TheirArray.choose picked xs)
    same (fun () -> OurArray.partition isSome xs) (fun () -> TheirArray.partition isSome xs)
    same (fun () -> OurArray.truncate n xs) (fun () -> TheirArray.truncate n xs)
    same (fun () -> OurArray.skip n xs) (fun () -> TheirArray.skip n xs)
    same (fun () -> OurArray.splitAt n xs) (fun () -> TheirArray.splitAt n xs)
    same (fun () -> OurArray.sub xs n 2) (fun () -> TheirArray.sub xs n 2)
    same (fun () -> OurArray.sub xs 1 n) (fun () -> TheirArray.sub xs 1 n)
    same (fun () -> OurArray.rev xs) (fun () -> TheirArray.rev xs)
    same (fun () -> OurArray.distinct xs) (fun () -> TheirArray.distinct xs)
    same (fun () -> OurArray.distinctBy key xs) (fun () -> TheirArray.distinctBy key xs)
    same (fun () -> OurArray.groupBy key xs) (fun () -> TheirArray.groupBy key xs)
    same (fun () -> OurArray.countBy key xs) (fun () -> TheirArray.countBy key xs)
    same (fun () -> OurArray.toList xs) (fun () -> TheirArray.toList xs)

[<Property>]
let ``functions of two arrays give what FSharp.Core gives, and refuse two lengths``
    (xs: int[])
    (others: string[])
    (alike: bool)
    =
    let ys = if alike then TheirArray.map string xs else others
    let isOf (x: int) (y: string) = string x = y
    same (fun () -> OurArray.append xs xs) (fun () -> TheirArray.append xs xs)
    same (fun () -> OurArray.concat [ ys; others; ys ]) (fun () -> TheirArray.concat [ ys; others; ys ])
    same (fun () -> OurArray.map2 isOf xs ys) (fun () -> TheirArray.map2 isOf xs ys)
    same (fun () -> OurArray.mapi2 (fun i x y -> i, x, y) xs ys) (fun () ->
        TheirArray.mapi2 (fun i x y -> i, x, y) xs ys)
    same (fun () -> OurArray.zip xs ys) (fun () -> TheirArray.zip xs ys)
    same (fun () -> OurArray.exists2 isOf xs ys) (fun () -> TheirArray.exists2 isOf xs ys)
    same (fun () -> OurArray.forall2 isOf xs ys) (fun () -> TheirArray.forall2 isOf xs ys)

    same (fun () -> OurArray.fold2 (fun s x y -> (x, y) :: s) [] xs ys) (fun () ->
        TheirArray.fold2 (fun s x y -> (x, y) :: s) [] xs ys)

    let seen (iterate: (int -> string -> unit) -> unit) () =
        let list = ResizeArray<struct (int * string)>()
        iterate (fun x y -> list.Add(struct (x, y)))
        list.ToArray()

    same (seen (fun f -> OurArray.iter2 f xs ys)) (seen (fun f -> TheirArray.iter2 f xs ys))
    same (seen (fun f -> OurArray.iteri (fun i y -> f i y) ys)) (seen (fun f -> TheirArray.iteri (fun i y -> f i y) ys))

[<Property>]
let ``functions of lists give what FSharp.Core gives`` (xs: int list) (ys: int list) (n: int) =
    same (fun () -> OurList.toArray xs) (fun () -> TheirList.toArray xs)
    same (fun () -> OurList.ofArray [| n; n |]) (fun () -> TheirList.ofArray [| n; n |])
    same (fun () -> OurList.map key xs) (fun () -> TheirList.map key xs)
    same (fun () -> OurList.mapi (fun i x -> i, x) xs) (fun () -> TheirList.mapi (fun i x -> i, x) xs)
    same (fun () -> OurList.filter isSome xs) (fun () -> TheirList.filter isSome xs)
    same (fun () -> OurList.choose picked xs) (fun () -> TheirList.choose picked xs)
    same (fun () -> OurList.collect (fun x -> [ x; x + 1 ]) xs) (fun () -> TheirList.collect (fun x -> [ x; x + 1 ]) xs)
    same (fun () -> OurList.append xs ys) (fun () -> TheirList.append xs ys)
    same (fun () -> xs @ ys) (fun () -> TheirList.append xs ys)
    same (fun () -> OurList.rev xs) (fun () -> TheirList.rev xs)
    same (fun () -> OurList.fold (fun s x -> s * 3 + x) n xs) (fun () -> TheirList.fold (fun s x -> s * 3 + x) n xs)
    same (fun () -> OurList.reduce (fun s x -> s * 3 + x) xs) (fun () -> TheirList.reduce (fun s x -> s * 3 + x) xs)
    same (fun () -> OurList.tryFind isSome xs) (fun () -> TheirList.tryFind isSome xs)
    same (fun () -> OurList.find isSome xs) (fun () -> TheirList.find isSome xs)
    same (fun () -> OurList.tryFindIndex isSome xs) (fun () -> TheirList.tryFindIndex isSome xs)
    same (fun () -> OurList.tryPick picked xs) (fun () -> TheirList.tryPick picked xs)
    same (fun () -> OurList.exists isSome xs) (fun () -> TheirList.exists isSome xs)
    same (fun () -> OurList.forall isSome xs) (fun () -> TheirList.forall isSome xs)
    same (fun () -> OurList.partition isSome xs) (fun () -> TheirList.partition isSome xs)
    same (fun () -> OurList.sortBy key xs) (fun () -> TheirList.sortBy key xs)
    same (fun () -> OurList.sortByDescending key xs) (fun () -> TheirList.sortByDescending key xs)
    same (fun () -> OurList.sortWith (fun a b -> compare (key a) (key b)) xs) (fun () -> TheirList.sortBy key xs)
    same (fun () -> OurList.distinct xs) (fun () -> TheirList.distinct xs)
    same (fun () -> OurList.indexed xs) (fun () -> TheirList.indexed xs)
    same (fun () -> OurList.truncate n xs) (fun () -> TheirList.truncate n xs)
    same (fun () -> OurList.zip xs ys) (fun () -> TheirList.zip xs ys)
    same (fun () -> OurList.map2 (+) xs ys) (fun () -> TheirList.map2 (+) xs ys)

    let seen (iterate: (int -> int -> unit) -> unit) () =
        let list = ResizeArray<struct (int * int)>()
        iterate (fun x y -> list.Add(struct (x, y)))
        list.ToArray()

    same (seen (fun f -> OurList.iteri f xs)) (seen (fun f -> TheirList.iteri f xs))
    same (seen (fun f -> OurList.iter (f 0) xs)) (seen (fun f -> TheirList.iter (f 0) xs))

/// Both sequences read to the end, or to what they throw.
let private sameSeq (ours: unit -> 'a seq) (theirs: unit -> 'a seq) =
    same (fun () -> TheirSeq.toList (ours ())) (fun () -> TheirSeq.toList (theirs ()))

[<Property>]
let ``sequences give what FSharp.Core's give, as often as they are read`` (xs: int[]) (ys: int list) (n: int) =
    for xs in [ xs :> int seq; ys; TheirSeq.map id xs; HashSet<int>(xs) ] do
        sameSeq (fun () -> OurSeq.map key xs) (fun () -> TheirSeq.map key xs)
        sameSeq (fun () -> OurSeq.mapi (fun i x -> i, x) xs) (fun () -> TheirSeq.mapi (fun i x -> i, x) xs)
        sameSeq (fun () -> OurSeq.indexed xs) (fun () -> TheirSeq.indexed xs)
        sameSeq (fun () -> OurSeq.init n key) (fun () -> TheirSeq.init n key)
        sameSeq (fun () -> OurSeq.truncate n xs) (fun () -> TheirSeq.truncate n xs)
        sameSeq (fun () -> OurSeq.take n xs) (fun () -> TheirSeq.take n xs)
        sameSeq (fun () -> OurSeq.skip n xs) (fun () -> TheirSeq.skip n xs)
        sameSeq (fun () -> OurSeq.map2 (fun x y -> x, y) xs ys) (fun () -> TheirSeq.map2 (fun x y -> x, y) xs ys)
        sameSeq (fun () -> OurSeq.filter isSome xs) (fun () -> TheirSeq.filter isSome xs)
        sameSeq (fun () -> OurSeq.distinctBy key xs) (fun () -> TheirSeq.distinctBy key xs)
        sameSeq (fun () -> OurSeq.distinct xs) (fun () -> TheirSeq.distinct xs)
        sameSeq (fun () -> OurSeq.singleton n) (fun () -> TheirSeq.singleton n)
        sameSeq (fun () -> OurSeq.append xs ys) (fun () -> TheirSeq.append xs ys)
        sameSeq (fun () -> OurSeq.collect (fun x -> [ x; x ]) xs) (fun () -> TheirSeq.collect (fun x -> [ x; x ]) xs)
        sameSeq (fun () -> OurSeq.concat [ xs; ys; xs ]) (fun () -> TheirSeq.concat [ xs; ys; xs ])
        sameSeq (fun () -> OurSeq.sortBy key xs) (fun () -> TheirSeq.sortBy key xs)
        sameSeq (fun () -> OurSeq.sortByDescending key xs) (fun () -> TheirSeq.sortByDescending key xs)
        sameSeq (fun () -> OurSeq.sortWith (fun a b -> compare (key a) (key b)) xs) (fun () -> TheirSeq.sortBy key xs)
        same (fun () -> OurSeq.toArray xs) (fun () -> TheirSeq.toArray xs)
        same (fun () -> OurSeq.toList xs) (fun () -> TheirSeq.toList xs)
        same (fun () -> OurSeq.exists isSome xs) (fun () -> TheirSeq.exists isSome xs)
        same (fun () -> OurSeq.forall isSome xs) (fun () -> TheirSeq.forall isSome xs)
        same (fun () -> OurSeq.forall2 (=) xs ys) (fun () -> TheirSeq.forall2 (=) xs ys)
        same (fun () -> OurSeq.length xs) (fun () -> TheirSeq.length xs)
        same (fun () -> OurSeq.tryFind isSome xs) (fun () -> TheirSeq.tryFind isSome xs)
        same (fun () -> OurSeq.tryFindIndex isSome xs) (fun () -> TheirSeq.tryFindIndex isSome xs)
        same (fun () -> OurSeq.tryPick picked xs) (fun () -> TheirSeq.tryPick picked xs)
        same (fun () -> OurSeq.fold (fun s x -> s * 3 + x) n xs) (fun () -> TheirSeq.fold (fun s x -> s * 3 + x) n xs)

        let seen (iterate: (int -> int -> unit) -> unit) () =
            let list = ResizeArray<struct (int * int)>()
            iterate (fun x y -> list.Add(struct (x, y)))
            list.ToArray()

        same (seen (fun f -> OurSeq.iter2 f xs ys)) (seen (fun f -> TheirSeq.iter2 f xs ys))

    let twice = OurSeq.mapi (fun i x -> i, x) xs
    Assert.Equal<(int * int)[]>(TheirSeq.toArray twice, TheirSeq.toArray twice)

/// Items with a place of their own, of few keys.
let private placed (keys: 'k[]) = keys |> TheirArray.mapi (fun i k -> k, i)

[<Property>]
let ``sorting is stable and F#'s order, whatever the key``
    (numbers: int[])
    (texts: string[])
    (floats: float[])
    (pairs: (int * string)[])
    =
    let check (keys: 'k[]) =
        let items = placed keys
        let expected = TheirArray.toList items |> TheirList.sortBy fst |> TheirArray.ofList
        let falling = TheirArray.toList items |> TheirList.sortByDescending fst |> TheirArray.ofList
        Assert.Equal<int[]>(TheirArray.map snd expected, TheirArray.map snd (OurArray.sortBy fst items))
        Assert.Equal<int[]>(TheirArray.map snd falling, TheirArray.map snd (OurArray.sortByDescending fst items))
        let byKey (a: 'k * int) (b: 'k * int) = compare (fst a) (fst b)
        Assert.Equal<int[]>(TheirArray.map snd expected, TheirArray.map snd (OurArray.sortWith byKey items))

    check (TheirArray.map key numbers)
    check (TheirArray.map int64 numbers)
    check texts
    check (TheirArray.filter (fun x -> not (Double.IsNaN x)) floats)
    check pairs
    check (TheirArray.map picked numbers)

[<Property>]
let ``keys are equal where F# says so``
    (texts: string[])
    (floats: float[])
    (arrays: int[][])
    (pairs: (int * string)[])
    =
    let check (keys: 'k[]) =
        let keys = TheirArray.append keys keys
        same (fun () -> OurArray.distinct keys) (fun () -> TheirArray.distinct keys)
        same (fun () -> OurArray.countBy id keys) (fun () -> TheirArray.countBy id keys)
        same (fun () -> OurArray.groupBy id keys) (fun () -> TheirArray.groupBy id keys)

    check texts
    check (TheirArray.filter (fun x -> not (Double.IsNaN x)) floats)
    check arrays
    check pairs
    Assert.Equal(2, (OurArray.distinct [| nan; nan |]).Length)

[<Fact>]
let ``texts are ordered by their characters' numbers`` () =
    let texts = [| "b"; "A"; "a"; "B"; "ä"; "_" |]
    Assert.Equal<string[]>(TheirArray.sortBy id texts, OurArray.sortBy id texts)

[<Fact>]
let ``what is lazy reads no more than asked, and closes what it reads`` () =
    let mutable read = 0
    let mutable closed = 0

    let source =
        seq {
            try
                for i in 0..9 do
                    read <- read + 1
                    i
            finally
                closed <- closed + 1
        }

    let all =
        [ OurSeq.map id source
          OurSeq.mapi (fun _ x -> x) source
          OurSeq.filter (fun _ -> true) source
          OurSeq.truncate 5 source
          OurSeq.take 5 source
          OurSeq.distinctBy id source
          OurSeq.append source source
          OurSeq.collect (fun x -> [ x ]) source
          OurSeq.map2 (fun x _ -> x) source [ 1; 2; 3 ] ]

    Assert.Equal(0, read)

    for lazyOne in all do
        read <- 0
        closed <- 0
        Assert.Equal(0, TheirSeq.head lazyOne)
        Assert.Equal(1, read)
        Assert.Equal(1, closed)

[<Fact>]
let ``null is refused as FSharp.Core refuses it`` () =
    let none: int[] = Unchecked.defaultof<int[]>
    let nothing: int seq = Unchecked.defaultof<int seq>
    same (fun () -> OurArray.filter isSome none) (fun () -> TheirArray.filter isSome none)
    same (fun () -> OurArray.forall isSome none) (fun () -> TheirArray.forall isSome none)
    same (fun () -> OurArray.append none none) (fun () -> TheirArray.append none none)
    same (fun () -> OurArray.sortBy key none) (fun () -> TheirArray.sortBy key none)
    same (fun () -> OurArray.toList none) (fun () -> TheirArray.toList none)
    same (fun () -> ignore (OurSeq.map key nothing)) (fun () -> ignore (TheirSeq.map key nothing))
    same (fun () -> OurSeq.toArray nothing) (fun () -> TheirSeq.toArray nothing)
    same (fun () -> OurSeq.exists isSome nothing) (fun () -> TheirSeq.exists isSome nothing)

[<Property>]
let ``a dictionary has the last of equal keys`` (entries: (string * int) list) =
    let entries = entries |> TheirList.filter (fun (key, _) -> not (isNull (box key)))
    let ours, theirs = dict entries, ExtraTopLevelOperators.dict entries
    Assert.Equal<(string * int)[]>(
        [| for pair in theirs -> pair.Key, pair.Value |] |> TheirArray.sort,
        [| for pair in ours -> pair.Key, pair.Value |] |> TheirArray.sort
    )
