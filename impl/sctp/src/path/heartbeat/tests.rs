//! Claims about heartbeats.

use super::*;
use crate::path::RttConfig;

const INTERVAL: Duration = Duration::from_secs(30);

fn rtt() -> Rtt {
    Rtt::new(RttConfig {
        initial: Duration::from_secs(1),
        min: Duration::from_millis(400),
        max: Duration::from_mins(1),
    })
}

fn heartbeats() -> Heartbeats {
    let config = HeartbeatConfig {
        interval: Some(INTERVAL),
        path_max_errors: 5,
        association_max_errors: 10,
    };
    Heartbeats::new(config, Rng::from_seed([1; 32]))
}

#[test]
fn an_idle_path_is_asked_after_the_interval_and_a_jittered_timeout() {
    let (mut beats, mut rtt) = (heartbeats(), rtt());
    beats.start(Instant::ZERO, &rtt);
    let due = beats.deadline().unwrap();
    let wait = due.elapsed() - INTERVAL;
    assert!((Duration::from_millis(500)..Duration::from_millis(1_500)).contains(&wait), "{wait:?}");
    beats.handle_timeout(due, &mut rtt);
    let info = beats.poll(due, &rtt).unwrap();
    assert_eq!(beats.poll(due, &rtt), None);
    let info = HeartbeatInfo::from_bytes(&info.to_bytes()).unwrap();
    let answer = due + Duration::from_millis(80);
    assert_eq!(beats.on_ack(answer, info), Some(Duration::from_millis(80)));
    assert_eq!(beats.on_ack(answer, info), None, "an answer counts once");
}

#[test]
fn unanswered_heartbeats_fail_the_path_and_then_the_association() {
    let (mut beats, mut rtt) = (heartbeats(), rtt());
    beats.start(Instant::ZERO, &rtt);
    let mut verdicts = Vec::new();
    while !beats.is_failed() {
        let now = beats.deadline().unwrap();
        beats.handle_timeout(now, &mut rtt);
        assert!(beats.deadline().is_none_or(|next| next > now));
        beats.poll(now, &rtt);
        verdicts.push(beats.is_reachable());
    }
    assert_eq!(beats.errors(), 11);
    assert!(verdicts.contains(&true) && verdicts.contains(&false));
    beats.on_alive();
    assert!(beats.is_reachable() && !beats.is_failed());
}

#[test]
fn traffic_keeps_heartbeats_away() {
    let (mut beats, rtt) = (heartbeats(), rtt());
    beats.start(Instant::ZERO, &rtt);
    for second in 0..100 {
        let now = Instant::ZERO + Duration::from_secs(second);
        beats.on_activity(now, &rtt);
        assert!(beats.deadline().unwrap() > now + INTERVAL);
    }
    beats.stop();
    assert_eq!(beats.deadline(), None);
    beats.request();
    assert!(!beats.is_due());
}

#[test]
fn forged_answers_say_nothing() {
    let (mut beats, rtt) = (heartbeats(), rtt());
    beats.start(Instant::ZERO, &rtt);
    beats.request();
    let info = beats.poll(Instant::ZERO, &rtt).unwrap();
    let forged = HeartbeatInfo { sent_at: u64::MAX, ..info };
    beats.on_error();
    assert_eq!(beats.on_ack(Instant::from_nanos(5), forged), None);
    assert_eq!(beats.errors(), 1);
    assert_eq!(HeartbeatInfo::from_bytes(&[0; 15]), None);
    assert_eq!(HeartbeatInfo::from_bytes(&[0; 17]), None);
}
