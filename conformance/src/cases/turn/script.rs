//! The stages the TURN cases play on, and their props.
//!
//! A [`RelayStage`] has the subject's server in the middle, sockets and connections of the suite that play
//! clients on one side, sockets that play peers on the other. A [`HostStage`] has the subject's
//! client and a server of the suite. Between them lies a network without loss. What the suite sends is
//! built, and what it receives is read, by the codec in `wire`.

mod host_stage;
mod relay_stage;
mod session;
mod shape;

pub(in crate::cases) use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

pub(in crate::cases) use wire::{
    F,
    stun::{Attribute, Check, Class, Key, Message, Parsed, attribute},
    turn::{ChannelData, Piece, TCP, UDP, method},
};

pub(in crate::cases) use self::{
    host_stage::{Deed, HostStage, RELAY, RELAY_V6, Sent, UDP_VALUE, on_channel, peer, peer_v6},
    relay_stage::{RelayStage, family, shown, shown_all},
    session::{Allocation, Session, user},
    shape::Shape,
};
pub(in crate::cases) use crate::{
    Cap, Ctl, Outcome, Stop, SubjectKind, Support, Variant, case,
    cases::stun::script::{MILLISECOND, REALM, SECOND, answered, fresh},
    product,
    registry::Req,
    req,
    subjects::stun::Transport,
    subjects::turn::{Peers, Quotas, Relayed, TurnClientEvent, Wish},
};
