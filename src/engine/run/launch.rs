//! One launch, from the entry in the log to the verdict.

use std::time::{Duration, Instant};

use super::super::{Engine, Error};
use super::note::{Note, Transcript};
use super::verdict::{Seen, plain, verdict};
use super::which::Found;
use super::{MARKER, Ready, RunAnswer, RunRequest, begin, chosen, command, input, program};
use crate::agents::{Adapter, Memory, Said as Word, Version, is_same_id, stream::Lines};
use crate::domain::id::IdQuery;
use crate::domain::run::{Outcome, Said};
use crate::engine::clock;
use crate::process::{Ended, Heard, Interrupt, Marker, Next, Watch, shell_code};

/// How long an agent may go on after its last word: one of them does not end by itself when something else hangs.
const WIND_DOWN: Duration = Duration::from_secs(60);
/// The shortest time between two signs of life.
const RENEW_MIN: Duration = Duration::from_secs(60);
/// Most characters of standard error that are told.
const STDERR_CHARS_MAX: usize = 2000;

/// What is heard of an agent, line by line.
struct Ear<'a> {
    agent: &'static dyn Adapter,
    lines: Lines,
    memory: Memory,
    transcript: Transcript,
    /// The id that its conversation must have, and the one that it must not have.
    wanted: Option<String>,
    copied: Option<String>,
    conversation: Option<String>,
    mismatch: Option<String>,
    last: Option<Word>,
    tell: &'a mut dyn FnMut(&Word),
}

impl Ear<'_> {
    /// Takes what was printed; gives what is to be done, and the conversation's id when it was just seen.
    fn hear(&mut self, bytes: &[u8]) -> (Next, Option<String>) {
        self.transcript.add(bytes);
        let events = self.lines.push(bytes);
        self.take(events)
    }

    fn take(&mut self, events: Vec<serde_json::Value>) -> (Next, Option<String>) {
        let (mut next, mut seen) = (Next::On, None);
        for event in events {
            for word in self.agent.read(&event, &mut self.memory) {
                match &word {
                    Word::Conversation(id) => {
                        if let Some(mismatch) = self.wrong(id) {
                            self.mismatch = Some(mismatch);
                            return (Next::Stop, seen);
                        }
                        if self.conversation.is_none() {
                            self.conversation = Some(id.clone());
                            seen = Some(id.clone());
                        }
                    }
                    Word::Done { .. } | Word::Failed { .. } => {
                        self.last = Some(word.clone());
                        next = Next::Wind(WIND_DOWN);
                    }
                    Word::Text(_) | Word::Tool(_) | Word::Note(_) => {}
                }
                (self.tell)(&word);
            }
        }
        (next, seen)
    }

    /// Several of the agents begin a new conversation, and say nothing of it, where they do not find the one that they
    /// were told.
    fn wrong(&self, id: &str) -> Option<String> {
        let wanted = self.conversation.as_ref().or(self.wanted.as_ref());
        let name = self.agent.name();
        if let Some(wanted) = wanted.filter(|wanted| !is_same_id(wanted, id)) {
            return Some(format!("`{name}` was told conversation `{wanted}` and went on with `{id}`"));
        }
        let copied = self.copied.as_ref().filter(|copied| is_same_id(copied, id))?;
        Some(format!("`{name}` was to fork conversation `{copied}` and went on with it"))
    }
}

