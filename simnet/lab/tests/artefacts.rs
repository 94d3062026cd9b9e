//! What a failure leaves behind repeats it.

use std::{fs, path::PathBuf};

use lab::{
    Boxed, Host, Link, Scenario, Segment,
    artefacts::{self, Trouble},
    roles::{Peer, Stun},
};

fn scenario() -> Scenario {
    let mut scenario = Scenario::new("kept");
    scenario.seed = 11;
    scenario.duration = std::time::Duration::from_secs(3);
    scenario.wans.push(Segment::new("wan", "11.0.0.0/8"));
    for (lan, name, other) in [("a", "alice", "bob"), ("b", "bob", "alice")] {
        scenario.lans.push(Segment::new(lan, "192.168.1.0/24"));
        let home = format!("home-{lan}");
        scenario.nats.push(Boxed::new(&home, lan, "wan").preset("linux-masquerade"));
        scenario.hosts.push(Host::new(name, lan, Peer::with(other)));
        scenario.links.push(Link::between(&home, "wan").with("delay", "9ms").with("loss", "2%"));
    }
    scenario.hosts.push(Host::new("stun", "wan", Stun::default()));
    scenario
}

/// A folder that holds nothing that an earlier run of the tests left.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    // There may be none to remove.
    let _ = fs::remove_dir_all(&folder);
    folder
}

#[test]
fn a_kept_run_repeats_itself() {
    let folder = folder("kept");
    let kept = artefacts::keep(&folder, &scenario()).unwrap();
    let again = artefacts::replay(&folder).unwrap();
    assert_eq!(kept, again);
    let named = ["scenario.toml", "hash", "trace.jsonl", "all.pcapng", "ladder.txt", "ladder.svg"];
    for name in named.into_iter().chain(["ladder.mmd", "bindings.txt", "run.html", "outcome.json"])
    {
        assert!(fs::metadata(folder.join(name)).unwrap().len() > 0, "{name} is empty");
    }
}

#[test]
fn another_run_is_noticed() {
    let folder = folder("another");
    let kept = artefacts::keep(&folder, &scenario()).unwrap();
    let path = folder.join(artefacts::SCENARIO);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("seed = 11", "seed = 12")).unwrap();
    match artefacts::replay(&folder) {
        Err(Trouble::Another { wanted, .. }) => assert_eq!(wanted, kept.hash_hex()),
        other => panic!("{other:?}"),
    }
}
