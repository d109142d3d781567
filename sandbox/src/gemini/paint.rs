//! Pictures, painted for real: a sky, a sun and hills whose colours and shapes follow from the
//! prompt's hash, with the dominant colours of the references blended in.

use std::io::Cursor;

use bytes::Bytes;
use image::{
    ExtendedColorType, ImageEncoder, ImageReader,
    codecs::{
        jpeg::JpegEncoder,
        png::{CompressionType, FilterType, PngEncoder},
    },
};
use sha2::{Digest, Sha256};

use crate::faults::Format;

type Rgb = [f32; 3];

const JPEG_QUALITY: u8 = 88;
const HILLS: usize = 5;
/// A real 1K picture of the pro model is 0.85 MB.
const GRAIN: u8 = 64;

/// A small generator, seeded by the prompt: the same prompt and call give the same picture.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Between two bounds.
    fn between(&mut self, low: f32, high: f32) -> f32 {
        let unit = (self.next() >> 40) as f32 / (1_u64 << 24) as f32;
        low + unit * (high - low)
    }
}

pub(crate) fn seed(prompt: &str, salt: &str) -> u64 {
    let hash = Sha256::new().chain_update(prompt).chain_update([0]).chain_update(salt).finalize();
    hash.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}

fn hsl(hue: f32, saturation: f32, lightness: f32) -> Rgb {
    let a = saturation * lightness.min(1.0 - lightness);
    let channel = |n: f32| {
        let k = (n + hue * 12.0).rem_euclid(12.0);
        (lightness - a * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0)) * 255.0
    };
    [channel(0.0), channel(8.0), channel(4.0)]
}

fn mix(a: Rgb, b: Rgb, t: f32) -> Rgb {
    let t = t.clamp(0.0, 1.0);
    [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]
}

struct Scene {
    top: Rgb,
    bottom: Rgb,
    sun: Rgb,
    sun_at: (f32, f32),
    sun_radius: f32,
    /// Farthest first.
    hills: Vec<Hill>,
}

struct Hill {
    colour: Rgb,
    /// Of the picture's height.
    base: f32,
    waves: [Wave; 2],
}

struct Wave {
    amplitude: f32,
    frequency: f32,
    phase: f32,
}

impl Scene {
    fn new(seed: u64, references: &[Rgb]) -> Self {
        let mut dice = Dice(seed);
        let hue = dice.between(0.0, 1.0);
        let far = hue + dice.between(0.25, 0.55);
        let mut top = hsl(hue, dice.between(0.45, 0.8), dice.between(0.30, 0.5));
        let mut bottom = hsl(hue + dice.between(0.04, 0.2), dice.between(0.6, 0.9), dice.between(0.7, 0.86));
        let sun = hsl(far, 0.9, dice.between(0.72, 0.9));
        let sun_at = (dice.between(0.15, 0.85), dice.between(0.18, 0.5));
        let sun_radius = dice.between(0.07, 0.16);
        let mut near = hsl(far + dice.between(-0.1, 0.1), dice.between(0.35, 0.7), dice.between(0.12, 0.26));
        if let Some(first) = references.first() {
            top = mix(top, *first, 0.65);
            bottom = mix(bottom, *references.last().unwrap_or(first), 0.5);
            near = mix(near, references[references.len() / 2], 0.55);
        }
        let hills = (0..HILLS)
            .map(|layer| {
                let depth = (layer + 1) as f32 / HILLS as f32;
                let waves = [0, 1].map(|wave| {
                    let fine = 1.0 + wave as f32 * 2.3;
                    Wave {
                        amplitude: dice.between(0.02, 0.07) / fine,
                        frequency: dice.between(4.0, 9.0) * fine,
                        phase: dice.between(0.0, 6.3),
                    }
                });
                Hill { colour: mix(bottom, near, 0.15 + 0.85 * depth), base: 0.48 + 0.46 * depth, waves }
            })
            .collect();
        Self { top, bottom, sun, sun_at, sun_radius, hills }
    }

