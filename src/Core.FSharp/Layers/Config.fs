namespace FunctionalNet

/// <summary>Types that describe how layers and their parts are configured.</summary>
[<AutoOpen>]
module ConfigTypes =

    /// <summary>A value of a configuration: what JSON can hold.</summary>
    type ConfigValue =
        /// Nothing: Python's None.
        | Null
        /// True or false.
        | Bool of bool
        /// An integer.
        | Int of int64
        /// A floating-point number.
        | Float of float
        /// A string.
        | Text of string
        /// Values in order.
        | List of ConfigValue list
        /// Named values, in order.
        | Object of (string * ConfigValue) list

    /// <summary>What is needed to make a layer (or initializer, loss, optimizer, ...) again: Keras's class name and arguments
    /// in Keras's snake_case.</summary>
    type Config =
        {
            /// <summary>Keras's class name, such as Dense.</summary>
            ClassName: string
            /// <summary>Arguments by Keras's name, in declaration order.</summary>
            Arguments: (string * ConfigValue) list
        }
