//! The text of a report, for people.

use std::collections::BTreeMap;

use crate::report::{Report, Status, grouped, size};

impl Report {
    /// Returns the report as text: a line per input and output, then failed checks and the quarantine.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        match self.status {
            Status::Committed => {
                lines.push(format!("{} committed as record {}", self.job, self.record));
            }
            Status::Failed => lines.push(format!("{} failed", self.job)),
            Status::AlreadyDone => lines.push(format!(
                "{} was already committed (record {})",
                self.job, self.record
            )),
        }
        for input in &self.inputs {
            let mut line = format!(
                "  read   {:<22} {:>14} rows  {:>10}",
                input.name,
                grouped(input.rows),
                size(input.bytes)
            );
            if input.quarantined_rows > 0 {
                line += &format!(", {} quarantined", grouped(input.quarantined_rows));
            }
            if input.quarantined_by_reference_rows > 0 {
                line += &format!(
                    ", {} of them only because they refer to quarantined rows",
                    grouped(input.quarantined_by_reference_rows)
                );
            }
            lines.push(line);
            let counts = |counts: &BTreeMap<String, u64>| {
                counts
                    .iter()
                    .map(|(rule, count)| format!("{rule}: {}", grouped(*count)))
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            if !input.rejected.is_empty() {
                lines.push(format!("           rejected: {}", counts(&input.rejected)));
            }
            if !input.warnings.is_empty() {
                lines.push(format!("           warnings: {}", counts(&input.warnings)));
            }
            lines.extend(
                input
                    .notes
                    .iter()
                    .map(|note| format!("           note: {note}")),
            );
        }
        for output in &self.outputs {
            let mut line = format!(
                "  wrote  {:<22} {:>14} rows  {:>10}  {} files",
                output.name,
                grouped(output.rows),
                size(output.bytes),
                grouped(output.files)
            );
            if output.filtered_rows > 0 {
                line += &format!(
                    ", {} rows left out by `where` or the window",
                    grouped(output.filtered_rows)
                );
            }
            lines.push(line);
            let totals = output.live.iter().flat_map(|live| &live.totals);
            lines.extend(totals.map(|(name, sum)| format!("           total {name}: {sum}")));
            if !output.warnings.is_empty() {
                let list: Vec<String> = output
                    .warnings
                    .iter()
                    .map(|(column, count)| format!("{column}: {}", grouped(*count)))
                    .collect();
                lines.push(format!("           warnings: {}", list.join(", ")));
            }
        }
        for check in self.checks.iter().filter(|check| !check.held) {
            lines.push(format!(
                "  warning: check `{}` failed: {}",
                check.name,
                check.found.as_deref().unwrap_or_default()
            ));
        }
        let held = self.checks.iter().filter(|check| check.held).count();
        lines.push(format!("  checks {held} of {} passed", self.checks.len()));
        if let Some(quarantine) = &self.quarantine {
            lines.push(format!("  quarantined rows are in {quarantine}"));
        }
        lines.join("\n") + "\n"
    }
}
