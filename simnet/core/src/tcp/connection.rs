//! One connection: a smoltcp socket, and what it leaves to others.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::Instant;
use bytes::Bytes;
use smoltcp::{
    iface::{Config, Interface, PollIngressSingleResult, PollResult, SocketHandle, SocketSet},
    socket::tcp::{Socket, SocketBuffer, State},
    time,
    wire::{HardwareAddress, IpCidr, IpListenEndpoint},
};

use super::{
    config::TcpConfig,
    state::{TcpClosed, TcpState, TcpStats},
    wire::Wire,
};
use crate::packet::{Body, Packet, Quote, Tcp, TcpFlags};

/// Path MTUs below this are not believed: RFC 8200 §5 for IPv6; for IPv4 what the slowest serial lines
/// had (RFC 1191 §7).
const MIN_MTU: [usize; 2] = [296, 1_280];
/// The largest IP packet.
const MAX_MTU: usize = 65_535;
/// If smoltcp wants to be looked at again at once after it was, it has to wait for so long.
const PATIENCE: Duration = Duration::from_millis(1);

/// A connection at work.
pub(super) struct Connection {
    interface: Interface,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    wire: Wire,
    config: TcpConfig,
    local: IpAddr,
    numbers: Numbers,
    pub(super) stats: TcpStats,
    /// Since when something has waited for an answer in vain.
    waiting_since: Option<Instant>,
    /// When a packet came last.
    heard: Instant,
    /// Whether a reset came.
    reset: bool,
    /// What ended it, if not the other side.
    ended: Option<TcpClosed>,
    /// What its user was told.
    told: Told,
    /// What could be read when it was taken out of the buffer.
    unread: Bytes,
    /// The entry among the deadlines of the host.
    pub(super) armed: Option<Instant>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("state", &self.state()).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Told {
    open: bool,
    readable: usize,
    finished: bool,
    closed: bool,
    /// Whether bytes did not fit, and the user waits for room.
    wants_room: bool,
}

/// Sequence numbers in flight, as the packets show them.
#[derive(Clone, Copy, Debug, Default)]
struct Numbers {
    started: bool,
    unacknowledged: u32,
    next: u32,
}

/// What changed for the user of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct News {
    pub(super) opened: bool,
    pub(super) readable: bool,
    pub(super) writable: bool,
    /// It is over for its user.
    pub(super) closed: Option<TcpClosed>,
    /// Nothing of it is left.
    pub(super) ended: Option<TcpClosed>,
}

impl Connection {
    fn new(now: Instant, local: SocketAddr, mtu: u32, seed: u64, config: TcpConfig) -> Self {
        let mtu = usize::try_from(mtu).unwrap_or(MAX_MTU).clamp(least_mtu(local.ip()), MAX_MTU);
        let mut wire = Wire::new(mtu);
        let interface = interface(now, local.ip(), seed, &mut wire);
        let buffer = |bytes| SocketBuffer::new(TcpConfig::buffer(bytes));
        let mut socket = Socket::new(buffer(config.receive_buffer), buffer(config.send_buffer));
        socket.set_congestion_control(config.congestion.control());
        socket.set_hop_limit(Some(config.hop_limit.max(1)));
        let mut sockets = SocketSet::new(Vec::new());
        let handle = sockets.add(socket);
        let mut connection = Self {
            interface,
            sockets,
            handle,
            wire,
            config,
            local: local.ip(),
            numbers: Numbers::default(),
            stats: TcpStats::default(),
            waiting_since: None,
            heard: now,
            reset: false,
            ended: None,
            told: Told::default(),
            unread: Bytes::new(),
            armed: None,
        };
        connection.configure(config);
        connection
    }

    /// A connection to `remote`; its SYN leaves when it is polled. `None` if smoltcp does not like the
    /// addresses.
    pub(super) fn connect(
        now: Instant,
        local: SocketAddr,
        remote: SocketAddr,
        mtu: u32,
        seed: u64,
        config: TcpConfig,
    ) -> Option<Self> {
        let mut connection = Self::new(now, local, mtu, seed, config);
        let socket = connection.sockets.get_mut::<Socket<'_>>(connection.handle);
        socket.connect(connection.interface.context(), remote, local).ok()?;
        Some(connection)
    }

