//! What a template may say: variables, filters, `if` and `for`; everything else is refused before it is compiled.
//!
//! A template may come from a repository that nobody trusted. Fuel bounds how long it runs and a limit what it
//! prints, but not what it builds in memory: `x ~ x` in a binding that is repeated forty times is a terabyte, and
//! fuel counts it as forty. Without operators that build values, without lists and bindings beyond `for`, a value
//! never gets bigger than what went in.

/// Block tags that are allowed.
const TAGS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];

/// The first thing that is not allowed: its line and what it is.
pub(super) fn violation(source: &str) -> Option<(usize, String)> {
    let mut at = 0;
    while let Some(opening) = source.get(at..).and_then(|rest| rest.find('{')).map(|found| at + found) {
        let rest = source.get(opening..).unwrap_or_default();
        let (inner, length) = match rest.as_bytes().get(1) {
            Some(b'{') => expression(rest, "}}"),
            Some(b'%') => expression(rest, "%}"),
            Some(b'#') => ("", rest.find("#}").map_or(rest.len(), |end| end + 2)),
            Some(_) | None => ("", 1),
        };
        let line = || source.get(..opening).unwrap_or_default().matches('\n').count() + 1;
        if let Some(operator) = forbidden(inner) {
            return Some((line(), format!("`{operator}` is not allowed in templates")));
        }
        if rest.starts_with("{%") {
            let tag = inner.trim_start().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            if !TAGS.contains(&tag) {
                let known = TAGS.join(", ");
                return Some((line(), format!("`{}` is no tag for templates, which know {known}", super::shown(tag))));
            }
        }
        at = opening + length;
    }
    None
}

/// What stands in a tag or hole that begins `rest`, and the length of the whole; a `closing` in a text is no end.
fn expression<'a>(rest: &'a str, closing: &str) -> (&'a str, usize) {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(2) {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if rest.get(at..).is_some_and(|here| here.starts_with(closing)) => {
                let inner = rest.get(2..at).unwrap_or_default();
                // `{%-`, `-%}`, `{%+`, `+%}` only say what becomes of the white space around.
                let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
                return (inner.strip_suffix(['-', '+']).unwrap_or(inner), at + closing.len());
            }
            None => {}
        }
    }
    (rest.get(2..).unwrap_or_default(), rest.len())
}

/// The first operator outside texts that builds a value, or opens a list, map or tuple.
fn forbidden(inner: &str) -> Option<char> {
    let mut quote = None;
    let mut escaped = false;
    for c in inner.chars() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if matches!(c, '~' | '+' | '*' | '/' | '%' | '[' | '{' | ',') => return Some(c),
            None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::violation;

    #[test]
    fn only_holes_filters_if_and_for() {
        for good in [
            "{{X}} {{- x | join(', ') -}} {%- for a in b if a -%}{{ loop.index }}{% endfor %} {# ~ #} { ~ } {",
            "{% if a == 'b ~ c' %}{% elif not a %}{% else %}{% endif %} ${x%y} {{ \"}} ~\" }}",
        ] {
            assert_eq!(violation(good), None, "{good}");
        }
        for (bad, line) in [
            ("\n{{ x ~ x }}", 2),
            ("{% set x = 1 %}", 1),
            ("{% for a in [x] %}", 1),
            ("{{ (x, x) }}", 1),
            ("{{ x * 9 }}", 1),
            ("{%raw%}{{ x }}{%endraw%}", 1),
            ("a\n\n{%- include 'x' %}", 3),
            ("{{ '}}' ~ x }}", 1),
            ("{{ {'a': 1} }}", 1),
        ] {
            assert_eq!(violation(bad).map(|(line, _)| line), Some(line), "{bad}");
        }
    }
}
