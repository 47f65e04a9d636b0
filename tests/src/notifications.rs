//! A desktop that shows notifications, on the bus of a world.

use crate::World;
use dbus::blocking::Connection;
use dbus::channel::{MatchingReceiver, Sender};
use dbus::message::MatchRule;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What was shown: titles and texts.
#[derive(Clone, Debug, Default)]
pub struct Notifications(Arc<Mutex<Vec<(String, String)>>>);

impl Notifications {
    /// Takes the name of the service; it ends with the bus.
    ///
    /// # Panics
    /// If there is no bus.
    pub fn start(world: &World) -> Self {
        let shown = Self::default();
        let notes = shown.0.clone();
        let address = world.environment["DBUS_SESSION_BUS_ADDRESS"].to_string_lossy().into_owned();
        let (ready, is_ready) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut channel = dbus::channel::Channel::open_private(&address).unwrap();
            channel.register().unwrap();
            let bus = Connection::from(channel);
            bus.request_name("org.freedesktop.Notifications", false, true, false).unwrap();
            bus.start_receive(
                MatchRule::new_method_call(),
                Box::new(move |message, bus| {
                    let mut arguments = message.iter_init();
                    let (_, _, _): (String, u32, String) =
                        (arguments.read().unwrap(), arguments.read().unwrap(), arguments.read().unwrap());
                    let note: (String, String) = (arguments.read().unwrap(), arguments.read().unwrap());
                    notes.lock().unwrap().push(note);
                    let _ = bus.send(message.method_return().append1(1_u32));
                    true
                }),
            );
            ready.send(()).unwrap();
            while bus.process(Duration::from_secs(1)).is_ok() {}
        });
        is_ready.recv_timeout(Duration::from_secs(10)).unwrap();
        shown
    }

    /// Answers what was shown so far.
    pub fn shown(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap().clone()
    }
}
