//! A terminal that a test types into and reads: tmux, with a server of its own.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::harness::process;
use crate::harness::wait;

/// What is needed, and how to get it.
const NEEDED: &str = "the tests in a terminal need tmux on PATH; on Debian: apt-get install tmux";
/// Columns and rows: room for the widest line of the story, and for all of a delivery.
const SIZE: [&str; 2] = ["110", "30"];
/// What the shell says when it waits for a command.
pub(crate) const PROMPT: &str = "$";

/// A terminal with a shell. Dropped, it ends with all that runs in it.
pub(crate) struct Terminal {
    /// Holds the socket of the server.
    folder: TempDir,
}

impl Terminal {
    /// Opens a terminal in which `keptn` finds the server on a port of this machine.
    pub(crate) fn open(nats: u16) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be created");
        let terminal = Self { folder };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let keptn = process::keptn().parent().map(Path::to_path_buf);
        let folders = keptn.into_iter().chain(std::env::split_paths(&path));
        let path = std::env::join_paths(folders).expect("folders can be joined to a path");
        let mut command = terminal.command();
        command.args(["-f", "/dev/null", "new-session", "-d", "-x", SIZE[0], "-y", SIZE[1], "sh"]);
        command.env_clear().env("PATH", path).env("NATS_URL", format!("nats://127.0.0.1:{nats}"));
        command.env("TERM", "xterm-256color").env("LANG", "C.UTF-8");
        // A shell takes its prompt from this file alone; root's would be another one.
        let prompt =
            process::write_file(terminal.folder.path(), "env", &format!("PS1='{PROMPT} '"));
        command.env("ENV", prompt).current_dir(terminal.folder.path());
        done(command.output());
        terminal.wait_for_prompt();
        terminal
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(self.folder.path().join("socket"));
        command
    }

    fn tell(&self, arguments: &[&str]) -> String {
        done(self.command().args(arguments).output())
    }

    /// Types a command and sends it off.
    pub(crate) fn enter(&self, command: &str) {
        self.tell(&["send-keys", "-l", command]);
        self.press("Enter");
    }

    /// Presses a key, in the words of tmux: `C-c`.
    pub(crate) fn press(&self, key: &str) {
        self.tell(&["send-keys", key]);
    }

    /// Returns all that was ever written, as it stands by now: what scrolled away, too.
    pub(crate) fn text(&self) -> String {
        self.tell(&["capture-pane", "-p", "-S", "-"])
    }

    /// Returns what is shown, with colours as a terminal is told them.
    pub(crate) fn colours(&self) -> String {
        self.tell(&["capture-pane", "-p", "-e"])
    }

    /// Tells whether the cursor is shown.
    pub(crate) fn has_cursor(&self) -> bool {
        self.tell(&["display-message", "-p", "#{cursor_flag}"]).trim() == "1"
    }

    /// Waits until the text fits; returns it.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        wait::until(what, || {
            let text = self.text();
            if fits(&text) { Ok(text) } else { Err(format!("\n{}", text.trim_end())) }
        })
    }

    /// Waits until the shell waits for a command; returns what stands above.
    #[track_caller]
    pub(crate) fn wait_for_prompt(&self) -> String {
        self.wait_for("the shell asks for a command", |text| {
            text.trim_end().lines().last().is_some_and(|line| line.trim_end() == PROMPT)
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Fails if it has ended already.
        drop(self.command().arg("kill-server").output());
    }
}

#[track_caller]
fn done(ended: std::io::Result<Output>) -> String {
    let output = ended.unwrap_or_else(|error| panic!("{NEEDED}: {error}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tmux: {complaint}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
