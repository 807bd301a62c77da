//! What is asked for on the command line.

/// How the program is called.
pub const USAGE: &str = "page-load [load|abuse] [--services N] [--stages N] [--pages N] \
    [--rounds N] [--seconds N] [--burst N]";

/// One half of the program; both if none is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The controller's work with and without pages.
    Load,
    /// What strangers can do.
    Abuse,
}

/// How much of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// What is run.
    pub what: Option<What>,
    /// Services of the project.
    pub services: usize,
    /// Stages of the project.
    pub stages: usize,
    /// Pages that are open.
    pub pages: usize,
    /// Rounds, each without and with pages.
    pub rounds: usize,
    /// Seconds of paced load in each part of a round.
    pub seconds: usize,
    /// Deliveries that are then made as fast as possible.
    pub burst: usize,
}

impl Options {
    /// The figures that are to be published.
    const FULL: Self = Self {
        what: None,
        services: 1_000,
        stages: 10,
        pages: 200,
        rounds: 4,
        seconds: 30,
        burst: 400,
    };

    /// Reads arguments.
    ///
    /// # Errors
    ///
    /// One of them is unknown or no number above 0.
    pub fn read(arguments: &[String]) -> Result<Self, String> {
        let mut read = Self::FULL;
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let into = match word.as_str() {
                "load" => {
                    read.what = Some(What::Load);
                    continue;
                }
                "abuse" => {
                    read.what = Some(What::Abuse);
                    continue;
                }
                "--services" => &mut read.services,
                "--stages" => &mut read.stages,
                "--pages" => &mut read.pages,
                "--rounds" => &mut read.rounds,
                "--seconds" => &mut read.seconds,
                "--burst" => &mut read.burst,
                _ => return Err(format!("`{word}` is no argument")),
            };
            let value = words.next().ok_or_else(|| format!("`{word}` must have a value"))?;
            *into =
                value.parse().ok().filter(|number| *number > 0).ok_or_else(|| {
                    format!("`{word}` must be a number of at least 1, is `{value}`")
                })?;
        }
        Ok(read)
    }
}

#[test]
fn arguments_are_read_and_bad_ones_named() {
    let read = |line: &str| {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::read(&words)
    };
    assert_eq!(read(""), Ok(Options::FULL));
    let load = Options { what: Some(What::Load), pages: 20, ..Options::FULL };
    assert_eq!(read("load --pages 20"), Ok(load));
    assert_eq!(read("--page 20"), Err("`--page` is no argument".to_owned()));
    assert_eq!(read("--pages"), Err("`--pages` must have a value".to_owned()));
    let none = "`--pages` must be a number of at least 1, is `0`";
    assert_eq!(read("--pages 0"), Err(none.to_owned()));
}
