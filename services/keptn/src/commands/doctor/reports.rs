//! Messages that could not be read: the reports of the last hour.

use std::time::Duration;

use model::{
    StreamTime,
    view::{EVENTS, EVENTS_PAGE_MAX, EventEntry, Events, EventsQuery},
};
use serde::Deserialize;
use tokio::time::Instant;

use super::finding::Finding;
use crate::client::Client;

/// Reports that are older are history.
const WITHIN: Duration = Duration::from_hours(1);
/// Type of a report.
const LOG_ERROR: &str = "sh.keptn.log.error";

#[derive(Default, Deserialize)]
struct Report {
    #[serde(default)]
    data: ReportData,
}

#[derive(Default, Deserialize)]
struct ReportData {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    subject: String,
}

/// Counts the reports, and names the newest.
pub(super) async fn look(client: &Client, until: Instant) -> Finding {
    let query = EventsQuery {
        event_type: Some(LOG_ERROR.to_owned()),
        limit: EVENTS_PAGE_MAX,
        ..EventsQuery::default()
    };
    let left = until.saturating_duration_since(Instant::now());
    let answer: Result<Events, _> = client.bus().request_json(EVENTS, &query, left).await;
    match answer {
        Ok(answer) => count(&answer.events, client.now()),
        Err(error) => Finding::warning("reports", format!("not looked at: {error}"))
            .hint("look again when status-view is ready"),
    }
}

fn count(events: &[EventEntry], now: StreamTime) -> Finding {
    let recent: Vec<&EventEntry> =
        events.iter().filter(|one| now.since(one.time) < WITHIN).collect();
    let Some(newest) = recent.last() else {
        return Finding::ok("reports", "no unreadable message in the last hour");
    };
    let report: Report = serde_json::from_str(newest.event.get()).unwrap_or_default();
    let number = match recent.len() {
        EVENTS_PAGE_MAX.. => format!("{EVENTS_PAGE_MAX} or more"),
        fewer => fewer.to_string(),
    };
    let ReportData { reason, subject } = report.data;
    let message = format!(
        "unreadable messages in the last hour: {number}; the newest, on {subject}: {reason}"
    );
    Finding::warning("reports", message).hint("keptn get event sh.keptn.log.error -o json")
}

#[cfg(test)]
mod tests {
    use serde_json::{json, value::to_raw_value};

    use super::*;
    use crate::render::testing::time_at;

    #[test]
    fn only_the_last_hour_counts() {
        let report = |secs, reason: &str| EventEntry {
            position: 1,
            time: time_at(secs),
            event: to_raw_value(&json!({"data": {"reason": reason, "subject": "s"}})).unwrap(),
        };
        let events = [report(0, "old"), report(3_000, "one"), report(3_500, "two")];
        let found = super::super::finding::text(
            &[count(&events, time_at(3_601))],
            crate::render::Paint::PLAIN,
        );
        assert!(
            found.contains("unreadable messages in the last hour: 2; the newest, on s: two"),
            "{found}"
        );
        let ok = Finding::ok("reports", "no unreadable message in the last hour");
        assert_eq!(count(&events, time_at(9_000)), ok);
    }
}
