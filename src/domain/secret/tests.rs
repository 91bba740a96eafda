use super::{scan, scan_patch};

/// Put together here, so that no scanner takes this file for a leak.
fn fake(prefix: &str, length: usize) -> String {
    let letters = "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW0xYzAbCdEf".chars().cycle();
    prefix.chars().chain(letters.take(length)).collect()
}

#[test]
fn keys_of_known_makers_are_found_and_masked() {
    for (secret, rule) in [
        (format!("AKIA{}", "Q3EXBMPL7QWERTY2".replace("EXBMPL", "ABCDEF")), "aws-access-key-id"),
        (fake("ghp_", 36), "github-token"),
        (fake("gho_", 36), "github-token"),
        (fake("ghu_", 36), "github-token"),
        (fake("ghs_", 36), "github-token"),
        (fake("ghr_", 36), "github-token"),
        (fake("github_pat_", 82), "github-token"),
        (fake("glpat-", 20), "gitlab-token"),
        (fake("xoxb-", 40), "slack-token"),
        (fake("sk-", 48), "openai-key"),
        (fake("sk-proj-", 48), "openai-key"),
        (fake("sk-ant-api03-", 80), "anthropic-key"),
        (fake("AIza", 35), "google-key"),
        (fake("sk_live_", 24), "stripe-key"),
        (fake("npm_", 36), "npm-token"),
        (fake("pypi-", 80), "pypi-token"),
        (format!("{}.{}.{}", fake("eyJ", 20), fake("eyJ", 20), fake("", 30)), "json-web-token"),
        (format!("-----BEGIN {}PRIVATE KEY-----", "RSA "), "private-key"),
        (format!("-----BEGIN {} PRIVATE KEY-----", "OPENSSH"), "private-key"),
        (format!("-----BEGIN {}-----", "PRIVATE KEY"), "private-key"),
    ] {
        for text in [secret.clone(), format!("a\nx = \"{secret}\" # b\n"), format!("TOKEN={secret}")] {
            let found = scan(text.as_bytes());
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert_eq!(found[0].rule, rule, "{text}");
            assert_eq!(found[0].masked, format!("{}…", secret.chars().take(4).collect::<String>()));
        }
    }
}

#[test]
fn secrets_in_urls_and_assignments_are_found() {
    let value = fake("", 24);
    for (text, rule) in [
        (format!("https://eve:{value}@host.org/x"), "url-password"),
        (format!("postgres://app:{value}@db:5432/x"), "url-password"),
        (format!("aws_secret_access_key = {}", fake("", 40)), "aws-secret-key"),
        (format!("password = \"{value}\""), "assigned-secret"),
        (format!("\"api_key\": '{value}',"), "assigned-secret"),
        (format!("const authToken = '{value}';"), "assigned-secret"),
        (format!("DB_PASSWORD: \"{value}\""), "assigned-secret"),
    ] {
        let found = scan(text.as_bytes());
        assert_eq!(found.iter().map(|one| one.rule).collect::<Vec<_>>(), [rule], "{text}");
        assert!(found.iter().all(|one| one.masked.ends_with('…') && one.masked.chars().count() == 5));
    }
}

#[test]
fn what_only_looks_like_a_secret_is_left_alone() {
    let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    for text in [
        "token = \"<your token here>\"",
        "password = \"<token>\"",
        "password: \"${DB_PASSWORD}\"",
        "password: \"{{ password }}\"",
        "password = \"xxxxxxxxxxxxxxxx\"",
        "secret = \"example-secret-value-12\"",
        "api_key = 'changeme12345678'",
        "password = os.environ[\"DB_PASSWORD_2024\"]",
        "token = \"process.env.TOKEN_12\"",
        "let token = \"the_next_token_of_the_parser\"",
        "password = \"correct horse battery staple 12\"",
        "token: \"src/parser/token2/token3.rs\"",
        "secret = \"/run/secrets/db1/pass2\"",
        "https://user:pass@example.org/",
        "https://user:password@localhost",
        "https://user:${TOKEN}@github.com/x",
        "https://user:<token>@github.com/x",
        "https://x-access-token:$TOKEN@github.com",
        "ssh://git@github.com:22/x",
        "http://localhost:8080/@scope",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "sk-your-key-here-your-key-here-your-key-here-now",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----",
        "task-manager-with-a-very-long-name-that-goes-on-and-on",
        "ghp_short",
        "",
    ] {
        assert_eq!(scan(text.as_bytes()), [], "{text}");
    }
    assert_eq!(scan(format!("checksum = \"{hash}\"\n{hash}  file\nplan: {hash}").as_bytes()), []);
}

#[test]
fn of_a_patch_only_added_lines_count() {
    let (old, new) = (fake("ghp_", 36), fake("npm_", 36));
    let patch = format!(
        "diff --git a/src/a.rs b/src/a.rs\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -10,2 +10,4 @@ fn x()\n context {old}\n\
         -{old}\n+first\n+++ b/{new}\n+last\ndiff --git a/b b/b\n--- /dev/null\n+++ \"b/b c\"\n@@ -0,0 +1 @@\n+{new}\n"
    );
    let found: Vec<_> =
        scan_patch(patch.as_bytes()).into_iter().map(|one| (one.path, one.finding.line, one.finding.rule)).collect();
    let expected = [("src/a.rs".to_owned(), 12, "npm-token"), ("b c".to_owned(), 1, "npm-token")];
    assert_eq!(found, expected);
    assert_eq!(scan_patch(b"+++ \n@@ -x +y @@\n+\n@@ \n"), []);
}

#[test]
fn in_a_history_each_commit_and_its_message_is_searched() {
    let token = fake("npm_", 36);
    let (one, two) = ("1".repeat(40), "2".repeat(40));
    let history = format!(
        "commit {two}\n    take it away\n    \n    it was {token}\n\ndiff --git a/a.rs b/a.rs\n--- a/a.rs\n+++ b/a.rs\n\
         @@ -3 +2,0 @@\n-{token}\ncommit {one}\n    add\n\ndiff --git a/a.rs b/a.rs\n--- a/a.rs\n+++ b/a.rs\n\
         @@ -2,0 +3,2 @@\n+commit {two}\n+{token}\n"
    );
    let found: Vec<_> = scan_patch(history.as_bytes())
        .into_iter()
        .map(|found| (found.commit.unwrap(), found.path, found.finding.line))
        .collect();
    assert_eq!(found, [(two, "its message".to_owned(), 3), (one, "a.rs".to_owned(), 4)]);
}

#[test]
fn a_megabyte_on_one_line_takes_no_longer_than_many_lines() {
    // Linear by construction (no backtracking); this is only to see that nothing around the patterns is not.
    let line = "token = 'a://b:c".repeat(1 << 16);
    assert_eq!(scan(line.as_bytes()), []);
    assert_eq!(scan("eyJ".repeat(1 << 18).as_bytes()), []);
}
