//! Published parts as a SQL table: exactly the files that a log lists, read by DataFusion's Parquet scan.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, FieldRef, Fields, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DFSchema;
use datafusion::common::Statistics;
use datafusion::common::cast::as_boolean_array;
use datafusion::common::stats::Precision;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType, utils::conjunction};
use datafusion::physical_plan::ExecutionPlan;
use object_store::ObjectMeta;

use crate::error::{Error, ErrorKind, Result};

/// One Parquet file of a table, with the values of its partition.
#[derive(Clone, Debug)]
pub struct LivePart {
    /// The file's key, size and ETag: from the job's log, or from the frozen inputs of the run.
    pub object: ObjectMeta,
    /// The number of rows in the file; `None` if only the file knows it.
    pub rows: Option<u64>,
    /// The partition's values as text, one per partition column.
    pub partition: Vec<String>,
}

/// The live parts of one table, as a table that DataFusion scans.
pub struct PartsTable {
    /// The URL under which the runtime registers the store that holds the parts.
    store: ObjectStoreUrl,
    /// File columns, then partition columns.
    schema: SchemaRef,
    /// The columns of `schema`, with file columns and partition columns kept apart.
    table_schema: TableSchema,
    /// The parts, each with its typed partition values.
    parts: Vec<(LivePart, Vec<ScalarValue>)>,
}

impl PartsTable {
    /// Creates a table over `parts`. Its columns are the file columns, followed by the partition columns.
    ///
    /// # Errors
    /// `Failed` if a recorded partition value does not have its column's type.
    pub fn new(
        store: ObjectStoreUrl,
        file_schema: SchemaRef,
        partition_columns: Vec<FieldRef>,
        parts: Vec<LivePart>,
    ) -> Result<Self> {
        let parts = parts
            .into_iter()
            .map(|part| {
                let values = part
                    .partition
                    .iter()
                    .zip(&partition_columns)
                    .map(|(text, field)| typed(text, field))
                    .collect::<Result<Vec<_>>>()?;
                Ok((part, values))
            })
            .collect::<Result<Vec<_>>>()?;
        let table_schema = TableSchema::builder(file_schema)
            .with_table_partition_cols(partition_columns)
            .build();
        Ok(Self {
            store,
            schema: Arc::clone(table_schema.table_schema()),
            table_schema,
            parts,
        })
    }
}

/// Parses a partition value as its column's type.
fn typed(text: &str, field: &FieldRef) -> Result<ScalarValue> {
    ScalarValue::try_from_string(text.to_owned(), field.data_type()).map_err(|error| {
        Error::new(
            ErrorKind::Failed,
            format!(
                "the recorded value `{text}` of partition column `{}` is not a valid {}",
                field.name(),
                field.data_type()
            ),
        )
        .caused_by(error)
    })
}

impl fmt::Debug for PartsTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartsTable({} parts)", self.parts.len())
    }
}

