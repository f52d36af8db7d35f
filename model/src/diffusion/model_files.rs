//! Where the parts of a model lie, in the layouts its publishers and others ship.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use candle_core::{DType, Device, quantized::GgmlDType};
use candle_transformers::models::t5;
use serde_json::Value;
use twox_hash::XxHash3_128;

use super::{
    config::{self, TransformerConfig, UpsamplerConfig, VaeConfig},
    files::TensorFiles,
    loader::{Loader, Part, Source},
    names::{self, Names},
    random::Random,
    text::{self, TextEncoder, Tokenizer},
    transformer::Transformer,
    upsampler::Upsampler,
    vae::Vae,
};
use crate::{Error, Result};

/// Parts that lie apart from the model's own folder or file.
#[derive(Clone, Debug, Default)]
pub struct Elsewhere {
    /// A folder or file of T5 v1.1's encoder.
    pub text_encoder: Option<PathBuf>,
    /// A `tokenizer.json`, or its folder.
    pub tokenizer: Option<PathBuf>,
    /// A folder or file of the VAE.
    pub vae: Option<PathBuf>,
    /// A folder or file of the latent upsampler.
    pub upsampler: Option<PathBuf>,
}

/// A part with its configuration.
pub(super) struct Configured<C> {
    pub(super) source: Box<dyn Source>,
    pub(super) config: C,
}

impl<C: std::fmt::Debug> Configured<C> {
    fn fingerprint(&self, hasher: &mut XxHash3_128) -> Result<()> {
        hasher.write(format!("{:?}", self.config).as_bytes());
        self.source.fingerprint(hasher)
    }
}

/// The headers and configurations of a model: what is needed to plan, and to load each part when its turn comes.
pub struct ModelFiles {
    path: PathBuf,
    pub(super) text: Configured<t5::Config>,
    /// None where weights are random: any words will do.
    pub(super) tokenizer: Option<PathBuf>,
    pub(super) transformer: Configured<TransformerConfig>,
    pub(super) vae: Configured<VaeConfig>,
    pub(super) upsampler: Option<Configured<UpsamplerConfig>>,
}

type NamesOf = fn(&mut dyn Iterator<Item = &str>) -> Names;

