//! The attributes of TURN.

use std::net::SocketAddr;

use crate::stun::{Attribute, Class, Message, Parsed, TransactionId, Value, attribute};

impl Message {
    /// A request of any method.
    #[must_use]
    pub const fn asking(method: u16, transaction: TransactionId) -> Self {
        Self::of(Class::Request, method, transaction)
    }

    /// A message of any class and method without attributes.
    #[must_use]
    pub const fn of(class: Class, method: u16, transaction: TransactionId) -> Self {
        let mut message = Self::new(class, transaction);
        message.method = method;
        message
    }
}

impl Attribute {
    /// CHANNEL-NUMBER (RFC 8656 §18.1).
    #[must_use]
    pub fn channel_number(number: u16) -> Self {
        Self::bytes(attribute::CHANNEL_NUMBER, &(u32::from(number) << 16).to_be_bytes())
    }

    /// LIFETIME in seconds (RFC 8656 §18.2).
    #[must_use]
    pub fn lifetime(seconds: u32) -> Self {
        Self::bytes(attribute::LIFETIME, &seconds.to_be_bytes())
    }

    /// XOR-PEER-ADDRESS (RFC 8656 §18.3).
    #[must_use]
    pub const fn xor_peer_address(address: SocketAddr) -> Self {
        Self::new(attribute::XOR_PEER_ADDRESS, Value::XorAddress(address))
    }

    /// DATA (RFC 8656 §18.4).
    #[must_use]
    pub fn data(bytes: &[u8]) -> Self {
        Self::bytes(attribute::DATA, bytes)
    }

    /// XOR-RELAYED-ADDRESS (RFC 8656 §18.5).
    #[must_use]
    pub const fn xor_relayed_address(address: SocketAddr) -> Self {
        Self::new(attribute::XOR_RELAYED_ADDRESS, Value::XorAddress(address))
    }

    /// REQUESTED-ADDRESS-FAMILY: 1 for IPv4, 2 for IPv6 (RFC 8656 §18.6).
    #[must_use]
    pub fn requested_address_family(family: u8) -> Self {
        Self::bytes(attribute::REQUESTED_ADDRESS_FAMILY, &[family, 0, 0, 0])
    }

    /// EVEN-PORT, and whether the next port is to be reserved (RFC 8656 §18.7).
    #[must_use]
    pub fn even_port(reserve: bool) -> Self {
        Self::bytes(attribute::EVEN_PORT, &[u8::from(reserve) << 7])
    }

    /// REQUESTED-TRANSPORT (RFC 8656 §18.8).
    #[must_use]
    pub fn requested_transport(protocol: u8) -> Self {
        Self::bytes(attribute::REQUESTED_TRANSPORT, &[protocol, 0, 0, 0])
    }

    /// DONT-FRAGMENT (RFC 8656 §18.9).
    #[must_use]
    pub fn dont_fragment() -> Self {
        Self::bytes(attribute::DONT_FRAGMENT, &[])
    }

    /// RESERVATION-TOKEN (RFC 8656 §18.10).
    #[must_use]
    pub fn reservation_token(token: &[u8]) -> Self {
        Self::bytes(attribute::RESERVATION_TOKEN, token)
    }

    /// ADDITIONAL-ADDRESS-FAMILY: 1 for IPv4, 2 for IPv6 (RFC 8656 §18.11).
    #[must_use]
    pub fn additional_address_family(family: u8) -> Self {
        Self::bytes(attribute::ADDITIONAL_ADDRESS_FAMILY, &[family, 0, 0, 0])
    }

    /// ADDRESS-ERROR-CODE (RFC 8656 §18.12).
    #[must_use]
    pub fn address_error_code(family: u8, code: u16, reason: &str) -> Self {
        let mut value = crate::stun::error_value(code, reason.as_bytes());
        if let Some(first) = value.first_mut() {
            *first = family;
        }
        Self::bytes(attribute::ADDRESS_ERROR_CODE, &value)
    }

