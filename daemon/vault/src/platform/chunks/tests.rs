use super::*;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Small, so that a short text takes several chunks.
const LIMIT: usize = MAX_LINE + 8;
const LONG: usize = 3 * LIMIT - 5;

type Accounts = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// What happens to the change at which the fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It fails, and so does all that follows: the process has been killed.
    KilledBefore,
    /// It is done and then the process is killed.
    KilledAfter,
    /// It fails once.
    Refused,
    /// It is done, but reported as failed.
    AnswerLost,
}

const FAULTS: [Fault; 4] = [Fault::KilledBefore, Fault::KilledAfter, Fault::Refused, Fault::AnswerLost];

#[derive(Default)]
struct Fake {
    accounts: Accounts,
    /// The number of the change, and what happens to it.
    fault: Option<(usize, Fault)>,
    changes: usize,
    killed: bool,
}

impl Fake {
    fn change(&mut self, effect: impl FnOnce(&mut BTreeMap<String, Vec<u8>>)) -> Result<(), VaultError> {
        let fault = self.fault.filter(|(number, _)| *number == self.changes).map(|(_, fault)| fault);
        self.changes += 1;
        let away = || VaultError::new(State::Unavailable, "away");
        if self.killed {
            return Err(away());
        }
        self.killed = matches!(fault, Some(Fault::KilledBefore | Fault::KilledAfter));
        if !matches!(fault, Some(Fault::KilledBefore | Fault::Refused)) {
            effect(&mut self.accounts.lock().unwrap());
        }
        if fault.is_some() { Err(away()) } else { Ok(()) }
    }
}

impl Store for Fake {
    const KIND: &'static str = "fake";
    const LIMIT: usize = LIMIT;

    fn state(&mut self) -> Result<(), VaultError> {
        Ok(())
    }
    fn accounts(&mut self) -> Result<Vec<String>, VaultError> {
        Ok(self.accounts.lock().unwrap().keys().cloned().collect())
    }
    fn read(&mut self, account: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(self.accounts.lock().unwrap().get(account).cloned().map(Zeroizing::new))
    }
    fn write(&mut self, account: &str, bytes: &[u8]) -> Result<(), VaultError> {
        assert!(bytes.len() <= LIMIT, "{account} has {} bytes", bytes.len());
        self.change(|accounts| {
            accounts.insert(account.into(), bytes.into());
        })
    }
    fn remove(&mut self, account: &str) -> Result<(), VaultError> {
        self.change(|accounts| {
            accounts.remove(account);
        })
    }
}

fn over(accounts: &Accounts, fault: Option<(usize, Fault)>) -> Chunked<Fake> {
    Chunked::over(Fake { accounts: accounts.clone(), fault, ..Fake::default() })
}

fn name(text: &str) -> ItemName {
    ItemName { kind: ItemKind::Session, name: text.into() }
}

fn item(generation: u64, letter: char, length: usize) -> Item {
    let value = Secret::new(std::iter::repeat_n(letter, length).collect::<String>());
    Item { name: name("prod"), generation, value }
}

fn count(accounts: &Accounts) -> usize {
    accounts.lock().unwrap().len()
}

#[test]
fn items_of_any_length_come_back_and_short_ones_are_one_account() {
    for length in [0, 1, LIMIT - MAX_LINE, LIMIT - MAX_LINE + 1, LIMIT, LIMIT + 1, LONG, MAX_VALUE] {
        let accounts = Accounts::default();
        let mut vault = over(&accounts, None);
        let item = item(7, 'x', length);
        vault.put(&item).unwrap();
        assert_eq!(vault.read(&item.name), Ok(Some(item.clone())), "{length}");
        let pieces = if length + MAX_LINE <= LIMIT { 1 } else { 1 + length.div_ceil(LIMIT) };
        assert_eq!(count(&accounts), pieces, "{length}");
        vault.remove(&item.name).unwrap();
        assert_eq!((vault.read(&item.name), count(&accounts)), (Ok(None), 0), "{length}");
    }
}

#[test]
fn a_character_may_lie_across_two_chunks() {
    let mut vault = over(&Accounts::default(), None);
    let item = Item { value: Secret::new(format!("x{}", "☃".repeat(LIMIT))), ..item(1, ' ', 0) };
    vault.put(&item).unwrap();
    assert_eq!(vault.read(&item.name), Ok(Some(item)));
}

#[test]
fn a_value_that_no_keychain_should_hold_is_refused() {
    let error = over(&Accounts::default(), None).put(&item(1, 'x', MAX_VALUE + 1)).unwrap_err();
    assert_eq!(error.state, State::Ready);
}

