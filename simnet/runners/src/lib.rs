//! Asynchronous code on the deterministic network.

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
pub use software::{Failure, Outcome, spawn};
pub use stream::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, TcpListener, TcpStream, WriteHalf};
