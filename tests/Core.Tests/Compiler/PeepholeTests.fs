module FunctionalNet.Tests.Compiler.PeepholeTests

open Xunit
open FunctionalNet
open FunctionalNet.Kernels
open FunctionalNet.Compiler

let private single (v: int) = [| { TileOutput.Value = v; DType = DType.Float32 } |]

let private ops (instructions: TileInstruction[]) = instructions |> Array.map _.Op |> List.ofArray

let private improve inputs instructions outputs = Peephole.improve TileDomain.F32 inputs instructions outputs

[<Fact>]
let ``gelu in its usual spellings becomes one operation`` () =
    // Value 0 is x; constants are 1 to 3.
    let constants =
        [| TileInstruction.Const 0.5; TileInstruction.Const(sqrt 0.5); TileInstruction.Const 1.0 |]
    let binary op a b = TileInstruction.Binary(op, a, b)

    for swap in 0..15 do
        let pick bit op a b = if swap &&& bit = 0 then binary op a b else binary op b a

        let program =
            Array.append
                constants
                [| pick 1 TileOp.Mul 0 1
                   pick 2 TileOp.Mul 0 2
                   TileInstruction.Unary(TileOp.Erf, 5)
                   pick 4 TileOp.Add 6 3
                   pick 8 TileOp.Mul 4 7 |]

        let shorter, outputs = improve 1 program (single 8)
        Assert.Equal<TileOp list>([ TileOp.Gelu ], ops shorter)
        Assert.Equal(0, shorter[0].A)
        Assert.Equal(1, outputs[0].Value)

[<Fact>]
let ``other constants, or another x, are not gelu`` () =
    let program scale x =
        [| TileInstruction.Const 0.5
           TileInstruction.Const scale
           TileInstruction.Const 1.0
           TileInstruction.Binary(TileOp.Mul, 0, 2)
           TileInstruction.Binary(TileOp.Mul, x, 3)
           TileInstruction.Unary(TileOp.Erf, 6)
           TileInstruction.Binary(TileOp.Add, 7, 4)
           TileInstruction.Binary(TileOp.Mul, 5, 8) |]

    for scale, x in [ 0.7, 0; sqrt 0.5, 1 ] do
        let shorter, _ = improve 2 (program scale x) (single 9)
        Assert.DoesNotContain(TileOp.Gelu, ops shorter)

[<Fact>]
let ``a product that only a sum reads is computed with it`` () =
    // Inputs a, b, c: a * b + c, and c + a * b.
    for swap in [ false; true ] do
        let product = TileInstruction.Binary(TileOp.Mul, 0, 1)
        let sum =
            if swap then TileInstruction.Binary(TileOp.Add, 2, 3) else TileInstruction.Binary(TileOp.Add, 3, 2)
        let shorter, outputs = improve 3 [| product; sum |] (single 4)
        Assert.Equal<TileOp list>([ TileOp.FusedMultiplyAdd ], ops shorter)
        Assert.Equal((0, 1, 2), (shorter[0].A, shorter[0].B, shorter[0].C))
        Assert.Equal(3, outputs[0].Value)

[<Fact>]
let ``a product that is read twice stays`` () =
    let product = TileInstruction.Binary(TileOp.Mul, 0, 1)
    let squared = [| product; TileInstruction.Binary(TileOp.Add, 2, 2) |]
    Assert.Equal<TileOp list>([ TileOp.Mul; TileOp.Add ], ops (fst (improve 2 squared (single 3))))
    let both = [| product; TileInstruction.Binary(TileOp.Add, 2, 0) |]
    let outputs =
        [| { TileOutput.Value = 2; DType = DType.Float32 }
           { TileOutput.Value = 3; DType = DType.Float32 } |]
    Assert.Equal<TileOp list>([ TileOp.Mul; TileOp.Add ], ops (fst (improve 2 both outputs)))

