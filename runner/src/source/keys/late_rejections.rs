//! Faults that are found only after a whole dataset was decoded: duplicate keys, and references that could not be
//! looked up during decoding, because they lead into the dataset itself or to more keys than fit in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use drivetrain_jobs::contract::Severity;
use futures::{StreamExt, TryStreamExt, stream};

use crate::Result;
use crate::source::block_collector::BlockCollector;
use crate::source::csv::record_grammar::offset;
use crate::source::decode_plan::ReferencePlan;
use crate::source::keys::hash_set::HashSet128;
use crate::source::keys::key_entries::{Entries, Position, repeated};
use crate::source::keys::reference_targets::{ReferenceTarget, set_of};
use crate::source::read_context::ReadContext;
use crate::source::row_faults::{RowFault, rule};
use crate::sql::held::memory_budget::Budget;

/// Rows that were accepted during decoding and are rejected afterwards.
#[derive(Clone, Debug, Default)]
pub(crate) struct Late {
    /// The rejected rows by the rank of their block. A row is given by its number among the rows of the block that
    /// decoding accepted, with the reason.
    rows: BTreeMap<u64, BTreeMap<u32, Reason>>,
}

/// The reason why a row is rejected after decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// An earlier row has the same key.
    RepeatedKey,
    /// A reference leads to no accepted row.
    Reference {
        /// The reference's index in the dataset's plan.
        index: usize,
        /// `true` if the reference leads to a rejected row.
        to_rejected: bool,
    },
}

/// The targets of references to a finished dataset, for one tracked list of its columns.
#[derive(Debug)]
pub(crate) enum Resolved {
    /// No other dataset refers to these columns.
    Unused,
    /// The hashes fit in memory and are looked up during decoding.
    InMemory(Arc<ReferenceTarget>),
    /// The hashes do not fit in memory. They are looked up shard by shard, after the referring dataset was decoded.
    InShards(Arc<KeyShards>),
}

/// Targets of references that are loaded and looked up shard by shard, so that memory holds only one shard.
#[derive(Debug)]
pub(crate) struct KeyShards {
    /// The hashes of all rows that were accepted during decoding.
    entries: Arc<Entries>,
    /// The hashes of rows that were rejected during decoding.
    rejected: HashSet128,
    /// The rows that were rejected after decoding.
    late: Arc<Late>,
}

impl Late {
    /// `true` if no row is rejected after decoding.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// `true` if the row is rejected after decoding.
    pub(crate) fn contains(&self, position: Position) -> bool {
        self.rows
            .get(&position.rank)
            .is_some_and(|rows| rows.contains_key(&position.row))
    }

    /// Returns the rejected rows of each block, in ascending order of the blocks' ranks.
    pub(crate) fn by_rank(&self) -> impl Iterator<Item = (u64, &BTreeMap<u32, Reason>)> {
        self.rows.iter().map(|(rank, rows)| (*rank, rows))
    }

    /// Adds rows; the first reason for a row is kept.
    fn extend(&mut self, rows: impl IntoIterator<Item = (Position, Reason)>) {
        for (position, reason) in rows {
            self.rows
                .entry(position.rank)
                .or_default()
                .entry(position.row)
                .or_insert(reason);
        }
    }
}

impl Reason {
    /// Builds the fault of the row with this reason; `record` is the row's number in its block.
    pub(crate) fn fault(self, collector: &BlockCollector, record: usize) -> RowFault {
        let plan = &collector.judge.plan;
        match self {
            Self::Reference { index, to_rejected } => {
                plan.references[index].fault(record, to_rejected)
            }
            Self::RepeatedKey => {
                let columns = plan.contract.key.as_ref().map(|key| key.columns.join(", "));
                RowFault {
                    row: offset(record),
                    column: columns.map(Into::into),
                    rule: rule::KEY.into(),
                    message: "an earlier row has the same key".to_owned(),
                    by_reference: false,
                }
            }
        }
    }
}

