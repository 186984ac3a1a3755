use super::text;
use crate::derived::Derived;
use crate::{Credential, Document, Edit, Malformed, Sensitive, Target, percent_encoded};

#[derive(Debug, PartialEq)]
struct Login {
    user: String,
    password: Sensitive,
}

impl Credential for Login {
    fn read(secret: &Document) -> Result<Self, Malformed> {
        Ok(Self { user: secret.string("username")?, password: secret.sensitive("password")? })
    }

    fn target(&self) -> Target {
        Target::new("target")
    }

    fn principal(&self) -> &str {
        &self.user
    }
}

/// The templates of a stored secret: what they make is made again of itself, as it was, and all else stays.
pub fn derived(data: &[u8]) {
    let Some(stored) = text(data) else { return };
    encodes(stored);
    let Ok(document) = Document::parse(Sensitive::new(stored)) else { return };
    let Ok(login) = Login::read(&document) else { return };
    let edit = Edit::new().set("password", Sensitive::new(login.password.expose()));
    let made = match Derived::make(&document, &edit, &login) {
        Ok(made) => made,
        Err(error) => {
            let (shown, password) = (error.to_string(), login.password.expose());
            let template_has_it = stored.matches(password).count() > 1;
            assert!(password.len() < 12 || template_has_it || !shown.contains(password), "{shown}");
            return;
        }
    };
    assert_eq!(Login::read(&made.document), Ok(login));
    let rotation = document.section("rotation").ok().flatten();
    let templates = rotation.and_then(|rotation| rotation.section("derived").ok().flatten());
    let derived = |name: &str| templates.iter().any(|all| all.names().any(|field| field == name));
    let others = |of: &Document| -> Vec<(String, Option<String>)> {
        let others = of.names().filter(|name| !derived(name));
        let raw = |name| of.raw(name).ok().flatten().map(str::to_owned);
        others.map(|name| (name.to_owned(), raw(name))).collect()
    };
    assert_eq!(others(&made.document), others(&document));
    for name in made.document.names().filter(|name| derived(name)) {
        assert!(made.document.string(name).is_ok() || made.document.raw(name) == Ok(Some("\"\"")));
    }
    let login = Login::read(&made.document).expect("a login");
    let again = Derived::make(&made.document, &edit, &login).expect("templates");
    assert_eq!((again.stale.as_slice(), again.document.text()), (&[][..], made.document.text()));
}

/// Percent-encoding leaves unreserved characters alone, and what it makes is read back by its definition.
fn encodes(text: &str) {
    let encoded = percent_encoded(text);
    let mut decoded = Vec::new();
    let mut rest = encoded.expose().bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits: String = rest.by_ref().take(2).map(char::from).collect();
            assert_eq!(digits, digits.to_uppercase());
            decoded.push(u8::from_str_radix(&digits, 16).expect("two digits"));
        } else {
            assert!(byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
            decoded.push(byte);
        }
    }
    assert_eq!(decoded, text.as_bytes());
}
