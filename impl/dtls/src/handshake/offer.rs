//! What our ClientHello offers, kept to hold the answers against.

use crypto::{KeyExchange, NamedGroup};

use super::Context;
use crate::{
    CipherSuite, SrtpProfile, Version,
    wire::{
        ClientHello, ClientKeyShares, ClientVersions, ConnectionId, Cookie, EcPointFormats,
        ExtendedMasterSecret, ExtensionBlock, ExtensionType, NamedGroupId, ProtocolNames,
        ProtocolVersion, PskKeyExchangeModes, RecordSizeLimit, RenegotiationInfo,
        SignatureAlgorithms, SignatureScheme, SrtpProfileId, SuiteId, SupportedGroups, UseSrtp,
    },
};

/// What our ClientHello offers.
pub(crate) struct Offer {
    /// The random, the same in every ClientHello of the handshake (RFC 6347 §4.2.1, RFC 8446 §4.1.2).
    pub(crate) random: [u8; 32],
    /// The oldest version offered.
    pub(crate) min_version: Version,
    /// The newest version offered.
    pub(crate) max_version: Version,
    /// Suites in order.
    pub(crate) suites: Vec<CipherSuite>,
    /// Groups in order.
    pub(crate) groups: Vec<NamedGroup>,
    /// The key exchanges whose shares are in the ClientHello, in order.
    pub(crate) exchanges: Vec<KeyExchange>,
    /// How the server may sign.
    pub(crate) schemes: Vec<SignatureScheme>,
    /// Profiles of SRTP in order.
    pub(crate) srtp_profiles: Vec<SrtpProfile>,
    /// Application protocols in order.
    pub(crate) alpn: Vec<Vec<u8>>,
    /// The connection id that the server is to use.
    pub(crate) connection_id: Option<Vec<u8>>,
    /// The longest record that we take.
    pub(crate) record_size_limit: Option<u16>,
    /// Whether to show that session tickets are known.
    pub(crate) shows_ticket_modes: bool,
    /// The cookie of a HelloVerifyRequest of version 1.2; empty without one.
    pub(crate) cookie: Vec<u8>,
    /// What a HelloRetryRequest of version 1.3 asked for, once there was one.
    pub(crate) retry: Option<Retry>,
    /// The extensions of the last ClientHello sent.
    pub(crate) extensions: Vec<ExtensionType>,
}

/// What a HelloRetryRequest asked for.
pub(crate) struct Retry {
    /// The suite, which the ServerHello has to repeat (RFC 8446 §4.1.4).
    pub(crate) suite: CipherSuite,
    /// The group that a share was asked of, which the ServerHello has to use.
    pub(crate) group: Option<NamedGroup>,
    /// The cookie to send back.
    pub(crate) cookie: Option<Vec<u8>>,
}

impl Offer {
    /// Draws a random and key shares.
    pub(crate) fn new(cx: &mut Context<'_>) -> Self {
        let config = cx.config;
        let exchanges = if config.max_version == Version::Dtls13 {
            let wanted = config.key_shares.iter().filter(|group| config.groups.contains(group));
            wanted.map(|&group| config.provider.key_exchange(group, cx.rng)).collect()
        } else {
            Vec::new()
        };
        // The hybrid groups are for version 1.3 alone.
        let fits =
            |group| config.max_version == Version::Dtls13 || group != NamedGroup::X25519MlKem768;
        let spoken = |suite: &&CipherSuite| config.speaks(suite.version());
        Self {
            random: cx.rng.public_array(),
            min_version: config.min_version,
            max_version: config.max_version,
            suites: config.suites.iter().filter(spoken).copied().collect(),
            groups: config.groups.iter().filter(|group| fits(**group)).copied().collect(),
            exchanges,
            schemes: config.signature_schemes.clone(),
            srtp_profiles: config.srtp_profiles.clone(),
            alpn: config.alpn.clone(),
            connection_id: config.connection_id.map(|length| {
                let mut id = vec![0; length.min(crate::config::MAX_CONNECTION_ID)];
                cx.rng.fill_public(&mut id);
                id
            }),
            record_size_limit: config.record_size_limit,
            shows_ticket_modes: config.shows_ticket_modes,
            cookie: Vec::new(),
            retry: None,
            extensions: Vec::new(),
        }
    }

