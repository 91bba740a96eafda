//! Looking for somebody who only reads: where the remote is away, what it had when it was last asked has to do.

use super::options::Network;
use super::tip::{Ground, branch};
use super::whereabouts::Whereabouts;
use super::{Engine, Error, Tip};
use crate::domain::layout::Layout;
use crate::remote::{Advertised, Purpose, RefName};
use git2::Oid;

impl Engine {
    /// Looks as reading verbs do: an unreachable remote is answered from the last tip, and said so.
    ///
    /// # Errors
    /// Those of [`Engine::look`], but [`Error::Unreachable`] only when nothing was ever fetched.
    pub(super) fn look_to_read(&mut self) -> Result<Tip, Error> {
        self.look_to_read_with(&[])
    }

    /// The same, where some more branches are of interest.
    ///
    /// # Errors
    /// As [`Engine::look_to_read`].
    pub(super) fn look_to_read_with(&mut self, extra: &[RefName]) -> Result<Tip, Error> {
        let (away, why) = match self.core.options.network {
            Network::Offline => {
                let message = "nothing of the board was fetched yet, and offline nothing can be".to_owned();
                let hint = Some("git session list".to_owned());
                (Error::Environment { message, hint }, "asked to stay offline".to_owned())
            }
            Network::Online => match self.look(Purpose::Read, extra) {
                Err(error @ (Error::Unreachable { .. } | Error::Unauthorized { .. })) => {
                    let why = error.to_string().trim_end().to_owned();
                    (error, why)
                }
                result => return result,
            },
        };
        match self.last_whereabouts()? {
            Some((whereabouts, advertised)) => self.tip(Ground::Board, whereabouts, advertised, Some(why)),
            None => Err(away),
        }
    }

    /// The board as it was seen last, if it is still here.
    fn last_whereabouts(&self) -> Result<Option<(Whereabouts, Advertised)>, Error> {
        let known = self.core.known()?;
        let oid = |text: &Option<String>| text.as_deref().and_then(|text| Oid::from_str(text).ok());
        let (Some(board), Some(base), Some(board_tip), Some(base_tip)) =
            (&known.board, &known.base, oid(&known.board_tip), oid(&known.base_tip))
        else {
            return Ok(None);
        };
        let (board, base) = (branch(board)?, branch(base)?);
        let refs = [(board.clone(), board_tip), (base.clone(), base_tip)].into_iter().collect();
        let advertised = Advertised { refs, head: None };
        if !self.has_all(&advertised) {
            return Ok(None);
        }
        let layout = match &known.root {
            Some(root) => Layout::new(root).map_err(|error| Error::environment(error.to_string()))?,
            None => self.root(board_tip, None)?,
        };
        Ok(Some((Whereabouts { board, base, layout }, advertised)))
    }
}
