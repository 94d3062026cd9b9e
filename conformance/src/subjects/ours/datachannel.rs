//! Our data channels as a machine of the suite.

use std::{net::SocketAddr, time::Duration};

use ::datachannel::{
    ChannelConfig, ChannelId, Channels, Config, Data, Event, Priority, Reliability, Role,
};
use base::{Datagram, Instant, Machine, Rng, Transmit};
use bytes::Bytes;
use crypto::Provider;

use crate::subjects::{
    datachannel::{
        ChannelData, ChannelSpec, DataChannelConfig, DataChannelEndpoint, DataChannelEvent,
    },
    sctp::SctpReliability,
    stun::Refusal,
};

pub(super) fn endpoint(
    provider: Provider,
    config: &DataChannelConfig,
    rng: Rng,
) -> Box<dyn DataChannelEndpoint> {
    let role = if config.client { Role::Even } else { Role::Odd };
    let mut settings = Config::new(role);
    settings.association.provider = provider;
    settings.association.features.interleaving = config.interleaving;
    settings.association.features.zero_checksum = false;
    settings.association.max_probe = settings.association.max_packet;
    (settings.association.outgoing_streams, settings.association.incoming_streams) = config.streams;
    settings.association.max_message =
        config.max_message.unwrap_or(settings.association.max_message);
    settings.max_channels = config.max_channels.unwrap_or(settings.max_channels);
    settings.peer_max_message = config.peer_max_message.unwrap_or(settings.peer_max_message);
    Box::new(Endpoint {
        channels: Channels::new(settings, rng, Instant::ZERO),
        local: config.local,
        remote: config.remote,
    })
}

struct Endpoint {
    channels: Channels,
    local: SocketAddr,
    remote: SocketAddr,
}

fn channel(id: u16) -> Result<ChannelId, Refusal> {
    ChannelId::new(id).ok_or_else(|| Refusal::because("no channel has this number"))
}

fn settings(spec: &ChannelSpec) -> Result<ChannelConfig, Refusal> {
    let reliability = match spec.reliability {
        SctpReliability::Reliable => Reliability::Reliable,
        SctpReliability::Retransmits(count) => Reliability::Retransmits(u32::from(count)),
        SctpReliability::Lifetime(time) => {
            Reliability::Lifetime(u32::try_from(time.as_millis()).unwrap_or(u32::MAX))
        }
        SctpReliability::Priority(_) => return Err(Refusal::Unsupported),
    };
    let mut config = ChannelConfig::new(spec.label.clone());
    config.protocol.clone_from(&spec.protocol);
    config.ordered = spec.ordered;
    config.reliability = reliability;
    config.priority = Priority::new(spec.priority);
    config.negotiated = spec.negotiated.map(channel).transpose()?;
    Ok(config)
}

fn spec(config: &ChannelConfig) -> ChannelSpec {
    let reliability = match config.reliability {
        Reliability::Reliable => SctpReliability::Reliable,
        Reliability::Retransmits(count) => {
            SctpReliability::Retransmits(u16::try_from(count).unwrap_or(u16::MAX))
        }
        Reliability::Lifetime(time) => {
            SctpReliability::Lifetime(Duration::from_millis(u64::from(time)))
        }
    };
    ChannelSpec {
        label: config.label.clone(),
        protocol: config.protocol.clone(),
        ordered: config.ordered,
        reliability,
        priority: config.priority.get(),
        negotiated: config.negotiated.map(ChannelId::get),
    }
}

impl DataChannelEndpoint for Endpoint {
    fn connect(&mut self, now: Instant) {
        // What stands already need not be begun.
        let _ = self.channels.connect(now);
    }

    fn open(&mut self, now: Instant, spec: &ChannelSpec) -> Result<u16, Refusal> {
        let config = settings(spec)?;
        self.channels.open(now, &config).map(ChannelId::get).map_err(Refusal::because)
    }

    fn send(&mut self, now: Instant, id: u16, data: ChannelData) -> Result<(), Refusal> {
        let data = match data {
            ChannelData::Text(text) => Data::Text(Bytes::from(text)),
            ChannelData::Binary(bytes) => Data::Binary(Bytes::from(bytes)),
        };
        self.channels.send(now, channel(id)?, data).map_err(Refusal::because)
    }

    fn close(&mut self, now: Instant, id: u16) -> Result<(), Refusal> {
        self.channels.close(now, channel(id)?).map_err(Refusal::because)
    }

    fn buffered(&self, id: u16) -> usize {
        ChannelId::new(id).map_or(0, |id| self.channels.buffered_amount(id))
    }

    fn set_buffered_low(&mut self, _now: Instant, id: u16, bytes: usize) -> Result<(), Refusal> {
        self.channels.set_buffered_low(channel(id)?, bytes).map_err(Refusal::because)
    }

    fn count(&self) -> usize {
        self.channels.iter().count()
    }

    fn abort(&mut self, now: Instant) {
        self.channels.abort(now, b"");
    }
}

impl Machine for Endpoint {
    type Event = DataChannelEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        if datagram.source == self.remote {
            self.channels.handle_packet(now, datagram.payload, datagram.ecn);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.channels.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let outgoing = self.channels.poll_packet(now, buffer)?;
        let mut transmit = Transmit::new(self.remote, outgoing.size).from(self.local);
        transmit.ecn = outgoing.ecn;
        Some(transmit)
    }

    fn poll_event(&mut self) -> Option<DataChannelEvent> {
        Some(match self.channels.poll_event()? {
            Event::Connected => DataChannelEvent::Connected,
            Event::Opened { id, config } => {
                DataChannelEvent::Opened { id: id.get(), spec: spec(&config) }
            }
            Event::Open(id) => DataChannelEvent::Open(id.get()),
            Event::Message { id, data } => DataChannelEvent::Message {
                id: id.get(),
                data: match data {
                    Data::Text(bytes) => {
                        ChannelData::Text(String::from_utf8_lossy(&bytes).into_owned())
                    }
                    Data::Binary(bytes) => ChannelData::Binary(bytes.to_vec()),
                },
            },
            Event::BufferedLow(id) => DataChannelEvent::BufferedLow(id.get()),
            Event::Closing(id) => DataChannelEvent::Closing(id.get()),
            Event::Closed { id, reason } => DataChannelEvent::Closed(id.get(), reason.to_string()),
            Event::Ended(reason) => DataChannelEvent::Ended(reason.to_string()),
            other => DataChannelEvent::Other(format!("{other:?}")),
        })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.channels.poll_timeout()
    }
}
