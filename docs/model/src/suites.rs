//! The configurations to explore: a reduced size for every change, and the full size for a change to the protocol.

use crate::configuration::{Actor, Configuration};
use crate::mutants::Mutant;
use crate::plan::Plan;
use crate::state::Faults;

use Actor::{Reader, Repair, Run, Vacuum};

/// The two partitions of the table, each as a window that a run may replace.
const FIRST: u8 = 0b01;
const SECOND: u8 = 0b10;

/// A scenario: the plan that filled the table at first, then the plans of the runs.
struct Table {
    name: &'static str,
    plans: &'static [Plan],
}

/// Two runs replace the whole table, one of them with two parts.
const WHOLE: Table = Table {
    name: "whole table",
    plans: &[
        Plan::table(9, &[0]),
        Plan::table(1, &[0, 1]),
        Plan::table(2, &[0]),
    ],
};

/// Two runs replace the whole table with one part each.
const SMALL: Table = Table {
    name: "whole table, one part",
    plans: &[
        Plan::table(9, &[0]),
        Plan::table(1, &[0]),
        Plan::table(2, &[0]),
    ],
};

/// Two runs replace windows that do not overlap.
const DISJOINT: Table = Table {
    name: "disjoint windows",
    plans: &[
        Plan::table(9, &[0, 1]),
        Plan::window(1, FIRST, &[0]),
        Plan::window(2, SECOND, &[1]),
    ],
};

/// One run replaces the whole table, the other a window of it.
const OVERLAP: Table = Table {
    name: "table and window",
    plans: &[
        Plan::table(9, &[0, 1]),
        Plan::table(1, &[0, 1]),
        Plan::window(2, SECOND, &[1]),
    ],
};

/// One run replaces the whole table and leaves a partition empty; the other replaces that partition.
const NARROW: Table = Table {
    name: "smaller table and window",
    plans: &[
        Plan::table(9, &[0, 1]),
        Plan::table(1, &[0]),
        Plan::window(2, SECOND, &[1]),
    ],
};

/// One run replaces the table with nothing, the other with a part.
const EMPTY: Table = Table {
    name: "empty table",
    plans: &[
        Plan::table(9, &[0]),
        Plan::table(1, &[]),
        Plan::table(2, &[0]),
    ],
};

/// Two appends have an input in common.
const APPEND: Table = Table {
    name: "appends of one input",
    plans: &[
        Plan::append(9, &[0], 0b100),
        Plan::append(1, &[0], 0b001),
        Plan::append(2, &[1], 0b011),
    ],
};

/// Two appends have nothing in common.
const APART: Table = Table {
    name: "appends apart",
    plans: &[
        Plan::append(9, &[0], 0b100),
        Plan::append(1, &[0, 0], 0b001),
        Plan::append(2, &[1], 0b010),
    ],
};

/// One run appends; the other rebuilds the whole table from fewer inputs, after which appends start over.
const REBUILD: Table = Table {
    name: "append and rebuild",
    plans: &[
        Plan::append(9, &[0], 0b001),
        Plan::append(1, &[1], 0b011),
        Plan::rebuild(2, &[0], 0b001),
    ],
};

/// Three runs: two replace windows that do not overlap, the third the whole table.
const THREE: Table = Table {
    name: "two windows and the table",
    plans: &[
        Plan::table(9, &[0, 1]),
        Plan::window(1, FIRST, &[0]),
        Plan::window(2, SECOND, &[1]),
        Plan::table(3, &[0, 1]),
    ],
};

const TABLES: [&Table; 9] = [
    &WHOLE, &SMALL, &DISJOINT, &OVERLAP, &NARROW, &EMPTY, &APPEND, &APART, &REBUILD,
];

const NONE: Faults = Faults {
    drops: 0,
    late_puts: 0,
    late_completions: 0,
    misleading: 0,
    stops: 0,
};

const DROP: Faults = Faults { drops: 1, ..NONE };
const LATE_PUT: Faults = Faults {
    late_puts: 1,
    ..NONE
};
const STOP: Faults = Faults {
    stops: 1,
    late_puts: 1,
    ..NONE
};
const DROP_AND_MISLEADING: Faults = Faults {
    drops: 1,
    misleading: 1,
    ..NONE
};
const LATE_PUT_AND_MISLEADING: Faults = Faults {
    late_puts: 1,
    misleading: 1,
    ..NONE
};
const DROP_AND_LATE_PUT: Faults = Faults {
    drops: 1,
    late_puts: 1,
    ..NONE
};
const ALL: Faults = Faults {
    drops: 1,
    late_puts: 1,
    late_completions: 1,
    misleading: 1,
    stops: 1,
};

