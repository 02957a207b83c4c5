//! Requests that are no proper handshakes.

use tests::TestServer;

async fn check(request: &str, status: u16) -> String {
    let server = TestServer::start().await;
    let (answered, head) = server.socket().await.request(&request.replace('\n', "\r\n")).await;
    assert_eq!(answered, status, "{request}");
    head.to_lowercase()
}

#[tokio::test]
async fn what_is_no_upgrade_is_told_so() {
    let head = check("GET /ws HTTP/1.1\nHost: x\n\n", 426).await;
    assert!(head.contains("upgrade: websocket"));
    check("POST /ws HTTP/1.1\nHost: x\nConnection: Upgrade\nUpgrade: websocket\nContent-Length: 0\n\n", 405).await;
}

#[tokio::test]
async fn another_version_is_told_the_right_one() {
    let request = "GET /ws HTTP/1.1\nHost: x\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 8\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n";
    let head = check(request, 426).await;
    assert!(head.contains("sec-websocket-version: 13"), "{head}");
}

#[tokio::test]
async fn a_missing_or_bad_key_is_refused() {
    let request = "GET /ws HTTP/1.1\nHost: x\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n";
    check(&format!("{request}\n"), 400).await;
    check(&format!("{request}Sec-WebSocket-Key: c2hvcnQ=\n\n"), 400).await;
}

#[tokio::test]
async fn http_1_0_cannot_upgrade() {
    let request = "GET /ws HTTP/1.0\nHost: x\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n";
    check(request, 426).await;
}

#[tokio::test]
async fn bad_rooms_and_names_are_refused_before_the_upgrade() {
    let server = TestServer::start().await;
    for path in
        ["/ws?room=a%20b", "/ws?room=%3Cb%3E", "/ws?name=a%0Ab", "/ws?name=a%E2%80%AEb", "/ws/raw/a%20b", "/ws?since=x"]
    {
        assert_eq!(server.socket().await.upgrade(path).await, 400, "{path}");
    }
    let long = "x".repeat(95);
    assert_eq!(server.socket().await.upgrade(&format!("/ws?room={long}")).await, 400);
}

fn with_headers(extra: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: chat.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extra}\r\n"
    )
}

#[tokio::test]
async fn another_sites_page_is_refused_and_a_program_is_not() {
    let server = TestServer::start().await;
    for (extra, status) in [
        ("", 101),
        ("Origin: http://chat.example\r\n", 101),
        ("Origin: https://chat.example\r\n", 101),
        ("Origin: https://CHAT.example:443\r\n", 101),
        ("Origin: https://front.example\r\nX-Forwarded-Host: front.example\r\n", 101),
        ("Origin: https://evil.example\r\n", 403),
        ("Origin: https://chat.example:8443\r\n", 403),
        ("Origin: null\r\n", 403),
        ("Origin: https://chat.example.evil.example\r\n", 403),
    ] {
        let (answered, _) = server.socket().await.request(&with_headers(extra)).await;
        assert_eq!(answered, status, "{extra}");
    }
}

#[tokio::test]
async fn a_header_that_is_too_long_is_refused() {
    let request = format!("GET / HTTP/1.1\nHost: x\nX-Long: {}\n\n", "x".repeat(70_000));
    check(&request, 431).await;
}
