//! Clients that send and peers that count.

use std::{
    io::{self, IoSliceMut},
    net::{SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};

use crate::{control::Control, program::PEER};

/// Bytes of application data of a packet.
const PAYLOAD: usize = 1_200;
/// Packets of one client that are sent in one go.
const BURST: u64 = 16;
/// Packets of one client in flight.
const WINDOW: u64 = 64;
/// After so long without a packet, those in flight are lost.
const PATIENCE: Duration = Duration::from_millis(20);

/// How clients send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sends {
    /// Every packet by itself, as most clients do.
    OneByOne,
    /// Sixteen packets with one call (UDP generic segmentation offload), as fast ones do.
    Batches,
}

impl Sends {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OneByOne => "sent one by one",
            Self::Batches => "sent in batches",
        }
    }
}

/// Clients and peers of one server.
pub(crate) struct Generator {
    server: SocketAddr,
    pairs: Vec<Pair>,
    sends: Sends,
    burst: Vec<u8>,
    memory: Vec<u8>,
}

/// A client and its peer.
struct Pair {
    client: UdpSocket,
    client_state: UdpSocketState,
    peer: UdpSocket,
    peer_state: UdpSocketState,
    in_flight: u64,
    heard: Instant,
}

impl Generator {
    pub(crate) fn new(server: SocketAddr, clients: usize, sends: Sends) -> io::Result<Self> {
        let pairs = (0..clients).map(|_| Pair::new(server)).collect::<io::Result<_>>()?;
        let length = u16::try_from(PAYLOAD).unwrap_or(u16::MAX).to_be_bytes();
        let packet = [&[0x40, 0x00], &length[..], &[7; PAYLOAD]].concat();
        let times = usize::try_from(BURST).unwrap_or(1);
        let memory = vec![0; BATCH_SIZE * 65_536];
        Ok(Self { server, pairs, sends, burst: packet.repeat(times), memory })
    }

    /// Sends until `end`; returns how many packets arrived and how many did not.
    pub(crate) fn run(&mut self, end: Instant) -> io::Result<(u64, u64)> {
        let (mut arrived, mut lost) = (0, 0);
        while Instant::now() < end {
            for pair in &mut self.pairs {
                if pair.in_flight + BURST <= WINDOW {
                    pair.send(self.server, self.sends, &self.burst)?;
                }
                let count = pair.receive(&mut self.memory)?;
                arrived += count;
                pair.in_flight = pair.in_flight.saturating_sub(count);
                if count == 0 && pair.in_flight > 0 && pair.heard.elapsed() > PATIENCE {
                    lost += std::mem::take(&mut pair.in_flight);
                }
            }
        }
        Ok((arrived, lost))
    }
}

impl Pair {
    fn new(server: SocketAddr) -> io::Result<Self> {
        let peer = UdpSocket::bind(SocketAddr::new(PEER, 0))?;
        let mut control = Control::new(PEER, server)?;
        control.allocate()?;
        let code = control.bind(0x4000, peer.local_addr()?)?;
        if code != 0 {
            return Err(io::Error::other(format!("ChannelBind: {code}")));
        }
        let client = control.socket;
        let state = |socket: &UdpSocket| UdpSocketState::new(UdpSockRef::from(socket));
        let (client_state, peer_state) = (state(&client)?, state(&peer)?);
        let heard = Instant::now();
        Ok(Self { client, client_state, peer, peer_state, in_flight: 0, heard })
    }

    fn send(&mut self, server: SocketAddr, sends: Sends, burst: &[u8]) -> io::Result<()> {
        let packet = PAYLOAD + 4;
        let transmit = |contents, segment_size| Transmit {
            destination: server,
            ecn: None,
            contents,
            segment_size,
            src_ip: None,
        };
        let socket = UdpSockRef::from(&self.client);
        let sent = match sends {
            Sends::Batches => self.client_state.try_send(socket, &transmit(burst, Some(packet))),
            Sends::OneByOne => burst.chunks(packet).try_for_each(|one| {
                self.client_state.try_send(UdpSockRef::from(&self.client), &transmit(one, None))
            }),
        };
        match sent {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => {
                if self.in_flight == 0 {
                    self.heard = Instant::now();
                }
                self.in_flight += BURST;
                Ok(())
            }
        }
    }

    fn receive(&mut self, memory: &mut [u8]) -> io::Result<u64> {
        let mut buffers: [IoSliceMut<'_>; BATCH_SIZE] =
            std::array::from_fn(|_| IoSliceMut::new(&mut []));
        for (buffer, piece) in buffers.iter_mut().zip(memory.chunks_mut(65_536)) {
            *buffer = IoSliceMut::new(piece);
        }
        let mut meta = [RecvMeta::default(); BATCH_SIZE];
        let socket = UdpSockRef::from(&self.peer);
        let count = match self.peer_state.recv(socket, &mut buffers, &mut meta) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) => return Err(error),
        };
        self.heard = Instant::now();
        let packets = meta.iter().take(count).map(|it| it.len.div_ceil(it.stride.max(1)).max(1));
        Ok(packets.map(|count| u64::try_from(count).unwrap_or(0)).sum())
    }
}
