namespace FunctionalNet.Kernels

open System.Threading
open Microsoft.FSharp.NativeInterop

/// Sizes of the words.
module private StepTeamWords =

    /// Bytes from word to word.
    [<Literal>]
    let Apart = 128

    /// In the word of a member that the leader has counted in.
    [<Literal>]
    let Counted = 0x1_0000_0000L

/// Threads that work through the same steps, each on its part, and wait for one another after every step; a step may take
/// less than a microsecond, too little to hand it out anew. The first that comes leads: it does all parts alone until it has
/// seen others, so nobody ever waits for a thread that has not come. Who comes when everything is done leaves at once.
///
/// It lives in memory that the kernel provides, in words of 128 bytes so that no two threads write to one cache line: how
/// many have come; of every member how many steps it has done; and by how many the even and the odd steps are shared. Two
/// are enough, since the leader opens a step only when all members have done the one before the last.
[<AbstractClass; Sealed>]
type internal StepTeam private () =

    static member private Word(team: nativeint, index: int) : byref<int64> =
        NativePtr.toByRef (NativePtr.ofNativeInt<int64>(team + nativeint (index * StepTeamWords.Apart)))

    static member private Read(team: nativeint, index: int) : int64 = Volatile.Read(&StepTeam.Word(team, index))

    static member private Write(team: nativeint, index: int, value: int64) =
        Volatile.Write(&StepTeam.Word(team, index), value)

    /// By how many a step is shared: the words behind the members'.
    static member private ShareWord(members: int, step: int) = 1 + members + (step &&& 1)

    static member private Pause(waits: int) =
        // Some tens of microseconds; only a thread that the system has put aside takes longer.
        if waits < 2000 then Thread.SpinWait 1 else Thread.Yield() |> ignore

    static member private Await(team: nativeint, member': int, steps: int) =
        let mutable waits = 0

        while int (StepTeam.Read(team, 1 + member')) < steps do
            StepTeam.Pause waits
            waits <- waits + 1

    /// Bytes for at most that many members.
    static member Bytes(members: int) = int64 (members + 3) * int64 StepTeamWords.Apart

    /// Before any thread comes.
    static member Reset(team: nativeint, members: int) =
        Mem.zero team (StepTeam.Bytes members)
        StepTeam.Write(team, StepTeam.ShareWord(members, 0), 1L)

    /// The place of the calling thread: 0 for the leader; it is not needed if that is no less than the number of members.
    static member Join(team: nativeint) : int = int (Interlocked.Increment(&StepTeam.Word(team, 0))) - 1

    /// The first step that a member takes part in, `steps` if there is none left for it.
    static member Enter(team: nativeint, own: int, steps: int) : int =
        let mutable waits = 0

        while own > 0
              && StepTeam.Read(team, 1 + own) < StepTeamWords.Counted
              && int (StepTeam.Read(team, 1)) < steps do
            StepTeam.Pause waits
            waits <- waits + 1

        if own = 0 then 0
        elif StepTeam.Read(team, 1 + own) < StepTeamWords.Counted then steps
        else int (StepTeam.Read(team, 1 + own))

    /// Waits until all have done the steps before; by how many this one is shared.
    static member Begin(team: nativeint, members: int, step: int) : int =
        StepTeam.Await(team, 0, step)
        let share = int (StepTeam.Read(team, StepTeam.ShareWord(members, step)))

        for other in 1 .. share - 1 do
            StepTeam.Await(team, other, step)

        share

    /// Says that a member has done its part of the first `steps` steps. The leader counts in who has come.
    static member Finish(team: nativeint, own: int, members: int, steps: int) =
        if own = 0 then
            let before = int (StepTeam.Read(team, StepTeam.ShareWord(members, steps - 1)))
            let share = int (min (int64 members) (StepTeam.Read(team, 0)))

            for fresh in before .. share - 1 do
                StepTeam.Write(team, 1 + fresh, StepTeamWords.Counted ||| int64 steps)

            StepTeam.Write(team, StepTeam.ShareWord(members, steps), int64 share)
            StepTeam.Write(team, 1, int64 steps)
        else
            StepTeam.Write(team, 1 + own, StepTeamWords.Counted ||| int64 steps)
