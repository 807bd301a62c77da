//! Figures of the view for `/metrics`, counted when somebody asks, beside the loop.

use futures_util::future::FutureExt as _;
use service::{
    health::Figures,
    metrics::{Family, Sample},
};

use crate::{answers, queries::Counter};

/// Returns who counts the runs that have not ended, by state.
pub fn figures(counter: Counter) -> Figures {
    Box::new(move || {
        let counter = counter.clone();
        async move {
            let Some(view) = counter.view().await else { return Vec::new() };
            // A copy of the view costs nothing, looking at every open run does.
            let open = tokio::task::spawn_blocking(move || answers::open_states(&view)).await;
            let samples = open.unwrap_or_default().into_iter();
            let samples =
                samples.map(|(state, count)| Sample::labelled("state", state.as_str(), count));
            vec![Family::gauges(
                "slipway_sequences_open",
                "Runs that have not ended, by state.",
                samples.collect(),
            )]
        }
        .boxed()
    })
}
