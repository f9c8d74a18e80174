//! Chinese names as often as they are: surnames by frequency, given names of one or two characters.

use rand::{Rng, RngExt};

/// Surnames with how many of 10,000 people have them (Ministry of Public Security, name report
/// 2020, rounded). Together they are about three quarters of the people; the draw is among these.
const SURNAMES: [(&str, u32); 80] = [
    ("王", 725),
    ("李", 719),
    ("张", 683),
    ("刘", 539),
    ("陈", 453),
    ("杨", 308),
    ("黄", 228),
    ("赵", 226),
    ("吴", 206),
    ("周", 196),
    ("徐", 171),
    ("孙", 149),
    ("马", 127),
    ("朱", 127),
    ("胡", 121),
    ("郭", 118),
    ("何", 117),
    ("林", 116),
    ("高", 113),
    ("罗", 112),
    ("郑", 99),
    ("梁", 96),
    ("谢", 87),
    ("宋", 83),
    ("唐", 77),
    ("许", 75),
    ("邓", 74),
    ("韩", 73),
    ("冯", 71),
    ("曹", 70),
    ("彭", 68),
    ("曾", 66),
    ("肖", 65),
    ("田", 60),
    ("董", 59),
    ("潘", 56),
    ("袁", 55),
    ("蔡", 54),
    ("蒋", 53),
    ("余", 53),
    ("于", 52),
    ("杜", 51),
    ("叶", 50),
    ("程", 49),
    ("魏", 48),
    ("苏", 48),
    ("吕", 47),
    ("丁", 45),
    ("任", 44),
    ("卢", 43),
    ("姚", 42),
    ("沈", 41),
    ("钟", 40),
    ("姜", 40),
    ("崔", 39),
    ("谭", 38),
    ("陆", 37),
    ("范", 36),
    ("汪", 36),
    ("廖", 35),
    ("石", 34),
    ("金", 33),
    ("韦", 32),
    ("贾", 32),
    ("夏", 31),
    ("付", 30),
    ("方", 30),
    ("邹", 29),
    ("熊", 28),
    ("白", 28),
    ("孟", 27),
    ("秦", 26),
    ("邱", 26),
    ("侯", 25),
    ("江", 25),
    ("尹", 24),
    ("薛", 24),
    ("闫", 23),
    ("欧阳", 9),
    ("诸葛", 1),
];

/// Characters of men's given names.
const MALE: &str = "伟强磊军洋勇杰涛明超刚平辉鹏华飞鑫波斌宇浩凯健俊帆建国文博志明海峰永\
     亮龙东林子轩浩然宇航一鸣思远嘉诚家豪振天立新春生";

/// Characters of women's given names.
const FEMALE: &str = "芳娜敏静丽艳娟霞秀英玲桂兰玉萍红梅燕婷雪琳慧颖莹洁晶倩雨欣怡佳琪思\
     涵梦瑶诗雅美凤翠淑珍春菊小云晓月";

/// A name. Of given names, about one in five has one character.
pub(crate) fn name(rng: &mut impl Rng, man: bool) -> String {
    let mut name = surname(rng).to_owned();
    let pool: Vec<char> = if man { MALE } else { FEMALE }.chars().collect();
    let characters = if rng.random_ratio(1, 5) { 1 } else { 2 };
    for _ in 0..characters {
        name.push(pool[rng.random_range(0..pool.len())]);
    }
    name
}

fn surname(rng: &mut impl Rng) -> &'static str {
    let total: u32 = SURNAMES.iter().map(|(_, weight)| weight).sum();
    let mut draw = rng.random_range(0..total);
    for (surname, weight) in SURNAMES {
        if draw < weight {
            return surname;
        }
        draw -= weight;
    }
    SURNAMES[0].0
}

/// The first three digits of mainland mobile numbers, by carrier: 中国移动, 中国联通, 中国电信,
/// 中国广电.
const PREFIXES: [u16; 50] = [
    134, 135, 136, 137, 138, 139, 147, 150, 151, 152, 157, 158, 159, 172, 178, 182, 183, 184, 187,
    188, 195, 197, 198, 130, 131, 132, 145, 155, 156, 166, 171, 175, 176, 185, 186, 196, 133, 149,
    153, 173, 177, 180, 181, 189, 190, 191, 193, 199, 162, 192,
];

/// How many mobile numbers there are.
const PHONES: u64 = PREFIXES.len() as u64 * 100_000_000;

/// A prime that shares no factor with [`PHONES`]: its multiples visit every number once.
const STRIDE: u64 = 2_654_435_761;

/// The numbers of the samples; no one else has them.
const RESERVED: &str = "1380013800";

/// The mobile number of the `index`th of `count` people: unlike all the others'.
pub(crate) fn phone(index: u64, count: u64, offset: u64) -> String {
    let mut index = index;
    loop {
        let place = (index % PHONES * STRIDE + offset % PHONES) % PHONES;
        let prefix = PREFIXES[(place / 100_000_000) as usize];
        let phone = format!("{prefix}{:08}", place % 100_000_000);
        if !phone.starts_with(RESERVED) {
            return phone;
        }
        // Beyond the others' indexes lie numbers that nobody has.
        index += count.max(1);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_phone_is_a_mobile_number_of_its_own() {
        let phones: BTreeSet<String> = (0..20_000).map(|i| phone(i, 20_000, 77)).collect();
        assert_eq!(phones.len(), 20_000);
        for phone in &phones {
            assert_eq!(lookup::normalise(phone).as_ref(), Some(phone));
            assert_eq!(phone.len(), 11);
        }
    }

    #[test]
    fn the_samples_phones_are_left_free() {
        // Find the offset that would give the first person a reserved number.
        let place = 4 * 100_000_000 + 138_000;
        assert_eq!(PREFIXES[4], 138);
        assert_ne!(phone(0, 10, place), "13800138000");
        assert!(!phone(0, 10, place).starts_with(RESERVED));
    }

    #[test]
    fn a_prefix_is_there_once() {
        assert_eq!(PREFIXES.iter().collect::<BTreeSet<_>>().len(), PREFIXES.len());
        let (mut a, mut b) = (PHONES, STRIDE);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        assert_eq!(a, 1, "the stride visits every number");
    }
}
