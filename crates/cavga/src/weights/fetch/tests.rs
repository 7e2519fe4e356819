//! Fetching from a server on this computer that does what real ones do.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::*;

/// 300 000 bytes, all pieces of which differ, and their SHA-256.
fn content() -> Vec<u8> {
    (0..75_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect()
}

const SHA256: Digest = Digest("e496e24b4de3ed92e3247412ae0a588a002b2e209bff58a8a138020cc8e75fed");

/// A request: its path, and from which byte on.
struct Asked {
    path: String,
    from: Option<usize>,
}

type Answer = dyn Fn(usize, &Asked, &mut TcpStream) + Send + Sync;

/// Answers each request in turn, on a thread that ends with the test program.
struct Server {
    url: String,
    /// From which byte each request asked.
    asked: Arc<Mutex<Vec<Option<usize>>>>,
}

fn serve(answer: impl Fn(usize, &Asked, &mut TcpStream) + Send + Sync + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/file", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&asked);
    let answer: Arc<Answer> = Arc::new(answer);
    let count = AtomicUsize::new(0);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = read_request(&stream);
            record.lock().unwrap().push(request.from);
            let answer = Arc::clone(&answer);
            let number = count.fetch_add(1, Ordering::Relaxed);
            thread::spawn(move || answer(number, &request, &mut stream));
        }
    });
    Server { url, asked }
}

fn read_request(stream: &TcpStream) -> Asked {
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    let range = lines.take_while(|line| !line.is_empty()).find_map(|line| {
        line.to_lowercase()
            .strip_prefix("range: bytes=")
            .map(str::to_owned)
    });
    Asked {
        path: first.split(' ').nth(1).unwrap().to_owned(),
        from: range.map(|range| range.trim_end_matches('-').parse().unwrap()),
    }
}

/// Sends `body` from where it was asked, cut after `most` bytes. The other end may have gone.
fn send(stream: &mut TcpStream, body: &[u8], from: Option<usize>, most: usize) {
    let rest = &body[from.unwrap_or(0)..];
    let status = match from {
        Some(from) => format!(
            "206 Partial Content\r\nContent-Range: bytes {from}-{}/{}",
            body.len() - 1,
            body.len()
        ),
        None => "200 OK".to_owned(),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        rest.len()
    );
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(&rest[..most.min(rest.len())]);
}

fn plain(stream: &mut TcpStream, status: &str) {
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
}

struct Place {
    folder: tempfile::TempDir,
    options: Options,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            folder: Some(folder.path().to_owned()),
            offline: false,
            stop: Arc::default(),
            patience: Duration::from_secs(20),
            pause: Duration::from_millis(1),
        };
        Self { folder, options }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("w.pth")
    }

    fn part(&self) -> PathBuf {
        self.folder.path().join("w.pth.part")
    }

    fn fetch(&self, url: &str) -> Result<()> {
        let path = self.file();
        let wanted = Wanted {
            url,
            path: &path,
            sha256: SHA256,
            bytes: content().len() as u64,
        };
        fetch(
            &wanted,
            &agent(&self.options, false),
            &self.options,
            &mut (),
        )
    }

    /// Fetching makes the file and leaves nothing else.
    fn succeeds(&self, server: &Server) {
        self.fetch(&server.url).unwrap();
        assert!(fs::read(self.file()).unwrap() == content());
        assert_eq!(fs::read_dir(self.folder.path()).unwrap().count(), 1);
    }

    /// Fetching fails, makes no file, and says this.
    fn fails(&self, url: &str, words: &[&str]) -> String {
        let said = self.fetch(url).unwrap_err().to_string();
        for word in words {
            assert!(said.contains(word), "expected {word}: {said}");
        }
        assert!(!self.file().exists());
        let part = fs::metadata(self.part()).map_or(1, |part| part.len());
        assert_ne!(part, 0, "an empty part is left behind");
        said
    }
}

