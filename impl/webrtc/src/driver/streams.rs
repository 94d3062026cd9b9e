//! The TCP connections of a machine.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{self, ErrorKind},
    net::SocketAddr,
    ops::Bound,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use base::{StreamCommand, StreamEnd, StreamId, StreamInput};
use runtime::{BoxFuture, Runtime, TcpListener, TcpStream, Timer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::rustls::ClientConfig;

use super::tls::{Bytes, Plain, secure};

/// Most bytes held for one connection. Machines are told how many are held, and stop long before; one
/// that does not loses the connection.
const MAX_HELD: usize = 16 * 1_024 * 1_024;
/// For how long a connection that was closed may take to send what is left.
const CLOSE_PATIENCE: Duration = Duration::from_secs(10);

/// For how long a listener rests that could not accept, mostly because the process has too many files
/// open. Asking again at once would keep the processor busy and help nobody.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// The connections and listeners, by number.
#[derive(Default)]
pub(super) struct Streams {
    all: BTreeMap<StreamId, Entry>,
    tls: Option<Arc<ClientConfig>>,
    /// What is to be told besides bytes.
    news: VecDeque<StreamInput<'static>>,
    accepted: u64,
    overruns: u64,
    /// Which one was looked at last, so that a busy one does not silence the others.
    turn: Option<StreamId>,
}

/// What one look at the streams has found.
pub(super) enum Told {
    /// Bytes at the beginning of the buffer.
    Received {
        /// The connection.
        id: StreamId,
        /// How many.
        size: usize,
    },
    /// Something that waits to be taken as news.
    News,
}

type Opening = BoxFuture<'static, Result<Opened, StreamEnd>>;

struct Opened {
    bytes: Box<dyn Bytes>,
    local: SocketAddr,
    remote: SocketAddr,
}

enum Entry {
    Listening(Listening),
    Opening(Opening),
    Open(Open),
}

struct Listening {
    listener: Box<dyn TcpListener>,
    /// Until when it rests.
    rest: Option<Pin<Box<dyn Timer>>>,
}

struct Open {
    bytes: Box<dyn Bytes>,
    held: Vec<u8>,
    /// Bytes at the front of `held` that the system has taken.
    sent: usize,
    /// How many unsent bytes the machine was told of.
    told: usize,
    is_paused: bool,
    /// Set once the machine is done with it: then it ends when all is sent, or with the timer.
    closing: Option<Closing>,
}

struct Closing {
    timer: Pin<Box<dyn Timer>>,
    /// Whether the machine still expects to hear that it is closed.
    is_untold: bool,
}

/// What became of a connection in one look.
enum Step {
    Waits,
    Received(usize),
    Ended(StreamEnd),
    PeerFinished,
}

impl Streams {
    pub(super) fn set_tls(&mut self, config: Arc<ClientConfig>) {
        self.tls = Some(config);
    }

    pub(super) const fn overruns(&self) -> u64 {
        self.overruns
    }

    pub(super) fn take_news(&mut self) -> Option<StreamInput<'static>> {
        self.news.pop_front()
    }

    pub(super) fn obey(
        &mut self,
        runtime: &Arc<dyn Runtime>,
        command: StreamCommand,
        buffer: &[u8],
    ) {
        match command {
            StreamCommand::Listen { id, local } => self.listen(&**runtime, id, local),
            StreamCommand::Connect { id, local, remote, security } => {
                let (runtime, tls) = (runtime.clone(), self.tls.clone());
                let opening = async move {
                    let stream = runtime.connect_tcp(local, remote).await;
                    let stream = stream.map_err(|error| end_of(&error))?;
                    // Delaying small messages gains nothing here, and costs a round trip.
                    let _ = stream.set_nodelay(true);
                    let ends = (stream.local_address(), stream.remote_address());
                    let (Ok(local), Ok(remote)) = ends else {
                        return Err(StreamEnd::Reset);
                    };
                    Ok(Opened { bytes: secure(stream, security, tls).await?, local, remote })
                };
                self.all.insert(id, Entry::Opening(Box::pin(opening)));
            }
            StreamCommand::Send { id, size } => {
                self.write(id, buffer.get(..size).unwrap_or(buffer));
            }
            StreamCommand::Pause { id } => self.set_paused(id, true),
            StreamCommand::Resume { id } => self.set_paused(id, false),
            StreamCommand::Close { id } => self.close(&**runtime, id),
            StreamCommand::Abort { id } => {
                self.all.remove(&id);
            }
        }
    }

    /// Takes bytes for a connection.
    pub(super) fn write(&mut self, id: StreamId, bytes: &[u8]) {
        let Some(Entry::Open(open)) = self.all.get_mut(&id) else {
            return;
        };
        if open.closing.is_some() {
            return;
        }
        if open.unsent() + bytes.len() > MAX_HELD {
            self.overruns += 1;
            self.all.remove(&id);
            self.news.push_back(StreamInput::Closed { id, reason: StreamEnd::Reset });
            return;
        }
        open.compact();
        open.held.extend_from_slice(bytes);
    }

    fn listen(&mut self, runtime: &dyn Runtime, id: StreamId, local: SocketAddr) {
        let listener = runtime.listen_tcp(local);
        let bound = listener.and_then(|it| it.local_address().map(|local| (it, local)));
        self.news.push_back(match bound {
            Ok((listener, local)) => {
                self.all.insert(id, Entry::Listening(Listening { listener, rest: None }));
                StreamInput::Listening { id, local }
            }
            Err(_) => StreamInput::Closed { id, reason: StreamEnd::Unavailable },
        });
    }

    fn set_paused(&mut self, id: StreamId, is_paused: bool) {
        if let Some(Entry::Open(open)) = self.all.get_mut(&id) {
            open.is_paused = is_paused;
        }
    }

    fn close(&mut self, runtime: &dyn Runtime, id: StreamId) {
        match self.all.get_mut(&id) {
            Some(Entry::Open(open)) if open.closing.is_none() => {
                let timer = runtime.timer(runtime.now() + CLOSE_PATIENCE);
                open.closing = Some(Closing { timer, is_untold: true });
            }
            Some(Entry::Listening(_) | Entry::Opening(_)) => {
                self.all.remove(&id);
                self.news.push_back(StreamInput::Closed { id, reason: StreamEnd::Finished });
            }
            _ => {}
        }
    }

    /// Looks at the streams one after the other until one has something to tell.
    pub(super) fn next(
        &mut self,
        runtime: &dyn Runtime,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Option<Told> {
        for _ in 0..self.all.len() {
            let id = self.next_id()?;
            self.turn = Some(id);
            if let Some(told) = self.look(runtime, cx, id, buffer) {
                return Some(told);
            }
        }
        None
    }

    /// The number after the one that was looked at last.
    fn next_id(&self) -> Option<StreamId> {
        let after = self.turn.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = self.all.range((after, Bound::Unbounded));
        rest.next().or_else(|| self.all.first_key_value()).map(|(id, _)| *id)
    }

    fn look(
        &mut self,
        runtime: &dyn Runtime,
        cx: &mut Context<'_>,
        id: StreamId,
        buffer: &mut [u8],
    ) -> Option<Told> {
        match self.all.get_mut(&id)? {
            Entry::Listening(listening) => {
                let stream = listening.poll(runtime, cx)?;
                self.accepted(id, stream)
            }
            Entry::Opening(opening) => {
                let Poll::Ready(opened) = opening.as_mut().poll(cx) else {
                    return None;
                };
                self.opened(id, opened);
                Some(Told::News)
            }
            Entry::Open(open) => {
                let step = open.step(cx, buffer);
                let unsent = open.unsent();
                if matches!(step, Step::Waits | Step::Received(_)) && unsent != open.told {
                    open.told = unsent;
                    self.news.push_back(StreamInput::Unsent { id, bytes: unsent });
                }
                match step {
                    Step::Waits if self.news.is_empty() => None,
                    Step::Waits => Some(Told::News),
                    Step::Received(size) => Some(Told::Received { id, size }),
                    Step::Ended(reason) => self.ended(id, reason),
                    Step::PeerFinished => self.peer_finished(runtime, id),
                }
            }
        }
    }

    fn accepted(&mut self, listener: StreamId, stream: Box<dyn TcpStream>) -> Option<Told> {
        let _ = stream.set_nodelay(true);
        let (Ok(local), Ok(remote)) = (stream.local_address(), stream.remote_address()) else {
            return None;
        };
        let id = StreamId::accepted(self.accepted);
        self.accepted += 1;
        self.all.insert(id, Entry::Open(Open::new(Box::new(Plain(stream)))));
        self.news.push_back(StreamInput::Accepted { listener, id, local, remote });
        Some(Told::News)
    }

    fn opened(&mut self, id: StreamId, opened: Result<Opened, StreamEnd>) {
        self.news.push_back(match opened {
            Ok(Opened { bytes, local, remote }) => {
                self.all.insert(id, Entry::Open(Open::new(bytes)));
                StreamInput::Connected { id, local, remote }
            }
            Err(reason) => {
                self.all.remove(&id);
                StreamInput::Closed { id, reason }
            }
        });
    }

    fn ended(&mut self, id: StreamId, reason: StreamEnd) -> Option<Told> {
        let is_told = match self.all.remove(&id) {
            Some(Entry::Open(Open { closing: Some(closing), .. })) => !closing.is_untold,
            _ => false,
        };
        if is_told {
            return None;
        }
        self.news.push_back(StreamInput::Closed { id, reason });
        Some(Told::News)
    }

    /// The machine hears that it is over; what it has sent before still leaves.
    fn peer_finished(&mut self, runtime: &dyn Runtime, id: StreamId) -> Option<Told> {
        let Some(Entry::Open(open)) = self.all.get_mut(&id) else {
            return None;
        };
        let was_told = open.closing.as_ref().is_some_and(|closing| !closing.is_untold);
        let timer = runtime.timer(runtime.now() + CLOSE_PATIENCE);
        open.closing = Some(Closing { timer, is_untold: false });
        if was_told {
            return None;
        }
        self.news.push_back(StreamInput::Closed { id, reason: StreamEnd::Finished });
        Some(Told::News)
    }
}

impl Listening {
    /// The next connection, if there is one.
    fn poll(&mut self, runtime: &dyn Runtime, cx: &mut Context<'_>) -> Option<Box<dyn TcpStream>> {
        if self.rest.as_mut().is_some_and(|rest| rest.as_mut().poll(cx).is_pending()) {
            return None;
        }
        self.rest = None;
        match self.listener.poll_accept(cx) {
            Poll::Pending => None,
            Poll::Ready(Ok(stream)) => Some(stream),
            Poll::Ready(Err(error)) => {
                tracing::warn!(%error, "a connection could not be accepted");
                let mut rest = runtime.timer(runtime.now() + ACCEPT_REST);
                let _ = rest.as_mut().poll(cx);
                self.rest = Some(rest);
                None
            }
        }
    }
}

impl Open {
    fn new(bytes: Box<dyn Bytes>) -> Self {
        Self { bytes, held: Vec::new(), sent: 0, told: 0, is_paused: false, closing: None }
    }

    const fn unsent(&self) -> usize {
        self.held.len() - self.sent
    }

    fn compact(&mut self) {
        self.held.drain(..self.sent.min(self.held.len()));
        self.sent = 0;
    }

    /// Writes what can be written, then reads what can be read.
    fn step(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Step {
        if let Err(error) = self.write(cx) {
            return Step::Ended(end_of(&error));
        }
        if let Some(closing) = &mut self.closing {
            if closing.timer.as_mut().poll(cx).is_ready() {
                return Step::Ended(StreamEnd::TimedOut);
            }
            let is_sent = self.held.is_empty();
            return match is_sent.then(|| Pin::new(&mut self.bytes).poll_shutdown(cx)) {
                Some(Poll::Ready(Ok(()))) => Step::Ended(StreamEnd::Finished),
                Some(Poll::Ready(Err(error))) => Step::Ended(end_of(&error)),
                Some(Poll::Pending) | None => Step::Waits,
            };
        }
        if self.is_paused {
            return Step::Waits;
        }
        let mut read = ReadBuf::new(buffer);
        match Pin::new(&mut self.bytes).poll_read(cx, &mut read) {
            Poll::Pending => Step::Waits,
            Poll::Ready(Ok(())) if read.filled().is_empty() => Step::PeerFinished,
            Poll::Ready(Ok(())) => Step::Received(read.filled().len()),
            // A TLS peer that hangs up without saying so.
            Poll::Ready(Err(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                Step::PeerFinished
            }
            Poll::Ready(Err(error)) => Step::Ended(end_of(&error)),
        }
    }

    fn write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while let Some(rest) = self.held.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut self.bytes).poll_write(cx, rest)? {
                Poll::Ready(0) => return Err(ErrorKind::WriteZero.into()),
                Poll::Ready(written) => self.sent += written,
                Poll::Pending => return Ok(()),
            }
        }
        self.held.clear();
        self.sent = 0;
        match Pin::new(&mut self.bytes).poll_flush(cx) {
            Poll::Ready(result) => result,
            Poll::Pending => Ok(()),
        }
    }
}

/// What an error means to a machine.
pub(super) fn end_of(error: &io::Error) -> StreamEnd {
    match error.kind() {
        ErrorKind::ConnectionRefused => StreamEnd::Refused,
        ErrorKind::TimedOut => StreamEnd::TimedOut,
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::WriteZero => StreamEnd::Reset,
        ErrorKind::InvalidData => StreamEnd::Insecure,
        _ => StreamEnd::Unavailable,
    }
}
