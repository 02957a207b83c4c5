//! Pictures at every door.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use serde_json::json;
use tests::{Received, TestServer, WsClient};

fn picture(seed: u8) -> DynamicImage {
    RgbaImage::from_fn(40, 30, |x, y| Rgba([x as u8 * 6, y as u8 * 8, seed, (x * y) as u8])).into()
}

fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

pub(crate) fn png(seed: u8) -> Vec<u8> {
    encode(&picture(seed), ImageFormat::Png)
}

fn check_negative(original: &DynamicImage, format: ImageFormat, answer: &[u8]) {
    assert_eq!(image::guess_format(answer).unwrap(), format);
    let mut expected = original.clone();
    expected.invert();
    let actual = image::load_from_memory(answer).unwrap();
    if format == ImageFormat::Jpeg {
        let (expected, actual) = (expected.to_rgb8(), actual.to_rgb8());
        let worst = expected.as_raw().iter().zip(actual.as_raw()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(worst <= 40, "{worst} levels apart");
    } else {
        assert_eq!(expected.to_rgba8(), actual.to_rgba8());
    }
}

pub(crate) fn check_png(seed: u8, answer: &[u8]) {
    check_negative(&picture(seed), ImageFormat::Png, answer);
}

#[tokio::test]
async fn every_format_comes_back_as_its_own_negative() {
    let server = TestServer::start().await;
    let rgb = DynamicImage::from(picture(7).to_rgb8());
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::Bmp, ImageFormat::WebP] {
        let file = encode(&rgb, format);
        let answer = server.http().post("/invert", &[("content-type", "text/plain")], file.clone()).await;
        assert_eq!(answer.status, 200, "{format:?}: {:?}", answer.body);
        assert_eq!(answer.header("content-type"), format.to_mime_type());
        check_negative(&image::load_from_memory(&file).unwrap(), format, &answer.body);
    }
}

#[tokio::test]
async fn pictures_that_cannot_be_inverted_are_refused_by_what_is_wrong() {
    let server = TestServer::start().await;
    let http = server.http();
    let (whole, huge) = (png(1), vec![0; (32 << 20) + 1]);
    let bomb = {
        let mut header = whole.clone();
        header[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        header
    };
    for (body, status, code) in [
        (vec![], 400, "not_an_image"),
        (b"just some text".to_vec(), 415, "not_an_image"),
        (b"\0\0\0\x20ftypavif\0\0\0\0".to_vec(), 415, "image_unsupported"),
        (whole[..whole.len() / 2].to_vec(), 422, "image_broken"),
        (huge, 413, "too_large"),
    ] {
        let answer = http.post("/invert", &[], body).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (status, &json!(code)));
    }
    let answer = http.post("/invert", &[], bomb).await;
    assert!(matches!(answer.status, 413 | 422), "{answer:?}");
}

#[tokio::test]
async fn the_native_door_names_what_is_wrong_with_a_picture() {
    let server = TestServer::start().await;
    let mut client = server.native("room=i").await;
    let whole = png(1);
    let huge = {
        let mut bmp = encode(&DynamicImage::new_rgb8(2, 2), ImageFormat::Bmp);
        bmp[18..26].copy_from_slice(&[0xFF, 0xFF, 1, 0, 0xFF, 0xFF, 1, 0]);
        bmp
    };
    for (number, (file, code)) in [
        (b"just some text".to_vec(), "not_an_image"),
        (Vec::new(), "not_an_image"),
        (b"\0\0\0\x20ftypavif\0\0\0\0".to_vec(), "image_unsupported"),
        (whole[..whole.len() / 2].to_vec(), "image_broken"),
        (huge, "image_too_large"),
    ]
    .into_iter()
    .enumerate()
    {
        client.ws().send_binary(file.clone()).await;
        let error = client.next(&["error"]).await;
        assert_eq!((&error["code"], &error["image"]), (&json!(code), &json!(number + 1)), "{error}");
        client.send(json!({"type": "image", "data": STANDARD.encode(file), "id": code})).await;
        let error = client.next(&["error"]).await;
        assert_eq!((&error["id"], error.get("image")), (&json!(code), None), "{error}");
    }
}

/// A JPEG's application segments of one kind, whole.
fn segments(jpeg: &[u8], marker: u8) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut rest = &jpeg[2..];
    // ITU-T T.81 §B.2.1: all of them stand before the first scan.
    while let [0xFF, kind, high, low, ..] = *rest
        && kind != 0xDA
    {
        let (segment, after) = rest.split_at(2 + usize::from(u16::from_be_bytes([high, low])));
        if kind == marker {
            found.push(segment);
        }
        rest = after;
    }
    found
}

