//! Every target over its corpus, and over seeded inputs made of it and of nothing.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test sets up itself is there, or the test fails"
)]

use std::{fs, path::Path};

use base::Rng;
use peerlab_fuzz::TARGETS;

/// Inputs drawn for each target.
const DRAWN: u64 = 3_000;
/// Inputs drawn for a target that runs long lives of several machines.
const DRAWN_LIVES: u64 = 1_000;
/// Inputs drawn for a target that runs whole worlds, which takes longer.
const DRAWN_WORLDS: u64 = 200;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

#[test]
fn every_target_takes_its_corpus() {
    for (name, target) in TARGETS {
        let inputs = corpus(name);
        assert!(!inputs.is_empty(), "{name} has no corpus");
        inputs.iter().for_each(|input| target(input));
    }
}

#[test]
fn every_target_takes_what_is_drawn() {
    for (name, target) in TARGETS {
        let inputs = corpus(name);
        let rng = Rng::from_seed([9; 32]).fork(name);
        let drawn = match *name {
            "worlds" => DRAWN_WORLDS,
            "ice_commands" | "turn_commands" | "sctp_commands" => DRAWN_LIVES,
            _ => DRAWN,
        };
        for nth in 0..drawn {
            let mut rng = rng.fork_numbered("input", nth);
            target(&draw(&mut rng, &inputs));
        }
    }
}

fn below(rng: &mut Rng, bound: usize) -> usize {
    usize::try_from(rng.public_below(bound as u64)).unwrap()
}

/// Something of the corpus with some bytes changed, cut out or put in; or noise.
fn draw(rng: &mut Rng, inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut input = match below(rng, 4) {
        0 => {
            let mut noise = vec![0; below(rng, 600)];
            rng.fill_public(&mut noise);
            noise
        }
        _ => inputs[below(rng, inputs.len())].clone(),
    };
    for _ in 0..below(rng, 6) {
        if input.is_empty() {
            break;
        }
        let at = below(rng, input.len());
        match below(rng, 4) {
            0 => input[at] = rng.public_array::<1>()[0],
            1 => input[at] ^= 1 << below(rng, 8),
            2 => {
                input.remove(at);
            }
            _ => input.insert(at, rng.public_array::<1>()[0]),
        }
    }
    input
}
