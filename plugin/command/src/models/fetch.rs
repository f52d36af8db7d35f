//! A file from a server: piece by piece, taken up again where a connection was lost, and never believed before it was checked.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write as _},
    path::Path,
    thread,
    time::Duration,
};

use pickup::models::ModelFile;
use sha2::{Digest as _, Sha256};
use ureq::{Agent, Body, http::Response};

use super::Came;
use crate::{CliError, cancel, progress::Bar};

/// Where models are fetched from, unless the user says otherwise.
pub(super) const ENDPOINT: &str = "https://huggingface.co";

/// What is asked for at once: a connection that stands still is noticed after [`PATIENCE`].
const PIECE: u64 = 64 << 20;
/// For how long a piece may take: 0.2 MB a second, below which a model would take days.
const PATIENCE: Duration = Duration::from_secs(300);
/// For how long a file may take from a server that gives no pieces.
const WHOLE: Duration = Duration::from_secs(24 * 3600);
/// How often a file is asked for again in a row without a byte of it coming.
const TRIES: u32 = 5;
/// Other addresses that a server may send to, one after the other.
const REDIRECTS: usize = 10;

/// A server of models.
pub(super) struct Server {
    agent: Agent,
    endpoint: String,
    token: Option<String>,
}

/// Why a piece of a file did not come.
enum Trouble {
    /// The connection, or the server for now: it may come when asked again.
    Passing(String),
    /// The server gives no pieces, or other ones than it is asked for.
    NoPieces(String),
    /// What comes is not the file, or there is none.
    Final(CliError),
}

impl From<CliError> for Trouble {
    fn from(error: CliError) -> Self {
        Self::Final(error)
    }
}

/// What is known of a file that is being fetched.
struct Fetching<'a> {
    file: &'a ModelFile,
    /// Its size: as the list has it, else as the server says.
    total: Option<u64>,
    /// Its SHA-256, as the server says.
    told: Option<String>,
    in_pieces: bool,
}

