//! Rewrites a parsed expression so that its evaluation stays within the limits of time and memory.
//!
//! The evaluator shares copied values, so a value may be small in memory and yet have 2^60 items: `[$x, $x]` doubles it
//! in a few bytes. Building such a value is cheap, but writing, comparing or walking it may never end. So every operand
//! that is written, compared, walked or built into something larger passes through [`WEIGH`], a function that no
//! expression can name, which subtracts the operand's weight from the meter and returns the operand. `$replace` and
//! `$join` can multiply the length of a text, so the length of their result is estimated first.

use jsonata_core::ast::{AstNode, BinaryOp, PathStep, Stage};
use jsonata_core::value::with_stack;

/// The function that subtracts the weight of its argument from the meter and returns the argument.
pub(super) const WEIGH: &str = "weigh operand";
/// The function that weighs its argument and returns `true`, so that it can be a filter that keeps every item.
pub(super) const FITS: &str = "weigh item";
/// The function that returns its second argument, a separator, if joining the first argument's items with it does not
/// make the text too long.
pub(super) const SEPARATOR: &str = "weigh separator";
/// The function that returns its second argument, a replacement, if inserting it at every position of the first
/// argument does not make the text too long.
pub(super) const REPLACEMENT: &str = "weigh replacement";
/// The function that returns its argument if it is short enough to be matched against a pattern.
pub(super) const SUBJECT: &str = "weigh subject";
/// The function that weighs a replacement from a callback and returns it.
pub(super) const REPLACED: &str = "weigh replaced";
/// The function that returns its argument, a date picture, if no field in it is too wide.
pub(super) const PICTURE: &str = "weigh picture";
/// The function that returns its first argument, a number, if formatting it by the second, a picture, gives a short
/// text.
pub(super) const WRITABLE: &str = "weigh number";
/// The function that returns `true` if its argument is a function.
pub(super) const IS_FUNCTION: &str = "is function";
/// The replacement of the built-in `$distinct`, which compares all pairs of items and ignores the time limit.
pub(super) const DISTINCT: &str = "distinct items";
/// The variable that holds the instant of the evaluation, which `$now()` and `$millis()` return, in milliseconds.
pub(super) const NOW: &str = "now in milliseconds";
/// The variable that holds the first argument of a call whose result is estimated.
const FIRST: &str = "first argument";
/// The variable that holds a later argument of a call whose result is estimated, such as a picture.
const SECOND: &str = "second argument";
/// The parameter of the function that wraps a replacement callback.
const MATCH: &str = "match argument";

/// The built-in functions that walk their arguments as a whole, so that the arguments are weighed before the call.
const WALKING: &[&str] = &[
    "append",
    "assert",
    "base64encode",
    "boolean",
    "distinct",
    "each",
    "encodeUrl",
    "encodeUrlComponent",
    "error",
    "filter",
    "keys",
    "lookup",
    "map",
    "merge",
    "not",
    "reduce",
    "reverse",
    "shuffle",
    "sift",
    "single",
    "sort",
    "split",
    "spread",
    "string",
    "zip",
];

/// Rewrites an expression so that an evaluation stays within the limits of its meter.
pub(super) fn bounded(node: AstNode) -> AstNode {
    with_stack(|| match node {
        AstNode::Binary {
            op: BinaryOp::ChainPipe,
            lhs,
            rhs,
        } => chain(*lhs, *rhs),
        AstNode::Binary { op, lhs, rhs } => binary(op, *lhs, *rhs),
        AstNode::Function {
            name,
            args,
            is_builtin,
        } => function(name, args, is_builtin),
        AstNode::Path { steps } => AstNode::Path { steps: path(steps) },
        AstNode::Unary { op, operand } => AstNode::Unary {
            op,
            operand: Box::new(weighed(bounded(*operand))),
        },
        AstNode::Call { procedure, args } => AstNode::Call {
            procedure: boxed(*procedure),
            args: args.into_iter().map(bounded).collect(),
        },
        AstNode::Variable(name) => AstNode::Variable(renamed(name)),
        AstNode::Lambda {
            params,
            body,
            signature,
            thunk,
        } => AstNode::Lambda {
            params: params.into_iter().map(renamed).collect(),
            body: boxed(*body),
            signature,
            thunk,
        },
        AstNode::Array(items) => {
            AstNode::Array(items.into_iter().map(bounded).map(weighed).collect())
        }
        AstNode::ArrayGroup(items) => {
            AstNode::ArrayGroup(items.into_iter().map(bounded).map(weighed).collect())
        }
        AstNode::Object(pairs) => AstNode::Object(weighed_pairs(pairs)),
        AstNode::ObjectTransform { input, pattern } => AstNode::ObjectTransform {
            input: boxed(*input),
            pattern: weighed_pairs(pattern),
        },
        AstNode::Block(items) => AstNode::Block(items.into_iter().map(bounded).collect()),
        AstNode::Conditional {
            condition,
            then_branch,
            else_branch,
        } => AstNode::Conditional {
            condition: Box::new(weighed(bounded(*condition))),
            then_branch: boxed(*then_branch),
            else_branch: else_branch.map(|branch| boxed(*branch)),
        },
        AstNode::FunctionApplication(inner) => AstNode::FunctionApplication(boxed(*inner)),
        AstNode::Sort { input, terms } => AstNode::Sort {
            input: boxed(*input),
            terms: terms
                .into_iter()
                .map(|(term, ascending)| (bounded(term), ascending))
                .collect(),
        },
        AstNode::Transform {
            location,
            update,
            delete,
        } => AstNode::Transform {
            location: boxed(*location),
            update: boxed(*update),
            delete: delete.map(|delete| boxed(*delete)),
        },
        leaf => leaf,
    })
}

