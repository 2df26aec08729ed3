//! The token by which orders are given over TCP.
//!
//! **Invariant:** a file that others can read holds no secret, and is refused.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The longest token, in bytes.
const TOKEN_MAX: u64 = 4096;

/// Why there is no token. Completes "failed to ...".
#[derive(Debug, Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("read token file `{}`: {source}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others may read it.
    #[error("use token file `{}`: its mode {mode:03o} lets others read it; make it 600 (`chmod 600 {}`)", .path.display(), .path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// There is nothing in it, or too much, or what no header can hold.
    #[error("use token file `{}`: it must hold one line of 1 to {TOKEN_MAX} printable characters", .path.display())]
    Content {
        /// Which.
        path: PathBuf,
    },
}

/// Reads the token in a file, its line end left out.
///
/// # Errors
/// See [`TokenError`].
pub fn read(path: &Path) -> Result<Vec<u8>, TokenError> {
    let unreadable = |source| TokenError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.mode() & 0o777;
    if mode & 0o007 != 0 {
        return Err(TokenError::Open { path: path.to_owned(), mode });
    }
    let mut token = Vec::new();
    file.take(TOKEN_MAX + 2).read_to_end(&mut token).map_err(unreadable)?;
    let line = token.strip_suffix(b"\n").unwrap_or(&token);
    let is_fit = (1..=TOKEN_MAX).contains(&(line.len() as u64)) && line.iter().all(u8::is_ascii_graphic);
    if is_fit { Ok(line.to_vec()) } else { Err(TokenError::Content { path: path.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_token_is_a_line_in_a_file_of_ones_own() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("token");
        let put = |text: &str, mode| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            read(&path).map_err(|error| error.to_string())
        };
        assert_eq!(put("secret\n", 0o600), Ok(b"secret".to_vec()));
        assert_eq!(put("secret", 0o640), Ok(b"secret".to_vec()));
        let shown = path.display();
        assert_eq!(
            put("secret", 0o644),
            Err(format!(
                "use token file `{shown}`: its mode 644 lets others read it; make it 600 (`chmod 600 {shown}`)"
            ))
        );
        for text in ["", "\n", "two\nlines", "a b", &"x".repeat(4097)] {
            assert!(put(text, 0o600).unwrap_err().contains("it must hold one line"), "{text}");
        }
        assert!(read(Path::new("/nonexistent")).unwrap_err().to_string().contains("No such file"));
    }
}
