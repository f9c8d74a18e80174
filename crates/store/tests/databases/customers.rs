//! Who is calling, and what they are insured for.

use model::{Pii, PolicyStatus};
use store::Store;
use store::policies::{Plan, date_of, ensure_generated, import};

use crate::server::Database;
use crate::story::{TODAY, wall};

on_both! {
    a_caller_is_found_by_any_spelling_of_the_phone
    a_policy_is_found_by_its_number_and_by_its_owners_identity
    a_policys_status_is_what_it_is_that_day
    of_several_customers_with_one_phone_the_newest_policy_decides
    a_card_is_bounded
}

async fn samples(store: &Store) {
    let plan = Plan { customers: 0, seed: 1, today: date_of(TODAY) };
    ensure_generated(store, plan, |_| {}).await.unwrap();
}

async fn a_caller_is_found_by_any_spelling_of_the_phone(database: Database) {
    let store = database.open().await;
    samples(&store).await;
    for phone in ["13800138000", "+8613800138000", "0086 138 0013 8000", "013800138000"] {
        let card = store.customer_by_phone(&Pii::from(phone), TODAY).await.unwrap().unwrap();
        assert_eq!(card.customer_id, "S00000001");
        assert_eq!(card.name, Pii::from("王建国"));
        assert_eq!((card.class.as_str(), card.city.as_str()), ("excellent", "北京市"));
        let numbers: Vec<_> = card.policies.iter().map(|p| p.policy_number.as_str()).collect();
        assert_eq!(numbers, ["880200000002", "880100000001"]);
        assert_eq!(card.policies[0].claims[0].status, "open");
        assert_eq!(card.policies[1].claims[0].paid_fen, 180_000);
    }
    for phone in ["13900139000", "anonymous", ""] {
        assert_eq!(store.customer_by_phone(&Pii::from(phone), TODAY).await.unwrap(), None);
    }
    let insured = store.customer_by_phone(&Pii::from("13800138005"), TODAY).await.unwrap().unwrap();
    assert!(insured.policies.is_empty());
    assert_eq!(store.customer("S00000006", TODAY).await.unwrap(), Some(insured));
}

async fn a_policy_is_found_by_its_number_and_by_its_owners_identity(database: Database) {
    let store = database.open().await;
    samples(&store).await;
    let policy = store.policy("880200000002", TODAY).await.unwrap().unwrap();
    assert_eq!((policy.product.as_str(), policy.premium_fen), ("商业险", 368_000));
    assert_eq!(policy.claims.len(), 1);
    assert_eq!(store.policy("880200000099", TODAY).await.unwrap(), None);
    let card = store.customer_by_policy_number("880200000002", TODAY).await.unwrap().unwrap();
    assert_eq!(card.customer_id, "S00000001");
    let li = store.customer("S00000002", TODAY).await.unwrap().unwrap();
    let identity = li.identity_number.reveal().clone();
    assert!(identity.ends_with('X'));
    for keyed in [identity.clone(), identity.to_lowercase()] {
        let found = store.customer_by_identity_number(&Pii::new(keyed), TODAY).await.unwrap();
        assert_eq!(found.as_ref(), Some(&li));
    }
    let nobody = Pii::from("110101199003070134");
    assert_eq!(store.customer_by_identity_number(&nobody, TODAY).await.unwrap(), None);
}

async fn a_policys_status_is_what_it_is_that_day(database: Database) {
    let store = database.open().await;
    samples(&store).await;
    let day = |days: i64| wall(days * 86_400);
    let status = async |number: &str, days: i64| {
        store.policy(number, day(days)).await.unwrap().unwrap().status
    };
    assert_eq!(status("880200000002", 0).await, PolicyStatus::InForce);
    assert_eq!(status("880200000002", -100).await, PolicyStatus::InForce, "its first day");
    assert_eq!(status("880200000002", -101).await, PolicyStatus::NotYetInForce);
    assert_eq!(status("880200000002", 264).await, PolicyStatus::InForce, "its last day");
    assert_eq!(status("880200000002", 265).await, PolicyStatus::Expired);
    assert_eq!(status("880100000004", 0).await, PolicyStatus::Expired);
    assert_eq!(status("880200000005", 0).await, PolicyStatus::Surrendered);
    assert_eq!(status("880200000005", -21).await, PolicyStatus::InForce);
    assert_eq!(status("880200000006", 9).await, PolicyStatus::NotYetInForce);
    assert_eq!(status("880200000006", 10).await, PolicyStatus::InForce);
    // The day begins at China's midnight, eight hours before Greenwich's.
    let one_second_before = wall(10 * 86_400 - 1);
    let policy = store.policy("880200000006", one_second_before).await.unwrap().unwrap();
    assert_eq!(policy.status, PolicyStatus::NotYetInForce);
}

/// A file of policies, by customer, identity number, policy and first day.
fn file(lines: &[(&str, &str, &str, &str)]) -> String {
    let mut file = String::from(
        "customer_id,name,phone,identity_number,policy_number,product,plate,vehicle,starts_on,\
         ends_on,premium_yuan\n",
    );
    for (customer, identity, policy, starts_on) in lines {
        file.push_str(&format!(
            "{customer},王伟,13900139000,{identity},{policy},商业险,京A12345,大众朗逸,\
             {starts_on},2030-01-01,1000\n"
        ));
    }
    file
}

async fn of_several_customers_with_one_phone_the_newest_policy_decides(database: Database) {
    let store = database.open().await;
    let family = file(&[
        ("F1", "11010519491231002X", "1001", "2024-01-01"),
        ("F2", "440524188001010014", "1002", "2024-01-01"),
        ("F2", "440524198001010013", "1003", "2025-01-01"),
    ]);
    // The second line's owner was born in 1880: it is skipped.
    let summary = import(&store, family.as_bytes(), |_| {}).await.unwrap();
    assert_eq!((summary.imported, summary.skipped), (2, 1), "{family}");
    let card = store.customer_by_phone(&Pii::from("13900139000"), TODAY).await.unwrap().unwrap();
    assert_eq!(card.customer_id, "F2");
}

async fn a_card_is_bounded(database: Database) {
    let store = database.open().await;
    let numbers: Vec<String> = (0..30).map(|number| format!("{number:05}")).collect();
    let days: Vec<String> = (0..30).map(|number| format!("2024-03-{:02}", number + 1)).collect();
    let lines: Vec<_> = numbers
        .iter()
        .zip(&days)
        .map(|(number, day)| ("F1", "11010519491231002X", number.as_str(), day.as_str()))
        .collect();
    import(&store, file(&lines).as_bytes(), |_| {}).await.unwrap();
    let card = store.customer("F1", TODAY).await.unwrap().unwrap();
    assert_eq!(card.policies.len(), 20);
    assert_eq!(card.policies[0].starts_on, "2024-03-30", "newest first");
    assert_eq!(store.count_customers().await.unwrap(), (1, 30));
}
