//! How many requests of people are answered at one time.
//!
//! One that waits for a person may take minutes, and one too many is refused: nobody is broken off for another. Listings
//! are made when it is their turn, since each holds a copy of what it tells.

use super::Event;
use keyfob_listen::{Connection, Peer};
use keyfob_shared::wire::Request;
use keyfob_shared::{Failure, FailureKind};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Conversations that wait for a person.
const MAX_TALKS: usize = 64;
/// Listings that are being made and sent.
const MAX_LISTINGS: usize = 64;
/// Requests of people that are under way or wait for their turn.
const MAX_PLACES: usize = 4_096;

/// A request of a person that has arrived.
pub(super) struct Arrived {
    pub(super) peer: Peer,
    pub(super) request: Request,
    pub(super) connection: Connection,
}

/// The right to be answered, until it is dropped.
#[derive(Default)]
#[expect(dead_code, reason = "they are held, not read")]
pub(super) struct Place {
    place: Option<OwnedSemaphorePermit>,
    turn: Option<OwnedSemaphorePermit>,
}

/// What becomes of a request.
pub(super) enum Admission {
    /// It is answered now.
    Now(Arrived, Place),
    /// Its turn will come.
    Later,
    /// There is no place.
    Refused(Arrived, Failure),
}

/// The places that are free.
pub(super) struct Places {
    places: Arc<Semaphore>,
    talks: Arc<Semaphore>,
    listings: Arc<Semaphore>,
}

impl Places {
    /// Takes a part of the descriptors that the process may have.
    pub(super) fn new(descriptors: usize) -> Self {
        let part = |most: usize, share: usize| Arc::new(Semaphore::new(most.min(descriptors / share).max(1)));
        Self { places: part(MAX_PLACES, 4), talks: part(MAX_TALKS, 8), listings: part(MAX_LISTINGS, 8) }
    }

    /// Takes a place for a request; when a listing has to wait, its turn is an event.
    pub(super) fn admit(&self, arrived: Arrived, events: &mpsc::UnboundedSender<Event>) -> Admission {
        let talk = match arrived.request {
            // They are quick, and what a person wants when too much is going on.
            Request::Lock | Request::Stop => return Admission::Now(arrived, Place::default()),
            Request::Login { .. } | Request::Unlock | Request::KeyRotate { .. } => true,
            Request::Report(_) | Request::Activity(_) | Request::Role(_) => true,
            _ => false,
        };
        let places = if talk { &self.talks } else { &self.places };
        let Ok(place) = places.clone().try_acquire_owned() else {
            let what = if talk { "wait for a person" } else { "are under way" };
            let message = format!("too many conversations {what} already");
            let failure =
                Failure::new(FailureKind::Refused, message).hint("end one of them, or keyfob daemon restart");
            return Admission::Refused(arrived, failure);
        };
        let mut place = Place { place: Some(place), turn: None };
        if !is_listing(&arrived.request) {
            return Admission::Now(arrived, place);
        }
        if let Ok(turn) = self.listings.clone().try_acquire_owned() {
            place.turn = Some(turn);
            return Admission::Now(arrived, place);
        }
        let (listings, events) = (self.listings.clone(), events.clone());
        tokio::spawn(async move {
            place.turn = listings.acquire_owned().await.ok();
            let _ = events.send(Event::Turn(Box::new(arrived), place));
        });
        Admission::Later
    }
}

fn is_listing(request: &Request) -> bool {
    matches!(
        request,
        Request::Status | Request::Profiles { .. } | Request::Check | Request::Doctor | Request::KeyList
    )
}
