mod bad_cloud;
mod bad_volume;
mod conformance;