#[test]
fn a_file_comes_whole_and_is_not_fetched_twice() {
    let place = Place::new();
    let server = serve(|_, asked, stream| send(stream, &content(), asked.from, usize::MAX));
    place.succeeds(&server);
    place.succeeds(&server);
    assert_eq!(*server.asked.lock().unwrap(), [None]);
}

#[test]
fn a_damaged_file_is_replaced() {
    let server = serve(|_, asked, stream| send(stream, &content(), asked.from, usize::MAX));
    let place = Place::new();
    fs::write(place.file(), &content()[1..]).unwrap();
    place.succeeds(&server);
}

#[test]
fn a_cut_connection_is_resumed_where_it_was_cut() {
    let server = serve(|_, asked, stream| send(stream, &content(), asked.from, 100_000));
    Place::new().succeeds(&server);
    let asked = server.asked.lock().unwrap();
    assert_eq!(*asked, [None, Some(100_000), Some(200_000)]);
}

#[test]
fn a_part_of_an_earlier_process_is_resumed_or_only_renamed() {
    let server = serve(|_, asked, stream| send(stream, &content(), asked.from, usize::MAX));
    let place = Place::new();
    fs::write(place.part(), &content()[..1234]).unwrap();
    place.succeeds(&server);
    let place = Place::new();
    fs::write(place.part(), content()).unwrap();
    place.succeeds(&server);
    assert_eq!(*server.asked.lock().unwrap(), [Some(1234)]);
}

#[test]
fn a_part_of_another_file_is_found_out_and_fetched_from_the_start() {
    let server = serve(|_, asked, stream| send(stream, &content(), asked.from, usize::MAX));
    for part in [vec![7; 1234], vec![7; 300_000], vec![7; 400_000]] {
        let place = Place::new();
        fs::write(place.part(), part).unwrap();
        place.succeeds(&server);
    }
    assert_eq!(
        *server.asked.lock().unwrap(),
        [Some(1234), None, None, None]
    );
}

#[test]
fn a_server_without_ranges_starts_over() {
    let server = serve(|number, _, stream| {
        send(
            stream,
            &content(),
            None,
            if number == 0 { 100_000 } else { usize::MAX },
        );
    });
    Place::new().succeeds(&server);
    assert_eq!(*server.asked.lock().unwrap(), [None, Some(100_000)]);
}

#[test]
fn another_content_is_thrown_away_with_both_digests() {
    let server = serve(|_, asked, stream| {
        let mut content = content();
        content[299_999] ^= 1;
        send(stream, &content, asked.from, usize::MAX);
    });
    let place = Place::new();
    place.fails(&server.url, &[&SHA256.to_string(), "its SHA-256 is "]);
    assert!(!place.part().exists());
    assert_eq!(server.asked.lock().unwrap().len(), 1);
}

#[test]
fn a_page_instead_of_the_file_is_told_by_its_length() {
    let page = serve(|_, _, stream| send(stream, b"<html>log in</html>", None, usize::MAX));
    Place::new().fails(&page.url, &["not the file that was expected", "19 bytes"]);
    let place = Place::new();
    fs::write(place.part(), &content()[..1234]).unwrap();
    place.fails(&page.url, &["19 bytes"]);
    assert!(fs::read(place.part()).unwrap() == content()[..1234], "lost");
    let endless = serve(|_, _, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        while stream.write_all(&[0; 65_536]).is_ok() {}
    });
    Place::new().fails(&endless.url, &["expected 300000"]);
}

