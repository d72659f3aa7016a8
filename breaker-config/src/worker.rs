//! A background thread that works when a bell rings, and ends when its owner is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// Wakes the thread, and tells it when to end.
#[derive(Clone, Debug)]
pub(crate) struct Bell {
    sender: SyncSender<()>,
    is_over: Arc<AtomicBool>,
}

impl Bell {
    pub(crate) fn new() -> (Self, Receiver<()>) {
        // One ring waiting is enough: the thread works after it.
        let (sender, rung) = sync_channel(1);
        (Self { sender, is_over: Arc::default() }, rung)
    }

    pub(crate) fn ring(&self) {
        let _ = self.sender.try_send(());
    }

    /// Whether the owner is dropped.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}

/// The owner of the thread. Dropping it rings the bell and waits for the thread's end.
#[derive(Debug)]
pub(crate) struct Worker {
    thread: Option<JoinHandle<()>>,
    bell: Bell,
}

impl Worker {
    pub(crate) fn start(name: &str, bell: Bell, work: impl FnOnce() + Send + 'static) -> Self {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(work).ok();
        #[cfg(feature = "tracing")]
        if thread.is_none() {
            tracing::error!("the thread `{name}` could not be started");
        }
        Self { thread, bell }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.bell.is_over.store(true, Ordering::Release);
        self.bell.ring();
        // A listener may hold the owner, and then the thread itself drops it.
        if let Some(thread) = self.thread.take_if(|it| it.thread().id() != thread::current().id()) {
            let _ = thread.join();
        }
    }
}
