//! Looking at a queue again and again, as those do who wait: thirty who read and parse the same file five hundred times a
//! second keep a processor from those who work.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;

use super::Error;
use super::batch::Batch;
use super::queue::Queue;
use crate::disk::lock::{self, Lock, Use};

/// What somebody who waits has open.
pub(super) struct Lookout<'a> {
    queue: &'a Queue,
    lead: File,
    stage: Option<(u64, File)>,
    /// The file that the batch was read from. As long as it is open, no other can have its number.
    read: Option<File>,
    batch: Option<Batch>,
}

impl<'a> Lookout<'a> {
    pub(super) fn at(queue: &'a Queue) -> Result<Self, Error> {
        let lead = open(&queue.lead_path())?;
        Ok(Self { queue, lead, stage: None, read: None, batch: None })
    }

    /// The seat of the one who swaps, if it is free.
    pub(super) fn lead(&self) -> Result<Option<Lock>, Error> {
        take(&self.lead).map_err(Error::file(&self.queue.lead_path()))
    }

    /// The right to add to batch `number`, if nobody has it.
    pub(super) fn stage(&mut self, number: u64) -> Result<Option<Lock>, Error> {
        let path = self.queue.stage_path(number);
        if self.stage.as_ref().is_none_or(|(other, _)| *other != number) {
            self.stage = Some((number, open(&path)?));
        }
        self.stage.as_ref().map_or(Ok(None), |(_, file)| take(file)).map_err(Error::file(&path))
    }

    /// The newest batch; it is read when its file, which is always replaced whole, is another one.
    pub(super) fn batch(&mut self) -> Result<Option<&Batch>, Error> {
        let file = |data: fs::Metadata| (data.dev(), data.ino());
        let here = fs::metadata(self.queue.batch_path()).ok().map(file);
        let same = self.read.as_ref().and_then(|read| read.metadata().ok()).map(file);
        if here.is_none() || here != same {
            (self.read, self.batch) = self.queue.read()?;
        }
        Ok(self.batch.as_ref())
    }
}

fn open(path: &std::path::Path) -> Result<File, Error> {
    lock::file(path).map_err(Error::file(path))
}

fn take(file: &File) -> std::io::Result<Option<Lock>> {
    lock::at_once(file.try_clone()?, Use::Changing)
}
