//! The files a model's tensors lie in: safetensors, whole or in shards, and GGUF.
//!
//! Opening reads headers alone; a tensor is read when it is asked for. Nothing is allocated on a header's word: sizes
//! are checked against the file's first.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{Read, Seek, SeekFrom},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use candle_core::{
    DType, Device, Tensor,
    quantized::{GgmlDType, QTensor, gguf_file},
};
use parking_lot::Mutex;
use safetensors::tensor::Metadata;

use crate::{Error, Result};

/// A tensor as its file holds it.
#[derive(Clone, Debug)]
pub(super) enum Stored {
    /// Plain numbers.
    Dense(Tensor),
    /// Blocks of quantised numbers.
    Quantised(Arc<QTensor>),
}

/// Where a tensor lies.
struct Entry {
    file: usize,
    shape: Vec<usize>,
    /// Bytes in the file.
    bytes: u64,
    kind: Kind,
}

enum Kind {
    Safetensors { dtype: DType, start: u64 },
    Gguf { name: String },
}

struct Source {
    path: PathBuf,
    file: Mutex<File>,
    gguf: Option<gguf_file::Content>,
}

/// The tensors of one or several files, by the names they have there.
pub(super) struct TensorFiles {
    sources: Vec<Source>,
    entries: BTreeMap<String, Entry>,
    metadata: HashMap<String, String>,
}

/// Longer headers are refused, as the reference reader does.
const MOST_HEADER: u64 = 100_000_000;

/// The most bytes of a tensor that go into a fingerprint as a whole: every tensor of the model in the bundle.
const WHOLE: u64 = 4 << 20;
/// Of a larger one so many go in, from each stretch of so many: all would take as long as loading it.
const SAMPLE: u64 = 4096;
const STRETCH: u64 = 1 << 20;

fn unreadable(path: &Path, reason: impl ToString) -> Error {
    Error::ModelUnreadable { path: path.to_owned(), reason: reason.to_string() }
}

