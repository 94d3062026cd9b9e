//! Traffic that competes with what is under test: long and short TCP flows, and UDP of constant rate, as
//! RFC 8868 §5 models them and the cases of RFC 8867 §5 use them.
//!
//! Each kind is an [`Endpoint`](crate::Endpoint) for a host of its own, and counts what it sees.
//!
//! ```
//! use simnet::{Host, Link, Network, QueueLimit, traffic::{TcpSink, TcpSource}};
//! use std::time::Duration;
//!
//! let address = "11.0.0.3:5001".parse().unwrap();
//! let queue = QueueLimit::time(Duration::from_millis(300));
//! let mut net = Network::builder(1)
//!     .wan("wan", "11.0.0.0/8")
//!     .host("source", Host::on("wan").endpoint(TcpSource::to(address)))
//!     .host("sink", Host::on("wan").address("11.0.0.3").endpoint(TcpSink::at(address)))
//!     .link("sink", "wan", Link::delayed(Duration::from_millis(50)).rate(2_000_000).queue(queue))
//!     .build()
//!     .unwrap();
//! net.run_for(Duration::from_secs(10));
//! let sink: &TcpSink = net.endpoint(net.node("sink")).unwrap();
//! let rate = sink.bytes() as f64 * 8.0 / 10.0;
//! assert!(rate > 1_500_000.0, "{rate} bit/s of 2,000,000 with headers");
//! ```

mod cbr;
mod delays;
mod schedule;
mod series;
mod short;
mod sink;
mod source;

pub use cbr::{CbrFlow, CbrSink, CbrSource};
pub use delays::Delays;
pub use schedule::Schedule;
pub use series::Series;
pub use short::ShortFlows;
pub use sink::TcpSink;
pub use source::TcpSource;
