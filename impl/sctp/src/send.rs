//! What leaves: queues, schedulers, what is outstanding, what was lost.
