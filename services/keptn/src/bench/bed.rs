//! What is measured: nats-server and the processes around it, and what they use.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use bus::{StreamSettings, profile::Profile};
use clap::ValueEnum;
use serde::{Serialize, de::DeserializeOwned};
use service::process_usage::{self, Usage};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::{Instant, sleep, timeout},
};

use super::part::Part;
use crate::{
    arguments::ConnectionArgs,
    client::Client,
    demo, environment,
    failure::Failure,
    stack::{
        Component,
        nats::{self, Sync},
        place::Place,
        ports::Ports,
        supervisor::FOREIGN_SETTINGS,
    },
};

/// Longest time until nats-server takes connections.
const NATS_WAIT: Duration = Duration::from_secs(10);
/// Pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(5);
/// Longest time for an order; a load of a million sequences takes less.
const ORDER_WAIT: Duration = Duration::from_mins(30);
/// Longest time in which a process ends whose input was closed; then it is killed.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// Name of the server among the processes.
pub(crate) const SERVER: &str = "nats-server";

/// Setting by which a process learns how durable the server is.
pub(crate) const MONITOR: &str = "NATS_MONITOR_URL";

/// How durable the server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Durability {
    /// Written through every second, as `keptn dev` has it.
    #[default]
    Dev,
    /// Each message written through.
    Always,
}

impl From<Durability> for Sync {
    fn from(durability: Durability) -> Self {
        match durability {
            Durability::Dev => Self::EverySecond,
            Durability::Always => Self::Always,
        }
    }
}

/// What stands between driver and executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Setting {
    /// The controller alone.
    Controller,
    /// All four services.
    Services,
    /// The bare loop.
    Floor,
}

impl Setting {
    /// Returns the word in results.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Controller => "controller",
            Self::Services => "services",
            Self::Floor => "floor",
        }
    }
}

/// A server with a store of its own and the processes that use it; all of it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Bed {
    // Order matters: the processes end before their directory is removed.
    processes: BTreeMap<&'static str, Process>,
    client: Client,
    server: Server,
    /// What a part must know to connect.
    settings: Vec<(&'static str, String)>,
    place: Place,
}

/// Whose server it is.
#[derive(Clone, Debug)]
pub(crate) enum Server {
    /// One of its own for each measurement, on loopback.
    Own {
        /// The program.
        binary: PathBuf,
        /// How durable it is.
        durability: Durability,
    },
    /// That of the user, in which nothing of ours may be yet.
    OfTheUser(ConnectionArgs),
}

