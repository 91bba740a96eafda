//! The lines that one tree has more than another, for whoever looks for what should not be shown.

use std::cell::RefCell;

use git2::{DiffOptions, Oid, Repository};

use super::super::CheckoutError;
use super::picture::shown;

/// Tells `told` each line that `to` has and `from` has not: path, number, text. What git takes for binary has no lines.
///
/// # Errors
/// [`CheckoutError::Objects`] for missing objects.
pub fn each_added(
    repository: &Repository,
    from: Oid,
    to: Oid,
    told: &mut dyn FnMut(&str, u32, &[u8]),
) -> Result<(), CheckoutError> {
    let (from, to) = (repository.find_tree(from)?, repository.find_tree(to)?);
    let mut options = DiffOptions::new();
    options.context_lines(0).include_typechange(true).skip_binary_check(false);
    let diff = repository.diff_tree_to_tree(Some(&from), Some(&to), Some(&mut options))?;
    let told = RefCell::new(told);
    let mut each = |delta: git2::DiffDelta<'_>, _: Option<git2::DiffHunk<'_>>, line: git2::DiffLine<'_>| {
        if line.origin() == '+' {
            let path = shown(delta.new_file().path_bytes().unwrap_or_default());
            (told.borrow_mut())(&path, line.new_lineno().unwrap_or(0), line.content());
        }
        true
    };
    diff.foreach(&mut |_, _| true, None, None, Some(&mut each))?;
    Ok(())
}
