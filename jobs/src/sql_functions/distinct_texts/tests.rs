//! Compares `count_unique` and sets in SQL with `count(distinct ..)` and with sets of the standard library.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray as _, BooleanArray, Int32Array, RecordBatch, StringViewArray,
};
use arrow::datatypes::Int64Type;
use datafusion::datasource::MemTable;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator as _};
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::SessionContext;

use super::groups_accumulator::{UniqueResult, UniqueTextsAccumulator};
use super::text_dictionary::TextDictionary;
use crate::plan::session_context;

/// Returns a pseudorandom sequence.
fn noise(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    })
}

fn text(number: u64) -> Option<String> {
    match number % 5 {
        0 => None,
        1 => Some(format!("a text of more than twelve bytes, {}", number % 97)),
        2 => Some(String::new()),
        _ => Some(format!("{:010x}", number % 1_000)),
    }
}

fn register(context: &SessionContext, rows: usize, groups: u64) {
    register_texts(context, rows, groups, text);
}

/// Returns a text or NULL for a number. So many texts are distinct that they do not fit into a small memory pool; half
/// of them are too long to be stored within a view.
fn many_texts(number: u64) -> Option<String> {
    let width = if number.is_multiple_of(2) { 20 } else { 10 };
    (!number.is_multiple_of(7)).then(|| format!("{:0width$x}", number % 3_000_000))
}

fn register_texts(
    context: &SessionContext,
    rows: usize,
    groups: u64,
    text: fn(u64) -> Option<String>,
) {
    let partitions = (0..3_u64).map(|partition| {
        (0..4).map(move |batch| {
            let mut noise = noise(partition * 10 + batch);
            let group = Int32Array::from_iter_values(
                (0..rows).map(|_| i32::try_from(noise.next().unwrap() % groups).unwrap()),
            );
            let texts = (0..rows)
                .map(|_| text(noise.next().unwrap()))
                .collect::<StringViewArray>();
            let columns = [
                ("g", Arc::new(group) as ArrayRef, false),
                ("t", Arc::new(texts) as ArrayRef, true),
            ];
            RecordBatch::try_from_iter_with_nullable(columns).unwrap()
        })
    });
    let partitions = partitions
        .map(Iterator::collect::<Vec<_>>)
        .collect::<Vec<_>>();
    let table = MemTable::try_new(partitions[0][0].schema(), partitions).unwrap();
    context.register_table("rows", Arc::new(table)).unwrap();
}

async fn answer(context: &SessionContext, sql: &str) -> Vec<RecordBatch> {
    context.sql(sql).await.unwrap().collect().await.unwrap()
}

async fn agree(context: &SessionContext, form: &str) {
    let ours = answer(context, &form.replace("{}", "count_unique(t)")).await;
    let theirs = answer(context, &form.replace("{}", "count(distinct t)")).await;
    same(&ours, &theirs, form);
}

fn same(ours: &[RecordBatch], theirs: &[RecordBatch], form: &str) {
    let values = |batches: &[RecordBatch]| {
        let all = arrow::compute::concat_batches(&batches[0].schema(), batches).unwrap();
        all.columns().to_vec()
    };
    assert_eq!(values(ours), values(theirs), "{form}");
}

#[tokio::test]
async fn it_counts_as_count_distinct_does() {
    for (rows, groups) in [(0, 1), (1, 1), (2_000, 7), (2_000, 1_900), (20_000, 15_000)] {
        let context = session_context(Arc::new(RuntimeEnv::default()), 4);
        register(&context, rows, groups);
        for form in [
            "select {} as n from rows",
            "select {} filter (where g % 2 = 0) as n from rows",
            "select g, {} as n, count(*) as m from rows group by g order by g",
            "select g, {} filter (where g % 3 = 1) as n from rows group by g order by g",
            "select g, {} as n from (select * from rows order by g) as sorted group by g order by g",
        ] {
            if rows > 0 || !form.contains("group") {
                agree(&context, form).await;
            }
        }
    }
}