/// Finds the rows with duplicate keys or unresolved references, now that the whole dataset was decoded. Rows that break
/// a rule which only warns are counted and not returned.
///
/// # Errors
/// `Failed` if spilled entries cannot be read back.
pub(crate) async fn resolve(
    reading: &Arc<ReadContext>,
    collector: &Arc<BlockCollector>,
    dataset: usize,
    resolved: &[Vec<Resolved>],
) -> Result<Arc<Late>> {
    // References to other datasets come before the key, as during decoding, so that the rejected rows do not depend on
    // the amount of memory.
    let mut late = Arc::new(Late::default());
    let others = |reference: &ReferencePlan| {
        reference.dataset != dataset && reference.severity == Severity::Reject
    };
    let found = find_unresolved(reading, collector, dataset, resolved, others, &late).await?;
    Arc::make_mut(&mut late).extend(found);
    let found = find_repeated_keys(reading, collector, &late).await?;
    Arc::make_mut(&mut late).extend(found);
    let own = |reference: &ReferencePlan| {
        reference.dataset == dataset && reference.severity == Severity::Reject
    };
    // A rejected row may be the target of another row of the same dataset, so this repeats until no row is found.
    loop {
        let found = find_unresolved(reading, collector, dataset, resolved, own, &late).await?;
        if found.is_empty() {
            break;
        }
        Arc::make_mut(&mut late).extend(found);
    }
    let warning = |reference: &ReferencePlan| reference.severity == Severity::Warn;
    let found = find_unresolved(reading, collector, dataset, resolved, warning, &late).await?;
    for (_, reason) in found {
        if let Reason::Reference { index, .. } = reason {
            let rule = Arc::clone(&collector.judge.plan.references[index].rule);
            let mut state = collector.state();
            *state.report.warnings.entry(rule).or_default() += 1;
        }
    }
    Ok(late)
}

/// Finds the rows for which a reference that `is_chosen` selects leads to no accepted row.
///
/// References that lead to no row at all are sorted before those that lead to a rejected row, because the first reason
/// for a row is kept.
async fn find_unresolved(
    reading: &Arc<ReadContext>,
    collector: &Arc<BlockCollector>,
    dataset: usize,
    resolved: &[Vec<Resolved>],
    is_chosen: impl Fn(&ReferencePlan) -> bool,
    late: &Arc<Late>,
) -> Result<Vec<(Position, Reason)>> {
    let judge = &collector.judge;
    let deferred = judge
        .plan
        .references
        .iter()
        .enumerate()
        .filter(|(index, _)| judge.targets[*index].is_none())
        .enumerate();
    let mut found = Vec::new();
    for (order, (index, reference)) in deferred {
        if !is_chosen(reference) {
            continue;
        }
        let target = if reference.dataset == dataset {
            let rejected = {
                let state = collector.state();
                let hashes = state.rejected_hashes.get(reference.tracked);
                set_of(hashes.map_or(&[], Vec::as_slice))
            };
            Arc::new(KeyShards {
                entries: Arc::clone(&collector.entries[reference.tracked]),
                rejected,
                late: Arc::clone(late),
            })
        } else {
            match &resolved[reference.dataset][reference.tracked] {
                Resolved::InShards(shards) => Arc::clone(shards),
                Resolved::Unused | Resolved::InMemory(_) => continue,
            }
        };
        let entries = &collector.entries[judge.plan.tracked.len() + order];
        for shard in 0..entries.shards() {
            // Only one shard at a time, because memory is short here.
            let (target, entries) = (Arc::clone(&target), Arc::clone(entries));
            let already = Arc::clone(late);
            let unresolved = reading
                .on_thread(move || target.unresolved(&entries, shard, &already))
                .await?;
            for (position, to_rejected) in unresolved {
                found.push((position, Reason::Reference { index, to_rejected }));
            }
        }
    }
    found.sort_by_key(|(_, reason)| {
        matches!(
            reason,
            Reason::Reference {
                to_rejected: true,
                ..
            }
        )
    });
    Ok(found)
}

