//! Cars, their plates, and what it costs to insure them.

use rand::{Rng, RngExt};

use crate::policies::places::Place;

/// What a car runs on, as its plate tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drive {
    /// Blue plate, seven characters.
    Fuel,
    /// Green plate, eight characters, `D` for purely electric.
    Electric,
    /// Green plate, eight characters, `F` for the others of new energy.
    Hybrid,
}

/// A car that many people drive.
pub(crate) struct Vehicle {
    pub(crate) name: &'static str,
    pub(crate) drive: Drive,
    /// Price in yuan.
    pub(crate) price: u32,
}

const fn vehicle(name: &'static str, drive: Drive, price: u32) -> Vehicle {
    Vehicle { name, drive, price }
}

/// What is driven.
pub(crate) const VEHICLES: [Vehicle; 36] = [
    vehicle("大众朗逸", Drive::Fuel, 129_900),
    vehicle("大众帕萨特", Drive::Fuel, 199_900),
    vehicle("大众途观L", Drive::Fuel, 216_800),
    vehicle("丰田卡罗拉", Drive::Fuel, 129_800),
    vehicle("丰田凯美瑞", Drive::Fuel, 189_800),
    vehicle("丰田RAV4荣放", Drive::Fuel, 195_800),
    vehicle("本田雅阁", Drive::Fuel, 189_800),
    vehicle("本田CR-V", Drive::Fuel, 195_900),
    vehicle("本田飞度", Drive::Fuel, 88_800),
    vehicle("日产轩逸", Drive::Fuel, 119_900),
    vehicle("日产奇骏", Drive::Fuel, 179_800),
    vehicle("别克英朗", Drive::Fuel, 118_900),
    vehicle("别克GL8", Drive::Fuel, 262_900),
    vehicle("福特福克斯", Drive::Fuel, 125_800),
    vehicle("现代伊兰特", Drive::Fuel, 112_800),
    vehicle("吉利帝豪", Drive::Fuel, 79_900),
    vehicle("吉利星越L", Drive::Fuel, 147_700),
    vehicle("长安CS75 PLUS", Drive::Fuel, 121_900),
    vehicle("哈弗H6", Drive::Fuel, 119_800),
    vehicle("奇瑞瑞虎8", Drive::Fuel, 119_900),
    vehicle("五菱宏光", Drive::Fuel, 58_800),
    vehicle("奥迪A4L", Drive::Fuel, 321_800),
    vehicle("奥迪A6L", Drive::Fuel, 427_900),
    vehicle("宝马3系", Drive::Fuel, 319_900),
    vehicle("宝马5系", Drive::Fuel, 439_900),
    vehicle("奔驰C级", Drive::Fuel, 334_800),
    vehicle("奔驰E级", Drive::Fuel, 449_000),
    vehicle("比亚迪海豚", Drive::Electric, 116_800),
    vehicle("比亚迪元PLUS", Drive::Electric, 139_800),
    vehicle("特斯拉Model 3", Drive::Electric, 231_900),
    vehicle("特斯拉Model Y", Drive::Electric, 249_900),
    vehicle("小鹏P7", Drive::Electric, 209_900),
    vehicle("五菱宏光MINIEV", Drive::Electric, 32_800),
    vehicle("比亚迪秦PLUS DM-i", Drive::Hybrid, 99_800),
    vehicle("比亚迪宋PLUS DM-i", Drive::Hybrid, 154_800),
    vehicle("理想L7", Drive::Hybrid, 319_800),
];

/// The letters of a plate after its city: none that reads as a digit.
const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";

/// A plate (GA 36): seven characters, eight for new energy.
pub(crate) fn plate(rng: &mut impl Rng, place: &Place, drive: Drive) -> String {
    let letters = place.letters.as_bytes();
    let mut plate = String::from(place.plate);
    plate.push(char::from(letters[rng.random_range(0..letters.len())]));
    let digits = match drive {
        Drive::Fuel => 5,
        Drive::Electric | Drive::Hybrid => {
            plate.push(if drive == Drive::Electric { 'D' } else { 'F' });
            5
        }
    };
    // At most two of a blue plate's five are letters; a green plate's second may be one.
    let mut letters_left = if drive == Drive::Fuel { 2 } else { 0 };
    for at in 0..digits {
        let letter = match drive {
            Drive::Fuel => letters_left > 0 && rng.random_ratio(1, 4),
            Drive::Electric | Drive::Hybrid => at == 0 && rng.random_ratio(1, 5),
        };
        if letter {
            letters_left = u32::saturating_sub(letters_left, 1);
            plate.push(char::from(LETTERS[rng.random_range(0..LETTERS.len())]));
        } else {
            plate.push(char::from(b'0' + rng.random_range(0..10_u8)));
        }
    }
    plate
}

/// 交强险 of a private car with less than six seats: 950 yuan, less without accidents, more with.
pub(crate) fn compulsory_premium_fen(rng: &mut impl Rng) -> i64 {
    const YUAN: [i64; 8] = [665, 665, 665, 760, 760, 855, 950, 1045];
    YUAN[rng.random_range(0..YUAN.len())] * 100
}

/// 商业险: a basis and a share of the car's price, by how the driver drove.
pub(crate) fn commercial_premium_fen(rng: &mut impl Rng, price: u32) -> i64 {
    let basis_fen = 120_000 + i64::from(price) * 100 * 11 / 1000;
    let coefficient = rng.random_range(50..=145);
    basis_fen * coefficient / 100
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::policies::places::PLACES;

    #[test]
    fn a_plate_tells_what_the_car_runs_on() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for place in PLACES {
            for drive in [Drive::Fuel, Drive::Electric, Drive::Hybrid] {
                let plate = plate(&mut rng, place, drive);
                let characters: Vec<char> = plate.chars().collect();
                match drive {
                    Drive::Fuel => assert_eq!(characters.len(), 7, "{plate}"),
                    Drive::Electric => assert_eq!((characters.len(), characters[2]), (8, 'D')),
                    Drive::Hybrid => assert_eq!((characters.len(), characters[2]), (8, 'F')),
                }
                assert!(!plate.contains(['I', 'O']), "{plate}");
                let letters = characters[2..].iter().filter(|c| c.is_ascii_alphabetic()).count();
                assert!(letters <= 2, "{plate}");
            }
        }
    }

    #[test]
    fn premiums_are_what_such_cars_cost() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for vehicle in &VEHICLES {
            let fen = commercial_premium_fen(&mut rng, vehicle.price);
            assert!((70_000..1_000_000).contains(&fen), "{}: {fen}", vehicle.name);
            assert!((66_500..=104_500).contains(&compulsory_premium_fen(&mut rng)));
        }
    }
}
