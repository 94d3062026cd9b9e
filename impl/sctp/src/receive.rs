//! What arrives: which numbers, whole messages, their order, and the acknowledgements that say so.
