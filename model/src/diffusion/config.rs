//! What a model says of itself: the settings beside its tensors.
//!
//! Both spellings are read: one `config.json` a part, as diffusers writes them, and the JSON that the publisher's single
//! file carries in its metadata. Every number is checked before anything is sized by it.

use serde::Deserialize;
use serde_json::Value;

/// Why a configuration cannot be used.
pub(super) type Fault = String;

/// The transformer's shape.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct TransformerConfig {
    /// Channels of the latents.
    pub(super) in_channels: usize,
    /// Heads of each attention.
    pub(super) num_attention_heads: usize,
    /// Channels of a head.
    pub(super) attention_head_dim: usize,
    /// Blocks.
    pub(super) num_layers: usize,
    /// Width of the text encoder's output.
    pub(super) caption_channels: usize,
    /// Width of what the second attention of a block looks at.
    pub(super) cross_attention_dim: usize,
}

/// Larger than any published model by far; keeps a wrong file from asking for terabytes.
const MOST_WIDTH: usize = 1 << 15;
const MOST_LAYERS: usize = 512;

fn check(what: &str, value: usize, most: usize) -> Result<(), Fault> {
    if value == 0 || value > most {
        return Err(format!("{what} is {value}, and must be from 1 to {most}"));
    }
    Ok(())
}

/// A setting that must have the one value this implementation knows.
fn must_be(json: &Value, name: &str, wanted: &Value) -> Result<(), Fault> {
    match json.get(name) {
        Some(found) if found != wanted => Err(format!("{name} is {found}, and only {wanted} is supported")),
        _ => Ok(()),
    }
}

impl TransformerConfig {
    /// Channels of a token inside the transformer.
    #[must_use]
    pub(super) fn width(&self) -> usize {
        self.num_attention_heads * self.attention_head_dim
    }

    pub(super) fn read(json: &Value) -> Result<Self, Fault> {
        let config = Self::deserialize(json).map_err(|e| format!("the transformer's configuration: {e}"))?;
        check("in_channels", config.in_channels, MOST_WIDTH)?;
        check("num_attention_heads", config.num_attention_heads, 1024)?;
        check("attention_head_dim", config.attention_head_dim, 1024)?;
        check("num_attention_heads * attention_head_dim", config.width(), MOST_WIDTH)?;
        check("num_layers", config.num_layers, MOST_LAYERS)?;
        check("caption_channels", config.caption_channels, MOST_WIDTH)?;
        if config.cross_attention_dim != config.width() || config.width() % 2 != 0 {
            let (cross, width) = (config.cross_attention_dim, config.width());
            return Err(format!(
                "cross_attention_dim is {cross}, and must be even and the transformer's width, {width}"
            ));
        }
        if let Some(out) = json.get("out_channels").and_then(Value::as_u64)
            && out != config.in_channels as u64
        {
            return Err(format!("out_channels is {out}, but in_channels is {}", config.in_channels));
        }
        for (name, wanted) in [
            ("patch_size", Value::from(1)),
            ("patch_size_t", Value::from(1)),
            ("activation_fn", Value::from("gelu-approximate")),
            ("norm_elementwise_affine", Value::from(false)),
        ] {
            must_be(json, name, &wanted)?;
        }
        Ok(config)
    }
}

/// How a block of the encoder halves its picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Downsample {
    /// In space.
    Spatial,
    /// In time.
    Temporal,
    /// In both.
    Spatiotemporal,
}

impl Downsample {
    /// By how much in time, and in height and width.
    #[must_use]
    pub(super) fn factors(self) -> (usize, usize) {
        match self {
            Self::Spatial => (1, 2),
            Self::Temporal => (2, 1),
            Self::Spatiotemporal => (2, 2),
        }
    }
}

/// The VAE's shape, in the layout of 0.9.5 and later.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct VaeConfig {
    /// Channels of the latents.
    pub(super) latent_channels: usize,
    /// Channels of the encoder's blocks, and last of its middle.
    pub(super) block_out_channels: Vec<usize>,
    /// Resnets of the encoder's blocks, and last of its middle.
    pub(super) layers_per_block: Vec<usize>,
    /// How each of the encoder's blocks halves.
    pub(super) downsample_type: Vec<Downsample>,
    /// Channels of the decoder's blocks, the finest first.
    pub(super) decoder_block_out_channels: Vec<usize>,
    /// Resnets of the decoder's blocks, the finest first, and last of its middle.
    pub(super) decoder_layers_per_block: Vec<usize>,
    /// Whether the decoder is told how much noise is left in its latents.
    pub(super) timestep_conditioning: bool,
    /// Edge of the square of pixels that make one of the network's.
    pub(super) patch_size: usize,
    /// What latents are multiplied by.
    #[serde(default = "one")]
    pub(super) scaling_factor: f64,
    /// Whether the encoder's frames see none that follow.
    #[serde(default = "yes")]
    pub(super) encoder_causal: bool,
    /// Whether the decoder's frames see none that follow.
    #[serde(default)]
    pub(super) decoder_causal: bool,
}

