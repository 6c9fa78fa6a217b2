namespace FunctionalNet

open FunctionalNet.Compiler

/// <summary>Which passes the compiler runs on a graph. All change how something is computed, none changes what: switch one
/// off to see what it does, or to find out where a wrong number comes from. All are on by default.</summary>
[<Sealed>]
type PlanOptions() =

    /// <summary>Merges equal nodes, folds constants, simplifies algebra. Default true.</summary>
    member val Simplify = true with get, set

    /// <summary>Kernels of their own for whole composites and patterns, such as softmax or a transposed product. Default
    /// true.</summary>
    member val SelectKernels = true with get, set

    /// <summary>Merges equal loops and takes sums over their steps out. Default true.</summary>
    member val Loops = true with get, set

    /// <summary>Runs elementwise operations in groups, tile by tile. Default true.</summary>
    member val Fuse = true with get, set

    /// <summary>Runs elementwise operations on the result of a product, convolution or pooling while it is still in the
    /// cache, as part of that instruction: biases, activations and their derivatives, dropout masks, updates of
    /// weights. Default true.</summary>
    member val Epilogues = true with get, set

    /// <summary>Orders instructions so that less memory is in use at once. Default true.</summary>
    member val Schedule = true with get, set

    /// <summary>Writes results over operands that are not read again. Default true.</summary>
    member val InPlace = true with get, set

    /// <summary>Uses memory again once its value is not needed any more. Default true.</summary>
    member val Reuse = true with get, set

    /// <summary>Writes new values of variables straight into their memory where that is safe. Default true.</summary>
    member val Donate = true with get, set

    /// <summary>Computes what depends on weights alone when a weight has changed rather than at every run, moves batch
    /// normalisation into the weights before it, and keeps weights in the order in which kernels read them. For weights that
    /// the plan itself does not update: those of predictions and evaluations, and frozen ones. Default true.</summary>
    member val Prepare = true with get, set

    /// <summary>Checks the memory of a plan, independently of what planned it, before it is used. Default false.</summary>
    member val CheckMemory = false with get, set

    /// <summary>Fills working memory with NaN before every run, so that reading what was never written shows. Default
    /// false.</summary>
    member val PoisonMemory = false with get, set

    /// <summary>Runs no plan but the interpreter, which computes every node in float64 with plain loops: the definition of
    /// right, and slow. Default false.</summary>
    member val Interpret = false with get, set

    /// <summary>Every pass off: one kernel per node, and a place of its own for every value.</summary>
    static member Plain =
        PlanOptions(
            Simplify = false,
            SelectKernels = false,
            Loops = false,
            Fuse = false,
            Epilogues = false,
            Schedule = false,
            InPlace = false,
            Reuse = false,
            Donate = false,
            Prepare = false
        )

    /// <summary>The interpreter in place of plans.</summary>
    static member Interpreted = PlanOptions(Interpret = true)

    /// The switches as the compiler reads them; later changes of this object have no effect on them.
    member internal this.ToCompileOptions() : CompileOptions =
        { Simplify = this.Simplify
          SelectKernels = this.SelectKernels
          Loops = this.Loops
          Fuse = this.Fuse
          Epilogues = this.Epilogues
          Schedule = this.Schedule
          InPlace = this.InPlace
          Reuse = this.Reuse
          Donate = this.Donate
          Prepare = this.Prepare
          Check = this.CheckMemory
          Poison = this.PoisonMemory
          Interpret = this.Interpret }
