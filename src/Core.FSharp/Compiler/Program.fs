namespace FunctionalNet.Compiler

open FunctionalNet.Graph
open FunctionalNet

/// Instructions over values, before they have an order by memory and a place.
[<NoEquality; NoComparison>]
type internal Program =
    {
        Leaves: Expr[]
        Constants: Tensor[]
        Packs: Pack[]
        Values: Value[]
        Steps: Step[]
        Outputs: PlanOutput[]
        /// Leaf value, new value.
        Updates: struct (int * int)[]
    }
