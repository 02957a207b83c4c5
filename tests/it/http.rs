//! Plain HTTP.

use hyper::Method;
use serde_json::{Value, json};
use tests::TestServer;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[tokio::test]
async fn the_same_address_is_a_page_for_people_and_json_for_programs() {
    let server = TestServer::start().await;
    let http = server.http();
    for accept in ["text/html", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"] {
        let page = http.get("/", &[("accept", accept)]).await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        assert!(page.header("vary").contains("Accept"));
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-inline"), "{policy}");
    }
    for headers in [&[][..], &[("accept", "*/*")], &[("accept", "application/json")]] {
        let list = http.get("/", headers).await;
        assert_eq!((list.status, list.json()), (200, json!([])));
        assert!(list.header("vary").contains("Accept"));
    }
}

#[tokio::test]
async fn what_is_posted_is_listed_exactly() {
    let server = TestServer::start().await;
    let http = server.http();
    let text = "æøå &<>%+ 😀 \"quoted\" \\";
    let form = "name=%C3%A5da&text=%C3%A6%C3%B8%C3%A5+%26%3C%3E%25%2B+%F0%9F%98%80+%22quoted%22+%5C";
    let multipart = format!(
        "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nåda\r\n--b\r\n\
         Content-Disposition: form-data; name=\"text\"\r\n\r\n{text}\r\n--b--\r\n"
    );
    let answers = [
        http.post("/", &[FORM], form).await,
        http.post("/", &[("content-type", "multipart/form-data; boundary=b")], multipart).await,
        http.post_json("/", &json!({"name": "åda", "text": text})).await,
    ];
    assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
    let list = http.get("/", &[]).await.json();
    let list: Vec<_> = list.as_array().unwrap().iter().map(|message| (&message["name"], &message["text"])).collect();
    assert_eq!(list, [(&json!("åda"), &json!(text)); 3]);
}

#[tokio::test]
async fn what_is_missing_is_refused_and_nothing_is_stored() {
    let server = TestServer::start().await;
    let http = server.http();
    let json_type = [("content-type", "application/json")];
    let answers = [
        http.post("/", &[FORM], "name=ada").await,
        http.post("/", &[FORM], "text=hei").await,
        http.post("/", &[FORM], "name=ada&text=").await,
        http.post("/", &[FORM], "name=&text=hei").await,
        http.post("/", &[FORM], "").await,
        http.post("/", &[], "").await,
        http.post("/", &[("content-type", "text/plain")], "name=ada&text=hei").await,
        http.post("/", &json_type, "{").await,
        http.post("/", &json_type, r#"{"name":1,"text":"hei"}"#).await,
        http.post("/", &[("content-type", "multipart/form-data; boundary=b")], "nothing").await,
        http.post("/rooms/lobby/messages", &json_type, r#"{"name":"ada"}"#).await,
        http.post("/rooms/lobby/messages", &json_type, r#"{"name":"a\nb","text":"hei"}"#).await,
    ];
    for answer in &answers {
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.json()["error"]["message"].is_string());
    }
    assert_eq!(http.get("/", &[]).await.json(), json!([]));
}

#[tokio::test]
async fn what_is_too_large_is_413() {
    let server = TestServer::start().await;
    let http = server.http();
    let text = "x".repeat(16 * 1024 + 1);
    assert_eq!(http.post_json("/", &json!({"name": "ada", "text": text})).await.status, 413);
    assert_eq!(http.post_json("/", &json!({"name": "ada", "text": &text[1..]})).await.status, 201);
    let data = format!("[{}]", "1,".repeat(40_000) + "1");
    let data: Value = serde_json::from_str(&data).unwrap();
    assert_eq!(http.post_json("/rooms/r/messages", &json!({"data": data})).await.status, 413);
    assert_eq!(http.post("/", &[FORM], "x".repeat(300_000)).await.status, 413);
}

#[tokio::test]
async fn what_is_too_large_is_413_also_when_its_length_is_not_declared() {
    let server = TestServer::start().await;
    let mut socket = server.socket().await;
    let chunk = format!("{:x}\r\n{}\r\n", 60_000, "x".repeat(60_000));
    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (status, _) = socket.request(&format!("{head}{}", chunk.repeat(5))).await;
    assert_eq!(status, 413);
}

#[tokio::test]
async fn unknown_paths_are_404_for_everybody() {
    let server = TestServer::start().await;
    let http = server.http();
    for path in ["/nothing", "/index.html", "/assets/nothing.js", "/assets/../Cargo.toml", "/ws/raw/", "/images/none"] {
        for accept in ["text/html", "*/*"] {
            assert_eq!(http.get(path, &[("accept", accept)]).await.status, 404, "{path}");
        }
    }
}

#[tokio::test]
async fn another_sites_form_is_refused() {
    let server = TestServer::start().await;
    let http = server.http();
    let evil = ("origin", "https://evil.example");
    assert_eq!(http.post("/", &[FORM, evil], "name=ada&text=hei").await.status, 403);
    assert_eq!(
        http.request(Method::DELETE, "/rooms/lobby/messages", &[evil], "").await.json()["error"]["code"],
        "foreign_origin"
    );
    let ours = format!("http://{}", server.address());
    assert_eq!(http.post("/", &[FORM, ("origin", &ours)], "name=ada&text=hei").await.status, 201);
    assert_eq!(http.get("/", &[evil]).await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn clearing_a_room_needs_a_right_that_nobody_has() {
    let server = TestServer::start().await;
    let http = server.http();
    http.post_json("/", &json!({"name": "ada", "text": "hei"})).await;
    assert_eq!(http.request(Method::DELETE, "/rooms/lobby/messages", &[], "").await.status, 403);
    assert_eq!(http.get("/", &[]).await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn orchestrators_are_told_how_it_is() {
    let server = TestServer::start().await;
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(server.http().get(path, &[]).await.status, 200);
    }
}

#[tokio::test]
async fn everything_works_below_a_base_path() {
    let server = TestServer::with(|config| config.base_path = "/chat".to_owned()).await;
    let http = server.http();
    let page = http.get("/", &[("accept", "text/html")]).await;
    assert_eq!(page.status, 200);
    assert_eq!(http.get("/assets/manifest.webmanifest", &[]).await.status, 200);
    assert_eq!(http.get("", &[]).await.header("location"), "/chat/");
    let mut native = server.native("room=b").await;
    native.say("hei").await;
    assert_eq!(native.hears().await, "hei");
    let (status, _) = server.socket().await.request("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn unchanged_files_are_not_sent_again() {
    let server = TestServer::start().await;
    let http = server.http();
    let first = http.get("/", &[("accept", "text/html")]).await;
    let again = http.get("/", &[("accept", "text/html"), ("if-none-match", first.header("etag"))]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
}

#[tokio::test]
async fn the_page_names_no_other_site() {
    let server = TestServer::start().await;
    let page = server.http().get("/", &[("accept", "text/html")]).await;
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    assert!(!page.contains("src=\"http") && !page.contains("href=\"http"), "{page}");
}
