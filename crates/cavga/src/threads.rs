//! The threads that share the arithmetic, for a program to settle before its first work.

use std::sync::{Mutex, PoisonError};

/// Gives each of the threads that share the arithmetic a processor of its own, if there are as many as processors that this process
/// may use; otherwise, and where the system won't, nothing happens. Call it once, before any other work of the library; a program's
/// choice, which the library never makes for it.
///
/// Why: these threads sleep between two pieces of work, and a system may wake one on the very processor of the thread that woke
/// it, where it waits until that one is done. After a pause of a third of a second, a network of 7 ms took 12 ms so, on two processors.
pub fn settle() {
    let Some(mut places) = core_affinity::get_core_ids() else {
        return;
    };
    // A quota below the processors that there are: which ones it falls on is the system's business.
    if std::thread::available_parallelism().map_or(1, usize::from) != places.len() {
        return;
    }
    // Fewer threads than processors were asked for: other programs may have asked likewise, and would all sit on the first ones.
    let wanted = std::env::var("RAYON_NUM_THREADS").ok();
    let wanted = wanted.and_then(|count| count.parse::<usize>().ok());
    if wanted.is_some_and(|count| count != 0 && count != places.len()) {
        return;
    }
    places.reverse();
    let threads = places.len();
    let places = Mutex::new(places);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .start_handler(move |_| {
            let place = places.lock().unwrap_or_else(PoisonError::into_inner).pop();
            if let Some(place) = place {
                core_affinity::set_for_current(place);
            }
        });
    if let Err(error) = pool.build_global() {
        tracing::debug!(%error, "the threads were there already");
    }
}
