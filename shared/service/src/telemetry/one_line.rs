//! One line of the log is one line, whatever it quotes: no line break in a field begins another
//! one, and no control character reaches the terminal of who reads it.

use std::{borrow::Cow, fmt::Write as _, io};

/// Writes lines, each in one call as the log does, with their control characters escaped.
pub(super) struct OneLine<W>(pub(super) W);

impl<W: io::Write> io::Write for OneLine<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.0.write_all(escaped(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Tells whether a character may begin a line or steer a terminal: JSON escapes only some.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Escapes as JSON does, where such characters stand in texts only.
fn escaped(line: &str) -> Cow<'_, str> {
    let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
    if !body.contains(is_unsafe) {
        return Cow::Borrowed(line);
    }
    let mut safe = String::with_capacity(line.len());
    for c in body.chars() {
        if is_unsafe(c) {
            // Writing into a text cannot fail.
            _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe.push_str(end);
    Cow::Owned(safe)
}
