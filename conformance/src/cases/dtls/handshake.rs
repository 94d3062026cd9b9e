//! Handshakes that end well.

use super::script::*;

case! {
    id: "dtls.handshake.completes",
    title: "A handshake as WebRTC has it ends well on both sides, and data passes",
    reqs: [
        req::DTLS12_FLIGHTS,
        req::DTLS12_FINISHED_AS_ONE_FRAGMENT,
        req::DTLS12_EPOCH_COUNTS_CIPHER_CHANGES,
        req::DTLS12_MESSAGE_SEQ_FROM_ZERO,
        req::EMS_DERIVATION,
        req::DTLS13_LABEL_PREFIX,
        req::DTLS13_FLIGHT_OF_CLIENT,
        req::DTLS13_FLIGHT_OF_SERVER,
        req::DTLS13_CERTIFICATE_VERIFY_CONTEXT,
        req::DTLS13_TRANSCRIPT_WITHOUT_DTLS_FIELDS,
        req::DTLS13_MESSAGE_SEQ_FROM_ZERO,
        req::DTLS13_EPOCH_VALUES,
        req::DTLSSRTP_EXPORTER,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        role: ["client", "server"],
        version: ["1.2", "1.3"],
    },
    run: completes,
}

fn completes(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let version = version(v);
    let mut s = DtlsStage::open(t, role(v), version)?;
    s.begin(t);
    t.stimulus("a peer that keeps to the rules");
    let done = s.completes(t, LONG);
    let log = &s.peer.log;
    let got = format!("{} {:?} {:?}", log.faults.join("; "), log.alerts, log.unread.len());
    let data = done && s.data_passes(t);
    let epochs: Vec<u64> = s.peer.log.data.iter().map(|(epoch, _)| *epoch).collect();
    let proved = s.peer.negotiated.is_proved;
    let first = s.peer.log.messages.first().map(|message| message.seq);
    match version {
        Version::Dtls12 => {
            t.must(req::DTLS12_FLIGHTS, done, "a handshake that ends well", &got)?;
            t.must(req::DTLS12_FINISHED_AS_ONE_FRAGMENT, s.peer.is_connected(), "Finished", &got)?;
            t.must(req::DTLS12_MESSAGE_SEQ_FROM_ZERO, first == Some(0), "0", format!("{first:?}"))?;
            let ems = s.peer.negotiated.extended_master_secret;
            t.must(req::EMS_DERIVATION, ems && data, "keys of the extended master secret", &got)?;
            let right = data && epochs.iter().all(|epoch| *epoch == 1);
            let seen = format!("{epochs:?}");
            t.must(req::DTLS12_EPOCH_COUNTS_CIPHER_CHANGES, right, "data in epoch 1", seen)?;
        }
        Version::Dtls13 => {
            let flight = match role(v) {
                DtlsRole::Client => req::DTLS13_FLIGHT_OF_CLIENT,
                DtlsRole::Server => req::DTLS13_FLIGHT_OF_SERVER,
            };
            t.must(flight, done, "a handshake that ends well", &got)?;
            t.must(req::DTLS13_LABEL_PREFIX, data, "data under the keys of both", &got)?;
            t.must(req::DTLS13_CERTIFICATE_VERIFY_CONTEXT, proved, "a right signature", &got)?;
            let finished = s.peer.is_connected();
            t.must(req::DTLS13_TRANSCRIPT_WITHOUT_DTLS_FIELDS, finished, "Finished", &got)?;
            t.must(req::DTLS13_MESSAGE_SEQ_FROM_ZERO, first == Some(0), "0", format!("{first:?}"))?;
            let right = epochs.iter().all(|epoch| *epoch == 3);
            t.must(req::DTLS13_EPOCH_VALUES, right, "data in epoch 3", format!("{epochs:?}"))?;
        }
    }
    let Some((profile, keys)) = s.srtp_keys(t) else {
        return t.must(req::DTLSSRTP_EXPORTER, false, "keys for SRTP", "none");
    };
    let expected = s.peer.export(SRTP_LABEL, None, keys.len()).unwrap_or_default();
    let right = keys == expected && s.peer.negotiated.srtp == Some(profile);
    t.must(req::DTLSSRTP_EXPORTER, right, "the keys that the suite exports", "others")
}
