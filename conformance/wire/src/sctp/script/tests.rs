//! Scripts that can be read, and where others go wrong.

use std::time::Duration;

use rstest::rstest;

use super::{Action, Script, Value};

#[test]
fn a_packet_with_fields_lists_and_parameters_is_read() {
    let text = "// about\n\n+0~0.2 > sctp: SACK[flgs=0, cum_tsn=0x10, gaps=[2:3, 5:5], ...]; \
                INIT[tag=..., FORWARD_TSN_SUPPORTED[]]  # end";
    let script = Script::read(text).unwrap();
    let [line] = &script.lines[..] else { panic!("one line") };
    assert_eq!((line.number, line.within), (3, Duration::from_millis(200)));
    let Action::Expect(items) = &line.action else { panic!("an expectation") };
    let [sack, init] = &items[..] else { panic!("two chunks") };
    assert!(sack.is_open && !init.is_open);
    assert_eq!(sack.number("cum_tsn"), Some(16));
    let gaps = Value::List(vec![Value::Pair(2, 3), Value::Pair(5, 5)]);
    assert_eq!(sack.field("gaps"), Some(&gaps));
    assert_eq!(init.field("tag"), Some(&Value::Any));
    assert_eq!(init.items[0].name, "FORWARD_TSN_SUPPORTED");
}

#[test]
fn a_command_has_arguments_with_and_without_keys() {
    let script = Script::read("+1.25 send(100, stream=3, order=unordered)").unwrap();
    assert_eq!(script.lines[0].after, Duration::from_millis(1_250));
    let Action::Command(name, arguments) = &script.lines[0].action else { panic!("a command") };
    assert_eq!(name, "send");
    assert_eq!(arguments[0], (None, Value::Number(100)));
    assert_eq!(arguments[1], (Some("stream".to_owned()), Value::Number(3)));
}

#[rstest]
#[case("+0 > tcp: SYN[]", 6, "`sctp:`")]
#[case("0.1 connect()", 1, "`+`")]
#[case("+0 > sctp: INIT[tag=1", 22, "`]`")]
#[case("+0 > sctp: INIT[tag=]", 21, "a value")]
#[case("+0.2~0.1 > sctp: INIT[]", 9, "a later end of the time")]
#[case("+0 connect() 7", 14, "the end of the line")]
fn what_is_wrong_is_named_with_its_place(
    #[case] line: &str,
    #[case] column: usize,
    #[case] wanted: &str,
) {
    let error = Script::read(&format!("\n{line}")).unwrap_err();
    assert_eq!((error.line, error.column, error.wanted.as_str()), (2, column, wanted));
}
