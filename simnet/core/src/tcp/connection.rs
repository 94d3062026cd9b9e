//! One connection: a smoltcp socket, and what it leaves to others.

mod news;
mod timing;

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::Instant;
use bytes::Bytes;
use smoltcp::{
    iface::{Config, Interface, PollIngressSingleResult, PollResult, SocketHandle, SocketSet},
    socket::tcp::{CongestionControl, Socket, SocketBuffer, State},
    time,
    wire::{HardwareAddress, IpCidr, IpListenEndpoint},
};

pub(super) use self::news::News;
use self::news::Told;
use super::{
    config::TcpConfig,
    numbers::Numbers,
    sender::Sender,
    state::{TcpClosed, TcpState, TcpStats},
    wire::Wire,
};
use crate::packet::{Body, IPV4_HEADER, IPV6_HEADER, Packet, Quote, TCP_HEADER, Tcp, TcpFlags};

/// Path MTUs below this are not believed: RFC 8200 §5 for IPv6; for IPv4 what the slowest serial lines
/// had (RFC 1191 §7).
const MIN_MTU: [usize; 2] = [296, 1_280];
/// The largest IP packet.
const MAX_MTU: usize = 65_535;

/// The local and the remote address of a connection.
type Ends = (SocketAddr, SocketAddr);

/// A connection at work.
pub(super) struct Connection {
    interface: Interface,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    wire: Wire,
    config: TcpConfig,
    local: SocketAddr,
    remote: SocketAddr,
    numbers: Numbers,
    sender: Sender,
    /// Where it was before the packet that was just received.
    was: Option<State>,
    /// When something was acknowledged or sent into silence last: the retransmission timer is younger.
    progress: Instant,
    /// Copies of lost segments, to be sent again.
    again: Vec<Packet>,
    /// Whether bytes came after the last packet that left.
    owes_acknowledgment: bool,
    stats: TcpStats,
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

impl Connection {
    fn new(now: Instant, (local, remote): Ends, mtu: u32, seed: u64, config: TcpConfig) -> Self {
        let mtu = usize::try_from(mtu).unwrap_or(MAX_MTU).clamp(least_mtu(local.ip()), MAX_MTU);
        let mut wire = Wire::new(mtu);
        let interface = interface(now, local.ip(), seed, &mut wire);
        let buffer = |bytes| SocketBuffer::new(TcpConfig::buffer(bytes));
        let mut socket = Socket::new(buffer(config.receive_buffer), buffer(config.send_buffer));
        socket.set_congestion_control(CongestionControl::None);
        socket.set_hop_limit(Some(config.hop_limit.max(1)));
        let mut sockets = SocketSet::new(Vec::new());
        let handle = sockets.add(socket);
        let mut connection = Self {
            interface,
            sockets,
            handle,
            wire,
            config,
            local,
            remote,
            numbers: Numbers::default(),
            sender: Sender::new(config.congestion, segment(mtu, local.ip())),
            was: None,
            progress: now,
            again: Vec::new(),
            owes_acknowledgment: false,
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
        (local, remote): Ends,
        mtu: u32,
        seed: u64,
        config: TcpConfig,
    ) -> Option<Self> {
        let mut connection = Self::new(now, (local, remote), mtu, seed, config);
        let socket = connection.sockets.get_mut::<Socket<'_>>(connection.handle);
        socket.connect(connection.interface.context(), remote, local).ok()?;
        Some(connection)
    }

    /// A connection that waits for its first packet.
    pub(super) fn listen(
        now: Instant,
        (local, remote): Ends,
        mtu: u32,
        seed: u64,
        config: TcpConfig,
    ) -> Option<Self> {
        let mut connection = Self::new(now, (local, remote), mtu, seed, config);
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
        self.was = Some(self.socket().state());
        self.owes_acknowledgment |= !tcp.payload.is_empty();
        let repeated = self.numbers.is_repeated(tcp);
        self.sender.hear(now, tcp, &self.numbers);
        if self.numbers.newly(tcp).is_some() {
            self.progress = now;
        }
        self.numbers.acknowledge(tcp);
        while let Some(packet) = self.sender.resend(now, &self.numbers) {
            self.send_again(packet);
        }
        let window = self.sender.show(&self.numbers, tcp.flags.contains(TcpFlags::SYN));
        // smoltcp would count acknowledgments that repeat themselves. Those that show it a new window it
        // does not; the others have nothing for it, least of all when only a FIN is in flight: that would
        // make it forget its timer.
        let idle = self.socket().send_queue() == 0 || self.sender.shown == Some(window);
        if !(repeated && idle) {
            self.sender.shown = Some(window);
            self.wire.put(packet, window);
            self.take_in(now);
        }
    }

    /// Lets smoltcp read what is on the wire.
    fn take_in(&mut self, now: Instant) {
        let (at, wire, sockets) = (moment(now), &mut self.wire, &mut self.sockets);
        while self.interface.poll_ingress_single(at, wire, sockets) != PollIngressSingleResult::None
        {
        }
    }

    /// Sends a copy of a segment, with what is acknowledged by now.
    fn send_again(&mut self, mut packet: Packet) {
        if let Body::Tcp(tcp) = &mut packet.body {
            tcp.acknowledgment = self.numbers.expected;
            tcp.window = self.numbers.offered;
            self.stats.bytes_sent += tcp.payload.len() as u64;
            self.stats.bytes_resent += tcp.payload.len() as u64;
            self.stats.segments_sent += 1;
        }
        self.again.push(packet);
    }

    /// Puts on the wire what the other side would say if it acknowledged what it has before.
    fn put_acknowledgment(&mut self, window: u16) {
        let segment = Tcp::new(TcpFlags::ACK)
            .sequence(self.numbers.expected)
            .acknowledging(self.numbers.unacknowledged());
        self.sender.shown = Some(window);
        self.wire.put(&Packet::tcp(self.remote, self.local, segment), window);
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
        let mtu = usize::try_from(mtu).unwrap_or(MAX_MTU).max(least_mtu(self.local.ip()));
        if mtu < self.wire.mtu {
            self.wire.mtu = mtu;
            self.sender.set_segment(segment(mtu, self.local.ip()));
            self.interface = interface(now, self.local.ip(), 0, &mut self.wire);
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
        let was = self.was.take().unwrap_or_else(|| self.socket().state());
        let at = moment(now);
        self.expect_timeout(now);
        self.take_in(now);
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
        let wanted = self.config.nagle;
        let flight = usize::try_from(self.numbers.flight()).unwrap_or(usize::MAX);
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

    /// The next packets to be sent.
    pub(super) fn outgoing(&mut self, now: Instant) -> Vec<Packet> {
        let mut packets = std::mem::take(&mut self.again);
        let resent = packets.len();
        packets.extend(self.wire.drain());
        for packet in packets.iter().skip(resent) {
            let Body::Tcp(tcp) = &packet.body else { continue };
            self.stats.segments_sent += 1;
            self.stats.bytes_sent += tcp.payload.len() as u64;
            self.owes_acknowledgment = false;
            if self.numbers.flight() == 0 {
                self.progress = now;
            }
            let again = self.numbers.send(tcp);
            let bytes = tcp.payload.len() as u64;
            self.sender.sent(now, packet, &self.numbers);
            if again {
                self.stats.bytes_resent += bytes;
            }
        }
        packets
    }
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

/// Bytes of a full segment in packets of `mtu` bytes.
fn segment(mtu: usize, ip: IpAddr) -> u64 {
    let header = if ip.is_ipv6() { IPV6_HEADER } else { IPV4_HEADER };
    mtu.saturating_sub(header + TCP_HEADER) as u64
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
