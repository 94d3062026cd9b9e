//! Links in files: what may be written, and what is refused.

use rstest::rstest;
use simnet::{
    Codel, Jitter, Link, Loss, Piecewise, Queue, QueueLimit, Rate, RateStep, TokenBucket,
};

use super::pair::ms;

fn read(text: &str) -> Link {
    let link: Link = toml::from_str(text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(link.check(), Ok(()));
    link
}

#[test]
fn a_file_says_what_the_code_says() {
    let link = read(
        r#"
        rate = "5Mbps"
        overhead = 38
        delay = "12ms"
        queue = { fq-codel = {} }
        loss = { gilbert-elliott = { p = "2%", r = 0.5, h = 0.25, k = 1 } }
        jitter = { nr-bpdv = { std = "5ms", n-std = 3 } }
        duplicate = "0.1%"
        mtu = 1492
        "#,
    );
    let loss =
        Loss::GilbertElliott { to_bad: 0.02, to_good: 0.5, lost_in_bad: 0.75, lost_in_good: 0.0 };
    let expected = Link::delayed(ms(12))
        .rate(5_000_000)
        .overhead(38)
        .queue(Queue::fq_codel())
        .loss(loss)
        .jitter(Jitter::ordered(ms(5)))
        .duplicating(0.001)
        .mtu(1_492);
    assert_eq!(link, expected);
}

#[rstest]
#[case(r#"queue = "300ms""#, Link::perfect().queue(QueueLimit::time(ms(300))))]
#[case(r#"queue = { droptail = "64KiB" }"#, Link::perfect().queue(QueueLimit::bytes(65_536)))]
#[case(r#"queue = { drophead = "9 packets" }"#,
    Link::perfect().queue(Queue::DropHead(QueueLimit::packets(9))))]
#[case(r#"queue = "codel""#, Link::perfect().queue(Queue::codel()))]
#[case(r#"queue = { codel = { target = "15ms", ecn = true } }"#,
    Link::perfect().queue(Codel { target: ms(15), ecn: true, ..Codel::default() }))]
#[case(r#"queue = "dualpi2""#, Link::perfect().queue(Queue::dualpi2()))]
#[case(r#"loss = "1%""#, Link::perfect().loss(Loss::random(0.01)))]
#[case("loss = 0.25", Link::perfect().loss(Loss::random(0.25)))]
#[case(r#"loss = { bursts = { rate = "5%", length = 4 } }"#,
    Link::perfect().loss(Loss::bursts(0.05, 4.0)))]
#[case("losing = [1, 5]", Link::perfect().losing([1, 5]))]
#[case("losing = [5, 1]", Link::perfect().losing([1, 5]))]
#[case(r#"rate = "unlimited""#, Link::perfect())]
#[case(r#"rate = { token-bucket = { rate = "5Mbps", burst = "32KiB" } }"#,
    Link::perfect().paced(Rate::TokenBucket(Box::new(TokenBucket::new(5_000_000, 32_768)))))]
#[case(r#"policer = { rate = "5Mbps", burst = "32KiB" }"#,
    Link::perfect().policed(TokenBucket::new(5_000_000, 32_768)))]
#[case(r#"pmtu = { mtu = 1400, icmp = false }"#, Link::perfect().path_mtu(1_400, false))]
#[case("", Link::perfect())]
fn short_forms_are_understood(#[case] text: &str, #[case] expected: Link) {
    assert_eq!(read(text), expected);
}

#[test]
fn a_table_of_rates_is_a_table() {
    let link = read(
        r#"
        [rate.piecewise]
        repeat = "100s"
        steps = [{ at = "0s", rate = "1Mbps" }, { at = "40s", rate = "2500kbps" }]
        "#,
    );
    let steps =
        [(0, 1_000_000), (40_000, 2_500_000)].map(|(at, rate)| RateStep { at: ms(at), rate });
    let table = Piecewise { steps: steps.to_vec(), repeat: Some(ms(100_000)) };
    assert_eq!(link, Link::perfect().paced(Rate::Piecewise(Box::new(table))));
}

#[rstest]
#[case(r#"rate = "-5Mbps""#, "`-5Mbps` is negative: a rate is a number of bps, kbps, Mbps or Gbps")]
#[case("rate = 5", "`5` is not enough: a rate is text such as \"5Mbps\"")]
#[case(r#"rate = { fixed = 5 }"#, "unknown variant `fixed`, expected one of `piecewise`")]
#[case(r#"delay = "12""#, "`12` has no unit: a duration is")]
#[case(r#"loss = "101%""#, "`101%` is too large: a fraction is")]
#[case("loss = -0.5", "`-0.5` is negative: a fraction is")]
#[case(r#"queue = "fq-cobalt""#, "`fq-cobalt` is no queue limit")]
#[case(
    r#"queue = { codel = { targt = "5ms" } }"#,
    "unknown field `targt`, expected one of `target`"
)]
#[case(r#"jitter = { bpdv = {} }"#, "unknown variant `bpdv`, expected one of `none`, `rbpdv`")]
#[case(r#"rates = "5Mbps""#, "unknown field `rates`, expected one of `rate`")]
#[case(r#"rate = { trace = "5\n3\n" }"#, "line 2 of the delivery trace is earlier")]
#[case(r#"loss = { trace = "0121" }"#, "not `2`")]
fn mistakes_are_named(#[case] text: &str, #[case] words: &str) {
    let error = toml::from_str::<Link>(text).expect_err("it is wrong").to_string();
    assert!(error.contains(words), "{error}");
}

#[rstest]
#[case(r#"rate = "0bps""#, "a rate is more than 0")]
#[case(
    r#"rate = { piecewise = { steps = [{ at = "1s", rate = "1Mbps" }] } }"#,
    "a table of rates begins at 0"
)]
#[case(r#"policer = { rate = "1Mbps", burst = "20B" }"#, "a token bucket holds at least 68 bytes")]
#[case(r#"queue = { codel = { target = "0s" } }"#, "the times of a queue discipline")]
#[case(r#"queue = { fq = { quantum = 0 } }"#, "flow queueing needs")]
#[case(r#"gaps = { when = { periodic = { every = "1s", length = "1s" } } }"#, "a gap is shorter")]
#[case(r#"loss = { markov = { p13 = 0.9, p31 = 0.2, p14 = 0.2 } }"#, "a probability lies")]
#[case(r#"jitter = { normal = { std = "1ms", correlation = 1.5 } }"#, "a correlation lies")]
#[case("mtu = 60", "IPv4 needs an MTU")]
#[case(r#"queue = { pie = { update = "1ns" } }"#, "at least 100us")]
#[case(r#"queue = { dualpi2 = { update = "99us" } }"#, "at least 100us")]
#[case(r#"gaps = { when = { periodic = { every = "2ns", length = "1ns" } } }"#, "at least 100us")]
#[case(r#"spikes = { random = { every = "1ns", length = "0s", extra = "1s" } }"#, "at least 100us")]
#[case(
    r#"rate = { piecewise = { repeat = "1ns", steps = [{ at = "0s", rate = "1Mbps" }] } }"#,
    "at least 100us"
)]
fn nonsense_is_found(#[case] text: &str, #[case] words: &str) {
    let link: Link = toml::from_str(text).expect("it can be read");
    let complaint = link.check().expect_err("it makes no sense");
    assert!(complaint.contains(words), "{complaint}");
}