    /// A connection that waits for its first packet.
    pub(super) fn listen(
        now: Instant,
        local: SocketAddr,
        mtu: u32,
        seed: u64,
        config: TcpConfig,
    ) -> Option<Self> {
        let mut connection = Self::new(now, local, mtu, seed, config);
        let endpoint = IpListenEndpoint { addr: Some(local.ip().into()), port: local.port() };
        connection.socket_mut().listen(endpoint).ok()?;
        Some(connection)
    }

    /// Changes what can be changed while it is at work: all but buffers and congestion control.
    pub(super) fn configure(&mut self, config: TcpConfig) {
        self.config = TcpConfig {
            congestion: self.config.congestion,
            send_buffer: self.config.send_buffer,
            receive_buffer: self.config.receive_buffer,
            ..config
        };
        let socket = self.socket_mut();
        socket.set_ack_delay(Some(config.ack_delay).filter(|delay| !delay.is_zero()).map(span));
        socket.set_keep_alive(config.keep_alive.map(span));
        socket.set_hop_limit(Some(config.hop_limit.max(1)));
    }

    fn socket(&self) -> &Socket<'static> {
        self.sockets.get::<Socket<'static>>(self.handle)
    }

    fn socket_mut(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut::<Socket<'static>>(self.handle)
    }

    /// Hears a packet; [`poll`](Connection::poll) acts on it.
    pub(super) fn receive(&mut self, now: Instant, packet: &Packet) {
        let Body::Tcp(tcp) = &packet.body else { return };
        self.stats.segments_received += 1;
        self.reset = tcp.flags.contains(TcpFlags::RST);
        self.heard = now;
        if self.socket().state() != State::SynSent && self.waiting_since.is_some() {
            self.waiting_since = Some(now);
        }
        let repeated = self.numbers.is_repeated(tcp);
        self.numbers.acknowledge(tcp);
        // When nothing but a FIN is in flight smoltcp takes the third of these for the loss of a
        // segment, finds none to send again, and forgets to send the FIN again either.
        if !(repeated && self.socket().send_queue() == 0) {
            self.wire.put(packet);
        }
    }

    /// Whether the quoted segment is in flight; a report about any other may be a guess, and is
    /// not believed.
    pub(super) const fn sent(&self, quote: &Quote) -> bool {
        self.numbers.holds(quote.sequence)
    }

    /// Hears an ICMP error about one of its packets; [`poll`](Connection::poll) acts on it. While the
    /// connection is being made an error ends it; later it may pass (RFC 1122 §4.2.3.9).
    pub(super) fn report(&mut self, error: base::SocketErrorKind) {
        if error != base::SocketErrorKind::TimeExceeded {
            self.fail(error);
        }
    }

    /// There is no way out; that ends a connection that is being made.
    pub(super) fn fail(&mut self, error: base::SocketErrorKind) {
        if matches!(self.socket().state(), State::SynSent | State::SynReceived) {
            self.end(match error {
                base::SocketErrorKind::PortUnreachable => TcpClosed::Refused,
                other => TcpClosed::Unreachable(other),
            });
        }
    }

    /// Sends no larger packets than `mtu` from now on. smoltcp asks the interface, so that gets replaced.
    pub(super) fn narrow(&mut self, now: Instant, mtu: u32) {
        let mtu = usize::try_from(mtu).unwrap_or(MAX_MTU).max(least_mtu(self.local));
        if mtu < self.wire.mtu {
            self.wire.mtu = mtu;
            self.interface = interface(now, self.local, 0, &mut self.wire);
        }
    }

    /// Gives the connection up at once, without a word.
    fn end(&mut self, why: TcpClosed) {
        self.ended.get_or_insert(why);
    }

    /// Gives it up: the other side is told, if it knows of the connection.
    pub(super) fn abort(&mut self) {
        if self.socket().state() == State::TimeWait {
            return self.end(TcpClosed::Finished);
        }
        self.end(TcpClosed::Aborted);
        // RFC 9293 §3.10.5: in these states nothing is left that a reset could tell.
        let quiet = [State::SynSent, State::Closing, State::LastAck];
        if !quiet.contains(&self.socket().state()) {
            self.socket_mut().abort();
        }
    }

    /// Says that nothing more will be sent.
    pub(super) fn shutdown(&mut self) {
        if self.socket().state() == State::SynSent {
            return self.end(TcpClosed::Aborted);
        }
        self.socket_mut().close();
    }

    /// Takes bytes to be sent; says how many.
    pub(super) fn send(&mut self, bytes: &[u8]) -> usize {
        let socket = self.socket_mut();
        if !socket.may_send() {
            return 0;
        }
        let taken = socket.send_slice(bytes).unwrap_or(0);
        self.told.wants_room |= taken < bytes.len();
        self.stats.bytes_written += taken as u64;
        taken
    }

    /// Hands over bytes that came; says how many.
    pub(super) fn read(&mut self, out: &mut [u8]) -> usize {
        let count = if self.unread.is_empty() {
            self.socket_mut().recv_slice(out).unwrap_or(0)
        } else {
            take(&mut self.unread, out)
        };
        self.stats.bytes_read += count as u64;
        self.told.readable = self.readable();
        count
    }

    fn readable(&self) -> usize {
        self.unread.len() + self.socket().recv_queue()
    }

    /// Whether the other side has sent everything, and all of it was read.
    pub(super) fn is_finished(&self) -> bool {
        self.readable() == 0 && self.no_more_to_come()
    }

    fn no_more_to_come(&self) -> bool {
        matches!(
            self.socket().state(),
            State::CloseWait | State::Closing | State::LastAck | State::TimeWait | State::Closed
        )
    }

    pub(super) fn state(&self) -> TcpState {
        match self.socket().state() {
            State::SynSent => TcpState::SynSent,
            State::SynReceived | State::Listen => TcpState::SynReceived,
            State::Established => TcpState::Established,
            State::FinWait1 => TcpState::FinWait1,
            State::FinWait2 => TcpState::FinWait2,
            State::CloseWait => TcpState::CloseWait,
            State::Closing => TcpState::Closing,
            State::LastAck => TcpState::LastAck,
            State::TimeWait => TcpState::TimeWait,
            State::Closed => TcpState::Closed(self.ended.unwrap_or(TcpClosed::Finished)),
        }
    }

    /// Bytes that were written and not acknowledged.
    pub(super) fn unacknowledged(&self) -> usize {
        self.socket().send_queue()
    }

    /// Whether `packet` begins a new connection where this one only waits for old packets to die:
    /// RFC 9293 §3.10.7.4.
    pub(super) fn gives_way_to(&self, packet: &Packet) -> bool {
        let Body::Tcp(tcp) = &packet.body else { return false };
        self.socket().state() == State::TimeWait
            && tcp.flags.contains(TcpFlags::SYN)
            && !tcp.flags.contains(TcpFlags::ACK)
    }

    /// Does what is due.
    pub(super) fn poll(&mut self, now: Instant) {
        if self.waiting_deadline().is_some_and(|at| at <= now) {
            self.end(TcpClosed::TimedOut);
            if self.socket().state() != State::SynSent {
                self.socket_mut().abort();
            }
        }
        if self.ended.is_some() && self.socket().state() != State::Closed {
            return; // It ends without a word.
        }
        let was = self.socket().state();
        let at = moment(now);
        let (interface, wire, sockets) = (&mut self.interface, &mut self.wire, &mut self.sockets);
        while interface.poll_ingress_single(at, wire, sockets) != PollIngressSingleResult::None {}
        loop {
            self.choose_nagle();
            let (wire, sockets) = (&mut self.wire, &mut self.sockets);
            if self.interface.poll_egress(at, wire, sockets) == PollResult::None {
                break;
            }
        }
        self.conclude(was);
        self.watch(now);
    }

    /// With Nagle's algorithm switched off smoltcp would fill a congestion window that grows byte by byte
    /// with segments of as many bytes. So it is off only for the last, short piece of what waits.
    fn choose_nagle(&mut self) {
        let (wanted, flight) = (self.config.nagle, self.numbers.flight());
        let segment = self.wire.mtu;
        let socket = self.socket_mut();
        let unsent = socket.send_queue().saturating_sub(flight);
        socket.set_nagle_enabled(wanted || unsent > segment);
    }

    /// Notes why the connection is over, if it is.
    fn conclude(&mut self, was: State) {
        let state = self.socket().state();
        let reset = std::mem::take(&mut self.reset);
        match (was, state) {
            (State::TimeWait, State::Closed) => self.end(TcpClosed::Finished),
            (State::SynSent, State::Closed) if reset => self.end(TcpClosed::Refused),
            (_, State::Closed | State::Listen) if reset => self.end(TcpClosed::Reset),
            (_, State::Closed) => self.end(TcpClosed::Finished),
            // smoltcp clears its buffer when TIME-WAIT is over.
            (_, State::TimeWait) => self.save_unread(),
            _ => {}
        }
    }

    fn save_unread(&mut self) {
        let waiting = self.socket().recv_queue();
        if waiting == 0 {
            return;
        }
        let mut bytes = vec![0; waiting];
        let count = self.socket_mut().recv_slice(&mut bytes).unwrap_or(0);
        bytes.truncate(count);
        let before = std::mem::take(&mut self.unread);
        self.unread =
            if before.is_empty() { bytes.into() } else { [&before[..], &bytes].concat().into() };
    }

    /// Keeps time of what waits for an answer.
    fn watch(&mut self, now: Instant) {
        let owed = self.socket().send_queue() > 0
            || matches!(
                self.socket().state(),
                State::SynSent
                    | State::SynReceived
                    | State::FinWait1
                    | State::Closing
                    | State::LastAck
            );
        self.waiting_since = if owed { self.waiting_since.or(Some(now)) } else { None };
    }

    fn waiting_deadline(&self) -> Option<Instant> {
        let state = self.socket().state();
        let limit = match state {
            State::SynSent | State::SynReceived => self.config.connect_timeout,
            _ => self.config.user_timeout,
        };
        let waiting = self.waiting_since.map(|since| since + limit);
        let quiet = self.config.keep_alive.filter(|_| state == State::Established).map(|pause| {
            self.heard + pause.saturating_mul(self.config.keep_alive_probes.saturating_add(1))
        });
        waiting.or(quiet)
    }

    /// When [`poll`](Connection::poll) should be called.
    pub(super) fn deadline(&mut self, now: Instant) -> Option<Instant> {
        let at = self.interface.poll_at(moment(now), &self.sockets).map(|at| {
            let nanos = u64::try_from(at.total_micros()).unwrap_or(0).saturating_mul(1_000);
            let at = Instant::from_nanos(nanos);
            if at <= now { now + PATIENCE } else { at }
        });
        [at, self.waiting_deadline()].into_iter().flatten().min()
    }

    /// The next packets to be sent.
    pub(super) fn outgoing(&mut self) -> Vec<Packet> {
        let packets: Vec<_> = self.wire.drain().collect();
        for packet in &packets {
            let Body::Tcp(tcp) = &packet.body else { continue };
            self.stats.segments_sent += 1;
            self.stats.bytes_sent += tcp.payload.len() as u64;
            if self.numbers.send(tcp) {
                self.stats.bytes_resent += tcp.payload.len() as u64;
            }
        }
        packets
    }

    /// What changed since it was last asked.
    pub(super) fn news(&mut self) -> News {
        let mut news = News { ended: self.ended, ..News::default() };
        let state = self.socket().state();
        let over = (state == State::TimeWait).then_some(TcpClosed::Finished).or(self.ended);
        if !self.told.closed && over.is_some() {
            self.told.closed = true;
            news.closed = over;
        }
        let made =
            !matches!(state, State::Closed | State::Listen | State::SynSent | State::SynReceived);
        if made && !self.told.open {
            self.told.open = true;
            news.opened = true;
        }
        if !self.told.open {
            return news;
        }
        let readable = self.readable();
        let finished = self.no_more_to_come();
        news.readable = readable > self.told.readable || (finished && !self.told.finished);
        self.told.readable = readable;
        self.told.finished = finished;
        let socket = self.socket();
        let room = socket.send_capacity() - socket.send_queue();
        if self.told.wants_room && socket.may_send() && room >= socket.send_capacity() / 4 {
            self.told.wants_room = false;
            news.writable = true;
        }
        news
    }

    /// Whether it ever was made.
    pub(super) const fn was_open(&self) -> bool {
        self.told.open
    }

    /// What can still be read when the connection is over. A connection that broke has lost it
    /// (RFC 9293 §3.10.7.4).
    pub(super) fn last_bytes(&mut self) -> Bytes {
        if self.ended != Some(TcpClosed::Finished) {
            return Bytes::new();
        }
        self.save_unread();
        std::mem::take(&mut self.unread)
    }
}

