//! Their reader and writer of candidates.

use ::is::{Candidate, CandidateKind};

use crate::subjects::{
    ice::{CandidateFields, IceCodec},
    stun::Refusal,
};

pub(super) struct Codec;

impl IceCodec for Codec {
    fn read(&self, text: &str) -> Result<CandidateFields, Refusal> {
        let candidate = Candidate::from_sdp_string(text).map_err(Refusal::because)?;
        // Foundation and related address have no accessors of their own: they stand in the text.
        let written = candidate.to_sdp_string();
        let words: Vec<&str> = written.split(' ').collect();
        let after = |word: &str| {
            let at = words.iter().position(|found| *found == word)?;
            words.get(at + 1).copied()
        };
        let related = after("raddr").zip(after("rport").and_then(|port| port.parse().ok()));
        let foundation = words.first().and_then(|word| word.strip_prefix("candidate:"));
        let kind = match candidate.kind() {
            CandidateKind::Host => "host",
            CandidateKind::PeerReflexive => "prflx",
            CandidateKind::ServerReflexive => "srflx",
            CandidateKind::Relayed => "relay",
        };
        Ok(CandidateFields {
            foundation: foundation.unwrap_or_default().to_owned(),
            component: words.get(1).and_then(|word| word.parse().ok()).unwrap_or_default(),
            transport: candidate.proto().to_string(),
            priority: candidate.prio(),
            address: candidate.addr().ip().to_string(),
            port: candidate.addr().port(),
            kind: kind.to_owned(),
            related: related.map(|(ip, port)| (ip.to_owned(), port)),
            tcp_type: candidate.tcptype().map(|kind| kind.to_string()),
        })
    }

    fn rewrite(&self, text: &str) -> Result<String, Refusal> {
        let candidate = Candidate::from_sdp_string(text).map_err(Refusal::because)?;
        Ok(candidate.to_sdp_string())
    }
}