fn one() -> f64 {
    1.0
}

fn yes() -> bool {
    true
}

impl VaeConfig {
    pub(super) fn read(json: &Value) -> Result<Self, Fault> {
        if json.get("down_block_types").and_then(|t| t.get(0)).is_some_and(|t| t != "LTXVideo095DownBlock3D") {
            return Err("this is a VAE from before LTX-Video 0.9.5, whose layout is not supported".to_owned());
        }
        let config = Self::deserialize(json).map_err(|e| format!("the VAE's configuration: {e}"))?;
        config.check()?;
        for name in ["upsample_residual", "upsample_factor"] {
            let wanted = if name == "upsample_factor" { Value::from(2) } else { Value::from(true) };
            let found = json.get(name).and_then(Value::as_array);
            if found.is_some_and(|list| list.iter().any(|v| *v != wanted)) {
                return Err(format!("{name} must be {wanted} in every block of the VAE's decoder"));
            }
        }
        Ok(config)
    }

    fn check(&self) -> Result<(), Fault> {
        check("latent_channels", self.latent_channels, MOST_WIDTH)?;
        check("patch_size", self.patch_size, 16)?;
        let blocks = self.downsample_type.len();
        check("the number of downsample_type", blocks, 8)?;
        for (what, list, count) in [
            ("block_out_channels", &self.block_out_channels, blocks + 1),
            ("layers_per_block", &self.layers_per_block, blocks + 1),
            ("decoder_layers_per_block", &self.decoder_layers_per_block, self.decoder_block_out_channels.len() + 1),
        ] {
            if list.len() != count {
                return Err(format!("{what} has {} entries where {count} are needed", list.len()));
            }
        }
        check("the number of decoder_block_out_channels", self.decoder_block_out_channels.len(), 8)?;
        let mut widths = self.block_out_channels.iter().chain(&self.decoder_block_out_channels);
        widths.try_for_each(|w| check("a number of channels of the VAE", *w, MOST_WIDTH))?;
        let mut layers = self.layers_per_block.iter().chain(&self.decoder_layers_per_block);
        // None is as good as any: a stage may only fold or unfold.
        layers.try_for_each(|n| check("a number of layers of the VAE", (*n).max(1), MOST_LAYERS))?;
        self.check_halving()
    }

    /// Whether every block's channels divide as its halving asks, and both halves agree on the size.
    fn check_halving(&self) -> Result<(), Fault> {
        for (i, kind) in self.downsample_type.iter().enumerate() {
            let (t, s) = kind.factors();
            let (from, to) = (self.block_out_channels[i], self.block_out_channels[i + 1]);
            if to % (t * s * s) != 0 || from * t * s * s % to != 0 {
                return Err(format!(
                    "an encoder block of {from} to {to} channels cannot halve its picture as {kind:?}"
                ));
            }
        }
        let coarsest_first: Vec<_> = self.decoder_block_out_channels.iter().rev().collect();
        for pair in coarsest_first.windows(2) {
            if *pair[0] != 2 * pair[1] {
                let channels = &self.decoder_block_out_channels;
                return Err(format!("decoder_block_out_channels must double from block to block, not {channels:?}"));
            }
        }
        if coarsest_first.last().is_some_and(|c| *c % 8 != 0) {
            return Err("the finest block of the decoder needs a multiple of 8 channels".to_owned());
        }
        check("the VAE's factor in space", self.space_factor(), 128)?;
        check("the VAE's factor in time", self.time_factor(), 64)?;
        let doublings = 1 << self.decoder_block_out_channels.len();
        let encoder = (self.time_factor(), self.space_factor());
        let decoder = (doublings, doublings * self.patch_size);
        if encoder != decoder {
            return Err(format!(
                "the VAE's encoder shrinks by {encoder:?} in time and space, its decoder grows by {decoder:?}"
            ));
        }
        Ok(())
    }

    /// Frames to a latent frame, but for the first.
    #[must_use]
    pub(super) fn time_factor(&self) -> usize {
        self.downsample_type.iter().map(|d| d.factors().0).product()
    }

    /// Pixels to a latent pixel, along an edge.
    #[must_use]
    pub(super) fn space_factor(&self) -> usize {
        self.patch_size * self.downsample_type.iter().map(|d| d.factors().1).product::<usize>()
    }
}