impl Numbers {
    /// Notes a segment that leaves; says whether its bytes have left before.
    fn send(&mut self, tcp: &Tcp) -> bool {
        let end = tcp.sequence.wrapping_add(tcp.sequence_length());
        if !self.started {
            *self = Self { started: true, unacknowledged: tcp.sequence, next: end };
            return false;
        }
        let probe = tcp.sequence.wrapping_add(1) == self.unacknowledged;
        if is_before(self.next, end) {
            self.next = end;
            return false;
        }
        !probe && !tcp.payload.is_empty()
    }

    fn acknowledge(&mut self, tcp: &Tcp) {
        let valid = tcp.flags.contains(TcpFlags::ACK)
            && self.started
            && is_before(self.unacknowledged, tcp.acknowledgment)
            && !is_before(self.next, tcp.acknowledgment);
        if valid {
            self.unacknowledged = tcp.acknowledgment;
        }
    }

    /// Whether the segment says nothing but what was acknowledged before, while something is in flight.
    const fn is_repeated(&self, tcp: &Tcp) -> bool {
        let bare = tcp.flags.bits() == TcpFlags::ACK.bits() && tcp.payload.is_empty();
        bare && self.started
            && tcp.acknowledgment == self.unacknowledged
            && self.next != self.unacknowledged
    }

