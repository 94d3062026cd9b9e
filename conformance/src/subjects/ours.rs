//! Our own implementation.

use base::{Instant, Rng};
use crypto::Provider;
use simnet::Middlebox;

use super::datachannel::{DataChannelConfig, DataChannelEndpoint};
use super::dtls::{DtlsConfig, DtlsEndpoint};
use super::ice::{IceAgent, IceCodec, IceConfig};
use super::nat::{NatConfig, simulated};
use super::sctp::{SctpConfig, SctpEndpoint};
use super::stun::{
    Discovery, DiscoveryConfig, StunClient, StunClientConfig, StunCodec, StunServer,
    StunServerConfig,
};
use super::turn::{TurnClient, TurnClientConfig, TurnServer, TurnServerConfig};
use crate::{Cap, Subject, SubjectKind, Support};

mod client;
mod codec;
mod datachannel;
mod discovery;
mod dtls;
mod dtls_listener;
mod ice;
mod sctp;
mod server;
mod turn_client;
mod turn_server;

/// The subject.
#[derive(Clone, Copy, Debug)]
pub struct Ours;

impl Subject for Ours {
    fn name(&self) -> &'static str {
        "ours"
    }

    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    fn about(&self) -> &'static str {
        "the crates under impl/ and the NAT of simnet/, in process"
    }

    fn kinds(&self) -> &'static [SubjectKind] {
        &[
            SubjectKind::StunServer,
            SubjectKind::StunClient,
            SubjectKind::StunCodec,
            SubjectKind::Discovery,
            SubjectKind::Nat,
            SubjectKind::IceAgent,
            SubjectKind::IceCodec,
            SubjectKind::TurnServer,
            SubjectKind::TurnClient,
            SubjectKind::Dtls,
            SubjectKind::DataChannel,
            SubjectKind::Sctp,
        ]
    }

    fn supports(&self, capability: Cap) -> Support {
        match capability {
            Cap::TurnGuests => Support::No,
            _ => Support::Yes,
        }
    }

    fn stun_server(&self, config: &StunServerConfig, rng: Rng) -> Option<Box<dyn StunServer>> {
        let config = server::config(self.provider(), config)?;
        Some(Box::new(server::Server::new(config, rng)))
    }

    fn stun_client(&self, config: &StunClientConfig, rng: Rng) -> Option<Box<dyn StunClient>> {
        Some(Box::new(client::Client::new(self.provider(), config, rng)?))
    }

    fn stun_codec(&self) -> Option<Box<dyn StunCodec>> {
        Some(Box::new(codec::Codec::new(self.provider())))
    }

    /// The simulator's, which is as much our own code as the rest.
    fn nat(&self, config: &NatConfig) -> Option<Box<dyn Middlebox>> {
        Some(simulated(config))
    }

    fn discovery(&self, config: &DiscoveryConfig, rng: Rng) -> Option<Box<dyn Discovery>> {
        let config = discovery::config(self.provider(), config)?;
        Some(Box::new(discovery::Client::new(config, rng, Instant::ZERO)))
    }

    fn ice_agent(&self, config: &IceConfig, rng: Rng) -> Option<Box<dyn IceAgent>> {
        Some(Box::new(ice::Agent::new(self.provider(), config, rng)))
    }

    fn ice_codec(&self) -> Option<Box<dyn IceCodec>> {
        Some(Box::new(ice::Codec))
    }

    fn dtls_endpoint(&self, config: &DtlsConfig, rng: Rng) -> Option<Box<dyn DtlsEndpoint>> {
        dtls::endpoint(self.provider(), config, rng)
    }

    fn data_channels(
        &self,
        config: &DataChannelConfig,
        rng: Rng,
    ) -> Option<Box<dyn DataChannelEndpoint>> {
        Some(datachannel::endpoint(self.provider(), config, rng))
    }

    fn sctp_endpoint(&self, config: &SctpConfig, rng: Rng) -> Option<Box<dyn SctpEndpoint>> {
        Some(sctp::endpoint(self.provider(), config, rng))
    }

    fn turn_server(&self, config: &TurnServerConfig, rng: Rng) -> Option<Box<dyn TurnServer>> {
        Some(Box::new(turn_server::Server::new(self.provider(), config, rng)?))
    }

    fn turn_client(&self, config: &TurnClientConfig, rng: Rng) -> Option<Box<dyn TurnClient>> {
        Some(Box::new(turn_client::Client::new(self.provider(), config, rng)?))
    }
}

impl Ours {
    /// The deterministic back end, so that a seed gives the same bytes again.
    fn provider(self) -> Provider {
        crypto::rust_crypto()
    }
}