#[tokio::test]
async fn orientation_and_profile_of_a_jpeg_are_kept_to_the_byte() {
    let server = TestServer::start().await;
    // A TIFF header and one directory with one entry: orientation 6, a quarter turn.
    let exif = b"Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let profile = [b"ICC_PROFILE\0\x01\x01".as_slice(), &[0x5A; 500]].concat();
    let segment = |marker: u8, payload: &[u8]| {
        let length = u16::try_from(payload.len() + 2).unwrap().to_be_bytes();
        [&[0xFF, marker], &length[..], payload].concat()
    };
    let plain = encode(&DynamicImage::from(picture(7).to_rgb8()), ImageFormat::Jpeg);
    let added = [segment(0xE1, exif), segment(0xE2, &profile)].concat();
    let file = [&plain[..2], &added, &plain[2..]].concat();
    let answer = server.http().post("/invert", &[], file.clone()).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    check_negative(&image::load_from_memory(&file).unwrap(), ImageFormat::Jpeg, &answer.body);
    for marker in [0xE1, 0xE2] {
        assert_eq!(segments(&file, marker).len(), 1);
        assert_eq!(segments(&answer.body, marker), segments(&file, marker));
    }
}

#[tokio::test]
async fn a_form_may_carry_the_picture() {
    let server = TestServer::start().await;
    let mut body = b"--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"x.jpg\"\r\n\r\n".to_vec();
    body.extend(png(3));
    body.extend(b"\r\n--b--\r\n");
    let answer = server.http().post("/invert", &[("content-type", "multipart/form-data; boundary=b")], body).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "image/png"));
    check_png(3, &answer.body);
}

#[tokio::test]
async fn negatives_come_in_the_order_of_their_pictures_and_errors_in_their_places() {
    let server = TestServer::start().await;
    let mut client = server.native("room=i").await;
    client.ws().send_binary(png(1)).await;
    client.ws().send_binary(b"no picture".to_vec()).await;
    client.ws().send_binary(png(2)).await;
    check_png(1, &client.ws().receive().await.binary());
    let error = client.next(&["error"]).await;
    assert_eq!((&error["code"], &error["image"]), (&json!("not_an_image"), &json!(2)));
    check_png(2, &client.ws().receive().await.binary());
}

#[tokio::test]
async fn the_image_door_answers_all_in_order() {
    let server = TestServer::start().await;
    let mut ws = server.ws("/ws/image").await;
    for seed in 0..20 {
        ws.send_binary(png(seed)).await;
    }
    for seed in 0..20 {
        check_png(seed, &ws.receive().await.binary());
    }
    ws.send_binary(b"no picture".to_vec()).await;
    let error: serde_json::Value = serde_json::from_str(&ws.receive().await.text()).unwrap();
    assert_eq!(error["error"]["code"], "not_an_image");
    ws.send_binary(png(9)).await;
    check_png(9, &ws.receive().await.binary());
}

