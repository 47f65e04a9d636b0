//! What a key means in each mode.

use super::state::{Mode, Move, State};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What has to be done outside the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Sign in whoever is behind this profile.
    LogIn(String),
    /// Forget the sessions of this profile.
    LogOut(String),
    /// End.
    Quit,
}

/// Changes the view as a key asks for, and answers what else is to be done.
pub(super) fn press(state: &mut State, key: KeyEvent) -> Option<Act> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return (key.code == KeyCode::Char('c')).then_some(Act::Quit);
    }
    state.note = None;
    match state.mode {
        Mode::List => in_list(state, key.code),
        Mode::Help => {
            match key.code {
                KeyCode::Char('q') => return Some(Act::Quit),
                KeyCode::Char('?') | KeyCode::Esc => state.mode = Mode::List,
                _ => {}
            }
            None
        }
        Mode::LogOut => {
            state.mode = Mode::List;
            if key.code == KeyCode::Char('y') { selected(state).map(Act::LogOut) } else { None }
        }
    }
}

fn in_list(state: &mut State, key: KeyCode) -> Option<Act> {
    match key {
        KeyCode::Up | KeyCode::Char('k') => state.go(Move::Up),
        KeyCode::Down | KeyCode::Char('j') => state.go(Move::Down),
        KeyCode::PageUp => state.go(Move::PageUp),
        KeyCode::PageDown => state.go(Move::PageDown),
        KeyCode::Home => state.go(Move::First),
        KeyCode::End => state.go(Move::Last),
        KeyCode::Char('?') => state.mode = Mode::Help,
        KeyCode::Char('o') if state.selection().is_some() => state.mode = Mode::LogOut,
        KeyCode::Char('l') => return selected(state).map(Act::LogIn),
        KeyCode::Char('q') => return Some(Act::Quit),
        _ => {}
    }
    None
}

fn selected(state: &State) -> Option<String> {
    state.selection().map(|profile| profile.name.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{profile, whole};
    use super::*;

    fn press_all(state: &mut State, keys: &str) -> Vec<Act> {
        keys.chars().filter_map(|key| press(state, KeyEvent::from(KeyCode::Char(key)))).collect()
    }

    fn two() -> State {
        let mut state = State::default();
        state.update(whole(vec![profile("a", "ready", None), profile("b", "ready", None)]));
        state
    }

    #[test]
    fn keys_act_on_the_selected_profile() {
        let mut state = two();
        assert_eq!(press_all(&mut state, "l"), [Act::LogIn("a".into())]);
        assert_eq!(press_all(&mut state, "jjkjl"), [Act::LogIn("b".into())]);
        assert_eq!(press_all(&mut state, "kl"), [Act::LogIn("a".into())]);
        assert_eq!(press_all(&mut State::default(), "ljoy"), [], "there is nothing to act on");
    }

    #[test]
    fn nobody_is_logged_out_without_a_yes() {
        let mut state = two();
        assert_eq!(press_all(&mut state, "onoxol"), []);
        assert_eq!(state.mode, Mode::List);
        assert_eq!(press_all(&mut state, "oy"), [Act::LogOut("a".into())]);
        assert_eq!(state.mode, Mode::List);
    }

    #[test]
    fn control_c_quits_from_everywhere_and_q_but_in_a_question() {
        for before in ["", "?", "o"] {
            let mut state = two();
            press_all(&mut state, before);
            let key = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
            assert_eq!(press(&mut state, key), Some(Act::Quit), "{before}");
            let expected = if before == "o" { vec![] } else { vec![Act::Quit] };
            assert_eq!(press_all(&mut state, "q"), expected, "{before}");
        }
    }

    #[test]
    fn a_key_that_is_let_go_and_other_control_keys_do_nothing() {
        let mut state = two();
        let mut key = KeyEvent::from(KeyCode::Char('q'));
        key.kind = KeyEventKind::Release;
        assert_eq!(press(&mut state, key), None);
        let key = KeyEvent::new(KeyCode::Char('l'), KeyModifiers::CONTROL);
        assert_eq!(press(&mut state, key), None);
    }
}
