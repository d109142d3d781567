//! The log and its books as files for other programs, as `ledger export` writes them.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::{Stream, stream};
use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Child;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use super::ledger;
use crate::console::Console;
use crate::console::asked::{Unfit, account, since, until};
use crate::console::books::READS;
use crate::console::door::{Door, Need};
use crate::console::form::{Field, choice, filters};
use crate::console::page::problem;
use crate::console::session::Visitor;
use crate::console::taken::{STALLED, as_taken};
use crate::console::view::{Read, Scene, View};

/// Read at once of what the program writes.
const PART: usize = 64 << 10;
/// Workbooks that are as old were left by a ledger that died.
const LEFT: Duration = Duration::from_secs(24 * 3_600);
/// Of the program's last words, for the log of this service.
const WORDS_MAX: u64 = 4 << 10;

pub(super) fn rooms(door: &mut Door) {
    door.view::<Exports>();
    door.get("/exports/file", READS, file);
}

/// A form of export: its name, its arguments, what its file is called.
struct Form {
    name: &'static str,
    args: &'static [&'static str],
    file: &'static str,
    media: &'static str,
}

const CSV: &str = "text/csv; charset=utf-8";
const FORMS: [Form; 8] = [
    Form { name: "postings", args: &["--csv", "--what", "postings"], file: "postings.csv", media: CSV },
    Form { name: "events", args: &["--csv", "--what", "events"], file: "events.csv", media: CSV },
    Form {
        name: "trial-balance",
        args: &["--csv", "--what", "trial-balance"],
        file: "trial-balance.csv",
        media: CSV,
    },
    Form { name: "revenue", args: &["--csv", "--what", "revenue"], file: "revenue.csv", media: CSV },
    Form { name: "statement", args: &["--csv", "--what", "statement"], file: "statement.csv", media: CSV },
    Form {
        name: "workbook",
        args: &["--xlsx"],
        file: "plantain.xlsx",
        media: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    },
    Form {
        name: "hledger",
        args: &["--hledger"],
        file: "plantain.journal",
        media: "text/plain; charset=utf-8",
    },
    Form { name: "ndjson", args: &["--ndjson"], file: "plantain.ndjson", media: "application/x-ndjson" },
];

struct Exports;

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

#[derive(Serialize, JsonSchema)]
struct Shown {
    /// What `/exports/file?what=` takes.
    forms: Vec<&'static str>,
}

impl Read for Exports {
    type Asked = Nothing;
    type Shown = Shown;

    const PATH: &'static str = "/exports";
    const NEED: Need = READS;
    const ABOUT: &'static str = "Which files the log and its books are exported as";

    async fn read(_: &Console, _: &Nothing) -> Result<Shown, Unfit> {
        Ok(Shown { forms: FORMS.iter().map(|form| form.name).collect() })
    }
}

impl View for Exports {
    fn title(scene: &Scene<'_>, _: &Nothing, _: Option<&Shown>) -> String {
        scene.t("menu-exports")
    }

    fn show(scene: &Scene<'_>, _: &Nothing, _: &Shown) -> Markup {
        let labels = ["export-what", "from", "to", "account"].map(|name| scene.t(name));
        let [what, from, to, account] = &labels;
        let (hint, of_statement) = (scene.t("moment-hint"), scene.t("export-account-hint"));
        let forms = FORMS.map(|form| (form.name, scene.t(&format!("export-{}", form.name))));
        let fields = html! {
            (choice("what", what, &forms, "postings"))
            (Field { hint: Some(&hint), ..Field::wish("from", from, "") }.show())
            (Field::wish("to", to, "").show())
            (Field { hint: Some(&of_statement), ..Field::wish("account", account, "") }.show())
        };
        html! {
            p { (scene.t("exports-more")) }
            (filters("/exports/file", &fields, &scene.t("download")))
        }
    }
}

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    what: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    account: String,
}

impl Asked {
    /// The form and its arguments, each of which is fit.
    async fn wish(&self, console: &Console) -> Result<(&'static Form, Vec<String>), Unfit> {
        let form = FORMS.iter().find(|form| form.name == self.what).ok_or(Unfit::Field("export-unfit"))?;
        let (pool, mut args) = (&console.pool, vec!["export".to_owned()]);
        args.extend(form.args.iter().map(|arg| (*arg).to_owned()));
        if !self.from.trim().is_empty() && form.name != "trial-balance" {
            since(pool, &self.from).await?;
            args.push(format!("--from={}", self.from.trim()));
        }
        until(pool, &self.to).await?;
        if !self.to.trim().is_empty() {
            args.push(format!("--to={}", self.to.trim()));
        }
        if form.name == "statement" {
            args.push(format!("--account={}", account(&self.account)?));
        }
        Ok((form, args))
    }
}