/// Returns how often a plan or one of its inputs spilled to disk.
fn spills(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let own = plan
        .metrics()
        .and_then(|metrics| metrics.spill_count())
        .unwrap_or(0);
    own + plan.children().into_iter().map(spills).sum::<usize>()
}

fn plenty() -> SessionContext {
    session_context(Arc::new(RuntimeEnv::default()), 3)
}

/// Builds a session with the kind of memory pool that a run has, but so small that queries spill.
fn scarce(bytes: usize) -> SessionContext {
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(bytes)))
        .build_arc()
        .unwrap();
    session_context(runtime, 2)
}

#[tokio::test]
async fn counts_are_right_if_memory_is_short() {
    let (scarce, plenty) = (scarce(16 << 20), plenty());
    let sql = "select sum(n) as n, count(*) as m from (select g, count_unique(t) as n from rows group by g) as counts";
    // With few texts, all of them have ids; with many texts, most have none.
    for (rows, groups, text) in [
        (40_000, 100_000, text as fn(u64) -> Option<String>),
        (40_000, 100_000, many_texts),
    ] {
        let mut counts = Vec::new();
        for (context, spilling) in [(&scarce, true), (&plenty, false)] {
            context.deregister_table("rows").unwrap();
            register_texts(context, rows, groups, text);
            let plan = context
                .sql(sql)
                .await
                .unwrap()
                .create_physical_plan()
                .await
                .unwrap();
            counts.push(
                collect(Arc::clone(&plan), context.task_ctx())
                    .await
                    .unwrap(),
            );
            assert_eq!(spills(&plan) > 0, spilling);
        }
        assert_eq!(counts[0], counts[1]);
    }
}

#[tokio::test]
async fn texts_without_memory_for_ids_are_counted_as_well() {
    // The dictionary may use a quarter of the pool, which is enough for the ids of less than half of the texts.
    let (scarce, plenty) = (scarce(64 << 20), plenty());
    for context in [&scarce, &plenty] {
        register_texts(context, 25_000, 5, many_texts);
    }
    let few = "select count_unique(t) as n from rows where g = 1";
    let all = "select g, count_unique(t) as n, set_size(unique_set(t)) as s from rows group by g order by g";
    for (ours, theirs) in [
        (few, "select count(distinct t) as n from rows where g = 1"),
        (
            all,
            "select g, count(distinct t) as n, count(distinct t) as s from rows group by g order by g",
        ),
    ] {
        same(
            &answer(&scarce, ours).await,
            &answer(&plenty, theirs).await,
            ours,
        );
    }
}

#[tokio::test]
async fn sets_are_united_by_row_and_by_group() {
    for (rows, groups, text) in [
        (2_000, 7, text as fn(u64) -> Option<String>),
        (2_000, 900, text),
        (10_000, 40, many_texts),
    ] {
        let (scarce, plenty) = (scarce(24 << 20), plenty());
        register_texts(&scarce, rows, groups, text);
        register_texts(&plenty, rows, groups, text);
        for context in [&scarce, &plenty] {
            let sets = "create table sets as select g, unique_set(t) as s, unique_set(t) filter (where g % 2 = 0) as e from rows group by g";
            answer(context, sets).await;
            for (ours, theirs) in [
                (
                    "select g, set_size(s) as n, set_size(e) as m from sets order by g",
                    "select g, count(distinct t) as n, count(distinct t) filter (where g % 2 = 0) as m from rows group by g order by g",
                ),
                (
                    "select count_unique(s) as n, set_size(unique_set(e)) as m from sets",
                    "select count(distinct t) as n, count(distinct t) filter (where g % 2 = 0) as m from rows",
                ),
                (
                    "select g % 5 as k, count_unique(s) as n from sets group by g % 5 order by k",
                    "select g % 5 as k, count(distinct t) as n from rows group by g % 5 order by k",
                ),
                (
                    "select a.g, set_size(set_union(a.s, b.s)) as n from sets as a left join sets as b on b.g = a.g + 3 order by a.g",
                    "select a.g, count(distinct t) as n from (select distinct g from rows) as a join rows as b on b.g in (a.g, a.g + 3) group by a.g order by a.g",
                ),
                (
                    "select set_size(set_union(null, null)) as n, set_size(unique_set(null)) as m",
                    "select cast(null as bigint) as n, cast(0 as bigint) as m",
                ),
            ] {
                same(
                    &answer(context, ours).await,
                    &answer(&plenty, theirs).await,
                    ours,
                );
            }
        }
    }
}