/// The latent upsampler's shape.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct UpsamplerConfig {
    /// Channels of the latents.
    pub(super) in_channels: usize,
    /// Channels inside.
    pub(super) mid_channels: usize,
    /// Blocks before the upsampling, and as many after it.
    pub(super) num_blocks_per_stage: usize,
}

impl UpsamplerConfig {
    pub(super) fn read(json: &Value) -> Result<Self, Fault> {
        let config = Self::deserialize(json).map_err(|e| format!("the upsampler's configuration: {e}"))?;
        check("in_channels", config.in_channels, MOST_WIDTH)?;
        check("mid_channels", config.mid_channels, MOST_WIDTH)?;
        check("num_blocks_per_stage", config.num_blocks_per_stage, MOST_LAYERS)?;
        if config.mid_channels % super::upsampler::GROUPS != 0 {
            return Err(format!("mid_channels must be a multiple of {}", super::upsampler::GROUPS));
        }
        for (name, wanted) in [
            ("dims", Value::from(3)),
            ("spatial_upsample", Value::from(true)),
            ("temporal_upsample", Value::from(false)),
        ] {
            must_be(json, name, &wanted)?;
        }
        Ok(config)
    }
}

/// The publisher's spelling of the VAE's configuration, in the one of diffusers.
///
/// A list of blocks, each a name with its settings, takes the place of the lists by kind; the layout of 0.9.5 and later
/// is a fixed pattern of them.
pub(super) fn vae_from_single_file(json: &Value) -> Result<Value, Fault> {
    let blocks = |name: &str| -> Result<Vec<(String, Value)>, Fault> {
        let list = json.get(name).and_then(Value::as_array).ok_or(format!("the VAE's configuration lacks {name}"))?;
        list.iter()
            .map(|entry| {
                let name = entry.get(0).and_then(Value::as_str).ok_or(format!("a block in {name} has no name"))?;
                Ok((name.to_owned(), entry.get(1).cloned().unwrap_or(Value::Null)))
            })
            .collect()
    };
    let layers = |settings: &Value| settings.get("num_layers").and_then(Value::as_u64).unwrap_or(1);
    let base = json.get("encoder_base_channels").and_then(Value::as_u64).unwrap_or(128);
    let mut widths = vec![base];
    let (mut encoder_layers, mut kinds) = (Vec::new(), Vec::new());
    for (name, settings) in blocks("encoder_blocks")? {
        let kind = match name.as_str() {
            "res_x" => {
                encoder_layers.push(layers(&settings));
                continue;
            }
            "compress_space_res" => "spatial",
            "compress_time_res" => "temporal",
            "compress_all_res" => "spatiotemporal",
            other => return Err(format!("the VAE's encoder has a block {other:?}, which only older models have")),
        };
        kinds.push(Value::from(kind));
        let by = settings.get("multiplier").and_then(Value::as_u64).unwrap_or(2);
        let widest = widths.last().copied().unwrap_or(base).checked_mul(by).filter(|w| *w <= MOST_WIDTH as u64);
        widths.push(widest.ok_or("the VAE's encoder is too wide")?);
    }
    let mut decoder_layers = Vec::new();
    // Listed from the finest to the coarsest, as the decoder is built from the other end.
    for (name, settings) in blocks("decoder_blocks")? {
        match name.as_str() {
            "res_x" => decoder_layers.push(layers(&settings)),
            "compress_all" => {}
            other => return Err(format!("the VAE's decoder has a block {other:?}, which only older models have")),
        }
    }
    let ups = decoder_layers.len().saturating_sub(1).min(8);
    let finest = json.get("decoder_base_channels").and_then(Value::as_u64).unwrap_or(128).min(MOST_WIDTH as u64);
    let decoder_widths: Vec<u64> = (0..ups).map(|i| (2 * finest) << i).collect();
    let mut out = serde_json::json!({
        "block_out_channels": widths,
        "layers_per_block": encoder_layers,
        "downsample_type": kinds,
        "decoder_block_out_channels": decoder_widths,
        "decoder_layers_per_block": decoder_layers,
    });
    for (to, from) in [
        ("latent_channels", "latent_channels"),
        ("timestep_conditioning", "timestep_conditioning"),
        ("patch_size", "patch_size"),
        ("decoder_causal", "causal_decoder"),
    ] {
        if let Some(value) = json.get(from) {
            out[to] = value.clone();
        }
    }
    Ok(out)
}

