//! How much memory a generation will take, worked out before anything is loaded.

use super::{item::Grid, model_files::ModelFiles, vae::Tiling};
use crate::{Result, memory};

/// Bytes that each part takes while it works: its weights and what it works on. Parts are loaded in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// The text encoder.
    pub text_encoder: u64,
    /// The VAE while it looks at known frames; 0 if there are none.
    pub encode: u64,
    /// The transformer.
    pub transformer: u64,
    /// The VAE while it makes the video.
    pub decode: u64,
    /// Whether the video is made in tiles, for want of memory.
    pub tiled: bool,
}

/// Tensors of a token's width that a block holds at its fullest: the stream, its norm, queries, keys and values, their
/// turned copies, and the feed-forward's four.
const TOKEN_TENSORS: u64 = 14;

/// Tensors of a picture's full size that the VAE holds at its fullest: its input, the norm, the convolution and the way
/// straight on.
const PICTURE_TENSORS: u64 = 5;

/// Copies of a video that are held at a time while it is put together and made frames.
const FILMS: u64 = 3;

const F32: u64 = 4;

impl MemoryPlan {
    /// The plan of a video, of whose known parts the longest has `known` frames; `upsampled` if there is a second pass.
    pub(super) fn new(files: &ModelFiles, grid: &Grid, known: usize, upsampled: bool, budget: u64) -> Result<Self> {
        let transformer_width = files.transformer.config.width() as u64;
        let tokens = grid.tokens() as u64;
        let vae = vae_weights(files);
        let seen = Grid { frames: known.div_ceil(grid.by.0).min(grid.frames), ..*grid };
        let encode = if known > 0 { vae + encode_work(files, &seen) } else { 0 };
        let upsampler = files.upsampler.as_ref().filter(|_| upsampled).map_or(0, |u| vae + u.source.bytes());
        let plan = Self {
            text_encoder: files.text.source.bytes() + text_extra(files),
            encode: encode.max(upsampler),
            transformer: files.transformer.source.bytes() + TOKEN_TENSORS * tokens * transformer_width * F32,
            ..Self::of_decoding(files, grid, budget)?
        };
        for (what, needed) in [
            ("the text encoder", plan.text_encoder),
            ("looking at the known frames", plan.encode),
            ("the transformer", plan.transformer),
        ] {
            memory::check(what, needed, budget)?;
        }
        Ok(plan)
    }

    /// The plan of making a video from latents that are there, which may be longer than any run.
    pub(super) fn of_decoding(files: &ModelFiles, grid: &Grid, budget: u64) -> Result<Self> {
        let vae = vae_weights(files);
        let whole = vae + decode_work(files, grid);
        let in_tiles = vae + decode_work(files, &tile_of(grid)) + FILMS * video(grid);
        let tiled = whole > budget && in_tiles < whole;
        let decode = if tiled { in_tiles } else { whole };
        memory::check("decoding the video", decode, budget)?;
        Ok(Self { text_encoder: 0, encode: 0, transformer: 0, decode, tiled })
    }

    /// The most that is needed at a time.
    #[must_use]
    pub fn peak(&self) -> u64 {
        self.text_encoder.max(self.encode).max(self.transformer).max(self.decode)
    }
}

/// The embedding is widened, and one matrix at a time while it multiplies.
fn text_extra(files: &ModelFiles) -> u64 {
    let config = &files.text.config;
    (config.vocab_size * config.d_model) as u64 * F32 + (config.d_ff * config.d_model) as u64 * F32
}

/// The VAE's weights; layers of few channels are kept transformed, at four times their size in f32.
pub(super) fn vae_weights(files: &ModelFiles) -> u64 {
    let source = &files.vae.source;
    let planar: usize = source
        .names()
        .iter()
        .filter_map(|n| source.shape(n))
        .filter(|s| s.len() == 5)
        .map(|s| s.iter().product::<usize>())
        .filter(|n| *n <= crate::kernels::Conv3d::MOST_PLANAR_WEIGHTS)
        .sum();
    source.bytes() + planar as u64 * 4 * F32
}

/// Numbers of a video.
fn video(grid: &Grid) -> u64 {
    let space = grid.by.1;
    (grid.video_frames() * grid.height * space * grid.width * space * 3) as u64 * F32
}

fn decode_work(files: &ModelFiles, grid: &Grid) -> u64 {
    let config = &files.vae.config;
    let finest = config.decoder_block_out_channels.first().copied().unwrap_or(0) as u64 / 2;
    let pixels = video(grid) / (3 * F32) / (config.patch_size * config.patch_size) as u64;
    PICTURE_TENSORS * pixels * finest * F32 + FILMS * video(grid)
}

fn encode_work(files: &ModelFiles, grid: &Grid) -> u64 {
    let config = &files.vae.config;
    let widest = config.block_out_channels[0] as u64;
    let pixels = video(grid) / (3 * F32) / (config.patch_size * config.patch_size) as u64;
    PICTURE_TENSORS * pixels * widest * F32 + 2 * video(grid)
}

fn tile_of(grid: &Grid) -> Grid {
    let tiling = Tiling::usual();
    let (time, space) = grid.by;
    let latent = |whole: usize, size: usize, by: usize| whole.min((size / by).max(1));
    Grid {
        frames: latent(grid.frames, tiling.frames.size + time, time),
        height: latent(grid.height, tiling.height.size, space),
        width: latent(grid.width, tiling.width.size, space),
        ..*grid
    }
}
