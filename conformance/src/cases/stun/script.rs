//! The stages the STUN cases play on, and their props.
//!
//! A [`ServerStage`] has the subject's server at one end and sockets of the suite at the other, a
//! [`ClientStage`] the subject's client and servers of the suite. Between them lies a network without
//! loss. What the suite sends is built, and what it receives is read, by the codec in `wire`.

mod client_stage;
mod login;
mod model;
mod props;
mod server_stage;

pub(in crate::cases) use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

pub(in crate::cases) use base::SocketErrorKind;
pub(in crate::cases) use wire::{
    F,
    stun::{
        Attribute, BINDING, COOKIE, Check, Class, HEADER, Key, Message, Parsed, TransactionId,
        attribute, attribute_name, error_value, password_algorithms, read_address, userhash,
        vectors,
    },
};

pub(in crate::cases) use self::{
    client_stage::{ClientStage, Sent},
    login::{Challenge, challenge_model},
    model::{Model, answered, protection},
    props::*,
    server_stage::{Arrival, PEERS, ServerStage, show},
};
pub(in crate::cases) use crate::{
    Cap, Ctl, Outcome, Stop, SubjectKind, Variant, case, product,
    registry::Req,
    req,
    subjects::stun::{
        Alternate, Authentication, ClientEvent, Credential, Field, HostName, Integrity, StunCodec,
        StunServerConfig, Transport, Wanted,
    },
};
