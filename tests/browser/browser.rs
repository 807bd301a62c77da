//! A browser without a window, told what to do one step after the other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::driver::{self, Driver};
use crate::harness::wait;

/// The key that goes to the next stop.
pub(crate) const TAB: &str = "\u{e004}";
/// The key that follows a link.
pub(crate) const ENTER: &str = "\u{e007}";
/// How a content setting of the browser says no.
const BLOCKED: u32 = 2;
/// How high a window is; a picture shows the whole page all the same.
const HEIGHT: u32 = 640;

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scripts {
    /// As everywhere.
    On,
    /// As some people have it.
    Off,
}

/// A browser with one tab. Dropped, it is closed.
pub(crate) struct Browser {
    /// Path of the session at the driver.
    session: String,
    driver: Driver,
}

impl Browser {
    /// Opens a browser that runs scripts.
    pub(crate) fn open() -> Self {
        Self::open_with(Scripts::On)
    }

    /// Opens a browser with a fresh profile.
    pub(crate) fn open_with(scripts: Scripts) -> Self {
        let driver = Driver::start();
        let wanted = json!({"capabilities": {"alwaysMatch": capabilities(scripts)}});
        let opened = driver.ask("POST", "/session", &wanted);
        let opened = opened.unwrap_or_else(|error| panic!("a browser opens: {error}"));
        let session = opened["sessionId"].as_str().expect("a session has an id");
        Self { session: format!("/session/{session}"), driver }
    }

    /// Takes a step; one that the browser refuses fails the test.
    #[track_caller]
    fn step(&self, path: &str, body: &Value) -> Value {
        let done = self.driver.ask("POST", &format!("{}/{path}", self.session), body);
        done.unwrap_or_else(|error| panic!("{path} {body:.300}: {error}"))
    }

    /// Loads a page.
    #[track_caller]
    pub(crate) fn go(&self, url: &str) {
        self.step("url", &json!({"url": url}));
    }

    /// Waits until the script of the page is done with what it marks at the beginning, and listens.
    #[track_caller]
    pub(crate) fn wait_until_live(&self) {
        wait::until("the page is live", || self.live("live, event"));
    }

    /// Whether what the page says about being live starts like this, else what it says.
    #[track_caller]
    pub(crate) fn live(&self, wanted: &str) -> Result<(), String> {
        let said = self.run("return document.querySelector('.live').textContent", &[]);
        let said = said.as_str().unwrap_or_default();
        if said.starts_with(wanted) { Ok(()) } else { Err(said.to_owned()) }
    }

    /// Returns the title of the tab.
    #[track_caller]
    pub(crate) fn title(&self) -> String {
        self.run("return document.title", &[]).as_str().unwrap_or_default().to_owned()
    }

    /// Runs the body of a function in the page and returns what it returns.
    #[track_caller]
    pub(crate) fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.step("execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// Runs the body of a function whose last argument is called with what it returns.
    #[track_caller]
    pub(crate) fn run_until_called(&self, script: &str, arguments: &[Value]) -> Value {
        self.step("execute/async", &json!({"script": script, "args": arguments}))
    }

    /// Returns what a person can read, blanks as one.
    #[track_caller]
    pub(crate) fn text(&self) -> String {
        let text = self.run("return document.body.innerText", &[]);
        let words: Vec<&str> = text.as_str().unwrap_or_default().split_whitespace().collect();
        words.join(" ")
    }

    /// Presses a key, wherever the focus is.
    #[track_caller]
    pub(crate) fn press(&self, key: &str) {
        let strokes = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": strokes});
        self.step("actions", &json!({"actions": [keyboard]}));
    }

    /// Returns what a dialog says that is open.
    pub(crate) fn dialog(&self) -> Option<String> {
        let said = self.driver.ask("GET", &format!("{}/alert/text", self.session), &Value::Null);
        said.ok().map(|text| text.to_string())
    }

    /// Returns what the console was told since it was asked last, complaints about the policy of
    /// the page included.
    #[track_caller]
    pub(crate) fn console(&self) -> Vec<String> {
        let log = self.step("se/log", &json!({"type": "browser"}));
        let lines = log.as_array().into_iter().flatten();
        lines.map(|line| format!("{}: {}", line["level"], line["message"])).collect()
    }

    /// Makes the window so wide that a page has so many pixels.
    #[track_caller]
    pub(crate) fn widen(&self, width: u32) {
        let size =
            json!({"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Prefers `light` or `dark`, and nothing that moves.
    #[track_caller]
    pub(crate) fn prefer(&self, scheme: &str) {
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.devtools("Emulation.setEmulatedMedia", &json!({"features": features}));
    }

    /// Returns a picture of the whole page, as PNG.
    #[track_caller]
    pub(crate) fn picture(&self) -> Vec<u8> {
        let size = self.run(
            "const page = document.documentElement; return [page.clientWidth, page.scrollHeight]",
            &[],
        );
        let clip = json!({"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1});
        let shot = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let answer = self.devtools("Page.captureScreenshot", &shot);
        let data = answer["data"].as_str().expect("a picture has data");
        STANDARD.decode(data).expect("a picture is in base64")
    }

    /// A command of the browser's own protocol.
    #[track_caller]
    fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.step("goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // What is not closed here ends with its driver.
        drop(self.driver.ask("DELETE", &self.session, &Value::Null));
    }
}

fn capabilities(scripts: Scripts) -> Value {
    let mut preferences = json!({});
    if scripts == Scripts::Off {
        preferences["profile.managed_default_content_settings.javascript"] = json!(BLOCKED);
    }
    let options = json!({
        "binary": driver::chromium(),
        "args": [
            "--headless=new",
            // Root of a container has no sandbox; only pages of the tests are loaded.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--disable-component-update",
            "--disable-background-networking",
            "--no-first-run",
            "--hide-scrollbars",
            // The browser ends with its driver, however that ends.
            "--remote-debugging-pipe",
        ],
        "prefs": preferences,
    });
    let limit = u64::try_from(wait::LIMIT.as_millis()).expect("a limit is a small number");
    json!({
        "browserName": "chrome",
        "goog:chromeOptions": options,
        "goog:loggingPrefs": {"browser": "ALL"},
        "timeouts": {"script": limit, "pageLoad": limit},
        // A dialog is an error of the next step.
        "unhandledPromptBehavior": "dismiss and notify",
    })
}
