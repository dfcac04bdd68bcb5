//! Countries as addresses name them: the postage they need, and the name in Norwegian that the envelope must bear.

use crate::core::facts::Address;

/// What a letter's postage depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Postage {
    Norway,
    Europe,
    World,
}

/// A country of destination. Ordered by postage, then name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country {
    postage: Postage,
    name: String,
}

impl Country {
    /// By its name in Norwegian or English, or its ISO 3166 letter code, in any case; empty is Norway. A name that
    /// nobody knows is taken as written, and paid for as far away.
    pub fn of(land: &str) -> Self {
        let wanted = land.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        if wanted.is_empty() || NORWAY.contains(&wanted.as_str()) {
            return Self { postage: Postage::Norway, name: "Norge".to_owned() };
        }
        let found = |list: &'static str| {
            let mut countries = list.split([';', '\n']).map(str::trim).filter(|names| !names.is_empty());
            let names = countries.find(|names| names.split('|').any(|name| name.to_lowercase() == wanted))?;
            names.split('|').next().map(str::to_owned)
        };
        if let Some(name) = found(EUROPE) {
            Self { postage: Postage::Europe, name }
        } else if let Some(name) = found(WORLD) {
            Self { postage: Postage::World, name }
        } else {
            Self { postage: Postage::World, name: land.trim().to_owned() }
        }
    }

    pub fn postage(&self) -> Postage {
        self.postage
    }

    /// The name in Norwegian.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn is_norway(&self) -> bool {
        self.postage == Postage::Norway
    }
}

/// The lines of an address as they stand in the window: no blank ones, and abroad the country in Norwegian, in
/// capitals, on the last.
pub fn address_lines(name: &str, address: &Address) -> Vec<String> {
    let country = Country::of(&address.country);
    let city = format!("{} {}", address.postcode.trim(), address.city.trim());
    let last = if country.is_norway() { String::new() } else { country.name().to_uppercase() };
    std::iter::once(name)
        .chain(address.lines.iter().map(String::as_str))
        .chain([city.as_str(), last.as_str()])
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect()
}

const NORWAY: [&str; 4] = ["norge", "noreg", "norway", "no"];

/// Posten's price group Europe: `name in Norwegian|other names|code`.
const EUROPE: &str = "
Albania|AL; Andorra|AD; Armenia|AM; Aserbajdsjan|Azerbaijan|AZ; Belarus|Hviterussland|BY
Belgia|Belgium|België|Belgique|BE; Bosnia-Hercegovina|Bosnia og Hercegovina|Bosnia and Herzegovina|BA
Bulgaria|BG; Danmark|Denmark|DK; Estland|Estonia|Eesti|EE; Finland|Suomi|FI; Frankrike|France|FR
Færøyene|Faroe Islands|Føroyar|FO; Georgia|GE; Gibraltar|GI; Grønland|Greenland|GL; Guernsey|GG
Hellas|Greece|GR; Irland|Ireland|IE; Island|Iceland|IS; Italia|Italy|IT; Jersey|JE; Kosovo|XK
Kroatia|Croatia|Hrvatska|HR; Kypros|Cyprus|CY; Latvia|LV; Liechtenstein|LI; Litauen|Lithuania|LT
Luxembourg|Luxemburg|LU; Malta|MT; Man|Isle of Man|IM; Moldova|MD; Monaco|MC; Montenegro|ME
Nederland|Netherlands|The Netherlands|Holland|NL; Nord-Makedonia|Makedonia|North Macedonia|MK
Polen|Poland|Polska|PL; Portugal|PT; Romania|RO; Russland|Russia|Russian Federation|RU; San Marino|SM
Serbia|RS; Slovakia|SK; Slovenia|SI; Spania|Spain|España|ES
Storbritannia|United Kingdom|Great Britain|UK|England|Skottland|Scotland|Wales|Nord-Irland|Northern Ireland|GB
Sveits|Switzerland|Schweiz|Suisse|CH; Sverige|Sweden|SE; Tsjekkia|Czechia|Czech Republic|CZ
Tyrkia|Turkey|Türkiye|TR; Tyskland|Germany|Deutschland|DE; Ukraina|Ukraine|UA; Ungarn|Hungary|HU
Vatikanstaten|Vatican City|Holy See|VA; Østerrike|Austria|Österreich|AT; Åland|Aland|AX
";

