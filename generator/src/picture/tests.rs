use super::*;

/// A chunk of a PNG; nobody looks at its checksum.
pub(crate) fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap();
    [&len.to_be_bytes(), name.as_slice(), body, b"\xAA\xBB\xCC\xDD"].concat()
}

fn png_of(width: u32, height: u32, extra: &[Vec<u8>]) -> Vec<u8> {
    let header = [&width.to_be_bytes(), &height.to_be_bytes(), b"\x08\x02\x00\x00\x00".as_slice()].concat();
    let extra = extra.concat();
    [png::SIGNATURE, &chunk(b"IHDR", &header), &extra, &chunk(b"IDAT", b"pixels"), &chunk(b"IEND", b"")]
        .concat()
}

/// A PNG as far as it is looked at.
pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    png_of(width, height, &[])
}

/// A segment of a JPEG.
pub(crate) fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len() + 2).unwrap();
    [&[0xFF, marker], len.to_be_bytes().as_slice(), body].concat()
}

const JFIF: &[u8] = b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0";

fn jpeg_of(width: u16, height: u16, extra: &[Vec<u8>]) -> Vec<u8> {
    let frame =
        [b"\x08", height.to_be_bytes().as_slice(), &width.to_be_bytes(), b"\x01\x01\x11\x00"].concat();
    [
        b"\xff\xd8".to_vec(),
        segment(0xE0, JFIF),
        extra.concat(),
        segment(0xDB, &[7; 65]),
        segment(0xC2, &frame),
        segment(0xDA, b"\x01\x01\x00\x00\x3f\x00"),
        b"scan\xff\x00ned\xff\xd3again".to_vec(),
        segment(0xC4, &[1; 20]),
        segment(0xDA, b"\x01\x01\x00\x00\x3f\x00"),
        b"more\xff\xd9".to_vec(),
    ]
    .concat()
}

/// A JPEG as far as it is looked at.
pub(crate) fn jpeg(width: u16, height: u16) -> Vec<u8> {
    jpeg_of(width, height, &[])
}

fn webp_of(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let body: Vec<u8> = chunks
        .iter()
        .flat_map(|(name, body)| {
            let filling = vec![0; body.len() % 2];
            [name.as_slice(), &u32::try_from(body.len()).unwrap().to_le_bytes(), body, &filling].concat()
        })
        .collect();
    let size = u32::try_from(body.len() + 4).unwrap();
    [b"RIFF", size.to_le_bytes().as_slice(), b"WEBP", &body].concat()
}

fn vp8x(flags: u8) -> (&'static [u8; 4], Vec<u8>) {
    (b"VP8X", vec![flags, 0, 0, 0, 63, 0, 0, 31, 0, 0])
}

fn vp8(width: u16, height: u16) -> (&'static [u8; 4], Vec<u8>) {
    let sides = [width.to_le_bytes(), height.to_le_bytes()].concat();
    (b"VP8 ", [b"\x10\x02\x00\x9d\x01\x2a", sides.as_slice(), b"pixel"].concat())
}

/// What is left of it, given in pieces of this size.
fn stripped_by(bytes: &[u8], size: usize) -> Result<(Vec<u8>, Look), NotAPicture> {
    stripped_of(Origin::Model, bytes, size)
}

fn stripped_of(origin: Origin, bytes: &[u8], size: usize) -> Result<(Vec<u8>, Look), NotAPicture> {
    let (mut strip, mut out) = (Strip::new(origin), Vec::new());
    for piece in bytes.chunks(size) {
        strip.push(piece, &mut out)?;
    }
    let look = strip.end(&mut out)?;
    Ok((out, look))
}

