//! Their reader and writer of candidates.

use ::rtc_ice::candidate::{Candidate, unmarshal_candidate};

use crate::subjects::{
    ice::{CandidateFields, IceCodec},
    stun::Refusal,
};

pub(super) struct Codec;

/// Their reader takes the text behind `candidate:`.
pub(super) fn read(text: &str) -> Result<Candidate, Refusal> {
    let text = text.strip_prefix("candidate:").unwrap_or(text);
    unmarshal_candidate(text).map_err(Refusal::because)
}

impl IceCodec for Codec {
    fn read(&self, text: &str) -> Result<CandidateFields, Refusal> {
        let candidate = read(text)?;
        let tcp_type = candidate.tcp_type().to_string();
        Ok(CandidateFields {
            foundation: candidate.foundation(),
            component: candidate.component(),
            transport: candidate.network_type().network_short(),
            priority: candidate.priority(),
            address: candidate.address().to_owned(),
            port: candidate.port(),
            kind: candidate.candidate_type().to_string(),
            related: candidate.related_address().map(|related| (related.address, related.port)),
            tcp_type: ["active", "passive", "so"].contains(&tcp_type.as_str()).then_some(tcp_type),
        })
    }

    fn rewrite(&self, text: &str) -> Result<String, Refusal> {
        Ok(format!("candidate:{}", read(text)?.marshal()))
    }
}
