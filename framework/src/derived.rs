//! Fields that are made of other fields, and written again at each rotation: a URL, a connection string.

use crate::{Credential, Document, Edit, Malformed, Sensitive};

/// No secret is longer, so no field of one is. A short template can ask for far more.
const MOST_BYTES: usize = 65_536;

/// A document with the fields that its `rotation.derived` makes.
///
/// `rotation.derived` is an object of templates, each named after the field that it makes. In a template,
/// `{field}` is the document's top-level field of that name: a string, a number as it is written, `true` or
/// `false`. `{field|percent}` is the same with every byte percent-encoded but the unreserved characters of
/// RFC 3986, section 2.3; `{{` and `}}` are braces.
#[derive(Debug)]
pub(crate) struct Derived {
    /// The document, each derived field replaced or appended, all other bytes kept.
    pub(crate) document: Document,
    /// The derived fields that were not there, or held something else.
    pub(crate) stale: Vec<String>,
}

impl Derived {
    /// Fills the templates of a document that `edit` has made, and of which `credential` is read.
    ///
    /// A derived field is an end: that `edit` writes it, that a template uses it or that it makes another
    /// credential of the document is an error, which names the template and shows no value.
    pub(crate) fn make<C: Credential>(
        document: &Document,
        edit: &Edit,
        credential: &C,
    ) -> Result<Self, Malformed> {
        let mut made = Self { document: document.edited(&Edit::new())?, stale: Vec::new() };
        let Some(rotation) = document.section("rotation")? else { return Ok(made) };
        let Some(templates) = rotation.section("derived")? else { return Ok(made) };
        for field in templates.names() {
            let template = Template::read(&templates, field)?;
            if field == "rotation" {
                return Err(template.problem("is where templates are, and cannot be derived"));
            }
            if edit.names().any(|name| name == field) {
                return Err(template.problem("is a field that the rotation itself writes"));
            }
            let value = template.fill(document)?;
            if document.scalar(field).ok().flatten().is_none_or(|now| now != value) {
                made.stale.push(field.to_owned());
            }
            made.document = made.document.edited(&Edit::new().set(field, value))?;
            let read = C::read(&made.document);
            if !read.is_ok_and(|read| read == *credential && read.admin() == credential.admin()) {
                return Err(template.problem("changes what the rotation itself reads"));
            }
        }
        Ok(made)
    }
}

/// How one derived field is made.
struct Template<'a> {
    /// `rotation.derived`.
    all: &'a Document,
    field: &'a str,
    /// Whoever writes a template may have put a secret into it.
    text: Sensitive,
}

/// A piece of a template.
enum Part<'a> {
    Text(&'a str),
    Field { name: &'a str, percent: bool },
}

impl<'a> Template<'a> {
    fn read(all: &'a Document, field: &'a str) -> Result<Self, Malformed> {
        let text = all.optional_string(field)?;
        let text = text.ok_or_else(|| all.problem(field, "is not a string"))?;
        Ok(Self { all, field, text: Sensitive::new(text) })
    }

    fn fill(&self, document: &Document) -> Result<Sensitive, Malformed> {
        let (mut pieces, mut length, mut placeholder) = (Vec::new(), 0, 0);
        for part in self.parts()? {
            let piece = match part {
                Part::Text(text) => Sensitive::new(text),
                Part::Field { name, percent } => {
                    placeholder += 1;
                    let value = self.value(document, name).map_err(|problem| {
                        self.problem(format!("names in placeholder {placeholder} {problem}"))
                    })?;
                    if percent { percent_encoded(value.expose()) } else { value }
                }
            };
            length += piece.expose().len();
            if length > MOST_BYTES {
                return Err(self.problem("makes a field of over 65,536 bytes"));
            }
            pieces.push(piece);
        }
        // In one go: a string that grows leaves copies of itself behind.
        let pieces: Vec<&str> = pieces.iter().map(Sensitive::expose).collect();
        Ok(Sensitive::new(pieces.concat()))
    }

    /// The value of a field; a problem does not name it, since a stray brace makes a name of any text.
    fn value(&self, document: &Document, name: &str) -> Result<Sensitive, &'static str> {
        if self.all.names().any(|derived| derived == name) {
            return Err("a field that is derived itself");
        }
        match document.scalar(name) {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err("a field that is missing"),
            Err(_) => Err("a field that is there twice, or no string, number or boolean"),
        }
    }

    fn parts(&self) -> Result<Vec<Part<'_>>, Malformed> {
        let (mut parts, mut placeholder, mut rest) = (Vec::new(), 0, self.text.expose());
        while let Some(brace) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(brace);
            parts.push(Part::Text(before));
            if from.starts_with("{{") || from.starts_with("}}") {
                parts.push(Part::Text(&from[..1]));
                rest = &from[2..];
                continue;
            }
            let inside = from.strip_prefix('{').and_then(|from| from.split_once('}'));
            let Some((inside, after)) = inside.filter(|(inside, _)| !inside.contains('{')) else {
                let problem = "has a brace without its other; as a character it is written twice";
                return Err(self.problem(problem));
            };
            placeholder += 1;
            let (name, percent) = match inside.split_once('|') {
                None => (inside, false),
                Some((name, "percent")) => (name, true),
                Some(_) => {
                    return Err(self.problem(format!(
                        "has in placeholder {placeholder} an unknown filter; there is only `percent`"
                    )));
                }
            };
            parts.push(Part::Field { name, percent });
            rest = after;
        }
        parts.push(Part::Text(rest));
        Ok(parts)
    }

    fn problem(&self, problem: impl Into<String>) -> Malformed {
        self.all.problem(self.field, problem.into())
    }
}

/// Percent-encodes every byte but the unreserved characters of RFC 3986, section 2.3.
pub fn percent_encoded(text: &str) -> Sensitive {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(3 * text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let digit = |four: u8| char::from(HEX[usize::from(four)]);
            encoded.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    Sensitive::new(encoded)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
