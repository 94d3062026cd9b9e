//! The numbers on records of DTLS 1.2.

use wire::dtls::Header;

use super::script::*;

case! {
    id: "dtls.12.records.nonces",
    title: "No sequence number and no nonce of DTLS 1.2 is used twice, retransmissions included",
    reqs: [
        req::DTLS12_SEQUENCE_PER_EPOCH,
        req::DTLS12_RECORD_VERSION,
        req::DTLS12_RECORD_HEADER,
        req::GCM_NONCE_DISTINCT,
        req::GCM_NONCE_IS_SEQUENCE,
        req::GCM_NONCE_PARTS,
        req::TLS12_ORDER_OF_PROTECTION,
        req::TLS12_CCS_SWITCHES,
        req::DTLS12_MAC_SEQUENCE,
        req::TLS12_AEAD_IMPLICIT,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { role: ["client", "server"], disturbed: [true, false] },
    run: nonces,
}

/// Regression: a nonce drawn at random (CVE-2026-26014 in Pion).
fn nonces(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), Version::Dtls12)?;
    if v.flag("disturbed") {
        // It hears nothing at first, so that it repeats itself.
        s.begin(t);
        s.listen(t, 3 * SECOND);
    }
    t.stimulus("a handshake, and much to say");
    if !v.flag("disturbed") {
        s.connect(t)?;
        for _ in 0..500 {
            let sent = s.command(t, |endpoint, now| endpoint.send(now, DATA));
            needed(sent)?;
        }
        s.listen(t, SOON);
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut nonces = std::collections::BTreeSet::new();
    let mut counted = true;
    let mut last = None;
    for heard in &s.peer.log.records {
        let Header::Plain { version, epoch, sequence, .. } = &heard.raw.header else {
            return t.must(req::DTLS12_RECORD_HEADER, false, "a header of 13 bytes", "another");
        };
        let number = (*epoch, *sequence);
        let fresh = seen.insert(number);
        let got = format!("{number:?} after {last:?}");
        t.must(req::DTLS12_SEQUENCE_PER_EPOCH, fresh, "a new number", &got)?;
        let grows = last.is_none_or(|last| number > last);
        t.must(req::TLS12_ORDER_OF_PROTECTION, grows, "a higher number", &got)?;
        last = Some(number);
        let hello = heard.payload.first() == Some(&handshake::CLIENT_HELLO);
        let right = *version == 0xfefd || (hello && *version == 0xfeff);
        t.must(req::DTLS12_RECORD_VERSION, right, "0xfefd", format!("{version:#06x}"))?;
        if *epoch > 0 {
            let [_, _, _, number @ ..] = &heard.raw.head[..] else { continue };
            let explicit = heard.raw.body.get(..8);
            counted &= explicit == number.get(..8);
            let got = format!("{explicit:?}");
            let fresh = nonces.insert(explicit.map(<[u8]>::to_vec));
            t.must(req::GCM_NONCE_DISTINCT, fresh, "a new nonce", got)?;
        }
    }
    t.must(req::DTLS12_RECORD_HEADER, !seen.is_empty(), "records", "none")?;
    if v.flag("disturbed") {
        return Ok(());
    }
    t.may(req::GCM_NONCE_IS_SEQUENCE, counted, "epoch and sequence number", "others")?;
    let switched = seen.iter().any(|(epoch, _)| *epoch == 1);
    for req in [req::TLS12_CCS_SWITCHES, req::DTLS12_MAC_SEQUENCE, req::GCM_NONCE_PARTS] {
        t.must(req, switched, "records of epoch 1", "none")?;
    }
    t.should(req::TLS12_AEAD_IMPLICIT, switched, "records of epoch 1", "none")
}