/// Prepares the targets for references from other datasets, one per tracked list of columns.
///
/// # Errors
/// `Failed` if spilled entries cannot be read back.
pub(crate) fn targets(
    collector: &BlockCollector,
    late: &Arc<Late>,
    is_used: &[bool],
    budget: &Arc<Budget>,
) -> Result<Vec<Resolved>> {
    let rejected = std::mem::take(&mut collector.state().rejected_hashes);
    let tracked = collector.judge.plan.tracked.len();
    collector
        .entries
        .iter()
        .take(tracked)
        .enumerate()
        .map(|(index, entries)| {
            if !is_used[index] {
                return Ok(Resolved::Unused);
            }
            let rejected = rejected.get(index).map_or(&[][..], Vec::as_slice);
            let is_dropped = |position| late.contains(position);
            Ok(
                match ReferenceTarget::load(entries, rejected, is_dropped, budget)? {
                    Some(target) => Resolved::InMemory(Arc::new(target)),
                    None => Resolved::InShards(Arc::new(KeyShards {
                        entries: Arc::clone(entries),
                        rejected: set_of(rejected),
                        late: Arc::clone(late),
                    })),
                },
            )
        })
        .collect()
}

impl KeyShards {
    /// Returns the rows of one shard whose reference leads to no accepted row; the flag is `true` if it leads to a
    /// rejected row.
    fn unresolved(
        &self,
        references: &Entries,
        shard: usize,
        already: &Late,
    ) -> Result<Vec<(Position, bool)>> {
        let targets = self.entries.read(shard)?;
        let mut accepted = HashSet128::with_capacity(targets.len());
        let mut dropped = HashSet128::with_capacity(0);
        for target in targets {
            if self.late.contains(target.position) {
                dropped.insert(target.hash);
            } else {
                accepted.insert(target.hash);
            }
        }
        let unresolved = references
            .read(shard)?
            .into_iter()
            .filter(|entry| !accepted.contains(entry.hash) && !already.contains(entry.position))
            .map(|entry| {
                let to_rejected =
                    self.rejected.contains(entry.hash) || dropped.contains(entry.hash);
                (entry.position, to_rejected)
            });
        Ok(unresolved.collect())
    }
}

/// Finds the rows whose key occurs in an earlier row; rows that are rejected for another reason are ignored.
///
/// Shards are independent of each other and are searched in parallel. If the severity of a duplicate is a warning, the
/// duplicates are counted and no row is returned.
async fn find_repeated_keys(
    reading: &Arc<ReadContext>,
    collector: &Arc<BlockCollector>,
    late: &Arc<Late>,
) -> Result<Vec<(Position, Reason)>> {
    let Some((tracked, severity)) = collector.judge.plan.key else {
        return Ok(Vec::new());
    };
    let shards = collector.entries[tracked].shards();
    let mut shards = stream::iter(0..shards)
        .map(|shard| {
            let (entries, late) = (Arc::clone(&collector.entries[tracked]), Arc::clone(late));
            reading.on_thread(move || {
                let mut entries = entries.read(shard)?;
                if !late.is_empty() {
                    entries.retain(|entry| !late.contains(entry.position));
                }
                Ok(repeated(&entries))
            })
        })
        .buffer_unordered(reading.threads);
    let mut found = Vec::new();
    while let Some(positions) = shards.try_next().await? {
        found.extend(
            positions
                .into_iter()
                .map(|position| (position, Reason::RepeatedKey)),
        );
    }
    if severity == Severity::Reject {
        return Ok(found);
    }
    if !found.is_empty() {
        let mut state = collector.state();
        *state.report.warnings.entry(rule::KEY.into()).or_default() += found.len() as u64;
    }
    Ok(Vec::new())
}
