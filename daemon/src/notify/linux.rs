//! Linux: the notification service of the desktop, on the session bus.

use dbus::arg::{PropMap, RefArg, Variant};
use dbus::blocking::{BlockingSender, Connection};
use dbus::message::Message;
use std::time::Duration;

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
const LIMIT: Duration = Duration::from_secs(3);
/// `urgency` of the Desktop Notifications Specification: normal.
const NORMAL: u8 = 1;

/// Shows a notification.
pub(super) fn show(title: &str, text: &str) -> Result<(), dbus::Error> {
    // Without this variable, libdbus would start a bus of its own.
    if std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_none_or(|address| address.is_empty()) {
        return Err(dbus::Error::new_failed("there is no session bus"));
    }
    let bus = Connection::new_session()?;
    let hints: PropMap = [("urgency".to_owned(), Variant(Box::new(NORMAL) as Box<dyn RefArg>))].into();
    let call = Message::new_method_call(NAME, PATH, NAME, "Notify")
        .map_err(|error| dbus::Error::new_failed(&error))?;
    let call =
        call.append3("keyfob", 0_u32, "dialog-password").append3(title, escaped(text), Vec::<String>::new());
    bus.send_with_reply_and_block(call.append2(hints, -1_i32), LIMIT).map(drop)
}

/// The specification lets bodies have markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
