namespace FunctionalNet.Tests.Kernels

#nowarn "3535"

open System
open System.Numerics
open System.Runtime.Intrinsics
open FunctionalNet
open FunctionalNet.Kernels
open FunctionalNet.Tests.Kernels.KernelSupport
open Xunit

module private Shift =
    // Beside the layers' operator of the same name.
    let inline right x (n: int) = Operators.(>>>) x n

/// Every member of one width and element type against scalars.
type private WidthCheck<'W, 'V, 'T
    when 'W: struct and 'W :> ILanes<'V, 'T> and 'T: unmanaged and 'T: struct and 'T :> INumber<'T>>() =

    let n = 'W.Count
    let floating = typeof<'T> = typeof<float32> || typeof<'T> = typeof<float>
    let number (x: float) = 'T.CreateTruncating<float> x
    let back (x: 'T) = Double.CreateTruncating<'T> x

    /// Values as the type holds them.
    let held (x: float[]) = x |> Array.map (number >> back)

    let vector (x: float[]) : 'V =
        let g = Guarded(n * sizeof<'T>, sizeof<'T>).Write(Array.init n (fun i -> number x[i % x.Length]))
        'W.Load g.Pointer

    let elements (v: 'V) : 'T[] =
        let g = empty<'T> n
        'W.Store(g.Pointer, v)
        g.Check()
        g.Read<'T>()

    let values (v: 'V) = elements v |> Array.map back

    let same (what: string) (expected: float[]) (v: 'V) =
        close 0.0 1.0 what (Array.init n (fun i -> expected[i % expected.Length])) (values v)

    // More than any width has lanes.
    let xs =
        if floating then
            [| 1.5; -2.25; 0.0; 3.5; -0.75; 100.25; -1e6; 0.5; 2.5; -2.5; 7.0; 1e-3; -0.5; 9.0; 4.0; -16.0 |]
        else
            [| 1.0; -2.0; 0.0; 3.0; -7.0; 100.0; -1e6; 5.0; 2.0; -3.0; 7.0; 11.0; -5.0; 9.0; 4.0; -16.0 |]
        |> held

    let ys =
        [| 2.0; 4.0; -8.0; 1.0; 3.0; -0.0; 100.0; 2.0; -1.0; 1.0; 6.0; 5.0; 4.0; 3.0; 2.0; 1.0 |] |> held

    let with' (specials: float list) (x: float[]) = Array.append (List.toArray specials) x |> Array.truncate 16

    let bits (v: 'V) : uint64[] =
        let g = empty<'T> n
        'W.Store(g.Pointer, v)
        g.Read<uint64>()

    let fromBits (x: uint64[]) : 'V =
        let count = n * sizeof<'T> / 8
        let g = Guarded(8 * count, 0).Write(Array.init count (fun i -> x[i % x.Length]))
        'W.Load g.Pointer

    member _.Memory() =
        Assert.Equal(nativeint (n * sizeof<'T>), 'W.Bytes)
        same "zero" [| 0.0 |] 'W.Zero
        same "create" [| 3.0 |] ('W.Create(number 3.0))
        same "load, store" xs (vector xs)
        let g = Guarded(n * sizeof<'T>, sizeof<'T>).Write(Array.init n (fun i -> number xs[i % 16]))
        same "spread" [| xs[0] |] ('W.Spread g.Pointer)

        for count in 0..n do
            // The elements after the first ones are outside of the memory.
            let part = Array.truncate count xs |> Array.map number
            let g = guarded part
            let expected = Array.init n (fun i -> if i < count then xs[i % 16] else 0.0)
            same "first elements" expected ('W.LoadFirst(g.Pointer, count))
            let target = empty<'T> count
            'W.StoreFirst(target.Pointer, count, vector xs)
            target.Check()
            Assert.Equal<'T[]>(part, target.Read<'T>())
            same
                "first lanes"
                (Array.init n (fun i -> if i < count then 1.0 else 0.0))
                ('W.Pick('W.First count, 'W.Create(number 1.0), 'W.Zero))

    member _.Arithmetic() =
        let x, y = vector xs, vector ys
        let map2 f = Array.map2 f xs ys |> held
        same "add" (map2 (+)) ('W.Add(x, y))
        same "sub" (map2 (-)) ('W.Sub(x, y))
        same "mul" (map2 (*)) ('W.Mul(x, y))
        same "neg" (xs |> Array.map (fun v -> -v)) ('W.Neg x)
        same "abs" (xs |> Array.map abs) ('W.Abs x)
        same "max" (map2 max) ('W.Max(x, y))
        same "min" (map2 min) ('W.Min(x, y))
        let sum = Array.init n (fun i -> xs[i % 16]) |> Array.sum
        close 1e-6 (1e6) "sum" [| sum |] [| back ('W.Sum x) |]
        Assert.Equal(Array.init n (fun i -> xs[i % 16]) |> Array.max, back ('W.Largest x))

        for i in 0 .. n - 1 do
            let one = Array.init 16 (fun j -> if j % n = i then 1000.0 else -1000.0)
            Assert.Equal(1000.0, back ('W.Largest(vector one)))

    member _.Floating() =
        let x, y = vector xs, vector ys
        let tolerance = if sizeof<'T> = 4 then 1.2e-7 else 2.3e-16
        let near what expected v =
            close tolerance 1e-30 what (Array.init n (fun i -> Array.item (i % 16) expected)) (values v)
        near "div" (Array.map2 (/) xs ys) ('W.Div(x, y))
        near "sqrt" (xs |> Array.map (abs >> sqrt)) ('W.Sqrt('W.Abs x))
        near "fma" (Array.map2 (fun a b -> a * b + 0.5) xs ys) ('W.Fma(x, y, 'W.Create(number 0.5)))
        same "floor" (xs |> Array.map floor) ('W.Floor x)
        same "ceiling" (xs |> Array.map ceil) ('W.Ceiling x)
        same "truncate" (xs |> Array.map truncate) ('W.Truncate x)
        same "round" (xs |> Array.map (fun v -> Math.Round(v, MidpointRounding.ToEven))) ('W.Round x)
        let odd = with' [ nan; infinity; -infinity; -0.0 ] xs
        let o = vector odd
        let nanOr f (a: float) (b: float) = if Double.IsNaN a || Double.IsNaN b then nan else f a b
        same "max of NaN" (Array.map2 (nanOr max) odd ys) ('W.Max(o, y))
        same "max with NaN" (Array.map2 (nanOr max) odd ys) ('W.Max(y, o))
        same "min of NaN" (Array.map2 (nanOr min) odd ys) ('W.Min(o, y))
        same "min with NaN" (Array.map2 (nanOr min) odd ys) ('W.Min(y, o))
        let clamp (v: float) = if Double.IsNaN v then nan else Math.Clamp(v, -2.0, 3.0)
        same "clamp" (odd |> Array.map clamp) ('W.Clamp(o, number -2.0, number 3.0))

        for i in 0 .. n - 1 do
            Assert.True(
                Double.IsNaN(back ('W.Largest(vector (Array.init 16 (fun j -> if j % n = i then nan else 1.0)))))
            )

        // Up to the largest numbers and down to those below the smallest normal one.
        let low, high = if sizeof<'T> = 4 then -149.0, 127.0 else -1074.0, 1023.0
        let powers =
            [| 0.0
               1.0
               -1.0
               10.0
               low
               high
               low + 5.0
               low - 8.0
               high + 8.0
               -20.0
               20.0
               3.0
               -3.0
               7.0
               -7.0
               30.0 |]
        let scaled = powers |> Array.map (fun p -> number (Math.ScaleB(1.5, int p)) |> back)
        let roundedUp =
            scaled
            |> Array.mapi (fun i v -> if powers[i] = low then back (number (Math.ScaleB(1.0, int low + 1))) else v)
        same "scale" roundedUp ('W.Scale('W.Create(number 1.5), vector powers))

        if 'W.Splits then
            let positive = odd |> Array.map (fun v -> if v = 0.0 then 0.0 else abs v)
            let m = values ('W.Mantissa(vector positive))
            let e = values ('W.Exponent(vector positive))

            for i in 0 .. n - 1 do
                let v = positive[i % 16]

                if Double.IsNaN v then
                    Assert.True(Double.IsNaN m[i])
                elif Double.IsInfinity v then
                    Assert.Equal(1.0, m[i])
                    Assert.Equal(infinity, e[i])
                elif v = 0.0 then
                    Assert.Equal(1.0, m[i])
                    Assert.Equal(-infinity, e[i])
                else
                    Assert.InRange(m[i], 0.75, 1.5)
                    Assert.Equal(floor (Math.Log2 v), e[i])
                    Assert.Equal(v, back (number (m[i] * Math.Pow(2.0, Math.Round(Math.Log2(v / m[i]))))))

            Assert.All(values ('W.Mantissa('W.Create(number -2.0))), (fun v -> Assert.True(Double.IsNaN v)))

    member _.Masks() =
        let x, y = vector xs, vector ys
        let one, zero = 'W.Create(number 1.0), 'W.Zero
        let truth what f mask =
            same what (Array.map2 (fun a b -> if f a b then 1.0 else 0.0) xs ys) ('W.Pick(mask, one, zero))
        truth "equal" (=) ('W.Equal(x, y))
        truth "less" (<) ('W.Less(x, y))
        truth "less or equal" (<=) ('W.LessOrEqual(x, y))
        let p, q = 'W.Less(x, y), 'W.Less(zero, x)
        truth "and" (fun a b -> a < b && 0.0 < a) ('W.And(p, q))
        truth "or" (fun a b -> a < b || 0.0 < a) ('W.Or(p, q))
        truth "xor" (fun a b -> (a < b) <> (0.0 < a)) ('W.Xor(p, q))
        truth "not" (fun a b -> not (a < b)) ('W.Not p)
        truth "and not" (fun a b -> a < b && not (0.0 < a)) ('W.AndNot(p, q))

        for i in 0 .. n - 1 do
            let mask = 'W.Equal(vector (Array.init 16 (fun j -> if j % n = i then 1.0 else 0.0)), one)
            Assert.True('W.Any mask)
            Assert.Equal(1UL <<< i, 'W.Bits mask)

            if sizeof<'T> = 4 then
                Assert.Equal(1UL <<< i, 'W.Bits('W.OfBits(1u <<< i ||| 0xffff0000u)))

        Assert.False('W.Any zero)
        Assert.Equal(0UL, 'W.Bits zero)

    member _.Integers() =
        let numbers =
            [| 5.0; -3.0; 0.0; 1000.0; -1.0; 64.0; 7.0; -8.0; 12.0; 3.0; 2.0; 1.0; -100.0; 31.0; 17.0; 9.0 |]
        let whole = 'W.ToInt(vector numbers)
        let as' what (f: int64 -> int64) v =
            same what (numbers |> Array.map (fun x -> float (f (int64 x)))) ('W.OfInt v)
        as' "to and from" id whole
        as' "add" (fun x -> x + 7L) ('W.AddInt(whole, 'W.CreateInt 7L))
        as' "sub" (fun x -> x - 7L) ('W.SubInt(whole, 'W.CreateInt 7L))
        as' "left" (fun x -> x <<< 3) ('W.ShiftLeft(whole, 3))
        as' "right, signed" (fun x -> Shift.right x 2) ('W.ShiftRightSigned(whole, 2))
        let unsigned (x: int64) =
            if sizeof<'T> = 4 then int64 (Shift.right (uint32 (int x)) 8) else int64 (Shift.right (uint64 x) 40)
        as' "right" unsigned ('W.ShiftRight(whole, (if sizeof<'T> = 4 then 8 else 40)))
        same "indices" (Array.init 16 (fun i -> float (i % n))) ('W.OfInt 'W.Indices)
        let words =
            [| 0x0123456789abcdefUL
               0xfedcba9876543210UL
               0xffffffffffffffffUL
               5UL
               1UL <<< 63
               7UL
               0UL
               9UL |]
        let others =
            [| 0x1111111122222222UL; 0xffffffff00000003UL; 0xffffffffffffffffUL; 6UL; 2UL; 1UL; 8UL; 4UL |]
        let count = n * sizeof<'T> / 8
        let expect f = Array.init count (fun i -> f words[i % 8] others[i % 8])
        let low (x: uint64) = x &&& 0xffffffffUL
        Assert.Equal<uint64[]>(expect (fun a b -> low a * low b), bits ('W.MulHalves(fromBits words, fromBits others)))
        Assert.Equal<uint64[]>(expect (fun a _ -> Shift.right a 32), bits ('W.HalvesDown(fromBits words)))
        Assert.Equal<uint64[]>(expect (fun a _ -> a <<< 32), bits ('W.HalvesUp(fromBits words)))

    member _.Tables() =
        let table = guarded (Array.init 16 (fun i -> float32 (i * i) - 3.5f))
        let index = [| 3; 0; 15; 8; 7; 1; 2; 4; 5; 6; 9; 10; 11; 12; 13; 14 |]
        let found = 'W.Lookup(table.Pointer, 'W.ToInt(vector (Array.map float index)))
        same "lookup" (index |> Array.map (fun i -> float (i * i) - 3.5)) found

    static member Run() =
        let check = WidthCheck<'W, 'V, 'T>()
        check.Memory()
        check.Arithmetic()
        check.Masks()

        if typeof<'T> = typeof<float32> || typeof<'T> = typeof<float> then
            check.Floating()
            check.Integers()

        if typeof<'T> = typeof<float32> then check.Tables()

type WidthTests() =

    [<Fact>]
    member _.``128 bits``() =
        WidthCheck<Lanes128<float32>, Vector128<float32>, float32>.Run()
        WidthCheck<Lanes128<float>, Vector128<float>, float>.Run()
        WidthCheck<Lanes128<int>, Vector128<int>, int>.Run()
        WidthCheck<Lanes128<int64>, Vector128<int64>, int64>.Run()

    [<Fact>]
    member _.``256 bits``() =
        WidthCheck<Lanes256<float32>, Vector256<float32>, float32>.Run()
        WidthCheck<Lanes256<float>, Vector256<float>, float>.Run()
        WidthCheck<Lanes256<int>, Vector256<int>, int>.Run()
        WidthCheck<Lanes256<int64>, Vector256<int64>, int64>.Run()

    [<Fact>]
    member _.``512 bits``() =
        WidthCheck<Lanes512<float32>, Vector512<float32>, float32>.Run()
        WidthCheck<Lanes512<float>, Vector512<float>, float>.Run()
        WidthCheck<Lanes512<int>, Vector512<int>, int>.Run()
        WidthCheck<Lanes512<int64>, Vector512<int64>, int64>.Run()