/// Returns a configuration, named after its table, processes and faults.
fn world(table: &Table, actors: &[Actor], faults: Faults) -> Configuration {
    let who = actors.iter().map(|actor| match actor {
        Run(plan) => format!("R{}", table.plans[usize::from(*plan)].run),
        other => format!("{other:?}").to_lowercase(),
    });
    let who = who.collect::<Vec<_>>().join(" ");
    let Faults {
        drops,
        late_puts,
        late_completions,
        misleading,
        stops,
    } = faults;
    let count = |count, what: &str| (count > 0).then(|| format!("{count} {what}"));
    let faults_named = [
        count(drops, "drop"),
        count(late_puts, "late put"),
        count(late_completions, "late completion"),
        count(misleading, "misleading answer"),
        count(stops, "stop"),
    ];
    let faults_named: Vec<_> = faults_named.into_iter().flatten().collect();
    let named = if faults_named.is_empty() {
        "no fault".to_owned()
    } else {
        faults_named.join(", ")
    };
    Configuration {
        faults,
        ..Configuration::new(
            format!("{}: {who}: {named}", table.name),
            table.plans,
            actors,
        )
    }
}

/// Returns the configurations of the reduced size, which CI explores on every change.
pub fn reduced() -> Vec<Configuration> {
    let mut worlds = Vec::new();
    for table in TABLES {
        worlds.push(world(table, &[Run(1), Run(2)], ALL));
    }
    for table in [&SMALL, &APPEND, &EMPTY] {
        worlds.push(world(table, &[Run(1), Run(1), Run(2)], DROP));
    }
    worlds
}

/// Returns the configurations of the full size, to explore when the protocol changes: the reduced size, and three
/// processes on every table.
pub fn full() -> Vec<Configuration> {
    let mut worlds = reduced();
    for table in TABLES {
        worlds.push(world(table, &[Run(1), Run(2), Run(2)], DROP));
        worlds.push(world(
            table,
            &[Run(1), Run(2), Vacuum],
            LATE_PUT_AND_MISLEADING,
        ));
        worlds.push(world(table, &[Run(1), Run(2), Repair], DROP_AND_MISLEADING));
        worlds.push(world(table, &[Run(1), Run(2), Reader], DROP_AND_LATE_PUT));
    }
    for table in [&SMALL, &APPEND] {
        worlds.push(world(table, &[Run(1), Run(1), Run(2)], STOP));
    }
    for faults in [NONE, DROP, LATE_PUT] {
        worlds.push(world(&THREE, &[Run(1), Run(2), Run(3)], faults));
    }
    let forced = world(&SMALL, &[Run(1), Run(1), Run(2)], DROP);
    worlds.push(Configuration {
        name: format!("{}, forced", forced.name),
        force: true,
        ..forced
    });
    for table in [
        &WHOLE, &SMALL, &DISJOINT, &OVERLAP, &NARROW, &EMPTY, &APPEND, &REBUILD,
    ] {
        worlds.push(world(table, &[Run(1), Run(1), Run(2)], DROP_AND_LATE_PUT));
    }
    worlds
}

/// Returns the configuration in which a mutant must be caught; a harmless mutant is explored completely in it.
pub fn against(mutant: Mutant) -> Configuration {
    let world = match mutant {
        Mutant::ReaderFinishesNothing => world(&WHOLE, &[Run(1), Reader], NONE),
        Mutant::ReplacedRunsCount => world(&SMALL, &[Run(1), Run(1), Run(2)], NONE),
        Mutant::ConsumedInputsTakenAgain => world(&APPEND, &[Run(1), Run(2)], NONE),
        Mutant::MarkNotLookedAt => world(&SMALL, &[Run(1), Run(2)], ALL),
        _ => world(&WHOLE, &[Run(1), Run(2)], ALL),
    };
    Configuration {
        mutant: Some(mutant),
        ..world
    }
}
