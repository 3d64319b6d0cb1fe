//! The machines that are measured, and their inputs.

use serde_json::{Value, json};

/// A machine and the number of states that an execution of it enters.
pub struct Measured {
    pub name: &'static str,
    pub definition: &'static str,
    /// Builds the input for a size: iterations of a loop, or items of a Map.
    pub input: fn(u64) -> Value,
    /// Returns the number of states entered for a size.
    pub transitions: fn(u64) -> u64,
}

/// Every machine, by name; the peers' script runs the same files with the same inputs.
pub const MEASURED: [Measured; 4] = [
    Measured {
        name: "chain",
        definition: include_str!("chain.json"),
        input: |turns| {
            json!({"turn": 0, "turns": turns, "order": {
                "id": "r-1", "kind": "rental", "days": 3, "lines": [{"car": "a", "price": 40}, {"car": "b", "price": 55}]}})
        },
        transitions: |turns| 4 * turns + 1,
    },
    Measured {
        name: "map",
        definition: include_str!("map.json"),
        input: |items| json!({"items": (0..items).collect::<Vec<u64>>()}),
        transitions: |items| 2 * items + 1,
    },
    Measured {
        name: "intrinsics",
        definition: include_str!("intrinsics.json"),
        input: |turns| json!({"turn": 0, "turns": turns, "words": ["fleet", "city", "fleet", "road"]}),
        transitions: |turns| 2 * turns + 1,
    },
    Measured {
        name: "jsonata",
        definition: include_str!("jsonata.json"),
        input: |turns| {
            let rentals: Vec<Value> = (1..=5)
                .map(|n| json!({"id": format!("r{n}"), "days": n, "price": 40 * n}))
                .collect();
            json!({"turn": 0, "turns": turns, "rentals": rentals})
        },
        transitions: |turns| 2 * turns + 1,
    },
];
