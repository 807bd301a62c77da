//! What is open: runs that wait longer than they may, executors that do not start, and who waits
//! longest. Page by page; what is kept of them is small however many there are.

mod survey;

use model::view::{Project, SEQUENCES, SEQUENCES_PAGE_MAX, Sequences, SequencesQuery};
use tokio::time::Instant;

use self::survey::Survey;
use super::finding::Finding;
use crate::client::Client;

/// Looks at all open runs, newest first, as far as there is time.
pub(super) async fn look(client: &Client, projects: &[Project], until: Instant) -> Vec<Finding> {
    let mut survey = Survey::new(projects.iter().map(|one| one.project.clone()), client.now());
    let mut query =
        SequencesQuery { open_only: true, limit: SEQUENCES_PAGE_MAX, ..SequencesQuery::default() };
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let page: Result<Sequences, _> = client.bus().request_json(SEQUENCES, &query, left).await;
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                let reason =
                    if left.is_zero() { "there was no time".into() } else { error.to_string() };
                return survey.findings(Some(reason));
            }
        };
        page.sequences.iter().for_each(|run| survey.note(run));
        match page.next_before {
            Some(before) => query.before = Some(before),
            None => return survey.findings(None),
        }
    }
}
