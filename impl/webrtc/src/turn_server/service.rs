//! The life of the program.

use std::{io, path::Path, rc::Rc, sync::Arc};

use base::Rng;
use runtime::Runtime as _;
use tokio::{runtime::Builder, task::LocalSet};
use turn::{Server, ServerEvent};

use super::{host::Host, journal, load::Load, settings::Settings};
use crate::System;

/// Datagrams that leave as one: what the kernel takes at once.
const MAX_SEGMENTS: usize = 64;

/// Serves until a signal ends it.
///
/// # Errors
///
/// What the system lacks.
pub(super) fn serve(path: &Path, settings: Settings) -> Result<(), String> {
    journal::begin(&settings)?;
    let load = Arc::new(Load::default());
    let judged = Arc::clone(&load);
    let tokio =
        Builder::new_current_thread().enable_all().on_thread_park(move || judged.park()).build();
    let tokio = tokio.map_err(|error| format!("cannot begin: {error}"))?;
    LocalSet::new().block_on(&tokio, live(path, settings, load))
}

async fn live(path: &Path, settings: Settings, load: Arc<Load>) -> Result<(), String> {
    let system = System::new(Vec::new());
    let seed = system.seed().map_err(|error| error.to_string())?;
    let mut config = settings.server.clone();
    config.wall_time = system.wall_time();
    config.max_segments = MAX_SEGMENTS;
    // Sockets of this program never fragment.
    config.dont_fragment = true;
    let addresses = config.udp.len() + config.tcp.len();
    let server = Server::new(config, Rng::from_seed(seed), system.now());
    let host = Host::new(system, server.map_err(|error| error.to_string())?, load);
    let mut signals = Signals::new().map_err(|error| format!("cannot hear signals: {error}"))?;
    let work = tokio::task::spawn_local(Rc::clone(&host).run());
    begin(&host, addresses).await?;
    let mut is_ending = false;
    loop {
        tokio::select! {
            event = host.next_event() => {
                journal::note(&event);
                if event == ServerEvent::Drained {
                    break;
                }
            }
            signal = signals.next() => match signal {
                Signal::Reload => reload(&host, path),
                Signal::End if is_ending => break,
                Signal::End => {
                    is_ending = true;
                    tracing::info!(seconds = settings.drain.as_secs(), "ending");
                    host.command(|server, now| server.drain(now, Some(now + settings.drain)));
                }
            },
        }
    }
    let stats = host.command(|server, _| server.stats());
    journal::note_counters(&stats, host.stats());
    work.abort();
    Ok(())
}

/// Waits until clients are served at every address.
async fn begin(host: &Rc<Host>, addresses: usize) -> Result<(), String> {
    for _ in 0..addresses {
        let event = host.next_event().await;
        journal::note(&event);
        if let ServerEvent::NotListening { address, transport, in_use } = event {
            let why = if in_use {
                "somebody else has the port: stop them, or choose another in [listen]"
            } else {
                "the system refuses the address: is it one of this host, and the port above 1023?"
            };
            return Err(format!("cannot serve {transport} at {address}: {why}"));
        }
    }
    Ok(())
}

/// Reads accounts and policy anew. A broken file changes nothing.
fn reload(host: &Rc<Host>, path: &Path) {
    match Settings::load(path) {
        Ok(settings) => {
            let (accounts, policy) = (settings.server.accounts, settings.server.policy);
            let set = host.command(|server, now| {
                server.set_policy(now, policy);
                server.set_accounts(now, accounts)
            });
            match set {
                Ok(()) => tracing::info!("read accounts and policy anew"),
                Err(error) => tracing::error!(%error, "accounts stay as they were"),
            }
        }
        Err(error) => tracing::error!(%error, "accounts and policy stay as they were"),
    }
}

/// What somebody wants of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Reload,
    End,
}

#[cfg(unix)]
struct Signals {
    hangup: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.hangup.recv() => Signal::Reload,
            _ = self.interrupt.recv() => Signal::End,
            _ = self.terminate.recv() => Signal::End,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        let _ = tokio::signal::ctrl_c().await;
        Signal::End
    }
}
