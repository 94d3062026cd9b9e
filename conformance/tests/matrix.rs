//! ICE agents of other stacks in the NAT matrix of the laboratory.

use std::num::NonZeroUsize;

use conformance::subjects;
use lab::matrix::{self, Contender, Family, Help, Plan};

#[rstest::rstest]
#[case("is")]
#[case("rtc-ice")]
fn an_agent_of_another_stack_gets_through_cones_and_not_through_two_symmetric_nats(
    #[case] name: &str,
) {
    let subject = subjects::all().into_iter().find(|subject| subject.name() == name).unwrap();
    let factory = subjects::endpoint::factory(subject);
    let contender = Contender { name: name.to_owned(), factory: Some(factory.unwrap()) };
    let plan = Plan {
        nats: matrix::entries(["classic-full-cone", "classic-symmetric"]).unwrap(),
        families: vec![Family::Ipv4],
        helps: vec![Help::Stun],
        seed: 1,
        threads: NonZeroUsize::MIN,
    };
    let done = matrix::run_with(&plan, &contender, &|_| {});
    let figures = done.sheets.first().unwrap().figures();
    assert_eq!((figures.direct, figures.pairs), (3, 4));
}

#[test]
fn a_subject_without_an_ice_agent_makes_no_endpoints() {
    let all = subjects::all();
    let codec = all.iter().find(|subject| subject.name() == "rtc-stun").unwrap();
    assert!(subjects::endpoint::factory(*codec).is_none());
}
