//! What went wrong in a run, counted: a fault that never occurs proves nothing.

/// Kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A process was killed and started again.
    Crash,
    /// It was killed right after it had sent something.
    CrashBehindPublish,
    /// It was killed between reading an event and speaking.
    CrashBeforeSpeaking,
    /// It started from a snapshot.
    FromSnapshot,
    /// It started from a snapshot that went through its written form.
    FromWrittenSnapshot,
    /// It started cold.
    Cold,
    /// It was stopped, and went on.
    Stopped,
    /// It was stopped for longer than the duplicate window.
    Zombie,
    /// It noticed that, and asked where the stream ends.
    WokenUp,
    /// Its connection broke.
    Cut,
    /// Nobody reached the server.
    Outage,
    /// A publish was lost.
    LostPublish,
    /// An ack was lost.
    LostAck,
    /// A publish arrived behind the end of its connection.
    LatePublish,
    /// A publish overtook an older one of somebody else.
    Overtaken,
    /// A publish took so long that nobody waited for the ack.
    SlowPublish,
    /// The stream refused a publish because it was full.
    Full,
    /// The server told a repetition.
    Duplicate,
    /// The server refused a publish because somebody else spoke.
    WrongLast,
    /// The server was known to have more on the subject than was read.
    ReadOn,
    /// A process believed the server's clock ahead.
    ClockAhead,
    /// A process believed the server's clock behind.
    ClockBehind,
    /// Two believed that they hold the lease.
    TwoLeases,
    /// Nobody held it.
    NoLease,
    /// A task was given to an executor again.
    Redelivered,
    /// An answer was said again, under its id or a new one.
    DoubleAnswer,
    /// An executor finished before it started.
    FinishedFirst,
    /// An executor answered in a wrong delivery.
    WrongContext,
    /// An executor never finished.
    Silent,
    /// An executor took very long.
    LateAnswer,
    /// A result was not good.
    BadResult,
    /// A trigger was said twice.
    DoubleTrigger,
    /// A message that nobody can read.
    Poison,
    /// Somebody took the id of an owed event.
    ForeignId,
    /// A command on runs.
    Control,
    /// A change of projects, services, values.
    Change,
    /// A deadline passed.
    TimeOut,
}

impl Fault {
    /// How many there are.
    pub const COUNT: usize = 37;

    /// All of them.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Crash,
        Self::CrashBehindPublish,
        Self::CrashBeforeSpeaking,
        Self::FromSnapshot,
        Self::FromWrittenSnapshot,
        Self::Cold,
        Self::Stopped,
        Self::Zombie,
        Self::WokenUp,
        Self::Cut,
        Self::Outage,
        Self::LostPublish,
        Self::LostAck,
        Self::LatePublish,
        Self::Overtaken,
        Self::SlowPublish,
        Self::Full,
        Self::Duplicate,
        Self::WrongLast,
        Self::ReadOn,
        Self::ClockAhead,
        Self::ClockBehind,
        Self::TwoLeases,
        Self::NoLease,
        Self::Redelivered,
        Self::DoubleAnswer,
        Self::FinishedFirst,
        Self::WrongContext,
        Self::Silent,
        Self::LateAnswer,
        Self::BadResult,
        Self::DoubleTrigger,
        Self::Poison,
        Self::ForeignId,
        Self::Control,
        Self::Change,
        Self::TimeOut,
    ];
}

/// How often each occurred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults([u64; Fault::COUNT]);

impl Default for Faults {
    fn default() -> Self {
        Self([0; Fault::COUNT])
    }
}

impl Faults {
    /// Counts one.
    pub fn count(&mut self, fault: Fault) {
        if let Some(count) = self.0.get_mut(fault as usize) {
            *count += 1;
        }
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    /// Returns each kind with its count.
    pub fn each(&self) -> impl Iterator<Item = (Fault, u64)> {
        Fault::ALL.into_iter().zip(self.0)
    }
}