#[derive(Debug)]
struct Process {
    child: Child,
    input: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Bed {
    /// Starts a server over an empty store, or makes sure that nothing of ours is in the user's.
    ///
    /// # Errors
    /// [`Failure`] if it does not take connections; exit code 5 if the stream is there already.
    pub(crate) async fn start(server: &Server) -> Result<Self, Failure> {
        let place = Place::temporary().map_err(|error| Failure::usage(error.to_string()))?;
        let mut processes = BTreeMap::new();
        let settings = match server {
            Server::OfTheUser(connection) => connection.settings(),
            Server::Own { binary, durability } => {
                let ports = Ports::find(0, 0).map_err(|error| Failure::usage(error.to_string()))?;
                let config = nats::config(ports, &place, (*durability).into());
                std::fs::write(place.nats_config(), config).map_err(|error| {
                    Failure::usage(format!("the configuration is not written: {error}"))
                })?;
                processes.insert(SERVER, start_server(binary, &place)?);
                vec![("NATS_URL", ports.nats_url()), (MONITOR, ports.monitor_url())]
            }
        };
        let client = match server {
            Server::OfTheUser(connection) => {
                let client = untouched(connection).await?;
                make_stream(&client).await?;
                client
            }
            Server::Own { .. } => connect(&settings).await?,
        };
        Ok(Self { processes, client, server: server.clone(), settings, place })
    }

    /// Ends the processes, and takes back what was made on the user's server.
    ///
    /// # Errors
    /// [`Failure`] with what is left there.
    pub(crate) async fn clear(mut self) -> Result<(), Failure> {
        let names: Vec<&'static str> = self.processes.keys().copied().collect();
        for name in names.into_iter().filter(|name| *name != SERVER) {
            self.stop(name).await;
        }
        if matches!(self.server, Server::OfTheUser(_)) {
            self.client.bus().remove_stream_and_buckets().await.map_err(|error| {
                Failure::unreachable(error.to_string()).hint(
                    "what is left: `nats stream ls --all` lists stream keptn and buckets keptn-*",
                )
            })?;
        }
        Ok(())
    }

    /// Returns a connection to the server.
    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// Starts services and waits until they are ready; returns how long that took.
    ///
    /// # Errors
    /// [`Failure`] with the names of those that are not.
    pub(crate) async fn start_services(
        &mut self,
        components: &[Component],
    ) -> Result<Duration, Failure> {
        let begun = Instant::now();
        for component in components {
            let name = component.name();
            let process = self.spawn(name, &["serve", name])?;
            self.processes.insert(name, process);
        }
        let names: Vec<&str> = components.iter().map(|one| one.name()).collect();
        demo::wait_until_ready(&self.client, &names).await?;
        Ok(begun.elapsed())
    }

    /// Tells nobody that is started from now on how durable the server is: the bare loop publishes
    /// each message by itself.
    pub(crate) fn hide_durability(&mut self) {
        self.settings.push((MONITOR, String::new()));
    }

    /// Starts a part of the benchmark.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be started.
    pub(crate) fn start_part(&mut self, part: &Part) -> Result<(), Failure> {
        let name = part.name();
        let process = self.spawn(name, &["serve", "bench", name])?;
        self.processes.insert(name, process);
        Ok(())
    }

    fn spawn(&self, name: &str, arguments: &[&str]) -> Result<Process, Failure> {
        let settings = [
            ("KEPTN_STOP_WITH_STDIN", "1"),
            ("LOG_LEVEL", "info"),
            ("LOG_FORMAT", "json"),
            ("HEALTH_ENDPOINT_PORT", "0"),
        ];
        spawn(name, &self.place, |command| {
            if matches!(self.server, Server::Own { .. }) {
                for foreign in FOREIGN_SETTINGS {
                    command.env_remove(foreign);
                }
            }
            let connection = self.settings.iter().map(|(name, value)| (name, value));
            command.args(arguments).envs(settings).envs(connection)
        })
    }

    /// Gives an order to a part and waits for its answer.
    ///
    /// # Errors
    /// [`Failure`] if the part ended, with the end of what it said.
    pub(crate) async fn order<A: DeserializeOwned>(
        &mut self,
        part: &Part,
        order: &(impl Serialize + std::marker::Sync),
    ) -> Result<A, Failure> {
        self.begin(part, order).await?;
        self.ended(part).await
    }

    /// Gives an order to a part.
    ///
    /// # Errors
    /// [`Failure`] if the part ended.
    pub(crate) async fn begin(
        &mut self,
        part: &Part,
        order: &(impl Serialize + std::marker::Sync),
    ) -> Result<(), Failure> {
        let line = serde_json::to_string(order).unwrap_or_default() + "\n";
        let input = self.processes.get_mut(part.name()).and_then(|one| one.input.as_mut());
        let written = match input {
            Some(input) => input.write_all(line.as_bytes()).await.is_ok(),
            None => false,
        };
        if written { Ok(()) } else { Err(self.fallen(part)) }
    }

    /// Waits for the answer to an order.
    ///
    /// # Errors
    /// [`Failure`] if the part ended, with the end of what it said.
    pub(crate) async fn ended<A: DeserializeOwned>(&mut self, part: &Part) -> Result<A, Failure> {
        let answer = match self.processes.get_mut(part.name()) {
            Some(process) => timeout(ORDER_WAIT, process.answers.next_line()).await,
            None => Ok(Ok(None)),
        };
        match answer {
            Ok(Ok(Some(text))) => serde_json::from_str(&text)
                .map_err(|error| Failure::unreachable(format!("{}: {error}", part.name()))),
            Ok(_) => Err(self.fallen(part)),
            Err(_) => Err(Failure::unreachable(format!("{} must answer, did not", part.name()))),
        }
    }

    /// Says why a part is gone, as far as it said so.
    fn fallen(&self, part: &Part) -> Failure {
        let log = self.place.logs().join(format!("{}.log", part.name()));
        let said = std::fs::read_to_string(log).unwrap_or_default();
        let last = said.lines().rev().find(|line| line.starts_with("error: "));
        let last = last.map_or("it ended", |line| line.trim_start_matches("error: "));
        Failure::unreachable(format!("{}: {last}", part.name()))
    }

    /// Tells a process to end, and waits until it has.
    pub(crate) async fn stop(&mut self, name: &str) {
        let Some(mut process) = self.processes.remove(name) else { return };
        drop(process.input.take());
        if timeout(STOP_WAIT, process.child.wait()).await.is_err() {
            drop(process.child.kill().await);
        }
    }

    /// Kills a process as a crash does.
    ///
    /// # Errors
    /// [`Failure`] if it is not known which one it is.
    pub(crate) async fn kill(&mut self, name: &str) -> Result<(), Failure> {
        let id = self.id(name).ok_or_else(|| Failure::usage(format!("{name} must run")))?;
        let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw);
        let killed = id.map(|id| rustix::process::kill_process(id, rustix::process::Signal::KILL));
        if !matches!(killed, Some(Ok(()))) {
            return Err(Failure::usage(format!("{name} must be there to be killed")));
        }
        if let Some(mut process) = self.processes.remove(name) {
            drop(timeout(STOP_WAIT, process.child.wait()).await);
        }
        Ok(())
    }

