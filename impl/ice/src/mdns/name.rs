//! Names made of a random UUID.

use base::Rng;

/// Characters of a UUID as text: 32 hexadecimal digits in five groups.
const UUID: usize = 36;
/// The longest name in bytes: RFC 1035 §2.3.4.
const MAX_NAME: usize = 253;

/// A new name for an address: a UUID of version 4, and `.local`. Give each address one of its own,
/// and none to two sessions that shall not be linked.
#[must_use]
pub fn mdns_name(rng: &mut Rng) -> String {
    let bits = u128::from_be_bytes(rng.public_array());
    // Version 4 and variant 10 at their places; the rest is random.
    let bits = (bits & !(0xf << 76) & !(0b11 << 62)) | (4 << 76) | (0b10 << 62);
    let digits = format!("{bits:032x}");
    let (first, rest) = digits.split_at(8);
    let (second, rest) = rest.split_at(4);
    let (third, rest) = rest.split_at(4);
    let (fourth, fifth) = rest.split_at(4);
    format!("{first}-{second}-{third}-{fourth}-{fifth}.local")
}

/// Whether the name is a UUID of any version, and `.local`.
///
/// ```
/// assert!(ice::is_mdns_name("1f4712db-ea17-4bcf-a596-105139dfd8bf.local"));
/// assert!(!ice::is_mdns_name("printer.local"));
/// ```
#[must_use]
pub fn is_mdns_name(name: &str) -> bool {
    let Some((uuid, end)) = name.split_at_checked(UUID) else {
        return false;
    };
    let fits = |(place, byte): (usize, u8)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    end.eq_ignore_ascii_case(".local") && uuid.bytes().enumerate().all(fits)
}

/// Whether the name is one label and `.local`.
pub(super) fn is_local_name(name: &str) -> bool {
    let label = name.len().checked_sub(".local".len()).and_then(|at| name.split_at_checked(at));
    label.is_some_and(|(label, end)| {
        let is_label = (1..=63).contains(&label.len()) && !label.contains(['.', '\\']);
        is_label && name.len() <= MAX_NAME && end.eq_ignore_ascii_case(".local")
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_random_uuids_of_version_4() {
        let mut rng = Rng::from_seed([3; 32]);
        let names: BTreeSet<_> = (0..1_000).map(|_| mdns_name(&mut rng)).collect();
        assert_eq!(names.len(), 1_000);
        for name in names {
            assert!(is_mdns_name(&name), "{name}");
            assert_eq!(&name[14..15], "4");
            assert!("89ab".contains(&name[19..20]), "{name}");
        }
    }

    #[test]
    fn other_names_are_told_apart() {
        for name in [
            "",
            ".local",
            "printer.local",
            "1f4712db-ea17-4bcf-a596-105139dfd8bf",
            "1f4712db-ea17-4bcf-a596-105139dfd8bf.example",
            "1f4712db-ea17-4bcf-a596-105139dfd8b.local",
            "1f4712db-ea17-4bcf-a596-105139dfd8bg.local",
            "1f4712dbéea17-4bcf-a596-105139dfd8b.local",
        ] {
            assert!(!is_mdns_name(name), "{name}");
        }
        assert!(is_local_name("printer.local"));
        assert!(!is_local_name("a.b.local") && !is_local_name(".local") && !is_local_name("local"));
    }
}
