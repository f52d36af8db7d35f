//! The names that tensors have in the layouts in circulation, as diffusers spells them.

use std::collections::BTreeMap;

/// The name of diffusers to the name in the file.
pub(super) type Names = BTreeMap<String, String>;

/// Prefixes that tools put before the transformer's names.
const TRANSFORMER_PREFIXES: [&str; 4] = ["model.diffusion_model.", "diffusion_model.", "transformer.", "model."];

/// The transformer's tensors among `stored`: whatever is not the VAE's nor a text encoder's.
pub(super) fn transformer<'a>(stored: impl Iterator<Item = &'a str>) -> Names {
    stored
        .filter(|name| !name.starts_with("vae.") && !name.starts_with("text_encoders."))
        .map(|name| {
            let bare = TRANSFORMER_PREFIXES.iter().find_map(|p| name.strip_prefix(p)).unwrap_or(name);
            let canonical = bare
                .replace("patchify_proj", "proj_in")
                .replace("adaln_single", "time_embed")
                .replace("q_norm", "norm_q")
                .replace("k_norm", "norm_k");
            (canonical, name.to_owned())
        })
        .collect()
}

/// The VAE's tensors of a single file, which have the prefix `vae.` or, in a file of their own, none.
pub(super) fn vae<'a>(stored: impl Iterator<Item = &'a str>) -> Names {
    let stored: Vec<&str> = stored.collect();
    let prefixed = stored.iter().any(|n| n.starts_with("vae."));
    let bare = |name: &'a str| if prefixed { name.strip_prefix("vae.") } else { Some(name) };
    let parts = stored.iter().filter_map(|name| Some((vae_name(bare(name)?)?, (*name).to_owned())));
    parts.collect()
}

/// `None` for statistics that nobody needs.
fn vae_name(name: &str) -> Option<String> {
    if let Some(statistic) = name.strip_prefix("per_channel_statistics.") {
        return match statistic {
            "mean-of-means" => Some("latents_mean".to_owned()),
            "std-of-means" => Some("latents_std".to_owned()),
            _ => None,
        };
    }
    let name = name
        .replace("res_blocks", "resnets")
        .replace("last_time_embedder", "time_embedder")
        .replace("last_scale_shift_table", "scale_shift_table");
    for (half, blocks, sampler, middle) in
        [("decoder.", "up_blocks.", "upsamplers", 0), ("encoder.", "down_blocks.", "downsamplers", LAST)]
    {
        let Some(rest) = name.strip_prefix(half).and_then(|n| n.strip_prefix(blocks)) else { continue };
        let (index, rest) = rest.split_once('.')?;
        let index: usize = index.parse().ok()?;
        // The publisher counts resnets and what resamples between them in one row.
        let block = match (middle, index) {
            (0, 0) | (LAST, LAST) => "mid_block".to_owned(),
            (0, i) if i % 2 == 1 => format!("{blocks}{}.{sampler}.0", i / 2),
            (0, i) => format!("{blocks}{}", i / 2 - 1),
            (_, i) if i % 2 == 1 => format!("{blocks}{}.{sampler}.0", i / 2),
            (_, i) => format!("{blocks}{}", i / 2),
        };
        return Some(format!("{half}{block}.{rest}"));
    }
    Some(name)
}

/// Where the encoder's middle stands in the publisher's row.
const LAST: usize = 8;

/// A part whose names are those of diffusers already.
pub(super) fn as_they_are<'a>(stored: impl Iterator<Item = &'a str>) -> Names {
    stored.map(|name| (name.to_owned(), name.to_owned())).collect()
}

/// T5's tensors, from the names of Hugging Face or those of llama.cpp, as Hugging Face spells them.
pub(super) fn text_encoder<'a>(stored: impl Iterator<Item = &'a str>) -> Names {
    let known = stored.filter(|name| *name != "encoder.embed_tokens.weight" && !name.starts_with("spiece"));
    known.map(|name| (t5_name(name).unwrap_or_else(|| name.to_owned()), name.to_owned())).collect()
}

