//! Customers and policies from a file: bad lines are named and skipped, nothing is half there.

use model::Pii;
use store::Store;
use store::policies::{BadRow, COLUMNS, ImportEvent, ImportSummary, import};

use crate::server::Database;
use crate::story::{Kept, TODAY, wall};

on_both! {
    a_file_is_imported_and_can_be_imported_again
    every_bad_line_is_named_and_skipped
    lines_that_contradict_each_other_or_the_database_are_skipped
    a_large_file_is_streamed
    a_file_with_a_wrong_header_is_not_begun
    a_file_that_breaks_off_keeps_what_was_whole
    a_customers_steward_is_a_column_that_may_be_missing
}

const HEADER: &str = "customer_id,name,phone,identity_number,class,city,policy_number,product,\
     plate,vehicle,starts_on,ends_on,surrendered_on,premium_yuan,claims\n";

const GOOD: &str = "K1,王小明,+86 138-1234-5678,11010519491231002x,a,北京市,1001,商业险,京A12345,\
     大众朗逸,2025-01-01,2025-12-31,,3650.50,B1/2025-03-04/closed/1800;B2/2025-06-01/open\n";

async fn imported(store: &Store, file: &str) -> (ImportSummary, Vec<BadRow>) {
    let told = Kept::new();
    let summary = import(store, file.as_bytes(), told.keeper()).await.unwrap();
    let bad: Vec<BadRow> = told
        .all()
        .into_iter()
        .filter_map(|event| match event {
            ImportEvent::Skipped(bad) => Some(bad),
            ImportEvent::Progress { .. } => None,
        })
        .collect();
    assert_eq!(summary.skipped, bad.len() as u64);
    (summary, bad)
}

async fn a_file_is_imported_and_can_be_imported_again(database: Database) {
    let store = database.open().await;
    // Spreadsheets write a byte order mark and put the columns where they like.
    let file = format!("\u{feff}{HEADER}{GOOD}");
    for _ in 0..2 {
        let (summary, bad) = imported(&store, &file).await;
        assert_eq!((summary.lines, summary.imported, bad), (1, 1, vec![]));
    }
    assert_eq!(store.count_customers().await.unwrap(), (1, 1));
    let phone = Pii::from("13812345678");
    let card = store.customer_by_phone(&phone, TODAY).await.unwrap().unwrap();
    assert_eq!((card.customer_id.as_str(), card.phone), ("K1", phone));
    assert_eq!(card.identity_number, Pii::from("11010519491231002X"));
    let policy = &card.policies[0];
    assert_eq!((policy.policy_number.as_str(), policy.premium_fen), ("1001", 365_050));
    let claims: Vec<_> = policy
        .claims
        .iter()
        .map(|c| (c.claim_number.as_str(), c.status.as_str(), c.paid_fen))
        .collect();
    assert_eq!(claims, [("B2", "open", 0), ("B1", "closed", 180_000)]);
    // Now the customer moves, has a second policy, and a claim is closed.
    let moved =
        GOOD.replace("北京市", "上海市").replace("B2/2025-06-01/open", "B2/2025-06-01/closed/9");
    let second = GOOD.replace(",1001,", ",1002,").replace("B1", "B3").replace("B2", "B4");
    let second = second.replace("北京市", "上海市");
    imported(&store, &format!("{HEADER}{moved}{second}")).await;
    let card = store.customer("K1", TODAY).await.unwrap().unwrap();
    assert_eq!((card.city.as_str(), card.policies.len()), ("上海市", 2));
    let first = store.policy("1001", TODAY).await.unwrap().unwrap();
    assert_eq!(first.claims[0].status, "closed");
}

