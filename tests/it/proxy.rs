//! Every door through nginx: http and https, `Host` kept and rewritten, at the
//! root and below a path.
#![expect(clippy::print_stdout, reason = "where a check fails, the last line says by which way it went")]

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};
use tests::{Front, Nginx, TestServer};

/// Checks a door by every way there is.
async fn by_every_way(check: impl AsyncFn(&Front)) {
    let root = TestServer::start().await;
    let below = TestServer::with(|config| "/behind/a/proxy".clone_into(&mut config.base_path)).await;
    let nginx = Nginx::before(&[&root, &below]).await;
    for front in nginx.fronts() {
        println!("{front:?}");
        check(front).await;
    }
}

/// A new door is one more line, and the function of that name.
macro_rules! doors {
    ($($door:ident)*) => {$(
        #[tokio::test]
        async fn $door() {
            by_every_way(async |front| super::$door(front).await).await;
        }
    )*};
}

mod through_nginx {
    use super::by_every_way;

    doors! {
        page
        http
        invert
        shared_picture
        native
        raw
        channels
        htmx
        sse
        image_socket
        socketio
    }
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A PNG of one colour, small enough to have no filter worth its name.
fn png(colour: u8) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let pixels = image::RgbImage::from_pixel(20, 10, image::Rgb([colour; 3]));
    DynamicImage::from(pixels).write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

fn pixel(file: &[u8]) -> u8 {
    image::load_from_memory(file).unwrap().into_rgb8().get_pixel(3, 3).0[0]
}

/// The next message of a kind.
async fn next(ws: &mut tests::WsClient, kind: &str) -> Value {
    loop {
        let message: Value = serde_json::from_str(&ws.receive().await.text()).unwrap();
        if message["type"] == kind {
            return message;
        }
    }
}

async fn page(front: &Front) {
    let answer = front.http().get("/", &[("accept", "text/html")]).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/html; charset=utf-8"));
    let html = String::from_utf8(answer.body.to_vec()).unwrap();
    // Its links are relative, whatever stands before the page.
    let script = html.split("src=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(!script.starts_with('/') && !script.contains("://"), "{script}");
    assert_eq!(front.http().get(&format!("/{script}"), &[]).await.status, 200, "{script}");
}

async fn http(front: &Front) {
    let http = front.http();
    let said = format!("name=ada&text=by+{}", front.origin());
    assert_eq!(http.post("/", &[FORM, ("origin", &front.origin())], said.clone()).await.status, 201);
    let listed = http.get("/", &[]).await.json();
    let last = listed.as_array().unwrap().last().unwrap();
    assert_eq!(last["text"], format!("by {}", front.origin()));
    for foreign in ["https://evil.example", "https://negaphone.example", "null"] {
        assert_eq!(http.post("/", &[FORM, ("origin", foreign)], said.clone()).await.status, 403, "{foreign}");
    }
}

async fn invert(front: &Front) {
    let answer = front.http().post("/invert", &[("origin", &front.origin())], png(50)).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "image/png"));
    assert_eq!(pixel(&answer.body), 205);
    // Larger than what nginx takes unless told.
    let answer = front.http().post("/invert", &[], vec![0; 4 << 20]).await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (415, &json!("not_an_image")));
}

async fn shared_picture(front: &Front) {
    let mut member = front.ws("/ws/raw/shared").await;
    let answer = front.http().post("/rooms/shared/images?name=ada", &[], png(10)).await;
    assert_eq!(answer.status, 201);
    let url = answer.json()["url"].as_str().unwrap().to_owned();
    let path = url.strip_prefix(front.base_path()).expect("a path below the base");
    assert_eq!(pixel(&front.http().get(path, &[]).await.body), 245);
    let whole = format!("ada: {}{url}", front.origin());
    assert_eq!(member.receive().await.text(), whole, "the URL by which the sender came");
}

async fn native(front: &Front) {
    let mut ada = front.ws("/ws?room=n&name=ada").await;
    next(&mut ada, "welcome").await;
    let mut bob = front.ws("/ws?room=n&name=bob").await;
    next(&mut bob, "welcome").await;
    ada.send(json!({"type": "chat", "text": front.origin(), "id": front.origin()}).to_string()).await;
    let ack = next(&mut ada, "ack").await;
    loop {
        let chat = next(&mut bob, "chat").await;
        if chat["offset"] == ack["offset"] {
            break assert_eq!((&chat["from"], &chat["text"]), (&json!("ada"), &json!(front.origin())));
        }
    }
    assert_eq!(front.ws_from("https://evil.example", "/ws").await.unwrap_err(), 403);
}

async fn raw(front: &Front) {
    let mut ws = front.ws("/ws/raw/r").await;
    let large: Vec<u8> = (0..1_000_000_u32).map(|at| at.to_le_bytes()[0]).collect();
    ws.send_binary(large.clone()).await;
    assert!(ws.receive().await.binary() == large);
    assert_eq!(front.ws_from("https://evil.example", "/ws/raw/r").await.unwrap_err(), 403);
}

async fn channels(front: &Front) {
    let mut ws = front.ws("/ws/chat/c/").await;
    ws.send(r#"{"message":"hei"}"#).await;
    assert_eq!(ws.receive().await.text(), r#"{"message":"hei"}"#);
    let page = front.http().get("/chat/c/", &[]).await;
    assert!(page.status == 200 && String::from_utf8_lossy(&page.body).contains("chat-log"));
    assert_eq!(front.ws_from("https://evil.example", "/ws/chat/c/").await.unwrap_err(), 403);
}

async fn htmx(front: &Front) {
    let page = front.http().get("/htmx?room=h&name=ada", &[]).await;
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    let connect = page.split("ws-connect=\"").nth(1).unwrap().split('"').next().unwrap().replace("&#38;", "&");
    let mut ws = front.ws(connect.strip_prefix(front.base_path()).expect("a path below the base")).await;
    let said = format!("by {}", front.origin());
    ws.send(json!({"chat_message": said, "HEADERS": {}}).to_string()).await;
    while !ws.receive().await.text().contains(&said) {}
    assert_eq!(front.ws_from("https://evil.example", "/ws/htmx").await.unwrap_err(), 403);
}

async fn sse(front: &Front) {
    let said = format!("by {}", front.origin());
    let (http, message) = (front.http(), json!({"name": "ada", "text": said}));
    let path = "/rooms/s/events";
    let (events, answer) = tokio::join!(http.get_until(path, &said), http.post_json("/rooms/s/messages", &message));
    assert!(answer.status == 201 && events.contains(r#""type":"welcome""#), "{events}");
}

async fn image_socket(front: &Front) {
    let mut ws = front.ws("/ws/image").await;
    ws.send_binary(png(3)).await;
    assert_eq!(pixel(&ws.receive().await.binary()), 252);
}

async fn socketio(front: &Front) {
    let mut polling = front.polling().await;
    polling.send("40").await;
    assert!(polling.receive().await.starts_with("40{"));
    let mut ws = front.ws(&polling.websocket_path()).await;
    ws.send("2probe").await;
    assert_eq!(ws.receive().await.text(), "3probe");
    ws.send("5").await;
    ws.send(r#"421["message","hei"]"#).await;
    while !ws.receive().await.text().starts_with("431[{") {}
}
