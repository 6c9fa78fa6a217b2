module FunctionalNet.Tests.Common.MersenneTests

open FunctionalNet.Common
open Xunit

/// The first outputs of the reference code for init_genrand(5489), of which the 10000th is the C++ standard's own check
/// (std::mt19937, [rand.predef]).
[<Fact>]
let ``the generator is the Mersenne Twister`` () =
    let generator = Mersenne 5489u
    Assert.Equal(3499211612u, generator.Next())
    let mutable last = 0u

    for _ in 2..10000 do
        last <- generator.Next()

    Assert.Equal(4123659995u, last)

/// numpy.random.RandomState(seed).permutation(10), as NumPy's documentation and countless examples show it.
[<Theory>]
[<InlineData(0, "2 8 4 9 1 6 7 3 0 5")>]
[<InlineData(42, "8 1 5 0 7 2 9 4 3 6")>]
let ``items are shuffled as by NumPy`` (seed: int, expected: string) =
    let items = [| 0..9 |]
    Mersenne(uint32 seed).Shuffle items
    Assert.Equal(expected, System.String.Join(' ', items))

[<Fact>]
let ``a shuffle loses nothing`` () =
    for n in 0..40 do
        let items = [| 0 .. n - 1 |]
        Mersenne(uint32 n).Shuffle items
        Assert.Equal<int[]>([| 0 .. n - 1 |], Array.sort items)
