//! Which part of the protocol a test is about, as far as its name tells.

/// Beginnings of names, the first that fits counts.
const THEMES: &[(&str, &[&str])] = &[
    ("retransmission and ACKs", &["DTLS-Retransmit", "DTLS-StrayRetransmit"]),
    ("replay", &["DTLS-Replay"]),
    (
        "fragments and datagrams",
        &[
            "Fragment",
            "Reorder",
            "MixComplete",
            "SplitFragments",
            "SendEmptyFragments",
            "MTU-",
            "DTLSIgnoreBadPackets",
            "SplitAndPack",
            "LargeMessage",
        ],
    ),
    ("key update", &["KeyUpdate", "KeyChange"]),
    ("external keys", &["PSK-"]),
    ("SRTP and exporters", &["SRTP", "ExportKeyingMaterial"]),
    ("certificates refused", &["CertificateVerificationFail"]),
    ("certificates", &["ClientAuth", "Basic-Server", "Certificate", "UnsolicitedCertificate"]),
    (
        "versions",
        &[
            "Version",
            "MinimumVersion",
            "Downgrade",
            "MajorVersion",
            "MinorVersion",
            "NoSupported",
            "Disable",
        ],
    ),
    ("cookies", &["DTLS-HelloVerify", "DTLS13-HelloVerify", "SkipHelloVerify"]),
    ("messages out of form", &["TrailingMessageData", "DuplicateExtension"]),
    (
        "messages out of place",
        &[
            "WrongMessageType",
            "DTLS12-SendExtra",
            "DTLS13-SendExtra",
            "Unencrypted",
            "Unexpected",
            "Unsolicited",
            "StrayChange",
            "BadChange",
            "AppDataBefore",
            "AppDataAfter",
        ],
    ),
    (
        "alerts",
        &["Alert", "DoubleAlert", "SendSplitAlert", "SendWarning", "SendBogus", "ShimSendAlert"],
    ),
    (
        "records",
        &["DTLS13Record", "DTLS-TLS1", "TLS13-", "LargeCipher", "LargePlain", "SendInvalidRecord"],
    ),
    ("resumption", &["Resume", "SessionTickets"]),
];

/// The part of the protocol that the test called `name` is about.
pub(super) fn of(name: &str) -> &'static str {
    let fits = |prefixes: &&[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    THEMES.iter().find(|(_, prefixes)| fits(prefixes)).map_or("others", |(theme, _)| theme)
}

#[cfg(test)]
mod tests {
    use super::of;

    #[rstest::rstest]
    #[case("DTLS-Retransmit-Client-TLS13", "retransmission and ACKs")]
    #[case("UnsolicitedCertificateExtensions-DTLS-TLS12", "certificates")]
    #[case("UnsolicitedServerNameAck-DTLS-TLS12", "messages out of place")]
    #[case("Something", "others")]
    fn names_tell_the_theme(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(of(name), expected);
    }
}
