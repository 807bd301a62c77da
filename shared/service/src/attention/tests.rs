//! Who was stopped reads on before it speaks.

use super::*;

fn at(secs: i64) -> BootTime {
    BootTime::from_nanos(secs * 1_000_000_000)
}

fn stopped() -> Attention {
    let mut attention = Attention::default();
    attention.turn(at(0));
    attention.turn(at(1));
    attention.turn(at(131));
    attention
}

#[test]
fn who_turns_each_second_may_speak() {
    let mut attention = Attention::default();
    for secs in 0..10 {
        attention.turn(at(secs));
        assert!(attention.is_awake(0));
        assert_eq!(attention.ask(at(secs)), None);
    }
}

#[test]
fn who_was_stopped_says_nothing_before_it_has_read_up_to_the_end() {
    let mut attention = stopped();
    assert!(!attention.is_awake(7));
    let question = attention.ask(at(131)).unwrap();
    assert_eq!(attention.ask(at(132)), None, "one question at a time");
    attention.told(question, Some(9), at(132));
    assert!(!attention.is_awake(8));
    assert!(attention.is_awake(9));
}

#[test]
fn without_an_answer_it_asks_again() {
    let mut attention = stopped();
    let question = attention.ask(at(131)).unwrap();
    attention.told(question, None, at(132));
    assert_eq!(attention.ask(at(132)), None, "not at once");
    assert!(attention.ask(at(133)).is_some());
    assert!(!attention.is_awake(100));
}

#[test]
fn an_answer_from_before_it_was_stopped_again_is_void() {
    let mut attention = stopped();
    let question = attention.ask(at(131)).unwrap();
    attention.turn(at(400));
    attention.told(question, Some(9), at(400));
    assert!(!attention.is_awake(9));
    assert_ne!(attention.ask(at(400)), Some(question));
}
