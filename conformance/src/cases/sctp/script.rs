//! The stage the SCTP cases play on, and their props.
//!
//! An [`SctpStage`] has the subject's endpoint at one end and a peer of the suite's own at the other, which
//! does as the case tells it. Between them lies a network without loss.

mod props;
mod stage;

pub(in crate::cases) use std::time::Duration;

pub(in crate::cases) use wire::F;
pub(in crate::cases) use wire::sctp::{
    Answers, Change, Chunk, Data, ForwardTsn, IData, IForwardTsn, Init, Packet, Profile, Sack,
    Standing, Tlv, causes,
    code::{self, cause, chunk, data, parameter, result},
};

pub(in crate::cases) use self::{props::*, stage::SctpStage};
pub(in crate::cases) use crate::{
    Cap, Ctl, Outcome, Stop, SubjectKind, Variant, case, product, req,
    subjects::sctp::{SctpEvent, SctpMessage, SctpReliability},
};
