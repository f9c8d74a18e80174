//! Made-up customers: written once, quickly, and anew where it was interrupted.

use model::Pii;
use store::policies::{Loaded, Plan, Progress, date_of, ensure_generated, generate, import};

use crate::server::Database;
use crate::story::{Kept, TODAY, wall};

on_both! {
    a_plan_is_written_once
    an_interrupted_run_is_done_anew
    another_plan_replaces_the_first_and_leaves_imported_customers
    the_last_of_many_is_found_like_the_first
}

fn plan(customers: u32, seed: u64) -> Plan {
    Plan { customers, seed, today: date_of(TODAY) }
}

async fn a_plan_is_written_once(database: Database) {
    let store = database.open().await;
    let told = Kept::new();
    let loaded = ensure_generated(&store, plan(5_000, 1), told.keeper()).await.unwrap();
    // Six samples with six policies are written as well.
    assert_eq!(loaded, Loaded::Made { customers: 5_006, policies: 7_506 });
    assert_eq!(store.count_customers().await.unwrap(), (5_006, 7_506));
    let told: Vec<Progress> = told.all();
    assert!(told.is_sorted_by_key(|progress| progress.customers));
    assert_eq!(told.last(), Some(&Progress { customers: 5_000, of: 5_000 }));
    // The days pass, the people stay.
    let tomorrow = Plan { today: date_of(wall(86_400)), ..plan(5_000, 1) };
    let again = ensure_generated(&store, tomorrow, |_| panic!("nothing is to be done")).await;
    assert_eq!(again.unwrap(), Loaded::AlreadyThere);
    for customer in generate(plan(5_000, 1)).step_by(100) {
        let card = store.customer_by_phone(&customer.phone, TODAY).await.unwrap().unwrap();
        assert_eq!(card.customer_id, customer.customer_id);
        assert_eq!(card.name, customer.name);
        assert_eq!(card.policies.len(), customer.policies.len());
        let claims = |lists: Vec<usize>| lists.into_iter().sum::<usize>();
        assert_eq!(
            claims(card.policies.iter().map(|policy| policy.claims.len()).collect()),
            claims(customer.policies.iter().map(|policy| policy.claims.len()).collect())
        );
    }
}

async fn an_interrupted_run_is_done_anew(database: Database) {
    let store = database.open().await;
    let interrupted = tokio::spawn({
        let store = store.clone();
        async move {
            ensure_generated(&store, plan(9_000, 1), |progress| {
                assert!(progress.customers < 4_000, "interrupted here");
            })
            .await
        }
    });
    assert!(interrupted.await.unwrap_err().is_panic());
    let (customers, _) = store.count_customers().await.unwrap();
    assert!((1..9_000).contains(&customers), "{customers} were written before");
    let loaded = ensure_generated(&store, plan(6_000, 1), |_| {}).await.unwrap();
    assert_eq!(loaded, Loaded::Made { customers: 6_006, policies: 9_006 });
    assert_eq!(store.count_customers().await.unwrap(), (6_006, 9_006));
}

async fn another_plan_replaces_the_first_and_leaves_imported_customers(database: Database) {
    let store = database.open().await;
    ensure_generated(&store, plan(3_000, 1), |_| {}).await.unwrap();
    // One imported customer takes a made-up one's number, one a made-up one's identity number.
    let other: Vec<_> = generate(plan(100, 2)).collect();
    let identity = other[50].identity_number.reveal();
    let file = format!(
        "customer_id,name,phone,identity_number,policy_number,product,plate,vehicle,starts_on,\
         ends_on,premium_yuan\n\
         C00000001,赵云,13900139000,11010519491231002X,7,商业险,京A12345,朗逸,2025-01-01,2025-12-31,10\n\
         I2,钱多,13900139001,{identity},8,商业险,京A12346,朗逸,2025-01-01,2025-12-31,10\n"
    );
    let summary = import(&store, file.as_bytes(), |_| {}).await.unwrap();
    assert_eq!(summary.imported, 2);
    ensure_generated(&store, plan(100, 2), |_| {}).await.unwrap();
    // 106 and two imported, but C00000001 and the owner of that identity are the imported ones.
    assert_eq!(store.count_customers().await.unwrap().0, 106);
    let imported = store.customer("C00000001", TODAY).await.unwrap().unwrap();
    assert_eq!(imported.name, Pii::from("赵云"));
    assert!(imported.policies.iter().any(|policy| policy.policy_number == "7"));
    let left_out = store.customer(&other[50].customer_id, TODAY).await.unwrap();
    assert_eq!(left_out, None);
}

async fn the_last_of_many_is_found_like_the_first(database: Database) {
    let store = database.open().await;
    ensure_generated(&store, plan(20_000, 1), |_| {}).await.unwrap();
    assert_eq!(store.count_customers().await.unwrap(), (20_006, 30_006));
    for (at, wanted) in [(0, "C00000001"), (19_999, "C00020000")] {
        let customer = generate(plan(20_000, 1)).nth(at).unwrap();
        let card = store.customer_by_phone(&customer.phone, TODAY).await.unwrap().unwrap();
        assert_eq!(card.customer_id, wanted);
        let number = &customer.policies[0].policy_number;
        let card = store.customer_by_policy_number(number, TODAY).await.unwrap().unwrap();
        assert_eq!(card.customer_id, wanted);
    }
}
