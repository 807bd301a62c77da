//! What a seed is like: which faults it has, and how many. Each seed has only some of them, so
//! that one kind does not hide another.

use fastrand::Rng;

use super::{
    people::Deed,
    run::{Happening, QUIET_AT, Run},
    time::{HOUR, MILLI, MINUTE, Moment, SECOND},
};

/// Faults are planned for this time, so that what they do is seen before it is quiet.
const PLANNED_BY: Moment = 5 * MINUTE;

/// How often things go wrong, in thousandths.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    /// A message is slow.
    pub(super) slow: u32,
    /// How slow at most.
    pub(super) delay_max: Moment,
    /// A publish is lost.
    pub(super) lost: u32,
    /// An ack is lost.
    pub(super) lost_ack: u32,
    /// A process dies where it stands.
    pub(super) deaths: u32,
    /// A reader keeps a snapshot behind an event.
    pub(super) snapshots: u32,
    /// An executor does something that it should not.
    pub(super) misbehaves: u32,
    /// A result is not good.
    pub(super) bad_results: u32,
    /// A person stops a run right behind the end of a task.
    pub(super) hasty: u32,
    /// Faults that are planned.
    pub(super) planned: u32,
}

impl Habits {
    /// Returns those of a seed.
    pub(super) fn of(rng: &mut Rng) -> Self {
        let mut one = |of: &[u32]| rng.choice(of).copied().unwrap_or(0);
        Self {
            slow: one(&[0, 20, 100]),
            delay_max: one(&[300, 2_000, 9_000]).into(),
            lost: one(&[0, 0, 20, 100]),
            lost_ack: one(&[0, 0, 20, 100]),
            deaths: one(&[0, 0, 10, 40]),
            snapshots: one(&[0, 50, 300]),
            misbehaves: one(&[0, 50, 250]),
            bad_results: one(&[0, 100, 300]),
            hasty: one(&[0, 0, 60, 200]),
            planned: one(&[0, 1, 2, 4, 6]),
        }
        .in_time()
    }

    fn in_time(mut self) -> Self {
        self.delay_max *= MILLI;
        self
    }
}

impl Run<'_> {
    /// Plans what people do and what goes wrong.
    pub(super) fn plan(&mut self) {
        self.plan_deeds(PLANNED_BY);
        let holders = self.rng.u32(0..8);
        self.after(0, Happening::Leases(holders));
        for _ in 0..self.habits.planned {
            let at = self.rng.i64(0..PLANNED_BY);
            let fault = self.planned_fault(at);
            self.after(at, fault);
        }
        self.after(QUIET_AT, Happening::Quiet);
    }

    fn planned_fault(&mut self, at: Moment) -> Happening {
        let who = self.rng.usize(0..self.actors.len());
        let short = self.rng.i64(10 * MILLI..20 * SECOND);
        let long = self.rng.i64(121 * SECOND..280 * SECOND);
        let pause = if self.rng.bool() { short } else { long };
        match self.rng.u32(0..11) {
            0 => Happening::Dies { who },
            1 | 2 => Happening::Stops { who, pause },
            3 => {
                let wait = self.rng.i64(0..20 * SECOND);
                self.after(at + wait, Happening::Person(Deed::Regret));
                Happening::Stops { who: self.rng.usize(0..self.controllers), pause: long }
            }
            4 | 5 => Happening::Breaks { who, pause },
            6 => Happening::Outage { pause },
            7 => {
                self.after(at + pause, Happening::Full(false));
                Happening::Full(true)
            }
            8 => {
                let error = self.rng.i64(-3 * HOUR..3 * HOUR);
                Happening::Errs { who, error, pause: short }
            }
            9 => Happening::Leases(self.rng.u32(0..8)),
            _ => {
                // Two go on as if nothing had been.
                let who = self.rng.usize(0..self.controllers);
                self.after(at + SECOND, Happening::Stops { who, pause: long });
                Happening::Stops { who: self.rng.usize(0..self.controllers), pause: long }
            }
        }
    }
}
