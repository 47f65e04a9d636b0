//! Whose a process and a kernel object are, on Windows, as the text of a security identifier.
//!
//! Both sides of the pipe need it: the daemon names the user who may open it, the client asks who has made it.

use std::io;
use std::mem::size_of_val;
use std::os::windows::io::{AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::ptr::{null_mut, slice_from_raw_parts};
use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, GetSecurityInfo, SE_KERNEL_OBJECT,
};
use windows_sys::Win32::Security::{
    GetTokenInformation, OWNER_SECURITY_INFORMATION, PSID, TOKEN_QUERY, TOKEN_USER, TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// Answers the user of this process, for example `S-1-5-21-…-1001`.
///
/// # Errors
/// If the operating system refuses.
pub fn user_sid() -> io::Result<String> {
    let mut token = null_mut();
    // SAFETY: the handle of the own process needs no closing, and `token` is valid for one write.
    done(unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) })?;
    // SAFETY: the call has succeeded, so the handle is open and nobody else closes it.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    // Room for the structure and the longest identifier behind it, 16 + 68 bytes, aligned for both.
    let mut room = [0_u64; 16];
    let (start, mut length) = (room.as_mut_ptr(), 0);
    let size = u32::try_from(size_of_val(&room)).unwrap_or_default();
    // SAFETY: `start` is valid for `size` bytes, and `length` for one write.
    done(unsafe {
        GetTokenInformation(token.as_raw_handle(), TokenUser, start.cast(), size, &raw mut length)
    })?;
    // SAFETY: the call has written a `TOKEN_USER` there, whose identifier points into `room`, which lives on.
    unsafe { text((*start.cast::<TOKEN_USER>()).User.Sid) }
}

/// Answers who owns a pipe or file. Nobody can make an object that belongs to another user.
///
/// # Errors
/// If the handle was opened without the right to read its security, as writing alone does.
pub fn owner_sid(handle: BorrowedHandle<'_>) -> io::Result<String> {
    let (mut owner, mut descriptor) = (null_mut(), null_mut());
    // SAFETY: the handle is borrowed, so it is open; both results are valid for one write; the others may be null.
    let code = unsafe {
        GetSecurityInfo(
            handle.as_raw_handle(),
            SE_KERNEL_OBJECT,
            OWNER_SECURITY_INFORMATION,
            &raw mut owner,
            null_mut(),
            null_mut(),
            null_mut(),
            &raw mut descriptor,
        )
    };
    if code != 0 {
        return Err(io::Error::from_raw_os_error(code.cast_signed()));
    }
    // SAFETY: the call has succeeded, so `owner` points into the descriptor or is null, which `text` refuses.
    let owner = unsafe { text(owner) };
    // SAFETY: the descriptor was allocated for us by the call, and is not used any more.
    unsafe { LocalFree(descriptor) };
    owner
}

/// Writes an identifier as text.
///
/// # Safety
/// It is null or valid.
unsafe fn text(identifier: PSID) -> io::Result<String> {
    if identifier.is_null() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let mut string: *mut u16 = null_mut();
    // SAFETY: the caller promises that the identifier is valid; `string` is valid for one write.
    done(unsafe { ConvertSidToStringSidW(identifier, &raw mut string) })?;
    // SAFETY: the call has succeeded, so there is a string that ends with a zero.
    let length = (0..).take_while(|index| unsafe { *string.add(*index) } != 0).count();
    // SAFETY: these are the characters before the zero.
    let text = String::from_utf16_lossy(unsafe { &*slice_from_raw_parts(string, length) });
    // SAFETY: the string was allocated for us by the call, and is not used any more.
    unsafe { LocalFree(string.cast()) };
    Ok(text)
}

fn done(answer: i32) -> io::Result<()> {
    if answer == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
