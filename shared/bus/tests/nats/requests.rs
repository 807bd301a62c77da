//! Questions and answers.

use std::time::Duration;

use bus::{Query, RequestError};
use model::view::{QueryError, QueryErrorCode, Refusal};
use serde_json::{Value, json};

use super::{LIMIT, soon, stream};

async fn answer(query: Query) {
    let body: Value = query.parse().unwrap();
    if body["bad"] == json!(true) {
        let error = QueryError {
            code: QueryErrorCode::NotFound,
            message: "no such project".to_owned(),
            hint: None,
        };
        query.answer(&Refusal { error, position: 5 }).await;
    } else {
        let subject = query.subject().to_owned();
        query.answer(&json!({ "subject": subject, "body": body })).await;
    }
}

#[tokio::test]
async fn a_question_is_answered_also_after_a_restart() {
    let (mut server, bus) = stream().await;
    let subjects = ["status-view.stage".to_owned(), "status-view.ready".to_owned()];
    let mut queries = bus.serve("status-view", "0.1.0", &subjects);
    let answering = tokio::spawn(async move {
        loop {
            answer(queries.next().await).await;
        }
    });
    let client = server.bus().await.unwrap();
    let ask = |query: Value| {
        let client = client.clone();
        async move {
            loop {
                let asked: Result<Value, _> =
                    client.request_json("status-view.stage", &query, LIMIT).await;
                match asked {
                    Err(RequestError::NoResponders { .. } | RequestError::Disconnected { .. }) => {
                        tokio::task::yield_now().await;
                    }
                    asked => return asked,
                }
            }
        }
    };
    let told = soon("answer", ask(json!({ "project": "p" }))).await.unwrap();
    assert_eq!(told["subject"], "status-view.stage");
    assert_eq!(told["body"]["project"], "p");
    let refused = soon("answer", ask(json!({ "bad": true }))).await.unwrap_err();
    assert!(matches!(&refused, RequestError::Refused(refusal) if refusal.position == 5));
    assert_eq!(refused.to_string(), "no such project");
    server.restart().unwrap();
    soon("answer after the restart", ask(json!({}))).await.unwrap();
    answering.abort();
}

#[tokio::test]
async fn the_service_is_found_as_nats_services_are() {
    let (_server, bus) = stream().await;
    let queries = bus.serve("config-store", "0.1.0", &["config-store.ready".to_owned()]);
    let info: Value = soon("info", async {
        loop {
            let asked = bus.request_json("$SRV.INFO.config-store", &json!({}), LIMIT).await;
            match asked {
                Ok(info) => return info,
                Err(RequestError::NoResponders { .. }) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    })
    .await;
    assert_eq!(info["name"], "config-store");
    drop(queries);
    soon("end", async {
        loop {
            // A question that comes just as the service ends is lost.
            let limit = Duration::from_millis(100);
            let asked: Result<Value, _> =
                bus.request_json("$SRV.INFO.config-store", &json!({}), limit).await;
            if matches!(asked, Err(RequestError::NoResponders { .. })) {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_and_silence_are_told_apart() {
    let (server, bus) = stream().await;
    let ask = || async {
        let limit = Duration::from_millis(100);
        bus.request_json::<_, Value>("status-view.stage", &json!({}), limit).await.unwrap_err()
    };
    let nobody = ask().await;
    assert!(matches!(nobody, RequestError::NoResponders { .. }), "{nobody}");
    let client = async_nats::connect(server.url()).await.unwrap();
    let _silent = client.subscribe("status-view.stage").await.unwrap();
    let silence = soon("silence", async {
        loop {
            let error = ask().await;
            if !matches!(error, RequestError::NoResponders { .. }) {
                return error;
            }
        }
    })
    .await;
    assert!(matches!(silence, RequestError::TimedOut { .. }), "{silence}");
}
