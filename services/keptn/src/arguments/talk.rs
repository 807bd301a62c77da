//! Flags of every command: how much is said, and those of Keptn that have nothing to do here.

use std::path::PathBuf;

use clap::Args;

use crate::terminal::{self, Loudness};

/// How much is said on standard error.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct TalkArgs {
    /// Say nothing but errors on standard error
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Talk")]
    quiet: bool,
    /// Say what is asked and stored, too
    #[arg(short, long, global = true, help_heading = "Talk")]
    verbose: bool,
}

impl TalkArgs {
    /// Returns what the flags ask for.
    pub(crate) const fn loudness(self) -> Loudness {
        match (self.quiet, self.verbose) {
            (true, _) => Loudness::Quiet,
            (false, true) => Loudness::Verbose,
            (false, false) => Loudness::Normal,
        }
    }
}

/// Flags that Keptn's scripts give to every command, and that change nothing here.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct InertArgs {
    /// Answer yes to every question; no command asks one that it could answer
    #[arg(short, long, global = true, hide = true)]
    yes: bool,
    /// Kubernetes namespace of Keptn
    #[arg(short, long, global = true, hide = true, value_name = "NAME")]
    namespace: Option<String>,
    /// File with the settings of Keptn's command line
    #[arg(long, global = true, hide = true, value_name = "FILE")]
    config_file: Option<PathBuf>,
}

impl InertArgs {
    /// Says which flags change nothing, and what to use instead.
    pub(crate) fn tell(&self) {
        let given = [
            ("--namespace", self.namespace.is_some()),
            ("--config-file", self.config_file.is_some()),
        ];
        for (flag, _) in given.iter().filter(|(_, is_given)| *is_given) {
            terminal::talk(&format!(
                "note: {flag} changes nothing: NATS is found by --server, NATS_URL or --nats-context"
            ));
        }
    }
}
