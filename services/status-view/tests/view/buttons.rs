//! The buttons of the pages, pressed as they are drawn: what becomes of each of them, and of whoever
//! is not logged in, presses twice, or is refused.

use model::{
    KeptnContext,
    view::{self, Projects},
};
use serde_json::{Value, json};

use crate::{
    client::{Answer, Follower, get},
    forms::{Button, button, buttons, filled},
    page::{says, text},
    running::Running,
    scene::{Scene, TOKEN},
    stream::{SHIPYARD, Stream, UNIFORM},
};

const PLAN: &str = "/projects/sockshop/stages/hardening/plan";

fn run(context: &KeptnContext) -> String {
    format!("/runs/{context}")
}

/// A delivery that waits for a person's approval.
fn approval() -> (Stream, KeptnContext) {
    let shipyard = SHIPYARD.replacen("- {name: evaluation}", "- {name: approval}", 1);
    let services = ["carts", "carts-db", "catalogue"];
    let mut stream = Stream::with_project(&shipyard, Some(UNIFORM), &services);
    let context = stream.trigger("dev", "carts", "carts:1");
    stream.play_until_approval();
    (stream, context)
}

/// Checks that an answer is a page of ours that says why, with a way back.
fn expect_refusal(answer: &Answer, status: u16, said: &[&str], back: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{answer:?}");
    says(&text(&answer.body), said);
    says(&answer.body, &["<header class=\"top\">", &format!("href=\"{back}\">Back</a>")]);
}

#[tokio::test]
async fn the_button_of_a_plan_is_the_event_of_the_command_line_and_goes_to_the_run() {
    let scene = Scene::over(Stream::behind()).await;
    let page = scene.page(PLAN).await;
    assert_eq!(filled(&page), 1, "{page}");
    says(&text(&page), &["Sync 2 services"]);
    let answer = scene.press(&button(&page, "/actions/trigger")).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let [event] = &scene.stored().await[..] else { panic!("one event") };
    let context = event.context.as_ref().unwrap();
    assert_eq!(answer.header("location"), run(context));
    assert_eq!(
        event.event_type.to_string(),
        "sh.keptn.event.hardening.artifact-delivery.triggered"
    );
    assert_eq!(&*event.source, "slipway-page");
    assert_eq!(
        Value::Object(event.data.to_map()),
        json!({"project": "sockshop", "stage": "hardening"})
    );
    let during = scene.page(PLAN).await;
    assert_eq!(buttons(&during), [], "what is on its way is not offered again");
    says(&text(&during), &["Nothing is left to do", "on its way"]);
}

#[tokio::test]
async fn a_live_page_has_the_buttons_of_the_loaded_one() {
    let scene = Scene::before_login(Stream::behind()).await;
    let path = format!("{PLAN}?live=0");
    let mut live = Follower::open(scene.running.address, &path, None).await;
    let sent = live.until(|text| text.contains("</main>")).await;
    let (_, main) = sent.split_once("data: ").unwrap();
    assert_eq!(buttons(main), buttons(&scene.page(PLAN).await), "{main}");
}

#[tokio::test]
async fn a_plan_from_another_stage_says_so_in_its_event() {
    let scene = Scene::over(Stream::behind()).await;
    let page = scene.page("/projects/sockshop/stages/production/plan?from=dev").await;
    let button = button(&page, "/actions/trigger");
    assert_eq!(button.field("back"), Some("/projects/sockshop/stages/production/plan?from=dev"));
    assert_eq!(scene.press(&button).await.status, 303);
    let [event] = &scene.stored().await[..] else { panic!("one event") };
    assert_eq!(event.data.to_map()["sync"], json!({"from": "dev"}));
}

#[tokio::test]
async fn a_sync_that_is_pressed_twice_delivers_once_and_shows_it_both_times() {
    let scene = Scene::over(Stream::behind()).await;
    let button = button(&scene.page(PLAN).await, "/actions/trigger");
    let (one, other) = (scene.press_and_go_on(&button), scene.press_and_go_on(&button));
    let answers = [one.await.unwrap(), other.await.unwrap(), scene.press(&button).await];
    let shown: Vec<&str> = answers.iter().map(|answer| answer.header("location")).collect();
    let events = scene.stored().await;
    assert_eq!(events.len(), 3);
    let first = run(events[0].context.as_ref().unwrap());
    assert_eq!(shown, [&first; 3], "{answers:?}");
    says(&text(&scene.page(&first).await), &["carts 0.10.17 and carts-db 0.4.1 to hardening"]);
    for second in &events[1..] {
        let context = second.context.as_ref().unwrap();
        let delivery = scene.get(&format!("/api/v1/sequences/{context}")).await.json();
        assert_eq!(delivery["sequences"][0]["nothingToDo"], true, "{delivery}");
    }
}

