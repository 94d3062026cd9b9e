//! The messages that the specifications print, byte for byte, as their errata correct them.

/// A request with short-term authentication: RFC 5769 §2.1. Its padding is spaces, which the sender
/// of that day could choose.
pub const REQUEST: [u8; 108] = octets(
    "00010058 2112a442 b7e7a701 bc34d686 fa87dfae 80220010 5354554e 20746573 \
     7420636c 69656e74 00240004 6e0001ff 80290008 932ff9b1 51263b36 00060009 \
     6576746a 3a683676 59202020 00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 \
     c1b571a2 80280004 e57a3bcf",
);

/// An IPv4 response to it: RFC 5769 §2.2.
pub const RESPONSE_V4: [u8; 80] = octets(
    "0101003c 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 \
     746f7220 00200008 0001a147 e112a643 00080014 2b91f599 fd9e90c3 8c7489f9 \
     2af9ba53 f06be7d7 80280004 c07d4c96",
);

/// An IPv6 response to it: RFC 5769 §2.3.
pub const RESPONSE_V6: [u8; 92] = octets(
    "01010048 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 \
     746f7220 00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9 00080014 \
     a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41 80280004 c8fb0b4c",
);

/// A request with long-term authentication: RFC 5769 §2.4.
pub const LONG_TERM: [u8; 116] = octets(
    "00010060 2112a442 78ad3433 c6ad72c0 29da412e 00060012 e3839ee3 8388e383 \
     aae38383 e382afe3 82b90000 0015001c 662f2f34 39396b39 35346436 4f4c3334 \
     6f4c3946 53547679 36347341 0014000b 6578616d 706c652e 6f726700 00080014 \
     f6702465 6dd64a3e 02b8e071 2e85c9a2 8ca89666",
);

/// A request with USERHASH and MESSAGE-INTEGRITY-SHA256 as RFC 8489 §B.1 prints it.
///
/// Its length field counts the header too, and its HMAC covers that length.
pub const USERHASH_SHA256_PRINTED: [u8; 156] = octets(
    "0001009c 2112a442 78ad3433 c6ad72c0 29da412e 001e0020 4a3cf38f ef6992bd \
     a952c678 0417da0f 24819415 569e60b2 05c46e41 407f1704 00150029 6f624d61 \
     744a6f73 32414141 43662f2f 3439396b 39353464 364f4c33 346f4c39 46535476 \
     79363473 41000000 0014000b 6578616d 706c652e 6f726700 001c0020 e4686c8f \
     0edeb590 13e07090 010a93ef ccbccc54 4c0a45d9 f830aa6d 6f735a01",
);

/// The same message as erratum 6268 corrects it: with PASSWORD-ALGORITHM, and with the right length.
pub const USERHASH_SHA256: [u8; 164] = octets(
    "00010090 2112a442 78ad3433 c6ad72c0 29da412e 001e0020 4a3cf38f ef6992bd \
     a952c678 0417da0f 24819415 569e60b2 05c46e41 407f1704 00150029 6f624d61 \
     744a6f73 32414141 43662f2f 3439396b 39353464 364f4c33 346f4c39 46535476 \
     79363473 41000000 0014000b 6578616d 706c652e 6f726700 001d0004 00020000 \
     001c0020 b5c7bf00 5b6c52a2 1c51c5e8 92f81924 136296cb 927c4314 9309278c \
     c6518e65",
);

/// The user name of [`REQUEST`].
pub const USERNAME: &str = "evtj:h6vY";

/// The short-term password of [`REQUEST`] and its responses.
pub const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

/// The user name of [`LONG_TERM`] and [`USERHASH_SHA256`]: "matrix" in katakana.
pub const LONG_TERM_USERNAME: &str = "\u{30de}\u{30c8}\u{30ea}\u{30c3}\u{30af}\u{30b9}";

/// Their password as a user types it.
pub const LONG_TERM_PASSWORD_TYPED: &str = "The\u{ad}M\u{aa}tr\u{2168}";

/// Their password as the vectors use it.
pub const LONG_TERM_PASSWORD: &str = "TheMatrIX";

/// Their realm.
pub const REALM: &str = "example.org";

/// The bytes that pairs of hexadecimal digits in `text` stand for.
const fn octets<const N: usize>(text: &str) -> [u8; N] {
    let mut out = [0; N];
    let mut digits = text.as_bytes();
    let mut count = 0;
    while let Some((digit, rest)) = digits.split_first() {
        let value = match *digit {
            b'0'..=b'9' => *digit - b'0',
            b'a'..=b'f' => *digit - b'a' + 10,
            b' ' => {
                digits = rest;
                continue;
            }
            _ => panic!("a vector has a character that is no digit"),
        };
        let (_, tail) = out.split_at_mut(count / 2);
        let Some(octet) = tail.first_mut() else {
            panic!("a vector has more digits than it should");
        };
        *octet = *octet << 4 | value;
        count += 1;
        digits = rest;
    }
    assert!(count == 2 * N, "a vector has fewer digits than it should");
    out
}
