//! Texts of candidates, good and bad.

use rstest::rstest;

use super::*;

fn parsed(text: &str) -> Result<Candidate, CandidateError> {
    text.parse()
}

#[rstest]
#[case::rfc_8839("2 1 udp 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998")]
#[case::v6("1 1 udp 2130706431 fe80::6676:baff:fe9c:ee4a 8998 typ host")]
#[case::name("9b36eaac 1 udp 2122262783 0f1c7ad2-5a51-4b92-9d25-4e0a3a0f7f5e.local 57196 typ host")]
#[case::hidden("x+/ 256 udp 1 192.0.2.3 1 typ relay raddr 0.0.0.0 rport 9")]
#[case::port_zero("1 1 udp 1 192.0.2.3 1 typ srflx raddr 0.0.0.0 rport 0")]
#[case::passive("1 1 tcp 1518149375 192.0.2.3 50000 typ host tcptype passive")]
#[case::so("1 1 tcp 7 192.0.2.3 1 typ prflx raddr 10.0.0.1 rport 2 tcptype so network-id 3")]
#[case::browser("1 1 udp 1 192.0.2.3 1 typ host generation 0 network-cost 999 ufrag 8hhY")]
#[case::empty_value("1 1 udp 1 192.0.2.3 1 typ host silent ")]
#[case::limits("1 1 udp 2147483647 192.0.2.3 65535 typ host")]
fn what_is_written_is_read_again(#[case] value: &str) {
    let candidate = parsed(value).unwrap();
    assert_eq!(candidate.to_string(), format!("candidate:{value}"));
    assert_eq!(parsed(&format!("a=candidate:{value}")), Ok(candidate.clone()));
    assert_eq!(parsed(&candidate.to_string()), Ok(candidate));
}

#[test]
fn words_of_the_grammar_may_have_any_case() {
    let candidate = parsed("1 1 TCP 1 192.0.2.3 9 typ HOST tcptype Active").unwrap();
    assert_eq!(candidate.to_string(), "candidate:1 1 tcp 1 192.0.2.3 9 typ host tcptype active");
}

#[test]
fn related_address_is_kept_as_it_stands_and_hidden_when_there_is_none() {
    let mut candidate =
        parsed("1 1 udp 1 2001:db8::1 1 typ srflx raddr 2001:db8::2 rport 3").unwrap();
    assert_eq!(candidate.related, Some("[2001:db8::2]:3".parse().unwrap()));
    candidate.related = None;
    assert!(candidate.to_string().ends_with("typ srflx raddr :: rport 9"), "{candidate}");
}

#[rstest]
#[case::name("raddr peer.local rport 3")]
#[case::zone("raddr fe80::1%eth0 rport 3")]
#[case::without_port("raddr 192.0.2.1")]
#[case::without_address("rport 3")]
#[case::missing("")]
fn unreadable_related_address_is_no_reason_to_refuse(#[case] related: &str) {
    let text = format!("1 1 udp 1 192.0.2.3 1 typ srflx {related} generation 0");
    let text = text.replace("  ", " ");
    let candidate = parsed(&text).unwrap();
    assert_eq!((candidate.related, candidate.extensions.len()), (None, 1));
}

#[test]
fn related_address_of_a_host_candidate_is_ignored() {
    let candidate = parsed("1 1 udp 1 192.0.2.3 1 typ host raddr 10.0.0.1 rport 2").unwrap();
    assert_eq!(candidate.related, None);
    assert_eq!(candidate.to_string(), "candidate:1 1 udp 1 192.0.2.3 1 typ host");
}

