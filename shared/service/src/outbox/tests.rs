//! The outbox: what is said at once, again, or not yet.

use model::StreamTime;

use super::*;

fn id(name: &str) -> DerivedId {
    DerivedId::of(&[name])
}

fn owed(number: u64, name: &str) -> Owed<()> {
    Owed { number, id: id(name), since: StreamTime::default(), due: () }
}

fn at(millis: i64) -> BootTime {
    BootTime::from_nanos(millis * 1_000_000)
}

/// Returns the message ids that are due, `!` in front if they are fenced.
fn due(outbox: &mut Outbox<()>, millis: i64, position: Position) -> Vec<String> {
    outbox
        .letters(at(millis), 10, position, |_| true)
        .iter()
        .map(|letter| format!("{}{}", if letter.is_fenced { "!" } else { "" }, letter.message_id))
        .collect()
}

#[test]
fn what_is_owed_is_said_once_in_order_and_forgotten_when_it_is_seen() {
    let mut outbox = Outbox::default();
    outbox.take(vec![owed(1, "b"), owed(2, "a")], at(0));
    outbox.take(vec![owed(1, "b")], at(0));
    assert_eq!(due(&mut outbox, 0, 0), [id("b").to_string(), id("a").to_string()]);
    assert!(due(&mut outbox, 60_000, 0).is_empty(), "on its way");
    outbox.seen(id("a"), |_| false);
    outbox.seen(id("b"), |_| false);
    assert!(outbox.is_empty());
    assert_eq!(outbox.last_number(), 2);
}

#[test]
fn a_standby_waits() {
    let mut outbox = Outbox::default();
    outbox.take(vec![owed(1, "a")], at(300));
    assert!(due(&mut outbox, 299, 0).is_empty());
    assert_eq!(outbox.next_moment(), Some(at(300)));
    assert_eq!(due(&mut outbox, 300, 0).len(), 1);
}

#[test]
fn what_is_no_longer_owed_is_not_said() {
    let mut outbox = Outbox::default();
    outbox.take(vec![owed(1, "a")], at(0));
    assert!(outbox.letters(at(0), 10, 0, |_| false).is_empty());
    assert!(outbox.is_empty());
}

#[test]
fn what_was_not_stored_is_said_again_fenced_with_growing_pauses() {
    let mut outbox = Outbox::default();
    outbox.take(vec![owed(1, "a")], at(0));
    assert_eq!(due(&mut outbox, 0, 0), [id("a").to_string()]);
    let fenced = format!("!{}", id("a"));
    let mut now = 0;
    for pause in [50, 100, 200, 400] {
        outbox.returned(id("a"), Reply::NotStored, at(now));
        assert!(due(&mut outbox, now + pause - 1, 0).is_empty());
        assert_eq!(due(&mut outbox, now + pause, 0), [fenced.as_str()]);
        now += pause;
    }
}

#[test]
fn stored_and_not_yet_read_is_waited_for() {
    let mut outbox = Outbox::default();
    outbox.take(vec![owed(1, "a")], at(0));
    due(&mut outbox, 0, 5);
    outbox.returned(id("a"), Reply::Stored { position: 9, is_duplicate: false }, at(0));
    assert!(due(&mut outbox, 1_000, 8).is_empty());
    let again = due(&mut outbox, 2_000, 9);
    assert_eq!(again, [format!("!{}", message_id(id("a"), 1))], "read, and still owed");
}

#[test]
fn an_id_that_somebody_else_holds_is_said_under_another() {
    let mut outbox = Outbox::default();
    outbox.take(vec![owed(1, "a")], at(0));
    due(&mut outbox, 0, 9);
    for copy in 1..4 {
        outbox.returned(id("a"), Reply::Stored { position: 3, is_duplicate: true }, at(0));
        assert_eq!(due(&mut outbox, 50, 9), [format!("!{}", message_id(id("a"), copy))]);
    }
}

#[test]
fn no_more_than_there_is_room_for() {
    let mut outbox = Outbox::default();
    outbox.take((1..=5).map(|n| owed(n, &n.to_string())).collect(), at(0));
    assert_eq!(outbox.letters(at(0), 3, 0, |_| true).len(), 3);
    assert_eq!(outbox.letters(at(0), 3, 0, |_| true).len(), 2);
}

#[test]
fn what_is_still_owed_behind_an_event_with_its_id_is_kept() {
    let mut outbox = Outbox::default();
    outbox.take(vec![owed(1, "a")], at(0));
    outbox.seen(id("a"), |_| true);
    assert_eq!(due(&mut outbox, 0, 0), [id("a").to_string()]);
}
