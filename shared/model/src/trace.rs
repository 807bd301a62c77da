//! W3C trace context: one trace for a delivery over all its stages, in which every step is a span.
//! All ids are derived, so that whoever says an event, and however often, says the same.

use std::fmt;

use crate::{DerivedId, Event, EventId, KeptnContext};

/// Length of `00-<32 digits>-<16 digits>-<2 digits>`.
const TEXT_BYTES: usize = 55;
/// Flag of a trace that is recorded.
const SAMPLED: u8 = 1;

/// Id of a span: a delivery, a run, or a task of it. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpanId(u64);

impl SpanId {
    /// Returns the span that an event begins: a run for its trigger, a task for its `.triggered`.
    pub fn of(id: &EventId) -> Self {
        Self::derived(&["span", id.as_str()])
    }

    /// Returns the span of a delivery, the root of all that happens under its context.
    pub fn of_delivery(context: &KeptnContext) -> Self {
        Self::derived(&["span", "delivery", context.as_str()])
    }

    fn derived(parts: &[&str]) -> Self {
        let low = DerivedId::of(parts).to_bits() & u128::from(u64::MAX);
        Self(u64::try_from(low).unwrap_or(1).max(1))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Id of a trace, written as 32 hexadecimal digits. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TraceId(u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A trace: its id, and its flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    id: TraceId,
    flags: u8,
}

impl Trace {
    /// Returns the trace that a trigger names, else the one that is derived from its delivery.
    pub fn of(traceparent: Option<&str>, context: &KeptnContext) -> Self {
        traceparent.and_then(Self::read).unwrap_or_else(|| {
            let id = DerivedId::parse(context.as_str())
                .unwrap_or_else(|| DerivedId::of(&["trace", context.as_str()]));
            Self { id: TraceId(id.to_bits().max(1)), flags: SAMPLED }
        })
    }

    /// Returns the trace that an event names, else its delivery's; none without either.
    pub fn of_event(event: &Event) -> Option<Self> {
        let named = event.traceparent.as_deref().and_then(Self::read);
        named.or_else(|| Some(Self::of(None, event.context.as_ref()?)))
    }

    /// Reads the trace of a `traceparent`; none if it is not one.
    pub fn read(text: &str) -> Option<Self> {
        Self::read_parent(text).map(|(trace, _)| trace)
    }

    /// Reads the trace of a `traceparent` and the span that it names; none if it is not one.
    pub fn read_parent(text: &str) -> Option<(Self, SpanId)> {
        let known = text.get(..TEXT_BYTES)?;
        let mut parts = known.split('-');
        let (version, id) = (hex(parts.next()?, 2)?, hex(parts.next()?, 32)?);
        let (span, flags) = (hex(parts.next()?, 16)?, hex(parts.next()?, 2)?);
        // A later version may say more behind it.
        let rest = text.get(TEXT_BYTES..)?;
        let is_whole =
            if version == 0 { rest.is_empty() } else { rest.is_empty() || rest.starts_with('-') };
        let is_valid = is_whole && version != 0xff && id != 0 && span != 0;
        let flags = u8::try_from(flags).ok()? & SAMPLED;
        let span = SpanId(u64::try_from(span).ok()?);
        (is_valid && parts.next().is_none()).then_some((Self { id: TraceId(id), flags }, span))
    }

    /// Returns its id.
    pub fn id(self) -> TraceId {
        self.id
    }

    /// Tells whether whoever began it wants its spans to be recorded.
    pub fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Returns the `traceparent` of what belongs to a span.
    pub fn parent(self, span: SpanId) -> Box<str> {
        format!("00-{}-{span}-{:02x}", self.id, self.flags).into()
    }
}

/// Reads as many lower-case digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (text.len() == digits && is_hex).then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn context(text: &str) -> KeptnContext {
        KeptnContext::new(text).unwrap()
    }

    #[test]
    fn what_a_trigger_names_goes_on_and_anything_else_begins_one_of_the_delivery() {
        let span = SpanId::of(&EventId::new("a").unwrap());
        let named = Trace::of(Some(TEXT), &context("c")).parent(span);
        assert_eq!(named, format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{span}-01").into());
        let uuid = "8e273904-d0d6-11eb-a902-784f43552794";
        let derived = Trace::of(None, &context(uuid)).parent(span);
        assert_eq!(derived, format!("00-{}-{span}-01", uuid.replace('-', "")).into());
        assert_eq!(Trace::read(&derived), Some(Trace::of(None, &context(uuid))));
        for wrong in [
            "",
            "tp",
            "00-1-2-01",
            &TEXT.to_uppercase(),
            &TEXT.replace("00-4", "ff-4"),
            &TEXT.replace("00f067aa0ba902b7", "0000000000000000"),
            &format!("{TEXT}-more"),
        ] {
            assert_eq!(Trace::read(wrong), None, "{wrong}");
            assert_eq!(Trace::of(Some(wrong), &context("c")), Trace::of(None, &context("c")));
        }
        let sampled = |text: &str| Trace::read(text).map(Trace::is_sampled);
        assert_eq!(
            (sampled(TEXT), sampled(&TEXT.replace("-01", "-00"))),
            (Some(true), Some(false))
        );
        assert!(Trace::read(&(TEXT.replacen("00-", "01-", 1) + "-more")).is_some());
    }

    #[test]
    fn a_parent_is_read_as_it_was_written() {
        for span in [SpanId::of(&EventId::new("a").unwrap()), SpanId::of_delivery(&context("a"))] {
            let trace = Trace::of(None, &context("c"));
            assert_eq!(Trace::read_parent(&trace.parent(span)), Some((trace, span)));
        }
        assert_ne!(
            SpanId::of_delivery(&context("a")),
            SpanId::of(&EventId::new("a").unwrap()),
            "a context is the id of its trigger when the trigger brings none"
        );
    }

    #[test]
    fn an_event_is_of_the_trace_that_it_names_else_of_its_delivery() {
        let kind = crate::EventType::parse("sh.keptn.event.a.finished").unwrap();
        let mut event = Event::new(EventId::new("a").unwrap(), "s", kind, crate::Payload::empty());
        assert_eq!(Trace::of_event(&event), None);
        event.context = Some(context("c"));
        assert_eq!(Trace::of_event(&event), Some(Trace::of(None, &context("c"))));
        event.traceparent = Some(TEXT.into());
        assert_eq!(Trace::of_event(&event), Trace::read(TEXT));
    }
}