async fn every_bad_line_is_named_and_skipped(database: Database) {
    let store = database.open().await;
    let cases = [
        ("K1,", ",", "customer_id", "is empty"),
        ("王小明", "", "name", "is empty"),
        ("+86 138-1234-5678", "call me", "phone", "is no telephone number"),
        ("11010519491231002x", "110105194912310021", "identity_number", "is no identity number"),
        (",a,", ",z,", "class", "is none of excellent, a, b, c"),
        (",1001,", ",10O1,", "policy_number", "a caller must key it"),
        (",1001,", ",110105194912310020,", "policy_number", "more than 17 characters"),
        ("京A12345", "一二三四五六七八九十一二三四五六七八九十一", "plate", "more than 20"),
        ("2025-01-01", "2025-02-30", "starts_on", "is no day such as"),
        ("2025-01-01", "01.02.2025", "starts_on", "is no day such as"),
        ("2025-12-31", "2024-12-31", "ends_on", "is before starts_on"),
        ("31,,3650", "31,soon,3650", "surrendered_on", "is no day such as"),
        ("3650.50", "three", "premium_yuan", "is no amount such as"),
        ("B1/2025-03-04/closed/1800", "B1", "claims", "is not a list of"),
        ("B2/", "B1/", "claims", "has a claim twice"),
    ];
    let mut file = HEADER.to_owned();
    for (good, bad, _, _) in &cases {
        assert!(GOOD.contains(good), "{good}");
        file.push_str(&GOOD.replacen(good, bad, 1));
    }
    file.push_str("too,short\n");
    file.push_str(GOOD);
    let (summary, bad) = imported(&store, &file).await;
    assert_eq!((summary.lines, summary.imported), (cases.len() as u64 + 2, 1));
    for (at, (bad, (_, _, column, reason))) in bad.iter().zip(&cases).enumerate() {
        assert_eq!((bad.line, bad.column), (at as u64 + 2, *column), "{bad}");
        assert!(bad.reason.contains(reason), "{bad}");
    }
    let short = bad.last().unwrap();
    assert_eq!((short.line, short.column), (cases.len() as u64 + 2, "identity_number"));
    // No message repeats what a person is called or numbered.
    let told = bad.iter().map(BadRow::to_string).collect::<String>();
    assert!(!told.contains("王小明") && !told.contains("110105") && !told.contains("call me"));
    assert_eq!(store.count_customers().await.unwrap(), (1, 1));
}

async fn lines_that_contradict_each_other_or_the_database_are_skipped(database: Database) {
    let store = database.open().await;
    imported(&store, &format!("{HEADER}{GOOD}")).await;
    let others_policy =
        GOOD.replace("K1", "K2").replace("11010519491231002x", "440524198001010013");
    let others_identity = GOOD.replace("K1", "K3").replace(",1001,", ",1003,");
    let others_claim = GOOD.replace(",1001,", ",1004,");
    let good = others_policy.replace(",1001,", ",1005,").replace("B1", "B5").replace("B2", "B6");
    let same_file = good.replace("K2", "K4").replace("440524198001010013", "110101199003070134");
    let file = format!("{HEADER}{others_policy}{others_identity}{others_claim}{good}{same_file}");
    let (summary, bad) = imported(&store, &file).await;
    let told: Vec<_> = bad.iter().map(|bad| (bad.line, bad.column)).collect();
    assert_eq!(
        told,
        [(2, "policy_number"), (3, "identity_number"), (4, "claims"), (6, "policy_number")]
    );
    assert_eq!(summary.imported, 1);
    // Of a line that was skipped nothing is there, not even its customer.
    for skipped in ["K3", "K4"] {
        assert_eq!(store.customer(skipped, TODAY).await.unwrap(), None);
    }
    assert_eq!(store.count_customers().await.unwrap(), (2, 2));
}

async fn a_large_file_is_streamed(database: Database) {
    let store = database.open().await;
    let people: Vec<_> = {
        let today = store::policies::date_of(TODAY);
        let plan = store::policies::Plan { customers: 2_000, seed: 9, today };
        store::policies::generate(plan).collect()
    };
    let mut file = HEADER.to_owned();
    for customer in &people {
        for policy in &customer.policies {
            file.push_str(&format!(
                "{},{},{},{},{},{},{},{},{},{},{},{},,{}.{:02},\n",
                customer.customer_id,
                customer.name.reveal(),
                customer.phone.reveal(),
                customer.identity_number.reveal(),
                customer.class,
                customer.city,
                policy.policy_number,
                policy.product,
                policy.plate.reveal(),
                policy.vehicle,
                policy.starts_on,
                policy.ends_on,
                policy.premium_fen / 100,
                policy.premium_fen % 100,
            ));
        }
    }
    let told = Kept::new();
    let summary = import(&store, file.as_bytes(), told.keeper()).await.unwrap();
    assert_eq!((summary.lines, summary.imported, summary.skipped), (3_000, 3_000, 0));
    let lines: Vec<u64> = told
        .all()
        .iter()
        .map(|event| match event {
            ImportEvent::Progress { lines, .. } => *lines,
            ImportEvent::Skipped(bad) => panic!("{bad}"),
        })
        .collect();
    assert!(lines.is_sorted() && lines.len() > 5 && lines.last() == Some(&3_000), "{lines:?}");
    assert_eq!(store.count_customers().await.unwrap(), (2_000, 3_000));
    let phones = store.some_phones(3).await.unwrap();
    assert_eq!(phones.len(), 3);
    for phone in phones {
        assert!(store.customer_by_phone(&phone, wall(0)).await.unwrap().is_some());
    }
}