    fn paint(&self, width: u32, height: u32) -> Vec<u8> {
        let (w, h) = (width as f32, height as f32);
        let scale = w.min(h);
        let horizons: Vec<Vec<f32>> = self
            .hills
            .iter()
            .map(|hill| {
                let line = |x: u32| {
                    let t = x as f32 / scale;
                    let lift: f32 =
                        hill.waves.iter().map(|w| w.amplitude * (t * w.frequency + w.phase).sin()).sum();
                    (hill.base + lift) * h
                };
                (0..width).map(line).collect()
            })
            .collect();
        let (sun_x, sun_y) = (self.sun_at.0 * w, self.sun_at.1 * h);
        let radius = self.sun_radius * scale;
        let glow = radius * 4.5;
        let mut out = Vec::with_capacity(width as usize * height as usize * 3);
        for y in 0..height {
            let fy = y as f32;
            let sky = mix(self.top, self.bottom, fy / (h * 0.75));
            for x in 0..width as usize {
                let hill = horizons.iter().rposition(|line| fy >= line[x]);
                let colour = match hill {
                    Some(layer) => {
                        let depth = ((fy - horizons[layer][x]) / (h * 0.35)).min(1.0);
                        mix(self.hills[layer].colour, self.top, depth * 0.35)
                    }
                    None => {
                        let (dx, dy) = (x as f32 - sun_x, fy - sun_y);
                        let squared = dx * dx + dy * dy;
                        if squared > glow * glow {
                            sky
                        } else {
                            let distance = squared.sqrt();
                            let edge = (radius - distance + 0.5).clamp(0.0, 1.0);
                            let halo = (1.0 - distance / glow).max(0.0);
                            mix(sky, self.sun, edge.max(halo * halo * 0.8))
                        }
                    }
                };
                out.extend(colour.map(|channel| channel as u8));
            }
        }
        out
    }
}

/// Paints, three bytes a pixel; takes long enough to belong on a blocking thread. With grain it is as hard
/// to compress as what the real models make.
pub(crate) fn paint(seed: u64, (width, height): (u32, u32), references: &[Bytes], grain: bool) -> Vec<u8> {
    let colours: Vec<Rgb> = references.iter().filter_map(dominant).collect();
    let mut pixels = Scene::new(seed, &colours).paint(width, height);
    if grain {
        let mut dice = Dice(seed);
        for eight in pixels.chunks_mut(8) {
            for (byte, noise) in eight.iter_mut().zip(dice.next().to_le_bytes()) {
                *byte = byte.saturating_add(noise % GRAIN);
            }
        }
    }
    pixels
}

pub(crate) fn encode(
    pixels: &[u8],
    (width, height): (u32, u32),
    format: Format,
) -> Result<Vec<u8>, image::ImageError> {
    let mut out = Vec::with_capacity(pixels.len() / 8);
    match format {
        Format::Jpeg => {
            let encoder = JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY);
            encoder.write_image(pixels, width, height, ExtendedColorType::Rgb8)?;
        }
        Format::Png => {
            let encoder = PngEncoder::new_with_quality(&mut out, CompressionType::Fast, FilterType::Sub);
            encoder.write_image(pixels, width, height, ExtendedColorType::Rgb8)?;
        }
    }
    Ok(out)
}

/// The average of a picture, leaning towards its strong colours.
fn dominant(bytes: &Bytes) -> Option<Rgb> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let small = reader.decode().ok()?.thumbnail(24, 24).into_rgb8();
    let mut sum = [0.0_f32; 3];
    let mut weights = 0.0;
    for pixel in small.pixels() {
        let [r, g, b] = pixel.0.map(f32::from);
        let weight = 1.0 + (r.max(g).max(b) - r.min(g).min(b)) / 32.0;
        weights += weight;
        for (sum, channel) in sum.iter_mut().zip([r, g, b]) {
            *sum += channel * weight;
        }
    }
    (weights > 0.0).then(|| sum.map(|channel| channel / weights))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(prompt: &str, format: Format) -> Vec<u8> {
        encode(&paint(seed(prompt, ""), (256, 128), &[], false), (256, 128), format).unwrap()
    }

    #[test]
    fn pictures_have_their_size_and_follow_the_prompt() {
        let one = painted("a palm", Format::Png);
        assert_eq!(one, painted("a palm", Format::Png));
        assert_ne!(one, painted("a fox", Format::Png));
        for format in [Format::Png, Format::Jpeg] {
            let decoded = image::load_from_memory(&painted("a fox", format)).unwrap();
            assert_eq!((decoded.width(), decoded.height()), (256, 128));
        }
    }

    #[test]
    fn references_colour_the_picture() {
        let red = image::RgbImage::from_pixel(64, 64, image::Rgb([230, 10, 10]));
        let mut bytes = Cursor::new(Vec::new());
        red.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        let red = Bytes::from(bytes.into_inner());
        let redness = |references: &[Bytes]| {
            let pixels = paint(7, (64, 64), references, false);
            let sum =
                |channel| pixels.iter().skip(channel).step_by(3).map(|one| f32::from(*one)).sum::<f32>();
            (sum(0) - (sum(1) + sum(2)) / 2.0) / (64.0 * 64.0)
        };
        assert!(redness(&[red]) > redness(&[]) + 20.0);
    }

    #[test]
    fn grain_makes_a_picture_as_heavy_as_a_real_one() {
        let pixels = paint(1, (1024, 1024), &[], true);
        let bytes = encode(&pixels, (1024, 1024), Format::Jpeg).unwrap().len();
        assert!((700_000..1_000_000).contains(&bytes), "{bytes}");
    }
}
