//! Where questions to a database are left, and answers are found: between the workers, who never wait for it, and the thread that does.

use super::super::super::collect::Rows;
use crate::connector::ConnectorError;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A key that is asked for: the number of its entry, and what it is.
pub(crate) type Question = (u32, Arc<[u8]>);

/// What a database has said.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The entries that were asked for.
    pub(crate) asked: Vec<u32>,
    /// The rows that it found.
    pub(crate) rows: Rows,
    /// By row: the entry whose key it has.
    pub(crate) of: Vec<u32>,
}

/// The desk of one table.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    questions: Mutex<Questions>,
    answers: Mutex<Vec<Answer>>,
    has_answers: AtomicBool,
    failure: Mutex<Option<ConnectorError>>,
    /// Questions that were sent, and those that had to be sent again.
    pub(crate) sent: AtomicU64,
    pub(crate) resent: AtomicU64,
}

#[derive(Debug, Default)]
struct Questions {
    waiting: VecDeque<Question>,
    wakers: Vec<Waker>,
    is_closed: bool,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked has ended the job.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    /// Leaves questions.
    pub(crate) fn ask(&self, questions: impl Iterator<Item = Question>) {
        let mut waiting = lock(&self.questions);
        waiting.waiting.extend(questions);
        waiting.wakers.drain(..).for_each(Waker::wake);
    }

    /// The next questions, at most so many; none: there will be no more.
    pub(crate) fn poll_questions(&self, most: usize, cx: &Context<'_>) -> Poll<Option<Vec<Question>>> {
        let mut questions = lock(&self.questions);
        if questions.is_closed {
            return Poll::Ready(None);
        }
        if questions.waiting.is_empty() {
            questions.wakers.push(cx.waker().clone());
            return Poll::Pending;
        }
        let count = questions.waiting.len().min(most);
        Poll::Ready(Some(questions.waiting.drain(..count).collect()))
    }

    /// Ready when there will be no more questions.
    pub(crate) fn poll_closed(&self, cx: &Context<'_>) -> Poll<()> {
        let mut questions = lock(&self.questions);
        if questions.is_closed {
            return Poll::Ready(());
        }
        questions.wakers.push(cx.waker().clone());
        Poll::Pending
    }

    /// Leaves an answer.
    pub(crate) fn answer(&self, answer: Answer) {
        lock(&self.answers).push(answer);
        self.has_answers.store(true, Ordering::Release);
    }

    /// There will be no answers any more.
    pub(crate) fn fail(&self, error: ConnectorError) {
        lock(&self.failure).get_or_insert(error);
        self.has_answers.store(true, Ordering::Release);
    }

    /// Whether there are answers that nobody has taken, or it is known that there will be none.
    pub(crate) fn has_answers(&self) -> bool {
        self.has_answers.load(Ordering::Acquire)
    }

    /// The answers since the last time.
    pub(crate) fn take_answers(&self) -> Result<Vec<Answer>, ConnectorError> {
        self.has_answers.store(false, Ordering::Release);
        if let Some(error) = lock(&self.failure).take() {
            return Err(error);
        }
        Ok(std::mem::take(&mut *lock(&self.answers)))
    }

    /// Nobody asks any more.
    pub(crate) fn close(&self) {
        let mut questions = lock(&self.questions);
        questions.is_closed = true;
        questions.wakers.drain(..).for_each(Waker::wake);
    }
}