impl Engine {
    pub(super) fn launch(
        &mut self,
        request: &RunRequest,
        mut ready: Ready,
        found: &Found,
        version: Option<Version>,
        interrupt: &Interrupt,
        tell: &mut dyn FnMut(&Word),
    ) -> Result<RunAnswer, Error> {
        let agent = request.agent;
        let chosen = chosen(agent, found, version)?;
        let id = ready.id.clone();
        let marker = self.core.clock.nonce()?;
        let title = format!("{id} {}", marker.as_str().get(..8).unwrap_or_default());
        let line = command(request, &ready, found, chosen.as_deref(), &title, version)?;
        for (file, content) in &line.files {
            ready.notes.extend(self.put_setting(&ready, file, content)?);
        }
        let started_at = self.core.clock.now();
        let note = begin(&self.core, request, &ready, found, version)?;
        let transcript = self.core.transcript(&id, &note.run)?;
        let output = transcript.path.clone();
        let mut program = program(agent, &ready.folder, &ready.variables).args(&line.words);
        for (key, value) in &line.variables {
            program = program.env(key, value);
        }
        let watch = Watch {
            silence: request.silence,
            limit: request.limit,
            interrupt,
            marker: Marker { name: MARKER, value: note.marker.clone() },
        };
        let wanted = match found {
            Found::Resume(id) => Some(id.clone()),
            Found::Fresh | Found::Latest | Found::Fork(_) => chosen,
        };
        let mut ear = Ear {
            agent,
            lines: Lines::default(),
            memory: Memory::default(),
            transcript,
            wanted,
            copied: matches!(found, Found::Fork(_)).then(|| found.from().unwrap_or_default().to_owned()),
            conversation: None,
            mismatch: None,
            last: None,
            tell,
        };
        let mut life = Life::of(&ready);
        let mut notes = Vec::new();
        let watched = program.stdin(input(request, found)).watched(&watch, &mut |heard| match heard {
            Heard::Output(bytes) => {
                let (next, seen) = ear.hear(bytes);
                if let Some(conversation) = seen {
                    notes.extend(
                        self.note_conversation(&ready, &note, &conversation)
                            .err()
                            .map(|error| super::super::chain(&error)),
                    );
                }
                next
            }
            Heard::Time => {
                if life.is_due() {
                    notes.extend(life.renew(self));
                }
                Next::On
            }
        });
        let watched = match watched {
            Ok(watched) => watched,
            Err(error) => {
                let why = Some(super::super::chain(&error));
                let end = Said::Ended { outcome: Outcome::Failed, why, exit_code: None, turns: None, lost: None };
                self.core.say_of_run(&id, &note.run, &end)?;
                return Err(error.into());
            }
        };
        self.core.clock.extend(self.core.options.timeout);
        let rest = ear.lines.finish();
        if let (_, Some(conversation)) = ear.take(rest.into_iter().collect()) {
            notes.extend(
                self.note_conversation(&ready, &note, &conversation).err().map(|error| super::super::chain(&error)),
            );
        }
        ready.notes.append(&mut notes);
        if ear.conversation.is_none()
            && ear.mismatch.is_none()
            && let Some(known) = self.core.conversations(agent, &ready.folder, &ready.variables)
            // Told to go on with one that it knows, it has gone on with that one.
            && let Some(known) = known.into_iter().find(|known| {
                known.title == title || matches!(found, Found::Resume(id) if *id == known.id)
            })
        {
            self.note_conversation(&ready, &note, &known.id)?;
            ear.memory.has_conversation = true;
            ear.conversation = Some(known.id);
        }
        let (outcome, why) = verdict(&Seen {
            ended: watched.ended,
            status: watched.status,
            last: ear.last.as_ref(),
            mismatch: ear.mismatch.as_deref(),
            lines: ear.lines.tally.lines,
            stderr: &watched.stderr,
        });
        // It goes into the log and to the board, and an agent's complaint may show its key.
        let why = why.map(|why| crate::domain::secret::masked(&why));
        let is_new = !matches!(found, Found::Resume(_));
        let lost = if ear.conversation.is_none() {
            Some("no id of a conversation was seen".to_owned())
        } else if is_new && outcome != Outcome::Completed && !agent.keeps(&ear.memory) {
            Some(format!("`{}` keeps a conversation from its first answer on, and there was none", agent.name()))
        } else {
            None
        };
        if watched.left > 0 {
            ready.notes.push(format!("`{}` has left {} processes running", agent.name(), watched.left));
        }
        let turns = match &ear.last {
            Some(Word::Done { turns } | Word::Failed { turns, .. }) => *turns,
            Some(Word::Conversation(_) | Word::Text(_) | Word::Tool(_) | Word::Note(_)) | None => None,
        };
        let answer = RunAnswer {
            run: note.run.clone(),
            agent: agent.name(),
            version,
            conversation: ear.conversation,
            cwd: ready.folder.clone(),
            started_at,
            ended_at: self.core.clock.now(),
            outcome,
            why,
            exit_code: match watched.ended {
                Ended::Itself => watched.status.and_then(|status| status.code()),
                Ended::Silent | Ended::Limit | Ended::Interrupted | Ended::Stopped => {
                    watched.status.map(shell_code).filter(|code| *code < 128)
                }
            },
            turns,
            lost,
            tally: ear.lines.tally,
            output,
            stderr: tail(&watched.stderr),
            notes: ready.notes.clone(),
            id,
        };
        Ok(self.end_run(answer, note))
    }

