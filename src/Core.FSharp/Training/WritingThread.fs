namespace FunctionalNet.Training

open System
open System.Threading
open FunctionalNet

/// Remembers which thread changes the weights at the moment, so that others are told instead of reading half of an update.
[<Sealed>]
type internal WritingThread(name: string) =

    let mutable thread = 0

    /// This thread begins to change weights. Gives what `End` takes: a fit may train on batches of its own in callbacks.
    member _.Begin() : int =
        let before = thread
        Volatile.Write(&thread, Environment.CurrentManagedThreadId)
        before

    member _.End(before: int) : unit = Volatile.Write(&thread, before)

    /// Throws if another thread changes the weights.
    member _.RefuseOthers() : unit =
        let writing = Volatile.Read(&thread)

        if writing <> 0 && writing <> Environment.CurrentManagedThreadId then
            raise (
                NotReadyException(
                    "The weights are being trained by another thread.",
                    name,
                    "prediction before or after fit, or in a callback of it",
                    "prediction beside fit",
                    "Wait for fit to end, or predict with another trainer that has copies of the weights."
                )
            )