#[async_trait]
impl TableProvider for PartsTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        // A condition on partition columns alone is decided per part. Any other condition only skips files and pages by
        // their statistics, so the query filters the rows again.
        let pushed = filters.iter().map(|filter| {
            if self.is_of_folders(filter) {
                TableProviderFilterPushDown::Exact
            } else {
                TableProviderFilterPushDown::Inexact
            }
        });
        Ok(pushed.collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let options = state.config_options();
        let mut source = ParquetSource::new(self.table_schema.clone())
            .with_table_parquet_options(state.default_table_options().parquet)
            .with_parquet_file_reader_factory(footers(state.runtime_env(), &self.store)?);
        let parts = self.matching_parts(state, filters)?;
        let of_rows = filters.iter().filter(|filter| !self.is_of_folders(filter));
        if let Some(predicate) = conjunction(of_rows.cloned()) {
            let schema = DFSchema::try_from(Arc::clone(&self.schema))?;
            source = source.with_predicate(state.create_physical_expr(predicate, &schema)?);
        }
        let rows: Option<u64> = parts.iter().map(|(part, _)| part.rows).sum();
        let rows = rows.map_or(Precision::Absent, |rows| {
            Precision::Exact(usize::try_from(rows).unwrap_or(usize::MAX))
        });
        let bytes = parts.iter().map(|(part, _)| part.object.size).sum::<u64>();
        let groups = groups(parts, options.execution.target_partitions);
        let statistics = Statistics::new_unknown(&self.schema)
            .with_num_rows(rows)
            .with_total_byte_size(Precision::Inexact(
                usize::try_from(bytes).unwrap_or(usize::MAX),
            ));
        let config = FileScanConfigBuilder::new(self.store.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// Creates the reader factory that caches footers for the session, because a job scans a table several times.
fn footers(
    runtime: &RuntimeEnv,
    store: &ObjectStoreUrl,
) -> Result<Arc<CachedParquetFileReaderFactory>, DataFusionError> {
    let cache = runtime.cache_manager.get_file_metadata_cache();
    let store = runtime.object_store(store)?;
    Ok(Arc::new(CachedParquetFileReaderFactory::new(store, cache)))
}

impl PartsTable {
    /// Returns the URL of the table's store in the runtime; no other table uses it.
    #[must_use]
    pub fn store_name(&self) -> &str {
        self.store.as_str()
    }

    /// Returns the partition columns, outermost folder first.
    fn partition_columns(&self) -> &Fields {
        self.table_schema.table_partition_cols()
    }

    /// Returns `true` if a condition depends on partition columns only.
    fn is_of_folders(&self, filter: &Expr) -> bool {
        let folders = self.partition_columns();
        let columns = filter.column_refs();
        let known = |name: &str| folders.iter().any(|folder| folder.name() == name);
        !columns.is_empty()
            && columns.iter().all(|column| known(column.name()))
            && !filter.is_volatile()
    }

    /// Returns the parts whose partition values meet all conditions that depend on partition columns only.
    ///
    /// # Errors
    /// If a condition cannot be evaluated.
    pub fn matching(
        &self,
        state: &dyn Session,
        filters: &[Expr],
    ) -> Result<Vec<&LivePart>, DataFusionError> {
        let parts = self.matching_parts(state, filters)?;
        Ok(parts.into_iter().map(|(part, _)| part).collect())
    }

    /// Returns the parts that [`PartsTable::matching`] returns, with their typed values; the scan opens no other part.
    fn matching_parts(
        &self,
        state: &dyn Session,
        filters: &[Expr],
    ) -> Result<Vec<&(LivePart, Vec<ScalarValue>)>, DataFusionError> {
        let of_folders = filters.iter().filter(|filter| self.is_of_folders(filter));
        let of_folders = of_folders.cloned();
        let Some(condition) = conjunction(of_folders).filter(|_| !self.parts.is_empty()) else {
            return Ok(self.parts.iter().collect());
        };
        let folders = Arc::new(Schema::new(self.partition_columns().clone()));
        let columns = (0..folders.fields().len())
            .map(|column| {
                let values = self.parts.iter().map(|(_, values)| values[column].clone());
                ScalarValue::iter_to_array(values)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let values = RecordBatch::try_new(Arc::clone(&folders), columns)?;
        let schema = DFSchema::try_from(folders)?;
        let met = state
            .create_physical_expr(condition, &schema)?
            .evaluate(&values)?
            .into_array(self.parts.len())?;
        let met = as_boolean_array(&met)?;
        let met = met.iter().map(|met| met == Some(true));
        let parts = self.parts.iter().zip(met);
        Ok(parts
            .filter(|(_, met)| *met)
            .map(|(part, _)| part)
            .collect())
    }
}

/// Distributes the parts over the partitions of the scan so that each has about the same number of bytes, largest part
/// first.
fn groups(
    mut parts: Vec<&(LivePart, Vec<ScalarValue>)>,
    target_partitions: usize,
) -> Vec<FileGroup> {
    let count = target_partitions.min(parts.len()).max(1);
    let mut groups = vec![(0_u64, Vec::new()); count];
    parts.sort_by_key(|(part, _)| std::cmp::Reverse(part.object.size));
    for (part, values) in parts {
        let least = groups
            .iter_mut()
            .min_by_key(|(bytes, _)| *bytes)
            .expect("there is at least one group");
        least.0 += part.object.size;
        let mut file = PartitionedFile::from(part.object.clone());
        file.partition_values.clone_from(values);
        least.1.push(file);
    }
    groups
        .into_iter()
        .map(|(_, files)| FileGroup::new(files))
        .collect()
}

/// Returns the Arrow type of a recorded Athena type; `None` for a type that cannot partition a table.
#[must_use]
pub fn partition_type(athena: &str) -> Option<DataType> {
    match athena {
        "string" => Some(DataType::Utf8View),
        "int" => Some(DataType::Int32),
        "bigint" => Some(DataType::Int64),
        "date" => Some(DataType::Date32),
        _ => None,
    }
}
