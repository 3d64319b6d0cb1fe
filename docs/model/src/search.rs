//! Breadth-first search through all states: the first violation that it finds has a trace of minimal length.

use std::fmt::Debug;
use std::hash::Hash;

use crate::visited::{Visited, hash};

/// A graph of states and events that can be searched.
pub trait World: Sized {
    /// A node of the graph.
    type State: Copy + Debug + Hash;
    /// An event that leads from a state to the next.
    type Event: Copy + Debug;
    /// A violation: what is wrong in a state or with an event.
    type Wrong: Copy + Debug;

    /// Returns the initial state.
    fn first(&self) -> Self::State;

    /// Adds each successor of a state; returns `true` if some were left out because the model is too small for them.
    fn next(&mut self, state: &Self::State, out: &mut Vec<Next<Self>>) -> bool;

    /// Returns the violation in a state, if there is one.
    fn wrong(&mut self, state: &Self::State) -> Option<Self::Wrong>;
}

/// A successor of a state.
#[derive(Debug)]
pub struct Next<W: World> {
    /// The successor itself.
    pub state: W::State,
    /// The event that leads to it.
    pub event: W::Event,
    /// The violation by the event itself; `None` if the event breaks nothing.
    pub wrong: Option<W::Wrong>,
}

/// The result of a search.
#[derive(Debug)]
pub struct Found<W: World> {
    /// The number of different states that the search reached.
    pub states: usize,
    /// The number of events on the shortest path to the farthest state.
    pub depth: usize,
    /// `true` if states were left out because the model is too small for them.
    pub is_cut: bool,
    /// The first violation, with the states and events that lead to it.
    pub wrong: Option<(W::Wrong, Vec<Step<W>>)>,
}

/// One step of a trace: a state, and the event that leads from it to the next state.
#[derive(Debug)]
pub struct Step<W: World> {
    /// The state before the event.
    pub before: W::State,
    /// The event that follows.
    pub event: W::Event,
}

/// Searches until a violation is found or every state was reached.
pub fn search<W: World>(world: &mut W) -> Found<W> {
    let first = world.first();
    let mut visited = Visited::new();
    visited.insert(hash(&first), 0);
    let mut found = Found {
        states: 1,
        depth: 0,
        is_cut: false,
        wrong: None,
    };
    if let Some(wrong) = world.wrong(&first) {
        found.wrong = Some((wrong, Vec::new()));
        return found;
    }
    let mut level = vec![(0, first)];
    let mut out = Vec::new();
    while !level.is_empty() {
        let mut next_level = Vec::new();
        for (index, state) in level {
            out.clear();
            found.is_cut |= world.next(&state, &mut out);
            for Next {
                state: next,
                event,
                wrong,
            } in &out
            {
                if let Some(wrong) = wrong {
                    let mut trace = trace(world, &visited.path(index));
                    trace.push(Step {
                        before: state,
                        event: *event,
                    });
                    found.wrong = Some((*wrong, trace));
                    return found;
                }
                let Some(new) = visited.insert(hash(next), index) else {
                    continue;
                };
                found.states = visited.len();
                if let Some(wrong) = world.wrong(next) {
                    found.wrong = Some((wrong, trace(world, &visited.path(new))));
                    return found;
                }
                next_level.push((new, *next));
            }
        }
        found.depth += usize::from(!next_level.is_empty());
        level = next_level;
    }
    found
}

/// Rebuilds a trace from the hashes of its states, by walking the graph from the initial state again.
fn trace<W: World>(world: &mut W, path: &[u64]) -> Vec<Step<W>> {
    let mut state = world.first();
    let mut out = Vec::new();
    let steps = path.iter().map(|wanted| {
        out.clear();
        world.next(&state, &mut out);
        let next = out.iter().find(|next| hash(&next.state) == *wanted);
        let next = next.expect("the search went this way");
        let step = Step {
            before: state,
            event: next.event,
        };
        state = next.state;
        step
    });
    steps.collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;

    /// A walk on a square grid, one step right or up at a time; a field or a step may be declared wrong.
    struct Grid {
        size: u8,
        wrong_field: Option<(u8, u8)>,
        wrong_step: Option<(u8, u8)>,
        looked_at: usize,
    }

    impl Grid {
        fn of(size: u8) -> Self {
            Self {
                size,
                wrong_field: None,
                wrong_step: None,
                looked_at: 0,
            }
        }
    }

    impl World for Grid {
        type State = (u8, u8);
        type Event = char;
        type Wrong = &'static str;

        fn first(&self) -> (u8, u8) {
            (0, 0)
        }

        fn next(&mut self, state: &(u8, u8), out: &mut Vec<Next<Self>>) -> bool {
            let mut push = |state, event, wrong| {
                out.push(Next {
                    state,
                    event,
                    wrong,
                });
            };
            let wrong = (self.wrong_step == Some(*state)).then_some("step");
            if state.0 + 1 < self.size {
                push((state.0 + 1, state.1), 'r', wrong);
            }
            if state.1 + 1 < self.size {
                push((state.0, state.1 + 1), 'u', None);
            }
            state.0 + 1 == self.size
        }

        fn wrong(&mut self, state: &(u8, u8)) -> Option<&'static str> {
            self.looked_at += 1;
            (self.wrong_field == Some(*state)).then_some("field")
        }
    }

    #[test]
    fn every_state_is_seen_and_checked_once() {
        let mut grid = Grid::of(30);
        let found = search(&mut grid);
        assert_eq!((found.states, found.depth), (900, 58));
        assert!(found.wrong.is_none());
        assert_eq!(grid.looked_at, 900);
    }

    #[test]
    fn a_wrong_state_is_found_by_a_shortest_way() {
        let mut grid = Grid {
            wrong_field: Some((2, 1)),
            ..Grid::of(30)
        };
        let (wrong, trace) = search(&mut grid).wrong.unwrap();
        assert_eq!((wrong, trace.len()), ("field", 3));
        let ups = trace.iter().filter(|step| step.event == 'u').count();
        assert_eq!((ups, trace[0].before), (1, (0, 0)));
    }

    #[test]
    fn a_wrong_step_is_the_last_of_its_trace() {
        let mut grid = Grid {
            wrong_step: Some((1, 1)),
            ..Grid::of(30)
        };
        let (wrong, trace) = search(&mut grid).wrong.unwrap();
        assert_eq!(wrong, "step");
        let last = trace.last().unwrap();
        assert_eq!((trace.len(), last.before, last.event), (3, (1, 1), 'r'));
    }

    #[test]
    fn a_wrong_first_state_has_an_empty_trace() {
        let mut grid = Grid {
            wrong_field: Some((0, 0)),
            ..Grid::of(3)
        };
        let (_, trace) = search(&mut grid).wrong.unwrap();
        assert!(trace.is_empty());
    }

    #[test]
    fn states_that_are_left_out_are_reported() {
        assert!(search(&mut Grid::of(3)).is_cut);
    }
}
