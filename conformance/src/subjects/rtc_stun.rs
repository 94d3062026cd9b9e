//! The stack `rtc-stun`: another independent reading, of RFC 5389.
//!
//! Its codec takes part. Its client asks the machine for the time and cannot live in a simulated network.

use super::stun::StunCodec;
use crate::{Cap, Subject, SubjectKind, Support};

mod codec;

/// The subject.
#[derive(Clone, Copy, Debug)]
pub struct RtcStun;

impl Subject for RtcStun {
    fn name(&self) -> &'static str {
        "rtc-stun"
    }

    fn version(&self) -> String {
        "0.21".to_owned()
    }

    fn about(&self) -> &'static str {
        "the codec of the package rtc-stun, in process"
    }

    fn kinds(&self) -> &'static [SubjectKind] {
        &[SubjectKind::StunCodec]
    }

    fn supports(&self, capability: Cap) -> Support {
        match capability {
            Cap::Fingerprint | Cap::ShortTerm | Cap::LongTerm | Cap::Ipv6 => Support::Yes,
            _ => Support::No,
        }
    }

    fn stun_codec(&self) -> Option<Box<dyn StunCodec>> {
        Some(Box::new(codec::Codec))
    }
}