#[test]
fn redirects_are_followed() {
    let server = serve(|_, asked, stream| match asked.path.as_str() {
        "/file" => {
            let _ = stream.write_all(
                b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
        _ => send(stream, &content(), asked.from, usize::MAX),
    });
    Place::new().succeeds(&server);
}

#[test]
fn a_missing_file_is_asked_for_once_and_a_busy_server_again() {
    let server = serve(|_, _, stream| plain(stream, "404 Not Found"));
    Place::new().fails(&server.url, &["404", "not there any more", "/file"]);
    assert_eq!(server.asked.lock().unwrap().len(), 1);
    let server = serve(|number, asked, stream| match number {
        0 => plain(stream, "503 Service Unavailable"),
        _ => send(stream, &content(), asked.from, usize::MAX),
    });
    Place::new().succeeds(&server);
}

#[test]
fn a_server_that_stalls_is_given_up() {
    let server = serve(|_, asked, stream| {
        send(stream, &content(), asked.from, 1000);
        thread::sleep(Duration::from_secs(60));
    });
    let mut place = Place::new();
    place.options.patience = Duration::from_millis(100);
    // Each try brings a thousand bytes, so only the number of tries ends it: let it begin near the end of those.
    fs::write(place.part(), &content()[..299_500]).unwrap();
    place.succeeds(&server);
    let silent = serve(|_, _, _| thread::sleep(Duration::from_secs(60)));
    let mut place = Place::new();
    place.options.patience = Duration::from_millis(100);
    let said = place.fails(&silent.url, &["after 0 of 300000 bytes"]);
    assert!(!said.contains("kept"), "nothing came: {said}");
    let stalling = serve(|_, asked, stream| {
        send(
            stream,
            &content(),
            asked.from,
            if asked.from.is_none() { 1000 } else { 0 },
        );
        thread::sleep(Duration::from_secs(60));
    });
    let mut place = Place::new();
    place.options.patience = Duration::from_millis(100);
    place.fails(
        &stalling.url,
        &["after 1000 of 300000 bytes", "goes on from there"],
    );
    assert_eq!(
        fs::read(place.part()).unwrap(),
        content()[..1000],
        "kept for the next try"
    );
}

#[test]
fn a_full_disk_says_how_much_room_is_missing() {
    let full = std::io::ErrorKind::StorageFull.into();
    let said = part::unwritten(Path::new("w.pth.part"), 1234, full).to_string();
    assert!(
        said.contains("w.pth.part: the disk is full; make room for 1234 more bytes"),
        "{said}"
    );
}

#[test]
fn stopping_keeps_what_came() {
    let place = Place::new();
    place.options.stop.store(true, Ordering::Relaxed);
    fs::write(place.part(), &content()[..10]).unwrap();
    let error = place.fetch("http://127.0.0.1:9/never").unwrap_err();
    assert!(matches!(error, Error::Stopped), "{error}");
    assert_eq!(fs::metadata(place.part()).unwrap().len(), 10);
}

#[test]
fn whoever_comes_second_waits_and_takes_what_the_first_fetched() {
    let server = serve(|_, asked, stream| {
        thread::sleep(Duration::from_millis(100));
        send(stream, &content(), asked.from, usize::MAX);
    });
    let place = Place::new();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| place.fetch(&server.url).unwrap());
        }
    });
    assert!(fs::read(place.file()).unwrap() == content());
    assert_eq!(*server.asked.lock().unwrap(), [None]);
}

#[test]
fn plain_http_is_refused_outside_of_tests() {
    let server = serve(|_, asked, stream| send(stream, &content(), asked.from, usize::MAX));
    let place = Place::new();
    let wanted = Wanted {
        url: &server.url,
        path: &place.file(),
        sha256: SHA256,
        bytes: 300_000,
    };
    let said = fetch(
        &wanted,
        &agent(&place.options, true),
        &place.options,
        &mut (),
    )
    .unwrap_err();
    assert!(said.to_string().to_lowercase().contains("https"), "{said}");
    assert!(server.asked.lock().unwrap().is_empty());
}

#[test]
fn https_speaks_tls_and_a_server_that_does_not_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/file", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut first = [0];
        stream.read_exact(&mut first).unwrap();
        plain(&mut stream, "400 Bad Request");
        first[0]
    });
    let place = Place::new();
    let path = place.file();
    let wanted = Wanted {
        url: &url,
        path: &path,
        sha256: SHA256,
        bytes: 300_000,
    };
    let mut options = place.options.clone();
    options.patience = Duration::from_millis(500);
    let error = fetch(&wanted, &agent(&options, true), &options, &mut ()).unwrap_err();
    assert!(error.to_string().contains(&url), "{error}");
    assert_eq!(server.join().unwrap(), 22, "a TLS handshake record");
}
