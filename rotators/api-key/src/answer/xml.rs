//! XML read as JSON, so that one kind of pointer is enough.

use roxmltree::{Document, Node};
use serde_json::{Map, Value};

/// An object with the root element, by its local name.
pub(super) fn parse(text: &str) -> Option<Value> {
    let document = Document::parse(text).ok()?;
    let root = document.root_element();
    Some(Value::Object(
        [(root.tag_name().name().to_owned(), value(root, 0)?)].into_iter().collect(),
    ))
}

/// Nobody's answer is deeper, and the stack is not without end.
const DEEPEST: usize = 64;

fn value(node: Node<'_, '_>, depth: usize) -> Option<Value> {
    if depth > DEEPEST {
        return None;
    }
    let elements = || node.children().filter(Node::is_element);
    if elements().next().is_none() {
        return Some(node.text().unwrap_or_default().into());
    }
    if elements().all(|element| element.tag_name().name() == "member") {
        let items: Option<Vec<_>> = elements().map(|element| value(element, depth + 1)).collect();
        return Some(Value::Array(items?));
    }
    let mut object = Map::new();
    for element in elements() {
        object.insert(element.tag_name().name().to_owned(), value(element, depth + 1)?);
    }
    Some(Value::Object(object))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn elements_are_members_and_a_list_of_members_is_an_array() {
        let text = "<?xml version=\"1.0\"?><R xmlns=\"x\"><K><member><Id>A</Id></member></K><E/><T>f</T></R>";
        let read = json!({"R": {"K": [{"Id": "A"}], "E": "", "T": "f"}});
        assert_eq!(parse(text), Some(read));
        assert_eq!(parse("{\"a\": 1}"), None);
    }

    #[test]
    fn what_is_nested_without_end_is_no_answer() {
        let text = format!("{}{}", "<a>".repeat(200), "</a>".repeat(200));
        assert_eq!(parse(&text), None);
    }
}