/// Writes `new` over `old` with a fault at each change in turn; answers at how many the write was reached by it.
fn write_with_faults(old: Option<&Item>, new: &Item, fault: Fault) -> usize {
    for number in 0.. {
        let accounts = Accounts::default();
        if let Some(old) = old {
            over(&accounts, None).put(old).unwrap();
        }
        let mut vault = over(&accounts, Some((number, fault)));
        let result = vault.put(new);
        if vault.store.changes <= number {
            assert_eq!(result, Ok(()));
            return number;
        }
        let case = format!("{fault:?} at change {number}");
        let mut later = over(&accounts, None);
        let found = later.read(&new.name).unwrap_or_else(|error| panic!("{case}: {error}"));
        if result.is_ok() {
            assert_eq!(found.as_ref(), Some(new), "{case}: it was reported as written");
        }
        assert!(found.as_ref() == old || found.as_ref() == Some(new), "{case}: neither old nor new");
        // The next process removes what was left behind, and nothing else.
        later.names(ItemKind::Session).unwrap();
        assert_eq!(later.read(&new.name), Ok(found.clone()), "{case}: swept away");
        let pieces = |item: &Item| match item.value.expose().len() {
            length if length + MAX_LINE <= LIMIT => 1,
            length => 1 + length.div_ceil(LIMIT),
        };
        assert_eq!(count(&accounts), found.as_ref().map_or(0, pieces), "{case}: something is left");
        let newest = item(9, 'z', LONG + 40);
        later.put(&newest).unwrap();
        assert_eq!(later.read(&newest.name), Ok(Some(newest.clone())), "{case}");
        assert_eq!(count(&accounts), pieces(&newest), "{case}: something is left");
    }
    unreachable!()
}

#[test]
fn a_write_is_whole_or_not_there_whatever_fails_between() {
    let short = item(1, 'a', 3);
    let long = item(2, 'b', LONG);
    let other = item(3, 'c', LONG + LIMIT);
    for fault in FAULTS {
        for (old, new) in [(None, &short), (None, &long), (Some(&short), &long), (Some(&long), &short)] {
            write_with_faults(old, new, fault);
        }
        let reached = write_with_faults(Some(&long), &other, fault);
        assert!(reached >= 4 + 1 + 3, "{reached} changes: four chunks, a head, three old chunks");
    }
}

#[test]
fn a_removal_that_fails_can_be_repeated_and_leaves_nothing_to_read() {
    for fault in FAULTS {
        for number in 0..4 {
            let accounts = Accounts::default();
            let old = item(1, 'a', LONG);
            over(&accounts, None).put(&old).unwrap();
            assert!(over(&accounts, Some((number, fault))).remove(&old.name).is_err());
            let mut later = over(&accounts, None);
            let found = later.read(&old.name).unwrap();
            assert!(found.is_none() || (number == 0 && found == Some(old.clone())));
            later.remove(&old.name).unwrap();
            assert_eq!(count(&accounts), 0, "{fault:?} at change {number}");
        }
    }
}

#[test]
fn a_torn_value_is_told_and_never_read_as_good() {
    let accounts = Accounts::default();
    let whole = item(1, 'a', LONG);
    over(&accounts, None).put(&whole).unwrap();
    let before = accounts.lock().unwrap().clone();
    let keys: Vec<String> = before.keys().cloned().collect();
    for key in &keys {
        for damage in [None, Some(Vec::new()), Some(b"keyfob1 ".to_vec()), Some(vec![b'b'; LIMIT])] {
            let mut damaged = before.clone();
            match &damage {
                None => damaged.remove(key),
                Some(bytes) => damaged.insert(key.clone(), bytes.clone()),
            };
            *accounts.lock().unwrap() = damaged;
            match over(&accounts, None).read(&whole.name) {
                Ok(None) => assert!(damage.is_none() && key.starts_with("item/")),
                Ok(Some(_)) => panic!("{key} was damaged and the value read"),
                Err(error) => assert_eq!(error.state, State::Ready, "others can be read"),
            }
        }
    }
}

#[test]
fn names_are_told_by_kind_and_damaged_items_do_not_hide_others() {
    let accounts = Accounts::default();
    let mut vault = over(&accounts, None);
    let key = Item { name: ItemName { kind: ItemKind::AccessKey, name: "Alice".into() }, ..item(1, 'k', 5) };
    let other = Item { name: name("Prod"), ..item(2, 'p', LONG) };
    for item in [&item(1, 'a', LONG), &key, &other] {
        vault.put(item).unwrap();
    }
    accounts.lock().unwrap().insert("of/others".into(), vec![1]);
    accounts.lock().unwrap().insert("item/session/prod".into(), vec![2]);
    assert_eq!(vault.names(ItemKind::AccessKey), Ok(vec![key.name]));
    assert_eq!(vault.names(ItemKind::Session).unwrap().len(), 2);
    assert_eq!(vault.read(&name("prod")).unwrap_err().state, State::Ready);
    assert_eq!(vault.read(&other.name), Ok(Some(other)));
}
