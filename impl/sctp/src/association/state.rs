//! The states of an association: RFC 9260 §4.

use std::{fmt, time::Duration};

use base::Instant;

use super::link::Link;
use crate::{Tsn, path::Rtt, send::Sender};

/// Where an association stands (RFC 9260 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AssociationState {
    /// There is none: not yet, or no more.
    Closed,
    /// INIT was sent.
    CookieWait,
    /// COOKIE ECHO was sent.
    CookieEchoed,
    /// It stands.
    Established,
    /// This end wants to shut it down and still has data to deliver.
    ShutdownPending,
    /// SHUTDOWN was sent.
    ShutdownSent,
    /// The peer shuts it down, and this end still has data to deliver.
    ShutdownReceived,
    /// SHUTDOWN ACK was sent.
    ShutdownAckSent,
}

/// The same with what each state keeps.
#[derive(Debug, Default)]
pub(super) enum State {
    #[default]
    Closed,
    CookieWait(Box<Opening>),
    CookieEchoed(Box<Echoing>),
    Established(Box<Link>),
    ShutdownPending(Box<Link>),
    ShutdownSent(Box<Closing>),
    ShutdownReceived(Box<Link>),
    ShutdownAckSent(Box<Closing>),
}

/// What this end brings to an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Local {
    /// What the peer is to put into every packet.
    pub(super) tag: u32,
    /// The first number of our user data.
    pub(super) tsn: Tsn,
}

/// What is kept while INIT waits for its answer.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) local: Local,
    pub(super) sender: Sender,
    pub(super) rtt: Rtt,
    pub(super) tries: Tries,
    /// How much longer the next cookie is to live, where the last one grew stale (RFC 9260 §5.2.6).
    pub(super) longer: Option<Duration>,
    /// How many cookies grew stale on the way.
    pub(super) stale: u32,
    /// Whether to shut down as soon as the association stands.
    pub(super) then_shutdown: bool,
}

/// What is kept while COOKIE ECHO waits for its answer.
#[derive(Debug)]
pub(super) struct Echoing {
    pub(super) link: Box<Link>,
    pub(super) cookie: Vec<u8>,
    /// An ERROR chunk that goes with it: parameters of the INIT ACK that nobody knows.
    pub(super) report: Vec<u8>,
    pub(super) tries: Tries,
    /// How many cookies grew stale before this one.
    pub(super) stale: u32,
    /// Whether to shut down as soon as the association stands.
    pub(super) then_shutdown: bool,
}

/// What is kept while SHUTDOWN or SHUTDOWN ACK waits for its answer.
#[derive(Debug)]
pub(super) struct Closing {
    pub(super) link: Box<Link>,
    pub(super) tries: Tries,
}

/// Something that is sent again until it is answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tries {
    /// Whether it is to leave now.
    pub(super) due: bool,
    /// How often it was given a new chance since the peer was last heard of.
    pub(super) repeats: u32,
    /// When it first left.
    pub(super) first: Instant,
}

impl Tries {
    pub(super) const fn new(now: Instant) -> Self {
        Self { due: true, repeats: 0, first: now }
    }
}

impl State {
    pub(super) const fn name(&self) -> AssociationState {
        match self {
            Self::Closed => AssociationState::Closed,
            Self::CookieWait(_) => AssociationState::CookieWait,
            Self::CookieEchoed(_) => AssociationState::CookieEchoed,
            Self::Established(_) => AssociationState::Established,
            Self::ShutdownPending(_) => AssociationState::ShutdownPending,
            Self::ShutdownSent(_) => AssociationState::ShutdownSent,
            Self::ShutdownReceived(_) => AssociationState::ShutdownReceived,
            Self::ShutdownAckSent(_) => AssociationState::ShutdownAckSent,
        }
    }

    /// What is shared with the peer, once both are known to each other.
    pub(super) fn link(&self) -> Option<&Link> {
        match self {
            Self::Closed | Self::CookieWait(_) => None,
            Self::CookieEchoed(echoing) => Some(&echoing.link),
            Self::Established(link)
            | Self::ShutdownPending(link)
            | Self::ShutdownReceived(link) => Some(link),
            Self::ShutdownSent(closing) | Self::ShutdownAckSent(closing) => Some(&closing.link),
        }
    }

    /// The same, to be changed.
    pub(super) fn link_mut(&mut self) -> Option<&mut Link> {
        match self {
            Self::Closed | Self::CookieWait(_) => None,
            Self::CookieEchoed(echoing) => Some(&mut echoing.link),
            Self::Established(link)
            | Self::ShutdownPending(link)
            | Self::ShutdownReceived(link) => Some(link),
            Self::ShutdownSent(closing) | Self::ShutdownAckSent(closing) => Some(&mut closing.link),
        }
    }

    /// What is shared with the peer, if the association stands or is being shut down.
    pub(super) fn standing(&mut self) -> Option<&mut Link> {
        match self {
            Self::CookieEchoed(_) => None,
            other => other.link_mut(),
        }
    }

    /// Where messages wait to be sent, set-up included.
    pub(super) fn sender(&self) -> Option<&Sender> {
        match self {
            Self::CookieWait(opening) => Some(&opening.sender),
            other => other.link().map(|link| &link.sender),
        }
    }

    /// The same, to be changed.
    pub(super) fn sender_mut(&mut self) -> Option<&mut Sender> {
        match self {
            Self::CookieWait(opening) => Some(&mut opening.sender),
            other => other.link_mut().map(|link| &mut link.sender),
        }
    }

    /// The tag that the peer's packets are to carry.
    pub(super) fn local_tag(&self) -> Option<u32> {
        match self {
            Self::CookieWait(opening) => Some(opening.local.tag),
            other => other.link().map(|link| link.local.tag),
        }
    }

    /// The tag that packets to the peer carry.
    pub(super) fn peer_tag(&self) -> Option<u32> {
        self.link().map(|link| link.peer_tag)
    }

    /// Takes the link out for the next state.
    pub(super) fn take_link(&mut self) -> Option<Box<Link>> {
        match std::mem::take(self) {
            Self::Closed | Self::CookieWait(_) => None,
            Self::CookieEchoed(echoing) => Some(echoing.link),
            Self::Established(link)
            | Self::ShutdownPending(link)
            | Self::ShutdownReceived(link) => Some(link),
            Self::ShutdownSent(closing) | Self::ShutdownAckSent(closing) => Some(closing.link),
        }
    }
}

impl fmt::Display for AssociationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Closed => "CLOSED",
            Self::CookieWait => "COOKIE-WAIT",
            Self::CookieEchoed => "COOKIE-ECHOED",
            Self::Established => "ESTABLISHED",
            Self::ShutdownPending => "SHUTDOWN-PENDING",
            Self::ShutdownSent => "SHUTDOWN-SENT",
            Self::ShutdownReceived => "SHUTDOWN-RECEIVED",
            Self::ShutdownAckSent => "SHUTDOWN-ACK-SENT",
        })
    }
}
