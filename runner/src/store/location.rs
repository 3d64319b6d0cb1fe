//! Locations of stores, and how their text is parsed and printed.

use std::fmt;
use std::path::{Path as FolderPath, PathBuf};

use object_store::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// The location of a store: an S3 bucket and prefix, a folder, or this process's memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Location {
    /// A prefix in a bucket, written `s3://bucket/prefix`.
    S3 {
        /// The bucket's name.
        bucket: String,
        /// The prefix of all keys that the store uses in the bucket.
        prefix: Path,
    },
    /// The absolute path of a folder, written `file:///folder` or as a plain path.
    Folder(PathBuf),
    /// The memory of this process; the objects are lost when the process ends.
    Memory,
}

impl Location {
    /// Parses `s3://bucket/prefix`, `file:///folder` or a plain path; a relative path starts at the current directory.
    ///
    /// # Errors
    /// `Usage` for another scheme, a missing bucket name, or a prefix with an empty, `.` or `..` segment.
    pub fn parse(text: &str) -> Result<Self> {
        let usage = |message: String| Error::new(ErrorKind::Usage, message);
        let Some((scheme, rest)) = text.split_once("://") else {
            return Self::folder(FolderPath::new(text));
        };
        match scheme {
            "s3" => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                if bucket.is_empty() {
                    return Err(usage(format!("`{text}` has no bucket name"))
                        .hint("write `s3://bucket/prefix`"));
                }
                let prefix = Path::parse(prefix).map_err(|source| {
                    usage(format!("the prefix of `{text}` is invalid"))
                        .hint("write `s3://bucket/prefix`, without empty, `.` or `..` segments in the prefix")
                        .caused_by(object_store::Error::from(source))
                })?;
                Ok(Self::S3 {
                    bucket: bucket.to_owned(),
                    prefix,
                })
            }
            "file" => {
                let url = url::Url::parse(text).map_err(|source| {
                    usage(format!("`{text}` is not a valid URL")).caused_by(source)
                })?;
                let path = url.to_file_path().map_err(|()| {
                    usage(format!("`{text}` is not a folder on this machine"))
                        .hint("write `file:///folder`, with three slashes")
                })?;
                Self::folder(&path)
            }
            "s3a" | "s3n" => Err(
                usage(format!("the scheme `{scheme}` is Hadoop's name for S3"))
                    .hint(format!("write `s3://{rest}`")),
            ),
            _ => Err(usage(format!("`{scheme}` is not a supported scheme"))
                .hint("use `s3://bucket/prefix`, `file:///folder` or a plain path")),
        }
    }

    /// Returns the location of a folder: its absolute path, with `.` and `..` removed.
    fn folder(path: &FolderPath) -> Result<Self> {
        let path = std::path::absolute(path).map_err(|source| {
            Error::new(
                ErrorKind::Usage,
                format!("`{}` is not a valid path", path.display()),
            )
            .caused_by(source)
        })?;
        Ok(Self::Folder(normalized(&path)))
    }

    /// Returns the location of `below` under this one; `below` is a key with `/` between its segments.
    ///
    /// # Errors
    /// `Usage` if `below` has an empty, `.` or `..` segment.
    pub fn join(&self, below: &str) -> Result<Self> {
        let key = Path::parse(below).map_err(|source| {
            Error::new(
                ErrorKind::Usage,
                format!("`{below}` cannot be used as a path: a segment is empty, `.` or `..`"),
            )
            .caused_by(object_store::Error::from(source))
        })?;
        Ok(match self {
            Self::S3 { bucket, prefix } => Self::S3 {
                bucket: bucket.clone(),
                prefix: prefix.parts().chain(key.parts()).collect(),
            },
            Self::Folder(folder) => Self::Folder(folder.join(key.as_ref())),
            Self::Memory => Self::Memory,
        })
    }

    /// Returns the URL of the object with this key, such as `s3://bucket/prefix/key`, for logs and errors.
    #[must_use]
    pub fn url(&self, key: &Path) -> String {
        match self {
            Self::S3 { .. } | Self::Memory if key.is_root() => self.to_string(),
            Self::S3 { .. } | Self::Memory => {
                format!("{}/{key}", self.to_string().trim_end_matches('/'))
            }
            Self::Folder(folder) => format!("file://{}", folder.join(key.as_ref()).display()),
        }
    }

    /// Returns `true` if this location is `outer` or below it. Symbolic links are resolved in the part of a path that
    /// exists.
    #[must_use]
    pub fn is_within(&self, outer: &Self) -> bool {
        match (self, outer) {
            (
                Self::S3 { bucket, prefix },
                Self::S3 {
                    bucket: outer_bucket,
                    prefix: outer_prefix,
                },
            ) => bucket == outer_bucket && prefix.prefix_matches(outer_prefix),
            (Self::Folder(folder), Self::Folder(outer)) => {
                resolved(folder).starts_with(resolved(outer))
            }
            (Self::Memory, Self::Memory) => true,
            _ => false,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 { bucket, prefix } if prefix.is_root() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::Memory => f.write_str("memory:/"),
        }
    }
}

/// Removes `.` and `..` from an absolute path by its text, without a look at the file system.
fn normalized(path: &FolderPath) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts
}

/// Resolves the symbolic links in the longest part of a path that exists, and keeps the rest.
fn resolved(path: &FolderPath) -> PathBuf {
    for ancestor in path.ancestors() {
        if let Ok(real) = ancestor.canonicalize() {
            let rest = path.strip_prefix(ancestor).unwrap_or(FolderPath::new(""));
            return real.join(rest);
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_folders_and_paths_are_parsed() {
        let s3 = Location::parse("s3://bucket/a/b/").unwrap();
        assert_eq!(s3.to_string(), "s3://bucket/a/b");
        assert_eq!(s3.url(&Path::from("c.csv")), "s3://bucket/a/b/c.csv");
        assert_eq!(
            Location::parse("s3://bucket").unwrap().to_string(),
            "s3://bucket"
        );
        let folder = Location::parse("file:///data/x").unwrap();
        assert_eq!(folder, Location::parse("/data/./y/../x").unwrap());
        assert_eq!(folder.url(&Path::from("c.csv")), "file:///data/x/c.csv");
        assert!(matches!(
            Location::parse("relative").unwrap(),
            Location::Folder(path) if path.is_absolute()
        ));
    }

    #[test]
    fn an_invalid_place_is_refused_with_a_hint() {
        for (text, message) in [
            ("s3:///prefix", "`s3:///prefix` has no bucket name"),
            ("gs://bucket", "`gs` is not a supported scheme"),
            ("s3a://bucket/x", "the scheme `s3a` is Hadoop's name for S3"),
        ] {
            let error = Location::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert_eq!(error.to_string(), message);
            assert!(error.hint_text().is_some());
        }
        assert!(Location::parse("s3://bucket/a//b").is_err());
    }

    #[test]
    fn a_place_is_within_itself_and_the_places_above_it() {
        let within = |inner: &str, outer: &str| {
            Location::parse(inner)
                .unwrap()
                .is_within(&Location::parse(outer).unwrap())
        };
        assert!(within("s3://b/raw", "s3://b/raw"));
        assert!(within("s3://b/raw/users", "s3://b/raw"));
        assert!(!within("s3://b/rawer", "s3://b/raw"));
        assert!(!within("s3://c/raw", "s3://b/raw"));
        assert!(within("/no/such/raw/out", "/no/such/raw"));
        assert!(!within("/no/such", "/no/such/raw"));
    }
}
