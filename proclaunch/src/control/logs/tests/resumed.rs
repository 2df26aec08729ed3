//! Readers that go on where others have stopped.

use super::*;

/// A reader from this place on, that ends; and where it begins.
fn from(output: &Output, from: Position) -> (Here, String) {
    let mut tail = output.tail(Wanted { from: Some(from), ..Wanted::default() });
    let begun = tail.begin().unwrap();
    (begun, drained(&mut tail))
}

fn begin(output: &Output) -> Position {
    output.tail(Wanted::default()).begin().unwrap().position
}

#[test]
fn every_byte_is_a_place_to_go_on_from_counted_from_any_file_before() {
    let output = Output::new();
    output.write(b"1\n");
    let first = begin(&output);
    let all = "1\n23\n456\n7";
    for text in ["23\n", "456\n", "7"] {
        output.rotate(9);
        output.write(text.as_bytes());
    }
    for (at, _) in all.char_indices().chain([(all.len(), ' ')]) {
        let (begun, rest) = from(&output, first.after(at as u64));
        assert_eq!((&*rest, begun.is_after_gap), (&all[at..], false), "{at}");
        // The place that it begins at is the same by another file.
        assert_eq!(from(&output, begun.position).1, all[at..], "{at}");
    }
    let last = output.tail(last(1)).begin().unwrap().position;
    assert_eq!(from(&output, last).1, "7");
}

#[test]
fn a_place_that_is_gone_is_told_and_all_that_is_kept_comes() {
    let output = Output::new();
    output.write(b"1\n");
    let first = begin(&output);
    for text in ["2\n", "3\n"] {
        output.rotate(1);
        output.write(text.as_bytes());
    }
    let (begun, rest) = from(&output, first.after(2));
    assert_eq!((&*rest, begun.is_after_gap), ("2\n3\n", true));
    // Once: what comes after it is whole.
    let mut tail = output.tail(Wanted { from: Some(first), ..FOLLOW });
    let gaps: Vec<bool> = std::iter::from_fn(|| match tail.step() {
        Step::Piece(piece) => Some(piece.at.is_after_gap),
        Step::Nothing | Step::End => None,
    })
    .collect();
    assert_eq!(gaps, [true, false]);
}

#[test]
fn another_file_of_the_same_number_is_another_one() {
    let output = Output::new();
    output.write(b"1\n");
    let place = begin(&output).to_string();
    let (inode, rest) = place.split_once('-').unwrap();
    let (born, offset) = rest.split_once(':').unwrap();
    let older = Position::parse(&format!("{inode}-{}:{offset}", born.parse::<u64>().unwrap() - 1)).unwrap();
    let (begun, rest) = from(&output, older);
    assert_eq!((&*rest, begun.is_after_gap), ("1\n", true));
}

#[test]
fn a_place_behind_the_end_is_the_end_unless_a_file_was_cut() {
    let output = Output::new();
    output.write(b"1\n");
    let first = begin(&output);
    // Less than a line: the logger has taken back what it had begun.
    let (begun, rest) = from(&output, first.after(1000));
    assert_eq!((&*rest, begun.is_after_gap, begun.position), ("", false, first.after(2)));
    let (begun, rest) = from(&output, first.after(1_000_000));
    assert_eq!((&*rest, begun.is_after_gap, begun.position), ("1\n", true, first));
    let (begun, _) = from(&output, first.after(u64::MAX));
    assert!(begun.is_after_gap);
}

#[test]
fn who_falls_behind_by_all_files_is_told_that_something_is_missing() {
    let output = Output::new();
    output.write(b"1\n");
    let mut tail = output.tail(FOLLOW);
    assert_eq!(drained(&mut tail), "1\n");
    for text in ["2\n", "3\n", "4\n"] {
        output.rotate(1);
        output.write(text.as_bytes());
    }
    let Step::Piece(piece) = tail.step() else { panic!("there is something") };
    assert_eq!((&piece.bytes[..], piece.at.is_after_gap), (&b"3\n"[..], true));
    let Step::Piece(piece) = tail.step() else { panic!("there is something") };
    assert_eq!((&piece.bytes[..], piece.at.is_after_gap), (&b"4\n"[..], false));
}

#[test]
fn nothing_is_lost_or_doubled_by_readers_that_break_while_files_are_rotated() {
    for seed in 1..=20 {
        let output = Output::new();
        let (written, read) = std::thread::scope(|scope| {
            let writer = scope.spawn(|| write_at_random(&output, seed, 1000));
            let mut read = Vec::new();
            let mut place = None;
            loop {
                let is_last = writer.is_finished();
                let mut tail = output.tail(Wanted { from: place, ..Wanted::default() });
                // Some pieces, and some of another one.
                for turn in 0..3 {
                    match tail.step() {
                        Step::Piece(Piece { at, bytes }) => {
                            assert!(!at.is_after_gap, "seed {seed}");
                            let taken = if turn == 2 { bytes.len() / 2 } else { bytes.len() };
                            read.extend_from_slice(&bytes[..taken]);
                            place = Some(at.position.after(taken as u64));
                        }
                        Step::Nothing => panic!("it does not follow"),
                        Step::End if is_last => {
                            return (writer.join().unwrap(), String::from_utf8(read).unwrap());
                        }
                        Step::End => break,
                    }
                }
            }
        });
        assert!(written == read, "seed {seed}: {} bytes written, {} read", written.len(), read.len());
    }
}
