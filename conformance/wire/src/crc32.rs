//! The CRC of ITU V.42, as FINGERPRINT uses it.

/// The reflected form of the generator polynomial that RFC 8489 §14.7 spells out.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// The CRC-32 of `parts`, one after the other (RFC 8489 §14.7). Bit by bit: this is a test peer, and a
/// loop of eight shifts has no table to get wrong.
#[must_use]
pub fn crc32(parts: &[&[u8]]) -> u32 {
    let mut crc = u32::MAX;
    for byte in parts.iter().copied().flatten() {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = crc & 1;
            crc >>= 1;
            if carry == 1 {
                crc ^= POLYNOMIAL;
            }
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_check_value_of_the_catalogues() {
        assert_eq!(crc32(&[b"123456789"]), 0xcbf4_3926);
        assert_eq!(crc32(&[b"1234", b"", b"56789"]), 0xcbf4_3926);
        assert_eq!(crc32(&[]), 0);
    }
}
