//! What the server adds to the crate: the same picture inverted by a call, and
//! through `POST /invert` on loopback, in turns.
//!
//! Counted is the processor time of threads, a mean in milliseconds: it tells
//! more than the clock where others use the machine too. A thread that reads
//! the same bytes from bare TCP and writes the answer is counted as well: what
//! the server's threads take beyond it stands against the call. The clock's
//! median of a request stands last.
#![expect(clippy::print_stdout, reason = "criterion compares no two things with each other; these rows do")]

use std::fs;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use benches::picture::{Encoding, photo_like};
use benches::relay;
use invert::{Limits, Options, Scratch, invert, invert_into};

/// Pixels of a phone's photo; a bitmap of so many is larger than the server
/// takes.
const PHOTO: (u32, u32) = (4000, 3000);
const BITMAP: (u32, u32) = (3600, 2700);

const SEED: u64 = 20_261_125;

/// Chosen: the figures stand still, and the slowest format takes ten seconds.
const ROUNDS: u32 = 21;

/// How the names of threads begin: one that calls, one that only reads and
/// writes, and the server's for sockets and for pictures.
const CALLER: &[&str] = &["caller"];
const MIRROR: &[&str] = &["mirror"];
const SERVER: &[&str] = &["relay", "image-"];

fn main() {
    // Cargo says --bench or --test; under the latter it is enough that all works.
    let rounds = if std::env::args().any(|arg| arg == "--test") { 1 } else { ROUNDS };
    let (server, _runtime) = relay::start(SERVER[0]);

    let [photo, bitmap] = [PHOTO, BITMAP].map(|(width, height)| photo_like(SEED, width, height));
    let titles = ["MB", "call", "TCP", "server", "beyond TCP / call", "clock"];
    let [size, call, tcp, server_title, ratio, clock] = titles;
    println!("{:<12} {size:>6} {call:>8} {tcp:>8} {server_title:>8} {ratio:>18} {clock:>8}", "file");
    for encoding in [Encoding::Jpeg, Encoding::PngPalette, Encoding::Gif, Encoding::Bmp, Encoding::PngRgb] {
        let file = encoding.encode(if encoding == Encoding::Bmp { &bitmap } else { &photo });
        let Measured { call, tcp, server, clock } = measure(&file, server.address(), rounds);
        println!(
            "{:<12} {:>6.1} {:>8.2} {:>8.2} {:>8.2} {:>18.2} {:>8.2}",
            encoding.name(),
            file.len() as f64 / 1e6,
            millis(call),
            millis(tcp),
            millis(server),
            server.saturating_sub(tcp).as_secs_f64() / call.as_secs_f64(),
            millis(clock),
        );
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

struct Measured {
    call: Duration,
    tcp: Duration,
    server: Duration,
    clock: Duration,
}

fn measure(file: &[u8], server: SocketAddr, rounds: u32) -> Measured {
    let negative = invert(file, &Limits::default()).expect("the picture is right").bytes;
    let call = caller(file.to_owned());
    let mut bare = Client::new(mirror(file.len(), negative.clone()));
    let mut http = Client::new(server);
    let mut clocks = Vec::new();
    let mut round = || {
        call();
        bare.exchange(file, negative.len());
        let begun = Instant::now();
        http.post(file);
        clocks.push(begun.elapsed());
        assert!(http.answer == negative, "the server's negative is another one");
    };
    // The first round warms what the others find warm.
    round();
    let before = [CALLER, MIRROR, SERVER].map(time_of);
    (0..rounds).for_each(|_| round());
    let after = [CALLER, MIRROR, SERVER].map(time_of);
    clocks.sort_unstable();
    let [call, tcp, server] = [0, 1, 2].map(|group| (after[group] - before[group]) / rounds);
    Measured { call, tcp, server, clock: clocks[clocks.len() / 2] }
}

/// Processor time of all threads whose names begin so, that still run.
fn time_of(names: &[&str]) -> Duration {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux tells of threads");
    let paths = tasks.map(|task| task.expect("Linux tells of threads").path());
    let wanted = paths.filter(|path| {
        let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
        names.iter().any(|wanted| name.starts_with(wanted))
    });
    wanted.map(|path| schedstat(&path)).sum()
}

fn schedstat(task: &Path) -> Duration {
    let text = fs::read_to_string(task.join("schedstat")).unwrap_or_default();
    // The first number is the time on a processor, in nanoseconds.
    Duration::from_nanos(text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default())
}

/// Inverts the file on a thread of its own, once for each call.
fn caller(file: Vec<u8>) -> impl Fn() {
    let (ask, asked) = sync_channel(0);
    let (done, is_done) = sync_channel(0);
    spawn(CALLER, move || {
        let options = Options::default();
        let mut scratch = Scratch::default();
        while asked.recv().is_ok() {
            // As at the server, who asked gets a buffer of its own.
            let mut negative = Vec::new();
            invert_into(&file, &options, &mut scratch, &mut negative).expect("the picture is right");
            black_box(negative);
            done.send(()).expect("somebody waits");
        }
    });
    move || {
        ask.send(()).expect("the thread waits");
        is_done.recv().expect("the thread answers");
    }
}

/// Reads so many bytes, then answers, again and again.
fn mirror(file_bytes: usize, answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it has an address");
    spawn(MIRROR, move || {
        let (mut stream, _) = listener.accept().expect("somebody comes");
        let mut file = vec![0; file_bytes];
        while stream.read_exact(&mut file).is_ok() {
            stream.write_all(&answer).expect("the other side reads");
        }
    });
    address
}

fn spawn(names: &[&str], work: impl FnOnce() + Send + 'static) {
    thread::Builder::new().name(names[0].to_owned()).spawn(work).expect("the system gives a thread");
}

struct Client {
    stream: BufReader<TcpStream>,
    answer: Vec<u8>,
}

impl Client {
    fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("somebody listens");
        stream.set_nodelay(true).expect("a TCP stream");
        Self { stream: BufReader::new(stream), answer: Vec::new() }
    }

    fn exchange(&mut self, file: &[u8], answer_bytes: usize) {
        self.stream.get_mut().write_all(file).expect("the other side reads");
        self.read(answer_bytes);
    }

    fn post(&mut self, file: &[u8]) {
        let head = format!("POST /invert HTTP/1.1\r\nHost: bench\r\nContent-Length: {}\r\n\r\n", file.len());
        self.stream.get_mut().write_all(head.as_bytes()).expect("the server reads");
        self.stream.get_mut().write_all(file).expect("the server reads");
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("the server answers");
        assert_eq!(line, "HTTP/1.1 200 OK\r\n");
        let mut answer_bytes = 0;
        while line != "\r\n" {
            line.clear();
            self.stream.read_line(&mut line).expect("the server answers");
            if let Some(length) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                answer_bytes = length.trim().parse().expect("a number");
            }
        }
        self.read(answer_bytes);
    }

    fn read(&mut self, bytes: usize) {
        self.answer.resize(bytes, 0);
        self.stream.read_exact(&mut self.answer).expect("the whole answer");
    }
}
