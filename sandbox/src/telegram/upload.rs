//! Files in: uploads, `attach://` references and file ids, checked as Telegram checks them.

use std::collections::VecDeque;
use std::io::Cursor;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use image::{DynamicImage, ImageFormat, ImageReader};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{error::ApiError, params::Params, state::File, state::Telegram};
use crate::{blobs::Blobs, world::World};

pub(crate) const PHOTO_BYTES_MAX: usize = 10 * 1024 * 1024;
pub(crate) const DOCUMENT_BYTES_MAX: usize = 50 * 1024 * 1024;
const SIDES_SUM_MAX: u32 = 10_000;
const SIDES_RATIO_MAX: u32 = 20;
/// The longer side of the small version Telegram makes of every photo.
const SMALL_SIDE: u32 = 320;

/// What will be sent: something new, or something Telegram has already.
pub(crate) enum Source {
    New(NewFile),
    Known(String),
}

#[derive(Clone)]
pub(crate) struct NewFile {
    pub(crate) kind: &'static str,
    pub(crate) bytes: Bytes,
    pub(crate) mime: String,
    pub(crate) name: Option<String>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) small: Option<(Bytes, u32, u32)>,
}

/// Reads the parameter `field` (or what it refers to) as a file of `kind`.
pub(crate) async fn source(
    world: &World,
    params: &Params,
    field: &str,
    value: Option<&str>,
    kind: &'static str,
) -> Result<Source, ApiError> {
    let value = value.map(str::to_owned).or_else(|| params.text(field));
    let upload = match value.as_deref() {
        Some(value) => match value.strip_prefix("attach://") {
            Some(name) => Some(
                params.file(name).ok_or_else(|| ApiError::bad("wrong file identifier/HTTP URL specified"))?,
            ),
            None => None,
        },
        None => params.file(field),
    };
    if let Some(upload) = upload {
        let name = upload.filename.clone().filter(|name| !name.is_empty());
        return new_file(upload.bytes.clone(), kind, name, upload.content_type.clone())
            .await
            .map(Source::New);
    }
    let value = value.ok_or_else(|| ApiError::bad(format!("there is no {kind} in the request")))?;
    if value.starts_with("http://") || value.starts_with("https://") {
        return Err(ApiError::bad("failed to get HTTP URL content"));
    }
    let known = world.read(|state| state.telegram.files.get(&value).map(|file| file.kind.clone()));
    match known {
        None => Err(ApiError::bad("wrong file identifier/HTTP URL specified")),
        Some(other) if other != kind => {
            Err(ApiError::bad(format!("can't use file of type {} as {}", capital(&other), capital(kind))))
        }
        Some(_) => Ok(Source::Known(value)),
    }
}

