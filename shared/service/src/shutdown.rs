//! When to stop: SIGTERM, SIGINT, or the end of standard input if the starter asked for that.

use tokio::{
    io::AsyncReadExt as _,
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tracing::{info, warn};

/// Says when to stop; copies say the same.
#[derive(Clone, Debug)]
pub struct Shutdown {
    requested: watch::Receiver<bool>,
}

impl Shutdown {
    /// Begins to listen. With `with_stdin` the end of standard input counts, too: so a child ends
    /// with whoever started it, even if that one was killed.
    pub fn listen(with_stdin: bool) -> Self {
        let (sender, requested) = watch::channel(false);
        tokio::spawn(async move {
            let why = tokio::select! {
                () = received(SignalKind::terminate()) => "SIGTERM",
                () = received(SignalKind::interrupt()) => "SIGINT",
                () = stdin_ended(with_stdin) => "the end of standard input",
            };
            sender.send_replace(true);
            info!(reason = why, "stopping");
        });
        Self { requested }
    }

    /// Waits until it is time to stop; returns at once from then on. Cancel-safe.
    pub async fn requested(&mut self) {
        if self.requested.wait_for(|requested| *requested).await.is_err() {
            // Nobody listens any more, which happens only when the runtime ends.
            std::future::pending::<()>().await;
        }
    }
}

async fn received(kind: SignalKind) {
    match signal(kind) {
        Ok(mut signals) => _ = signals.recv().await,
        Err(error) => {
            warn!(error = %error, "this signal cannot be listened to");
            std::future::pending::<()>().await;
        }
    }
}

async fn stdin_ended(counts: bool) {
    if !counts {
        return std::future::pending().await;
    }
    let mut stdin = tokio::io::stdin();
    let mut ignored = [0_u8; 64];
    while stdin.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
}
