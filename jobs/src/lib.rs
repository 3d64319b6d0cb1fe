//! Job folders: contracts and SQL, parsed, checked and planned.
