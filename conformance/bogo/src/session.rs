//! One connection of a test: the runner's commands go to the association, what it makes goes back.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use base::{Instant, Rng};
use dtls::{Association, CloseReason, Event, wire::AlertDescription};

use crate::{
    failure::Failure,
    framing::{self, Command},
    options::Options,
    setup,
};

/// For how long the runner may be silent: less than it waits for us, so that a hang is told as one.
const PATIENCE: Duration = Duration::from_secs(10);

/// More than any test makes of one command: an association that never drains is a hang.
const MAX_PACKETS_AT_ONCE: usize = 10_000;

/// What tests with `-shim-writes-first` read.
const HELLO: &[u8] = b"hello";

/// Runs the connection that the arguments ask for.
///
/// # Errors
///
/// See [`Failure`].
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let config = Arc::new(setup::config(options)?);
    let host = if options.ipv6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
    let mut stream = TcpStream::connect(SocketAddr::new(host, options.port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    stream.write_all(&options.shim_id.to_le_bytes())?;
    let now = Instant::from_nanos(0);
    let rng = Rng::from_seed(seed(options));
    let mut association = if options.server {
        Association::server(config, rng, now)
    } else {
        Association::client(config, rng, now)
    };
    if let Some(mtu) = options.mtu {
        // Not a guess, which could be too large when packets are lost.
        association.set_mtu(mtu);
    }
    let mut session =
        Session { options, association, stream, now, phase: Phase::Handshake, buffer: Vec::new() };
    let outcome = session.run();
    session.leave();
    outcome
}

/// The same test draws the same, run after run.
fn seed(options: &Options) -> [u8; 32] {
    let mut seed = [0; 32];
    let (start, _) = seed.split_at_mut(8);
    start.copy_from_slice(&options.shim_id.to_le_bytes());
    seed
}

struct Session<'a> {
    options: &'a Options,
    association: Association,
    stream: TcpStream,
    now: Instant,
    phase: Phase,
    /// For packets in the making.
    buffer: Vec<u8>,
}

/// How far the application is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Before it can say anything.
    Handshake,
    /// It answers what it reads.
    Reading,
    /// It has closed the connection.
    Closing,
    /// There is nothing more to do.
    Done,
}

