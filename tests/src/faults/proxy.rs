//! A TCP proxy on this machine that fails in the ways in which networks do.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::harness::wait;

/// How the network behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// As it should.
    Pass,
    /// Connections are closed, new ones are closed at once.
    Cut,
    /// Nothing arrives, nothing is closed.
    BlackHole,
    /// What the server says does not arrive.
    HalfOpen,
    /// Connections are reset once; new ones work.
    Reset,
    /// One byte a second.
    Trickle,
    /// Everything arrives 200 ms late.
    Late,
}

/// All ways to fail.
pub const FAILURES: [Mode; 6] =
    [Mode::Cut, Mode::BlackHole, Mode::HalfOpen, Mode::Reset, Mode::Trickle, Mode::Late];

const LATENESS: Duration = Duration::from_millis(200);
/// Pause between two bytes.
const TRICKLE: Duration = Duration::from_secs(1);
/// How soon a change of mode is noticed.
const LOOK_EVERY: Duration = Duration::from_millis(10);

#[derive(Default)]
struct Shared {
    mode: AtomicU8,
    stop: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

/// A proxy before one server. Dropped, it closes everything.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Starts on a port of its own.
    pub fn before(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = listener.local_addr().expect("a listener has an address").port();
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        thread::spawn(move || own.accept(&listener, server));
        Self { port, shared }
    }

    /// Returns where clients connect.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Behaves so from now on.
    pub fn set(&self, mode: Mode) {
        let mode = if mode == Mode::Reset { Mode::Pass } else { mode };
        self.shared.mode.store(mode as u8, Ordering::SeqCst);
    }

    /// Fails in this way from now on.
    pub fn fail(&self, mode: Mode) {
        self.set(mode);
        if matches!(mode, Mode::Cut | Mode::Reset) {
            self.shared.close_all(mode == Mode::Reset);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.shared.close_all(false);
        // Wakes the thread that accepts; nobody may be left to do so.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

impl Shared {
    fn is(&self, mode: Mode) -> bool {
        self.mode.load(Ordering::SeqCst) == mode as u8
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    fn close_all(&self, by_reset: bool) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in open.drain(..) {
            if by_reset {
                let linger = Some(Duration::ZERO);
                rustix::net::sockopt::set_socket_linger(&stream, linger).ok();
            }
            // It may be closed already.
            stream.shutdown(Shutdown::Both).ok();
        }
    }

    fn accept(self: Arc<Self>, listener: &TcpListener, server: u16) {
        for client in listener.incoming().flatten() {
            if self.is_stopped() {
                return;
            }
            if self.is(Mode::Cut) {
                continue;
            }
            // Without a server the client is closed, as it would be without a proxy.
            if let Ok(server) = TcpStream::connect(("127.0.0.1", server)) {
                self.join(&client, &server);
            }
        }
    }

    fn join(self: &Arc<Self>, client: &TcpStream, server: &TcpStream) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.extend([client, server].into_iter().filter_map(|one| one.try_clone().ok()));
        drop(open);
        let both = [(client, server, false), (server, client, true)];
        for (from, to, is_answer) in both {
            let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { return };
            let own = Arc::clone(self);
            thread::spawn(move || own.forward(from, to, is_answer));
        }
    }

    fn forward(&self, mut from: TcpStream, mut to: TcpStream, is_answer: bool) {
        let mut bytes = vec![0; 1 << 16];
        from.set_read_timeout(Some(LOOK_EVERY)).ok();
        while !self.is_stopped() {
            let count = match from.read(&mut bytes) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    continue;
                }
                Err(_) => break,
            };
            if !self.pass_on(&mut to, &bytes[..count], is_answer) {
                break;
            }
        }
        from.shutdown(Shutdown::Both).ok();
        to.shutdown(Shutdown::Both).ok();
    }

    /// Writes as the mode has it; returns false if the connection is gone.
    fn pass_on(&self, to: &mut TcpStream, bytes: &[u8], is_answer: bool) -> bool {
        let is_held = || self.is(Mode::BlackHole) || self.is(Mode::HalfOpen) && is_answer;
        let mut rest = bytes;
        while let Some((first, more)) = rest.split_first() {
            while is_held() && !self.is_stopped() {
                wait::pass(LOOK_EVERY);
            }
            if self.is(Mode::Trickle) {
                if to.write_all(&[*first]).is_err() {
                    return false;
                }
                rest = more;
                self.wait_while(Mode::Trickle, TRICKLE);
                continue;
            }
            if self.is(Mode::Late) {
                wait::pass(LATENESS);
            }
            return to.write_all(rest).is_ok();
        }
        true
    }

    /// Waits for a time, but no longer than the mode lasts.
    fn wait_while(&self, mode: Mode, time: Duration) {
        let deadline = std::time::Instant::now() + time;
        while std::time::Instant::now() < deadline && self.is(mode) && !self.is_stopped() {
            wait::pass(LOOK_EVERY);
        }
    }
}