    /// Starts the server again over the same store.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be started.
    pub(crate) fn restart_server(&mut self) -> Result<(), Failure> {
        let Server::Own { binary, .. } = &self.server else {
            return Err(Failure::usage("only a server of one's own can be started again"));
        };
        let server = start_server(binary, &self.place)?;
        self.processes.insert(SERVER, server);
        Ok(())
    }

    /// Returns what each process has used so far.
    pub(crate) fn usage(&self) -> BTreeMap<&'static str, Usage> {
        let names = self.processes.keys().copied();
        names.filter_map(|name| Some((name, process_usage::of(self.id(name)?)?))).collect()
    }

    /// Returns the memory that a process holds, of what it shares its part.
    pub(crate) fn proportional_bytes(&self, name: &str) -> Option<u64> {
        process_usage::proportional_bytes(self.id(name)?)
    }

    /// Returns the process id; the server's own one, not that of what starts it.
    fn id(&self, name: &str) -> Option<u32> {
        if name == SERVER {
            let text = std::fs::read_to_string(self.place.nats_process_id()).ok()?;
            return text.trim().parse().ok();
        }
        self.processes.get(name)?.child.id()
    }
}

fn start_server(binary: &Path, place: &Place) -> Result<Process, Failure> {
    // Written anew when it runs.
    drop(std::fs::remove_file(place.nats_process_id()));
    spawn(SERVER, place, |command| {
        let command = command.args(["serve", SERVER, "--binary"]).arg(binary);
        command.arg("--config").arg(place.nats_config())
    })
}

/// Starts this program as one of the processes; its log goes to a file.
fn spawn(
    name: &str,
    place: &Place,
    what: impl FnOnce(&mut Command) -> &mut Command,
) -> Result<Process, Failure> {
    let refused = |error: std::io::Error| {
        Failure::unreachable(format!("{name} must be started, was not: {error}"))
    };
    let program = std::env::current_exe().map_err(refused)?;
    let path = place.logs().join(format!("{name}.log"));
    let log = std::fs::OpenOptions::new().create(true).append(true).open(path);
    let mut command = Command::new(program);
    what(&mut command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log.map_err(refused)?)
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(refused)?;
    let input = child.stdin.take();
    let output = child.stdout.take().ok_or_else(|| refused(std::io::ErrorKind::NotFound.into()))?;
    Ok(Process { child, input, answers: BufReader::new(output).lines() })
}

/// Makes the stream as services would, with the copies that belong to how durable the server is: the
/// floor, too, must have as many.
async fn make_stream(client: &Client) -> Result<(), Failure> {
    let replicas = profile().await.replicas();
    let settings = StreamSettings { replicas, ..StreamSettings::default() };
    let made = client.bus().ensure_stream(&settings).await;
    made.map(drop).map_err(|error| Failure::unreachable(error.to_string()))
}

/// Returns how durable the server is, as services read it.
pub(crate) async fn profile() -> Profile {
    match environment::get(MONITOR).filter(|url| !url.is_empty()) {
        Some(url) => Profile::read(&url).await,
        None => Profile::Unknown,
    }
}

/// Connects to the user's server, if nothing of ours is there.
async fn untouched(connection: &ConnectionArgs) -> Result<Client, Failure> {
    let client = Client::connect(connection).await?;
    let found = client.bus().has_stream().await;
    if found.map_err(|error| Failure::unreachable(error.to_string()))? {
        return Err(Failure::refused("stream `keptn` must not be there before a measurement, is")
            .hint("name another server or account, or leave --server out for one of its own"));
    }
    Ok(client)
}

async fn connect(settings: &[(&'static str, String)]) -> Result<Client, Failure> {
    let url = settings.iter().map(|(_, url)| url.as_str()).next().unwrap_or_default();
    let until = Instant::now() + NATS_WAIT;
    loop {
        match Client::connect_to_url(url).await {
            Ok(client) => return Ok(client),
            Err(failure) if Instant::now() >= until => return Err(failure),
            Err(_) => sleep(LOOK_PAUSE).await,
        }
    }
}
