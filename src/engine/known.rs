//! What was known when somebody looked last: for `--offline`, and to ask for the right names at once.

use super::private::Patience;
use super::tip::{Tip, branch};
use super::{Core, Error};
use crate::remote::{self, Advertised};
use git2::Oid;
use serde::{Deserialize, Serialize};

/// What was known when somebody looked last: for `--offline`, and to ask for the right names at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) version: u32,
    pub(super) board: Option<String>,
    pub(super) base: Option<String>,
    pub(super) board_tip: Option<String>,
    pub(super) base_tip: Option<String>,
    pub(super) root: Option<String>,
    /// When the remote last said where its HEAD points, in seconds since 1970.
    #[serde(default)]
    pub(super) head_seen: Option<i64>,
}

pub(super) const KNOWN: &str = "tip.json";

impl Core {
    pub(super) fn known(&self) -> Result<Known, Error> {
        Ok(parse(self.private.load(KNOWN)?))
    }

    /// Changes what is known as it is now: others look as well. Nothing here is more than a saving of time, so nobody
    /// fails for want of it, or waits for long, while another process keeps the lock.
    pub(super) fn change_known(&self, change: impl FnOnce(&mut Known)) -> Result<(), Error> {
        let changed = self.private.change(KNOWN, Patience::Short(&self.clock), |bytes| {
            let before = parse(bytes);
            let mut known = before.clone();
            change(&mut known);
            Ok((known != before).then(|| serde_json::to_vec(&known).expect("strings are JSON")))
        });
        match changed {
            Err(Error::Waited { .. }) => Ok(()),
            changed => changed,
        }
    }

    /// Notes where the branches are, for who asks without the network.
    pub(super) fn remember(&self, tip: &Tip) -> Result<(), Error> {
        let change = |known: &mut Known| {
            *known = Known {
                version: 1,
                board: Some(tip.board_branch().to_owned()),
                base: Some(tip.base_branch().to_owned()),
                board_tip: Some(tip.board.to_string()),
                base_tip: Some(tip.base.to_string()),
                root: Some(tip.whereabouts.layout.root().to_owned()),
                head_seen: known.head_seen,
            };
        };
        let known = self.known()?;
        let mut fresh = known.clone();
        change(&mut fresh);
        if known.board_tip != fresh.board_tip || known.base_tip != fresh.base_tip || known.board != fresh.board {
            self.change_known(change)?;
        }
        Ok(())
    }

    /// Has a fetch say that we have what was seen last. What landed by our own hand, or was handed on by neighbours, was
    /// never fetched, and need not be.
    pub(super) fn offer_last_tip(&self) -> Result<(), Error> {
        let (known, Some((board, base))) = (self.known()?, self.last_tip()) else { return Ok(()) };
        let mut there = Advertised::default();
        for (name, tip) in [(known.board, board), (known.base, base)] {
            if let Some(name) = name {
                there.refs.insert(branch(&name)?, tip);
            }
        }
        remote::remember(self.store.repository(), &there);
        Ok(())
    }

    /// The root when the board was seen last.
    pub(super) fn known_root(&self) -> Result<Option<String>, Error> {
        Ok(self.known()?.root)
    }

    /// The board's and the base's commit when they were seen last, if they are still here.
    pub(super) fn last_tip(&self) -> Option<(Oid, Oid)> {
        let known = self.known().ok()?;
        let board = Oid::from_str(known.board_tip.as_deref()?).ok()?;
        let base = Oid::from_str(known.base_tip.as_deref()?).ok()?;
        self.store.repository().find_commit(board).ok()?;
        Some((board, base))
    }
}

/// A note that does not parse is a note that is not there: it can be found out again.
fn parse(bytes: Option<Vec<u8>>) -> Known {
    bytes.and_then(|bytes| serde_json::from_slice::<Known>(&bytes).ok()).unwrap_or_default()
}
