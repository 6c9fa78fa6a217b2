// Published with NativeAOT and run: what works here works without a JIT and without reflection.
using FunctionalNet;

Shape shape = Shape.Of(2, 3, 4);
Require(shape.Size == 24, "a shape counts its elements");
Require(shape.ToString() == "(2, 3, 4)", "a shape prints itself");

try
{
    Shape.Of(-1);
    Require(false, "a negative size is refused");
}
catch (ShapeException error)
{
    Require(error.Actual == "(-1)", "an error says what came");
}

Console.WriteLine("NativeAOT: all checks passed");
return 0;

static void Require(bool condition, string what)
{
    if (!condition)
    {
        Console.Error.WriteLine("NativeAOT: failed: " + what);
        Environment.Exit(1);
    }
}
