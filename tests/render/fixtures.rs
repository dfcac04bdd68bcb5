//! PDFs, each with one thing that a merge may lose or that readers show differently.

/// What is to become of a fixture.
#[derive(Clone, Copy)]
pub enum Expected {
    Printed,
    /// The refusal contains this.
    Refused(&'static str),
}

pub struct Fixture {
    pub name: &'static str,
    pub expected: Expected,
    pub bytes: Vec<u8>,
}

use Expected::{Printed, Refused};

const LOST: Expected = Refused("form-value-not-visible");
const UNSURE: Expected = Refused("shown-differently");

/// An A4 page; `catalog` and `page` are more entries of theirs, `objects` are numbered from 10: a dictionary, and behind
/// a bar the stream that follows it.
fn pdf(catalog: &str, page: &str, content: &str, objects: &[&str]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n%\xE5\xF8\xE6\xC5\n".to_vec();
    let mut offsets = Vec::new();
    let mut object = |number: usize, body: &str| {
        offsets.push((number, file.len()));
        let (dictionary, stream) = body.split_once('|').map_or((body, None), |(body, stream)| (body, Some(stream)));
        let text = match stream {
            Some(stream) => {
                let entries = dictionary.strip_suffix(">>").unwrap();
                format!("{number} 0 obj\n{entries}/Length {}>>\nstream\n{stream}\nendstream\nendobj\n", stream.len())
            }
            None => format!("{number} 0 obj\n{dictionary}\nendobj\n"),
        };
        file.extend(text.bytes());
    };
    object(1, &format!("<</Type/Catalog/Pages 2 0 R{catalog}>>"));
    object(2, "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 595 842]/Resources 6 0 R>>");
    object(3, &format!("<</Type/Page/Parent 2 0 R/Contents 5 0 R{page}>>"));
    object(4, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>");
    object(5, &format!("<<>>|{content}"));
    object(6, "<</Font<</F1 4 0 R>>>>");
    for (number, body) in (10..).zip(objects) {
        object(number, body);
    }
    let start = file.len();
    file.extend(b"xref\n0 1\n0000000000 65535 f \n");
    for (number, offset) in &offsets {
        file.extend(format!("{number} 1\n{offset:010} 00000 n \n").bytes());
    }
    let size = offsets.iter().map(|(number, _)| number + 1).max().unwrap();
    file.extend(format!("trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n").bytes());
    file
}

const TEXT: &str = "BT /F1 30 Tf 100 700 Td (Vedtak) Tj ET";

/// A page with this content alone.
pub fn page(content: &str) -> Vec<u8> {
    pdf("", "", content, &[])
}

/// An appearance with a frame and this text, 200 by 50.
macro_rules! look {
    ($text:literal) => {
        concat!(
            "<</Type/XObject/Subtype/Form/BBox[0 0 200 50]/Resources<</Font<</F1 4 0 R>>>>>>|",
            "1 0 0 RG 2 w 3 3 194 44 re S BT /F1 30 Tf 5 10 Td (",
            $text,
            ") Tj ET"
        )
    };
}

/// A page with these annotations: the first objects; the others may be referred to from 10 + their number.
fn annotated(annotations: usize, page: &str, content: &str, objects: &[&str]) -> Vec<u8> {
    let list: String = (10..10 + annotations).map(|number| format!("{number} 0 R ")).collect();
    let form = format!("/AcroForm<</Fields[{list}]/DA(/F1 12 Tf)/DR<</Font<</F1 4 0 R>>>>>>");
    pdf(&form, &format!("/Annots[{list}]{page}"), content, objects)
}

const FIELD: &str = "<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/V(Ja)/F 4/Rect[100 500 300 550]/AP<</N 11 0 R>>>>";
const STAMP: &str = "<</Type/Annot/Subtype/Stamp/F 4/Rect[100 500 300 550]/AP<</N 11 0 R>>>>";

pub fn all() -> Vec<Fixture> {
    let mut all = fields();
    all.extend(annotations());
    all.extend(content());
    all.extend(layers());
    all
}

fn fixture(name: &'static str, expected: Expected, bytes: Vec<u8>) -> Fixture {
    Fixture { name, expected, bytes }
}

fn fields() -> Vec<Fixture> {
    let field = |field: &str| annotated(1, "", TEXT, &[field, look!("Ja")]);
    let redrawn = |value: &str, look: &str| {
        let field = format!(
            "<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/V({value})/F 4/Rect[100 500 300 550]/AP<</N 11 0 R>>/DA(/F1 20 Tf)>>"
        );
        let form = "/AcroForm<</Fields[10 0 R]/NeedAppearances true/DA(/F1 12 Tf)/DR<</Font<</F1 4 0 R>>>>>>";
        pdf(form, "/Annots[10 0 R]", TEXT, &[&field, look])
    };
    let tick = |entries: &str| {
        let tick = format!("<</Type/Annot/Subtype/Widget/FT/Btn/T(a)/Rect[100 500 150 550]{entries}>>");
        annotated(1, "", TEXT, &[&tick, look!("X"), look!("O")])
    };
    vec![
        fixture("a field", Printed, field(FIELD)),
        fixture("a field that is not printed", LOST, field(&FIELD.replace("/F 4", "/F 0"))),
        fixture("a field without flags", LOST, field(&FIELD.replace("/F 4", ""))),
        fixture("a hidden field", Printed, field(&FIELD.replace("/F 4", "/F 6"))),
        fixture("an empty field that is not printed", Printed, field(&FIELD.replace("/V(Ja)/F 4", ""))),
        fixture("a value without appearance", LOST, field(&FIELD.replace("/AP<</N 11 0 R>>", ""))),
        fixture(
            "an empty field without appearance",
            Printed,
            field(&FIELD.replace("/AP<</N 11 0 R>>", "").replace("/V(Ja)", "")),
        ),
        fixture(
            "a frame without appearance",
            UNSURE,
            field(&FIELD.replace("/AP<</N 11 0 R>>", "/MK<</BC[1 0 0]>>").replace("/V(Ja)", "")),
        ),
        fixture(
            "a value in a choice without appearance",
            LOST,
            field(&FIELD.replace("/AP<</N 11 0 R>>", "").replace("/Tx", "/Ch")),
        ),
        fixture("a stale appearance", LOST, redrawn("Nei", look!("Ja"))),
        fixture("an empty appearance", LOST, redrawn("Ja", "<</Subtype/Form/BBox[0 0 200 50]>>|")),
        fixture("a tick", Printed, tick("/F 4/V/Ja/AS/Ja/AP<</N<</Ja 11 0 R/Off 12 0 R>>>>")),
        fixture("a box without its tick", Printed, tick("/F 4/V/Off/AS/Off/AP<</N<</Ja 11 0 R/Off 12 0 R>>>>")),
        fixture("a box whose empty state has no look", Printed, tick("/F 4/AS/Off/AP<</N<</Ja 11 0 R>>>>")),
        fixture("a tick without appearance", LOST, tick("/F 4/V/Ja/AS/Ja/MK<</CA(4)>>")),
        fixture("a tick whose state has no look", LOST, tick("/F 4/V/Ja/AS/Ja/AP<</N<</Off 12 0 R>>>>")),
        fixture("a tick that is not printed", LOST, tick("/F 0/V/Ja/AS/Ja/AP<</N<</Ja 11 0 R>>>>")),
        fixture("a tick without a state", LOST, tick("/F 4/V/Ja/AP<</N<</Ja 11 0 R/Off 12 0 R>>>>")),
        fixture("a box without a state", UNSURE, tick("/F 4/AP<</N<</Ja 11 0 R/Off 12 0 R>>>>")),
        fixture(
            "a signature with a picture",
            Printed,
            annotated(
                1,
                "",
                TEXT,
                &[
                    "<</Type/Annot/Subtype/Widget/FT/Sig/T(s)/V 12 0 R/F 132/Rect[100 400 300 500]/AP<</N 11 0 R>>>>",
                    "<</Subtype/Form/BBox[0 0 100 100]/Matrix[1 0 0 1 7 9]/Resources<</XObject<</FRM 13 0 R>>>>>>|q 1 0 0 1 0 0 cm /FRM Do Q",
                    "<</Type/Sig/Filter/Adobe.PPKLite/Contents<00>>>",
                    "<</Subtype/Form/BBox[0 0 100 100]>>|0 0.5 0 rg 10 10 80 30 re f",
                ],
            ),
        ),
        fixture(
            "a signature that is not printed",
            LOST,
            annotated(
                1,
                "",
                TEXT,
                &[
                    "<</Type/Annot/Subtype/Widget/FT/Sig/T(s)/V 12 0 R/Rect[100 400 300 500]/AP<</N 11 0 R>>>>",
                    look!("Per"),
                    "<</Type/Sig/Filter/Adobe.PPKLite/Contents<00>>>",
                ],
            ),
        ),
        fixture(
            "an invisible signature",
            Printed,
            annotated(
                1,
                "",
                TEXT,
                &[
                    "<</Type/Annot/Subtype/Widget/FT/Sig/T(s)/V 11 0 R/F 132/Rect[0 0 0 0]>>",
                    "<</Type/Sig/Filter/Adobe.PPKLite/Contents<00>>>",
                ],
            ),
        ),
        fixture(
            "a place to sign",
            UNSURE,
            annotated(1, "", TEXT, &["<</Type/Annot/Subtype/Widget/FT/Sig/T(s)/F 4/Rect[100 400 300 500]>>"]),
        ),
    ]
}

fn annotations() -> Vec<Fixture> {
    let stamp = |from: &str, to: &str| annotated(1, "", TEXT, &[&STAMP.replace(from, to), look!("KOPI")]);
    let bare = |entries: &str| annotated(1, "", TEXT, &[&format!("<</Type/Annot/Rect[100 400 300 500]{entries}>>")]);
    vec![
        fixture("a stamp", Printed, stamp("", "")),
        fixture("a hidden stamp", Printed, stamp("/F 4", "/F 6")),
        fixture("a stamp on the screen", Printed, stamp("/F 4", "/F 0")),
        fixture("a stamp nowhere", Printed, stamp("/F 4", "/F 32")),
        fixture("an area given from its other corner", Printed, stamp("[100 500 300 550]", "[300 550 100 500]")),
        fixture("a popup", Printed, bare("/Subtype/Popup/F 28/Open false/Contents(hei)")),
        fixture("an open popup", UNSURE, bare("/Subtype/Popup/F 28/Open true/Contents(hei)")),
        fixture("appearances without a normal one", UNSURE, stamp("/N 11", "/D 11")),
        fixture(
            "a line without appearance",
            UNSURE,
            bare("/Subtype/Line/F 4/L[110 410 290 490]/LL 20/C[1 0 0]/Cap true/Contents(5 m)"),
        ),
        fixture(
            "a line on the screen",
            Printed,
            bare("/Subtype/Line/L[110 410 290 410]/LL 20/LLE 5/C[1 0 0]/LE[/OpenArrow/OpenArrow]"),
        ),
        fixture("a note without appearance", UNSURE, bare("/Subtype/Text/F 28/Contents(hei)/Name/Note")),
        fixture(
            "a link with a frame",
            Printed,
            bare("/Subtype/Link/F 4/Border[0 0 3]/C[1 0 0]/A<</S/URI/URI(https://example.org)>>"),
        ),
        fixture(
            "an attachment on the screen",
            Printed,
            annotated(
                1,
                "",
                TEXT,
                &[
                    "<</Type/Annot/Subtype/FileAttachment/Rect[100 400 120 420]/Name/Paperclip/FS 11 0 R/Contents(v)>>",
                    "<</Type/Filespec/F(v.txt)/EF<</F 12 0 R>>>>",
                    "<</Type/EmbeddedFile>>|hei",
                ],
            ),
        ),
        fixture("a turned page", Printed, annotated(1, "/Rotate 90", TEXT, &[STAMP, look!("SNU")])),
        fixture("a cropped page", Printed, annotated(1, "/CropBox[50 50 550 800]", TEXT, &[STAMP, look!("KLIPP")])),
        fixture(
            "a turned and shifted appearance",
            Printed,
            annotated(
                1,
                "",
                TEXT,
                &[
                    STAMP,
                    "<</Subtype/Form/BBox[-20 -10 80 40]/Matrix[0 1 -1 0 30 5]/Resources<</Font<</F1 4 0 R>>>>>>|-20 -10 100 50 re S BT /F1 20 Tf 0 0 Td (vri) Tj ET",
                ],
            ),
        ),
        fixture(
            "an appearance with its page's fonts",
            Printed,
            annotated(
                2,
                "",
                TEXT,
                &[
                    &STAMP.replace("11 0 R", "12 0 R"),
                    &STAMP.replace("11 0 R", "12 0 R").replace("[100 500", "[100 300"),
                    look!("TO"),
                ],
            ),
        ),
        fixture(
            "marked text",
            Printed,
            annotated(
                1,
                "",
                "0.9 1 0.9 rg 0 0 595 842 re f 0 g BT /F1 30 Tf 100 510 Td (Under) Tj ET",
                &[
                    "<</Type/Annot/Subtype/Highlight/F 4/Rect[100 500 300 550]/QuadPoints[100 550 300 550 100 500 300 500]/AP<</N 11 0 R>>>>",
                    "<</Subtype/Form/BBox[0 0 200 50]/Resources<</ExtGState<</G<</BM/Multiply>>>>>>/Group<</S/Transparency>>>>|/G gs 1 1 0 rg 0 0 200 50 re f",
                ],
            ),
        ),
    ]
}

fn content() -> Vec<Fixture> {
    let stamped = |content: &str| annotated(1, "", content, &[STAMP, look!("KOPI")]);
    vec![
        fixture(
            "states never restored",
            Printed,
            stamped(&format!("q q 0.5 0 0 0.5 0 0 cm 0 0 900 900 re W n {TEXT}")),
        ),
        fixture("states never saved", Printed, stamped(&format!("0.5 0 0 0.5 0 0 cm Q Q {TEXT} q Q Q"))),
        fixture("a text never ended", Printed, stamped("2 Tr BT /F1 30 Tf 100 700 Td (Vedtak) Tj")),
        fixture("a string never ended", Printed, stamped(&format!("{TEXT} BT (Slutt"))),
        fixture(
            "a name that is taken",
            Printed,
            annotated(
                1,
                "/Resources<</Font<</F1 4 0 R>>/XObject<</Merknad1 12 0 R>>>>",
                "/Merknad1 Do",
                &[STAMP, look!("KOPI"), look!("SIDE")],
            ),
        ),
    ]
}

fn layers() -> Vec<Fixture> {
    const PAGE: &str = "/Resources<</Font<</F1 4 0 R>>/Properties<</L1 10 0 R/L2 11 0 R>>>>";
    const CONTENT: &str =
        "/OC /L1 BDC BT /F1 30 Tf 100 700 Td (Vist) Tj ET EMC /OC /L2 BDC BT /F1 30 Tf 100 500 Td (Skjult) Tj ET EMC";
    const LAYER: &str = "<</Type/OCG/Name(lag)>>";
    const OTHER: &str = "<</Type/OCG/Name(andre)>>";
    let layered = |default: &str, first: &str, second: &str| {
        let properties = format!("/OCProperties<</OCGs[10 0 R 11 0 R]/D<<{default}>>>>");
        pdf(&properties, PAGE, CONTENT, &[first, second])
    };
    let in_layer = |default: &str| {
        let properties = format!("/OCProperties<</OCGs[12 0 R]/D<<{default}>>>>");
        let stamp = STAMP.replace("/F 4", "/F 4/OC 12 0 R");
        pdf(&properties, "/Annots[10 0 R]", TEXT, &[&stamp, look!("KOPI"), LAYER])
    };
    let grouped = |group: &str| {
        let properties = "/OCProperties<</OCGs[10 0 R 12 0 R]/D<</OFF[12 0 R]>>>>";
        pdf(properties, PAGE, CONTENT, &[LAYER, group, OTHER])
    };
    vec![
        fixture("a hidden layer", Printed, layered("/OFF[11 0 R]", LAYER, OTHER)),
        fixture("the other layer of that name", Printed, layered("/OFF[10 0 R]", LAYER, OTHER)),
        fixture("two layers of one name", UNSURE, layered("/OFF[11 0 R]", LAYER, LAYER)),
        fixture("layers without a list of them", Printed, pdf("", PAGE, CONTENT, &[LAYER, LAYER])),
        fixture("all layers shown", Printed, layered("", LAYER, LAYER)),
        fixture("all hidden but one", Printed, layered("/BaseState/OFF/ON[10 0 R]", LAYER, OTHER)),
        fixture(
            "a layer that is not listed",
            UNSURE,
            pdf("/OCProperties<</OCGs[10 0 R]/D<<>>>>", PAGE, CONTENT, &[LAYER, OTHER]),
        ),
        fixture(
            "a layer for the screen",
            UNSURE,
            layered("", LAYER, "<</Type/OCG/Name(lag)/Usage<</Print<</PrintState/OFF>>>>>>"),
        ),
        fixture("a group that is hidden", Printed, grouped("<</Type/OCMD/P/AllOff/OCGs[10 0 R 12 0 R]>>")),
        fixture("a group that MuPDF shows", UNSURE, grouped("<</Type/OCMD/P/AllOn/OCGs[10 0 R 12 0 R]>>")),
        fixture("a group that is shown", Printed, grouped("<</Type/OCMD/OCGs[10 0 R 12 0 R]>>")),
        fixture("an expression", UNSURE, grouped("<</Type/OCMD/OCGs 10 0 R/VE[/Not 10 0 R]>>")),
        fixture(
            "a hidden form",
            Printed,
            pdf(
                "/OCProperties<</OCGs[10 0 R]/D<</OFF[10 0 R]>>>>",
                "/Resources<</Font<</F1 4 0 R>>/XObject<</X 11 0 R>>>>",
                &format!("{TEXT} /X Do"),
                &[LAYER, "<</Subtype/Form/BBox[0 0 500 500]/OC 10 0 R>>|1 0 0 rg 100 100 200 200 re f"],
            ),
        ),
        fixture("an annotation in a shown layer", Printed, in_layer("")),
        fixture("an annotation in a hidden layer", UNSURE, in_layer("/OFF[12 0 R]")),
    ]
}
