//! What the server adds to the crate: the same picture inverted by a call, and
//! through `POST /invert` on loopback, in turns. Medians, in milliseconds.
//!
//! What bare TCP takes for the same bytes there and back is measured too: what
//! remains of a request without it is the server's time, and stands against
//! the call's.
#![expect(clippy::print_stdout, reason = "criterion compares no two things with each other; these rows do")]

use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use benches::picture::{Encoding, photo_like};
use clap::Parser;
use invert::{Options, Scratch, invert_into};
use negaphone::config::{Cli, Config};

/// Pixels of a phone's photo; a bitmap of so many is larger than the server
/// takes.
const PHOTO: (u32, u32) = (4000, 3000);
const BITMAP: (u32, u32) = (3600, 2700);

const SEED: u64 = 20_261_125;

/// Chosen: the median stands still, and the slowest format takes ten seconds.
const ROUNDS: usize = 21;

fn main() {
    // Cargo says --bench or --test; under the latter it is enough that all works.
    let rounds = if std::env::args().any(|arg| arg == "--test") { 1 } else { ROUNDS };
    let cli = Cli::parse_from(["negaphone", "--listen", "127.0.0.1:0", "--no-rate-limit"]);
    let config = Config::try_from(cli.serve).expect("the settings are right");
    let runtime = tokio::runtime::Runtime::new().expect("the system gives threads");
    let server = runtime.block_on(negaphone::start(config)).expect("the server starts");

    let [photo, bitmap] = [PHOTO, BITMAP].map(|(width, height)| photo_like(SEED, width, height));
    println!("{:<12} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}", "file", "MB", "call", "TCP", "request", "server", "/ call");
    for encoding in [Encoding::Jpeg, Encoding::PngPalette, Encoding::Gif, Encoding::Bmp, Encoding::PngRgb] {
        let file = encoding.encode(if encoding == Encoding::Bmp { &bitmap } else { &photo });
        let [call, tcp, request] = measure(&file, server.address(), rounds);
        let server = request.saturating_sub(tcp);
        println!(
            "{:<12} {:>8.1} {:>8.2} {:>8.2} {:>8.2} {:>8.2} {:>8.2}",
            encoding.name(),
            file.len() as f64 / 1e6,
            millis(call),
            millis(tcp),
            millis(request),
            millis(server),
            server.as_secs_f64() / call.as_secs_f64(),
        );
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Medians of a call, of bare TCP, and of a request.
fn measure(file: &[u8], server: SocketAddr, rounds: usize) -> [Duration; 3] {
    let options = Options::default();
    let mut scratch = Scratch::default();
    let mut negative = Vec::new();
    invert_into(file, &options, &mut scratch, &mut negative).expect("the picture is right");

    let mut bare = Client::new(mirror(file.len(), negative.clone()));
    let mut http = Client::new(server);
    let mut times = [const { Vec::new() }; 3];
    // The first round warms what the others find warm.
    for round in 0..=rounds {
        let taken = [
            timed(|| {
                // As for the server, who asked gets a buffer of its own.
                let mut negative = Vec::new();
                invert_into(file, &options, &mut scratch, &mut negative).expect("the picture is right");
                black_box(negative);
            }),
            timed(|| bare.exchange(file, negative.len())),
            timed(|| http.post(file)),
        ];
        assert!(http.answer == negative, "the server's negative is another one");
        if round > 0 || rounds == 1 {
            times.iter_mut().zip(taken).for_each(|(times, taken)| times.push(taken));
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    })
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

/// Reads so many bytes, then answers, again and again.
fn mirror(file_bytes: usize, answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it has an address");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody comes");
        let mut file = vec![0; file_bytes];
        while stream.read_exact(&mut file).is_ok() {
            stream.write_all(&answer).expect("the other side reads");
        }
    });
    address
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
