//! Which prefix a network hides IPv4 under: RFC 7050 §3.

use std::net::IpAddr;

use simnet::nat64::Pref64;

use super::zone::IPV4_ONLY_ADDRESSES;

/// Lengths a prefix may have, the usual first.
const LENGTHS: [u8; 6] = [96, 64, 56, 48, 40, 32];

/// The prefixes that show in the IPv6 addresses of `ipv4only.arpa`, in the order of the answer. That name
/// has IPv4 addresses alone, and they are known: whoever finds them inside IPv6 addresses has found the
/// prefix of the NAT64.
///
/// ```
/// use lab::roles::dns::discover_prefixes;
///
/// let answer = ["64:ff9b::192.0.0.170".parse().unwrap(), "64:ff9b::192.0.0.171".parse().unwrap()];
/// let prefixes = discover_prefixes(&answer);
/// assert_eq!(prefixes.len(), 1);
/// assert_eq!(prefixes[0].to_string(), "64:ff9b::/96");
/// ```
#[must_use]
pub fn discover_prefixes(addresses: &[IpAddr]) -> Vec<Pref64> {
    let mut prefixes = Vec::new();
    for address in addresses {
        let IpAddr::V6(ip) = *address else { continue };
        let hides = |prefix: &Pref64| {
            let known = prefix.extract(ip).is_some_and(|it| IPV4_ONLY_ADDRESSES.contains(&it));
            // An address with something behind the embedded one was not made by a DNS64.
            known && prefix.extract(ip).map(|it| prefix.embed(it)) == Some(ip)
        };
        let found: Vec<_> =
            LENGTHS.iter().filter_map(|length| Pref64::new(ip, *length)).filter(hides).collect();
        // RFC 7050 §3: found in two places, it says nothing.
        if let [prefix] = found.as_slice()
            && !prefixes.contains(prefix)
        {
            prefixes.push(*prefix);
        }
    }
    prefixes
}