/// The rest of the world, in the same form.
const WORLD: &str = "
Afghanistan|AF; Algerie|Algeria|DZ; Angola|AO; Antigua og Barbuda|Antigua and Barbuda|AG; Argentina|AR
Australia|AU; Bahamas|The Bahamas|BS; Bahrain|BH; Bangladesh|BD; Barbados|BB; Belize|BZ; Benin|BJ; Bhutan|BT
Bolivia|BO; Botswana|BW; Brasil|Brazil|BR; Brunei|BN; Burkina Faso|BF; Burundi|BI; Canada|Kanada|CA; Chile|CL
Colombia|CO; Costa Rica|CR; Cuba|CU; De forente arabiske emirater|United Arab Emirates|UAE|AE
Den dominikanske republikk|Dominican Republic|DO; Den sentralafrikanske republikk|Central African Republic|CF
Djibouti|DJ; Dominica|DM; Ecuador|EC; Egypt|EG; Ekvatorial-Guinea|Equatorial Guinea|GQ
Elfenbenskysten|Ivory Coast|Côte d'Ivoire|CI; El Salvador|SV; Eritrea|ER; Eswatini|Swaziland|SZ
Etiopia|Ethiopia|ET; Fiji|FJ; Filippinene|Philippines|The Philippines|PH; Gabon|GA; Gambia|The Gambia|GM
Ghana|GH; Grenada|GD; Guatemala|GT; Guinea|GN; Guinea-Bissau|GW; Guyana|GY; Haiti|HT; Honduras|HN
Hongkong|Hong Kong|HK; India|IN; Indonesia|ID; Irak|Iraq|IQ; Iran|IR; Israel|IL; Jamaica|JM; Japan|JP
Jemen|Yemen|YE; Jordan|JO; Kambodsja|Cambodia|KH; Kamerun|Cameroon|CM; Kapp Verde|Cape Verde|Cabo Verde|CV
Kasakhstan|Kazakhstan|KZ; Kenya|KE; Kina|China|CN; Kirgisistan|Kyrgyzstan|KG; Kiribati|KI; Komorene|Comoros|KM
Kongo|Congo|CG; Den demokratiske republikken Kongo|Democratic Republic of the Congo|CD; Kuwait|KW; Laos|LA
Lesotho|LS; Libanon|Lebanon|LB; Liberia|LR; Libya|LY; Macao|Macau|MO; Madagaskar|Madagascar|MG; Malawi|MW
Malaysia|MY; Maldivene|Maldives|MV; Mali|ML; Marokko|Morocco|MA; Marshalløyene|Marshall Islands|MH
Mauritania|MR; Mauritius|MU; Mexico|MX; Mikronesiaføderasjonen|Micronesia|FM; Mongolia|MN; Mosambik|Mozambique|MZ
Myanmar|Burma|MM; Namibia|NA; Nauru|NR; Nepal|NP; New Zealand|NZ; Nicaragua|NI; Niger|NE; Nigeria|NG
Nord-Korea|North Korea|KP; Oman|OM; Pakistan|PK; Palau|PW; Palestina|Palestine|PS; Panama|PA
Papua Ny-Guinea|Papua New Guinea|PG; Paraguay|PY; Peru|PE; Puerto Rico|PR; Qatar|QA; Rwanda|RW
Saint Kitts og Nevis|Saint Kitts and Nevis|KN; Saint Lucia|LC
Saint Vincent og Grenadinene|Saint Vincent and the Grenadines|VC; Salomonøyene|Solomon Islands|SB; Samoa|WS
São Tomé og Príncipe|Sao Tome and Principe|ST; Saudi-Arabia|Saudi Arabia|SA; Senegal|SN; Seychellene|Seychelles|SC
Sierra Leone|SL; Singapore|SG; Somalia|SO; Sri Lanka|LK; Sudan|SD; Surinam|Suriname|SR; Syria|SY
Sør-Afrika|South Africa|ZA; Sør-Korea|South Korea|Korea|Republic of Korea|KR; Sør-Sudan|South Sudan|SS
Tadsjikistan|Tajikistan|TJ; Taiwan|TW; Tanzania|TZ; Thailand|TH; Togo|TG; Tonga|TO
Trinidad og Tobago|Trinidad and Tobago|TT; Tsjad|Chad|TD; Tunisia|TN; Turkmenistan|TM; Tuvalu|TV; Uganda|UG
USA|United States|United States of America|De forente stater|Amerikas forente stater|US; Uruguay|UY
Usbekistan|Uzbekistan|UZ; Vanuatu|VU; Venezuela|VE; Vietnam|VN; Zambia|ZM; Zimbabwe|ZW; Øst-Timor|Timor-Leste|TL
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postage_and_norwegian_name() {
        for (land, postage, name) in [
            ("", Postage::Norway, "Norge"),
            ("NOREG", Postage::Norway, "Norge"),
            ("Norway ", Postage::Norway, "Norge"),
            ("sweden", Postage::Europe, "Sverige"),
            ("SE", Postage::Europe, "Sverige"),
            ("ØSTERRIKE", Postage::Europe, "Østerrike"),
            ("United  Kingdom", Postage::Europe, "Storbritannia"),
            ("United States", Postage::World, "USA"),
            ("Nigeria", Postage::World, "Nigeria"),
            ("Niger", Postage::World, "Niger"),
            ("Atlantis", Postage::World, "Atlantis"),
        ] {
            let country = Country::of(land);
            assert_eq!((country.postage(), country.name()), (postage, name), "{land}");
        }
    }

    #[test]
    fn no_name_means_two_countries() {
        let mut names: Vec<String> = [EUROPE, WORLD]
            .iter()
            .flat_map(|list| list.split([';', '\n', '|']))
            .map(|name| name.trim().to_lowercase())
            .filter(|name| !name.is_empty())
            .collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn address_lines_end_in_the_country_abroad_only() {
        let address = |country: &str| Address {
            lines: vec!["Storgata 1".into(), " ".into()],
            postcode: "0150".into(),
            city: "OSLO".into(),
            country: country.into(),
        };
        assert_eq!(address_lines("Berg", &address("Norge")), ["Berg", "Storgata 1", "0150 OSLO"]);
        assert_eq!(address_lines("Berg", &address("Denmark")), ["Berg", "Storgata 1", "0150 OSLO", "DANMARK"]);
    }
}
