//! Bad input: what is wrong, where, and what to do about it.

use insta::assert_snapshot;
use lab::Scenario;

/// A scenario that fits, to be broken in one place.
const WHOLE: &str = r#"version = 1
name = "whole"
seed = 7
duration = "10s"

[wan]
prefixes = ["11.0.0.0/8"]

[[lan]]
name = "home"
prefixes = ["192.168.1.0/24"]

[[nat]]
name = "box"
inside = "home"
outside = "wan"
preset = "linux-masquerade"

[[host]]
name = "alice"
attach = "home"
addrs = ["192.168.1.20"]
role = { flow = { to = "server" } }

[[host]]
name = "server"
attach = "wan"
addrs = ["11.0.0.3"]
role = "sink"

[[link]]
between = ["box", "wan"]
up = { rate = "5Mbps" }
delay = "12ms"

[[at]]
t = "2s"
do = { link-down = "alice.eth0" }

[expect]
loss-at-most = "1%"
"#;

fn problems(text: &str) -> String {
    match Scenario::parse(text) {
        Ok(_) => "nothing is wrong".to_owned(),
        Err(problems) => problems.to_string(),
    }
}

fn broken(from: &str, to: &str) -> String {
    assert!(WHOLE.contains(from), "{from}");
    problems(&WHOLE.replacen(from, to, 1))
}

#[test]
fn the_whole_scenario_is_in_order() {
    assert_eq!(problems(WHOLE), "nothing is wrong");
}

#[test]
fn malformed_toml() {
    assert_snapshot!(broken("name = \"alice\"", "name = \"alice"));
}

#[test]
fn several_malformed_lines() {
    let text = WHOLE.replace("seed = 7", "seed = ").replace("attach = \"wan\"", "attach \"wan\"");
    assert_snapshot!(problems(&text));
}

#[test]
fn a_wrong_version() {
    assert_snapshot!(broken("version = 1", "version = 2"));
}

#[test]
fn a_missing_version() {
    assert_snapshot!(broken("version = 1\n", ""));
}

#[test]
fn an_unknown_section() {
    assert_snapshot!(broken("[[nat]]", "[[natt]]"));
}

#[test]
fn an_unknown_key_of_a_host() {
    assert_snapshot!(broken("attach = \"wan\"", "atach = \"wan\""));
}

#[test]
fn an_unknown_key_of_a_nat() {
    assert_snapshot!(broken("outside = \"wan\"", "outside = \"wan\"\nhairpinn = \"none\""));
}

#[test]
fn an_unknown_value_of_a_nat() {
    assert_snapshot!(broken(
        "outside = \"wan\"",
        "outside = \"wan\"\nmapping = \"endpoint-independant\""
    ));
}

#[test]
fn an_unknown_key_of_a_role() {
    assert_snapshot!(broken("flow = { to = \"server\" }", "flow = { too = \"server\" }"));
}

#[test]
fn an_event_about_a_link_that_is_not_there() {
    assert_snapshot!(broken(
        "{ link-down = \"alice.eth0\" }",
        "{ link = { between = [\"alice\", \"wan\"], delay = \"50ms\" } }"
    ));
}

#[test]
fn an_unknown_role() {
    assert_snapshot!(broken("role = \"sink\"", "role = \"sinc\""));
}

#[test]
fn an_unknown_preset() {
    assert_snapshot!(broken("\"linux-masquerade\"", "\"linux-maskerade\""));
}

#[test]
fn a_missing_segment() {
    assert_snapshot!(broken("inside = \"home\"", "inside = \"hoem\""));
}

#[test]
fn a_negative_rate() {
    assert_snapshot!(broken("\"5Mbps\"", "\"-5Mbps\""));
}

#[test]
fn a_duration_without_a_unit() {
    assert_snapshot!(broken("t = \"2s\"", "t = \"2\""));
}

#[test]
fn an_address_twice_in_one_realm() {
    let second =
        "[[host]]\nname = \"bob\"\nattach = \"home\"\naddrs = [\"192.168.1.20\"]\n\n[[link]]";
    assert_snapshot!(broken("[[link]]", second));
}

