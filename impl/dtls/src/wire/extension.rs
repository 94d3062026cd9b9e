//! What stands in extensions. Where a message decides the form, there is a type per message.
//!
//! | file | holds |
//! |---|---|
//! | `supported_versions.rs`, `key_share.rs`, `cookie.rs` | what makes a hello one of version 1.3 |
//! | `supported_groups.rs`, `ec_point_formats.rs`, `signature_algorithms.rs` | what can be computed |
//! | `use_srtp.rs`, `alpn.rs` | what the layers above agree on |
//! | `extended_master_secret.rs`, `renegotiation_info.rs` | mends of version 1.2 |
//! | `connection_id.rs`, `record_size_limit.rs` | how records look |

mod alpn;
mod connection_id;
mod cookie;
mod ec_point_formats;
mod extended_master_secret;
mod key_share;
mod psk_key_exchange_modes;
mod record_size_limit;
mod renegotiation_info;
mod signature_algorithms;
mod supported_groups;
mod supported_versions;
mod use_srtp;

pub use alpn::ProtocolNames;
pub use connection_id::ConnectionId;
pub use cookie::Cookie;
pub use ec_point_formats::EcPointFormats;
pub use extended_master_secret::ExtendedMasterSecret;
pub use key_share::{ClientKeyShares, KeyShareEntry, RetryKeyShare, ServerKeyShare};
pub use psk_key_exchange_modes::PskKeyExchangeModes;
pub use record_size_limit::RecordSizeLimit;
pub use renegotiation_info::RenegotiationInfo;
pub use signature_algorithms::{SignatureAlgorithms, SignatureAlgorithmsCert};
pub use supported_groups::SupportedGroups;
pub use supported_versions::{ClientVersions, ServerVersion};
pub use use_srtp::{SrtpProfileId, UseSrtp};