async fn a_file_with_a_wrong_header_is_not_begun(database: Database) {
    let store = database.open().await;
    for (header, message) in [
        (HEADER.replace("plate,", ""), "line 1, column plate: is missing in the header"),
        (HEADER.replace("plate", "Plate"), "line 1: 'Plate' is no column of a policies file"),
        (HEADER.replace("class", "city"), "line 1, column city: is there twice"),
        (String::new(), "line 1, column customer_id: is missing in the header"),
    ] {
        let (summary, bad) = imported(&store, &format!("{header}{GOOD}")).await;
        if header.is_empty() {
            assert!(bad[0].to_string().contains("is no column"), "{}", bad[0]);
        } else {
            assert_eq!(bad[0].to_string(), message);
        }
        assert_eq!((summary.imported, bad.len()), (0, 1));
    }
    let (_, bad) = imported(&store, "").await;
    assert_eq!(bad[0].to_string(), "line 1, column customer_id: is missing in the header");
    assert_eq!(store.count_customers().await.unwrap(), (0, 0));
    assert_eq!(
        COLUMNS.iter().map(|(name, _, _)| *name).collect::<Vec<_>>().join(",") + "\n",
        HEADER.replace("city,", "city,steward,")
    );
}

async fn a_file_that_breaks_off_keeps_what_was_whole(database: Database) {
    struct Breaks<'f>(&'f [u8]);
    impl std::io::Read for Breaks<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                return Err(std::io::Error::other("the disk was pulled out"));
            }
            self.0.read(into)
        }
    }
    let store = database.open().await;
    let file = format!("{HEADER}{GOOD}K9,half a li");
    let told = Kept::new();
    let summary = import(&store, Breaks(file.as_bytes()), told.keeper()).await.unwrap();
    assert_eq!((summary.imported, summary.skipped), (1, 1));
    let events: Vec<ImportEvent> = told.all();
    let Some(ImportEvent::Skipped(bad)) = events.first() else { panic!("{events:?}") };
    assert!(bad.reason.contains("the disk was pulled out"), "{bad}");
    // Latin-1 or GBK where UTF-8 is wanted spoils its own line only.
    let mut file = HEADER.as_bytes().to_vec();
    file.extend(GOOD.replace("K1", "K7").replace("王小明", "\u{1}").bytes().map(|b| match b {
        1 => 0xd6,
        other => other,
    }));
    file.extend(GOOD.bytes());
    let told = Kept::new();
    let summary = import(&store, &file[..], told.keeper()).await.unwrap();
    assert_eq!((summary.imported, summary.skipped), (1, 1));
    let events: Vec<ImportEvent> = told.all();
    let Some(ImportEvent::Skipped(bad)) = events.first() else { panic!("{events:?}") };
    assert_eq!((bad.line, bad.column), (2, "name"));
    assert!(bad.reason.contains("UTF-8"), "{bad}");
}

async fn a_customers_steward_is_a_column_that_may_be_missing(database: Database) {
    let store = database.open().await;
    let steward = async || {
        let card = store.customer("K1", TODAY).await.unwrap().unwrap();
        card.steward.map(|agent| agent.to_string())
    };
    imported(&store, &format!("{HEADER}{GOOD}")).await;
    assert_eq!(steward().await, None);
    let with = |agent: &str| {
        let (header, line) = (HEADER.trim_end(), GOOD.trim_end());
        format!("{header},steward\n{line},{agent}\n")
    };
    imported(&store, &with("8011")).await;
    assert_eq!(steward().await.as_deref(), Some("8011"));
    imported(&store, &with("")).await;
    assert_eq!(steward().await, None, "an empty field takes the steward away");
    let (_, bad) = imported(&store, &with(&"8".repeat(41))).await;
    assert_eq!(bad[0].column, "steward");
}