    /// Whether `version` was offered.
    pub(crate) fn speaks(&self, version: Version) -> bool {
        (self.min_version..=self.max_version).contains(&version)
    }

    /// Whether an extension of this type was in the last ClientHello.
    pub(crate) fn sent(&self, kind: ExtensionType) -> bool {
        self.extensions.contains(&kind)
    }

    /// Takes the key exchange of `group`, if its share was sent.
    pub(crate) fn take_exchange(&mut self, group: NamedGroup) -> Option<KeyExchange> {
        let index = self.exchanges.iter().position(|exchange| exchange.group() == group)?;
        Some(self.exchanges.swap_remove(index))
    }

    /// Sends the ClientHello, and notes which extensions it has.
    pub(crate) fn send(&mut self, cx: &mut Context<'_>) {
        let mut block = ExtensionBlock::new();
        self.put_versions(&mut block);
        self.put_groups(&mut block);
        self.put_applications(&mut block);
        // Last, since it is long: what a server needs to answer without keeping state comes before.
        self.put_key_shares(&mut block);
        cx.records.look_old(self.retry.is_none());
        self.extensions = block.as_extensions().iter().map(|(kind, _)| kind).collect();
        let suites: Vec<SuiteId> = self.suites.iter().copied().map(SuiteId::from).collect();
        cx.send(
            0,
            &ClientHello {
                legacy_version: ProtocolVersion::DTLS_1_2,
                random: self.random,
                session_id: &[],
                cookie: &self.cookie,
                suites: suites.as_slice().into(),
                compression: &[0],
                extensions: block.as_extensions(),
            },
        );
    }

    fn put_versions(&self, block: &mut ExtensionBlock) {
        if self.speaks(Version::Dtls13) {
            let offered = [Version::Dtls13, Version::Dtls12].into_iter();
            let versions: Vec<ProtocolVersion> =
                offered.filter(|version| self.speaks(*version)).map(Into::into).collect();
            block.put(&ClientVersions { versions: versions.as_slice().into() });
            if self.shows_ticket_modes {
                block.put(&PskKeyExchangeModes::WITH_KEY_EXCHANGE);
            }
        }
        if let Some(cookie) = self.retry.as_ref().and_then(|retry| retry.cookie.as_ref()) {
            block.put(&Cookie { cookie });
        }
        if self.speaks(Version::Dtls12) {
            block.put(&ExtendedMasterSecret);
            block.put(&RenegotiationInfo::INITIAL);
        }
    }

    fn put_groups(&self, block: &mut ExtensionBlock) {
        let groups: Vec<NamedGroupId> = self.groups.iter().copied().map(Into::into).collect();
        block.put(&SupportedGroups { groups: groups.as_slice().into() });
        if self.speaks(Version::Dtls12) {
            block.put(&EcPointFormats::UNCOMPRESSED);
        }
        block.put(&SignatureAlgorithms { schemes: self.schemes.as_slice().into() });
    }

    fn put_applications(&self, block: &mut ExtensionBlock) {
        if !self.srtp_profiles.is_empty() {
            let profiles: Vec<SrtpProfileId> =
                self.srtp_profiles.iter().copied().map(Into::into).collect();
            block.put(&UseSrtp { profiles: profiles.as_slice().into(), mki: &[] });
        }
        let mut names = Vec::new();
        self.alpn.iter().for_each(|name| ProtocolNames::append(&mut names, name));
        if let Ok(names) = ProtocolNames::from_list(&names) {
            block.put(&names);
        }
        if let Some(id) = &self.connection_id {
            block.put(&ConnectionId { id });
        }
        if let Some(limit) = self.record_size_limit {
            block.put(&RecordSizeLimit { limit });
        }
    }

    fn put_key_shares(&self, block: &mut ExtensionBlock) {
        if !self.speaks(Version::Dtls13) {
            return;
        }
        let mut list = Vec::new();
        for exchange in &self.exchanges {
            ClientKeyShares::append(&mut list, exchange.group().into(), exchange.share());
        }
        if let Ok(shares) = ClientKeyShares::from_list(&list) {
            block.put(&shares);
        }
    }
}
