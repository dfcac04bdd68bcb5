//! Files that git cannot hold, or should not: a recipe of a few words each.

use std::fs::File;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{CWD, Mode, mkfifoat};

/// Makes `path` by its recipe: `2 pages`, `2 letter pages` (the American size), `encrypted`, `350000001 bytes` (of nothing), `link to TARGET`, `fifo`,
/// `folder`.
pub fn make(path: &Path, recipe: &str) {
    let words: Vec<&str> = recipe.split_whitespace().collect();
    match words.as_slice() {
        [pages, "page" | "pages"] => std::fs::write(path, pdf(pages.parse().unwrap())).unwrap(),
        [pages, "letter", "pages"] => {
            let american = pdf_with(pages.parse().unwrap(), "[0 0 612 792]", "");
            std::fs::write(path, american).unwrap();
        }
        ["encrypted"] => std::fs::write(path, encrypted_pdf()).unwrap(),
        [bytes, "bytes"] => File::create_new(path).unwrap().set_len(bytes.parse().unwrap()).unwrap(),
        ["link", "to", target] => symlink(target, path).unwrap(),
        ["fifo"] => mkfifoat(CWD, path, Mode::RWXU).unwrap(),
        ["folder"] => std::fs::create_dir(path).unwrap(),
        _ => panic!("{}: «{recipe}» is no recipe", path.display()),
    }
}

/// The least that is a whole PDF: A4 pages with nothing on them.
pub fn pdf(pages: usize) -> Vec<u8> {
    pdf_with(pages, A4, "")
}

const A4: &str = "[0 0 595 842]";

/// `trailer`: what else the trailer says.
fn pdf_with(pages: usize, size: &str, trailer: &str) -> Vec<u8> {
    let kids: String = (0..pages).map(|page| format!("{} 0 R ", page + 3)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [ {kids}] /Count {pages} /MediaBox {size} >>"),
    ];
    objects.resize(pages + 2, "<< /Type /Page /Parent 2 0 R >>".to_owned());
    let mut file = "%PDF-1.4\n".to_owned();
    let mut table = "0000000000 65535 f \n".to_owned();
    for (number, object) in (1..).zip(&objects) {
        table += &format!("{:010} 00000 n \n", file.len());
        file += &format!("{number} 0 obj\n{object}\nendobj\n");
    }
    let (start, count) = (file.len(), objects.len() + 1);
    file += &format!("xref\n0 {count}\n{table}trailer\n<< /Size {count} /Root 1 0 R {trailer}>>\n");
    file += &format!("startxref\n{start}\n%%EOF\n");
    file.into_bytes()
}

/// A PDF that wants a password, which nobody knows.
fn encrypted_pdf() -> Vec<u8> {
    let (owner, user, id) = ("4f".repeat(32), "55".repeat(32), "00".repeat(16));
    let encryption = format!("/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{owner}> /U <{user}> >>");
    pdf_with(1, A4, &format!("{encryption} /ID [<{id}> <{id}>] "))
}
