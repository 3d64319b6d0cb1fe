//! Runs of jobs with the real binary: the data that they read and write.

// The bundled pipeline over generated files, from the first command to the queries of the results.
mod bundled;
// Roots that a run refuses: missing or empty input, nested roots, foreign objects.
mod roots;
// Rows, columns and checks that fail the gate, with exit code 4.
mod quality_gate;
// Objects that cannot be read: broken compression, archives, unsupported formats.
mod bad_objects;
// Values that fail a query: division by zero, overflow, casts, NULL.
mod bad_values;
// Less memory than the rows need: spilling, and the error that names the setting to raise.
mod memory_limit;
// Outputs that are written while the query runs, one file per partition.
mod partitioned;
// Appends, and the rebuild that a refused append asks for.
mod appends;
// Control totals and the other numbers of a live table.
mod control_totals;
// Types of a table in the log, and runs whose types differ.
mod table_types;
// Runs that open only the partitions that their window or their SQL needs, as the plan says.
mod pruning;
// Samples of `generate` whose generator is killed, stopped or races with another one.
mod generated_samples;
// Ctrl-C, SIGTERM and kill in every stage; the next command continues.
mod interrupts;
