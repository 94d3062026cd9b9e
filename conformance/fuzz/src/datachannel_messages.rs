//! Messages that open data channels.

use base::Writer;
use datachannel::wire::Dcep;

/// Parses any bytes; what can be read is written again as it was.
pub fn datachannel_messages(data: &[u8]) {
    let Ok(message) = Dcep::parse(data) else { return };
    let mut again = Vec::new();
    message.write(&mut Writer::new(&mut again));
    assert_eq!(Dcep::parse(&again), Ok(message), "what is written is what was read");
    let mut twice = Vec::new();
    message.write(&mut Writer::new(&mut twice));
    assert_eq!(again, twice);
    assert!(!message.to_string().contains('\n'), "a message is one line");
}
