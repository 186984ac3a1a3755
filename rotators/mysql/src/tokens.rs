//! What the server prints about users, taken apart into tokens.

use turnlock::Sensitive;

use crate::account::Account;
use crate::version::Version;

/// A piece of a line.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Token {
    /// A keyword or a number, as it stands there.
    Word(String),
    /// A quoted identifier, without its quotes.
    Name(String),
    /// A text, which can be a digest.
    Text(Sensitive),
    /// The digits of a text in hexadecimal.
    Hex(Sensitive),
    /// Any other character.
    Sign(char),
}

/// The tokens of a line that are not read yet. Every method that finds something else leaves it there.
#[derive(Debug)]
pub(crate) struct Tokens {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

impl Tokens {
    /// Takes a line apart; `None` where a quote is not closed.
    pub(crate) fn of(line: &str, version: Version) -> Option<Self> {
        let mut rest = line;
        let mut tokens = Vec::new();
        while let Some(first) = rest.chars().next() {
            let behind = &rest[first.len_utf8()..];
            let (token, left) = match first {
                ' ' | '\t' | '\r' | '\n' => (None, behind),
                '`' | '"' => {
                    let (name, left) = identifier(behind, first)?;
                    (Some(Token::Name(name)), left)
                }
                '\'' => {
                    let (text, left) =
                        if version.is_mariadb() { escaped(behind)? } else { verbatim(behind)? };
                    (Some(Token::Text(Sensitive::new(text))), left)
                }
                c if is_part_of_a_word(c) => {
                    let (word, left) = word(rest);
                    (Some(word), left)
                }
                c => (Some(Token::Sign(c)), behind),
            };
            tokens.extend(token);
            rest = left;
        }
        Some(Self { tokens: tokens.into_iter().peekable() })
    }

    pub(crate) fn is_at_end(&mut self) -> bool {
        self.tokens.peek().is_none()
    }

    /// Takes these words, or none of them where the first is another one.
    pub(crate) fn takes(&mut self, words: &str) -> bool {
        let mut words = words.split(' ');
        let is_first = words.next().is_some_and(|first| self.takes_word(first));
        is_first && words.all(|word| self.takes_word(word))
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_it =
            |token: &Token| matches!(token, Token::Word(is) if is.eq_ignore_ascii_case(word));
        self.tokens.next_if(is_it).is_some()
    }

    pub(crate) fn takes_sign(&mut self, sign: char) -> bool {
        self.tokens.next_if(|token| matches!(token, Token::Sign(is) if *is == sign)).is_some()
    }

    /// Whether a quoted name comes next.
    pub(crate) fn is_at_name(&mut self) -> bool {
        matches!(self.tokens.peek(), Some(Token::Name(_)))
    }

    pub(crate) fn word(&mut self) -> Option<String> {
        match self.tokens.next_if(|token| matches!(token, Token::Word(_)))? {
            Token::Word(word) => Some(word),
            Token::Name(_) | Token::Text(_) | Token::Hex(_) | Token::Sign(_) => None,
        }
    }

    /// The keyword that comes next, for a message; it stays there.
    pub(crate) fn keyword(&mut self) -> Option<String> {
        match self.tokens.peek()? {
            Token::Word(word) if is_keyword(word) => Some(word.clone()),
            Token::Word(_) | Token::Name(_) | Token::Text(_) | Token::Hex(_) | Token::Sign(_) => {
                None
            }
        }
    }

    /// A number, if one comes next.
    pub(crate) fn number_if_next<N: std::str::FromStr>(&mut self) -> Option<N> {
        match self.tokens.peek()? {
            Token::Word(word) if word.parse::<N>().is_ok() => self.number(),
            Token::Word(_) | Token::Name(_) | Token::Text(_) | Token::Hex(_) | Token::Sign(_) => {
                None
            }
        }
    }

    pub(crate) fn number<N: std::str::FromStr>(&mut self) -> Option<N> {
        self.word()?.parse().ok()
    }

    pub(crate) fn name(&mut self) -> Option<String> {
        match self.tokens.next_if(|token| matches!(token, Token::Name(_)))? {
            Token::Name(name) => Some(name),
            Token::Word(_) | Token::Text(_) | Token::Hex(_) | Token::Sign(_) => None,
        }
    }

    pub(crate) fn text(&mut self) -> Option<Sensitive> {
        match self.tokens.next_if(|token| matches!(token, Token::Text(_)))? {
            Token::Text(text) => Some(text),
            Token::Word(_) | Token::Name(_) | Token::Hex(_) | Token::Sign(_) => None,
        }
    }

    pub(crate) fn hex(&mut self) -> Option<Sensitive> {
        match self.tokens.next_if(|token| matches!(token, Token::Hex(_)))? {
            Token::Hex(digits) => Some(digits),
            Token::Word(_) | Token::Name(_) | Token::Text(_) | Token::Sign(_) => None,
        }
    }

    /// A user or a host: MySQL 5.7 prints them as texts.
    fn part(&mut self) -> Option<String> {
        self.name().or_else(|| self.text().map(|text| text.expose().to_owned()))
    }

    /// A user and its host; of a role of MariaDB, the host is `None`.
    pub(crate) fn user(&mut self) -> Option<(String, Option<String>)> {
        let user = self.part()?;
        let host = if self.takes_sign('@') { Some(self.part()?) } else { None };
        Some((user, host))
    }