[<Fact>]
let ``a step toward a value is one operation however it is written, and toward a square as well`` () =
    // Inputs a, b, c: a + (b - a) * c.
    for swap in 0..3 do
        let pick bit op x y =
            if swap &&& bit = 0 then TileInstruction.Binary(op, x, y) else TileInstruction.Binary(op, y, x)

        let plain = [| TileInstruction.Binary(TileOp.Sub, 1, 0); pick 1 TileOp.Mul 3 2; pick 2 TileOp.Add 0 4 |]
        let shorter, _ = improve 3 plain (single 5)
        Assert.Equal<TileOp list>([ TileOp.Toward ], ops shorter)
        Assert.Equal((0, 1, 2), (shorter[0].A, shorter[0].B, shorter[0].C))

        let squared =
            [| TileInstruction.Unary(TileOp.Square, 1)
               TileInstruction.Binary(TileOp.Sub, 3, 0)
               pick 1 TileOp.Mul 4 2
               pick 2 TileOp.Add 0 5 |]

        let shorter, _ = improve 3 squared (single 6)
        Assert.Equal<TileOp list>([ TileOp.TowardSquare ], ops shorter)
        Assert.Equal((0, 1, 2), (shorter[0].A, shorter[0].B, shorter[0].C))

[<Fact>]
let ``a step away from a value is none toward it`` () =
    let away =
        [| TileInstruction.Binary(TileOp.Sub, 0, 1)
           TileInstruction.Binary(TileOp.Mul, 3, 2)
           TileInstruction.Binary(TileOp.Add, 0, 4) |]

    Assert.Equal<TileOp list>([ TileOp.Sub; TileOp.FusedMultiplyAdd ], ops (fst (improve 3 away (single 5))))

[<Fact>]
let ``a quotient by a root and a term is one operation`` () =
    for swap in [ false; true ] do
        let sum =
            if swap then TileInstruction.Binary(TileOp.Add, 2, 3) else TileInstruction.Binary(TileOp.Add, 3, 2)

        let program = [| TileInstruction.Unary(TileOp.Sqrt, 1); sum; TileInstruction.Binary(TileOp.Div, 0, 4) |]
        let shorter, _ = improve 3 program (single 5)
        Assert.Equal<TileOp list>([ TileOp.OverRoot ], ops shorter)
        Assert.Equal((0, 1, 2), (shorter[0].A, shorter[0].B, shorter[0].C))

[<Fact>]
let ``an update of Adam is five operations`` () =
    // Inputs: gradient, momentum, rate, velocity, weight; the constants are 5 to 7.
    let binary op a b = TileInstruction.Binary(op, a, b)

    let program =
        [| TileInstruction.Const 0.1
           TileInstruction.Const 0.001
           TileInstruction.Const 1e-7
           binary TileOp.Sub 0 1
           binary TileOp.Mul 8 5
           binary TileOp.Add 1 9
           binary TileOp.Mul 10 2
           TileInstruction.Unary(TileOp.Square, 0)
           binary TileOp.Sub 12 3
           binary TileOp.Mul 13 6
           binary TileOp.Add 3 14
           TileInstruction.Unary(TileOp.Sqrt, 15)
           binary TileOp.Add 16 7
           binary TileOp.Div 11 17
           binary TileOp.Sub 4 18 |]

    let outputs = [| for v in [ 10; 15; 19 ] -> { TileOutput.Value = v; DType = DType.Float32 } |]
    let shorter, ends = improve 5 program outputs
    let kept = ops shorter |> List.filter (fun op -> op <> TileOp.Const)

    Assert.Equal<TileOp list>([ TileOp.Toward; TileOp.Mul; TileOp.TowardSquare; TileOp.OverRoot; TileOp.Sub ], kept)

    Assert.Equal<int list>([ 8; 10; 12 ], [ for o in ends -> o.Value ])

[<Fact>]
let ``integers keep their program`` () =
    let program = [| TileInstruction.Binary(TileOp.Mul, 0, 1); TileInstruction.Binary(TileOp.Add, 2, 0) |]
    let same, _ = Peephole.improve TileDomain.I64 2 program (single 3)
    Assert.Equal<TileOp list>([ TileOp.Mul; TileOp.Add ], ops same)
