//! Expressions that are cut, repeated and mixed from valid ones with a seed give a value or an error, never a panic.
//! The fuzz targets do the same for longer.

use drivetrain_statemachine::intrinsics::Call;
use drivetrain_statemachine::jsonata::{Expression, JsonataScope};
use drivetrain_statemachine::jsonpath::{Query, ReferencePath};
use drivetrain_statemachine::scope::{Host, Random, Scope};
use serde_json::{Map, Value, json};

const ROUNDS: usize = 3_000;

fn input() -> Value {
    json!({"a": [{"b": 1, "c": [1, 2.5, -3]}, {"b": "x,y", "d": null}, true], "t": "{\"k\": [1]}", "n": 12})
}

/// Cuts a piece out of a seed, repeats a piece, or inserts one of another seed.
fn mutated(seeds: &[&str], random: &mut Random) -> String {
    let pick = |random: &mut Random, limit: usize| {
        usize::try_from(random.bits() % limit.max(1) as u64).unwrap()
    };
    let mut text: Vec<char> = seeds[pick(random, seeds.len())].chars().collect();
    for _ in 0..=pick(random, 3) {
        let from = pick(random, text.len() + 1);
        let to = (from + pick(random, 12)).min(text.len());
        match pick(random, 3) {
            0 => drop(text.drain(from..to)),
            1 => {
                let piece = text[from..to].to_vec();
                text.splice(from..from, piece);
            }
            _ => {
                let other: Vec<char> = seeds[pick(random, seeds.len())].chars().collect();
                let start = pick(random, other.len());
                let end = (start + pick(random, 12)).min(other.len());
                text.splice(from..to, other[start..end].iter().copied());
            }
        }
    }
    text.into_iter().collect()
}

fn host() -> Host {
    Host {
        now: chrono::DateTime::UNIX_EPOCH,
        random: Random::from_seed(1),
    }
}

#[test]
fn paths_end_in_a_value_or_an_error() {
    let seeds = [
        "$.a[?(@.b == 1 && !@.d || @.c =~ /x.*/i)]..c[0,1][1:3].*",
        "$['a'][-1]['b','c'].length()",
        "$..*[?(@.b in [1,'x'] && $.a size 3)].sum()",
        "$$.State.Name",
        "$name.a[0].b",
    ];
    let (mut random, document) = (Random::from_seed(1), input());
    for _ in 0..ROUNDS {
        let path = mutated(&seeds, &mut random);
        if let Ok(query) = Query::parse(&path) {
            assert_eq!(
                query.evaluate_on(&document),
                query.evaluate_on(&document),
                "{path}"
            );
        }
        if let Ok(reference) = ReferencePath::parse(&path) {
            let mut changed = document.clone();
            match reference.insert(&mut changed, json!(1)) {
                Ok(()) => assert_eq!(reference.get(&changed), Some(&json!(1)), "{path}"),
                Err(_) => assert_eq!(changed, document, "{path}"),
            }
        }
    }
}

#[test]
fn calls_end_in_a_value_or_an_error() {
    let seeds = [
        "States.Format('{} \\{\\} {}', States.MathAdd($.n, -1.5), States.JsonToString($))",
        "States.ArrayPartition(States.ArrayUnique(States.StringSplit($.a[1].b, ',;')), 2)",
        "States.JsonMerge(States.StringToJson($.t), $.a[0], false)",
        "States.Array(States.Hash($.t, 'SHA-256'), States.Base64Decode(States.Base64Encode('x')), null)",
        "States.ArrayGetItem(States.ArrayRange(1, 9, 2), States.MathRandom(0, 3, 7))",
    ];
    let (mut random, input, variables) = (Random::from_seed(2), input(), Map::new());
    let scope = Scope {
        input: &input,
        context: &input,
        variables: &variables,
    };
    for _ in 0..ROUNDS {
        if let Ok(call) = Call::parse(&mutated(&seeds, &mut random)) {
            let _ = call.evaluate(&scope, &mut host());
        }
    }
}

#[test]
fn expressions_end_in_a_value_or_an_error() {
    let seeds = [
        "$map($states.input.a[b > 0].c, function($v, $i) { $v & '-' & $string($i) }) ~> $join(',')",
        "($f := function($n) { $n <= 1 ? 1 : $n * $f($n - 1) }; {'f': $f(5), 'p': $partition([1..3], 2)})",
        "$states.input.**.c^(>$).($ ~> |$|{'c': 1}|)",
        "$reduce([1..5], function($a, $i) { $append($a, [$a, $i]) })[type = 'x' or $exists(y)]",
        "$fromMillis($millis(), '[Y0001]-[M01]') & $replace('abc', /b(.)/, '$1') & $pad('x', -5, '#')",
    ];
    let (states, variables) = (json!({"input": input()}), Map::new());
    let scope = JsonataScope {
        states: &states,
        variables: &variables,
    };
    let mut random = Random::from_seed(3);
    for _ in 0..ROUNDS {
        if let Ok(expression) = Expression::parse(&mutated(&seeds, &mut random)) {
            let _ = expression.evaluate(&scope, &mut host());
        }
    }
}
