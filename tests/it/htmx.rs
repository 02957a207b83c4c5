//! The htmx door and its page.

use serde_json::json;
use tests::{Received, TestServer};

use crate::images::png;

#[tokio::test]
async fn only_elements_that_say_where_they_go_are_sent() {
    let server = TestServer::start().await;
    let mut ada = server.native("room=r&name=ada").await;
    ada.say("<i>before</i>").await;
    ada.hears().await;
    let mut ws = server.ws("/ws/htmx?room=r&name=bob").await;
    let history = ws.receive().await.text();
    let begin = r#"<div id="chat_room" hx-swap-oob="innerHTML:#chat_room"><p><b>ada</b> "#;
    assert!(history.starts_with(begin) && !history.contains("<i>"), "{history}");
    ws.send(json!({"chat_message": "hei", "HEADERS": {"HX-Request": "true"}}).to_string()).await;
    let appended = r#"<div id="chat_room" hx-swap-oob="beforeend"><p><b>bob</b> hei</p></div>"#;
    assert_eq!(ws.receive().await.text(), appended);
    ws.send(json!({"chat_message": ["a", "b"], "name": "eve", "headers": {}}).to_string()).await;
    assert_eq!(ws.receive().await.text(), appended.replace("bob", "eve").replace("hei", "a\nb"));
    for bad in ["hei", "{}", r#"{"chat_message":""}"#, r#"{"chat_message":"x","name":"\u0007"}"#] {
        ws.send(bad).await;
        let error = ws.receive().await.text();
        assert!(error.starts_with(r#"<div id="errors" hx-swap-oob="innerHTML:#errors"><p>"#), "{bad}: {error}");
    }
    ws.send(json!({"chat_message": "after"}).to_string()).await;
    let renewed = ws.receive().await.text();
    assert!(renewed.contains("after") || renewed.contains(r#"id="errors""#), "{renewed}");
    assert_eq!(ada.hears().await, "hei");
    assert_eq!(ada.hears().await, "a\nb");
    assert_eq!(ada.hears().await, "after", "nothing else was stored");
}

#[tokio::test]
async fn binary_closes_with_1003() {
    let server = TestServer::start().await;
    let mut ws = server.ws("/ws/htmx").await;
    ws.receive().await;
    ws.send_binary(&b"hei"[..]).await;
    assert_eq!(ws.receive().await, Received::Closed(Some(1003)));
}

#[tokio::test]
async fn the_page_has_no_script_of_its_own_and_what_it_shows_is_no_markup() {
    let server = TestServer::start().await;
    let page = server.http().get("/htmx?room=r&name=%22%3E%3Cscript%3E", &[]).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(!page.header("content-security-policy").contains("unsafe"));
    let body = String::from_utf8(page.body.to_vec()).unwrap();
    let scripts: Vec<_> = body.match_indices("<script").map(|(at, _)| body[at..].split_once('>').unwrap().0).collect();
    assert_eq!(
        scripts,
        [r#"<script src="/assets/vendor/htmx.min.js""#, r#"<script src="/assets/vendor/htmx-ws.min.js""#]
    );
    assert!(!body.contains(" on") || !body.contains("javascript:"));
    for file in ["/assets/vendor/htmx.min.js", "/assets/vendor/htmx-ws.min.js", "/assets/css/htmx.css"] {
        assert_eq!(server.http().get(file, &[]).await.status, 200, "{file}");
    }
}

#[tokio::test]
async fn requests_of_htmx_are_answered_with_elements() {
    let server = TestServer::start().await;
    let http = server.http();
    let htmx = ("HX-Request", "true");
    let negative = http.post("/invert", &[htmx], png(1)).await;
    assert_eq!((negative.status, negative.header("content-type")), (200, "text/html; charset=utf-8"));
    let element = String::from_utf8(negative.body.to_vec()).unwrap();
    assert!(element.starts_with(r#"<img src="data:image/png;base64,iVBOR"#), "{element}");
    assert!(element.ends_with(r#" width="40" height="30">"#), "{element}");
    let shared = http.post("/rooms/r/images?name=ada", &[htmx], png(1)).await;
    let element = String::from_utf8(shared.body.to_vec()).unwrap();
    assert!(element.starts_with(r#"<img src="/images/"#), "{element}");
    for (body, status) in [(Vec::new(), 400), (b"no picture".to_vec(), 415), (png(1)[..30].to_vec(), 422)] {
        let fault = http.post("/invert", &[htmx], body.clone()).await;
        let element = String::from_utf8(fault.body.to_vec()).unwrap();
        assert_eq!((fault.status, fault.header("content-type")), (status, "text/html; charset=utf-8"), "{element}");
        assert!(element.starts_with(r#"<p class="fault">"#), "{element}");
        assert!(http.post("/invert", &[], body).await.json()["error"]["message"].is_string());
    }
}
