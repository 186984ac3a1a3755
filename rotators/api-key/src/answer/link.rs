use reqwest::header::{HeaderMap, LINK};

/// The address of the next page, by the header `Link` (RFC 8288, section 3).
pub(super) fn next(headers: &HeaderMap) -> Option<String> {
    let links = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    links.flat_map(links_in).find(|link| link.is_next()).map(|link| link.address.to_owned())
}

struct Link<'a> {
    address: &'a str,
    parameters: Vec<&'a str>,
}

impl Link<'_> {
    fn is_next(&self) -> bool {
        // The first `rel` counts, and it can name several relations.
        let relations = self.parameters.iter().find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("rel").then(|| value.trim().trim_matches('"'))
        });
        relations.is_some_and(|all| {
            all.split_ascii_whitespace().any(|one| one.eq_ignore_ascii_case("next"))
        })
    }
}

/// The links of one header: an address can have commas and semicolons, and so can a quoted parameter.
fn links_in(mut rest: &str) -> Vec<Link<'_>> {
    let mut links = Vec::new();
    while let Some((_, after)) = rest.split_once('<') {
        let Some((address, after)) = after.split_once('>') else { break };
        let end = outside_quotes(after, ',').unwrap_or(after.len());
        let (mut of_link, after) = after.split_at(end);
        let mut parameters = Vec::new();
        while let Some(end) = outside_quotes(of_link, ';') {
            parameters.push(&of_link[..end]);
            of_link = &of_link[end + 1..];
        }
        parameters.push(of_link);
        links.push(Link { address, parameters });
        rest = after;
    }
    links
}

fn outside_quotes(text: &str, wanted: char) -> Option<usize> {
    let mut quoted = false;
    text.char_indices().find_map(|(place, character)| {
        quoted ^= character == '"';
        (character == wanted && !quoted).then_some(place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next_of(lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(LINK, line.parse().unwrap());
        }
        next(&headers)
    }

    #[test]
    fn the_next_page_is_found_among_others() {
        for line in [
            "<https://a.example/?page=2>; rel=\"next\"",
            "<https://a.example/?page=2>; rel=next",
            "<https://a.example/?page=2>;rel=\"last next\"",
            "<https://a.example/?page=2>; title=\"a, b; rel=prev\"; REL=\"Next\"",
            "</?page=1>; rel=\"first\", <https://a.example/?page=2>; rel=\"next\", </?page=9>; rel=last",
            "</?page=1>; title=\"next\"; rel=\"prev\" , <https://a.example/?page=2>; rel=\"next\"",
        ] {
            assert_eq!(next_of(&[line]).as_deref(), Some("https://a.example/?page=2"), "{line}");
        }
        let lines = ["</?page=1>; rel=first", "</?page=2>; rel=next"];
        assert_eq!(next_of(&lines).as_deref(), Some("/?page=2"));
    }

    #[test]
    fn an_address_may_have_commas_and_semicolons() {
        let line =
            "</a,b;rel=prev?ids=1,2&page=1>; rel=\"prev\", </a,b?ids=1,2;x&page=3>; rel=\"next\"";
        assert_eq!(next_of(&[line]).as_deref(), Some("/a,b?ids=1,2;x&page=3"));
    }

    #[test]
    fn the_last_page_has_no_next() {
        for line in [
            "",
            "</?page=1>; rel=\"prev\"",
            "</?page=1>; rel=\"nextish\"",
            "</?page=1>; rev=\"next\"",
            "</?page=1>; rel=prev; rel=next",
            "/?page=2; rel=next",
            "</?page=2; rel=next",
        ] {
            assert_eq!(next_of(&[line]), None, "{line}");
        }
    }
}