impl ModelFiles {
    /// Opens a folder in the layout of diffusers (`transformer`, `vae`, `text_encoder`, `tokenizer`), a single
    /// `.safetensors` file as the publisher ships it, or a `.gguf` file of the transformer. What a file lacks is looked
    /// for in the folder it lies in.
    ///
    /// # Errors
    /// When a part is missing or is not one that can be run.
    pub fn open(path: &Path, elsewhere: &Elsewhere) -> Result<Self> {
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new(".")) };
        let beside = |given: &Option<PathBuf>, names: &[&str]| -> Option<PathBuf> {
            given.clone().or_else(|| names.iter().map(|n| folder.join(n)).find(|p| p.exists()))
        };
        if !path.exists() {
            return Err(Error::ModelUnreadable { path: path.to_owned(), reason: "there is no such file".to_owned() });
        }
        let missing = |what: &str| Error::ModelMismatch {
            path: path.to_owned(),
            reason: format!("there is no {what} beside it"),
        };
        let own = if path.is_dir() { single_file_in(path) } else { Some(path.to_owned()) };
        let own = own.map(|p| Opened::new(&p)).transpose()?;
        let transformer = match (&own, path.join("transformer")) {
            (_, part) if part.is_dir() => Opened::new(&part)?.transformer()?,
            (Some(own), _) => own.transformer()?,
            (None, _) => return Err(missing("transformer")),
        };
        let vae = match (beside(&elsewhere.vae, &["vae"]), &own) {
            (None, Some(own)) if own.has_vae() => own.vae()?,
            (None, _) => return Err(missing("VAE")),
            (Some(_), Some(own)) if elsewhere.vae.is_none() && own.has_vae() => own.vae()?,
            (Some(part), _) => Opened::new(&part)?.vae()?,
        };
        let text =
            beside(&elsewhere.text_encoder, &["text_encoder"]).ok_or_else(|| missing("text encoder (T5 v1.1)"))?;
        let text = Opened::new(&text)?.text()?;
        let tokenizer = beside(&elsewhere.tokenizer, &["tokenizer", "tokenizer.json"]);
        let tokenizer = tokenizer.ok_or_else(|| missing("tokenizer"))?;
        let tokenizer = if tokenizer.is_dir() { tokenizer.join("tokenizer.json") } else { tokenizer };
        let upsampler = beside(&elsewhere.upsampler, &["latent_upsampler", "upsampler"]);
        let upsampler = upsampler.map(|p| Opened::new(&p)?.upsampler()).transpose()?;
        let files = Self { path: path.to_owned(), text, tokenizer: Some(tokenizer), transformer, vae, upsampler };
        files.check()?;
        Ok(files)
    }

    /// A model of random weights in the shape of a published one, to measure time and memory with: `lists` holds the
    /// shapes of its tensors by part (`transformer`, `vae`), in the layout of diffusers. The transformer's matrices may be
    /// quantised.
    ///
    /// # Errors
    /// When the lists are not those of a model that can be run.
    pub fn random(lists: &Value, dtype: DType, quantised: Option<GgmlDType>) -> Result<Self> {
        let fault = |reason: String| Error::ModelMismatch { path: "random weights".into(), reason };
        let part = |name: &str, quantised| Random::new(lists.get(name), dtype, quantised).map_err(fault);
        let transformer = part("transformer", quantised)?;
        let config = TransformerConfig::read(&transformer_from_shapes(&transformer)).map_err(fault)?;
        let vae = Configured {
            source: Box::new(part("vae", None)?),
            config: VaeConfig::read(&published_vae()).map_err(fault)?,
        };
        let text = Random::t5_xxl(config.caption_channels);
        let text = Configured { config: text::config(None, &text)?, source: Box::new(text) };
        let transformer = Configured { source: Box::new(transformer), config };
        Ok(Self { path: "random weights".into(), text, tokenizer: None, transformer, vae, upsampler: None })
    }

    /// The folder or file it was opened from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What tells this model from others: a hash of every tensor's name, shape and bytes (of one larger than 4 MiB a
    /// sample of each MiB), and of each part's configuration.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn fingerprint(&self) -> Result<String> {
        let mut hasher = XxHash3_128::new();
        self.text.fingerprint(&mut hasher)?;
        self.transformer.fingerprint(&mut hasher)?;
        self.vae.fingerprint(&mut hasher)?;
        if let Some(upsampler) = &self.upsampler {
            upsampler.fingerprint(&mut hasher)?;
        }
        if let Some(path) = &self.tokenizer {
            let unreadable = |e: std::io::Error| Error::ModelUnreadable { path: path.clone(), reason: e.to_string() };
            hasher.write(&std::fs::read(path).map_err(unreadable)?);
        }
        Ok(format!("{:032x}", hasher.finish_128()))
    }

    /// Whether the parts are of one model.
    fn check(&self) -> Result<()> {
        let (transformer, vae) = (&self.transformer.config, &self.vae.config);
        let fault = |reason: String| Err(Error::ModelMismatch { path: self.path.clone(), reason });
        if transformer.in_channels != vae.latent_channels {
            let (t, v) = (transformer.in_channels, vae.latent_channels);
            return fault(format!("the transformer takes latents of {t} channels, the VAE makes {v}"));
        }
        if transformer.caption_channels != self.text.config.d_model {
            let (t, e) = (transformer.caption_channels, self.text.config.d_model);
            return fault(format!("the transformer takes texts of {t} channels, the text encoder makes {e}"));
        }
        match &self.upsampler {
            Some(u) if u.config.in_channels != vae.latent_channels => fault(format!(
                "the upsampler takes latents of {} channels, the VAE makes {}",
                u.config.in_channels, vae.latent_channels
            )),
            _ => Ok(()),
        }
    }

    pub(super) fn load_tokenizer(&self) -> Result<Option<Tokenizer>> {
        let config = &self.text.config;
        self.tokenizer.as_ref().map(|p| Tokenizer::load(p, config.vocab_size, config.eos_token_id)).transpose()
    }

    pub(super) fn load_text(&self, device: &Device, dtype: DType) -> Result<TextEncoder> {
        TextEncoder::load(&*self.text.source, &self.text.config, device, dtype)
    }

    pub(super) fn load_transformer(&self, device: &Device, dtype: DType) -> Result<Transformer> {
        let loader = Loader::new(&*self.transformer.source, device, dtype);
        let part = Transformer::load(&loader, &self.transformer.config, device, dtype)?;
        loader.finish()?;
        Ok(part)
    }

    pub(super) fn load_vae(&self, device: &Device, dtype: DType) -> Result<Vae> {
        let loader = Loader::new(&*self.vae.source, device, dtype);
        let part = Vae::load(&loader, &self.vae.config, device, dtype)?;
        loader.finish()?;
        Ok(part)
    }

    pub(super) fn upsampler_part(&self) -> Result<&Configured<UpsamplerConfig>> {
        self.upsampler.as_ref().ok_or_else(|| {
            let reason = "the second pass needs a latent upsampler, and none lies beside it".to_owned();
            Error::ModelMismatch { path: self.path.clone(), reason }
        })
    }

    pub(super) fn load_upsampler(&self, device: &Device) -> Result<Upsampler> {
        let part = self.upsampler_part()?;
        // Its convolutions and norms are few: f32 throughout.
        let loader = Loader::new(&*part.source, device, DType::F32);
        let upsampler = Upsampler::load(&loader, &part.config, device)?;
        loader.finish()?;
        Ok(upsampler)
    }
}

