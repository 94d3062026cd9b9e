//! ICE, the protocol by which two peers find a way to each other through whatever is between them: RFC 8445.
//!
//! An agent offers *candidates*, addresses at which it may be reached ([`Candidate`]), and for each side
//! there are *parameters* ([`Parameters`]) by which the two recognise each other. The [`Agent`] pairs its
//! own candidates with the peer's, checks the pairs, and sends data on the best one that works.
//!
//! | file | holds |
//! |---|---|
//! | `agent.rs`, `agent/` | [`Agent`]: the machine |
//! | `candidate.rs`, `candidate/` | [`Candidate`], its text, [`Foundation`], [`priority`] |
//! | `gather.rs`, `gather/` | [`Gatherer`]: server-reflexive addresses; [`host_addresses`], [`Pool`] |
//! | `parameters.rs` | [`Parameters`]: username fragment, password, options |
//! | `config.rs` | [`Config`]: how an agent is set up |
//! | `event.rs` | [`Event`], [`Path`]: what it reports |
//! | `error.rs` | why a command was not taken |
//! | `state.rs` | [`State`], [`Role`] |
//! | `stats.rs` | [`Stats`], [`DropReason`]: what it has seen and done |
//! | `tcp.rs`, `tcp/` | [`Connections`]: TCP with the framing of RFC 4571 |
//! | `mdns.rs`, `mdns/` | [`Mdns`]: names that hide addresses |

mod agent;
mod candidate;
mod config;
mod error;
mod event;
mod gather;
mod mdns;
mod parameters;
mod state;
mod stats;
mod tcp;

pub use agent::{
    Agent, LOSS_PATIENCE, LocalSocket, MAX_EARLY_CHECKS, MAX_EVENTS, MAX_LOCAL_ADDRESSES,
    MAX_NOMINATION_WAIT, MAX_PEER_REFLEXIVE, MAX_REFLEXIVE, MIN_NOMINATION_WAIT,
    RELAY_NOMINATION_WAIT, RelayTransport, Relayed,
};
pub use candidate::{
    Address, Candidate, CandidateError, DISCARD_PORT, Extension, Foundation, Foundations, Kind,
    MAX_EXTENSIONS, MAX_LINE, Origin, TcpType, Transport, priority,
};
pub use config::{
    Config, Consent, DEFAULT_MAX_PAIRS, DEFAULT_MAX_REMOTE_CANDIDATES, DEFAULT_PACING,
    DEFAULT_PATIENCE, MIN_PACING, Mode, Nomination,
};
pub use error::{AddCandidateError, AddLocalError, SendError, SetParametersError};
pub use event::{Event, FailReason, Outgoing, PairId, Path, Received};
pub use gather::{
    GatherConfig, GatherEvent, GatherFailure, GatherStats, Gatherer, MAX_BASES, MAX_POOL,
    MAX_PROBES, MAX_STUN_SERVERS, Pool, host_addresses,
};
pub use mdns::{
    GROUP_V4, GROUP_V6, MAX_ANSWERS_PER_SECOND, MAX_LINKS, MAX_NAMES, MAX_QUERIES, Mdns,
    MdnsConfig, MdnsError, MdnsEvent, MdnsLink, MdnsStats, is_mdns_name, mdns_name,
};
pub use parameters::{
    MAX_CREDENTIAL, MAX_OPTIONS, Options, Parameters, ParametersError, Password, Ufrag,
};
pub use state::{Role, State};
pub use stats::{DropReason, Drops, PairCounters, PairState, PairStats, Stats};
pub use tcp::{
    Connections, FRAME_HEADER, Frame, FrameError, MAX_CONNECTIONS, MAX_FRAME, MAX_LISTENERS,
    MAX_UNSENT, MAX_UNVALIDATED, MAX_UNVALIDATED_FRAME, TcpConfig, TcpEnd, TcpError, TcpEvent,
    TcpStats, WriteError, tcp_bases, write_frame,
};
