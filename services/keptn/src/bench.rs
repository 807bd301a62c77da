//! `keptn bench`: what the machine makes of the own loop, beside the bare loop of NATS.
//!
//! The load is the same for both: sequences of five tasks, a fixed number of them open at a time.
//! A driver triggers a sequence and waits for its end; an executor answers each task at once with
//! `started` and `finished`. Between them stands either shipyard-controller or the [`floor`]: the
//! least that a durable controller without any logic does. Each part is a process of its own.
//!
//! Reading order: [`load`] (what is run), [`driver`], [`executor`] and [`floor`] (the parts, in
//! processes of their own), [`bracket`] (one more part, beside the load), [`bed`] (the processes and
//! the server), [`set_up`], [`round`] (one measurement), then what is made of rounds: [`compare`],
//! [`growth`], [`recovery`]; and what needs none: [`footprint`], [`view`].

pub(crate) mod bed;
pub(crate) mod bracket;
pub(crate) mod compare;
pub(crate) mod driver;
pub(crate) mod executor;
pub(crate) mod floor;
pub(crate) mod footprint;
pub(crate) mod growth;
pub(crate) mod load;
pub(crate) mod part;
pub(crate) mod quantiles;
pub(crate) mod recovery;
pub(crate) mod round;
pub(crate) mod set_up;
pub(crate) mod view;
