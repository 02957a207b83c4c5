//! What clients say: frames of WebSocket, and what other doors read.

/// Limits, where it is cut, and then frames.
pub(crate) fn frames() -> Vec<Vec<u8>> {
    let long = [b'x'; 200];
    let connections: [&[(u8, &[u8])]; 8] = [
        &[(0x81, b"hei")],
        &[(0x82, &long), (0x89, b"ping"), (0x8A, b"")],
        &[(0x01, "bl\u{e5}".as_bytes()), (0x89, b""), (0x00, b""), (0x80, b"b\xC3\xA6r")],
        &[(0x88, b"\x03\xE8bye")],
        &[(0x88, b"")],
        &[(0x81, b"\xC3"), (0x81, b"x")],
        &[(0x02, b"a"), (0x02, b"b")],
        &[(0x80, b"stray")],
    ];
    let limits = [[200, 200, 4, 3, 7], [1, 0, 0, 0, 1]];
    let connection = |frames: &[(u8, &[u8])], limits: [u8; 5]| {
        let frames = frames.iter().flat_map(|&(first, payload)| frame(first, payload));
        limits.into_iter().chain(frames).collect()
    };
    connections.iter().flat_map(|frames| limits.map(|limits| connection(frames, limits))).collect()
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = [1, 2, 3, 4];
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
    }
    frame.extend(KEY);
    frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// Who reads, and what.
pub(crate) fn codecs() -> Vec<Vec<u8>> {
    let texts: [(u8, &str); 27] = [
        (0, r#"{"type":"chat","text":"hei","id":"c1"}"#),
        (0, r#"{"type":"data","data":{"a":[1,{"b":[[]]}]},"id":null}"#),
        (0, r#"{"type":"image","data":"data:image/png;base64,iVBORw==","share":true}"#),
        (0, r#"{"type":"ping","id":"\u00e5"}"#),
        (1, "4hei\u{1e}2probe\u{1e}bAQID\u{1e}6"),
        (1, "0{}"),
        (2, "0"),
        (2, r#"0/admin,{"token":"x"}"#),
        (2, r#"2["message","hei"]"#),
        (2, r#"2/a,12["message",{"text":"hei"}]"#),
        (2, "31[]"),
        (2, "1/a,"),
        (2, r#"4{"message":"no"}"#),
        (3, "data:image/png;base64,iVBORw=="),
        (3, "iVBO Rw"),
        (3, r#"{"image":"iVBORw=="}"#),
        (4, r#"{"message":"hei"}"#),
        (4, r#"{"HEADERS":{"HX-Request":"true"},"message":["a","b"],"name":"ada"}"#),
        (5, "\u{3}\u{1b}[31m[2026-11-21 22:17:03] ada<SEP>hei\u{1b}[39m\n\u{1b}[92mbob<SEP>hei\u{1b}[39mq"),
        (5, "\u{4}bl\u{e5}b\u{e6}r\r\n"),
        (5, "\u{1}GET / HTTP/1.1\r\nHost: x\r\n"),
        (6, "ada"),
        (6, "bl\u{e5}b\u{e6}r"),
        (6, "\u{1f600}"),
        (7, r#"{"<a>":"<b>&'","c":["\u003cscript>",1.0]}"#),
        (7, r#""x""#),
        (7, "[true,null]"),
    ];
    let texts = texts.iter().map(|&(which, text)| [&[which], text.as_bytes()].concat());
    let attachments =
        [&[2], &br#"52-["upload",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#[..]].concat();
    texts.chain([[&attachments[..], b"\xFF\x80\x81\xFF\x82"].concat(), b"\x06b\xC3\xC3".to_vec()]).collect()
}