#[test]
fn an_address_twice_on_two_lans_that_a_router_joins() {
    let second = "[[lan]]\nname = \"annex\"\nprefixes = [\"192.168.2.0/24\"]\n\n[[router]]\nname = \"edge\"\n\
        attach = [\"home\", \"annex\"]\n\n[[host]]\nname = \"bob\"\nattach = \"annex\"\n\
        addrs = [\"192.168.1.20\"]\n\n[[link]]";
    assert_snapshot!(broken("[[link]]", second));
}

#[test]
fn blocks_that_overlap_in_one_realm() {
    let second = "[[lan]]\nname = \"annex\"\nprefixes = [\"192.168.0.0/16\"]\n\n[[router]]\nname = \"edge\"\n\
        attach = [\"home\", \"annex\"]\n\n[[link]]";
    assert_snapshot!(broken("[[link]]", second));
}

#[test]
fn an_address_twice_in_different_realms_is_in_order() {
    let second = "[[lan]]\nname = \"other\"\nprefixes = [\"192.168.1.0/24\"]\n\n[[nat]]\nname = \"other-box\"\n\
        inside = \"other\"\noutside = \"wan\"\n\n[[host]]\nname = \"bob\"\nattach = \"other\"\n\
        addrs = [\"192.168.1.20\"]\n\n[[link]]";
    assert_eq!(broken("[[link]]", second), "nothing is wrong");
}

#[test]
fn a_route_loop_of_boxes() {
    let second = "[[lan]]\nname = \"den\"\nprefixes = [\"10.0.0.0/24\"]\n\n[[nat]]\nname = \"one\"\n\
        inside = \"home\"\noutside = \"den\"\n\n[[nat]]\nname = \"two\"\ninside = \"den\"\n\
        outside = \"home\"\n\n[[link]]";
    assert_snapshot!(broken("[[link]]", second));
}

#[test]
fn a_route_loop_of_routers() {
    let second = "[[lan]]\nname = \"annex\"\nprefixes = [\"192.168.2.0/24\"]\n\n\
        [[router]]\nname = \"one\"\nroutes = [{ to = \"10.9.0.0/16\", via = \"192.168.2.2\" }]\n\
        attach = [\"home\", { attach = \"annex\", addrs = [\"192.168.2.1\"] }]\n\n\
        [[router]]\nname = \"two\"\nroutes = [{ to = \"10.0.0.0/8\", via = \"192.168.2.1\" }]\n\
        attach = [\"home\", { attach = \"annex\", addrs = [\"192.168.2.2\"] }]\n\n[[link]]";
    assert_snapshot!(broken("[[link]]", second));
}

#[test]
fn a_name_twice() {
    assert_snapshot!(broken("name = \"server\"", "name = \"alice\""));
}

#[test]
fn an_event_about_nobody() {
    assert_snapshot!(broken("alice.eth0", "alice.eth1"));
}

#[test]
fn an_expectation_of_nothing() {
    let drops = "loss-at-most = \"1%\"\ndrops = { \"nat.filterd\" = \"some\" }";
    assert_snapshot!(broken("loss-at-most = \"1%\"", drops));
}

#[test]
fn a_link_between_parts_that_are_not_attached() {
    assert_snapshot!(broken("[\"box\", \"wan\"]", "[\"alice\", \"wan\"]"));
}

#[test]
fn several_problems_are_told_at_once() {
    let text = WHOLE
        .replace("\"5Mbps\"", "\"-5Mbps\"")
        .replace("\"linux-masquerade\"", "\"windows\"")
        .replace("to = \"server\"", "to = \"sever\"")
        .replace("attach = \"wan\"", "attach = \"wann\"");
    assert_snapshot!(problems(&text));
}

#[test]
fn what_does_not_fit_ice_and_turn_is_named() {
    let ice = |parameters: &str| {
        broken("role = { flow = { to = \"server\" } }", &format!("role = {{ ice = {parameters} }}"))
    };
    assert_snapshot!(ice("{}"));
    assert_snapshot!(ice("{ with = \"server\", turn = [\"server\"] }"));
    assert_snapshot!(ice(
        "{ with = \"alise\", pace = \"1ms\", relay-only = true, turn-over = [] }"
    ));
    assert_snapshot!(ice("{ turn-over = [\"sctp\"] }"));
    let turn =
        |parameters: &str| broken("role = \"sink\"", &format!("role = {{ turn = {parameters} }}"));
    assert_snapshot!(turn("{ udp = false, tcp = false }"));
    assert_snapshot!(turn("{ pasword = \"x\" }"));
}
