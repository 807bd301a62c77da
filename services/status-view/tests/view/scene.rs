//! A person with a browser before the view, and a program with the token.

use std::{fs, os::unix::fs::PermissionsExt as _};

use model::{
    Event, Position,
    view::{self, Events, EventsQuery, Projects},
};
use serde_json::{Value, json};
use status_view::{Config, http::Token};
use tokio::task::JoinHandle;

use crate::{
    client::{Answer, ask},
    forms::Button,
    running::Running,
    stream::Stream,
};

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// The view with a token, its stream, and somebody who is logged in.
pub(crate) struct Scene {
    pub(crate) running: Running,
    pub(crate) stream: Stream,
    /// The line with the session; empty without one.
    pub(crate) cookie: String,
}

impl Scene {
    /// Starts the view over a stream, and logs in.
    pub(crate) async fn over(stream: Stream) -> Self {
        let mut scene = Self::before_login(stream).await;
        let said = scene.post("/login", &[&scene.origin()], &format!("token={TOKEN}")).await;
        assert_eq!((said.status, said.header("location")), (303, "/"), "{said:?}");
        scene.take_cookie(&said);
        scene
    }

    /// Starts the view over a stream.
    pub(crate) async fn before_login(stream: Stream) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, TOKEN).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let token = Some(Token::read(&path).unwrap());
        let running = Running::start_with(Config { token }).await;
        running.publish(&stream).await;
        let scene = Self { running, stream, cookie: String::new() };
        scene.wait().await;
        scene
    }

    /// Keeps the cookie that an answer sets.
    pub(crate) fn take_cookie(&mut self, answer: &Answer) {
        let cookie = answer.header("set-cookie");
        for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="] {
            assert!(cookie.contains(attribute), "{answer:?}");
        }
        self.cookie = format!("Cookie: {}", cookie.split(';').next().unwrap());
    }

    pub(crate) fn last(&self) -> Position {
        self.stream.events.len() as Position
    }

    /// Waits until the view has read all that is known here.
    pub(crate) async fn wait(&self) {
        let query = json!({ "atLeast": self.last() });
        self.running.ask::<Projects>(view::PROJECTS, &query).await.unwrap();
    }

    pub(crate) fn origin(&self) -> String {
        format!("Origin: http://{}", self.running.address)
    }

    /// Loads a page as a browser does.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        let cookie: Vec<&str> =
            Some(self.cookie.as_str()).filter(|one| !one.is_empty()).into_iter().collect();
        ask(self.running.address, "GET", path, &cookie, "").await
    }

    /// Loads a page that there is.
    pub(crate) async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }

    pub(crate) async fn post(&self, path: &str, headers: &[&str], form: &str) -> Answer {
        let mut all = vec!["Content-Type: application/x-www-form-urlencoded"];
        all.extend(headers.iter().filter(|line| !line.is_empty()));
        ask(self.running.address, "POST", path, &all, form).await
    }

    /// Presses a button as a browser does.
    pub(crate) async fn press(&self, button: &Button) -> Answer {
        self.post(&button.path, &[&self.origin(), &self.cookie], &button.body()).await
    }

    /// Presses a button, and goes on while the answer is awaited.
    pub(crate) fn press_and_go_on(&self, button: &Button) -> JoinHandle<Answer> {
        let (origin, cookie, address) = (self.origin(), self.cookie.clone(), self.running.address);
        let (path, body) = (button.path.clone(), button.body());
        tokio::spawn(async move {
            let kind = "Content-Type: application/x-www-form-urlencoded";
            ask(address, "POST", &path, &[kind, &origin, &cookie], &body).await
        })
    }

    /// Sends JSON as a program does.
    pub(crate) async fn say(&self, verb: &str, body: &Value) -> Answer {
        let token = format!("Authorization: Bearer {TOKEN}");
        let headers = ["Content-Type: application/json", token.as_str()];
        let path = format!("/api/v1/actions/{verb}");
        ask(self.running.address, "POST", &path, &headers, &body.to_string()).await
    }

    /// Returns what is stored behind what is known here.
    pub(crate) async fn stored(&self) -> Vec<Event> {
        let query = EventsQuery { after: Some(self.last()), ..EventsQuery::default() };
        let events: Events = self.running.ask(view::EVENTS, &query).await.unwrap();
        let entries = events.events.iter();
        entries.map(|one| Event::from_json(one.event.get().as_bytes()).unwrap()).collect()
    }

    /// Plays the controller: takes the next event and publishes what it says.
    pub(crate) async fn decide(&mut self) -> Event {
        let query = json!({ "atLeast": self.last() + 1 });
        self.running.ask::<Projects>(view::PROJECTS, &query).await.unwrap();
        let event = self.stored().await.remove(0);
        let known = self.stream.events.len() + 1;
        self.stream.store(event.clone());
        self.stream.settle();
        for stored in &self.stream.events[known..] {
            let said = stored.body.as_ref().unwrap();
            self.running.say(&stored.subject, &said.to_json(), said.id.as_str()).await;
        }
        self.wait().await;
        event
    }
}