impl Server {
    /// A server at an address, through the proxy that the system's variables name; `token` is the user's for Hugging Face.
    pub(super) fn new(endpoint: &str, token: Option<String>) -> Self {
        let config = Agent::config_builder()
            // Each answer on the way says something that must be looked at.
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(30)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            .user_agent(concat!("pickup/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.new_agent(), endpoint: endpoint.trim_end_matches('/').to_owned(), token }
    }

    /// Fetches a file into `part`, from where an earlier run left it. A file that is not the one that the list or the server describes
    /// is removed.
    pub(super) fn fetch(&self, file: &ModelFile, part: &Path, bar: &mut Bar) -> Result<Came, CliError> {
        let mut fetching = Fetching { file, total: file.bytes, told: None, in_pieces: true };
        let (mut tries, mut known) = (0, length(part));
        loop {
            cancel::check()?;
            let trouble = match self.piece(&mut fetching, part, bar) {
                Ok(true) => break,
                Ok(false) => {
                    tries = 0;
                    continue;
                }
                Err(Trouble::Final(error)) => return Err(error),
                Err(Trouble::Passing(why)) => why,
                Err(Trouble::NoPieces(why)) => {
                    if !fetching.in_pieces {
                        return Err(fetching.wrong(&why));
                    }
                    fetching.in_pieces = false;
                    why
                }
            };
            let now = length(part);
            tries = if now > known { 0 } else { tries + 1 };
            known = now;
            if tries > TRIES {
                let kept = if now > 0 { ". What came of it is kept: the same command goes on from there" } else { "" };
                return Err(CliError::Failed(format!("{}: {trouble}{kept}", file.path)));
            }
            thread::sleep(Duration::from_millis(100 << tries.min(6)));
        }
        let sha256 = sha256_of(part)?;
        let told = file.sha256.as_ref().or(fetching.told.as_ref());
        if let Some(wanted) = told.filter(|wanted| **wanted != sha256) {
            // It would be wrong for ever.
            let _ = fs::remove_file(part);
            return Err(fetching.wrong(&format!("its SHA-256 is {sha256}, and should be {wanted}")));
        }
        let published = told.is_some();
        Ok(Came { sha256, published })
    }

    /// Fetches the next piece of a file; whether it was the last one.
    fn piece(&self, fetching: &mut Fetching<'_>, part: &Path, bar: &mut Bar) -> Result<bool, Trouble> {
        let mut have = length(part);
        if fetching.total == Some(have) && have > 0 {
            return Ok(true);
        }
        if !fetching.in_pieces || fetching.total.is_some_and(|total| have > total) {
            // Nothing tells whether it was the start of this file.
            let _ = fs::remove_file(part);
            have = 0;
        }
        let end = (have + PIECE).min(fetching.total.unwrap_or(u64::MAX));
        let response = self.ask(fetching, fetching.in_pieces.then_some((have, end - 1)))?;
        let header = |name: &str| header(&response, name).and_then(|text| text.parse::<u64>().ok());
        let (from, length, total) = match response.status().as_u16() {
            206 => {
                let wrong = || Trouble::NoPieces("the server answered with another piece than was asked for".into());
                let (from, last, total) = range_of(&response).ok_or_else(wrong)?;
                if from != have || last < from || last >= end {
                    return Err(wrong());
                }
                (from, Some(last - from + 1), total)
            }
            200 => {
                // A server that has no pieces sends the whole file, which takes longer than a piece may: the next try allows for that.
                fetching.in_pieces = false;
                (0, header("content-length"), header("content-length"))
            }
            // There is no such piece: what is there is no start of it.
            416 => {
                let _ = fs::remove_file(part);
                return Err(Trouble::NoPieces("the server has no such piece".into()));
            }
            other => return Err(fetching.status(other)),
        };
        fetching.has(total)?;
        let last = match (fetching.total, length) {
            (Some(total), Some(length)) => from + length == total,
            (Some(_), None) => true,
            (None, _) => {
                return Err(fetching.wrong("the server does not say how large it is").into());
            }
        };
        // A whole file in answer to the wish for a piece begins anew.
        let mut to = OpenOptions::new().create(true).append(from > 0).write(true).truncate(from == 0).open(part);
        let to = to.as_mut().map_err(|error| unwritten(part, error))?;
        let wanted = length.or(fetching.total).unwrap_or(0);
        let came = copy(response.into_body(), wanted, to, part, |done| {
            let total = fetching.total.unwrap_or(0);
            bar.update(megabytes(from + done), megabytes(total));
        })?;
        if came < wanted {
            return Err(Trouble::Passing("the connection was lost".into()));
        }
        Ok(last)
    }

    /// Asks for a file, or for the bytes from one to another of it, and follows where the server sends to.
    fn ask(&self, fetching: &mut Fetching<'_>, bytes: Option<(u64, u64)>) -> Result<Response<Body>, Trouble> {
        let ModelFile { repository, revision, path, .. } = fetching.file;
        let mut url = format!("{}/{repository}/resolve/{revision}/{path}", self.endpoint);
        for _ in 0..REDIRECTS {
            let time = if bytes.is_some() { PATIENCE } else { WHOLE };
            let mut request = self.agent.get(&url).config().timeout_recv_body(Some(time)).build();
            if let Some((first, last)) = bytes {
                request = request.header("range", format!("bytes={first}-{last}"));
            }
            // Nobody else learns who asks.
            if let Some(token) = self.token.as_ref().filter(|_| root_of(&url) == root_of(&self.endpoint)) {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let response = request.call().map_err(|error| match error {
                ureq::Error::BadUri(_) | ureq::Error::InvalidProxyUrl | ureq::Error::Tls(_) => {
                    Trouble::Final(CliError::Failed(format!("{url}: {error}")))
                }
                passing => Trouble::Passing(passing.to_string()),
            })?;
            fetching.learn(&response)?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let to = header(&response, "location").unwrap_or_default();
            url = match (root_of(&url), to.starts_with('/')) {
                (Some(root), true) => format!("{root}{to}"),
                _ => to.to_owned(),
            };
            let safe =
                url.starts_with("https://") || (url.starts_with("http://") && !self.endpoint.starts_with("https:"));
            if !safe {
                return Err(fetching
                    .wrong(&format!("the server sends to {url:?}, which is not safe to follow"))
                    .into());
            }
        }
        Err(fetching.wrong("the server sends from one address to the next without end").into())
    }
}

impl Fetching<'_> {
    /// Looks at what an answer says of the file, as Hugging Face does: the commit, and what the large file behind it is.
    fn learn(&mut self, response: &Response<Body>) -> Result<(), CliError> {
        let pinned = &self.file.revision;
        if let Some(commit) = header(response, "x-repo-commit").filter(|commit| is_commit(pinned) && commit != pinned) {
            return Err(self.wrong(&format!("the server has the revision {commit}, where {pinned} is wanted")));
        }
        let size = header(response, "x-linked-size").and_then(|size| size.parse().ok());
        self.has(size)?;
        let told = header(response, "x-linked-etag")
            .map(|etag| etag.trim_start_matches("W/").trim_matches('"').to_ascii_lowercase());
        if let Some(told) = told.filter(|told| told.len() == 64) {
            if self.file.sha256.as_ref().is_some_and(|known| *known != told) {
                return Err(self.wrong(&format!("the server's has the SHA-256 {told}, which is another")));
            }
            self.told = Some(told);
        }
        Ok(())
    }

    /// Takes note of a size that the server says.
    fn has(&mut self, size: Option<u64>) -> Result<(), CliError> {
        match (self.total, size) {
            (Some(total), Some(size)) if total != size => {
                Err(self.wrong(&format!("the server says that it has {size} bytes, where {total} are wanted")))
            }
            _ => {
                self.total = self.total.or(size);
                Ok(())
            }
        }
    }

    fn wrong(&self, why: &str) -> CliError {
        let ModelFile { repository, path, .. } = self.file;
        CliError::Failed(format!("{path} of {repository} is not what is in the list: {why}"))
    }

    fn status(&self, status: u16) -> Trouble {
        let ModelFile { repository, revision, path, .. } = self.file;
        match status {
            401 | 403 => Trouble::Final(CliError::Failed(format!(
                "{repository} wants to know who you are: accept its licence on its page, and set HF_TOKEN to your token"
            ))),
            404 => Trouble::Final(CliError::Failed(format!("{repository} has no {path} at {revision}"))),
            408 | 429 | 500..=599 => Trouble::Passing(format!("the server answered {status}")),
            other => Trouble::Final(CliError::Failed(format!("{path} of {repository}: the server answered {other}"))),
        }
    }
}

/// Writes what comes, as much as is wanted and no more; how much that was.
fn copy(body: Body, wanted: u64, to: &mut File, part: &Path, mut done: impl FnMut(u64)) -> Result<u64, Trouble> {
    let mut reader = body.into_with_config().limit(u64::MAX).reader();
    let (mut piece, mut came) = (vec![0; 1 << 16], 0);
    while came < wanted {
        cancel::check()?;
        let most = usize::try_from(wanted - came).unwrap_or(usize::MAX).min(piece.len());
        match reader.read(&mut piece[..most]) {
            Ok(0) => break,
            Ok(count) => {
                to.write_all(&piece[..count]).map_err(|error| unwritten(part, &error))?;
                came += count as u64;
                done(came);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Trouble::Passing(error.to_string())),
        }
    }
    Ok(came)
}

fn unwritten(part: &Path, error: &io::Error) -> CliError {
    let full = if error.kind() == io::ErrorKind::StorageFull { ": the disk is full. What came is kept" } else { "" };
    CliError::at(part, format_args!("{error}{full}"))
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// What a piece is: its first and its last byte, and the size of the whole where that is said.
fn range_of(response: &Response<Body>) -> Option<(u64, u64, Option<u64>)> {
    let text = header(response, "content-range")?.strip_prefix("bytes ")?;
    let (span, total) = text.split_once('/')?;
    let (first, last) = span.split_once('-')?;
    Some((first.trim().parse().ok()?, last.trim().parse().ok()?, total.trim().parse().ok()))
}

/// The scheme and the host of an address.
fn root_of(url: &str) -> Option<&str> {
    let host = url.find("://")? + 3;
    Some(url[host..].find('/').map_or(url, |end| &url[..host + end]))
}

fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |data| data.len())
}

fn megabytes(bytes: u64) -> usize {
    usize::try_from(bytes / 1_000_000).unwrap_or(usize::MAX)
}

/// The SHA-256 of a file.
pub(super) fn sha256_of(path: &Path) -> Result<String, CliError> {
    let unread = |error: io::Error| CliError::at(path, error);
    let mut file = File::open(path).map_err(unread)?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        cancel::check()?;
        match file.read(&mut piece).map_err(unread)? {
            0 => break,
            count => hash.update(&piece[..count]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        assert_eq!(root_of("https://a.b/c/d"), Some("https://a.b"));
        assert_eq!(root_of("http://127.0.0.1:80"), Some("http://127.0.0.1:80"));
        assert_eq!(root_of("nowhere"), None);
    }

    #[test]
    fn a_file_has_the_published_hash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        fs::write(&path, b"abc").unwrap();
        // FIPS 180-2, appendix B.1.
        assert_eq!(sha256_of(&path).unwrap(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
