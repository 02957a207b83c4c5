//! What Prometheus is shown.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};
use tests::TestServer;

/// The value of one line, by what stands before it.
pub(crate) async fn value(server: &TestServer, series: &str) -> Option<f64> {
    let answer = server.http().get("/metrics", &[]).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/plain; version=0.0.4; charset=utf-8"));
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map(|value| value.parse().unwrap())
}

fn encode(format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    DynamicImage::new_rgb8(20, 10).write_to(&mut file, format).unwrap();
    file.into_inner()
}

#[tokio::test]
async fn pictures_are_counted_by_format_and_by_what_is_wrong_with_them() {
    let server = TestServer::start().await;
    let bmp = encode(ImageFormat::Bmp);
    let bmp_bytes = bmp.len() as f64;
    for file in [bmp.clone(), bmp, b"text".to_vec(), b"BM".to_vec(), Vec::new()] {
        server.http().post("/invert", &[], file).await;
    }
    for (series, expected) in [
        (r#"negaphone_pictures_inverted_total{format="bmp"}"#, Some(2.0)),
        (r#"negaphone_pictures_inverted_total{format="png"}"#, None),
        (r#"negaphone_pictures_refused_total{reason="empty"}"#, Some(1.0)),
        (r#"negaphone_pictures_work_seconds_count{format="bmp"}"#, Some(2.0)),
        (r#"negaphone_pictures_work_seconds_bucket{format="bmp",le="+Inf"}"#, Some(2.0)),
        ("negaphone_pictures_wait_seconds_count", Some(5.0)),
        ("negaphone_pictures_read_bytes_total", Some(2.0 * bmp_bytes)),
        ("negaphone_pictures_written_bytes_total", Some(2.0 * bmp_bytes)),
        ("negaphone_pictures_waiting", Some(0.0)),
        ("negaphone_pictures_waiting_bytes", Some(0.0)),
    ] {
        assert_eq!(value(&server, series).await, expected, "{series}");
    }
}

#[tokio::test]
async fn stored_messages_are_counted_and_repeats_are_not() {
    let server = TestServer::start().await;
    let send = async |key: &str| {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        server.http().post("/rooms/m/messages", &headers, r#"{"name":"ada","text":"hei"}"#).await.status
    };
    assert_eq!([send("one").await, send("two").await, send("one").await], [201, 201, 200]);
    assert_eq!(value(&server, "negaphone_messages_stored_total").await, Some(2.0));
    assert_eq!(value(&server, "negaphone_rooms").await, Some(1.0));
}

#[tokio::test]
async fn the_history_says_how_much_it_stores_and_how_it_keeps_up() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::in_folder(folder.path()).await;
    let before = value(&server, "negaphone_history_bytes").await.unwrap();
    let mut client = server.native("room=m").await;
    for number in 0..100 {
        client.say(&number.to_string()).await;
        client.hears().await;
    }
    for (series, expected) in [
        ("negaphone_history_batch_messages_sum", 100.0),
        ("negaphone_history_append_seconds_count", 100.0),
        ("negaphone_history_refused_messages_total", 0.0),
        ("negaphone_history_forgotten_messages_total", 0.0),
    ] {
        assert_eq!(value(&server, series).await, Some(expected), "{series}");
    }
    let after = value(&server, "negaphone_history_bytes").await.unwrap();
    assert!(after > before + 1_000.0, "{before}, then {after}");
}

#[tokio::test]
async fn what_retention_takes_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let server =
        TestServer::bounded_in_folder(folder.path(), |limits| limits.sqlite.retention.room_max_messages = 10).await;
    let mut client = server.native("room=m").await;
    for number in 0..30 {
        client.say(&number.to_string()).await;
        client.hears().await;
    }
    assert_eq!(value(&server, "negaphone_history_forgotten_messages_total").await, Some(20.0));
}

#[tokio::test]
async fn connections_are_counted_by_door_while_they_are_open() {
    let server = TestServer::start().await;
    let series = |door: &str| format!(r#"negaphone_connections{{door="{door}"}}"#);
    let (raw, native) = (server.ws("/ws/raw/m").await, server.native("room=m").await);
    for door in ["raw", "native"] {
        let opened = async { while value(&server, &series(door)).await != Some(1.0) {} };
        tests::within_deadline("the open connection", opened).await;
    }
    drop((raw, native));
    for door in ["raw", "native"] {
        let closed = async { while value(&server, &series(door)).await != Some(0.0) {} };
        tests::within_deadline("the end of the connection", closed).await;
    }
}
