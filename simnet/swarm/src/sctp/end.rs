//! One end of a world: data channels, or an association with nothing on it.

use base::{Ecn, Instant, Rng};
use bytes::Bytes;
use datachannel::{ChannelConfig, ChannelId, Channels, Data, Role};
use sctp::{Association, Outgoing, SendOptions, StreamId};

use super::plan::{Flow, Plan, Reliability, Side, Style};

/// An end.
pub(crate) enum End {
    Channels(Box<Channels>),
    Bare(Box<Association>),
}

impl End {
    pub(crate) fn new(plan: &Plan, index: usize, side: &Side, rng: Rng, now: Instant) -> Self {
        let association = config(side);
        match plan.style {
            Style::Channels => {
                let role = if index == 0 { Role::Even } else { Role::Odd };
                let mut config = datachannel::Config::new(role);
                config.association = association;
                config.peer_max_message = 0;
                Self::Channels(Box::new(Channels::new(config, rng, now)))
            }
            Style::Bare => Self::Bare(Box::new(Association::new(association, rng, now))),
        }
    }

    pub(crate) const fn association(&self) -> &Association {
        match self {
            Self::Channels(channels) => channels.association(),
            Self::Bare(association) => association,
        }
    }

    pub(crate) fn connect(&mut self, now: Instant) {
        let _ = match self {
            Self::Channels(channels) => channels.connect(now),
            Self::Bare(association) => association.connect(now),
        };
    }

    pub(crate) fn init_chunk(&mut self) -> Vec<u8> {
        match self {
            Self::Channels(channels) => channels.init_chunk(),
            Self::Bare(association) => association.init_chunk(),
        }
    }

    pub(crate) fn connect_with(&mut self, now: Instant, init: &[u8]) -> bool {
        match self {
            Self::Channels(channels) => channels.connect_with(now, init).is_ok(),
            Self::Bare(association) => association.connect_with(now, init).is_ok(),
        }
    }

    pub(crate) fn handle_packet(&mut self, now: Instant, packet: &[u8], ecn: Ecn) {
        match self {
            Self::Channels(channels) => channels.handle_packet(now, packet, ecn),
            Self::Bare(association) => association.handle_packet(now, packet, ecn),
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        match self {
            Self::Channels(channels) => channels.handle_timeout(now),
            Self::Bare(association) => association.handle_timeout(now),
        }
    }

    pub(crate) fn poll_packet(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Outgoing> {
        match self {
            Self::Channels(channels) => channels.poll_packet(now, buffer),
            Self::Bare(association) => association.poll_packet(now, buffer),
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Channels(channels) => channels.poll_timeout(),
            Self::Bare(association) => association.poll_timeout(),
        }
    }

    pub(crate) fn set_max_packet(&mut self, now: Instant, bytes: usize) {
        match self {
            Self::Channels(channels) => channels.set_max_packet(now, bytes),
            Self::Bare(association) => association.set_max_packet(now, bytes),
        }
    }

    pub(crate) fn shutdown(&mut self, now: Instant) {
        match self {
            Self::Channels(channels) => channels.shutdown(now),
            Self::Bare(association) => association.shutdown(now),
        }
    }

    pub(crate) fn abort(&mut self, now: Instant) {
        match self {
            Self::Channels(channels) => channels.abort(now, b"enough"),
            Self::Bare(association) => association.abort(now, b"enough"),
        }
    }

    /// Opens the channel of a flow.
    pub(crate) fn open(&mut self, now: Instant, flow: &Flow, label: String) -> Option<u16> {
        let Self::Channels(channels) = self else { return Some(flow.stream) };
        let mut config = ChannelConfig::new(label)
            .reliability(match flow.reliability {
                Reliability::Retransmits(times) => {
                    datachannel::Reliability::Retransmits(times.into())
                }
                Reliability::Lifetime(millis) => datachannel::Reliability::Lifetime(millis),
                Reliability::Reliable | Reliability::Priority(_) => {
                    datachannel::Reliability::Reliable
                }
            })
            .priority(datachannel::Priority::new(flow.priority));
        config.ordered = flow.ordered;
        config.negotiated = if flow.negotiated { ChannelId::new(flow.stream) } else { None };
        channels.open(now, &config).ok().map(ChannelId::get)
    }

    /// Sends a message of a flow.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        id: u16,
        flow: &Flow,
        message: Bytes,
        text: bool,
    ) -> Sent {
        match self {
            Self::Channels(channels) => {
                let data = if text { Data::Text(message) } else { Data::Binary(message) };
                let Some(id) = ChannelId::new(id) else { return Sent::Over };
                match channels.send(now, id, data) {
                    Ok(()) => Sent::Taken,
                    Err(datachannel::SendError::Full) => Sent::Full,
                    Err(datachannel::SendError::NotOpen) => Sent::Later,
                    Err(_) => Sent::Over,
                }
            }
            Self::Bare(association) => {
                let stream = StreamId::new(id);
                association.set_priority(stream, flow.priority);
                let ppid = sctp::Ppid::new(u32::from(text));
                match association.send(now, stream, ppid, message, &options(flow)) {
                    Ok(()) => Sent::Taken,
                    Err(sctp::SendError::QueueFull) => Sent::Full,
                    Err(sctp::SendError::StreamResetting) => Sent::Later,
                    Err(_) => Sent::Over,
                }
            }
        }
    }

    /// Closes a channel, or begins a stream anew; false if that has to wait.
    pub(crate) fn finish(&mut self, now: Instant, id: u16) -> bool {
        match self {
            Self::Channels(channels) => {
                ChannelId::new(id).is_some_and(|id| channels.close(now, id).is_ok())
            }
            Self::Bare(association) => association.reset_streams(now, &[StreamId::new(id)]).is_ok(),
        }
    }
}

/// What came of sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Taken,
    /// When there is room.
    Full,
    /// When the channel is open.
    Later,
    /// Never.
    Over,
}

fn options(flow: &Flow) -> SendOptions {
    SendOptions {
        unordered: !flow.ordered,
        reliability: match flow.reliability {
            Reliability::Reliable => sctp::Reliability::Reliable,
            Reliability::Retransmits(times) => sctp::Reliability::Retransmits(times),
            Reliability::Lifetime(millis) => {
                sctp::Reliability::Lifetime(std::time::Duration::from_millis(millis.into()))
            }
            Reliability::Priority(priority) => sctp::Reliability::Priority(priority),
        },
        immediate: false,
    }
}

fn config(side: &Side) -> sctp::Config {
    let mut config = sctp::Config::default();
    config.features = side.features;
    config.algorithm = side.algorithm;
    config.scheduler = side.scheduler;
    config.max_receive_window = side.window;
    config.send_buffer = side.send_buffer;
    config.max_packet = side.max_packet;
    config.max_probe = side.max_probe;
    config.rto_max = side.rto_max;
    config.rto_initial = config.rto_initial.min(side.rto_max);
    config.initial_tsn = side.initial_tsn.map(sctp::Tsn::new);
    // No network here is so bad that it should end the association.
    config.max_init_retransmits = u32::MAX;
    config.max_retransmits = u32::MAX;
    config
}
