//! People and policies made up: the same plan gives the same ones.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use model::Pii;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::policies::customer::{Claim, Customer, Policy};
use crate::policies::identity::identity_number;
use crate::policies::places::{PLACES, Place};
use crate::policies::vehicles::{
    Drive, VEHICLES, Vehicle, commercial_premium_fen, compulsory_premium_fen, plate,
};
use crate::policies::{people, samples};

/// What is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// How many customers, at most [`Plan::CUSTOMERS_LIMIT`]. Every second one has two policies:
    /// 100,000 customers have 150,000.
    pub customers: u32,
    /// Another seed gives other people.
    pub seed: u64,
    /// The day that policies lie around: most are in force then.
    pub today: Date,
}

impl Plan {
    /// The generator remembers every identity number and plate that it gave: about 100 bytes each.
    pub const CUSTOMERS_LIMIT: u32 = 5_000_000;
}

/// The customers of `plan`, one by one.
pub fn generate(plan: Plan) -> Generator {
    let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
    let given = samples(plan.today);
    Generator {
        phones_from: rng.random(),
        rng,
        identities: given.iter().map(|c| c.identity_number.reveal().clone()).collect(),
        plates: given
            .iter()
            .flat_map(|customer| &customer.policies)
            .map(|policy| policy.plate.reveal().clone())
            .collect(),
        next: 0,
        policies: 0,
        claims: 0,
        plan: Plan { customers: plan.customers.min(Plan::CUSTOMERS_LIMIT), ..plan },
    }
}

/// See [`generate`].
#[derive(Debug)]
pub struct Generator {
    plan: Plan,
    rng: ChaCha8Rng,
    phones_from: u64,
    identities: BTreeSet<String>,
    plates: BTreeSet<String>,
    next: u32,
    policies: u32,
    claims: u32,
}

impl Iterator for Generator {
    type Item = Customer;

