//! What runs of the real binary read and write.

// The bundled pipeline over generated files, from the first command to the answers.
mod bundled;
// Roots that are refused: missing or empty input, roots inside each other, foreign objects.
mod roots;
// Rows, columns and checks that fail the gate, with exit code 4.
mod quality_gate;
// Broken compression, archives, and formats that are not read.
mod bad_objects;
// Values that fail a query: division by zero, overflow, casts, NULL.
mod bad_values;
// Less memory than the rows need: spilling, and the message that names the setting.
mod memory_limit;
// Outputs that are written while the query runs, one file per partition.
mod partitioned;
// Appends, and the rebuild that their refusals ask for.
mod appends;
// Types of a table in the log, and runs whose types differ.
mod table_types;
// Only the partitions that a window or the SQL asks for are opened, as the plan says.
mod pruning;
// Ctrl-C, SIGTERM and kill in every stage; the next command goes on.
mod interrupts;
