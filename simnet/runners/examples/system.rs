//! The echo programs over the sockets of the system: the same files that the tests run behind simulated
//! NATs, with tokio's own types in place of the simulated ones.
//!
//! `cargo run -p peerlab-runners --example system`

use tokio::{
    net::{TcpListener, TcpStream, UdpSocket},
    spawn,
};

#[path = "../tests/software/unchanged/tcp_echo.rs"]
mod tcp_echo;
#[path = "../tests/software/unchanged/udp_echo.rs"]
mod udp_echo;

const UDP: &str = "127.0.0.1:40007";
const TCP: &str = "127.0.0.1:40008";

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        spawn(udp_echo::server(UDP));
        spawn(tcp_echo::server(TCP));
        udp_echo::client(UDP, 5, |answer| println!("UDP: {answer:?}")).await?;
        tcp_echo::client(TCP, 1_000_000, 2, |attempt| println!("TCP: {attempt}")).await
    })
}
