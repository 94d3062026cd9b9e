//! Turns a panic into a value.

use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    sync::Once,
};

std::thread_local! {
    /// The message of the panic under way, while someone on this thread catches.
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
    static CATCHING: RefCell<u32> = const { RefCell::new(0) };
}

static HOOK: Once = Once::new();

/// Runs `work`; a panic becomes its message with the place, and prints nothing.
///
/// The caller must not rely on what `work` was changing when it panicked.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(install);
    CATCHING.with_borrow_mut(|depth| *depth += 1);
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    CATCHING.with_borrow_mut(|depth| *depth -= 1);
    outcome.map_err(|_| {
        CAUGHT.with_borrow_mut(Option::take).unwrap_or_else(|| "panic without a message".to_owned())
    })
}

/// Keeps the message of a panic that somebody catches, and leaves all others to the hook before.
fn install() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if CATCHING.with_borrow(|depth| *depth > 0) {
            CAUGHT.with_borrow_mut(|message| *message = Some(describe(info)));
        } else {
            before(info);
        }
    }));
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let message = info.payload_as_str().unwrap_or("panic without a message");
    match info.location() {
        Some(place) => format!("{}:{}: {message}", place.file(), place.line()),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message_with_the_place() {
        let message = catch(|| panic!("broken {}", 7)).unwrap_err();
        assert!(message.ends_with(": broken 7") && message.contains("panics.rs:"), "{message}");
        assert_eq!(catch(|| 1), Ok(1));
    }
}
