namespace FunctionalNet.Tests.Kernels

open System
open FunctionalNet
open FunctionalNet.Kernels
open FunctionalNet.Tests.Kernels.KernelSupport
open Xunit

type GemmTests() =

    /// op(A) op(B) by three loops. A and B as stored, with row lengths.
    let naive transA transB m n k (a: float[]) lda (b: float[]) ldb =
        Array.init (m * n) (fun ij ->
            let i, j = ij / n, ij % n
            let mutable s = 0.0

            for p in 0 .. k - 1 do
                let x = if transA then a[p * lda + i] else a[i * lda + p]
                let y = if transB then b[j * ldb + p] else b[p * ldb + j]
                s <- s + x * y

            s)

    /// One product with rows longer than needed; what stands between the rows of C must stay.
    let checkAt (width: Width) (dtype: DType) transA transB m n k (gap: int) =
        let lda = (if transA then m else k) + gap
        let ldb = (if transB then k else n) + gap
        let ldc = n + gap
        let a = floats (m + 7 * k) ((if transA then k else m) * lda) |> rounded dtype
        let b = floats (n + 5 * k) ((if transB then n else k) * ldb) |> rounded dtype
        let c = Array.create (m * ldc) 9.0
        let ga = write dtype a
        let gb = write dtype b
        let gc = write dtype c
        // Half of the cases end with an epilogue.
        let ends = (m + n + k) % 2 = 0
        let epilogue = if ends then Affine(dtype, gc.Pointer) :> Epilogue else Epilogue.None

        let plan = GemmPlan(width, DType.size dtype, transA, transB, m, n, k, 1, false)
        let shared = workspace plan.SharedBytes

        let kernel =
            Gemm.CreateOf(
                width,
                dtype,
                transA,
                transB,
                m,
                n,
                k,
                { A = ga.Pointer
                  Lda = lda
                  AOffsets = [| 0 |]
                  B = gb.Pointer
                  Ldb = ldb
                  BOffsets = [| 0 |]
                  C = gc.Pointer
                  Ldc = ldc
                  COffsets = [| 0 |]
                  Shared = shared.Pointer },
                false,
                epilogue
            )

        run kernel [ gc; shared ] [ ga; gb ]
        let product = naive transA transB m n k a lda b ldb
        let product = if ends then Array.map Affine.Of product else product
        let expected =
            Array.init (m * ldc) (fun i -> if i % ldc < n then product[i / ldc * n + i % ldc] else 9.0)
        let name =
            String.Join(
                " ",
                [| string width; string dtype; string transA; string transB; string m; string n; string k |]
            )
        close (4.0 * tolerance dtype) (sqrt (float (k + 1))) name expected (read dtype gc)

    let check = checkAt Width.current

    let sizes = [ 1; 2; 5; 6; 7; 13; 16; 17; 31; 33; 50; 97 ]

    [<Fact>]
    member _.``awkward sizes, all transposes, float32``() =
        for m in sizes do
            for n in sizes do
                for k in [ 0; 1; 3; 8; 40 ] do
                    let t = (m + n + k) % 4
                    check DType.Float32 (t % 2 = 1) (t / 2 = 1) m n k (m % 3)

    [<Fact>]
    member _.``all four transposes, both types``() =
        for dtype in [ DType.Float32; DType.Float64 ] do
            for transA in [ false; true ] do
                for transB in [ false; true ] do
                    for m, n, k in
                        [ 1, 1, 1; 1, 70, 9; 70, 1, 9; 3, 4, 300; 20, 40, 70; 100, 90, 300; 7, 300, 520; 200, 7, 33 ] do
                        check dtype transA transB m n k 0
                        check dtype transA transB m n k 3

    [<Fact>]
    member _.``large enough to be shared out``() =
        for transA, transB in [ false, false; true, false; false, true; true, true ] do
            check DType.Float32 transA transB 150 131 270 0
            check DType.Float32 transA transB 260 70 257 1
            check DType.Float32 transA transB 32 500 128 0
            check DType.Float64 transA transB 64 200 300 0
            check DType.Float32 transA transB 1 3000 100 0

    [<Fact>]
    member _.``every width of vectors, whatever the machine's, and every height and width of tiles``() =
        for width in [ Width.W128; Width.W256; Width.W512 ] do
            for dtype in [ DType.Float32; DType.Float64 ] do
                let lanes = int width / DType.size dtype

                for m in (if dtype = DType.Float32 then [ 1..8 ] else [ 3; 8 ]) do
                    for n in [ max 1 (lanes - 1); lanes; 2 * lanes - 1; 2 * lanes; 4 * lanes + 1 ] do
                        checkAt width dtype (m % 2 = 0) (n % 2 = 1) m n (5 + m) (m % 3)

                for transA, transB in [ false, false; false, true; true, false; true, true ] do
                    checkAt width dtype transA transB 21 (17 * lanes + 3) 1 0
                    checkAt width dtype transA transB 1 (9 * lanes + 3) 37 0
                    checkAt width dtype transA transB (5 * lanes + 3) 1 37 0

    [<Fact>]
    member _.``deep products, in blocks``() =
        for transA, transB in [ false, false; true, false; false, true; true, true ] do
            check DType.Float32 transA transB 130 300 500 0
            check DType.Float64 transA transB 130 140 250 0

    [<Fact>]
    member _.``a vector times a far matrix of few columns, by pieces of the depth``() =
        for width in [ Width.W128; Width.W256; Width.W512 ] do
            for dtype, transA, n, k in
                [ DType.Float32, false, 128, 2303
                  DType.Float32, true, 131, 2100
                  DType.Float64, false, 17, 9001
                  DType.Float32, false, 256, 1024 ] do
                let plan = GemmPlan(width, DType.size dtype, transA, false, 1, n, k, 1, false)
                Assert.True(plan.DeepPieces > 1)
                checkAt width dtype transA false 1 n k 0
                checkAt width dtype transA false 1 n k 3

    [<Fact>]
    member _.``large products that share a packed operand``() =
        for dtype, transA, transB, m, n, k in
            [ DType.Float64, true, false, 512, 512, 1024
              DType.Float64, true, true, 512, 259, 1030
              DType.Float64, true, true, 519, 300, 1021
              DType.Float32, true, true, 517, 261, 2054
              DType.Float64, false, false, 521, 512, 2050
              DType.Float64, false, true, 512, 130, 2050 ] do
            let plan = GemmPlan(Width.current, DType.size dtype, transA, transB, m, n, k, 1, false)
            Assert.True plan.Shares
            Assert.Equal(transA, plan.PackA)
            check dtype transA transB m n k (k % 2)

    [<Fact>]
    member _.``a packed operand gives the same``() =
        for dtype in [ DType.Float32; DType.Float64 ] do
            for transA, transB, m, n, k in
                [ false, false, 1, 40, 30
                  false, true, 5, 1, 7
                  true, false, 70, 131, 70
                  false, true, 130, 300, 500
                  true, true, 300, 64, 33 ] do
                let lda, ldb = (if transA then m else k), (if transB then k else n)
                let a = floats 1 (m * k) |> rounded dtype
                let b = floats 2 (k * n) |> rounded dtype
                let ga, gb = write dtype a, write dtype b
                let packed = workspace (Gemm.PackedBytes(dtype, n, k))
                let gc = room dtype (m * n)
                run (Gemm.Pack(dtype, transB, n, k, gb.Pointer, ldb, packed.Pointer)) [ packed ] [ gb ]

                run
                    (Gemm.CreatePacked(
                        dtype,
                        transA,
                        m,
                        n,
                        k,
                        ga.Pointer,
                        lda,
                        packed.Pointer,
                        gc.Pointer,
                        n,
                        Affine(dtype, gc.Pointer)
                    ))
                    [ gc ]
                    [ ga; packed ]

                let expected = naive transA transB m n k a lda b ldb |> Array.map Affine.Of
                close (4.0 * tolerance dtype) (sqrt (float (k + 1))) "packed" expected (read dtype gc)

    [<Fact>]
    member _.``empty sizes``() =
        for m, n, k in [ 0, 3, 4; 3, 0, 4; 3, 4, 0; 1, 4, 0; 0, 0, 0 ] do
            check DType.Float32 false false m n k 0

    [<Fact>]
    member _.``batches, with one operand repeated``() =
        for dtype in [ DType.Float32; DType.Float64 ] do
            for batch in [ 1; 3; 8; 20 ] do
                for m, n, k in [ 4, 5, 6; 16, 16, 8; 33, 20, 17; 1, 9, 5; 100, 80, 64 ] do
                    for transA, transB in [ false, false; true, false; false, true ] do
                        let a = floats 1 (m * k) |> rounded dtype
                        let b = floats 2 (batch * k * n) |> rounded dtype
                        let ga, gb, gc = write dtype a, write dtype b, room dtype (batch * m * n)
                        let lda, ldb = (if transA then m else k), (if transB then k else n)

                        let kernel =
                            Gemm.CreateBatched(
                                dtype,
                                transA,
                                transB,
                                m,
                                n,
                                k,
                                ga.Pointer,
                                lda,
                                Array.create batch 0,
                                gb.Pointer,
                                ldb,
                                Array.init batch (fun i -> i * k * n),
                                gc.Pointer,
                                n,
                                Array.init batch (fun i -> (batch - 1 - i) * m * n),
                                Affine(dtype, gc.Pointer)
                            )

                        run kernel [ gc ] [ ga; gb ]
                        let c = read dtype gc

                        for i in 0 .. batch - 1 do
                            let expected = naive transA transB m n k a lda (Array.sub b (i * k * n) (k * n)) ldb
                            close
                                (2.0 * tolerance dtype)
                                (sqrt (float k))
                                "batched"
                                (Array.map Affine.Of expected)
                                (Array.sub c ((batch - 1 - i) * m * n) (m * n))

    [<Fact>]
    member _.``running allocates nothing``() =
        for m, n, k in [ 3, 4, 5; 1, 400, 300; 200, 100, 300 ] do
            let ga, gb, gc = room DType.Float32 (m * k), room DType.Float32 (k * n), room DType.Float32 (m * n)
            allocatesNothing (
                Gemm.Create(DType.Float32, false, false, m, n, k, ga.Pointer, k, gb.Pointer, n, gc.Pointer, n)
            )

    [<Fact>]
    member _.``products of integers are refused``() =
        Assert.Throws<DTypeException>(fun () ->
            Gemm.Create(DType.Int32, false, false, 2, 2, 2, 0n, 2, 0n, 2, 0n, 2) |> ignore)
        |> ignore