#[rstest]
#[case::empty("", "no foundation at character 0")]
#[case::prefix_alone("candidate:", "no foundation at character 10")]
#[case::foundation("a-b 1 udp 1 192.0.2.3 1 typ host", "bad foundation at character 0")]
#[case::component_zero("1 0 udp 1 192.0.2.3 1 typ host", "bad component at character 2")]
#[case::component_high("1 257 udp 1 192.0.2.3 1 typ host", "bad component at character 2")]
#[case::component_long("1 0001 udp 1 192.0.2.3 1 typ host", "bad component at character 2")]
#[case::component_sign("1 +1 udp 1 192.0.2.3 1 typ host", "bad component at character 2")]
#[case::priority_zero("1 1 udp 0 192.0.2.3 1 typ host", "bad priority at character 8")]
#[case::priority_high("1 1 udp 2147483648 192.0.2.3 1 typ host", "bad priority at character 8")]
#[case::zone("1 1 udp 1 fe80::1%eth0 1 typ host", "bad address at character 10")]
#[case::five_numbers("1 1 udp 1 1.2.3.4.5 1 typ host", "bad address at character 10")]
#[case::big_number("1 1 udp 1 256.2.3.4 1 typ host", "bad address at character 10")]
#[case::name("1 1 udp 1 a..local 1 typ host", "bad address at character 10")]
#[case::hyphen("1 1 udp 1 -a.local 1 typ host", "bad address at character 10")]
#[case::brackets("1 1 udp 1 [::1] 1 typ host", "bad address at character 10")]
#[case::port_zero("1 1 udp 1 192.0.2.3 0 typ host", "bad port at character 20")]
#[case::port_high("1 1 udp 1 192.0.2.3 65536 typ host", "bad port at character 20")]
#[case::no_port("1 1 udp 1 192.0.2.3", "no port at character 19")]
#[case::no_type("1 1 udp 1 192.0.2.3 1", "no type at character 21")]
#[case::other_word("1 1 udp 1 192.0.2.3 1 type host", "no type at character 22")]
#[case::two_spaces("1  1 udp 1 192.0.2.3 1 typ host", "bad component at character 2")]
#[case::no_tcptype("1 1 tcp 1 192.0.2.3 1 typ host", "no tcptype at character 26")]
#[case::tcptype("1 1 tcp 1 192.0.2.3 1 typ host tcptype x", "bad tcptype at character 31")]
#[case::half("1 1 udp 1 192.0.2.3 1 typ host generation", "bad extension at character 31")]
#[case::line_break("1 1 udp 1 192.0.2.3 1 typ host a b\r\n", "bad extension at character 31")]
#[case::ufrag("1 1 udp 1 192.0.2.3 1 typ host ufrag abc", "bad ufrag at character 31")]
#[case::rport("1 1 udp 1 192.0.2.3 1 typ srflx raddr ::1 rport 65536", "bad port at character 48")]
fn refuses(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(parsed(text).unwrap_err().to_string(), expected);
}

#[rstest]
#[case::transport("1 1 sctp 1 192.0.2.3 1 typ host", "unknown transport")]
#[case::kind("1 1 udp 1 192.0.2.3 1 typ tunnel", "unknown type")]
fn what_is_not_known_is_told_from_what_is_wrong(#[case] text: &str, #[case] expected: &str) {
    let error = parsed(text).unwrap_err();
    assert!(matches!(error, CandidateError::Unsupported(_)));
    assert_eq!(error.to_string(), expected);
}

#[test]
fn domain_names_are_read_and_told_from_multicast_names() {
    let candidate = parsed("1 1 udp 1 relay.example.com 1 typ host").unwrap();
    assert_eq!(candidate.address.name(), Some("relay.example.com"));
    assert!(!candidate.address.is_mdns());
}

#[test]
fn length_and_extensions_are_bounded() {
    let many: String = (0..100).map(|n| format!(" x{n} 1")).collect();
    let candidate = parsed(&format!("1 1 udp 1 192.0.2.3 1 typ host{many}")).unwrap();
    assert_eq!(candidate.extensions.len(), MAX_EXTENSIONS);
    let long = format!("1 1 udp 1 192.0.2.3 1 typ host x {}", "y".repeat(MAX_LINE));
    assert_eq!(parsed(&long), Err(CandidateError::TooLong));
}

#[test]
fn longest_fields_fit_into_a_line() {
    let label = "a".repeat(63);
    let name = format!("{label}.{label}.{label}.{}", "a".repeat(61));
    let (foundation, ufrag) = ("f".repeat(32), "u".repeat(256));
    let text = format!("{foundation} 256 udp 2147483647 {name} 65535 typ host ufrag {ufrag}");
    assert!(parsed(&text).is_ok());
}

#[test]
fn no_cut_or_changed_text_panics() {
    let text =
        "candidate:1 1 tcp 7 192.0.2.3 9 typ srflx raddr 10.0.0.1 rport 2 tcptype so ufrag 8hhY";
    for at in 0..text.len() {
        let _ = parsed(&text[..at]);
        for with in [" ", "\0", "é", "0", "-1", ":"] {
            let changed = format!("{}{with}{}", &text[..at], &text[at + 1..]);
            if let Ok(candidate) = parsed(&changed) {
                let again = parsed(&candidate.to_string()).unwrap();
                assert_eq!(again.to_string(), candidate.to_string(), "{changed}");
            }
        }
    }
}