/// The same, wherever it is split.
fn stripped(bytes: &[u8]) -> Result<(Vec<u8>, Look), NotAPicture> {
    let whole = stripped_by(bytes, bytes.len().max(1));
    for size in 1..40 {
        assert_eq!(stripped_by(bytes, size), whole, "by {size}");
    }
    whole
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

fn look(media_type: MediaType, width: u32, height: u32) -> Look {
    Look { media_type, width, height }
}

#[test]
fn a_picture_without_metadata_stays_as_it_is() {
    let lossless = [(b"VP8L", b"\x2f\x3f\xc0\x07\x00pixels".to_vec())];
    let table = [
        (png(640, 480), look(MediaType::Png, 640, 480)),
        (jpeg(640, 480), look(MediaType::Jpeg, 640, 480)),
        (webp_of(&[vp8(640, 480)]), look(MediaType::Webp, 640, 480)),
        (webp_of(&lossless), look(MediaType::Webp, 64, 32)),
        (webp_of(&[vp8x(0x10), vp8(64, 32)]), look(MediaType::Webp, 64, 32)),
    ];
    for (bytes, seen) in table {
        assert_eq!(stripped(&bytes), Ok((bytes.clone(), seen)));
    }
}

#[test]
fn what_a_jpeg_tells_beside_its_pixels_goes() {
    let kept = [
        segment(0xE2, b"ICC_PROFILE\0\x01\x01profile"),
        segment(0xEB, b"JP\0\x01 c2pa"),
        segment(0xEE, b"Adobe\0\x64\0\0\0\0\x01"),
    ];
    let gone = [
        segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0GPS 55.75 37.61"),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0SECRET"),
        segment(0xE2, b"MPF\0SECRET"),
        segment(0xE0, b"JFXX\0\x10SECRET"),
        segment(0xE5, b"SECRET"),
        segment(0xEB, b"SECRET"),
        segment(0xED, b"Photoshop 3.0\0SECRET"),
        segment(0xEE, b"SECRET"),
        segment(0xFE, b"SECRET"),
    ];
    let mut bytes = jpeg_of(64, 32, &[kept.to_vec(), gone.to_vec()].concat());
    bytes.extend(b"and then \xff\xd8\xff SECRET film");
    let expected = (jpeg_of(64, 32, &kept), look(MediaType::Jpeg, 64, 32));
    assert_eq!(stripped(&bytes), Ok(expected));
}

#[test]
fn a_jpegs_thumbnail_goes_and_its_missing_end_comes() {
    let thumbnail = [b"JFIF\0\x01\x01\0\0\x01\0\x01\x01\x01".as_slice(), b"rgb"].concat();
    let bytes = jpeg(8, 8);
    let with = [b"\xff\xd8", segment(0xE0, &thumbnail).as_slice(), &bytes[2 + 18..]].concat();
    assert_eq!(stripped(&with).unwrap().0, bytes);
    assert_eq!(stripped(&bytes[..bytes.len() - 2]).unwrap().0, bytes);
}

#[test]
fn of_exif_only_the_orientation_stays() {
    let little = b"Exif\0\0II*\0\x08\0\0\0\x02\0\x0f\x01\x02\0\x06\0\0\0\x26\0\0\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0Maker";
    let big = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0GPS";
    for exif in [little.as_slice(), big] {
        // A second one is a trap.
        let extra = [segment(0xE1, exif), segment(0xE1, exif)];
        let (out, _) = stripped(&jpeg_of(8, 8, &extra)).unwrap();
        assert!(!contains(&out, b"Maker") && !contains(&out, b"GPS"));
        let own = segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0");
        assert_eq!(out, jpeg_of(8, 8, &[own]));
    }
    let upright = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x01\0\0\0\0\0\0";
    let broken = [
        upright.as_slice(),
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff",
        b"Exif\0\0",
    ];
    for exif in broken {
        assert_eq!(stripped(&jpeg_of(8, 8, &[segment(0xE1, exif)])).unwrap().0, jpeg(8, 8));
    }
}

#[test]
fn what_a_png_tells_beside_its_pixels_goes() {
    let kept =
        [chunk(b"iCCP", b"profile"), chunk(b"tRNS", b"x"), chunk(b"caBX", b"c2pa"), chunk(b"PLTE", b"rgb")];
    let gone = [
        chunk(b"eXIf", b"SECRET"),
        chunk(b"tEXt", b"SECRET"),
        chunk(b"iTXt", b"SECRET"),
        chunk(b"zTXt", b"SECRET"),
        chunk(b"tIME", b"SECRET"),
        chunk(b"prVt", b"SECRET"),
    ];
    let mut bytes = png_of(64, 32, &[kept.to_vec(), gone.to_vec()].concat());
    bytes.extend(b"SECRET film");
    assert_eq!(stripped(&bytes), Ok((png_of(64, 32, &kept), look(MediaType::Png, 64, 32))));
}

#[test]
fn what_a_webp_tells_beside_its_pixels_is_blanked() {
    let secret = b"SECRET!".to_vec();
    let gone = [(b"EXIF", secret.clone()), (b"XMP ", secret.clone()), (b"what", secret.clone())];
    let told = [vp8x(0x10 | 0x0C), (b"ICCP", b"profile".to_vec()), vp8(64, 32)];
    let mut bytes = webp_of(&[told.to_vec(), gone.to_vec()].concat());
    bytes.extend(b"SECRET film");
    let blank = (b"JUNK", vec![0; 7]);
    let left = [vp8x(0x10), told[1].clone(), told[2].clone(), blank.clone(), blank.clone(), blank];
    assert_eq!(stripped(&bytes), Ok((webp_of(&left), look(MediaType::Webp, 64, 32))));
}

