using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace FunctionalNet.Peers;

/// <summary>A matrix product m x n x k.</summary>
internal sealed record GemmShape(int M, int N, int K, bool TransA, bool TransB)
{
    public static GemmShape Parse(JsonObject request) =>
        new(
            (int)request["m"]!,
            (int)request["n"]!,
            (int)request["k"]!,
            (bool)request["transA"]!,
            (bool)request["transB"]!);
}

/// <summary>The system's OpenBLAS, if it is there (Debian: libopenblas0-pthread).</summary>
internal static unsafe class OpenBlas
{
    private static readonly nint Library = Load();

    public static bool IsPresent => Library != 0;

    public static string Description =>
        "OpenBLAS (" + Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)Export("openblas_get_config"))())?.Trim() + ")";

    public static void SetThreads(int threads) =>
        ((delegate* unmanaged<int, void>)Export("openblas_set_num_threads"))(threads);

    /// <summary>The address of cblas_sgemm.</summary>
    public static nint Sgemm => Export("cblas_sgemm");

    private static nint Export(string name) => NativeLibrary.GetExport(Library, name);

    private static nint Load()
    {
        foreach (var name in new[] { "libopenblas.so.0", "libopenblas.so", "libopenblas.dll", "libopenblas.dylib" })
        {
            if (NativeLibrary.TryLoad(name, out var library))
                return library;
        }

        return 0;
    }
}

/// <summary>One matrix product of OpenBLAS.</summary>
internal sealed unsafe class OpenBlasGemm : Peer
{
    private readonly GemmShape shape;
    private readonly float[] a;
    private readonly float[] b;
    private readonly float[] c;
    private readonly delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void> sgemm;
    private int threads;

    public OpenBlasGemm(GemmShape shape, Dictionary<string, NamedArray> tensors)
        : base("OpenBLAS")
    {
        this.shape = shape;
        a = Pinned(tensors["a"].Floats);
        b = Pinned(tensors["b"].Floats);
        c = Pinned(new float[shape.M * shape.N]);
        sgemm = (delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void>)OpenBlas.Sgemm;
    }

    private static float[] Pinned(float[] values)
    {
        var pinned = GC.AllocateUninitializedArray<float>(values.Length, pinned: true);
        values.CopyTo(pinned, 0);
        return pinned;
    }

    public override void SetThreads(int threads)
    {
        if (this.threads != threads)
            OpenBlas.SetThreads(threads);
        this.threads = threads;
    }

    public override void Run()
    {
        const int rowMajor = 101, plain = 111, transposed = 112;
        fixed (float* pa = a, pb = b, pc = c)
        {
            sgemm(
                rowMajor,
                shape.TransA ? transposed : plain,
                shape.TransB ? transposed : plain,
                shape.M,
                shape.N,
                shape.K,
                1f,
                pa,
                shape.TransA ? shape.M : shape.K,
                pb,
                shape.TransB ? shape.K : shape.N,
                0f,
                pc,
                shape.N);
        }
    }

    public override double[] Result()
    {
        Run();
        return [.. c.Select(v => (double)v)];
    }
}
