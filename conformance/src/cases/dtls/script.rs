//! The stage the DTLS cases play on, and their props.
//!
//! A [`DtlsStage`] has the subject's endpoint at one end and a peer of the suite's own at the other, which
//! does as the case tells it. Between them lies a network without loss.

mod props;
mod stage;

pub(in crate::cases) use std::time::Duration;

pub(in crate::cases) use wire::dtls::{
    ClientHello, Flight, Item, Message, Packing, Peer, SRTP_LABEL, Side, Version, body,
    code::{self, alert, content, ext, group, handshake},
    extension,
};

pub(in crate::cases) use self::{props::*, stage::DtlsStage};
pub(in crate::cases) use crate::{
    Cap, Ctl, Outcome, Stop, SubjectKind, Variant, case, product,
    registry::Req,
    req,
    subjects::dtls::{DtlsEvent, DtlsRole, DtlsVersion},
};