fn t5_name(name: &str) -> Option<String> {
    match name {
        "token_embd.weight" => return Some("shared.weight".to_owned()),
        "enc.output_norm.weight" => return Some("encoder.final_layer_norm.weight".to_owned()),
        _ => {}
    }
    let (block, rest) = name.strip_prefix("enc.blk.")?.split_once('.')?;
    let layer = match rest.strip_suffix(".weight")? {
        "attn_q" => "0.SelfAttention.q",
        "attn_k" => "0.SelfAttention.k",
        "attn_v" => "0.SelfAttention.v",
        "attn_o" => "0.SelfAttention.o",
        "attn_rel_b" => "0.SelfAttention.relative_attention_bias",
        "attn_norm" => "0.layer_norm",
        "ffn_gate" => "1.DenseReluDense.wi_0",
        "ffn_up" => "1.DenseReluDense.wi_1",
        "ffn_down" => "1.DenseReluDense.wo",
        "ffn_norm" => "1.layer_norm",
        _ => return None,
    };
    Some(format!("encoder.block.{block}.layer.{layer}.weight"))
}

/// The publisher's name for a VAE tensor of diffusers: the way back, for tests of the way there.
#[cfg(test)]
pub(super) fn publishers_vae_name(name: &str) -> String {
    let name = match name {
        "latents_mean" => return "vae.per_channel_statistics.mean-of-means".to_owned(),
        "latents_std" => return "vae.per_channel_statistics.std-of-means".to_owned(),
        "decoder.scale_shift_table" => return "vae.decoder.last_scale_shift_table".to_owned(),
        _ => name.replace("decoder.time_embedder", "decoder.last_time_embedder").replace("resnets", "res_blocks"),
    };
    let mut out =
        name.replace("decoder.mid_block", "decoder.up_blocks.0").replace("encoder.mid_block", "encoder.down_blocks.8");
    for i in 0..4 {
        let (up, down) = (format!("decoder.up_blocks.{i}."), format!("encoder.down_blocks.{i}."));
        if let Some(rest) = name.strip_prefix(&up) {
            out = match rest.strip_prefix("upsamplers.0.") {
                Some(rest) => format!("decoder.up_blocks.{}.{rest}", 2 * i + 1),
                None => format!("decoder.up_blocks.{}.{rest}", 2 * i + 2),
            };
        } else if let Some(rest) = name.strip_prefix(&down) {
            out = match rest.strip_prefix("downsamplers.0.") {
                Some(rest) => format!("encoder.down_blocks.{}.{rest}", 2 * i + 1),
                None => format!("encoder.down_blocks.{}.{rest}", 2 * i),
            };
        }
    }
    format!("vae.{out}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_publishers_names_are_found() {
        let names = transformer(
            [
                "model.diffusion_model.patchify_proj.weight",
                "model.diffusion_model.adaln_single.linear.bias",
                "model.diffusion_model.transformer_blocks.3.attn1.q_norm.weight",
                "vae.decoder.conv_in.conv.bias",
            ]
            .into_iter(),
        );
        let found: Vec<_> = names.keys().map(String::as_str).collect();
        assert_eq!(found, ["proj_in.weight", "time_embed.linear.bias", "transformer_blocks.3.attn1.norm_q.weight"]);
        let names = vae([
            "vae.per_channel_statistics.mean-of-stds",
            "vae.encoder.down_blocks.8.res_blocks.0.conv1.conv.bias",
            "vae.decoder.up_blocks.5.conv.conv.weight",
            "model.diffusion_model.proj_out.bias",
        ]
        .into_iter());
        let found: Vec<_> = names.keys().map(String::as_str).collect();
        assert_eq!(
            found,
            ["decoder.up_blocks.2.upsamplers.0.conv.conv.weight", "encoder.mid_block.resnets.0.conv1.conv.bias"]
        );
    }

    #[test]
    fn llama_cpps_names_are_found() {
        let names =
            text_encoder(["enc.blk.7.ffn_gate.weight", "token_embd.weight", "enc.blk.0.attn_rel_b.weight"].into_iter());
        assert!(names.contains_key("encoder.block.7.layer.1.DenseReluDense.wi_0.weight"));
        assert!(names.contains_key("shared.weight"));
        assert_eq!(
            names["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"],
            "enc.blk.0.attn_rel_b.weight"
        );
    }
}
