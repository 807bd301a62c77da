//! A YAML text as a tree of nodes with places, scalars as written. Knows nothing of shipyards.
//!
//! A deserializer would lose what Keptn keeps: the raw text of a scalar (`name: 007`), and where
//! each key stands. Only the first document of a stream counts, as in Keptn.

use std::{borrow::Cow, collections::BTreeMap, rc::Rc};

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::Problem;

/// Deepest nesting of a document, aliases followed; the same as for the data of an event, into
/// which properties go.
pub(crate) const DEPTH_MAX: usize = crate::payload::DATA_DEPTH_MAX;
/// Most bytes that a document may stand for once its aliases are followed. A text of 256 KiB
/// without aliases stays below; a text that multiplies itself does not.
pub(crate) const EXPANDED_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What a node counts beside its text, in bytes; about what it takes in memory.
const NODE_BYTES: usize = 16;

/// Most characters of what the parser says; enough for all its sentences.
const DETAIL_CHARS_MAX: usize = 160;

/// Where something stands, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

impl Place {
    pub(crate) const START: Self = Self { line: 1, column: 1 };

    fn of(span: &Span) -> Self {
        Self::at(&span.start)
    }

    fn at(marker: &granit_parser::Marker) -> Self {
        Self { line: marker.line().max(1) as u64, column: marker.col() as u64 + 1 }
    }
}

/// A node of the document.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) at: Place,
    pub(crate) content: Content,
    depth: usize,
    expanded_bytes: usize,
}

/// What a node is.
#[derive(Debug)]
pub(crate) enum Content {
    /// Nothing, `~` or `null`.
    Null,
    /// Any other scalar.
    Scalar(Scalar),
    /// A sequence.
    List(Vec<Rc<Node>>),
    /// A mapping, entries as written: repeated keys and merge keys are still there.
    Map(Vec<(Rc<Node>, Rc<Node>)>),
}

/// A scalar as written.
#[derive(Debug)]
pub(crate) struct Scalar {
    /// After unquoting.
    pub(crate) text: String,
    /// Quoted or tagged as text, so that it is no number whatever it looks like.
    pub(crate) is_text: bool,
}

impl Node {
    fn new(at: Place, content: Content) -> Self {
        let (depth, bytes) = match &content {
            Content::Null => (0, 0),
            Content::Scalar(scalar) => (0, scalar.text.len()),
            Content::List(items) => measure(items.iter()),
            Content::Map(entries) => measure(entries.iter().flat_map(|(key, value)| [key, value])),
        };
        Self { at, content, depth, expanded_bytes: bytes.saturating_add(NODE_BYTES) }
    }

    /// Returns the text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(scalar) => Some(&scalar.text),
            Content::Null | Content::List(_) | Content::Map(_) => None,
        }
    }

    /// Tells whether there is nothing.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.content, Content::Null)
    }
}

fn measure<'a>(children: impl Iterator<Item = &'a Rc<Node>>) -> (usize, usize) {
    children.fold((1, 0), |(depth, bytes), child| {
        (depth.max(child.depth + 1), bytes.saturating_add(child.expanded_bytes))
    })
}

/// The first document of a text.
pub(crate) struct Parsed {
    pub(crate) root: Rc<Node>,
    /// Where something stands behind it, which is not read.
    pub(crate) rest: Option<Place>,
}

/// Parses the first document of a text; an empty text is null.
pub(crate) fn parse(text: &str) -> Result<Parsed, Problem> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut options = granit_parser::Options::default();
    options.set_emit_comments(false);
    let mut builder = Builder::default();
    let mut events = Parser::new_from_str_with_options(text, options);
    while let Some(next) = events.next() {
        let (event, span) = next.map_err(|error| not_yaml(&error))?;
        if let Some(root) = builder.take(event, &span)? {
            return Ok(Parsed { root, rest: events.next().and_then(rest) });
        }
    }
    Ok(Parsed { root: Rc::new(Node::new(Place::START, Content::Null)), rest: None })
}

