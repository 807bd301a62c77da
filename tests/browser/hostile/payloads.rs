//! What is put into events: texts that browsers have been made to run, or to show in a false light.

/// Number of the payload that no browser ever ran: what pages look like.
pub(super) const HARMLESS: usize = 0;
/// Fields that hold a payload and are shown by some page; each value begins with its number.
pub(super) const FIELDS: usize = 17;

/// The payloads. Each that runs leaves a mark and opens a dialog.
pub(super) const PAYLOADS: [&str; 41] = [
    "https://x.example/a word",
    "<script>alert(window.__xss=1)</script>",
    "</script><script>alert(window.__xss=1)</script>",
    "<img src=x onerror=alert(window.__xss=1)>",
    "<svg onload=alert(window.__xss=1)>",
    "<svg><script>alert(window.__xss=1)</script></svg>",
    "<body onload=alert(window.__xss=1)>",
    "<iframe src=javascript:alert(window.__xss=1)>",
    "<a href=javascript:alert(window.__xss=1)>x</a>",
    "javascript:alert(window.__xss=1)",
    "JaVaScRiPt:alert(window.__xss=1)",
    " javascript:alert(window.__xss=1)",
    "data:text/html,<script>alert(window.__xss=1)</script>",
    "vbscript:msgbox(1)",
    "\" onmouseover=\"alert(window.__xss=1)",
    "' onmouseover='alert(window.__xss=1)",
    "\"><script>alert(window.__xss=1)</script>",
    "'><script>alert(window.__xss=1)</script>",
    "\" autofocus onfocus=alert(window.__xss=1) x=\"",
    "`-alert(window.__xss=1)-`",
    "--><script>alert(window.__xss=1)</script>",
    "<!--<script>alert(window.__xss=1)//-->",
    "]]><script>alert(window.__xss=1)</script>",
    "</title><script>alert(window.__xss=1)</script>",
    "</textarea><script>alert(window.__xss=1)</script>",
    "</pre></details><script>alert(window.__xss=1)</script>",
    "</main><main id=main>",
    "<style>*{background:url(//x)}</style>",
    "<link rel=stylesheet href=//x>",
    "<meta http-equiv=refresh content=0;url=//x>",
    "<base href=//x>",
    "<form action=//x><button>y</button></form>",
    "<template><script>alert(window.__xss=1)</script></template>",
    "{{constructor.constructor('alert(window.__xss=1)')()}}",
    "${alert(window.__xss=1)}",
    "&lt;script&gt;alert(window.__xss=1)&lt;/script&gt;",
    "&#60;script&#62;alert(window.__xss=1)",
    "\u{1b}[31mred\u{1b}[0m\u{7}",
    "\u{202e}gnp.exe\u{2066}x",
    "https://x.example/\"onclick=alert(window.__xss=1)<b>",
    "\u{0}<scr\u{0}ipt>alert(window.__xss=1)</scr\u{0}ipt>",
];

/// The value of a field.
pub(super) fn text(field: usize, payload: &str) -> String {
    format!("m{field:02} {payload} ")
}

/// The same without blanks and control characters, as an id must be.
pub(super) fn word(field: usize, payload: &str) -> String {
    let is_kept = |c: &char| !c.is_whitespace() && !c.is_control();
    text(field, payload).chars().filter(is_kept).collect()
}
