//! What an event says stays text on every page, whatever it says.

use std::collections::BTreeSet;

use model::{Event, EventType, KeptnContext};
use serde_json::json;
use status_view::page::{EventsFilter, Place, RunsFilter};

use crate::{
    page::{acting, project, stages},
    stream::Stream,
};

/// What browsers have been made to run, or to show in a false light.
const PAYLOADS: [&str; 40] = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<body onload=alert(1)>",
    "<iframe src=javascript:alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "\" onmouseover=\"alert(1)",
    "' onmouseover='alert(1)",
    "\"><script>alert(1)</script>",
    "'><script>alert(1)</script>",
    "\" autofocus onfocus=alert(1) x=\"",
    "`-alert(1)-`",
    "--><script>alert(1)</script>",
    "<!--<script>alert(1)//-->",
    "]]><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</pre></details><script>alert(1)</script>",
    "</main><main id=main>",
    "<style>*{background:url(//x)}</style>",
    "<link rel=stylesheet href=//x>",
    "<meta http-equiv=refresh content=0;url=//x>",
    "<base href=//x>",
    "<form action=//x><button>y</button></form>",
    "<template><script>alert(1)</script></template>",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)",
    "\u{1b}[31mred\u{1b}[0m\u{7}",
    "\u{202e}gnp.exe\u{2066}x",
    "https://x.example/\"onclick=alert(1)<b>",
    "\u{0}<scr\u{0}ipt>alert(1)</scr\u{0}ipt>",
];
/// Stands for all of them in a drawing that is known to be good.
const HARMLESS: &str = "https://x.example/a word";
/// Fields that are set; each value begins with its number.
const FIELDS: usize = 15;

/// The value of a field.
fn value(field: usize, payload: &str) -> String {
    format!("m{field:02} {payload} ")
}

/// The same without blanks and control characters, as an id must be.
fn id(field: usize, payload: &str) -> String {
    let is_kept = |c: &char| !c.is_whitespace() && !c.is_control();
    value(field, payload).chars().filter(is_kept).collect()
}

/// A delivery that fails and one that passes, with a payload wherever an event has text.
fn hostile(payload: &str) -> (Stream, Vec<KeptnContext>) {
    let text = |field| value(field, payload);
    let quoted = |field| serde_json::to_string(&text(field)).unwrap();
    let shipyard = format!(
        "
apiVersion: spec.keptn.sh/0.2.3
kind: Shipyard
metadata: {{name: s}}
spec:
  stages:
    - name: dev
      sequences:
        - name: go
          tasks:
            - {{name: deployment, properties: {{kind: {}}}}}
            - {{name: deployment, properties: {{kind: other}}}}
            - {{name: evaluation}}
        - {{name: back, tasks: [{{name: test}}], triggeredOn: [{{event: dev.go.finished, selector: {{match: {{result: {}}}}}}}]}}
    - {{name: hardening, sequences: [{{name: go, tasks: [{{name: deployment}}]}}]}}
",
        quoted(0),
        quoted(1)
    );
    let mut stream = Stream::with_project(&shipyard, None, &["carts", "orders"]);
    stream.command(
        "configuration.change",
        json!({"project": "sockshop", "stage": "hardening", "service": "orders",
            "configurationChange": {"values": {text(2): text(3)}}}),
    );
    let mut contexts = Vec::new();
    for (service, result) in [("carts", "fail"), ("orders", "pass")] {
        let mut event = trigger(&mut stream, service, payload);
        let context = KeptnContext::new(&id(4, &format!("{service}{payload}"))).unwrap();
        event.context = Some(context.clone());
        event.source = text(5).into();
        event.time = Some(text(6).into());
        stream.store(event);
        stream.settle();
        answer(&mut stream, payload, result);
        contexts.push(context);
    }
    let foreign = id(14, payload).replace('.', "");
    if let Ok(kind) = EventType::parse(&format!("sh.keptn.event.a.b.c.d.{foreign}.triggered")) {
        let mut event = stream.make("other.triggered", json!({"project": "sockshop"}));
        event.event_type = kind;
        stream.store(event);
    }
    (stream, contexts)
}

fn trigger(stream: &mut Stream, service: &str, payload: &str) -> Event {
    let text = |field| value(field, payload);
    stream.make(
        "dev.go.triggered",
        json!({"project": "sockshop", "stage": "dev", "service": service, "message": text(7),
            "labels": {text(8): text(9)},
            "configurationChange": {"values": {"image": text(10)}},
            "deployment": {"deploymentURIsPublic": [text(11)]}}),
    )
}

/// Answers every open task, the last with a result.
fn answer(stream: &mut Stream, payload: &str, result: &str) {
    while let Some(task) = stream.0.open_tasks().into_iter().next() {
        let is_last = task.event_type.to_string().contains("evaluation");
        let result = if is_last { result } else { "warning" };
        for (kind, message) in [
            ("started", ""),
            ("status.changed", &*value(12, payload)),
            ("finished", &*value(13, payload)),
        ] {
            let data = json!({"status": "succeeded", "result": result, "message": message});
            stream.0.answer(&task, &value(5, payload), kind, data);
        }
        stream.settle();
    }
}

