namespace FunctionalNet

open System
open System.Globalization

/// <summary>A number of 16 bits: the upper half of a float. It has the range of a float and 8 significant bits (2 to 3 decimal
/// digits). For keeping numbers in half the memory; nothing is computed in it.</summary>
/// <example><code>let x = BFloat16.OfSingle 3.14159f   // 3.140625</code></example>
[<Struct; CustomEquality; NoComparison>]
type BFloat16 =

    val private bits: uint16

    private new(bits: uint16) = { bits = bits }

    /// <summary>Sign, 8 bits of exponent and 7 of the fraction: the upper half of the bits of the float of that value.</summary>
    member this.Bits = this.bits

    /// <summary>The number with those bits.</summary>
    static member OfBits(bits: uint16) = BFloat16 bits

    /// <summary>The nearest number to a float, the even one of two that are equally near; beyond the greatest, infinity. NaN
    /// stays NaN.</summary>
    static member OfSingle(value: float32) : BFloat16 =
        let bits = BitConverter.SingleToUInt32Bits value

        if Single.IsNaN value then
            // Quiet: the bits that say NaN may all lie in the half that is cut off.
            BFloat16(uint16 (bits >>> 16) ||| 0x40us)
        else
            // Half of the last place that stays, less one where that place is even, carries into it when cut off.
            BFloat16(uint16 ((bits + 0x7FFFu + ((bits >>> 16) &&& 1u)) >>> 16))

    /// <summary>The float of the same value.</summary>
    member this.ToSingle() : float32 = BitConverter.UInt32BitsToSingle(uint32 this.bits <<< 16)

    /// <summary>The float of the same value.</summary>
    static member op_Explicit(value: BFloat16) : float32 = value.ToSingle()

    /// <summary>The nearest number to a float.</summary>
    static member op_Explicit(value: float32) : BFloat16 = BFloat16.OfSingle value

    /// <summary>True for the same bits: NaN equals itself, and the two zeros differ.</summary>
    override this.Equals(other: obj | null) =
        match other with
        | :? BFloat16 as b -> b.Bits = this.Bits
        | _ -> false

    /// <summary>Equal for equal bits.</summary>
    override this.GetHashCode() = int this.bits

    /// <summary>The number as .NET writes a float, the same everywhere.</summary>
    override this.ToString() = this.ToSingle().ToString CultureInfo.InvariantCulture

    interface IEquatable<BFloat16> with
        member this.Equals(other: BFloat16) = other.Bits = this.Bits