#[tokio::test]
async fn values_that_are_not_sets_are_refused() {
    let context = session_context(Arc::new(RuntimeEnv::default()), 1);
    for (sql, expected) in [
        ("select set_size('a')", "takes one set made by `unique_set`"),
        (
            "select set_union(unique_set('a'), 1)",
            "takes two sets made by `unique_set`",
        ),
        (
            "select set_size(arrow_cast(x'0a0b', 'LargeBinary'))",
            "the value is not a set made by `unique_set`",
        ),
        (
            "select count_unique(arrow_cast(x'0a00000001000000', 'LargeBinary'))",
            "the value is not a set made by `unique_set`",
        ),
    ] {
        let error = match context.sql(sql).await {
            Ok(frame) => frame.collect().await.unwrap_err(),
            Err(error) => error,
        };
        assert!(error.to_string().contains(expected), "{sql}: {error}");
    }
}

#[test]
fn groups_can_be_emitted_piece_by_piece() {
    let mut noise = noise(7);
    let dictionary = TextDictionary::new(&RuntimeEnv::default().memory_pool);
    let (mut counted, mut expected) = (
        UniqueTextsAccumulator::new(dictionary, UniqueResult::Counts),
        HashMap::<usize, HashSet<String>>::new(),
    );
    let mut emitted = 0;
    let check = |counted: &mut UniqueTextsAccumulator,
                 expected: &HashMap<usize, HashSet<String>>,
                 emit_to,
                 emitted: &mut usize| {
        let counts = counted.evaluate(emit_to).unwrap();
        for count in counts.as_primitive::<Int64Type>().values() {
            let found = expected.get(emitted).map_or(0, HashSet::len);
            assert_eq!(usize::try_from(*count).unwrap(), found);
            *emitted += 1;
        }
    };
    for step in 0..20 {
        let groups = (0..5_000)
            .map(|_| usize::try_from(noise.next().unwrap() % 300).unwrap())
            .collect::<Vec<_>>();
        let texts = groups
            .iter()
            .map(|_| text(noise.next().unwrap()))
            .collect::<Vec<_>>();
        let filter = groups
            .iter()
            .map(|_| Some(noise.next().unwrap() % 4 != 3))
            .collect::<BooleanArray>();
        for ((group, text), kept) in groups.iter().zip(&texts).zip(filter.iter()) {
            if let (Some(text), Some(true)) = (text, kept) {
                expected
                    .entry(group + emitted)
                    .or_default()
                    .insert(text.clone());
            }
        }
        let texts: ArrayRef = Arc::new(texts.into_iter().collect::<StringViewArray>());
        counted
            .update_batch(&[texts], &groups, Some(&filter), 300)
            .unwrap();
        if step % 3 == 2 {
            check(&mut counted, &expected, EmitTo::First(40), &mut emitted);
        }
    }
    check(&mut counted, &expected, EmitTo::All, &mut emitted);
    assert_eq!(emitted, 6 * 40 + 300);
}

#[tokio::test]
async fn numbers_are_refused_in_favor_of_count_distinct() {
    let context = session_context(Arc::new(RuntimeEnv::default()), 1);
    let error = context.sql("select count_unique(1)").await.unwrap_err();
    assert!(
        error.to_string().contains("use `count(distinct ..)`"),
        "{error}"
    );
}