/// Draws every page there is, with its buttons.
fn pages(stream: &Stream, contexts: &[KeptnContext]) -> Vec<String> {
    let project = project();
    let mut places = vec![
        Place::Projects,
        stages(),
        Place::Plan { project: project.clone(), stage: "hardening".to_owned(), from: None },
        Place::Graph { project: project.clone() },
        Place::Runs { project: project.clone(), filter: RunsFilter::default() },
        Place::Events { project: project.clone(), filter: EventsFilter::default() },
        Place::History { project, filter: RunsFilter::default() },
    ];
    places.extend(contexts.iter().map(|context| Place::Run { context: context.to_string() }));
    places.iter().map(|place| acting(stream, place)).collect()
}

/// An element: its name and its attributes.
pub(crate) type Element = (String, Vec<(String, String)>);

/// Reads the elements of a page as a browser would: what opens a tag is a tag.
pub(crate) fn elements(html: &str) -> Vec<Element> {
    let mut elements = Vec::new();
    let mut rest = html;
    while let Some((_, tag)) = rest.split_once('<') {
        let name_end = tag.find([' ', '>']).unwrap_or(tag.len());
        let (name, mut inside) = tag.split_at(name_end);
        let mut attributes = Vec::new();
        while let Some(attribute) = inside.strip_prefix(' ') {
            let end = attribute.find(['=', ' ', '>']).unwrap();
            let (key, behind) = attribute.split_at(end);
            let (value, behind) = match behind.strip_prefix("=\"") {
                Some(quoted) => quoted.split_once('"').unwrap(),
                None => ("", behind),
            };
            attributes.push((key.to_owned(), value.to_owned()));
            inside = behind;
        }
        rest = inside.strip_prefix('>').unwrap_or_else(|| panic!("no tag: <{tag:.80}"));
        elements.push((name.to_owned(), attributes));
    }
    elements
}

/// Returns the kinds of elements and attributes.
fn kinds(elements: &[Element]) -> BTreeSet<String> {
    let of = |(name, attributes): &Element| {
        let attributes = attributes.iter().map(|(key, _)| format!("{name}.{key}"));
        attributes.chain([name.clone()]).collect::<Vec<_>>()
    };
    elements.iter().flat_map(of).collect()
}

#[test]
fn what_events_say_stays_text_on_every_page() {
    let (stream, contexts) = hostile(HARMLESS);
    let known: BTreeSet<String> =
        pages(&stream, &contexts).iter().flat_map(|html| kinds(&elements(html))).collect();
    for needed in ["a.rel", "pre", "form.method"] {
        assert!(known.contains(needed), "{needed} is missing in {known:?}");
    }
    for payload in PAYLOADS {
        let (stream, contexts) = hostile(payload);
        let pages = pages(&stream, &contexts);
        for html in &pages {
            let elements = elements(html);
            let foreign: Vec<String> = kinds(&elements).difference(&known).cloned().collect();
            assert!(foreign.is_empty(), "{payload:?} makes {foreign:?}");
            assert_eq!(html.matches("<script").count(), 1, "{payload:?}");
            for (key, value) in elements.iter().flat_map(|(_, attributes)| attributes) {
                judge(payload, key, value);
            }
            let is_plain =
                |c: char| c == '\n' || !(c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
            assert!(html.chars().all(is_plain), "{payload:?}");
        }
        let missing: Vec<usize> = (0..FIELDS - 1)
            .filter(|field| !pages.iter().any(|html| html.contains(&format!("m{field:02}"))))
            .collect();
        assert!(missing.is_empty(), "fields that no page shows: {missing:?} with {payload:?}");
    }
}

fn judge(payload: &str, key: &str, value: &str) {
    match key {
        "href" => {
            let starts = ["/", "#", "http://", "https://", "runs?stage="];
            assert!(starts.iter().any(|start| value.starts_with(start)), "{payload:?}: {value}");
            assert!(!value.starts_with("//"), "{payload:?}: {value}");
        }
        "src" => assert!(value.starts_with("/assets/"), "{payload:?}: {value}"),
        "action" => {
            let starts = ["/projects/", "/actions/"];
            assert!(starts.iter().any(|start| value.starts_with(start)), "{payload:?}: {value}");
        }
        _ => {}
    }
    assert!(!key.starts_with("on") && key != "style", "{payload:?}: {key}");
}

#[test]
fn the_reader_of_pages_sees_what_a_browser_would() {
    let found = elements("<p class=\"a\">x &lt;b> <img src=\"/x\" onerror=\"y\"></p>");
    assert_eq!(
        kinds(&found),
        ["/p", "img", "img.onerror", "img.src", "p", "p.class"].map(str::to_owned).into()
    );
}