async fn file(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Asked>,
) -> Response {
    let refused = |status, why| problem(&console.texts, visitor.lang, status, why);
    let (form, args) = match asked.wish(&console).await {
        Ok(wish) => wish,
        Err(unfit) => {
            let (status, why) = unfit.told(&visitor.path);
            return refused(status, why);
        }
    };
    let Ok(place) = Arc::clone(&console.exports).try_acquire_owned() else {
        return refused(StatusCode::TOO_MANY_REQUESTS, "too-many-exports");
    };
    let body = match written(form, args, place).await {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, what = form.name, "an export was not made");
            return refused(StatusCode::SERVICE_UNAVAILABLE, "not-exported");
        }
    };
    let name = format!("attachment; filename=\"{}\"", form.file);
    ([(header::CONTENT_TYPE, form.media.to_owned()), (header::CONTENT_DISPOSITION, name)], body)
        .into_response()
}

/// A file that is written beside and read from its beginning; it is gone with it.
struct Beside(PathBuf);

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

const BESIDE: &str = "plantain-export-";

/// Takes away what ledgers that died have left.
fn sweep(folder: &Path) {
    let Ok(files) = std::fs::read_dir(folder) else { return };
    for file in files.flatten().filter(|file| file.file_name().to_string_lossy().starts_with(BESIDE)) {
        let age = file.metadata().and_then(|known| known.modified()).ok().and_then(|at| at.elapsed().ok());
        if age.is_some_and(|age| age > LEFT) {
            let _ = std::fs::remove_file(file.path());
        }
    }
}

async fn written(form: &Form, mut args: Vec<String>, place: OwnedSemaphorePermit) -> io::Result<Body> {
    if form.name != "workbook" {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut child = ledger(&args)?.spawn()?;
        let Some(out) = child.stdout.take() else { return Err(io::Error::other("it has no output")) };
        return Ok(Body::from_stream(parts(out, Some(child), place)));
    }
    // A workbook is written to and fro.
    let folder = std::env::temp_dir();
    sweep(&folder);
    let beside = Beside(folder.join(format!("{BESIDE}{}.xlsx", Uuid::new_v4().simple())));
    args.push(format!("--output={}", beside.0.display()));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut child = ledger(&args)?.spawn()?;
    let status = child.wait().await?;
    whole(status, &mut child).await?;
    let file = tokio::fs::File::open(&beside.0).await?;
    Ok(Body::from_stream(parts(file, None, (place, beside))))
}

/// What is read, part by part, as fast as it is taken. A program that fails breaks the answer off.
fn parts<R: AsyncRead + Unpin + Send + 'static, Held: Send + 'static>(
    out: R,
    child: Option<Child>,
    held: Held,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let parts = stream::try_unfold((out, child, held), |(mut out, mut child, held)| async move {
        let mut part = Vec::with_capacity(PART);
        if (&mut out).take(PART as u64).read_to_end(&mut part).await? > 0 {
            return Ok(Some((Bytes::from(part), (out, child, held))));
        }
        if let Some(child) = &mut child {
            let status = child.wait().await?;
            whole(status, child).await?;
        }
        Ok(None)
    });
    as_taken(parts, STALLED)
}

async fn whole(status: ExitStatus, child: &mut Child) -> io::Result<()> {
    if status.success() {
        return Ok(());
    }
    let mut words = String::new();
    if let Some(said) = child.stderr.take() {
        said.take(WORDS_MAX).read_to_string(&mut words).await?;
    }
    tracing::error!(%status, words, "an export broke off");
    Err(io::Error::other("the export broke off"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_left_long_ago_is_taken_away() {
        let folder = std::env::temp_dir().join(format!("sweep-{}", Uuid::new_v4().simple()));
        std::fs::create_dir(&folder).unwrap();
        let long_ago = std::time::SystemTime::now() - 2 * LEFT;
        for (name, is_old) in
            [("plantain-export-a.xlsx", true), ("plantain-export-b.xlsx", false), ("other", true)]
        {
            let file = std::fs::File::create(folder.join(name)).unwrap();
            if is_old {
                file.set_modified(long_ago).unwrap();
            }
        }
        sweep(&folder);
        let mut left: Vec<_> =
            std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["other", "plantain-export-b.xlsx"]);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