async fn exchange(ws: &mut WsClient, text: String) -> String {
    ws.send(text).await;
    let answer: serde_json::Value = serde_json::from_str(&ws.receive().await.text()).unwrap();
    answer["image"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[tokio::test]
async fn the_image_door_takes_base64_and_data_urls() {
    let server = TestServer::start().await;
    let mut ws = server.ws("/ws/image").await;
    let base64 = STANDARD.encode(png(4));
    let answer = exchange(&mut ws, json!({"image": base64}).to_string()).await;
    check_png(4, &STANDARD.decode(answer).unwrap());
    let answer = exchange(&mut ws, json!({"image": format!("data:image/png;base64,{base64}")}).to_string()).await;
    let answer = answer.strip_prefix("data:image/png;base64,").expect("a data: URL comes back as one");
    check_png(4, &STANDARD.decode(answer).unwrap());
    for bad in ["no json", "{}", r#"{"image":"%%%"}"#] {
        ws.send(bad).await;
        let error: serde_json::Value = serde_json::from_str(&ws.receive().await.text()).unwrap();
        assert!(error["error"]["code"].is_string(), "{bad}: {error}");
    }
}

#[tokio::test]
async fn a_picture_in_json_comes_back_in_json_to_its_sender_alone() {
    let server = TestServer::start().await;
    let (mut ada, mut bob) = (server.native("room=i&name=ada").await, server.native("room=i&name=bob").await);
    ada.send(json!({"type": "image", "data": STANDARD.encode(png(5)), "id": "i1"})).await;
    let negative = ada.next(&["negative"]).await;
    assert_eq!((&negative["id"], &negative["format"]), (&json!("i1"), &json!("png")));
    check_png(5, &STANDARD.decode(negative["data"].as_str().unwrap()).unwrap());
    ada.say("after").await;
    assert_eq!(bob.next(&["chat", "image", "negative"]).await["text"], "after");
}

#[tokio::test]
async fn a_shared_picture_is_a_message_with_an_address() {
    let server = TestServer::start().await;
    let mut ada = server.native("room=i&name=ada").await;
    let mut raw = server.ws("/ws/raw/i").await;
    ada.next(&["join"]).await;
    ada.send(json!({"type": "image", "data": STANDARD.encode(png(6)), "id": "i1", "share": true})).await;
    let shared = ada.next(&["image"]).await;
    assert_eq!((&shared["offset"], &shared["width"], &shared["height"]), (&json!(1), &json!(40), &json!(30)));
    let url = shared["url"].as_str().unwrap();
    assert_eq!(raw.receive().await, Received::Text(format!("ada: http://{}{url}", server.address())));
    let picture = server.http().get(url, &[]).await;
    assert_eq!((picture.header("content-type"), picture.header("x-content-type-options")), ("image/png", "nosniff"));
    check_png(6, &picture.body);
    let posted = server.http().post("/rooms/i/images?name=bob", &[], png(8)).await;
    assert_eq!((posted.status, &posted.json()["offset"]), (201, &json!(2)));
    let told = ada.next(&["image"]).await;
    assert_eq!((&told["from"], &told["url"]), (&json!("bob"), &posted.json()["url"]));
    let listed = server.http().get("/rooms/i/messages", &[]).await.json();
    assert_eq!(listed["messages"][1]["image"]["url"], posted.json()["url"]);
    assert_eq!(server.http().get("/images/nothing", &[]).await.status, 404);
}

#[tokio::test]
async fn the_public_url_stands_before_shared_pictures_where_whole_addresses_are_needed() {
    let server = TestServer::with(|config| config.public_url = Some("https://chat.example".into())).await;
    let mut raw = server.ws("/ws/raw/i").await;
    let mut watcher = server.native("room=i").await;
    while watcher.welcome["members"] != 2 {
        watcher = server.native("room=i").await;
    }
    let posted = server.http().post("/rooms/i/images?name=bob", &[], png(8)).await.json();
    let url = posted["url"].as_str().unwrap();
    assert_eq!(raw.receive().await, Received::Text(format!("bob: https://chat.example{url}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_pictures_than_may_be_under_way_are_refused_in_their_places_and_the_rest_is_answered() {
    let server = TestServer::start().await;
    let mut client = server.native("room=i").await;
    let large = encode(&DynamicImage::new_rgb8(1500, 1500), ImageFormat::Png);
    for _ in 0..12 {
        client.ws().send_binary(large.clone()).await;
    }
    let (mut negatives, mut refused) = (0, Vec::new());
    for _ in 0..12 {
        match client.ws().receive().await {
            Received::Binary(_) => negatives += 1,
            Received::Text(text) => {
                let error: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!(error["code"], "overloaded");
                refused.push(error["image"].as_u64().unwrap());
            }
            Received::Closed(code) => panic!("closed with {code:?}"),
        }
    }
    assert!(negatives >= 4 && refused.is_sorted(), "{negatives} negatives, {refused:?} refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_negative_comes_in_fragments_between_which_pings_are_answered() {
    let server = TestServer::start().await;
    let noise = image::RgbImage::from_fn(800, 800, |x, y| {
        let mix = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).wrapping_mul(2_246_822_519);
        image::Rgb([(mix >> 8) as u8, (mix >> 16) as u8, (mix >> 24) as u8])
    });
    let file = encode(&noise.into(), ImageFormat::Bmp);
    let mut socket = server.socket().await;
    assert_eq!(socket.upgrade("/ws/image").await, 101);
    socket.send(&tests::RawSocket::masked(0x82, &file)).await;
    let first = socket.frame().await.unwrap();
    assert_eq!((first.head, first.payload.len()), (0x02, 64 * 1024));
    socket.send(&tests::RawSocket::masked(0x89, b"hello")).await;
    let (mut bytes, mut pongs) = (first.payload.len(), 0);
    let last = loop {
        let frame = socket.frame().await.unwrap();
        match frame.head {
            0x8A => pongs += 1,
            0x00 => bytes += frame.payload.len(),
            head => break (head, bytes + frame.payload.len()),
        }
    };
    assert_eq!(last, (0x80, file.len()));
    if pongs == 0 {
        assert_eq!(socket.frame().await.unwrap().head, 0x8A);
    }
}