impl TensorFiles {
    /// Opens a `.safetensors` file, an index of shards (`….safetensors.index.json`), or a `.gguf` file.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut files = Self { sources: Vec::new(), entries: BTreeMap::new(), metadata: HashMap::new() };
        let name = path.to_string_lossy();
        if name.ends_with(".index.json") {
            for shard in shards(path)? {
                files.add_safetensors(&shard)?;
            }
        } else if name.ends_with(".gguf") {
            files.add_gguf(path)?;
        } else {
            files.add_safetensors(path)?;
        }
        Ok(files)
    }

    /// The one of the usual names that a folder of the diffusers layout holds.
    pub(super) fn in_folder(folder: &Path) -> Result<Self> {
        for stem in ["diffusion_pytorch_model", "model"] {
            for end in ["safetensors.index.json", "safetensors", "gguf"] {
                let path = folder.join(format!("{stem}.{end}"));
                if path.is_file() {
                    return Self::open(&path);
                }
            }
        }
        let mut others = std::fs::read_dir(folder).map_err(|e| unreadable(folder, e))?.flatten().map(|e| e.path());
        match others.find(|p| p.extension().is_some_and(|e| e == "gguf" || e == "safetensors")) {
            Some(path) => Self::open(&path),
            None => Err(unreadable(folder, "it holds no .safetensors and no .gguf file")),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.sources[0].path
    }

    /// What the header says beside the tensors.
    pub(super) fn metadata(&self) -> &HashMap<String, String> {
        &self.metadata
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    pub(super) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.entries.get(name).map(|e| e.shape.as_slice())
    }

    /// Bytes a tensor takes in memory: numbers of 8 bits are widened to 16.
    pub(super) fn bytes(&self, name: &str) -> u64 {
        self.entries.get(name).map_or(0, |e| match e.kind {
            Kind::Safetensors { dtype, .. } if dtype.size_in_bytes() == 1 => 2 * e.bytes,
            _ => e.bytes,
        })
    }

    fn add_safetensors(&mut self, path: &Path) -> Result<()> {
        let mut file = File::open(path).map_err(|e| unreadable(path, e))?;
        let length = file.metadata().map_err(|e| unreadable(path, e))?.len();
        let (start, header) = read_header(&mut file, length).map_err(|e| unreadable(path, e))?;
        let source = self.sources.len();
        for (name, info) in header.tensors() {
            let (from, to) = (info.data_offsets.0 as u64, info.data_offsets.1 as u64);
            let bits = info.shape.iter().try_fold(info.dtype.bitsize(), |n, d| n.checked_mul(*d));
            let bytes = to.checked_sub(from).filter(|n| bits.is_some_and(|b| b as u64 == n.saturating_mul(8)));
            let Some(bytes) = bytes else {
                return Err(unreadable(path, format!("the header contradicts itself about {name}")));
            };
            if start.checked_add(to).is_none_or(|end| end > length) {
                return Err(unreadable(path, format!("it ends before the tensor {name}: the file is truncated")));
            }
            let dtype = DType::try_from(info.dtype).map_err(|e| unreadable(path, format!("{name}: {e}")))?;
            let kind = Kind::Safetensors { dtype, start: start + from };
            let entry = Entry { file: source, shape: info.shape.clone(), bytes, kind };
            if self.entries.insert(name.clone(), entry).is_some() {
                return Err(unreadable(path, format!("{name} is there twice")));
            }
        }
        if let Some(metadata) = header.metadata() {
            self.metadata.extend(metadata.clone());
        }
        self.sources.push(Source { path: path.to_owned(), file: Mutex::new(file), gguf: None });
        Ok(())
    }

    fn add_gguf(&mut self, path: &Path) -> Result<()> {
        let mut file = File::open(path).map_err(|e| unreadable(path, e))?;
        let length = file.metadata().map_err(|e| unreadable(path, e))?.len();
        let content = read_gguf(&mut file).map_err(|e| unreadable(path, e))?;
        let source = self.sources.len();
        for (name, info) in &content.tensor_infos {
            let shape = info.shape.dims().to_vec();
            let bytes = gguf_bytes(&shape, info.ggml_dtype);
            let end = bytes.and_then(|b| content.tensor_data_offset.checked_add(info.offset)?.checked_add(b));
            let Some((bytes, true)) = bytes.zip(end.map(|e| e <= length)) else {
                return Err(unreadable(path, format!("the tensor {name} ({shape:?}) does not fit in the file")));
            };
            let entry = Entry { file: source, shape, bytes, kind: Kind::Gguf { name: name.clone() } };
            self.entries.insert(name.clone(), entry);
        }
        self.sources.push(Source { path: path.to_owned(), file: Mutex::new(file), gguf: Some(content) });
        Ok(())
    }

    /// The shape of a tensor and its bytes, of a large one a part of them, to tell it from others.
    pub(super) fn telling_bytes(&self, name: &str) -> Result<Vec<u8>> {
        let Some(entry) = self.entries.get(name) else { return Ok(Vec::new()) };
        let source = &self.sources[entry.file];
        let start = match (&entry.kind, &source.gguf) {
            (Kind::Safetensors { start, .. }, _) => *start,
            (Kind::Gguf { name }, Some(content)) => content.tensor_data_offset + content.tensor_infos[name].offset,
            (Kind::Gguf { .. }, None) => 0,
        };
        let mut bytes: Vec<u8> = entry.shape.iter().flat_map(|d| (*d as u64).to_le_bytes()).collect();
        let mut file = source.file.lock();
        let fault = |e: std::io::Error| unreadable(&source.path, format!("{name}: {e}"));
        let (sample, stretch) = if entry.bytes <= WHOLE { (entry.bytes, WHOLE) } else { (SAMPLE, STRETCH) };
        for from in (0..entry.bytes).step_by(stretch as usize) {
            file.seek(SeekFrom::Start(start + from)).map_err(fault)?;
            (&mut *file).take(sample.min(entry.bytes - from)).read_to_end(&mut bytes).map_err(fault)?;
        }
        Ok(bytes)
    }

    /// Reads a tensor.
    pub(super) fn read(&self, name: &str, device: &Device) -> Result<Stored> {
        let Some(entry) = self.entries.get(name) else {
            return Err(unreadable(self.path(), format!("there is no tensor {name}")));
        };
        let source = &self.sources[entry.file];
        let fault = |e: String| unreadable(&source.path, format!("{name}: {e}"));
        let mut file = source.file.lock();
        match (&entry.kind, &source.gguf) {
            (Kind::Gguf { name }, Some(content)) => {
                let tensor = content.tensor(&mut *file, name, device).map_err(|e| fault(e.to_string()))?;
                Ok(plain(tensor, device)?)
            }
            (Kind::Safetensors { dtype, start }, _) => {
                file.seek(SeekFrom::Start(*start)).map_err(|e| fault(e.to_string()))?;
                let mut bytes = vec![0; entry.bytes as usize];
                file.read_exact(&mut bytes).map_err(|e| fault(e.to_string()))?;
                Ok(Stored::Dense(Tensor::from_raw_buffer(&bytes, *dtype, &entry.shape, device)?))
            }
            (Kind::Gguf { .. }, None) => Err(fault("its file is no GGUF file".to_owned())),
        }
    }
}