/// Reads the configurations and names that `text` may hold, for the fuzz target: JSON, or one name a line.
#[doc(hidden)]
pub fn fuzz_configurations(text: &str) {
    let _ = super::names::transformer(text.lines());
    let _ = super::names::vae(text.lines());
    let _ = super::names::text_encoder(text.lines());
    let Ok(json) = serde_json::from_str::<Value>(text) else { return };
    let _ = TransformerConfig::read(&json);
    let _ = UpsamplerConfig::read(&json);
    if let Ok(config) = VaeConfig::read(&json) {
        let _ = (config.time_factor(), config.space_factor());
    }
    let _ = vae_from_single_file(&json).and_then(|json| VaeConfig::read(&json));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn transformer() -> Value {
        json!({"in_channels": 128, "num_attention_heads": 32, "attention_head_dim": 64, "num_layers": 28,
               "caption_channels": 4096, "cross_attention_dim": 2048, "patch_size": 1})
    }

    fn vae() -> Value {
        json!({"latent_channels": 128, "block_out_channels": [128, 256, 512, 1024, 2048],
               "layers_per_block": [4, 6, 6, 2, 2],
               "downsample_type": ["spatial", "temporal", "spatiotemporal", "spatiotemporal"],
               "decoder_block_out_channels": [256, 512, 1024], "decoder_layers_per_block": [5, 5, 5, 5],
               "timestep_conditioning": true, "patch_size": 4})
    }

    fn with(mut json: Value, name: &str, value: Value) -> Value {
        json[name] = value;
        json
    }

    #[test]
    fn published_shapes_are_read() {
        assert_eq!(TransformerConfig::read(&transformer()).unwrap().width(), 2048);
        let vae = VaeConfig::read(&vae()).unwrap();
        assert_eq!((vae.time_factor(), vae.space_factor()), (8, 32));
        assert!(vae.encoder_causal && !vae.decoder_causal);
        VaeConfig::read(&with(self::vae(), "layers_per_block", json!([0, 0, 0, 0, 0])))
            .expect("an encoder that only folds");
    }

    #[test]
    fn impossible_shapes_are_refused_by_name() {
        for (name, value, said) in [
            ("num_layers", json!(4_000_000_000u64), "num_layers is 4000000000"),
            ("num_attention_heads", json!(0), "num_attention_heads is 0"),
            ("cross_attention_dim", json!(64), "cross_attention_dim is 64"),
            ("caption_channels", json!(-3), "configuration"),
            ("patch_size", json!(2), "patch_size is 2"),
            ("out_channels", json!(64), "out_channels is 64"),
        ] {
            let fault = TransformerConfig::read(&with(transformer(), name, value)).unwrap_err();
            assert!(fault.contains(said), "{fault}");
        }
        for (name, value, said) in [
            ("layers_per_block", json!([1, 2]), "layers_per_block has 2 entries"),
            ("block_out_channels", json!([128, 256, 512, 1023, 2048]), "cannot halve"),
            ("decoder_block_out_channels", json!([256, 500, 1024]), "must double"),
            ("downsample_type", json!(["spatial", "spatial", "spatiotemporal", "spatiotemporal"]), "shrinks by"),
            ("down_block_types", json!(["LTXVideoDownBlock3D"]), "before LTX-Video 0.9.5"),
            ("upsample_factor", json!([1, 2, 2]), "upsample_factor"),
        ] {
            let fault = VaeConfig::read(&with(vae(), name, value)).unwrap_err();
            assert!(fault.contains(said), "{fault}");
        }
    }

    #[test]
    fn the_publishers_spelling_is_the_same_model() {
        let single = json!({
            "latent_channels": 128, "patch_size": 4, "timestep_conditioning": true, "causal_decoder": false,
            "encoder_blocks": [["res_x", {"num_layers": 4}], ["compress_space_res", {"multiplier": 2}],
                ["res_x", {"num_layers": 6}], ["compress_time_res", {"multiplier": 2}], ["res_x", {"num_layers": 6}],
                ["compress_all_res", {"multiplier": 2}], ["res_x", {"num_layers": 2}],
                ["compress_all_res", {"multiplier": 2}], ["res_x", {"num_layers": 2}]],
            "decoder_blocks": [["res_x", {"num_layers": 5}], ["compress_all", {"residual": true, "multiplier": 2}],
                ["res_x", {"num_layers": 5}], ["compress_all", {"residual": true, "multiplier": 2}],
                ["res_x", {"num_layers": 5}], ["compress_all", {"residual": true, "multiplier": 2}],
                ["res_x", {"num_layers": 5}]]
        });
        let read = VaeConfig::read(&vae_from_single_file(&single).unwrap()).unwrap();
        assert_eq!(read, VaeConfig::read(&vae()).unwrap());
        let old = with(single, "encoder_blocks", json!([["res_x_y", {}]]));
        assert!(vae_from_single_file(&old).unwrap_err().contains("only older models"));
    }
}
