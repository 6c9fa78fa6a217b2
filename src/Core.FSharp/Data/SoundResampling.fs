namespace FunctionalNet

open System

/// Sounds at another rate: band-limited interpolation by a sine cardinal under a Kaiser window (J. O. Smith, "Digital Audio
/// Resampling"). What lies below 0.9 of the lower rate's half stays as it is, what lies above that half is 90 dB down.
module internal SoundResampling =

    /// Zero crossings of the sine cardinal on either side of its middle.
    [<Literal>]
    let private Crossings = 64

    /// Where the filter is half down, as a share of half of the lower rate.
    [<Literal>]
    let private Cutoff = 0.95

    /// The Kaiser window's parameter: how much ripple is exchanged for a wider edge.
    [<Literal>]
    let private Beta = 10.0

    /// The modified Bessel function of order 0, by its series.
    let private bessel (x: float) : float =
        let quarter = x * x / 4.0
        let mutable term, sum, k = 1.0, 1.0, 1.0

        while term > 1e-17 * sum do
            term <- term * quarter / (k * k)
            sum <- sum + term
            k <- k + 1.0

        sum

    let rec private divisor (a: int) (b: int) : int = if b = 0 then a else divisor b (a % b)

    /// How many samples come out: the last one does not lie behind the last one that came in by a whole step.
    let length (samples: int) (rate: int) (target: int) : int =
        int ((int64 samples * int64 target + int64 rate - 1L) / int64 rate)

    /// Samples (samples, channels) of one rate at another: sample j lies at j * rate / target. Beyond its ends a sound is silent.
    let resample (samples: int) (channels: int) (rate: int) (target: int) (values: float32[]) : float32[] =
        let common = divisor rate target
        let up, down = target / common, rate / common

        // In units of samples that come in.
        let band = Cutoff * min 1.0 (float target / float rate)
        let reach = float Crossings / band
        let half = int (Math.Ceiling reach)
        let whole = bessel Beta

        // The weights of the samples around a place between two of them, which is one of a few.
        let weightsAt (fraction: float) : float32[] =
            let weights =
                Array.init (2 * half) (fun i ->
                    let distance = float (i - half + 1) - fraction
                    let x = distance / reach

                    if abs x >= 1.0 then
                        0.0
                    else
                        let angle = Math.PI * band * distance
                        let wave = if angle = 0.0 then 1.0 else Math.Sin angle / angle
                        wave * bessel (Beta * Math.Sqrt(1.0 - x * x)) / whole)

            // A constant stays what it is, to the last bit that counts.
            let sum = Array.sum weights
            weights |> Array.map (fun weight -> float32 (weight / sum))

        let phases: float32[][] = Array.init (min up (length samples rate target)) (fun _ -> [||])
        let result: float32[] = Array.zeroCreate (length samples rate target * channels)

        for j in 0 .. result.Length / channels - 1 do
            let place = int64 j * int64 down
            let before = int (place / int64 up)
            let phase = int (place % int64 up)

            // The phases come in an order of their own, and again after `up` samples.
            let slot = j % up

            if phases[slot].Length = 0 then
                phases[slot] <- weightsAt (float phase / float up)

            let weights = phases[slot]
            let first = max 0 (before - half + 1)
            let last = min (samples - 1) (before + half)

            for channel in 0 .. channels - 1 do
                let mutable sum = 0.0

                for i in first..last do
                    sum <- sum + float weights[i - before + half - 1] * float values[i * channels + channel]

                result[j * channels + channel] <- float32 sum

        result
