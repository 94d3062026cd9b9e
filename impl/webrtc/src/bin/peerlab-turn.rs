//! A TURN server: RFC 8656.

fn main() -> std::process::ExitCode {
    peerlab::turn_server::main()
}
