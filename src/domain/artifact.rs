//! Files that a session made, changed or deleted, as its log names them.

use super::words::words;

words! {
    /// What was done to a file.
    Action {
        /// It was not there before.
        Created = "created",
        /// It was there, and is otherwise now.
        Modified = "modified",
        /// It is gone.
        Deleted = "deleted",
    }
}

/// `/`-separated components of `path` below a folder whose own components are `above`, `.` and `..` followed by their
/// words alone; `None` where that leaves the folder, or is the folder itself.
pub fn relative<'a>(above: &[&'a str], path: &'a str) -> Option<String> {
    let mut parts = above.to_vec();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn a_path_is_told_from_the_top_and_never_leaves_it() {
        for (above, path, told) in [
            (&["src"][..], "lib.rs", Some("src/lib.rs")),
            (&["src"], "./../docs//a.md", Some("docs/a.md")),
            (&[], "a/../b", Some("b")),
            (&["src"], "../../etc", None),
            (&[], "..", None),
            (&["src"], "..", None),
            (&[], "", None),
        ] {
            assert_eq!(relative(above, path).as_deref(), told, "{above:?} {path}");
        }
    }
}
