//! Redirection at the client: RFC 8489 §10, §14.8.

use super::script::*;

/// A client that follows redirections, with short-term credentials.
fn client(t: &mut Ctl<'_>) -> Result<ClientStage, Stop> {
    ClientStage::open(t, |config| {
        config.alternate_server = true;
        config.authentication = Authentication::ShortTerm(short_term());
        config.integrity = Some(Integrity::Sha256);
    })
}

/// A protected 300 that names `server`.
fn redirection(sent: &Sent, server: Option<SocketAddr>) -> Message {
    Message::error(sent.message.transaction, 300, "Try Alternate")
        .with_all(server.map(Attribute::alternate_server))
        .with(Attribute::integrity_sha256(&short_term_key()))
}

case! {
    id: "stun.client.alternate.follows",
    title: "A redirected client asks the other server, with the same credentials",
    reqs: [req::STUN_CLIENT_FOLLOWS_ALTERNATE_SERVER, req::STUN_ALTERNATE_SERVER_SAME_CREDENTIALS],
    kind: SubjectKind::StunClient,
    needs: [Cap::AlternateServer, Cap::ShortTerm],
    no_reference: "no other stack at hand follows redirections",
    run: follows,
}

fn follows(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = client(t)?;
    stage.start(t)?;
    let first = stage.expect(t, SECOND, "a request")?;
    stage.reply(t, &redirection(&first, Some(stage.second_server())));
    let second = stage.next(t, SECOND);
    let went = second.as_ref().map(|sent| sent.to);
    let wanted = stage.second_server();
    let req = req::STUN_CLIENT_FOLLOWS_ALTERNATE_SERVER;
    t.must(req, went == Some(wanted), wanted, format_args!("{went:?}"))?;
    let second = t.expect(second, "a second request")?;
    let same = second.message.text(attribute::USERNAME) == Some(short_term().username.as_str())
        && protection(&second.message, &short_term_key()) == Check::Good;
    let text = "the same user and a right tag";
    t.must(req::STUN_ALTERNATE_SERVER_SAME_CREDENTIALS, same, text, &second.message)?;
    stage.reply(t, &stage.success_for(&second));
    let told = stage.event(t, SECOND);
    let fine = matches!(told, Some(ClientEvent::Success { .. }));
    t.must(req, fine, "success", format_args!("{told:?}"))
}

case! {
    id: "stun.client.alternate.refuses",
    title: "A redirection without an address, or without a right tag, is not followed",
    reqs: [req::STUN_300_VALIDATED, req::STUN_CLIENT_FOLLOWS_ALTERNATE_SERVER],
    kind: SubjectKind::StunClient,
    needs: [Cap::AlternateServer, Cap::ShortTerm],
    variants: product! { fault: ["no address", "no tag", "wrong tag", "address after tag"] },
    no_reference: "no other stack at hand follows redirections",
    run: refuses,
}

fn refuses(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = client(t)?;
    stage.start(t)?;
    let first = stage.expect(t, SECOND, "a request")?;
    let mut response = redirection(&first, Some(stage.second_server()));
    let mut req = req::STUN_300_VALIDATED;
    match v.text("fault") {
        "no address" => {
            response = redirection(&first, None);
            req = req::STUN_CLIENT_FOLLOWS_ALTERNATE_SERVER;
        }
        "no tag" => {
            response.attributes.pop();
        }
        "wrong tag" => {
            if let Some(tag) = response.attributes.last_mut() {
                tag.octets = F::Xor(vec![1]);
            }
        }
        _ => {
            let late = Attribute::alternate_server(stage.second_server());
            response = redirection(&first, None).with(late);
        }
    }
    stage.reply(t, &response);
    stage.wait(t, 60 * SECOND);
    let strayed = stage.take_sent(t).iter().any(|one| one.destination == stage.second_server());
    t.must(req, !strayed, "nothing to the other server", strayed)
}

case! {
    id: "stun.client.alternate.loop",
    title: "A client is not sent round in circles",
    reqs: [req::STUN_REDIRECTION_LOOP],
    kind: SubjectKind::StunClient,
    needs: [Cap::AlternateServer, Cap::ShortTerm],
    variants: product! { back_to: ["itself", "the first"] },
    no_reference: "no other stack at hand follows redirections",
    run: redirection_loop,
}

fn redirection_loop(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = client(t)?;
    stage.start(t)?;
    let mut sent = stage.expect(t, SECOND, "a request")?;
    let first = sent.to;
    let mut requests = 1;
    while requests < 10 {
        let target = match v.text("back_to") {
            "itself" => sent.to,
            _ if sent.to == first => stage.second_server(),
            _ => first,
        };
        stage.reply_from(t, sent.to, &redirection(&sent, Some(target)).encode());
        let Some(next) = stage.next(t, SECOND) else { break };
        sent = next;
        requests += 1;
    }
    let limit = if v.text("back_to") == "itself" { 1 } else { 2 };
    let text = format!("{limit} requests at most");
    t.must(req::STUN_REDIRECTION_LOOP, requests <= limit, text, requests)?;
    let told = stage.event(t, 60 * SECOND);
    let failed = matches!(told, Some(ClientEvent::Error { .. } | ClientEvent::Failed { .. }));
    t.must(req::STUN_REDIRECTION_LOOP, failed, "failure", format_args!("{told:?}"))
}
