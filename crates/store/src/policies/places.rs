//! Where people live: counties by GB/T 2260 with the plates of their cities (GA 36).

/// One county-level region.
pub(crate) struct Place {
    /// Its code, which begins an identity number.
    pub(crate) region: u32,
    /// Province and city.
    pub(crate) city: &'static str,
    /// What its cities' plates begin with.
    pub(crate) plate: &'static str,
    /// The letters that may follow.
    pub(crate) letters: &'static str,
    /// How many people of a draw come from here, relative to the others.
    pub(crate) weight: u32,
}

macro_rules! places {
    ($($region:literal $city:literal $plate:literal $letters:literal $weight:literal)*) => {
        &[$(Place {
            region: $region,
            city: $city,
            plate: $plate,
            letters: $letters,
            weight: $weight,
        },)*]
    };
}

/// Every province, the large cities more often.
pub(crate) const PLACES: &[Place] = places! {
    110101 "北京市" "京" "ABCEFGHJKLMNPQ" 4
    110102 "北京市" "京" "ABCEFGHJKLMNPQ" 5
    110105 "北京市" "京" "ABCEFGHJKLMNPQ" 10
    110106 "北京市" "京" "ABCEFGHJKLMNPQ" 7
    110108 "北京市" "京" "ABCEFGHJKLMNPQ" 9
    110114 "北京市" "京" "ABCEFGHJKLMNPQ" 5
    120101 "天津市" "津" "ABCDEFGHJKLMN" 4
    120103 "天津市" "津" "ABCDEFGHJKLMN" 4
    120104 "天津市" "津" "ABCDEFGHJKLMN" 4
    130102 "河北省石家庄市" "冀" "A" 9
    130203 "河北省唐山市" "冀" "B" 6
    130602 "河北省保定市" "冀" "F" 6
    140105 "山西省太原市" "晋" "A" 6
    140106 "山西省太原市" "晋" "A" 4
    150102 "内蒙古自治区呼和浩特市" "蒙" "A" 4
    150203 "内蒙古自治区包头市" "蒙" "B" 4
    210102 "辽宁省沈阳市" "辽" "A" 6
    210103 "辽宁省沈阳市" "辽" "A" 5
    210202 "辽宁省大连市" "辽" "B" 5
    220102 "吉林省长春市" "吉" "A" 6
    220104 "吉林省长春市" "吉" "A" 4
    230102 "黑龙江省哈尔滨市" "黑" "A" 6
    230103 "黑龙江省哈尔滨市" "黑" "A" 5
    310101 "上海市" "沪" "ABDEFGHJKLMN" 4
    310104 "上海市" "沪" "ABDEFGHJKLMN" 6
    310107 "上海市" "沪" "ABDEFGHJKLMN" 6
    310112 "上海市" "沪" "ABDEFGHJKLMN" 9
    310115 "上海市" "沪" "ABDEFGHJKLMN" 12
    320102 "江苏省南京市" "苏" "A" 8
    320106 "江苏省南京市" "苏" "A" 8
    320205 "江苏省无锡市" "苏" "B" 8
    320508 "江苏省苏州市" "苏" "EU" 12
    320602 "江苏省南通市" "苏" "F" 7
    330102 "浙江省杭州市" "浙" "A" 9
    330106 "浙江省杭州市" "浙" "A" 9
    330203 "浙江省宁波市" "浙" "B" 9
    330302 "浙江省温州市" "浙" "C" 8
    340102 "安徽省合肥市" "皖" "A" 8
    340103 "安徽省合肥市" "皖" "A" 5
    340202 "安徽省芜湖市" "皖" "B" 5
    350102 "福建省福州市" "闽" "A" 7
    350203 "福建省厦门市" "闽" "D" 6
    350503 "福建省泉州市" "闽" "C" 7
    360102 "江西省南昌市" "赣" "A" 7
    360702 "江西省赣州市" "赣" "B" 6
    370102 "山东省济南市" "鲁" "A" 9
    370202 "山东省青岛市" "鲁" "BU" 10
    370602 "山东省烟台市" "鲁" "FY" 7
    410102 "河南省郑州市" "豫" "AV" 9
    410105 "河南省郑州市" "豫" "AV" 8
    410302 "河南省洛阳市" "豫" "C" 7
    420102 "湖北省武汉市" "鄂" "A" 8
    420106 "湖北省武汉市" "鄂" "A" 8
    420502 "湖北省宜昌市" "鄂" "E" 5
    430102 "湖南省长沙市" "湘" "A" 8
    430104 "湖南省长沙市" "湘" "A" 7
    430202 "湖南省株洲市" "湘" "B" 5
    440103 "广东省广州市" "粤" "A" 8
    440104 "广东省广州市" "粤" "A" 7
    440106 "广东省广州市" "粤" "A" 10
    440303 "广东省深圳市" "粤" "B" 8
    440304 "广东省深圳市" "粤" "B" 8
    440305 "广东省深圳市" "粤" "B" 9
    440604 "广东省佛山市" "粤" "EXY" 9
    450103 "广西壮族自治区南宁市" "桂" "A" 8
    450302 "广西壮族自治区桂林市" "桂" "C" 5
    460105 "海南省海口市" "琼" "A" 4
    460106 "海南省海口市" "琼" "A" 3
    500103 "重庆市" "渝" "ABCD" 6
    500106 "重庆市" "渝" "ABCD" 7
    500107 "重庆市" "渝" "ABCD" 7
    510104 "四川省成都市" "川" "AG" 9
    510107 "四川省成都市" "川" "AG" 10
    510703 "四川省绵阳市" "川" "B" 6
    520102 "贵州省贵阳市" "贵" "A" 6
    520103 "贵州省贵阳市" "贵" "A" 4
    530102 "云南省昆明市" "云" "A" 7
    530103 "云南省昆明市" "云" "A" 5
    540102 "西藏自治区拉萨市" "藏" "A" 1
    610102 "陕西省西安市" "陕" "A" 7
    610113 "陕西省西安市" "陕" "A" 8
    620102 "甘肃省兰州市" "甘" "A" 5
    630102 "青海省西宁市" "青" "A" 2
    640104 "宁夏回族自治区银川市" "宁" "A" 3
    650102 "新疆维吾尔自治区乌鲁木齐市" "新" "A" 5
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::PLACES;

    #[test]
    fn every_province_is_there_and_every_region_once() {
        let provinces: BTreeSet<u32> = PLACES.iter().map(|place| place.region / 10_000).collect();
        assert_eq!(provinces.len(), 31);
        let regions: BTreeSet<u32> = PLACES.iter().map(|place| place.region).collect();
        assert_eq!(regions.len(), PLACES.len());
    }

    #[test]
    fn no_plate_has_a_letter_that_reads_as_a_digit() {
        for place in PLACES {
            assert_eq!(place.plate.chars().count(), 1, "{}", place.city);
            let fine = |letter: char| letter.is_ascii_uppercase() && !"IO".contains(letter);
            assert!(!place.letters.is_empty() && place.letters.chars().all(fine), "{}", place.city);
        }
    }
}
