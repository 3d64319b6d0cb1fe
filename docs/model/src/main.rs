//! Explores the commit protocol of `docs/commit-protocol.md`.
mod canonical;
mod check;
mod configuration;
mod invariants;
mod log;
mod mutants;
mod plan;
mod search;
mod settle;
mod state;
mod steps;
mod suites;
mod trace;
mod visited;

use std::time::Instant;
use check::Checked;

fn main() {
    let only = std::env::args().nth(2).unwrap_or_default();
    let full = std::env::args().nth(1).unwrap_or_default() == "full";
    let mut total = 0;
    for configuration in if full { suites::full() } else { suites::reduced() } {
        if !configuration.name.contains(&only) { continue; }
        let t = Instant::now();
        let name = configuration.name.clone();
        let mut checked = Checked::new(configuration);
        let found = search::search(&mut checked);
        total += found.states;
        println!("{:>10} {:>4} {:>8} {:>6.1}s {}{name}", found.states, found.depth, checked.settled(), t.elapsed().as_secs_f32(), if found.is_cut {"CUT "} else {""});
        if let Some((wrong, trace)) = &found.wrong {
            println!("BROKEN {wrong}");
            for line in trace::lines(&checked, trace) { println!("    {line}"); }
            return;
        }
    }
    println!("{total}");
    if std::env::args().nth(1).unwrap_or_default() == "mutants" {
        for (mutant, expected) in mutants::Mutant::ALL {
            let t = Instant::now();
            let c = suites::against(mutant);
            let mut checked = match expected { Some(e) => Checked::only(c, e), None => Checked::new(c) };
            let found = search::search(&mut checked);
            println!("{mutant:?} {} {:?} expected {expected:?} {:.1}", found.states, found.wrong.map(|(w,t)| (w, t.len())), t.elapsed().as_secs_f32());
        }
    }
}