    /// ICMP with its error data (RFC 8656 §18.13).
    #[must_use]
    pub fn icmp(kind: u8, code: u8, data: u32) -> Self {
        let mut value = vec![0, 0, kind, code];
        value.extend(data.to_be_bytes());
        Self::bytes(attribute::ICMP, &value)
    }

    /// CONNECTION-ID (RFC 6062 §6.2.1).
    #[must_use]
    pub fn connection_id(id: u32) -> Self {
        Self::bytes(attribute::CONNECTION_ID, &id.to_be_bytes())
    }
}

impl Parsed {
    /// The addresses in XOR-RELAYED-ADDRESS, as far as they are addresses.
    #[must_use]
    pub fn relayed_addresses(&self) -> Vec<SocketAddr> {
        self.xor_addresses(attribute::XOR_RELAYED_ADDRESS).into_iter().flatten().collect()
    }

    /// The address in the first XOR-PEER-ADDRESS.
    #[must_use]
    pub fn peer_address(&self) -> Option<SocketAddr> {
        self.xor_address(attribute::XOR_PEER_ADDRESS)
    }

    /// The seconds in LIFETIME.
    #[must_use]
    pub fn lifetime(&self) -> Option<u32> {
        self.number(attribute::LIFETIME)
    }

    /// The number in CHANNEL-NUMBER.
    #[must_use]
    pub fn channel_number(&self) -> Option<u16> {
        self.number(attribute::CHANNEL_NUMBER).and_then(|word| u16::try_from(word >> 16).ok())
    }

    /// Type, code and error data in ICMP.
    #[must_use]
    pub fn icmp(&self) -> Option<(u8, u8, u32)> {
        let [_, _, kind, code, data @ ..] = self.value(attribute::ICMP)? else { return None };
        Some((*kind, *code, u32::from_be_bytes(data.try_into().ok()?)))
    }

    /// Family and code in ADDRESS-ERROR-CODE.
    #[must_use]
    pub fn address_error(&self) -> Option<(u8, u16)> {
        let [family, _, class, number, ..] = self.value(attribute::ADDRESS_ERROR_CODE)? else {
            return None;
        };
        Some((*family, u16::from(class & 0b111) * 100 + u16::from(*number)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turn::method;

    #[test]
    fn an_allocate_request_has_the_bytes_of_the_specification() {
        let request = Message::asking(method::ALLOCATE, TransactionId([7; 12]))
            .with(Attribute::requested_transport(crate::turn::UDP))
            .with(Attribute::even_port(true));
        let bytes = request.encode();
        assert_eq!(bytes.get(..4), Some(&[0x00, 0x03, 0x00, 0x10][..]));
        let attributes = [0, 0x19, 0, 4, 17, 0, 0, 0, 0, 0x18, 0, 1, 0x80, 0, 0, 0];
        assert_eq!(bytes.get(20..), Some(&attributes[..]));
        assert!(Parsed::read(&bytes).unwrap().faults().is_empty());
    }

    #[test]
    fn what_is_written_is_read() {
        let peer: SocketAddr = "[2a00:1::7]:99".parse().unwrap();
        let message = Message::of(Class::Indication, method::DATA, TransactionId([1; 12]))
            .with(Attribute::xor_peer_address(peer))
            .with(Attribute::icmp(3, 4, 1280))
            .with(Attribute::channel_number(0x4abc))
            .with(Attribute::address_error_code(2, 508, "full"))
            .with(Attribute::lifetime(600));
        let parsed = Parsed::read(&message.encode()).unwrap();
        assert_eq!(parsed.peer_address(), Some(peer));
        assert_eq!(parsed.icmp(), Some((3, 4, 1280)));
        assert_eq!(parsed.channel_number(), Some(0x4abc));
        assert_eq!(parsed.address_error(), Some((2, 508)));
        assert_eq!(parsed.lifetime(), Some(600));
        assert!(parsed.faults().is_empty());
    }
}
