//! The adapters: one file per implementation, one per kind for the traits they implement.
//!
//! This is the only place of the suite that may know an implementation.

use crate::Subject;

pub mod datachannel;
pub mod dcsctp;
pub mod dimpl;
pub mod dtls;
pub mod endpoint;
pub mod ice;
pub mod nat;
pub mod ours;
pub mod rtc_ice;
pub mod rtc_stun;
pub mod sctp;
pub mod sctp_proto;
pub mod str0m_ice;
pub mod stun;
pub mod stun_proto;
pub mod turn;
pub mod turn_proto;

/// Every subject this build knows, in the order of the report's columns.
#[must_use]
pub fn all() -> Vec<&'static dyn Subject> {
    vec![
        &ours::Ours,
        &stun_proto::StunProto,
        &rtc_stun::RtcStun,
        &str0m_ice::Str0mIce,
        &rtc_ice::RtcIce,
        &turn_proto::TurnProto,
        &dimpl::Dimpl,
        &dcsctp::Dcsctp,
        &sctp_proto::SctpProto,
    ]
}