#[tokio::test]
async fn a_run_is_paused_resumed_and_aborted_from_its_page() {
    let mut stream = Stream::behind();
    let context = stream.sync("hardening");
    let mut scene = Scene::over(stream).await;
    for (verb, offers) in [
        ("pause", &["pause", "abort"]),
        ("resume", &["resume", "abort"]),
        ("abort", &["pause", "abort"]),
    ] {
        let page = scene.page(&run(&context)).await;
        let offered: Vec<String> = buttons(&page).into_iter().map(|button| button.path).collect();
        assert_eq!(offered, offers.map(|verb| format!("/actions/{verb}")));
        let sent = scene.press_and_go_on(&button(&page, &format!("/actions/{verb}")));
        let event = scene.decide().await;
        let expected = format!("sh.keptn.event.sequence.{verb}.triggered");
        assert_eq!(event.event_type.to_string(), expected);
        assert_eq!(event.context.as_ref(), Some(&context));
        // As the command beside it: all of the delivery.
        assert_eq!(Value::Object(event.data.to_map()), json!({"project": "sockshop"}));
        let answer = sent.await.unwrap();
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, &*run(&context)),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_failed_run_is_retried_from_the_start_or_from_the_failed_task_and_only_once() {
    for (number, from) in [(0, None), (1, Some(json!("failedTask")))] {
        let mut stream = Stream::story();
        let context = stream.deliver_bad("dev", "carts", "carts:1");
        let mut scene = Scene::over(stream).await;
        let page = scene.page(&run(&context)).await;
        says(&text(&page), &["Retry Retry from evaluation or", "--from-failed-task"]);
        let retries = buttons(&page);
        assert_eq!(retries.len(), 2, "{retries:?}");
        let sent = scene.press_and_go_on(&retries[number]);
        let event = scene.decide().await;
        assert_eq!(event.event_type.to_string(), "sh.keptn.event.sequence.retry.triggered");
        let data = event.data.to_map();
        assert_eq!(
            (data.get("from"), &data["sequence"]),
            (from.as_ref(), &json!("artifact-delivery"))
        );
        assert_eq!(sent.await.unwrap().status, 303);

        let again = scene.press_and_go_on(&retries[number]);
        scene.decide().await;
        let (answer, back) = (again.await.unwrap(), run(&context));
        expect_refusal(&answer, 409, &["Refused", "can be retried", "is retried already"], &back);
    }
}

#[tokio::test]
async fn an_approval_is_answered_with_a_reason_or_without() {
    for (verb, message, result) in
        [("approve", "looks good & well", "pass"), ("decline", "", "fail")]
    {
        let (stream, context) = approval();
        let mut scene = Scene::over(stream).await;
        let page = scene.page(&run(&context)).await;
        assert_eq!(filled(&page), 1, "{page}");
        says(&page, &["<button type=\"submit\" disabled hidden>", "maxlength=\"1000\""]);
        let button = button(&page, &format!("/actions/{verb}")).typed("message", message);
        let answer = scene.press(&button).await;
        assert_eq!((answer.status, answer.header("location")), (303, &*run(&context)));
        let event = scene.decide().await;
        assert_eq!(event.event_type.to_string(), "sh.keptn.event.approval.finished");
        let data = event.data.to_map();
        assert_eq!(data["result"], result);
        let said = Some(json!(message)).filter(|_| !message.is_empty());
        assert_eq!(data.get("message"), said.as_ref());

        let again = scene.press(&button).await;
        expect_refusal(&again, 409, &["Refused", "waits for no approval"], &run(&context));
        assert_eq!(scene.stored().await, []);
    }
}

#[tokio::test]
async fn whoever_is_not_logged_in_logs_in_and_presses_again() {
    let mut scene = Scene::before_login(Stream::behind()).await;
    let path = "/projects/sockshop/stages/production/plan?from=dev";
    let trigger = button(&scene.page(path).await, "/actions/trigger");
    for cookie in ["", "Cookie: slipway-session=made-up"] {
        cookie.clone_into(&mut scene.cookie);
        let sent_away = scene.press(&trigger).await;
        assert_eq!(sent_away.status, 303, "{sent_away:?}");
        let login = sent_away.header("location");
        assert_eq!(
            login,
            format!(
                "/login?next={}",
                path.replace('/', "%2F").replace('?', "%3F").replace('=', "%3D")
            )
        );
        assert_eq!(scene.stored().await, []);
        let page = scene.page(login).await;
        says(&text(&page), &["Log in to act; then press again."]);
        let form = button(&page, "/login");

        let wrong = scene.press(&form.clone().typed("token", "wrong")).await;
        expect_refusal(&wrong, 403, &["Not allowed", "UI_TOKEN_FILE"], login);
        let done = scene.press(&form.typed("token", TOKEN)).await;
        assert_eq!((done.status, done.header("location")), (303, path), "{done:?}");
        assert_eq!(scene.stored().await, [], "a login does nothing else");
        scene.take_cookie(&done);
    }
    assert_eq!(scene.press(&trigger).await.status, 303);
    assert_eq!(scene.stored().await.len(), 1);
}

#[tokio::test]
async fn every_page_leads_to_the_login_and_back_and_there_one_logs_out() {
    let mut scene = Scene::before_login(Stream::behind()).await;
    let page = scene.page("/projects/sockshop").await;
    let (_, link) = page.split_once("href=\"/login?").unwrap();
    let link = format!("/login?{}", link.split_once('"').unwrap().0);
    let login = button(&scene.page(&link).await, "/login").typed("token", TOKEN);
    let done = scene.press(&login).await;
    assert_eq!(done.header("location"), "/projects/sockshop", "{done:?}");
    scene.take_cookie(&done);

    let inside = scene.page(&link).await;
    says(&text(&inside), &["You are logged in", "Log out"]);
    let out = scene.press(&button(&inside, "/logout")).await;
    assert_eq!((out.status, out.header("location")), (303, "/"));
    assert!(out.header("set-cookie").contains("Max-Age=0"), "{out:?}");
    // Not even with the cookie that the browser was told to forget.
    says(&text(&scene.page(&link).await), &["Log in to act"]);
    assert_eq!(scene.press(&button(&inside, "/logout")).await.status, 303, "it is over anyway");
}

#[tokio::test]
async fn addresses_of_other_sites_are_not_gone_to() {
    let scene = Scene::before_login(Stream::behind()).await;
    for elsewhere in
        ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
    {
        let page = scene.page(&format!("/login?next={}", elsewhere.replace('/', "%2F"))).await;
        assert!(!page.contains("evil") && !page.contains("alert"), "{page}");
        let fields = [("token", TOKEN), ("next", elsewhere)];
        let done = scene.press(&Button::made("/login", &fields)).await;
        assert_eq!((done.status, done.header("location")), (303, "/"), "{done:?}");
        let fields = [("project", "sockshop"), ("back", elsewhere)];
        let away = scene.press(&Button::made("/actions/trigger", &fields)).await;
        assert_eq!((away.status, away.header("location")), (303, "/login"), "{away:?}");
    }
}

#[tokio::test]
async fn what_is_refused_is_told_on_a_page() {
    let scene = Scene::over(Stream::behind()).await;
    let back = ("back", PLAN);
    for (path, fields, status, said) in [
        ("trigger", vec![back], 400, ["This form cannot be read", "`project` is needed"]),
        (
            "trigger",
            vec![back, ("project", "x"), ("colour", "red")],
            400,
            ["This form", "unknown field `colour`"],
        ),
        (
            "trigger",
            vec![back, ("project", "sokshop"), ("stage", "dev")],
            404,
            ["Not found", "did you mean `sockshop`?"],
        ),
        ("abort", vec![back, ("keptnContext", "00000000-0000")], 404, ["Not found", "no sequence"]),
        ("start", vec![back], 404, ["Not found", "`start` is nothing that can be done"]),
    ] {
        let answer = scene.press(&Button::made(&format!("/actions/{path}"), &fields)).await;
        expect_refusal(&answer, status, &said, PLAN);
    }
    let twice = scene.press(&Button::made("/actions/trigger", &[back, back])).await;
    expect_refusal(&twice, 400, &["field `back` is there twice"], "/");
    let foreign = ["Origin: http://evil.example", scene.cookie.as_str()];
    let foreign = scene.post("/actions/trigger", &foreign, "").await;
    expect_refusal(&foreign, 403, &["Not allowed", "must come from a page of ours"], "/");
    assert_eq!(scene.stored().await, []);
}

#[tokio::test]
async fn without_a_token_there_is_no_login() {
    let running = Running::start().await;
    running.ask::<Projects>(view::PROJECTS, &json!({})).await.unwrap();
    let answer = get(running.address, "/login").await;
    expect_refusal(&answer, 403, &["nobody may act over HTTP here", "UI_TOKEN_FILE"], "/");
}

#[test]
fn a_browser_sends_what_a_page_draws() {
    let html = "<form method=\"post\" action=\"/a\"><button type=\"submit\" disabled hidden></button>\
        <input type=\"hidden\" name=\"x\" value=\"1 &amp; 2\"><button type=\"submit\">A</button>\
        <button class=\"quiet\" type=\"submit\" formaction=\"/b\">B</button><input name=\"y\"></form>\
        <form method=\"get\" action=\"/c\"><input name=\"z\"></form>";
    let sent: Vec<(String, String)> =
        buttons(html).iter().map(|button| (button.path.clone(), button.body())).collect();
    let fields = "x=1%20%26%202&y=".to_owned();
    assert_eq!(sent, [("/a".to_owned(), fields.clone()), ("/b".to_owned(), fields)]);
    assert_eq!(filled(html), 1);
}