    /// Writes down how a run has ended. An agent may have completed its session, and then there is no log any more.
    fn end_run(&mut self, mut answer: RunAnswer, mut note: Note) -> RunAnswer {
        note.conversation = answer.conversation.clone();
        note.outcome = Some(answer.outcome.as_str().to_owned());
        note.ended_at = Some(answer.ended_at.to_string());
        note.lost = answer.lost.clone();
        let noted = self.core.note_run(&answer.id, &note);
        let said = Said::Ended {
            outcome: answer.outcome,
            why: answer.why.clone(),
            exit_code: answer.exit_code,
            turns: answer.turns,
            lost: answer.lost.clone(),
        };
        let said = match self.core.workplace(&answer.id) {
            Ok(None) => Ok(()),
            Ok(Some(_)) => self.core.say_of_run(&answer.id, &answer.run, &said),
            Err(error) => Err(error),
        };
        for error in [noted, said].into_iter().filter_map(Result::err) {
            answer.notes.push(format!(
                "the end of {} is not written down: {}",
                answer.run,
                super::super::chain(&error)
            ));
        }
        answer
    }

    fn note_conversation(&self, ready: &Ready, note: &Note, conversation: &str) -> Result<(), Error> {
        self.core.say_of_run(&ready.id, &note.run, &Said::Conversation(conversation.to_owned()))?;
        let note = Note { conversation: Some(conversation.to_owned()), ..note.clone() };
        self.core.note_run(&ready.id, &note)
    }

    /// A setting that an agent reads in its folder, where the repository has none; otherwise what is to be said of it.
    fn put_setting(&self, ready: &Ready, file: &str, content: &str) -> Result<Option<String>, Error> {
        let path = ready.folder.join(file);
        match path.symlink_metadata() {
            Ok(_) if std::fs::read_to_string(&path).is_ok_and(|there| there == content) => return Ok(None),
            Ok(_) => {
                let what = content.trim();
                return Ok(Some(format!(
                    "`{file}` is the repository's own: without {what} in it, conversations may get lost"
                )));
            }
            Err(_) => {}
        }
        crate::checkout::exclude::ensure(
            &self.core.options.place.common_dir,
            &[format!("/{file}")],
            self.core.clock.deadline(),
        )?;
        crate::checkout::own::put(&ready.folder, file, content.as_bytes())?;
        Ok(None)
    }
}

/// When the next sign of life is due: a run may take longer than the lease.
struct Life {
    query: Option<IdQuery>,
    every: Duration,
    next: Instant,
}

impl Life {
    fn of(ready: &Ready) -> Self {
        let every = Duration::from_secs(u64::from(ready.claim.lease.seconds()) / 4).max(RENEW_MIN);
        Self { query: ready.id.as_str().parse().ok(), every, next: clock::instant() + every }
    }

    fn is_due(&self) -> bool {
        clock::instant() >= self.next
    }

    /// Renews the lease; gives what is to be said where that did not work. It is tried again the next time.
    fn renew(&mut self, engine: &mut Engine) -> Option<String> {
        self.next = clock::instant() + self.every;
        engine.core.clock.extend(engine.core.options.timeout);
        let renewed = engine.renew(self.query.as_ref()?);
        renewed.err().map(|error| format!("the lease was not renewed: {}", super::super::chain(&error)))
    }
}

/// The end of standard error, without what a terminal would obey.
fn tail(stderr: &str) -> String {
    let lines: Vec<String> = stderr.lines().map(plain).filter(|line| !line.is_empty()).collect();
    let text = lines.join("\n");
    let over = text.chars().count().saturating_sub(STDERR_CHARS_MAX);
    text.chars().skip(over).collect()
}
