//! `keptn bench`: measures on this machine, over a server and a store of its own, or over the
//! user's server, in which nothing of ours may be.

use clap::{Args, Subcommand, ValueEnum as _};
use serde::Serialize;

use super::dev::nats_binary;
use crate::{
    arguments::{ConnectionArgs, Document},
    bench::{
        bed::{Durability, Server, Setting},
        compare, footprint,
        growth::{self, Much},
        load::Load,
        recovery, view,
    },
    failure::{Exit, Failure},
    render::{bench as render, document},
    terminal,
};

/// Arguments of `bench`. Those of a measurement of another kind stand behind its name.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    load: LoadArgs,
    /// All four services run, not the controller alone
    #[arg(long)]
    with_view: bool,
}

/// What is measured beside the own loop.
#[derive(Clone, Debug, Subcommand)]
enum What {
    /// The bare loop of NATS: durable consumers, acknowledgements, no state
    Floor(LoadArgs),
    /// Both in turns, and the ratios
    Compare(CompareArgs),
    /// The load beside many open sequences, projects, events, waiting sequences, or a bracket
    Growth(GrowthArgs),
    /// A crash of controller and server in the middle of a load, beside 10,000 open sequences
    Recovery(FormArgs),
    /// The four services when nothing happens
    Footprint(FormArgs),
    /// How long status-view takes for the status of a stage: 1,000 projects, 4 stages, 50 services
    View(FormArgs),
}

/// How much, and over which server.
#[derive(Clone, Debug, Args)]
struct LoadArgs {
    /// Sequences to run, of five tasks each
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    sequences: u64,
    /// Sequences that are open at the same time
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    concurrency: u64,
    #[command(flatten)]
    bed: BedArgs,
}

/// Over which server, and the form of the result.
#[derive(Clone, Copy, Debug, Args)]
struct BedArgs {
    /// How the server of its own writes through: every second (dev), or always
    #[arg(long, value_name = "WHEN", value_enum)]
    sync: Option<Durability>,
    #[command(flatten)]
    form: FormArgs,
}

/// The form of the result.
#[derive(Clone, Copy, Debug, Args)]
struct FormArgs {
    /// Form of the result
    #[arg(short, long, value_name = "FORM")]
    output: Option<Document>,
}

/// Arguments of `bench growth`.
#[derive(Clone, Debug, Args)]
struct GrowthArgs {
    /// Rounds, each with and without
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How much of it there is, in percent of what is described
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    scale: u64,
    /// Of what there is much; all of them by default
    #[arg(value_name = "MUCH", value_enum)]
    much: Vec<Much>,
    #[command(flatten)]
    form: FormArgs,
}

/// Arguments of `bench compare`.
#[derive(Clone, Debug, Args)]
struct CompareArgs {
    /// Rounds, each with every setting once
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Sequences that are open at the same time, one or more
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1,32,256", value_parser = clap::value_parser!(u64).range(1..=1_000))]
    concurrency: Vec<u64>,
    #[command(flatten)]
    bed: BedArgs,
}

/// Measures, and prints what was measured.
///
/// # Errors
/// Exit code 3 if a part does not get ready or ends, 5 if others use the machine too much.
pub(crate) async fn run(
    arguments: BenchArgs,
    connection: &ConnectionArgs,
) -> Result<Exit, Failure> {
    match arguments.what {
        None => {
            let setting = if arguments.with_view { Setting::Services } else { Setting::Controller };
            one(connection, setting, &arguments.load).await?;
        }
        Some(What::Floor(load)) => one(connection, Setting::Floor, &load).await?,
        Some(What::Compare(CompareArgs { rounds, concurrency, bed })) => {
            let all =
                compare::compare(&bed.server(connection).await?, (rounds, &concurrency)).await?;
            tell(bed.form, &all, |all| render::compared(all, terminal::paint()))?;
        }
        Some(What::Growth(GrowthArgs { rounds, scale, much, form })) => {
            let much = if much.is_empty() { Much::value_variants() } else { &much };
            let server = own(Durability::Dev, connection).await?;
            let all = growth::grow(&server, much, (rounds, scale)).await?;
            tell(form, &all, |all| render::grown(all, terminal::paint()))?;
        }
        Some(What::Recovery(form)) => {
            let recovered = recovery::recover(&own(Durability::Dev, connection).await?).await?;
            tell(form, &recovered, |one| render::recovered(one, terminal::paint()))?;
        }
        Some(What::Footprint(form)) => {
            let footprint = footprint::look(&own(Durability::Dev, connection).await?).await?;
            tell(form, &footprint, |one| render::footprint(one, terminal::paint()))?;
        }
        Some(What::View(form)) => {
            let viewed = view::look(&own(Durability::Dev, connection).await?).await?;
            tell(form, &viewed, |one| render::viewed(one, terminal::paint()))?;
        }
    }
    Ok(Exit::Done)
}

async fn one(
    connection: &ConnectionArgs,
    setting: Setting,
    arguments: &LoadArgs,
) -> Result<(), Failure> {
    let load = Load { sequences: arguments.sequences, concurrency: arguments.concurrency };
    let round = compare::once(&arguments.bed.server(connection).await?, (setting, load)).await?;
    tell(arguments.bed.form, &round, |round| render::round(round, terminal::paint()))
}

impl BedArgs {
    /// Returns the user's server if one is named by a flag, else one of its own.
    async fn server(self, connection: &ConnectionArgs) -> Result<Server, Failure> {
        match self.sync {
            None if connection.names_server() => Ok(Server::OfTheUser(connection.clone())),
            sync => own(sync.unwrap_or_default(), connection).await,
        }
    }
}

/// Returns a server of its own.
async fn own(durability: Durability, connection: &ConnectionArgs) -> Result<Server, Failure> {
    if connection.names_server() {
        return Err(Failure::usage("this is measured over a server of its own, but one is named")
            .hint("leave --server and --nats-context out"));
    }
    Ok(Server::Own { binary: nats_binary().await?, durability })
}

/// Prints a result as a table, or as a document.
fn tell<T: Serialize>(
    form: FormArgs,
    result: &T,
    table: impl FnOnce(&T) -> String,
) -> Result<(), Failure> {
    match form.output {
        Some(form) => terminal::data(&document::text(form, result)?),
        None => terminal::data(&table(result)),
    }
}
