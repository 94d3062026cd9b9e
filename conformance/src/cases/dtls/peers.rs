//! Who an endpoint shows itself to be: RFC 8122 §6.2, RFC 8446 §4.4.

use super::script::*;

case! {
    id: "dtls.cert.presented",
    title: "Both sides present a certificate and prove that they have its key",
    reqs: [
        req::FP_SERVER_PRESENTS,
        req::FP_CLIENT_PRESENTS,
        req::FP_SERVER_REQUESTS,
        req::FP_HASH_OF_DER,
        req::TLS13_SERVER_CERTIFICATE,
        req::TLS13_SERVER_VERIFY,
        req::TLS13_CLIENT_VERIFY,
        req::TLS13_CLIENT_CERTIFICATE,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { role: ["client", "server"], version: ["1.2", "1.3"] },
    run: presented,
}

fn presented(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), version(v))?;
    t.stimulus("a peer that keeps to the rules");
    s.connect(t)?;
    let own = s.command(t, |endpoint, _| endpoint.certificate());
    let shown = s.peer.negotiated.certificates.first() == Some(&own);
    let proved = s.peer.negotiated.is_proved;
    let is13 = version(v) == Version::Dtls13;
    t.must(req::FP_HASH_OF_DER, shown, "its certificate", "another")?;
    match role(v) {
        DtlsRole::Client => {
            t.must(req::FP_CLIENT_PRESENTS, shown && proved, "its certificate", "none")?;
            if is13 {
                t.must(req::TLS13_CLIENT_CERTIFICATE, shown, "Certificate", "none")?;
                t.must(req::TLS13_CLIENT_VERIFY, proved, "CertificateVerify", "none")?;
            }
        }
        DtlsRole::Server => {
            let asked = s.peer.log.last(handshake::CERTIFICATE_REQUEST).is_some();
            t.must(req::FP_SERVER_REQUESTS, asked, "CertificateRequest", "none")?;
            t.must(req::FP_SERVER_PRESENTS, shown && proved, "its certificate", "none")?;
            if is13 {
                t.must(req::TLS13_SERVER_CERTIFICATE, shown, "Certificate", "none")?;
                t.must(req::TLS13_SERVER_VERIFY, proved, "CertificateVerify", "none")?;
            }
        }
    }
    Ok(())
}
