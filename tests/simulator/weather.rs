//! How bad things are in one schedule, drawn from its seed.

/// Rates of misfortune, each from 0 to 1, and how many may strike in all.
#[derive(Debug, Clone)]
pub(crate) struct Weather {
    /// How many more things may go wrong; afterwards everybody must come to an answer.
    pub(crate) misfortunes: u32,
    /// A process is killed at a point.
    pub(crate) kill: f64,
    /// A process stops for up to twenty minutes at a point.
    pub(crate) freeze: f64,
    /// Others go on while a process is at a point; no misfortune, only the order of things.
    pub(crate) overtaken: f64,
    /// How many times longer a wait may last than was wished.
    pub(crate) oversleep: u64,
    /// The longest way to the server, in microseconds.
    pub(crate) way: u64,
    /// A push acts and its reply is lost.
    pub(crate) reply_lost: f64,
    /// A push is lost on its way, and its sender does not know.
    pub(crate) lost: f64,
    /// A push is given up by its sender and acts later.
    pub(crate) late: f64,
    /// A push acts, and the very same arrives once more later.
    pub(crate) twice: f64,
    /// The server cannot be reached for a while.
    pub(crate) offline: f64,
    /// The server's ref is locked for a while.
    pub(crate) busy: f64,
    /// The server lets nothing through for a while.
    pub(crate) denied: f64,
    /// The server does not know us for a while.
    pub(crate) unauthorized: f64,
}

impl Weather {
    pub(crate) fn draw(dice: &mut fastrand::Rng) -> Self {
        let mut rate = |most: f64| {
            // Many schedules without a kind of misfortune: what hides behind it is found too.
            if dice.bool() { 0.0 } else { most * dice.f64() }
        };
        Self {
            kill: rate(0.03),
            freeze: rate(0.005),
            reply_lost: rate(0.4),
            lost: rate(0.2),
            late: rate(0.4),
            twice: rate(0.1),
            offline: rate(0.1),
            busy: rate(0.15),
            denied: rate(0.08),
            unauthorized: rate(0.05),
            overtaken: 0.15 * dice.f64(),
            oversleep: [1, 10, 50][dice.usize(..3)],
            way: [50, 2_000, 40_000, 300_000][dice.usize(..4)],
            misfortunes: dice.u32(0..16),
        }
    }
}
