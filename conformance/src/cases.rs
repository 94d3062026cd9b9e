//! The cases, by layer. Each file registers its own.
