//! Without scripts: every fact of every page is there all the same.

use crate::browser::{Browser, Scripts};
use crate::pages;
use crate::stand::Stand;

/// A page that says whether scripts run.
const PROBE: &str = "data:text/html,<p>none</p><script>document.body.textContent='some'</script>";

#[test]
fn pages_say_the_same_without_scripts() {
    let stand = Stand::with_story();
    let browser = Browser::open_with(Scripts::Off);
    browser.go(PROBE);
    assert_eq!(browser.text(), "none");
    for page in pages::of_story(&stand) {
        browser.go(&stand.url(&page.path));
        let text = browser.text();
        for fact in &page.facts {
            assert!(text.contains(fact), "{}: `{fact}` is missing in: {text}", page.path);
        }
        // Nothing claims to be live, and no button is shown that only a script makes work.
        assert!(!text.contains("live,"), "{text}");
        assert!(!text.contains("Copy"), "{text}");
    }
}
