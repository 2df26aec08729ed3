//! What holds for any script and any answer, as functions of any bytes: for the tests and for `cargo fuzz`.

mod answers;
mod scripts;

pub use answers::fuzz_answer;
pub use scripts::fuzz_script;

/// Reads the bytes as decisions; an exhausted source decides 0.
struct Source<'a> {
    data: &'a [u8],
}

impl<'a> Source<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.data.split_first() else { return 0 };
        self.data = rest;
        *first
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }

    /// Up to `most` bytes.
    fn bytes(&mut self, most: u8) -> &'a [u8] {
        let length = usize::from(self.byte().min(most)).min(self.data.len());
        let (bytes, rest) = self.data.split_at(length);
        self.data = rest;
        bytes
    }

    fn is_empty(&self) -> bool {
        self.data.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs of random bytes, `xorshift64*` by Vigna; a failure names its seed.
    fn for_random_bytes(count: u64, run: impl Fn(&[u8]) + std::panic::RefUnwindSafe) {
        for seed in 1..=count {
            let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let bytes: Vec<u8> = (0..200)
                .map(|_| {
                    state ^= state >> 12;
                    state ^= state << 25;
                    state ^= state >> 27;
                    state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes()[0]
                })
                .collect();
            let result = std::panic::catch_unwind(|| run(&bytes));
            assert!(result.is_ok(), "seed {seed}");
        }
    }

    #[test]
    fn any_value_is_an_answer_or_an_error_in_words() {
        for_random_bytes(1000, fuzz_answer);
    }

    #[test]
    fn any_script_ends_and_leaves_the_interpreter_as_it_was() {
        for_random_bytes(200, fuzz_script);
    }
}
