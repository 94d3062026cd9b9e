//! Asynchronous code on the deterministic network.
//!
//! A *runner* gives the hosts of a [`Network`](simnet::Network) *software*: asynchronous functions, written
//! for tokio and unchanged but for the types of their sockets. The clock is virtual, the packets go through
//! the simulated links and boxes, and the same seed gives the same run, to the bit.
//!
//! ```
//! use std::{io, time::Duration};
//!
//! use runners::{Paused, Runner, UdpSocket};
//! use simnet::{Host, Link, Network, nat::{Config, Nat}};
//!
//! let net = Network::builder(7)
//!     .wan("wan", "11.0.0.0/8")
//!     .lan("home", "192.168.1.0/24")
//!     .nat("box", "home", "wan", Nat::new(Config::port_restricted_cone()))
//!     .host("alice", Host::on("home"))
//!     .host("server", Host::on("wan").address("11.0.0.3"))
//!     .link("box", "wan", Link::delayed(Duration::from_millis(12)))
//!     .build()
//!     .expect("the description fits together");
//!
//! let mut run = Paused::new(net);
//! run.host("server", || async {
//!     let socket = UdpSocket::bind("0.0.0.0:3478").await?;
//!     let (_, source) = socket.recv_from(&mut [0; 64]).await?;
//!     socket.send_to(source.to_string().as_bytes(), source).await?;
//!     io::Result::Ok(())
//! });
//! run.host("alice", || async {
//!     let socket = UdpSocket::bind("0.0.0.0:4000").await?;
//!     let mut answer = [0; 64];
//!     socket.send_to(b"who am I?", "server:3478").await?;
//!     let len = socket.recv(&mut answer).await?;
//!     assert_eq!(&answer[..len], b"11.0.0.10:4000", "the outside of the box");
//!     io::Result::Ok(())
//! });
//! run.run_for(Duration::from_secs(1))?;
//! assert!(!run.is_running("alice"), "it has come to its end");
//! # Ok::<(), runners::Failure>(())
//! ```
//!
//! Hosts [crash](Runner::crash) and [start again](Runner::restart), the network
//! [parts](Runner::partition) and [heals](Runner::heal), at the word of the caller or of
//! [`Change`](simnet::Change)s that were planned ahead. A driver written against the traits of [`runtime`]
//! runs on [`Surroundings`].
//!
//! # What each runner can observe
//!
//! The network itself counts nanoseconds under every runner. What software sees of it differs:
//!
//! | | virtual: [`Network::run_for`](simnet::Network::run_for) | [`Paused`] | [`LockStep`] |
//! |---|---|---|---|
//! | software | [`Endpoint`](simnet::Endpoint)s and machines, without I/O | asynchronous; one runtime for all hosts | asynchronous; turmoil gives each host a runtime |
//! | acts at | any nanosecond | whole milliseconds, when it has reason to | whole milliseconds, once in each |
//! | sees a packet that arrives at 12.3 ms | at 12.3 ms | at 13 ms | at 13 ms |
//! | `sleep` of 0.1 ms takes | 0.1 ms | 1 ms | 1 ms |
//! | least one-way delay | none | none: it answers in the same instant | 1 ms, even over a link without delay |
//! | round trip of 24.6 ms takes | 24.6 ms | 26 ms | 26 ms |
//! | at one instant | things happen in the order in which they were planned | hosts act in the order in which they were given software, again and again until none has reason to | the same, but once |
//! | idle time costs | nothing | nothing | a step of every host for every millisecond |
//! | `tokio::spawn` | – | belongs to no host: use [`spawn`] or `spawn_local` | belongs to its host |
//!
//! **Assert nothing below a millisecond under an asynchronous runner.** tokio's timers have steps of one
//! millisecond and are rounded up, so that pacing, jitter and queueing delay below it cannot be seen; a
//! protocol machine on the virtual runner sees them all. Between two milliseconds nothing is lost: packets
//! keep their exact times in traces and captures.
//!
//! # What software must keep to
//!
//! * Time is tokio's, or that of [`Runtime::now`](runtime::Runtime::now), which goes as wrong as the
//!   [clock](simnet::Clock) of the host; tokio's is always right. No `std::time::Instant`, no `SystemTime`, no thread that sleeps.
//! * `select!` polls its branches in an order that it draws from tokio's own chance, which is another in
//!   each process. Write `biased;`, or compile everything with `--cfg tokio_unstable`, under which turmoil
//!   seeds the runtimes of its hosts; [`Paused`] does not.
//! * No iteration over hash maps of the standard library, and no chance of its own: seeds come from
//!   [`Runtime::seed`](runtime::Runtime::seed).
//! * No `spawn_blocking`: other threads know nothing of virtual time. Sockets may be moved to them, and
//!   answer with an error there.
//! * A panic of a host's software goes on in the runner. One in a task that it spawned stays in the
//!   `JoinHandle`, as tokio has it.
//!
//! # How it works
//!
//! A socket is a number; the world it belongs to is found through its thread, and the host that makes a
//! socket through the code that is running ([`Surroundings::here`]). Whatever software does goes to the
//! network at once, stamped with the present millisecond. The runner lets the network live up to the next
//! millisecond at which something is due, takes in what it has to tell (an endpoint that only listens sits
//! on each host with software), and wakes the tasks that wait for it, in the order in which things
//! happened. Nothing is drawn from the process, its threads or its hash maps.
//!
//! Of turmoil's world only hosts, runtimes, crash and bounce are used. Its UDP and TCP stay idle: they know
//! no address translation, queue, path MTU or ICMP, and two networks would tell two truths.
//!
//! # Map
//!
//! | file | holds |
//! |---|---|
//! | `runner.rs` | [`Runner`]: what all have in common; [`Stage`] |
//! | `paused.rs`, `lockstep.rs` | [`Paused`], [`LockStep`] |
//! | `software.rs` | the life of a host's software; [`spawn`], [`Failure`] |
//! | `socket.rs`, `stream.rs`, `names.rs` | sockets and names in tokio's shape |
//! | `border.rs` | [`Surroundings`]: the traits of [`runtime`] |
//! | `world.rs`, `udp.rs`, `tcp.rs`, `wakers.rs` | what waits for what |
//! | `home.rs` | which world and host the running code belongs to |
//! | `fabric.rs`, `agent.rs` | the network as the runners see it, and how it calls them |

mod agent;
mod border;
mod fabric;
mod home;
mod lockstep;
mod names;
mod paused;
mod runner;
mod socket;
mod software;
mod stream;
mod tcp;
mod udp;
mod wakers;
mod world;

pub use border::Surroundings;
pub use lockstep::LockStep;
pub use names::{Lookup, ToSocketAddrs, lookup_host};
pub use paused::Paused;
pub use runner::{Runner, Stage};
pub use socket::UdpSocket;
pub use software::{Failure, spawn};
pub use stream::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, TcpListener, TcpStream, WriteHalf};