#[test]
fn a_cameras_c2pa_goes_and_a_models_stays() {
    let blank = (b"JUNK", vec![0; 4]);
    let table = [
        (jpeg_of(64, 32, &[segment(0xEB, b"JP\0\x01c2pa")]), jpeg(64, 32)),
        (png_of(64, 32, &[chunk(b"caBX", b"c2pa")]), png(64, 32)),
        (
            webp_of(&[vp8x(0), vp8(64, 32), (b"C2PA", b"c2pa".to_vec())]),
            webp_of(&[vp8x(0), vp8(64, 32), blank]),
        ),
    ];
    for (whole, bare) in table {
        assert_eq!(stripped_of(Origin::Person, &whole, 5).unwrap().0, bare);
        assert_eq!(stripped(&whole).unwrap().0, whole);
    }
}

#[test]
fn what_is_no_picture_is_refused() {
    for bad in
        [&b""[..], b"GIF89a\x01\x00\x01\x00\x00\x00", b"<svg/>", b"{}", b"\xff\xd8\xff", b"RIFF1234WAVE"]
    {
        assert!(stripped(bad).is_err(), "{bad:?} was taken");
    }
    assert_eq!(stripped(b"\xff\xd8\xff\xe0\x00\x01........"), Err(NotAPicture::Header));
    assert_eq!(stripped(&[png::SIGNATURE, &chunk(b"IDAT", b"12345678")].concat()), Err(NotAPicture::Header));
    assert_eq!(stripped(&webp_of(&[(b"ALPH", vec![0; 20])])), Err(NotAPicture::Header));
}

#[test]
fn a_picture_that_claims_too_much_is_refused_before_its_pixels() {
    let size = |width, height| Err(NotAPicture::Size { width, height });
    assert_eq!(stripped(&png(0, 10)), size(0, 10));
    assert_eq!(stripped(&png(10, 100_000)), size(10, 100_000));
    assert_eq!(stripped(&png(16_385, 10)), size(16_385, 10));
    assert_eq!(stripped(&jpeg(65_535, 1)), size(65_535, 1));
    let (mut strip, mut out) = (Strip::new(Origin::Person), Vec::new());
    let bomb = png(100_000, 100_000);
    assert!(strip.push(&bomb[..29], &mut out).is_err() && !contains(&out, b"IHDR"));
    // Phones of 108 and 200 megapixels, and the largest that is taken.
    for (width, height) in [(12_000, 9_000), (16_320, 12_240), (16_384, 16_384)] {
        assert_eq!(stripped(&png(width, height)).unwrap().1.height, height);
        assert_eq!(stripped(&jpeg(width as u16, height as u16)).unwrap().1.height, height);
    }
}

#[test]
fn a_picture_that_is_cut_is_none() {
    let webp = webp_of(&[vp8x(0), vp8(64, 32)]);
    // The last byte of this one is filling.
    for whole in [png(8, 8), webp[..webp.len() - 1].to_vec()] {
        for end in 0..whole.len() {
            assert!(stripped_by(&whole[..end], 7).is_err(), "cut at {end}");
        }
    }
    let whole = jpeg(8, 8);
    let scan = whole.windows(4).position(|window| window == b"scan").unwrap();
    for end in 0..scan {
        assert!(stripped_by(&whole[..end], 7).is_err(), "cut at {end}");
    }
}

/// The same chance at each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

#[test]
fn broken_pictures_break_nothing_and_what_passes_passes_again() {
    let exif = segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0");
    let whole = [
        png_of(64, 32, &[chunk(b"tEXt", b"what"), chunk(b"gAMA", b"some")]),
        jpeg_of(64, 32, &[exif, segment(0xFE, b"what")]),
        webp_of(&[vp8x(0x0C), vp8(64, 32), (b"EXIF", vec![1; 9])]),
    ];
    let mut dice = Dice(7);
    let mut passed = 0;
    for _ in 0..20_000 {
        let mut bytes = whole[dice.below(whole.len())].clone();
        for _ in 0..=dice.below(3) {
            let at = dice.below(bytes.len());
            match dice.below(3) {
                0 => bytes[at] = dice.below(256) as u8,
                1 => drop(bytes.drain(at..(at + dice.below(9)).clamp(at, bytes.len() - 1))),
                _ => bytes.truncate(at + 1),
            }
        }
        let size = dice.below(bytes.len()) + 1;
        let once = stripped_by(&bytes, size);
        assert_eq!(once, stripped_by(&bytes, bytes.len()), "{bytes:02x?}");
        if let Ok((out, look)) = once {
            assert_eq!(stripped_by(&out, out.len()), Ok((out.clone(), look)), "{bytes:02x?}");
            passed += 1;
        }
    }
    assert!((1_000..19_000).contains(&passed), "{passed} passed");
}
