//! What the tests of the whole share: real servers, the built binaries.