/// A file that lies in the folder itself and holds a whole model.
fn single_file_in(folder: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).ok()?.flatten().map(|e| e.path());
    let mut found: Vec<_> =
        files.filter(|p| p.extension().is_some_and(|e| e == "safetensors" || e == "gguf")).collect();
    found.sort();
    found.into_iter().next()
}

/// Opened files with the configuration that lies beside or in them.
struct Opened {
    files: Arc<TensorFiles>,
    /// A `config.json` beside the tensors.
    beside: Option<Value>,
    /// The JSON of a single file's metadata.
    inside: Option<Value>,
}

impl Opened {
    fn new(path: &Path) -> Result<Self> {
        let (files, config) = match path.is_dir() {
            true => (TensorFiles::in_folder(path)?, path.join("config.json")),
            false => (TensorFiles::open(path)?, path.with_file_name("config.json")),
        };
        let beside = match std::fs::read_to_string(&config) {
            Ok(text) => {
                let unreadable =
                    |e: serde_json::Error| Error::ModelUnreadable { path: config.clone(), reason: e.to_string() };
                Some(serde_json::from_str(&text).map_err(unreadable)?)
            }
            Err(_) => None,
        };
        let inside = files.metadata().get("config").and_then(|text| serde_json::from_str(text).ok());
        Ok(Self { files: Arc::new(files), beside, inside })
    }

    fn part(&self, names: NamesOf) -> Box<dyn Source> {
        Box::new(Part::new(self.files.clone(), names(&mut self.files.names())))
    }

    fn mismatch(&self, reason: String) -> Error {
        Error::ModelMismatch { path: self.files.path().to_owned(), reason }
    }

    fn has_vae(&self) -> bool {
        self.files.names().any(|n| n.starts_with("vae."))
    }

    fn transformer(&self) -> Result<Configured<TransformerConfig>> {
        let source = self.part(|n| names::transformer(n));
        let inside = self.inside.as_ref().and_then(|c| c.get("transformer"));
        let json = inside.or(self.beside.as_ref()).cloned().unwrap_or_else(|| transformer_from_shapes(&*source));
        let config = TransformerConfig::read(&json).map_err(|e| self.mismatch(e))?;
        Ok(Configured { source, config })
    }

    fn vae(&self) -> Result<Configured<VaeConfig>> {
        let inside = self.inside.as_ref().and_then(|c| c.get("vae"));
        let json = match (inside, &self.beside) {
            (Some(inside), _) => config::vae_from_single_file(inside).map_err(|e| self.mismatch(e))?,
            (None, Some(beside)) if !self.has_vae() => beside.clone(),
            _ => published_vae(),
        };
        let config = VaeConfig::read(&json).map_err(|e| self.mismatch(e))?;
        let diffusers = self.files.names().any(|n| n.starts_with("decoder.mid_block") || n.contains(".resnets."));
        let source = match diffusers {
            true => self.part(|n| names::as_they_are(n)),
            false => self.part(|n| names::vae(n)),
        };
        Ok(Configured { source, config })
    }

    fn text(&self) -> Result<Configured<t5::Config>> {
        let source = self.part(|n| names::text_encoder(n));
        let config = text::config(self.beside.as_ref(), &*source)?;
        Ok(Configured { source, config })
    }

    fn upsampler(&self) -> Result<Configured<UpsamplerConfig>> {
        let Some(json) = self.inside.as_ref().or(self.beside.as_ref()) else {
            return Err(self.mismatch("there is no config.json beside the latent upsampler".to_owned()));
        };
        let config = UpsamplerConfig::read(json).map_err(|e| self.mismatch(e))?;
        Ok(Configured { source: self.part(|n| names::as_they_are(n)), config })
    }
}

/// What a transformer's configuration would say, where there is none, as in a GGUF file. Every published one has 32
/// heads.
fn transformer_from_shapes(source: &dyn Source) -> Value {
    let side = |name: &str, i: usize| source.shape(name).and_then(|s| s.get(i).copied()).unwrap_or(0);
    let width = side("proj_in.weight", 0);
    let layers = (0..).take_while(|i| source.shape(&format!("transformer_blocks.{i}.scale_shift_table")).is_some());
    serde_json::json!({
        "in_channels": side("proj_in.weight", 1),
        "num_attention_heads": 32,
        "attention_head_dim": width / 32,
        "num_layers": layers.count(),
        "caption_channels": side("caption_projection.linear_1.weight", 1),
        "cross_attention_dim": width,
    })
}

/// The VAE of every published model from 0.9.5 on.
pub(super) fn published_vae() -> Value {
    serde_json::json!({
        "latent_channels": 128,
        "block_out_channels": [128, 256, 512, 1024, 2048],
        "layers_per_block": [4, 6, 6, 2, 2],
        "downsample_type": ["spatial", "temporal", "spatiotemporal", "spatiotemporal"],
        "decoder_block_out_channels": [256, 512, 1024],
        "decoder_layers_per_block": [5, 5, 5, 5],
        "timestep_conditioning": true,
        "patch_size": 4,
    })
}