/// Returns [`DISTINCT`] for the name `distinct`, and any other name unchanged. The rewrite applies this wherever a name
/// is read, called or bound, so that a variable `$distinct` still hides the function.
pub(super) fn renamed(name: String) -> String {
    if name == "distinct" {
        DISTINCT.to_owned()
    } else {
        name
    }
}

/// Rewrites a node by [`bounded`] and boxes the result.
fn boxed(node: AstNode) -> Box<AstNode> {
    Box::new(bounded(node))
}

/// Rewrites key-value pairs, and wraps their values so that they are weighed.
fn weighed_pairs(pairs: Vec<(AstNode, AstNode)>) -> Vec<(AstNode, AstNode)> {
    pairs
        .into_iter()
        .map(|(key, value)| (bounded(key), weighed(bounded(value))))
        .collect()
}

/// Wraps a node in [`WEIGH`], unless its value is always small.
///
/// Array and object constructors are not wrapped, because the evaluator inspects them; their parts are weighed.
fn weighed(node: AstNode) -> AstNode {
    match node {
        AstNode::Block(mut items) => {
            if let Some(last) = items.pop() {
                items.push(with_stack(|| weighed(last)));
            }
            AstNode::Block(items)
        }
        AstNode::Conditional {
            condition,
            then_branch,
            else_branch,
        } => AstNode::Conditional {
            condition,
            then_branch: Box::new(with_stack(|| weighed(*then_branch))),
            else_branch: else_branch.map(|branch| Box::new(with_stack(|| weighed(*branch)))),
        },
        AstNode::Binary {
            op:
                BinaryOp::Coalesce
                | BinaryOp::Default
                | BinaryOp::ChainPipe
                | BinaryOp::ColonEqual
                | BinaryOp::Range,
            ..
        }
        | AstNode::Variable(_)
        | AstNode::ParentVariable(_)
        | AstNode::Name(_)
        | AstNode::Path { .. }
        | AstNode::Function { .. }
        | AstNode::Call { .. }
        | AstNode::Sort { .. }
        | AstNode::Parent(_)
        | AstNode::FunctionApplication(_) => call(WEIGH, vec![node]),
        small => small,
    }
}

/// Builds a call of a built-in function.
fn call(name: &str, args: Vec<AstNode>) -> AstNode {
    AstNode::Function {
        name: name.to_owned(),
        args,
        is_builtin: true,
    }
}

/// Rewrites a binary operation; the sides are weighed if the operator walks whole values.
fn binary(op: BinaryOp, lhs: AstNode, rhs: AstNode) -> AstNode {
    let is_small = |node: &AstNode| {
        matches!(
            node,
            AstNode::String(_) | AstNode::Number(_) | AstNode::Boolean(_) | AstNode::Null
        )
    };
    let walks = match op {
        BinaryOp::Concatenate | BinaryOp::And | BinaryOp::Or | BinaryOp::In | BinaryOp::Default => {
            true
        }
        // Comparing with a short literal ends at the first difference.
        BinaryOp::Equal | BinaryOp::NotEqual => !is_small(&lhs) && !is_small(&rhs),
        _ => false,
    };
    let (lhs, rhs) = (bounded(lhs), bounded(rhs));
    if walks {
        return AstNode::Binary {
            op,
            lhs: Box::new(weighed(lhs)),
            rhs: Box::new(weighed(rhs)),
        };
    }
    AstNode::Binary {
        op,
        lhs: Box::new(lhs),
        rhs: Box::new(rhs),
    }
}

