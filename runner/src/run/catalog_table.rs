//! Tables of a catalog as DataFusion scans them: the files in the folders of their partitions.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DataFusionError;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectMeta;
use object_store::path::Path;

use crate::catalog::{CatalogColumn, CatalogPartition, CatalogTable};
use crate::commit::list_data;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::sql::column_types::arrow_type;
use crate::sql::parts_table::{LivePart, PartsTable, partition_type};
use crate::sql::workspace::Workspace;
use crate::store::{Location, S3Settings, Store};

/// The number of folders that are listed at the same time.
const LISTED_AT_ONCE: usize = 8;

/// A table of a catalog. A scan lists only the folders of partitions that its conditions need.
pub struct FoldersTable {
    /// The store at the location of the table.
    store: Store,
    /// The URL under which the runtime knows the store.
    url: ObjectStoreUrl,
    /// The columns of the files.
    file_schema: SchemaRef,
    /// The columns that are folders.
    partition_fields: Vec<FieldRef>,
    /// The folders, each in place of a file, so that conditions choose among them.
    folders: PartsTable,
}

impl FoldersTable {
    /// Opens a table with its partitions.
    ///
    /// # Errors
    /// `Failed` for a column type or a partition value that this binary does not know; `Usage` for a location that is not
    /// supported; otherwise the kind of the store's failure.
    pub async fn open(
        table: &CatalogTable,
        partitions: &[CatalogPartition],
        workspace: &Workspace,
    ) -> Result<Self> {
        let name = &table.name;
        let root = &table.storage_descriptor.location;
        // A folder's URL has its path as it is, without percent-encoding.
        let location = Location::parse(root.strip_prefix("file://").unwrap_or(root))?;
        let store = Store::open(&location, &S3Settings::default()).await?;
        let url = ObjectStoreUrl::parse(format!(
            "drivetrain-catalog-{}://parts",
            name.replace('_', "-")
        ))
        .context(
            ErrorKind::Failed,
            format!("`{name}` is not a valid table name"),
        )?;
        let runtime = workspace.context.runtime_env();
        runtime.register_object_store(url.as_ref(), store.reader());
        let columns = table.storage_descriptor.columns.iter();
        let fields = columns.map(|column| Ok(Field::new(&column.name, kind(name, column)?, true)));
        let fields = fields.collect::<Result<Vec<_>>>()?;
        let keys = table.partition_keys.iter();
        let keys = keys.map(|column| -> FieldRef {
            let kind = partition_type(&column.kind).unwrap_or(DataType::Utf8View);
            Arc::new(Field::new(&column.name, kind, false))
        });
        let partition_fields: Vec<FieldRef> = keys.collect();
        let folders = if partition_fields.is_empty() {
            vec![folder(Path::default(), Vec::new())]
        } else {
            let folders = partitions.iter().map(|partition| {
                let location = &partition.storage_descriptor.location;
                let below = location.strip_prefix(root.as_str()).ok_or_else(|| {
                    let message = format!(
                        "partition {:?} of table `{name}` is at `{location}`, outside the table's folder `{root}`",
                        partition.values
                    );
                    Error::new(ErrorKind::Usage, message)
                        .hint("query the table with the engine that uses this partition")
                })?;
                let key = Path::parse(below.trim_matches('/')).map_err(object_store::Error::from);
                let key = key.context(ErrorKind::Failed, format!("`{location}` is not a valid folder"))?;
                Ok(folder(key, partition.values.clone()))
            });
            folders.collect::<Result<Vec<_>>>()?
        };
        let file_schema: SchemaRef = Arc::new(Schema::new(fields));
        let folders = PartsTable::new(
            url.clone(),
            Arc::clone(&file_schema),
            partition_fields.clone(),
            folders,
        )?;
        Ok(Self {
            store,
            url,
            file_schema,
            partition_fields,
            folders,
        })
    }
}

/// Lists the files of a folder, each with the values of the folder's partition.
async fn files(store: Store, folder: LivePart) -> Result<Vec<LivePart>> {
    let listed = list_data(&store, &folder.object.location).await?;
    let files = listed.into_iter().map(|object| LivePart {
        object,
        rows: None,
        partition: folder.partition.clone(),
    });
    Ok(files.collect())
}

/// Returns the Arrow type of a column.
fn kind(table: &str, column: &CatalogColumn) -> Result<DataType> {
    arrow_type(&column.kind).ok_or_else(|| {
        let message = format!(
            "column `{}` of table `{table}` has the type `{}`, which `query` does not read",
            column.name, column.kind
        );
        Error::new(ErrorKind::Failed, message)
    })
}

/// Returns a folder in place of a file.
fn folder(key: Path, partition: Vec<String>) -> LivePart {
    LivePart {
        object: ObjectMeta {
            location: key,
            last_modified: chrono::DateTime::UNIX_EPOCH,
            size: 0,
            e_tag: None,
            version: None,
        },
        rows: None,
        partition,
    }
}

impl fmt::Debug for FoldersTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoldersTable")
            .field("folders", &self.folders)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for FoldersTable {
    fn schema(&self) -> SchemaRef {
        self.folders.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        self.folders.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let failed = |error: Error| DataFusionError::External(Box::new(error));
        let folders = self.folders.matching(state, filters)?;
        let folders: Vec<LivePart> = folders.into_iter().cloned().collect();
        let listing = folders
            .into_iter()
            .map(|folder| files(self.store.clone(), folder));
        let files: Vec<Vec<LivePart>> = futures::stream::iter(listing)
            .buffered(LISTED_AT_ONCE)
            .try_collect()
            .await
            .map_err(failed)?;
        let files = PartsTable::new(
            self.url.clone(),
            Arc::clone(&self.file_schema),
            self.partition_fields.clone(),
            files.into_iter().flatten().collect(),
        );
        let files = files.map_err(failed)?;
        files.scan(state, projection, filters, limit).await
    }
}
