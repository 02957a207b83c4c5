//! From a row a message to a row a pack: version 1 to version 2.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use hub::{AsSent, Body, Dialect, Draft, Message, Offset, PersonName, Timestamp};
use rusqlite::{Connection, Row, params};

use super::columns::{broken, unsigned};
use super::pack::{Packs, Place};
use crate::shared_image;

/// Rows that are taken together, as one transaction would have brought them.
const ROWS_AT_ONCE: i64 = 1024;
/// What [`read`] reads, in this order.
const COLUMNS: &str = "id, room, before, key, offset, time, kind, dialect, sender, label, body, sent";

/// Puts all messages into packs, in the order in which they were stored.
///
/// # Errors
///
/// When a row cannot be read.
pub(super) fn rows_to_packs(db: &Connection) -> rusqlite::Result<()> {
    let mut rows = db.prepare(&format!("SELECT {COLUMNS} FROM messages WHERE id > ?1 ORDER BY id LIMIT ?2"))?;
    let mut done = i64::MIN;
    loop {
        let (mut packs, mut newest) = (Packs::default(), HashMap::<i64, usize>::new());
        let mut rows = rows.query(params![done, ROWS_AT_ONCE])?;
        while let Some(row) = rows.next()? {
            done = row.get(0)?;
            let key = row.get::<_, Option<[u8; 16]>>(3)?.map(u128::from_be_bytes);
            let place = Place { room: row.get(1)?, before: unsigned(row.get(2)?), key };
            packs.push(newest.entry(place.room).or_default(), place, &read(row)?);
        }
        if packs.len() == 0 {
            return Ok(());
        }
        packs.insert(db)?;
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Message> {
    let from = PersonName::parse(row.get_ref(8)?.as_str()?).map_err(|error| broken(8, error))?;
    let body = Bytes::copy_from_slice(row.get_ref(10)?.as_blob()?);
    let as_sent = match row.get::<_, Option<u8>>(7)? {
        None => None,
        Some(dialect) => {
            let sent = row.get_ref(11)?.as_blob_or_null()?;
            let bytes = sent.map_or_else(|| body.clone(), Bytes::copy_from_slice);
            Some(AsSent { dialect: Dialect(dialect), bytes })
        }
    };
    let body = match row.get::<_, i64>(6)? {
        1 => Body::Text(body),
        2 => Body::Json(body),
        3 => Body::Image(shared_image::read(&body).ok_or_else(|| broken(10, "no picture"))?),
        4 => Body::Bytes(body),
        _ => return Err(broken(6, "unknown kind of message")),
    };
    let id = row.get_ref(9)?.as_str_or_null()?.map(Arc::from);
    let (offset, time) = (Offset(unsigned(row.get(4)?)), Timestamp(row.get(5)?));
    Ok(Message { offset, time, draft: Draft { from, body, as_sent, id } })
}

#[cfg(test)]
mod tests {
    use super::super::columns::integer;
    use super::super::read::{Kept, head, page};
    use super::super::{open, schema};
    use super::*;

    /// As version 1 wrote them: two rooms in turn, each kind of message, and a
    /// room whose first messages are gone.
    const ROWS: &str = "
        INSERT INTO rooms VALUES (1, 'a', 7, 0, 0, 5), (2, 'b', 8, 2, 4, 5);
        INSERT INTO messages VALUES
            (3, 1, 1, 10, 0, x'000102030405060708090a0b0c0d0e0f', 1, NULL, 'ada', NULL, CAST('hei' AS BLOB), NULL),
            (4, 2, 5, 10, 400, NULL, 2, 0, 'bob', 'c1', CAST('{}' AS BLOB), NULL),
            (5, 1, 2, 10, 86, NULL, 4, 3, 'ada', NULL, x'00ff', CAST('sent' AS BLOB)),
            (6, 1, 3, 11, 200, NULL, 3, NULL, 'ada', NULL, CAST('id png 2 3 from' AS BLOB), NULL);
        ";

    fn migrated(rows: &str) -> Result<Connection, open::OpenError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        open::to_write(&path, &schema::HISTORY[..1]).unwrap().execute_batch(rows).unwrap();
        open::to_write(&path, schema::HISTORY)
    }

    fn held(db: &Connection, room: &str) -> Vec<Arc<Message>> {
        page(db, &hub::RoomName::parse(room).unwrap(), Offset(0), 9, Kept::ALL).unwrap()
    }

    #[test]
    fn a_file_of_version_1_keeps_all_that_it_held() {
        let db = migrated(ROWS).unwrap();
        let a = held(&db, "a");
        let places: Vec<_> = a.iter().map(|message| (message.offset.0, message.time.0)).collect();
        assert_eq!(places, [(1, 10), (2, 10), (3, 11)]);
        assert_eq!(a[0].draft.body, Body::Text("hei".into()));
        assert_eq!(a[1].draft.body, Body::Bytes(Bytes::from_static(b"\0\xff")));
        assert_eq!(a[1].draft.as_sent, Some(AsSent { dialect: Dialect(3), bytes: "sent".into() }));
        assert!(matches!(&a[2].draft.body, Body::Image(image) if (image.width, image.height) == (2, 3)));
        let b = held(&db, "b");
        assert_eq!((b.len(), b[0].offset, b[0].draft.id.as_deref()), (1, Offset(5), Some("c1")));
        assert_eq!(b[0].draft.as_sent, Some(AsSent { dialect: Dialect(0), bytes: "{}".into() }));
        let head = head(&db, &hub::RoomName::parse("b").unwrap(), 0, Kept::ALL).unwrap().unwrap();
        assert_eq!((head.first_held, head.offset, head.epoch.generation), (Offset(5), Offset(5), 2));
        let packs = "SELECT room, first, last, before, hex(keys) FROM packs ORDER BY id";
        let packs = db
            .prepare(packs)
            .unwrap()
            .query_map([], |row| {
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get::<_, Option<String>>(4)?.unwrap_or_default(),
                ))
            })
            .unwrap()
            .collect::<Result<Vec<(i64, i64, i64, i64, String)>, _>>()
            .unwrap();
        let key = "000102030405060708090A0B0C0D0E0F".to_owned();
        assert_eq!(packs, [(1, 1, 2, 0, key), (2, 5, 5, 400, String::new()), (1, 3, 3, 200, String::new())]);
    }

    #[test]
    fn more_rows_than_are_taken_at_once_are_all_taken() {
        let count = 2 * ROWS_AT_ONCE + 3;
        let db = migrated(&format!(
            "INSERT INTO rooms VALUES (1, 'a', 7, 0, 0, 5); \
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count}) \
             INSERT INTO messages SELECT n, 1, n, 10, n * 84 - 84, NULL, 1, NULL, 'ada', NULL, x'61', NULL FROM n"
        ))
        .unwrap();
        let newest = super::super::read::newest(&db, 1).unwrap().unwrap();
        assert_eq!((integer(newest.offset.0), integer(newest.total)), (count, count * 84));
        let messages: i64 = db.query_row("SELECT sum(last + 1 - first) FROM packs", [], |row| row.get(0)).unwrap();
        assert_eq!(messages, count);
    }

    #[test]
    fn a_row_that_cannot_be_read_is_an_error_and_the_file_stays() {
        let error = migrated(&ROWS.replace("'id png 2 3 from'", "'nonsense'")).unwrap_err();
        assert!(matches!(error, open::OpenError::Damaged { .. }), "{error}");
    }
}
