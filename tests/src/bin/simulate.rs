//! Plays seeds of the simulation: `simulate [--seeds N] [--first N] [--seed N] [--break NAME]`.
//!
//! `--seed` plays one and writes what happened. The last line says how many seeds, events and
//! faults there were; a seed that breaks a rule ends with exit code 1.

use std::{io, process::ExitCode, thread, time::Instant};

use tests::simulation::{Break, Faults, Outcome, Prologue, Run};

/// As many as the machine of the checks has cores.
const THREADS: u64 = 2;
const SEEDS: u64 = 20_000;

struct Arguments {
    first: u64,
    seeds: u64,
    is_one: bool,
    off: Option<Break>,
}

/// What many seeds came to.
#[derive(Default)]
struct Sum {
    events: usize,
    faults: Faults,
    broken: Vec<(u64, String)>,
}

fn main() -> ExitCode {
    match Arguments::read(std::env::args().skip(1)).and_then(|arguments| run(&arguments)) {
        Ok(code) => code,
        Err(error) => {
            let usage = "simulate [--seeds N] [--first N] [--seed N] [--break NAME]";
            say(&mut io::stderr(), &format!("error: {error}\nhint: {usage}"));
            ExitCode::from(2)
        }
    }
}

impl Arguments {
    fn read(mut given: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut read = Self { first: 0, seeds: SEEDS, is_one: false, off: None };
        while let Some(name) = given.next() {
            let value = given.next().ok_or_else(|| format!("`{name}` must have a value"))?;
            let number =
                || value.parse().map_err(|_| format!("`{name}` must be a number, is `{value}`"));
            match name.as_str() {
                "--seeds" => read.seeds = number()?,
                "--first" => read.first = number()?,
                "--seed" => (read.first, read.seeds, read.is_one) = (number()?, 1, true),
                "--break" => read.off = Some(value.parse()?),
                _ => return Err(format!("`{name}` is no argument")),
            }
        }
        Ok(read)
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let begun = Instant::now();
    let sum = if arguments.is_one { one(arguments)? } else { many(arguments)? };
    let mut out = io::stdout();
    for (seed, what) in &sum.broken {
        say(&mut out, &format!("seed {seed} breaks a rule: {what}"));
    }
    let counts: Vec<String> =
        sum.faults.each().map(|(fault, count)| format!("{fault:?} {count}")).collect();
    say(
        &mut out,
        &format!(
            "{} seeds, {} broken, {} events, {:.1} s; {}",
            arguments.seeds,
            sum.broken.len(),
            sum.events,
            begun.elapsed().as_secs_f64(),
            counts.join(", ")
        ),
    );
    Ok(if sum.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn prologue() -> Result<Prologue, String> {
    Prologue::new().ok_or_else(|| "the documents of the simulation are not accepted".to_owned())
}

fn one(arguments: &Arguments) -> Result<Sum, String> {
    let mut sum = Sum::default();
    let outcome = Run::new(&prologue()?, arguments.first, arguments.off, true).play();
    for line in &outcome.trace {
        say(&mut io::stdout(), line);
    }
    sum.add(arguments.first, &outcome);
    Ok(sum)
}

fn many(arguments: &Arguments) -> Result<Sum, String> {
    let prologue = prologue()?;
    let mut sum = Sum::default();
    thread::scope(|scope| {
        let play = |number: u64| {
            let prologue = &prologue;
            move || {
                let mut part = Sum::default();
                let seeds = arguments.first..arguments.first.saturating_add(arguments.seeds);
                for seed in seeds.filter(|seed| seed % THREADS == number) {
                    part.add(seed, &Run::new(prologue, seed, arguments.off, false).play());
                }
                part
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|number| scope.spawn(play(number))).collect();
        for thread in threads {
            let part = thread.join().map_err(|_| "a run ended in a panic".to_owned())?;
            sum.events += part.events;
            sum.faults.add(&part.faults);
            sum.broken.extend(part.broken);
        }
        sum.broken.sort();
        Ok(sum)
    })
}

impl Sum {
    fn add(&mut self, seed: u64, outcome: &Outcome) {
        self.events += outcome.events;
        self.faults.add(&outcome.faults);
        if let Some(broken) = &outcome.broken {
            self.broken.push((seed, format!("{}: {}", broken.rule, broken.what)));
        }
    }
}

/// Writes a line; nobody may be there to read it.
fn say(to: &mut impl io::Write, line: &str) {
    if writeln!(to, "{line}").is_err() {
        std::process::exit(1);
    }
}