/// Rewrites `lhs ~> rhs`. A call on the right side takes the left side as its first argument.
fn chain(lhs: AstNode, rhs: AstNode) -> AstNode {
    match rhs {
        AstNode::Function {
            name,
            mut args,
            is_builtin,
        } if estimates(&name) && !args.contains(&AstNode::Placeholder) => {
            args.insert(0, lhs);
            function(name, args, is_builtin)
        }
        rhs => AstNode::Binary {
            op: BinaryOp::ChainPipe,
            lhs: Box::new(weighed(bounded(lhs))),
            rhs: boxed(rhs),
        },
    }
}

/// Returns `true` if a function's result can be much larger than its arguments, so that the size of the result is
/// estimated before the call.
fn estimates(name: &str) -> bool {
    matches!(name, "formatInteger" | "join" | "match" | "replace")
}

/// Rewrites a call and its arguments. `$now` and `$millis` become reads of the variable [`NOW`].
fn function(name: String, args: Vec<AstNode>, is_builtin: bool) -> AstNode {
    if estimates(&name) {
        return estimated(name, args, is_builtin);
    }
    let mut args: Vec<AstNode> = args.into_iter().map(bounded).collect();
    match name.as_str() {
        "now" if is_builtin => {
            args.insert(0, AstNode::Variable(NOW.to_owned()));
            weigh_picture(&mut args);
            return AstNode::Function {
                name: "fromMillis".to_owned(),
                args,
                is_builtin,
            };
        }
        "millis" if is_builtin && args.is_empty() => return AstNode::Variable(NOW.to_owned()),
        "string" if args.is_empty() => args.push(AstNode::Variable(String::new())),
        "fromMillis" | "toMillis" => weigh_picture(&mut args),
        _ => {}
    }
    if WALKING.contains(&name.as_str()) {
        let callback = callback_place(&name, args.len());
        for (place, argument) in args.iter_mut().enumerate() {
            if Some(place) != callback {
                let taken = std::mem::replace(argument, AstNode::Null);
                *argument = weighed(taken);
            }
        }
    }
    let name = if is_builtin { renamed(name) } else { name };
    AstNode::Function {
        name,
        args,
        is_builtin,
    }
}

/// Wraps the second argument, a date picture, in a call that checks it.
fn weigh_picture(args: &mut [AstNode]) {
    if let Some(picture) = args.get_mut(1)
        && *picture != AstNode::Placeholder
    {
        let taken = std::mem::replace(picture, AstNode::Null);
        *picture = call(PICTURE, vec![taken]);
    }
}

/// Returns the index of the callback among a call's arguments, which the evaluator inspects before evaluating it.
fn callback_place(name: &str, arguments: usize) -> Option<usize> {
    match (name, arguments) {
        ("map" | "filter" | "reduce" | "single" | "sort" | "sift" | "each", 2..) => Some(1),
        ("sift" | "each", 1) => Some(0),
        _ => None,
    }
}

/// Rewrites a call whose result may be far larger than its arguments: `(first := a; f(first, estimate(first, b)))`.
fn estimated(name: String, args: Vec<AstNode>, is_builtin: bool) -> AstNode {
    if args.contains(&AstNode::Placeholder) {
        return partial(name, args, is_builtin);
    }
    let mut args: Vec<AstNode> = args.into_iter().map(bounded).collect();
    match (name.as_str(), args.len()) {
        // Without a subject, the context is the subject.
        ("match" | "formatInteger", 1) => args.insert(0, variable("")),
        ("replace", 2) => {
            let replacement = args.remove(1);
            args.push(call(REPLACEMENT, vec![variable(""), replacement]));
            return AstNode::Function {
                name,
                args,
                is_builtin,
            };
        }
        (_, 0) | ("replace", 1) => {
            return AstNode::Function {
                name,
                args,
                is_builtin,
            };
        }
        _ => {}
    }
    let first = std::mem::replace(&mut args[0], variable(FIRST));
    let mut block = vec![bind(FIRST, weighed(first))];
    match name.as_str() {
        "match" => args[0] = call(SUBJECT, vec![variable(FIRST)]),
        "formatInteger" => {
            let picture = std::mem::replace(&mut args[1], variable(SECOND));
            block.push(bind(SECOND, picture));
            args[0] = call(WRITABLE, vec![variable(FIRST), variable(SECOND)]);
        }
        "join" => {
            if let Some(separator) = args.get_mut(1) {
                let taken = std::mem::replace(separator, AstNode::Null);
                *separator = call(SEPARATOR, vec![variable(FIRST), taken]);
            }
        }
        _ => {
            let replacement = std::mem::replace(&mut args[2], AstNode::Null);
            args[2] = replacing(replacement, &mut block);
        }
    }
    block.push(AstNode::Function {
        name,
        args,
        is_builtin,
    });
    AstNode::Block(block)
}

