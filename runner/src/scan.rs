//! Published parts as a table of SQL: exactly the files that a log names, read by DataFusion's Parquet scan.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DFSchema;
use datafusion::common::Statistics;
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

/// One Parquet file of a table and the values of its partition.
#[derive(Clone, Debug)]
pub struct LivePart {
    /// Key, size and ETag as recorded or frozen.
    pub object: ObjectMeta,
    /// The rows it holds.
    pub rows: u64,
    /// One value for each partition column, as text.
    pub partition: Vec<String>,
}

/// The live parts of one table.
pub struct PartsTable {
    /// The name under which the runtime knows the store that holds the parts.
    store: ObjectStoreUrl,
    schema: SchemaRef,
    table_schema: TableSchema,
    parts: Vec<(LivePart, Vec<ScalarValue>)>,
}

impl PartsTable {
    /// For file columns and, after them, partition columns, as recorded.
    ///
    /// # Errors
    /// `Failed`, if a recorded partition value is not of its column's type.
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

fn typed(text: &str, field: &FieldRef) -> Result<ScalarValue> {
    ScalarValue::try_from_string(text.to_owned(), field.data_type()).map_err(|error| {
        Error::new(
            ErrorKind::Failed,
            format!(
                "partition value `{text}` of column `{}` is no {}",
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
        // Files and pages are left out by their statistics; rows are still filtered above the scan.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
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
        if let Some(predicate) = conjunction(filters.to_vec()) {
            let schema = DFSchema::try_from(Arc::clone(&self.schema))?;
            source = source.with_predicate(state.create_physical_expr(predicate, &schema)?);
        }
        let groups = self.groups(options.execution.target_partitions);
        let rows = self.parts.iter().map(|(part, _)| part.rows).sum::<u64>();
        let bytes = self
            .parts
            .iter()
            .map(|(part, _)| part.object.size)
            .sum::<u64>();
        let statistics = Statistics::new_unknown(&self.schema)
            .with_num_rows(Precision::Exact(
                usize::try_from(rows).unwrap_or(usize::MAX),
            ))
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

/// Reads each part's footer once for all queries of a session: a job scans a table several times.
fn footers(
    runtime: &RuntimeEnv,
    store: &ObjectStoreUrl,
) -> Result<Arc<CachedParquetFileReaderFactory>, DataFusionError> {
    let cache = runtime.cache_manager.get_file_metadata_cache();
    let store = runtime.object_store(store)?;
    Ok(Arc::new(CachedParquetFileReaderFactory::new(store, cache)))
}

impl PartsTable {
    /// Deals the parts out to the partitions so that each has about the same bytes, largest first.
    fn groups(&self, target_partitions: usize) -> Vec<FileGroup> {
        let count = target_partitions.min(self.parts.len()).max(1);
        let mut groups = vec![(0_u64, Vec::new()); count];
        let mut parts: Vec<_> = self.parts.iter().collect();
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
}

/// The Arrow type that stands for a recorded Athena type in folder names.
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