    pub(crate) fn account(&mut self) -> Option<Account> {
        let (user, host) = self.user()?;
        Some(Account::new(user, host?))
    }
}

/// The words that a line begins with: enough to find it, and nothing of what is in quotes.
pub(crate) fn kind(line: &str) -> String {
    let words: Vec<&str> =
        line.split([' ', ',']).take_while(|word| is_keyword(word)).take(4).collect();
    words.join(" ")
}

fn is_keyword(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

fn is_part_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

fn word(text: &str) -> (Token, &str) {
    let is_number = text.starts_with(|c: char| c.is_ascii_digit());
    let is_over = |c: char| !(is_part_of_a_word(c) || is_number && c == '.');
    let (word, left) = text.split_at(text.find(is_over).unwrap_or(text.len()));
    match word.strip_prefix("0x") {
        Some(digits) if digits.chars().all(|c| c.is_ascii_hexdigit()) => {
            (Token::Hex(Sensitive::new(digits)), left)
        }
        _ => (Token::Word(word.to_owned()), left),
    }
}

/// Both quotes of identifiers are doubled inside, on every server and in every mode.
fn identifier(text: &str, quote: char) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if c != quote {
            name.push(c);
        } else if characters.next_if(|(_, next)| *next == quote).is_some() {
            name.push(quote);
        } else {
            return Some((name, &text[at + quote.len_utf8()..]));
        }
    }
    None
}

/// MariaDB doubles quotes and puts a backslash before some characters, also in a session where a backslash
/// means nothing (seen on 10.11 and 11.8).
fn escaped(text: &str) -> Option<(String, &str)> {
    // A digest: a string that grows leaves copies of itself behind.
    let mut found = String::with_capacity(text.len());
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '\'' if characters.next_if(|(_, next)| *next == '\'').is_some() => found.push('\''),
            '\'' => return Some((found, &text[at + 1..])),
            '\\' => found.push(match characters.next()?.1 {
                '0' => '\0',
                'n' => '\n',
                'r' => '\r',
                'Z' => '\x1a',
                c => c,
            }),
            c => found.push(c),
        }
    }
    None
}

/// MySQL prints a text as it is in a session where a backslash means nothing, its quotes too (seen on 9.7): only
/// a quote with something behind it that no text goes on with is the end.
fn verbatim(text: &str) -> Option<(String, &str)> {
    let is_end = |(at, _): &(usize, &str)| {
        let behind = text[at + 1..].chars().next();
        behind.is_none_or(|c| matches!(c, ' ' | ',' | '@'))
    };
    let (at, _) = text.match_indices('\'').find(is_end)?;
    Some((text[..at].to_owned(), &text[at + 1..]))
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::tests::{MARIADB, MYSQL};

    fn tokens(line: &str, version: Version) -> Vec<Token> {
        Tokens::of(line, version).expect("tokens").tokens.collect()
    }

    fn texts(line: &str, version: Version) -> Vec<String> {
        let of = |token| match token {
            Token::Word(text) | Token::Name(text) => text,
            Token::Text(text) | Token::Hex(text) => text.expose().to_owned(),
            Token::Sign(sign) => sign.into(),
        };
        tokens(line, version).into_iter().map(of).collect()
    }

    #[test]
    fn names_end_where_their_quotes_do() {
        for (line, names) in [
            ("`a TO b`.`we``ird`", ["a TO b", ".", "we`ird"]),
            (r#""q""uo'te"."back\slash""#, [r#"q"uo'te"#, ".", r"back\slash"]),
            ("`d)e`,`sh\\_p%`", ["d)e", ",", "sh\\_p%"]),
        ] {
            assert_eq!(texts(line, MARIADB), names);
            assert_eq!(texts(line, MYSQL), names);
        }
    }

    #[test]
    fn mariadb_escapes_texts_in_every_mode_and_mysql_in_none() {
        assert_eq!(texts(r"SUBJECT '/CN=o''ne\\t\nw'", MARIADB), ["SUBJECT", "/CN=o'ne\\t\nw"]);
        assert_eq!(texts(r"SUBJECT '/CN=o'ne\two' X", MYSQL), ["SUBJECT", r"/CN=o'ne\two", "X"]);
        assert_eq!(texts("''@''", MYSQL), ["", "@", ""]);
    }

    #[test]
    fn numbers_and_hex_are_one_token_each() {
        assert_eq!(
            texts("MAX_STATEMENT_TIME 1.500000", MARIADB),
            ["MAX_STATEMENT_TIME", "1.500000"]
        );
        assert_eq!(tokens("0x2441", MYSQL), [Token::Hex(Sensitive::new("2441"))]);
        assert_eq!(texts("<secret>", MYSQL), ["<", "secret", ">"]);
    }

    #[test]
    fn an_open_quote_is_no_line() {
        for line in ["`a", "\"a", "'a", "'a\\"] {
            assert!(Tokens::of(line, MARIADB).is_none(), "{line}");
        }
        assert!(Tokens::of("'a", MYSQL).is_none());
    }

    #[test]
    fn the_kind_of_a_line_shows_nothing_that_is_quoted() {
        assert_eq!(
            kind("GRANT USAGE ON *.* TO `a` IDENTIFIED BY PASSWORD '*B69'"),
            "GRANT USAGE ON"
        );
        assert_eq!(kind("CREATE USER `ADMIN`@`%`"), "CREATE USER");
        assert_eq!(
            kind("CREATE USER ADMIN IDENTIFIED BY PASSWORD '*B69'"),
            "CREATE USER ADMIN IDENTIFIED"
        );
    }
}
