//! Restarts: RFC 8445 §9, RFC 8839 §4.4.

use super::script::*;

case! {
    id: "ice.restart.credentials",
    title: "A restart draws both username fragment and password anew, ten times in a row as well",
    reqs: [
        req::ICE_RESTART_CHANGES_BOTH_CREDENTIALS,
        req::ICE_SDP_RESTART_CHANGES_BOTH,
        req::ICE_SDP_CREDENTIALS_RANDOM,
        req::ICE_MAY_RESTART,
        req::ICE_SDP_MAY_RESTART,
    ],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceRestart],
    variants: product! { when: ["new", "checking", "connected"] },
    run: credentials,
}

fn credentials(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        setup.introduced = v.text("when") != "new";
        setup.told = u8::from(setup.introduced);
    })?;
    if v.text("when") == "connected" {
        stage.connect(t)?;
    }
    let mut seen = vec![stage.command(t, |agent, _| agent.parameters())];
    for _ in 0..10 {
        let outcome = stage.command(t, |agent, now| agent.restart(now));
        let (fine, text) = (outcome.is_ok(), format!("{outcome:?}"));
        t.may(req::ICE_MAY_RESTART, fine, "a restart", &text)?;
        t.may(req::ICE_SDP_MAY_RESTART, fine, "a restart", &text)?;
        needed(outcome)?;
        t.stimulus("a restart");
        let now = stage.command(t, |agent, _| agent.parameters());
        let fresh = seen.iter().all(|old| old.ufrag != now.ufrag && old.pwd != now.pwd);
        for req in [
            req::ICE_RESTART_CHANGES_BOTH_CREDENTIALS,
            req::ICE_SDP_RESTART_CHANGES_BOTH,
            req::ICE_SDP_CREDENTIALS_RANDOM,
        ] {
            t.must(req, fresh, "values never seen before", format_args!("{now:?}"))?;
        }
        seen.push(now);
    }
    stage.restarted(t)?;
    stage.connect(t)
}

impl IceStage {
    /// Takes over the agent's new credentials and gives it new ones.
    pub(super) fn restarted(&mut self, t: &mut Ctl<'_>) -> Outcome {
        let parameters = self.command(t, |agent, _| agent.parameters());
        self.agent = Side::new(&parameters.ufrag, &parameters.pwd);
        self.me = restarted_side();
        self.introduce(t)?;
        self.tell(t, 0)
    }
}

case! {
    id: "ice.restart.data",
    title: "During a restart data goes on over the old pair, whose consent is still checked",
    reqs: [
        req::ICE_RESTART_DATA_GOES_ON,
        req::ICE_SDP_RESTART_KEEPS_SELECTED_PAIR,
        req::CONSENT_DURING_RESTART,
    ],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceRestart, Cap::IceConsent],
    variants: product! { role: ["controlling", "controlled"] },
    no_reference: "no other stack at hand passes yet",
    run: data,
}

fn data(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, role(v))?;
    stage.connect(t)?;
    needed(stage.command(t, |agent, now| agent.restart(now)))?;
    for _ in 0..3 {
        let arrived = stage.data_arrives_in(t, DATA);
        for req in [req::ICE_RESTART_DATA_GOES_ON, req::ICE_SDP_RESTART_KEEPS_SELECTED_PAIR] {
            t.must(req, arrived == Some(0), "data over the old pair", format_args!("{arrived:?}"))?;
        }
        let asked = stage.serve(t, 7 * SECOND);
        let old = username(&stage.me, &stage.agent);
        let consent =
            asked.iter().any(|heard| heard.message.text(attribute::USERNAME) == Some(&old));
        let text = format!("{} checks", asked.len());
        t.must(req::CONSENT_DURING_RESTART, consent, "a check with the old names", text)?;
    }
    Ok(())
}

case! {
    id: "ice.restart.completes",
    title: "After a restart the roles are the same, new credentials count, and the old ones do not",
    reqs: [
        req::ICE_RESTART_KEEPS_ROLES,
        req::ICE_USERNAME_FIRST_HALF,
        req::ICE_SDP_RESTART_BEGINS_ANEW,
        req::ICE_CHECK_SHORT_TERM_CREDENTIAL,
    ],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceRestart],
    variants: product! { role: ["controlling", "controlled"], times: [1, 3] },
    run: completes,
}

fn completes(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, role(v))?;
    stage.connect(t)?;
    let former = stage.agent.clone();
    for _ in 0..v.number("times") {
        needed(stage.command(t, |agent, now| agent.restart(now)))?;
    }
    stage.restarted(t)?;
    let _ = stage.events(t);
    let name = username(&stage.me, &stage.agent);
    let asked = stage.serve(t, 2 * SECOND);
    let renewed = asked.iter().any(|heard| heard.message.text(attribute::USERNAME) == Some(&name));
    let text = format!("{} checks", asked.len());
    t.must(req::ICE_SDP_RESTART_BEGINS_ANEW, renewed, "a check with the new names", text)?;
    stage.connect(t)?;
    if stage.role == Role::Controlling {
        let nomination = stage.nomination(t);
        stage.send(t, 0, &nomination);
    }
    let asked = stage.serve(t, 20 * SECOND);
    let now = stage.command(t, |agent, _| agent.role());
    t.must(req::ICE_RESTART_KEEPS_ROLES, now == role(v), "the same role", format_args!("{now:?}"))?;
    let late = asked.iter().filter(|heard| heard.at + 10 * SECOND > t.now());
    let stale = late.filter(|heard| heard.message.text(attribute::USERNAME) != Some(&name)).count();
    let req = req::ICE_CHECK_SHORT_TERM_CREDENTIAL;
    t.must(req, stale == 0, "new names only", format_args!("{stale} checks with others"))?;
    let bare = former.bare_check(
        &suite_side(),
        IceStage::id(t),
        stage.role.attribute(stage.tie_breaker),
        PEER_PRIORITY,
    );
    let heard = stage.ask(t, 0, &former.protect(bare));
    let success = heard.as_ref().is_some_and(|heard| heard.message.class() == Class::Success);
    t.must(req::ICE_USERNAME_FIRST_HALF, !success, "no success for old names", "a success response")
}