fn rest(next: Result<(Event<'_>, Span), ScanError>) -> Option<Place> {
    match next {
        Ok((Event::DocumentStart(..), span)) => Some(Place::of(&span)),
        Ok(_) => None,
        Err(error) => Some(Place::at(error.marker())),
    }
}

fn not_yaml(error: &ScanError) -> Problem {
    let clean = |c: char| if c.is_control() { '?' } else { c };
    let detail: String = error.info().chars().take(DETAIL_CHARS_MAX).map(clean).collect();
    let hint = detail.contains("tab").then(|| "indent with blanks, not with tabs".to_owned());
    problem(Place::at(error.marker()), format!("the text must be YAML: {detail}"), hint)
}

fn problem(at: Place, message: String, hint: Option<String>) -> Problem {
    Problem { message, line: Some(at.line), column: Some(at.column), hint }
}

/// A collection whose end was not yet seen.
struct Open {
    at: Place,
    anchor: usize,
    is_map: bool,
    children: Vec<Rc<Node>>,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: BTreeMap<usize, Rc<Node>>,
    root: Option<Rc<Node>>,
}

impl Builder {
    /// Takes one event; returns the document when it is complete.
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<Option<Rc<Node>>, Problem> {
        let at = Place::of(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = Node::new(at, scalar(text, style, tag.as_deref()));
                self.place(Rc::new(node), anchor)?;
            }
            Event::SequenceStart(_, anchor, _) => self.start(at, anchor, false)?,
            Event::MappingStart(_, anchor, _) => self.start(at, anchor, true)?,
            Event::SequenceEnd | Event::MappingEnd => self.end()?,
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned().ok_or_else(|| {
                    problem(at, "an alias must not stand inside what it names".to_owned(), None)
                })?;
                self.place(node, 0)?;
            }
            Event::DocumentEnd => {
                return Ok(Some(
                    self.root
                        .take()
                        .unwrap_or_else(|| Rc::new(Node::new(Place::START, Content::Null))),
                ));
            }
            Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(..)
            | Event::Anchor(..)
            | Event::UnresolvedAlias(_)
            | Event::Comment(..)
            | _ => {}
        }
        Ok(None)
    }

    fn start(&mut self, at: Place, anchor: usize, is_map: bool) -> Result<(), Problem> {
        if self.open.len() >= DEPTH_MAX {
            return Err(too_deep(at));
        }
        self.open.push(Open { at, anchor, is_map, children: Vec::new() });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Problem> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let content = if open.is_map {
            Content::Map(pairs(open.children))
        } else {
            Content::List(open.children)
        };
        self.place(Rc::new(Node::new(open.at, content)), open.anchor)
    }

    /// Puts a complete node where it belongs.
    fn place(&mut self, node: Rc<Node>, anchor: usize) -> Result<(), Problem> {
        if node.depth + self.open.len() > DEPTH_MAX {
            return Err(too_deep(node.at));
        }
        if node.expanded_bytes > EXPANDED_BYTES_MAX {
            return Err(problem(
                node.at,
                format!("what aliases stand for must be at most {EXPANDED_BYTES_MAX} bytes"),
                Some("write fewer aliases".to_owned()),
            ));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        match self.open.last_mut() {
            Some(open) => open.children.push(node),
            None => self.root = Some(node),
        }
        Ok(())
    }
}

fn too_deep(at: Place) -> Problem {
    problem(at, format!("the text must be nested at most {DEPTH_MAX} deep"), None)
}

fn pairs(children: Vec<Rc<Node>>) -> Vec<(Rc<Node>, Rc<Node>)> {
    let mut children = children.into_iter();
    let mut entries = Vec::new();
    while let (Some(key), Some(value)) = (children.next(), children.next()) {
        entries.push((key, value));
    }
    entries
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>) -> Content {
    let core = tag.and_then(Tag::core_suffix);
    let is_plain = style == ScalarStyle::Plain && tag.is_none();
    if core == Some("null") || (is_plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL")) {
        return Content::Null;
    }
    let is_text = !is_plain && !matches!(core, Some("int" | "float" | "bool"));
    Content::Scalar(Scalar { text: text.into_owned(), is_text })
}