/// Rewrites the replacement argument of `$replace`: [`REPLACEMENT`] checks a text, and [`REPLACED`] weighs each result
/// of a callback.
fn replacing(replacement: AstNode, block: &mut Vec<AstNode>) -> AstNode {
    let counted = |body| Box::new(call(REPLACED, vec![body]));
    match replacement {
        AstNode::String(_) => call(REPLACEMENT, vec![variable(FIRST), replacement]),
        AstNode::Lambda {
            params,
            body,
            signature,
            ..
        } => AstNode::Lambda {
            params,
            body: counted(*body),
            signature,
            thunk: true,
        },
        other => {
            block.push(bind(SECOND, other));
            let called = call(SECOND, vec![variable(MATCH)]);
            AstNode::Conditional {
                condition: Box::new(call(IS_FUNCTION, vec![variable(SECOND)])),
                then_branch: Box::new(AstNode::Lambda {
                    params: vec![MATCH.to_owned()],
                    body: counted(called),
                    signature: None,
                    thunk: true,
                }),
                else_branch: Some(Box::new(call(
                    REPLACEMENT,
                    vec![variable(FIRST), variable(SECOND)],
                ))),
            }
        }
    }
}

/// Builds a read of a variable.
fn variable(name: &str) -> AstNode {
    AstNode::Variable(name.to_owned())
}

/// Builds an assignment to a variable.
fn bind(name: &str, value: AstNode) -> AstNode {
    AstNode::Binary {
        op: BinaryOp::ColonEqual,
        lhs: Box::new(variable(name)),
        rhs: Box::new(value),
    }
}

/// Rewrites `f(?, b)` as `(fixed1 := b; function(open0) { f(open0, fixed1) })`, so that each call is estimated.
fn partial(name: String, args: Vec<AstNode>, is_builtin: bool) -> AstNode {
    let (mut block, mut params, mut inner) = (Vec::new(), Vec::new(), Vec::new());
    for (place, argument) in args.into_iter().enumerate() {
        if argument == AstNode::Placeholder {
            let open = format!("open argument {place}");
            inner.push(AstNode::Variable(open.clone()));
            params.push(open);
        } else {
            let fixed = AstNode::Variable(format!("fixed argument {place}"));
            inner.push(fixed);
            block.push(bind(&format!("fixed argument {place}"), bounded(argument)));
        }
    }
    let body = Box::new(estimated(name, inner, is_builtin));
    block.push(AstNode::Lambda {
        params,
        body,
        signature: None,
        thunk: true,
    });
    AstNode::Block(block)
}

/// Rewrites the steps of a path, and weighs each item just before `*` or `**` walks it.
fn path(steps: Vec<PathStep>) -> Vec<PathStep> {
    let mut rewritten: Vec<PathStep> = Vec::with_capacity(steps.len());
    for mut step in steps {
        if let (AstNode::Wildcard | AstNode::Descendant, Some(before)) =
            (&step.node, rewritten.last_mut())
            && !before.is_tuple
        {
            before.stages.push(Stage::Filter(Box::new(call(
                FITS,
                vec![AstNode::Variable(String::new())],
            ))));
        }
        step.node = bounded(step.node);
        step.focus = step.focus.map(renamed);
        step.index_var = step.index_var.map(renamed);
        step.stages = step
            .stages
            .into_iter()
            .map(|stage| match stage {
                Stage::Filter(condition) => Stage::Filter(boxed(*condition)),
                Stage::Index(name) => Stage::Index(renamed(name)),
                Stage::KeepArray => Stage::KeepArray,
            })
            .collect();
        // The evaluator caches compiled steps by this number, so a changed step needs a new one.
        step.id = jsonata_core::ast::StepId::default();
        rewritten.push(step);
    }
    rewritten
}
