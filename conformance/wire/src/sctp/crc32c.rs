//! The checksum of SCTP (RFC 9260 §A).

/// The reflected form of the generator polynomial.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// The CRC32c of `parts`, one after the other. Bit by bit: a loop of eight shifts has no table to get
/// wrong.
#[must_use]
pub fn crc32c(parts: &[&[u8]]) -> u32 {
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
        assert_eq!(crc32c(&[b"123456789"]), 0xe306_9283);
        assert_eq!(crc32c(&[b"1234", b"", b"56789"]), 0xe306_9283);
        assert_eq!(crc32c(&[]), 0);
    }

    /// The vectors of the iSCSI specification, RFC 3720 §B.4, in the byte order of this packet format.
    #[test]
    fn matches_the_vectors_of_iscsi() {
        assert_eq!(crc32c(&[&[0; 32]]), 0x8a91_36aa);
        assert_eq!(crc32c(&[&[0xff; 32]]), 0x62a8_ab43);
        let rising: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&[&rising]), 0x46dd_794e);
    }
}
