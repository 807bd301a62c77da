//! Reads selectors, with the words of Kubernetes' label selectors.

pub(super) use super::Selector;
use super::{Expression, Operator};
use crate::{
    document::{
        reader::{Entry, Problems},
        tree::Node,
    },
    name::shortened,
};

const SELECTOR: &[&str] = &["matchLabels", "matchExpressions"];
const EXPRESSION: &[&str] = &["key", "operator", "values"];
const OPERATORS: [(&str, Operator); 4] = [
    ("In", Operator::In),
    ("NotIn", Operator::NotIn),
    ("Exists", Operator::Exists),
    ("DoesNotExist", Operator::DoesNotExist),
];

/// Reads a selector; what is wrong in it is an error, for a selector that is read as wider than
/// it is written would answer what it should not.
pub(super) fn read(entry: Entry<'_>, problems: &mut Problems) -> Selector {
    let mut selector = Selector::default();
    let Some(fields) = problems.fields(entry.value, "a selector", SELECTOR) else {
        return selector;
    };
    for (_, key, value) in problems.text_map(fields.get("matchLabels")) {
        selector.match_labels.insert(key, value);
    }
    for item in problems.list(fields.get("matchExpressions")) {
        selector.match_expressions.extend(expression(item, problems));
    }
    selector
}

fn expression(item: &Node, problems: &mut Problems) -> Option<Expression> {
    let fields = problems.fields(item, "an entry of `matchExpressions`", EXPRESSION)?;
    let key = problems.text(fields.get("key")).unwrap_or_default().to_owned();
    if key.is_empty() {
        problems.error(item.at, "an entry of `matchExpressions` must have a `key`");
    }
    let word = problems.text(fields.get("operator")).unwrap_or_default();
    let operator = OPERATORS.iter().find(|(name, _)| *name == word).map(|(_, operator)| *operator);
    if operator.is_none() {
        let message = format!(
            "operator `{}` must be one of In, NotIn, Exists, DoesNotExist",
            shortened(word)
        );
        problems.error(fields.place("operator"), message);
    }
    let mut values = Vec::new();
    for item in problems.list(fields.get("values")) {
        match item.text() {
            Some(text) => values.push(text.to_owned()),
            None => problems.error(item.at, "an entry of `values` must be text"),
        }
    }
    let operator = operator?;
    let needs_values = matches!(operator, Operator::In | Operator::NotIn);
    if needs_values && values.is_empty() {
        problems.error(fields.place("values"), format!("operator `{word}` must have `values`"));
    }
    if !needs_values && !values.is_empty() {
        let message = format!("`values` has no effect with the operator `{word}`");
        problems.warn(fields.place("values"), message, None);
    }
    Some(Expression { key, operator, values })
}

impl Selector {
    /// Adds the requirements of `other`.
    pub(super) fn restrict(&mut self, other: &Self) {
        for (key, value) in &other.match_labels {
            match self.match_labels.get(key) {
                Some(own) if own == value => {}
                // Both must hold, and a map holds one value: the other becomes an expression.
                Some(_) => self.match_expressions.push(Expression {
                    key: key.clone(),
                    operator: Operator::In,
                    values: vec![value.clone()],
                }),
                None => {
                    self.match_labels.insert(key.clone(), value.clone());
                }
            }
        }
        self.match_expressions.extend(other.match_expressions.iter().cloned());
    }
}