/// What GGUF stores unquantised is dense.
fn plain(tensor: QTensor, device: &Device) -> candle_core::Result<Stored> {
    Ok(match tensor.dtype() {
        GgmlDType::F32 => Stored::Dense(tensor.dequantize(device)?),
        GgmlDType::F16 => Stored::Dense(tensor.dequantize_f16(device)?),
        GgmlDType::BF16 => Stored::Dense(tensor.dequantize(device)?.to_dtype(DType::BF16)?),
        _ => Stored::Quantised(Arc::new(tensor)),
    })
}

fn gguf_bytes(shape: &[usize], dtype: GgmlDType) -> Option<u64> {
    let elements = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d))?;
    // Blocks run along rows.
    let row = shape.last().copied().unwrap_or(1);
    // candle's reader must not be given nothing to read.
    if elements == 0 || row % dtype.block_size() != 0 {
        return None;
    }
    (elements / dtype.block_size()).checked_mul(dtype.type_size()).map(|n| n as u64)
}

/// Reads the header of a GGUF file with candle's reader, which checks counts against the file's length but may trip over
/// a header made to harm (an alignment of zero).
pub(crate) fn read_gguf(file: &mut (impl Read + Seek)) -> std::result::Result<gguf_file::Content, String> {
    match catch_unwind(AssertUnwindSafe(|| gguf_file::Content::read(file))) {
        Ok(read) => read.map_err(|e| format!("not a whole GGUF file: {e}")),
        Err(_) => Err("its header makes no sense".to_owned()),
    }
}

/// Where the data starts, and what the header says.
fn read_header(file: &mut impl Read, length: u64) -> std::result::Result<(u64, Metadata), String> {
    let whole = "not a whole safetensors file";
    let mut count = [0; 8];
    file.read_exact(&mut count).map_err(|_| format!("{whole}: it has {length} bytes"))?;
    let count = u64::from_le_bytes(count);
    if count > MOST_HEADER || count > length.saturating_sub(8) {
        return Err(format!("{whole}: its header should be {count} bytes long, the file is {length}"));
    }
    let mut bytes = vec![0; count as usize];
    file.read_exact(&mut bytes).map_err(|e| format!("{whole}: {e}"))?;
    let header = serde_json::from_slice(&bytes).map_err(|e| format!("{whole}: its header is broken: {e}"))?;
    Ok((8 + count, header))
}

/// The shards an index names, which lie beside it.
fn shards(index: &Path) -> Result<Vec<PathBuf>> {
    let text = std::fs::read_to_string(index).map_err(|e| unreadable(index, e))?;
    let json: serde_json::Value = serde_json::from_str(&text).map_err(|e| unreadable(index, e))?;
    let Some(map) = json.get("weight_map").and_then(|m| m.as_object()) else {
        return Err(unreadable(index, "it has no weight_map"));
    };
    let mut names: Vec<&str> = map.values().filter_map(|v| v.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let folder = index.parent().unwrap_or(Path::new("."));
    let beside = |name: &&str| {
        let plain = Path::new(name).file_name().is_some_and(|f| f == Path::new(name).as_os_str());
        if plain { Ok(folder.join(name)) } else { Err(unreadable(index, format!("a shard is called {name:?}"))) }
    };
    let paths = names.iter().map(beside).collect::<Result<Vec<_>>>()?;
    if paths.is_empty() { Err(unreadable(index, "its weight_map is empty")) } else { Ok(paths) }
}

/// Reads the headers that `bytes` may hold, as safetensors and as GGUF, for the fuzz target.
#[doc(hidden)]
pub fn fuzz_headers(bytes: &[u8]) {
    let _ = read_header(&mut &*bytes, bytes.len() as u64);
    if let Ok(content) = read_gguf(&mut std::io::Cursor::new(bytes)) {
        for info in content.tensor_infos.values() {
            let _ = gguf_bytes(info.shape.dims(), info.ggml_dtype);
        }
    }
}

#[cfg(test)]
mod tests;