    /// Whether the number is in flight.
    const fn holds(&self, number: u32) -> bool {
        let place = number.wrapping_sub(self.unacknowledged);
        self.started && place < self.next.wrapping_sub(self.unacknowledged)
    }

    fn flight(&self) -> usize {
        usize::try_from(self.next.wrapping_sub(self.unacknowledged)).unwrap_or(usize::MAX)
    }
}

/// Whether sequence number `a` comes before `b` (RFC 9293 §3.4).
const fn is_before(a: u32, b: u32) -> bool {
    let ahead = b.wrapping_sub(a);
    ahead != 0 && ahead < 1 << 31
}

/// Copies as much as fits, and takes it off the front.
pub(super) fn take(bytes: &mut Bytes, out: &mut [u8]) -> usize {
    let count = bytes.len().min(out.len());
    let head = bytes.split_to(count);
    for (to, from) in out.iter_mut().zip(&head) {
        *to = *from;
    }
    count
}

fn interface(now: Instant, local: IpAddr, seed: u64, wire: &mut Wire) -> Interface {
    let mut config = Config::new(HardwareAddress::Ip);
    config.random_seed = seed;
    let mut interface = Interface::new(config, wire, moment(now));
    interface.update_ip_addrs(|addresses| {
        let prefix = if local.is_ipv6() { 128 } else { 32 };
        // There is room for two.
        let _ = addresses.push(IpCidr::new(local.into(), prefix));
    });
    interface
}

const fn least_mtu(ip: IpAddr) -> usize {
    let [ipv4, ipv6] = MIN_MTU;
    if ip.is_ipv6() { ipv6 } else { ipv4 }
}

/// smoltcp counts microseconds; a deadline of its in the future lies in ours too.
fn moment(now: Instant) -> time::Instant {
    time::Instant::from_micros(i64::try_from(now.as_nanos() / 1_000).unwrap_or(i64::MAX))
}

fn span(duration: Duration) -> time::Duration {
    time::Duration::from_micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}
