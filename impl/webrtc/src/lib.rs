//! WebRTC for applications: the facade over the machines, and the drivers that give them sockets and time.
//!
//! | file | holds |
//! |---|---|
//! | `system.rs`, `system/` | [`System`]: sockets, clocks and names of the operating system |
//! | `driver.rs`, `driver/` | [`Driver`]: runs any machine on a runtime |
//! | `turn_client.rs` | [`Driver::turn_client`]: a TURN client with its socket |
//! | `turn_server.rs`, `turn_server/` | [`turn_server`]: the program `peerlab-turn` |

mod driver;
mod system;
mod turn_client;
pub mod turn_server;

pub use driver::{Driver, DriverStats};
pub use system::System;
pub use tokio_rustls::rustls;
