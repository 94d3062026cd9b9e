//! A small cut of the table of fairness: what CI sees of it.

use std::{num::NonZeroUsize, time::Duration};

use sctp::Algorithm;
use simnet::Congestion;
use swarm::fairness::{Discipline, Flow, Kind, Meeting, Plan, run};

#[test]
fn ours_and_a_tcp_flow_both_get_their_share() {
    let flow = |kind| Flow { kind, start: Duration::ZERO };
    let ours = flow(Kind::Sctp(Algorithm::ModelBased));
    let tcp = flow(Kind::Tcp(Congestion::Cubic));
    let at = |queue| Meeting { flows: vec![ours, tcp], queue, rtt: Duration::from_millis(20) };
    let plan = Plan {
        meetings: vec![at(Discipline::DropTail), at(Discipline::Codel)],
        span: Duration::from_secs(4),
        threads: NonZeroUsize::MIN,
    };
    let sheet = run(&plan, &|_| ());
    insta::assert_snapshot!(sheet.table());
    for figure in &sheet.figures {
        assert!(figure.shares.iter().all(|&share| share > 15.0), "{figure:?}");
    }
    assert_eq!(sheet.csv().lines().count(), 3);
    assert!(sheet.svg().starts_with("<svg"));
}
