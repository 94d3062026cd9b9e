//! The shape of a machine, and its laws.

use crate::{
    Datagram, Instant, Interface, SocketCommand, SocketError, SocketInput, StreamCommand,
    StreamInput, Transmit,
};

/// A protocol endpoint without I/O.
///
/// What a machine is **told** are the `handle_*` methods and its own commands; what it is **asked** are
/// the polls. The laws, checked for every machine by `simnet::laws`:
///
/// 1. Decisions are made when the machine is told something. Polls hand over what was decided;
///    `poll_transmit` may assemble the packet and note it as sent, nothing more. Polls may come in any
///    order and be interleaved at will.
/// 2. Once drained, polling again yields nothing until the machine is told something.
/// 3. `handle_timeout` before the deadline of `poll_timeout` changes nothing; after it, the deadline is
///    later or gone.
/// 4. Same seed, same inputs at the same times: same bytes.
/// 5. No input bytes panic, and no queue grows past its declared limit.
/// 6. Going back in time is ignored: an earlier `now` counts as the latest one seen.
///
/// The caller drains `poll_socket`, `poll_transmit`, `poll_stream` and `poll_event` after everything it
/// tells the machine, then waits until `poll_timeout` or the next arrival.
pub trait Machine {
    /// What the machine reports to the layer above.
    type Event;

    /// A datagram arrived. Bad bytes are counted and dropped; they are not an error.
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>);

    /// The network reported an error about a datagram this machine sent.
    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        let _ = (now, error);
    }

    /// Something happened on a TCP connection. Machines that use none ignore it.
    fn handle_stream(&mut self, now: Instant, input: StreamInput<'_>) {
        let _ = (now, input);
    }

    /// What came of the machine's wish for a UDP socket. Machines that open none ignore it.
    fn handle_socket(&mut self, now: Instant, input: SocketInput) {
        let _ = (now, input);
    }

    /// The host's interfaces and addresses, all of them: told first of all, and again after each change.
    /// Machines that bind no sockets of their own ignore it.
    fn handle_interfaces(&mut self, now: Instant, interfaces: &[Interface]) {
        let _ = (now, interfaces);
    }

    /// The deadline has come. An early call does nothing.
    fn handle_timeout(&mut self, now: Instant);

    /// Appends the next datagram to `buffer` and says where it goes.
    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit>;

    /// The next thing to do with TCP connections. Bytes to send are appended to `buffer`.
    fn poll_stream(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<StreamCommand> {
        let _ = (now, buffer);
        None
    }

    /// The next UDP socket to open or close. A socket is to be there before the next datagram is polled.
    fn poll_socket(&mut self) -> Option<SocketCommand> {
        None
    }

    /// The next thing the layer above should know.
    fn poll_event(&mut self) -> Option<Self::Event>;

    /// When to call `handle_timeout` at the latest, if no datagram comes first.
    fn poll_timeout(&self) -> Option<Instant>;
}