impl Session<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        loop {
            self.settle()?;
            if self.phase == Phase::Done {
                return Ok(());
            }
            match framing::read(&mut self.stream)? {
                Some(command) => self.obey(command)?,
                None if self.phase == Phase::Handshake => {
                    return Err(Failure::Failed("PeerGone".to_owned()));
                }
                None => return Ok(()),
            }
        }
    }

    fn obey(&mut self, command: Command) -> Result<(), Failure> {
        match command {
            Command::Packet(packet) => self.association.receive(self.now, &packet),
            Command::Advance(duration) => {
                framing::acknowledge_time(&mut self.stream)?;
                let later = self.now.checked_add(duration);
                self.now =
                    later.ok_or_else(|| Failure::Broken("the clock overflows".to_owned()))?;
                self.association.handle_timeout(self.now);
            }
            Command::Mtu(mtu) => self.association.set_mtu(mtu),
            Command::InitialTimeout(timeout) => {
                self.association.set_initial_timeout(self.now, timeout);
            }
            Command::ExpectDeadline(expected) => {
                let deadline = self.association.flight_timeout();
                let found = deadline.map(|it| it.saturating_duration_since(self.now));
                if found != expected {
                    return Err(Failure::Broken(format!(
                        "the next timeout is in {found:?}, not {expected:?}"
                    )));
                }
            }
        }
        Ok(())
    }

    /// Hands over all that the association has, until it has nothing more.
    fn settle(&mut self) -> Result<(), Failure> {
        let mut closed = None;
        loop {
            self.flush()?;
            if let Some(event) = self.association.poll_event() {
                match event {
                    Event::Connected => self.connected()?,
                    Event::Closed(reason) => closed = Some(reason),
                    _ => {}
                }
            } else if let Some(data) = self.association.poll_data() {
                let reply: Vec<u8> = data.iter().map(|byte| byte ^ 0xff).collect();
                self.answer(&reply)?;
            } else {
                break;
            }
        }
        match closed {
            None => Ok(()),
            Some(CloseReason::Local) if self.options.send_alert => Ok(()),
            Some(CloseReason::Local | CloseReason::Peer) => {
                self.phase = Phase::Done;
                Ok(())
            }
            Some(reason) => Err(Failure::Failed(name(reason))),
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        for _ in 0..MAX_PACKETS_AT_ONCE {
            self.buffer.clear();
            if self.association.poll_packet(self.now, &mut self.buffer).is_none() {
                return Ok(());
            }
            write(&mut self.stream, &self.buffer)?;
        }
        Err(Failure::Broken("packets without end".to_owned()))
    }

    /// What the application does first.
    fn connected(&mut self) -> Result<(), Failure> {
        self.phase = Phase::Reading;
        self.check()?;
        if let Some(length) = self.options.export_keying_material {
            let mut out = vec![0; length];
            let context = self.options.export_context.as_bytes();
            let context = self.options.use_export_context.then_some(context);
            self.association
                .export(self.options.export_label.as_bytes(), context, &mut out)
                .map_err(|error| Failure::Broken(format!("export: {error}")))?;
            self.send(&out)?;
        }
        if self.options.send_alert {
            self.association.abort(self.now, AlertDescription::new(30));
            self.phase = Phase::Closing;
            return Ok(());
        }
        if self.options.writes_first {
            self.send(HELLO)?;
        }
        if self.options.shuts_down {
            self.association.close(self.now);
            self.phase = Phase::Closing;
            return Ok(());
        }
        self.before_reading()
    }

    /// What must have been agreed.
    fn check(&self) -> Result<(), Failure> {
        let session = self.association.session();
        let expected = self.options.expect_alpn.as_ref().map(String::as_bytes);
        if expected.is_some() && session.alpn() != expected {
            return Err(Failure::Broken(format!("protocol {:?}", session.alpn())));
        }
        if self.options.expect_hello_retry.is_some_and(|expected| expected != session.retried()) {
            return Err(Failure::Broken(format!("hello retried: {}", session.retried())));
        }
        Ok(())
    }

    fn answer(&mut self, reply: &[u8]) -> Result<(), Failure> {
        if self.phase != Phase::Reading || reply.is_empty() {
            return Ok(());
        }
        self.send(reply)?;
        self.before_reading()
    }

    fn before_reading(&mut self) -> Result<(), Failure> {
        if self.options.key_update_before_read {
            match self.association.update_keys(self.now, false) {
                // One that is on its way does for both.
                Ok(()) | Err(dtls::UpdateKeysError::UnderWay) => {}
                Err(error) => return Err(Failure::Failed(format!("{error:?}"))),
            }
        }
        Ok(())
    }

    fn send(&mut self, data: &[u8]) -> Result<(), Failure> {
        self.flush()?;
        self.buffer.clear();
        self.association
            .send(self.now, data, &mut self.buffer)
            .map_err(|error| Failure::Failed(format!("{error:?}")))?;
        write(&mut self.stream, &self.buffer)
    }

    /// Says goodbye: what is on its way must arrive, and a connection that is closed with bytes unread
    /// would take it along.
    fn leave(&mut self) {
        if self.phase != Phase::Handshake {
            self.association.close(self.now);
        }
        // The runner may be gone; then nobody misses what cannot be said.
        let _ = self.flush();
        let _ = self.stream.shutdown(Shutdown::Write);
        let mut rest = [0; 4_096];
        while matches!(self.stream.read(&mut rest), Ok(1..)) {}
    }
}

/// Sends a packet; that the runner is gone shows when reading.
fn write(stream: &mut TcpStream, packet: &[u8]) -> Result<(), Failure> {
    match framing::write_packet(stream, packet) {
        Err(error) if !framing::is_end(&error) => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The name by which `config.json` knows the reason.
fn name(reason: CloseReason) -> String {
    match reason {
        CloseReason::Misdeed(misdeed) => format!("{misdeed:?}"),
        CloseReason::Alert(alert) => format!("PeerAlert({alert:?})"),
        other => format!("{other:?}"),
    }
}
