//! The stage the ICE cases play on, and their props.
//!
//! An [`IceStage`] has the subject's agent at one end and sockets of the suite at the other, where a peer
//! of the suite's own speaks as the case tells it. Between them lies a network without loss.

mod props;
mod serve;
mod stage;

pub(in crate::cases) use std::{net::SocketAddr, time::Duration};

pub(in crate::cases) use base::Instant;
pub(in crate::cases) use wire::{
    F,
    ice::{Line, Role, Side, preference, split_priority, username},
    stun::{Attribute, Check, Class, Key, Message, Parsed, TransactionId, attribute},
};

pub(in crate::cases) use self::{
    props::*,
    stage::{Heard, IceStage, Setup},
};
pub(in crate::cases) use crate::{
    Cap, Ctl, Outcome, Stop, SubjectKind, Variant, case, product, req,
    subjects::ice::{IceConfig, IceEvent, IceParameters, IceRole, IceState},
};