    fn next(&mut self) -> Option<Customer> {
        if self.next >= self.plan.customers {
            return None;
        }
        let index = self.next;
        self.next += 1;
        let place = self.place();
        let man = self.rng.random_ratio(11, 20);
        let vehicle = &VEHICLES[self.rng.random_range(0..VEHICLES.len())];
        // Of each two neighbours one has both insurances, so that the ratio is exact.
        let both = index % 2 == 1;
        Some(Customer {
            customer_id: format!("C{:08}", index + 1),
            name: Pii::new(people::name(&mut self.rng, man)),
            phone: Pii::new(people::phone(
                u64::from(index),
                u64::from(self.plan.customers),
                self.phones_from,
            )),
            identity_number: Pii::new(self.identity(place, man)),
            class: self.class().to_owned(),
            city: place.city.to_owned(),
            steward: None,
            policies: self.insure(place, vehicle, both),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.plan.customers - self.next) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Generator {}

impl Generator {
    fn place(&mut self) -> &'static Place {
        let total: u32 = PLACES.iter().map(|place| place.weight).sum();
        let mut draw = self.rng.random_range(0..total);
        for place in PLACES {
            if draw < place.weight {
                return place;
            }
            draw -= place.weight;
        }
        &PLACES[0]
    }

    /// 5 % excellent, 25 % a, 50 % b, 20 % c.
    fn class(&mut self) -> &'static str {
        match self.rng.random_range(0..100) {
            0..5 => "excellent",
            5..30 => "a",
            30..80 => "b",
            _ => "c",
        }
    }

    /// Someone between 20 and 70 whom nobody else is.
    fn identity(&mut self, place: &Place, man: bool) -> String {
        loop {
            let days = self.rng.random_range(20 * 365..70 * 365);
            let birthday = before(self.plan.today, days.days());
            let sequence = self.rng.random_range(0..500) * 2 + u32::from(man);
            let number = identity_number(place.region, birthday, sequence);
            if self.identities.insert(number.clone()) {
                return number;
            }
        }
    }

    fn plate(&mut self, place: &Place, drive: Drive) -> String {
        loop {
            let plate = plate(&mut self.rng, place, drive);
            if self.plates.insert(plate.clone()) {
                return plate;
            }
        }
    }

    /// One policy, or two of the same car and time.
    fn insure(&mut self, place: &Place, vehicle: &Vehicle, both: bool) -> Vec<Policy> {
        let plate = self.plate(place, vehicle.drive);
        let starts_on = self.starts_on();
        let ends_on = before(starts_on.saturating_add(1.year()), 1.days());
        let compulsory = both || self.rng.random_ratio(1, 3);
        let commercial = both || !compulsory;
        let product = match vehicle.drive {
            Drive::Fuel => "商业险",
            Drive::Electric | Drive::Hybrid => "新能源汽车商业险",
        };
        let mut policies = Vec::with_capacity(2);
        for (wanted, product) in [(compulsory, "交强险"), (commercial, product)] {
            if !wanted {
                continue;
            }
            let premium_fen = if product == "交强险" {
                compulsory_premium_fen(&mut self.rng)
            } else {
                commercial_premium_fen(&mut self.rng, vehicle.price)
            };
            let surrendered_on = self.surrendered_on(starts_on, ends_on);
            self.policies += 1;
            policies.push(Policy {
                policy_number: policy_number(starts_on, product, self.policies),
                product: product.to_owned(),
                plate: Pii::new(plate.clone()),
                vehicle: vehicle.name.to_owned(),
                starts_on,
                ends_on,
                surrendered_on,
                premium_fen,
                claims: self.claims(starts_on, surrendered_on.unwrap_or(ends_on)),
            });
        }
        policies
    }

    /// In force most often, else over since at most 80 days, or to begin within 30.
    fn starts_on(&mut self) -> Date {
        let today = self.plan.today;
        match self.rng.random_range(0..100) {
            0..4 => today.saturating_add(self.rng.random_range(1..=30).days()),
            4..14 => before(today, self.rng.random_range(366..=445).days()),
            _ => before(today, self.rng.random_range(0..=364).days()),
        }
    }

    /// One in fifty is given back, if it has begun.
    fn surrendered_on(&mut self, starts_on: Date, ends_on: Date) -> Option<Date> {
        if starts_on >= self.plan.today || !self.rng.random_ratio(1, 50) {
            return None;
        }
        let until = ends_on.min(self.plan.today);
        Some(self.day_between(starts_on, until))
    }

    /// A claim on one policy in seven, seldom more.
    fn claims(&mut self, from: Date, to: Date) -> Vec<Claim> {
        let to = to.min(self.plan.today);
        let mut claims = Vec::new();
        while from <= to && claims.len() < 5 && self.rng.random_ratio(1, 7) {
            let lost_on = self.day_between(from, to);
            let old = lost_on < before(self.plan.today, 60.days());
            let closed = old || self.rng.random_ratio(1, 2);
            // Many small ones, few large ones: 300 to 60,000 yuan.
            let paid =
                30_000 * self.rng.random_range(1..=100_i64) / self.rng.random_range(1..=50_i64);
            self.claims += 1;
            claims.push(Claim {
                claim_number: claim_number(lost_on, self.claims),
                lost_on,
                closed,
                paid_fen: if closed { paid.max(30_000) } else { 0 },
            });
        }
        claims
    }

    fn day_between(&mut self, from: Date, to: Date) -> Date {
        let days = from.until(to).map_or(0, |span| span.get_days()).max(0);
        from.saturating_add(self.rng.random_range(0..=days).days())
    }
}

fn before(day: Date, span: Span) -> Date {
    day.saturating_sub(span)
}

/// Twelve digits, so that a caller can key them: year, product, serial.
fn policy_number(starts_on: Date, product: &str, serial: u32) -> String {
    let product = if product == "交强险" { 1 } else { 2 };
    format!("{:02}{product:02}{serial:08}", starts_on.year() % 100)
}

/// Sixteen digits: the day, serial.
fn claim_number(lost_on: Date, serial: u32) -> String {
    format!("{:04}{:02}{:02}{serial:08}", lost_on.year(), lost_on.month(), lost_on.day())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::is_identity_number;

    const TODAY: Date = Date::constant(2025, 7, 1);

    fn plan(customers: u32, seed: u64) -> Plan {
        Plan { customers, seed, today: TODAY }
    }

    #[test]
    fn a_plan_gives_the_same_people_again_and_another_seed_others() {
        let first: Vec<Customer> = generate(plan(200, 7)).collect();
        assert_eq!(first, generate(plan(200, 7)).collect::<Vec<_>>());
        assert_ne!(first, generate(plan(200, 8)).collect::<Vec<_>>());
    }

    #[test]
    fn two_customers_have_three_policies() {
        let customers: Vec<Customer> = generate(plan(10_000, 1)).collect();
        let policies = customers.iter().map(|customer| customer.policies.len()).sum::<usize>();
        assert_eq!((customers.len(), policies), (10_000, 15_000));
    }

    #[test]
    fn nobody_shares_a_phone_an_identity_a_plate_or_a_number() {
        let mut seen = BTreeSet::new();
        for customer in samples(TODAY).into_iter().chain(generate(plan(20_000, 3))) {
            assert!(seen.insert(customer.customer_id.clone()));
            assert!(seen.insert(customer.phone.reveal().clone()));
            assert!(seen.insert(customer.identity_number.reveal().clone()));
            let plates: BTreeSet<&String> =
                customer.policies.iter().map(|policy| policy.plate.reveal()).collect();
            for plate in plates {
                assert!(seen.insert(plate.clone()), "{plate}");
            }
            for policy in &customer.policies {
                assert!(seen.insert(policy.policy_number.clone()));
                for claim in &policy.claims {
                    assert!(seen.insert(claim.claim_number.clone()));
                }
            }
        }
    }

    #[test]
    fn people_and_policies_are_as_they_can_be() {
        let (mut in_force, mut policies, mut claims) = (0, 0, 0);
        for customer in generate(plan(5_000, 5)) {
            let identity = customer.identity_number.reveal();
            assert!(is_identity_number(identity), "{identity}");
            assert!((2..=4).contains(&customer.name.reveal().chars().count()));
            for policy in &customer.policies {
                assert!(policy.policy_number.bytes().all(|b| b.is_ascii_digit()));
                assert_eq!(policy.policy_number.len(), 12);
                assert_eq!(
                    before(policy.starts_on.saturating_add(1.year()), 1.days()),
                    policy.ends_on
                );
                let given_back = policy.surrendered_on.is_some();
                policies += 1;
                in_force += usize::from(
                    !given_back && policy.starts_on <= TODAY && TODAY <= policy.ends_on,
                );
                for claim in &policy.claims {
                    claims += 1;
                    assert!(policy.starts_on <= claim.lost_on && claim.lost_on <= policy.ends_on);
                    assert!(claim.lost_on <= TODAY);
                    assert_eq!(claim.closed, claim.paid_fen > 0);
                }
            }
        }
        assert!((80..90).contains(&(in_force * 100 / policies)), "{in_force} of {policies}");
        assert!((10..20).contains(&(claims * 100 / policies)), "{claims} of {policies}");
    }
}
