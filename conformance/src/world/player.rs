//! The machines under test, whatever their kind.

use std::collections::VecDeque;

use base::{
    Datagram, Instant, SocketCommand, SocketError, SocketInput, StreamCommand, StreamInput,
    Transmit,
};

use super::{
    ClientReport, DataChannelReport, DiscoveryReport, DtlsReport, IceReport, SctpReport, TurnReport,
};
use crate::subjects::datachannel::DataChannelEndpoint;
use crate::subjects::dtls::DtlsEndpoint;
use crate::subjects::ice::IceAgent;
use crate::subjects::sctp::SctpEndpoint;
use crate::subjects::stun::{Discovery, StunClient, StunServer};
use crate::subjects::turn::{TurnClient, TurnServer};

/// A machine of one of the kinds that live in a network, with what it has reported.
pub(crate) enum Player {
    Server(Box<dyn StunServer>),
    Client(Box<dyn StunClient>, VecDeque<ClientReport>),
    Discovery(Box<dyn Discovery>, VecDeque<DiscoveryReport>),
    TurnServer(Box<dyn TurnServer>),
    TurnClient(Box<dyn TurnClient>, VecDeque<TurnReport>),
    Ice(Box<dyn IceAgent>, VecDeque<IceReport>),
    Dtls(Box<dyn DtlsEndpoint>, VecDeque<DtlsReport>),
    Sctp(Box<dyn SctpEndpoint>, VecDeque<SctpReport>),
    DataChannel(Box<dyn DataChannelEndpoint>, VecDeque<DataChannelReport>),
}

macro_rules! each {
    ($player:expr, $machine:ident => $do:expr) => {
        match $player {
            Player::Server($machine) => $do,
            Player::Client($machine, _) => $do,
            Player::Discovery($machine, _) => $do,
            Player::TurnServer($machine) => $do,
            Player::TurnClient($machine, _) => $do,
            Player::Ice($machine, _) => $do,
            Player::Dtls($machine, _) => $do,
            Player::Sctp($machine, _) => $do,
            Player::DataChannel($machine, _) => $do,
        }
    };
}

impl Player {
    pub(super) fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        each!(self, machine => machine.handle_datagram(now, datagram));
    }

    pub(super) fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        each!(self, machine => machine.handle_socket_error(now, error));
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        each!(self, machine => machine.handle_timeout(now));
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        each!(self, machine => machine.poll_timeout())
    }

    pub(super) fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        each!(self, machine => machine.poll_transmit(now, buffer))
    }

    pub(super) fn handle_stream(&mut self, now: Instant, input: StreamInput<'_>) {
        each!(self, machine => machine.handle_stream(now, input));
    }

    pub(super) fn poll_stream(
        &mut self,
        now: Instant,
        buffer: &mut Vec<u8>,
    ) -> Option<StreamCommand> {
        each!(self, machine => machine.poll_stream(now, buffer))
    }

    pub(super) fn handle_socket(&mut self, now: Instant, input: SocketInput) {
        each!(self, machine => machine.handle_socket(now, input));
    }

    pub(super) fn poll_socket(&mut self) -> Option<SocketCommand> {
        each!(self, machine => machine.poll_socket())
    }

    /// Whether sending from an address binds a socket there. Machines that open their own sockets say
    /// so beforehand.
    pub(super) const fn binds_by_sending(&self) -> bool {
        matches!(self, Self::Server(_) | Self::Client(..) | Self::Discovery(..))
    }

    /// Keeps what the machine reports, with the time.
    pub(super) fn drain_events(&mut self, now: Instant) {
        match self {
            Self::Server(machine) => while machine.poll_event().is_some() {},
            Self::TurnServer(machine) => while machine.poll_event().is_some() {},
            Self::TurnClient(machine, reports) => {
                reports
                    .extend(std::iter::from_fn(|| machine.poll_event()).map(|event| (now, event)));
            }
            Self::Client(machine, reports) => {
                reports
                    .extend(std::iter::from_fn(|| machine.poll_event()).map(|event| (now, event)));
            }
            Self::Discovery(machine, reports) => {
                reports
                    .extend(std::iter::from_fn(|| machine.poll_event()).map(|event| (now, event)));
            }
            Self::Ice(machine, reports) => {
                reports
                    .extend(std::iter::from_fn(|| machine.poll_event()).map(|event| (now, event)));
            }
            Self::Dtls(machine, reports) => {
                reports
                    .extend(std::iter::from_fn(|| machine.poll_event()).map(|event| (now, event)));
            }
            Self::Sctp(machine, reports) => {
                reports
                    .extend(std::iter::from_fn(|| machine.poll_event()).map(|event| (now, event)));
            }
            Self::DataChannel(machine, reports) => {
                reports
                    .extend(std::iter::from_fn(|| machine.poll_event()).map(|event| (now, event)));
            }
        }
    }
}