/// How the server calls a type of file.
fn capital(kind: &str) -> String {
    let mut letters = kind.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// Checks bytes and measures them; decoding a photo happens off the async threads.
pub(crate) async fn new_file(
    bytes: Bytes,
    kind: &'static str,
    name: Option<String>,
    content_type: Option<String>,
) -> Result<NewFile, ApiError> {
    if bytes.is_empty() {
        return Err(ApiError::bad("file must be non-empty"));
    }
    let max = if kind == "photo" { PHOTO_BYTES_MAX } else { DOCUMENT_BYTES_MAX };
    if bytes.len() > max {
        return Err(match kind {
            "photo" => ApiError::bad("file is too big"),
            _ => ApiError::new(413, "Request Entity Too Large"),
        });
    }
    if kind != "photo" {
        let mime = document_mime(&bytes, content_type);
        return Ok(NewFile { kind, bytes, mime, name, width: 0, height: 0, small: None });
    }
    if let Some(seen) = seen(&bytes) {
        return Ok(seen);
    }
    let measured = tokio::task::spawn_blocking(move || photo(bytes))
        .await
        .map_err(|_| ApiError::bad("IMAGE_PROCESS_FAILED"))??;
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    seen.truncate(SEEN_MAX - 1);
    seen.push_front(measured.clone());
    Ok(measured)
}

/// Photos that came last: the same one again is not decoded again, so that many of one picture cost a bench little.
static SEEN: Mutex<VecDeque<NewFile>> = Mutex::new(VecDeque::new());
const SEEN_MAX: usize = 4;

fn seen(bytes: &Bytes) -> Option<NewFile> {
    let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    seen.iter().find(|file| file.bytes == bytes).cloned()
}

/// Telegram looks at the file itself; the sandbox knows pictures, and else believes the sender.
fn document_mime(bytes: &[u8], content_type: Option<String>) -> String {
    match image::guess_format(bytes) {
        Ok(ImageFormat::Png) => "image/png".to_owned(),
        Ok(ImageFormat::Jpeg) => "image/jpeg".to_owned(),
        _ => content_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
    }
}

fn photo(bytes: Bytes) -> Result<NewFile, ApiError> {
    let failed = || ApiError::bad("IMAGE_PROCESS_FAILED");
    let reader = || ImageReader::new(Cursor::new(&bytes)).with_guessed_format().map_err(|_| failed());
    let format = reader()?.format().ok_or_else(failed)?;
    let (width, height) = reader()?.into_dimensions().map_err(|_| failed())?;
    let (long, short) = (width.max(height), width.min(height));
    if width + height > SIDES_SUM_MAX || short == 0 || long / short > SIDES_RATIO_MAX {
        return Err(ApiError::bad("PHOTO_INVALID_DIMENSIONS"));
    }
    let picture = reader()?.decode().map_err(|_| failed())?;
    let small = (long > SMALL_SIDE).then(|| smaller(&picture)).flatten();
    let mime = if format == ImageFormat::Png { "image/png" } else { "image/jpeg" }.to_owned();
    Ok(NewFile { kind: "photo", bytes, mime, name: None, width, height, small })
}

fn smaller(picture: &DynamicImage) -> Option<(Bytes, u32, u32)> {
    let small = picture.thumbnail(SMALL_SIDE, SMALL_SIDE).into_rgb8();
    let (width, height) = small.dimensions();
    let mut out = Cursor::new(Vec::new());
    small.write_to(&mut out, ImageFormat::Jpeg).ok()?;
    Some((Bytes::from(out.into_inner()), width, height))
}

impl Telegram {
    /// Keeps a file and answers with its id.
    pub(crate) fn keep(&mut self, blobs: &Blobs, source: Source) -> String {
        let new = match source {
            Source::Known(id) => return id,
            Source::New(new) => new,
        };
        let smaller: Vec<String> = new
            .small
            .iter()
            .map(|(bytes, width, height)| {
                let size = (*width, *height);
                self.keep_one(blobs, new.kind, bytes, "image/jpeg", None, size, Vec::new())
            })
            .collect();
        self.keep_one(blobs, new.kind, &new.bytes, &new.mime, new.name, (new.width, new.height), smaller)
    }

    #[expect(clippy::too_many_arguments, reason = "they are the fields of one record")]
    fn keep_one(
        &mut self,
        blobs: &Blobs,
        kind: &str,
        bytes: &Bytes,
        mime: &str,
        name: Option<String>,
        (width, height): (u32, u32),
        smaller: Vec<String>,
    ) -> String {
        let number = self.next_file;
        self.next_file += 1;
        let sha256 = blobs.put(bytes);
        let prefix = match kind {
            "photo" => "AgACAgIAAxkB",
            "sticker" => "CAACAgIAAxkB",
            "voice" => "AwACAgIAAxkB",
            "video" => "BAACAgIAAxkB",
            _ => "BQACAgIAAxkB",
        };
        let file_id = format!("{prefix}{}", Uuid::new_v4().simple());
        let path = match kind {
            "photo" => format!("photos/file_{number}.{}", if mime == "image/png" { "png" } else { "jpg" }),
            kind => format!("{kind}s/file_{number}{}", extension(name.as_deref())),
        };
        let file = File {
            file_id: file_id.clone(),
            unique_id: format!("AQAD{}", &sha256[..12]),
            kind: kind.to_owned(),
            bytes: bytes.len() as u64,
            sha256,
            mime: mime.to_owned(),
            name,
            width,
            height,
            path,
            smaller,
        };
        self.files.insert(file_id.clone(), file);
        file_id
    }

    /// The fields a message with this file has: `photo`, `document`, …
    pub(crate) fn media(&self, file_id: &str) -> Value {
        let Some(file) = self.files.get(file_id) else { return json!({}) };
        let describe = |file: &File| json!({"file_id": file.file_id, "file_unique_id": file.unique_id, "file_size": file.bytes});
        if file.kind == "photo" {
            let sizes: Vec<Value> = file
                .smaller
                .iter()
                .filter_map(|id| self.files.get(id))
                .chain([file])
                .map(|file| {
                    let mut size = describe(file);
                    size["width"] = json!(file.width);
                    size["height"] = json!(file.height);
                    size
                })
                .collect();
            return json!({"photo": sizes});
        }
        let mut document = describe(file);
        let kind = file.kind.as_str();
        if !matches!(kind, "sticker" | "video_note") {
            document["mime_type"] = json!(file.mime);
        }
        if let Some(name) = file.name.as_ref().filter(|_| !matches!(kind, "sticker" | "video_note" | "voice"))
        {
            document["file_name"] = json!(name);
        }
        json!({file.kind.as_str(): document})
    }
}

fn extension(name: Option<&str>) -> String {
    let known = name.and_then(|name| name.rsplit_once('.')).map(|(_, extension)| extension);
    match known.filter(|e| e.len() <= 8 && e.bytes().all(|b| b.is_ascii_alphanumeric())) {
        Some(extension) => format!(".{extension}"),
        None => String::new(),
    }
}
