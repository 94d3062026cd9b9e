//! The hellos as the profile has them.

use super::Peer;
use crate::dtls::{
    ClientHello, Extensions, ServerHello, Version,
    code::{ext, group, suite},
    cursor::vec8,
    extension,
};

/// Bytes of the client's share for X25519MLKEM768.
const HYBRID_SHARE: usize = 1_184 + 32;

impl Peer {
    /// The ClientHello of this profile; keys are made for `shares`.
    pub(super) fn offer(&mut self, shares: &[u16], cookie: Vec<u8>) -> ClientHello {
        let with13 = self.profile.versions.contains(&Version::Dtls13);
        let with12 = self.profile.versions.contains(&Version::Dtls12);
        let mut extensions = Extensions::default();
        if with13 {
            let versions: Vec<u16> = self.profile.versions.iter().map(|v| v.code()).collect();
            extensions.add(ext::SUPPORTED_VERSIONS, extension::list8(&versions));
            let shares = self.shares(shares);
            extensions.add(ext::KEY_SHARE, extension::key_shares(&shares));
        }
        if with12 {
            extensions.add(ext::EC_POINT_FORMATS, vec![1, 0]);
            extensions.add(ext::RENEGOTIATION_INFO, vec![0]);
            if self.profile.extended_master_secret {
                extensions.add(ext::EXTENDED_MASTER_SECRET, Vec::new());
            }
        }
        let profile = &self.profile;
        extensions.add(ext::SUPPORTED_GROUPS, extension::list16(&profile.groups));
        extensions.add(ext::SIGNATURE_ALGORITHMS, extension::list16(&profile.schemes));
        if !profile.srtp.is_empty() {
            extensions.add(ext::USE_SRTP, extension::use_srtp(&profile.srtp, &profile.mki));
        }
        if !profile.alpn.is_empty() {
            extensions.add(ext::ALPN, extension::alpn(&profile.alpn));
        }
        if let Some(cid) = &profile.connection_id {
            extensions.add(ext::CONNECTION_ID, vec8(cid));
        }
        if let Some(limit) = profile.record_size_limit {
            extensions.add(ext::RECORD_SIZE_LIMIT, limit.to_be_bytes().to_vec());
        }
        let mut suites = Vec::new();
        suites.extend(with13.then_some(suite::AES_128_GCM_SHA256));
        suites.extend(with12.then_some(suite::ECDHE_ECDSA_AES_128_GCM_SHA256));
        let (random, session_id, compression) = (self.client_random, Vec::new(), vec![0]);
        ClientHello { version: 0xfefd, random, session_id, cookie, suites, compression, extensions }
    }

    /// Keys for these groups. For a group that the suite does not compute in, they are bytes of its
    /// length.
    fn shares(&mut self, groups: &[u16]) -> Vec<(u16, Vec<u8>)> {
        let mut shares = Vec::new();
        for &named in groups {
            if named == group::X25519_MLKEM768 {
                shares.push((named, vec![0; HYBRID_SHARE]));
            } else if let Some(exchange) = self.exchange(named) {
                shares.push((named, exchange.share.clone()));
                self.exchanges.push(exchange);
            }
        }
        shares
    }

    /// The ServerHello that chooses `version`, without its extensions.
    pub(super) fn choice(&mut self, version: Version, random: [u8; 32]) -> ServerHello {
        let suite = match version {
            Version::Dtls12 => suite::ECDHE_ECDSA_AES_128_GCM_SHA256,
            Version::Dtls13 => suite::AES_128_GCM_SHA256,
        };
        self.negotiated.suite = Some(suite);
        let extensions = match version {
            Version::Dtls12 => Extensions::default(),
            Version::Dtls13 => {
                let mut extensions = Extensions::default();
                extensions.add(ext::SUPPORTED_VERSIONS, version.code().to_be_bytes().to_vec());
                extensions
            }
        };
        let session_id = match version {
            Version::Dtls12 => Vec::new(),
            // RFC 9147 §5.3: DTLS 1.3 echoes no session id.
            Version::Dtls13 => Vec::new(),
        };
        ServerHello { version: 0xfefd, random, session_id, suite, compression: 0, extensions }
    }

    /// The server's answers to use_srtp, ALPN and record_size_limit.
    pub(super) fn answer_common(&mut self, hello: &ClientHello, answers: &mut Extensions) {
        let offered = hello.extensions.get(ext::USE_SRTP).and_then(extension::read_use_srtp);
        if let Some((profiles, mki)) = offered {
            let chosen = self.profile.srtp.iter().find(|profile| profiles.contains(profile));
            if let Some(&chosen) = chosen {
                self.negotiated.srtp = Some(chosen);
                self.negotiated.mki = mki;
                answers.add(ext::USE_SRTP, extension::use_srtp(&[chosen], &self.profile.mki));
            }
        }
        let offered = hello.extensions.get(ext::ALPN).and_then(extension::read_alpn);
        if let Some(names) = offered {
            let chosen = self.profile.alpn.iter().find(|name| names.contains(name)).cloned();
            if let Some(chosen) = chosen {
                answers.add(ext::ALPN, extension::alpn(std::slice::from_ref(&chosen)));
                self.negotiated.alpn = Some(chosen);
            }
        }
        self.note_limit(&hello.extensions);
        if let (Some(limit), true) =
            (self.profile.record_size_limit, hello.extensions.has(ext::RECORD_SIZE_LIMIT))
        {
            answers.add(ext::RECORD_SIZE_LIMIT, limit.to_be_bytes().to_vec());
        }
    }

    /// Takes over what the other side's extensions say about use_srtp, ALPN and record_size_limit.
    pub(super) fn note_common(&mut self, extensions: &Extensions) {
        if let Some(data) = extensions.get(ext::USE_SRTP) {
            match extension::read_use_srtp(data) {
                Some((profiles, mki)) if profiles.len() == 1 => {
                    self.negotiated.srtp = profiles.first().copied();
                    self.negotiated.mki = mki;
                }
                _ => self.fault("the answer to use_srtp does not have one profile"),
            }
        }
        if let Some(data) = extensions.get(ext::ALPN) {
            match extension::read_alpn(data).as_deref() {
                Some([name]) => self.negotiated.alpn = Some(name.clone()),
                _ => self.fault("the answer to ALPN does not have one protocol"),
            }
        }
        self.note_limit(extensions);
    }

    fn note_limit(&mut self, extensions: &Extensions) {
        if let Some(data) = extensions.get(ext::RECORD_SIZE_LIMIT) {
            self.negotiated.record_size_limit = extension::read_u16(data);
        }
    }

    /// Takes over connection ids if both sides have the extension (RFC 9146 §3).
    pub(super) fn note_connection_id(&mut self, extensions: &Extensions) {
        let theirs = extensions.get(ext::CONNECTION_ID).and_then(|data| data.split_first());
        if let (Some(ours), Some((_, theirs))) = (&self.profile.connection_id, theirs) {
            self.records.read_cid = Some(ours.clone());
            self.records.write_cid = Some(theirs.to_vec());
        }
    }
}
