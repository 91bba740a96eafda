//! URLs for messages: a token in a URL must not end up in a log.

/// What stands in for credentials.
const MASK: &str = "***";

/// `url` with the credentials that it carries masked.
///
/// A user name stays where it is no secret: ssh has no password in its URLs, while an https token often stands in the
/// place of the name.
pub(super) fn masked(url: &str) -> String {
    match credentials(url) {
        Some(secret) => url.replacen(secret, MASK, 1),
        None => url.to_owned(),
    }
}

/// `text` of another program, with the credentials of `url` masked wherever they appear.
pub(super) fn without_credentials(text: &str, url: &str) -> String {
    let mut text = text.to_owned();
    if let Some(secret) = credentials(url) {
        text = text.replace(secret, MASK);
        if let Some((_, password)) = secret.split_once(':')
            && !password.is_empty()
        {
            text = text.replace(password, MASK);
        }
    }
    text
}

/// The part of `url` before the `@` of its host that is, or may be, secret.
fn credentials(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let (user, _) = host.rsplit_once('@')?;
    (!user.is_empty() && (!scheme.contains("ssh") || user.contains(':'))).then_some(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_masked_and_user_names_of_ssh_are_not() {
        for (url, shown) in [
            ("https://me:token@host/x", "https://***@host/x"),
            ("https://token@host/x", "https://***@host/x"),
            ("https://a@b:c@host/x", "https://***@host/x"),
            ("https://host/a@b", "https://host/a@b"),
            ("ssh://git@host/x", "ssh://git@host/x"),
            ("ssh://git:pw@host/x", "ssh://***@host/x"),
            ("git@host:x", "git@host:x"),
            ("/srv/x", "/srv/x"),
        ] {
            assert_eq!(masked(url), shown);
        }
    }

    #[test]
    fn another_programs_text_is_masked_too() {
        let text = "fatal: unable to access 'https://me:token@host/x/': token is bad";
        assert_eq!(
            without_credentials(text, "https://me:token@host/x"),
            "fatal: unable to access 'https://***@host/x/': *** is bad"
        );
    }
}
