//! A few customers whose numbers are fixed, so that documentation and tests can name them.

use jiff::ToSpan;
use jiff::civil::Date;
use model::Pii;

use crate::policies::customer::{Claim, Customer, Policy};
use crate::policies::identity::identity_number;

/// The sample customers, one for each thing that a menu or an agent can meet:
///
/// | phone | name | policies |
/// | --- | --- | --- |
/// | 13800138000 | 王建国 | 880100000001 交强险 and 880200000002 商业险 in force, an open claim |
/// | 13800138001 | 李秀英 | 880200000003 新能源汽车商业险 in force; identity number ends in X |
/// | 13800138002 | 张伟 | 880100000004 expired |
/// | 13800138003 | 刘洋 | 880200000005 surrendered |
/// | 13800138004 | 陈静 | 880200000006 begins in ten days |
/// | 13800138005 | 欧阳雪 | none |
pub fn samples(today: Date) -> Vec<Customer> {
    let at = |days: i32| today.saturating_add(days.days());
    let (current, over) = (at(-100), at(-400));
    let mut wang = policy(1, "交强险", "京A88001", "大众帕萨特", current, 66_500);
    let mut wang_too = policy(2, "商业险", "京A88001", "大众帕萨特", current, 368_000);
    wang.claims.push(claim(1, at(-60), Some(180_000)));
    wang_too.claims.push(claim(2, at(-3), None));
    let mut liu = policy(5, "商业险", "粤B88005", "本田雅阁", current, 335_000);
    liu.surrendered_on = Some(at(-20));
    let li = policy(3, "新能源汽车商业险", "沪AD88003", "特斯拉Model 3", current, 412_000);
    let zhang = policy(4, "交强险", "川A88004", "哈弗H6", over, 76_000);
    let chen = policy(6, "商业险", "浙A88006", "丰田凯美瑞", at(10), 298_000);
    let born = |year, month, day| Date::constant(year, month, day);
    vec![
        customer(
            0,
            "王建国",
            "excellent",
            "北京市",
            (110_105, born(1976, 10, 1), 11),
            vec![wang_too, wang],
        ),
        // This one's check digit is X.
        customer(1, "李秀英", "a", "上海市", (310_115, born(1985, 3, 8), 68), vec![li]),
        customer(2, "张伟", "b", "四川省成都市", (510_104, born(1990, 5, 20), 77), vec![zhang]),
        customer(3, "刘洋", "c", "广东省深圳市", (440_305, born(1988, 8, 18), 33), vec![liu]),
        customer(4, "陈静", "b", "浙江省杭州市", (330_106, born(1993, 12, 24), 68), vec![chen]),
        customer(5, "欧阳雪", "b", "重庆市", (500_106, born(1999, 1, 1), 2), vec![]),
    ]
}

fn customer(
    number: u32,
    name: &str,
    class: &str,
    city: &str,
    (region, birthday, sequence): (u32, Date, u32),
    policies: Vec<Policy>,
) -> Customer {
    Customer {
        customer_id: format!("S{:08}", number + 1),
        name: Pii::from(name),
        phone: Pii::new(format!("1380013800{number}")),
        identity_number: Pii::new(identity_number(region, birthday, sequence)),
        class: class.to_owned(),
        city: city.to_owned(),
        steward: None,
        policies,
    }
}

fn policy(
    serial: u32,
    product: &str,
    plate: &str,
    vehicle: &str,
    starts_on: Date,
    premium_fen: i64,
) -> Policy {
    let code = if product == "交强险" { 1 } else { 2 };
    Policy {
        policy_number: format!("88{code:02}{serial:08}"),
        product: product.to_owned(),
        plate: Pii::from(plate),
        vehicle: vehicle.to_owned(),
        starts_on,
        ends_on: starts_on.saturating_add(1.year()).saturating_sub(1.day()),
        surrendered_on: None,
        premium_fen,
        claims: Vec::new(),
    }
}

fn claim(serial: u32, lost_on: Date, paid_fen: Option<i64>) -> Claim {
    Claim {
        claim_number: format!("88{serial:014}"),
        lost_on,
        closed: paid_fen.is_some(),
        paid_fen: paid_fen.unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::is_identity_number;

    #[test]
    fn samples_are_possible_people_one_of_them_with_an_x() {
        let samples = samples(Date::constant(2025, 7, 1));
        for sample in &samples {
            assert!(is_identity_number(sample.identity_number.reveal()), "{}", sample.customer_id);
        }
        assert!(samples[1].identity_number.reveal().ends_with('X'));
        assert_eq!(samples[0].phone.reveal(), "13800138000");
    }
}
