//! The rules: what a secret looks like, and what only looks like one.

use std::sync::LazyLock;

use regex::bytes::{Regex, RegexSet};

/// Name and pattern. The secret is the group `s` where there is one, else the whole match. First match wins, so the
/// makers' own forms stand before assignments.
const PATTERNS: &[(&str, &str)] = &[
    ("private-key", r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
    ("aws-access-key-id", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    ("github-token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{50,255})\b"),
    ("gitlab-token", r"\bglpat-[A-Za-z0-9_-]{20,255}"),
    ("slack-token", r"\bxox[abprs]-[A-Za-z0-9-]{20,255}"),
    ("anthropic-key", r"\bsk-ant-[A-Za-z0-9_-]{30,255}"),
    ("openai-key", r"\bsk-(?:(?:proj|svcacct|admin)-[A-Za-z0-9_-]{30,255}|[A-Za-z0-9]{40,64}\b)"),
    ("google-key", r"\bAIza[A-Za-z0-9_-]{35}"),
    ("stripe-key", r"\b[rs]k_live_[A-Za-z0-9]{20,255}\b"),
    ("npm-token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("pypi-token", r"\bpypi-[A-Za-z0-9_-]{50,1000}"),
    ("json-web-token", r"\beyJ[A-Za-z0-9_-]{15,4000}\.eyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{20,2000}"),
    ("url-password", r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@'\x22<>]{0,100}:(?P<s>[^\s:/@'\x22<>]{3,200})@[A-Za-z0-9\[]"),
    (
        "aws-secret-key",
        r"(?i)aws.{0,20}(?:secret|key).{0,20}?[=:]\s{0,5}[\x22']?(?P<s>[A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)",
    ),
    (
        "assigned-secret",
        r"(?i)(?:passwo?r?d|passwd|secret|token|api_?key|apikey|access_?key|private_?key|credentials?)[\x22']?\s{0,5}(?::=|=>|[=:])\s{0,5}[\x22'](?P<s>[^\s\x22']{12,200})[\x22']",
    ),
];

/// What each pattern has some of. Looking for these costs next to nothing, while compiling the patterns takes twenty
/// milliseconds, which a line of the log that has none of them does not have to wait for.
const SIGNS: &str = r"(?i-u)private key|akia|asia|abia|acca|gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-|aiza|k_live_|npm_|pypi-|eyj|://|aws|passw|secret|token|key|credential";

static SIGN: LazyLock<Regex> = LazyLock::new(|| Regex::new(SIGNS).expect("the pattern is fixed and tested"));

/// Whether a rule may match in the line.
pub(super) fn may_match(line: &[u8]) -> bool {
    SIGN.is_match(line)
}

/// The compiled rules.
pub(super) static RULES: LazyLock<Rules> = LazyLock::new(Rules::compiled);

pub(super) struct Rules {
    all: RegexSet,
    each: Vec<Regex>,
}

impl Rules {
    fn compiled() -> Self {
        let fixed = "the patterns are fixed and tested";
        let all = RegexSet::new(PATTERNS.iter().map(|(_, pattern)| pattern)).expect(fixed);
        let each = PATTERNS.iter().map(|(_, pattern)| Regex::new(pattern).expect(fixed)).collect();
        Self { all, each }
    }

    /// The rules that match somewhere in the line, in order.
    pub(super) fn candidates(&self, line: &[u8]) -> impl Iterator<Item = usize> {
        self.all.matches(line).into_iter()
    }

    pub(super) fn name(&self, rule: usize) -> &'static str {
        PATTERNS.get(rule).map_or("", |(name, _)| name)
    }

    /// The first match of the rule that is no placeholder.
    pub(super) fn secret<'a>(&self, rule: usize, line: &'a [u8]) -> Option<&'a [u8]> {
        let name = self.name(rule);
        let mut found = self.each.get(rule)?.captures_iter(line).filter_map(|captures| {
            let secret = captures.name("s").or_else(|| captures.get(0))?;
            Some(secret.as_bytes())
        });
        found.find(|secret| {
            name == "private-key" || !placeholder(secret) && (name != "assigned-secret" || random(secret))
        })
    }
}

/// Whether a value stands for one: `<token>`, `${VAR}`, `xxxx`, `example`, `changeme` …
fn placeholder(value: &[u8]) -> bool {
    const WORDS: [&str; 16] = [
        "example",
        "sample",
        "dummy",
        "placeholder",
        "changeme",
        "change-me",
        "change_me",
        "redacted",
        "your-",
        "your_",
        "yourpassword",
        "xxxx",
        "****",
        "....",
        "1234567890",
        "fake",
    ];
    let text = String::from_utf8_lossy(value).to_ascii_lowercase();
    let stands_for =
        text.contains(['<', '>', '{', '}', '$', '%', '…']) || text.contains("env.") || text.contains("env[");
    let plain_word = ["pass", "password", "passwd", "pwd", "secret", "token", "test"].contains(&text.as_str());
    let mut distinct: Vec<char> = text.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    stands_for || plain_word || distinct.len() < 3 || WORDS.iter().any(|word| text.contains(word))
}

/// Whether a value after `password =` is clearly one: it mixes letters and digits, is no path, call or sentence, and
/// its characters vary (at least three bits each; English words have less at this length).
fn random(value: &[u8]) -> bool {
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let code = value.iter().any(|byte| matches!(byte, b'(' | b')' | b'[' | b']' | b' ' | b'\\' | b';'));
    let lower = !value.iter().any(u8::is_ascii_uppercase);
    let path = value.starts_with(b".") || value.contains(&b'/') && lower;
    letters && digits >= 2 && !code && !path && entropy_bits(value) >= 3.0
}

/// Shannon entropy in bits a byte.
fn entropy_bits(value: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let length = f64::from(u32::try_from(value.len()).unwrap_or(u32::MAX));
    let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / length);
    shares.map(|share| -share * share.log2()).sum()
}
