namespace FunctionalNet.Tests.Kernels

open System.Reflection
open FunctionalNet.Kernels
open Xunit

type FullyOptimizedTests() =

    [<Fact>]
    member _.``the build gives marked methods the runtime's flag, and no others``() =
        let every =
            BindingFlags.Static
            ||| BindingFlags.Instance
            ||| BindingFlags.Public
            ||| BindingFlags.NonPublic
            ||| BindingFlags.DeclaredOnly

        let methods =
            typeof<Kernel>.Assembly.GetTypes()
            |> Array.collect (fun t -> t.GetMethods every)
            |> Array.filter (fun m -> m.Module = typeof<Kernel>.Module)

        let marked, others =
            methods |> Array.partition (fun m -> m.IsDefined(typeof<FullyOptimizedAttribute>, false))

        let hasFlag (m: MethodInfo) =
            m.GetMethodImplementationFlags().HasFlag MethodImplAttributes.AggressiveOptimization

        Assert.NotEmpty marked
        Assert.All(marked, (fun m -> Assert.True(hasFlag m, m.Name)))
        Assert.All(others, (fun m -> Assert.False(hasFlag m, m.Name)))
