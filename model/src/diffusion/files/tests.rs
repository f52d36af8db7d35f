use std::{collections::HashMap, fs};

use candle_core::quantized::{GgmlDType, gguf_file};

use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn tensor(shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    Tensor::from_vec((0..count).map(|i| i as f32 * 0.01).collect::<Vec<_>>(), shape, &Device::Cpu).unwrap()
}

fn safetensors_file(path: &Path, tensors: &[(&str, &[usize])]) {
    let tensors: HashMap<String, Tensor> = tensors.iter().map(|(n, s)| ((*n).to_owned(), tensor(s))).collect();
    candle_core::safetensors::save(&tensors, path).unwrap();
}

fn fault(path: &Path) -> String {
    match TensorFiles::open(path) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn whole_files_are_read_and_cut_ones_refused() {
    let folder = folder();
    let path = folder.path().join("model.safetensors");
    safetensors_file(&path, &[("a", &[3, 4]), ("b", &[5])]);
    let files = TensorFiles::open(&path).unwrap();
    let Stored::Dense(a) = files.read("a", &Device::Cpu).unwrap() else { panic!() };
    assert_eq!(a.to_vec2::<f32>().unwrap(), tensor(&[3, 4]).to_vec2::<f32>().unwrap());
    assert!(files.read("c", &Device::Cpu).unwrap_err().to_string().contains("no tensor c"));
    let bytes = fs::read(&path).unwrap();
    for cut in [0, 4, 8, 20, bytes.len() - 1] {
        fs::write(&path, &bytes[..cut]).unwrap();
        let fault = fault(&path);
        assert!(fault.contains("model.safetensors") && fault.contains("fetch it"), "{cut}: {fault}");
    }
}

#[test]
fn a_file_cut_after_it_was_opened_is_an_error_too() {
    let folder = folder();
    let path = folder.path().join("model.safetensors");
    safetensors_file(&path, &[("a", &[300, 4])]);
    let files = TensorFiles::open(&path).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(200).unwrap();
    assert!(files.read("a", &Device::Cpu).is_err());
}

fn with_header(path: &Path, header: &str, data: usize) {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(vec![0; data]);
    fs::write(path, bytes).unwrap();
}

#[test]
fn headers_that_lie_are_refused_before_anything_is_allocated() {
    let folder = folder();
    let path = folder.path().join("model.safetensors");
    let of =
        |shape: &str, offsets: &str| format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#);
    for (header, said) in [
        (of("[1000000000000]", "[0,4000000000000]"), "truncated"),
        (of("[2]", "[0,4]"), "broken"),
        (of("[2]", "[8,0]"), ""),
        (of("[18446744073709551615,8]", "[0,8]"), ""),
        ("{".to_owned(), "broken"),
        ("[]".to_owned(), "broken"),
    ] {
        with_header(&path, &header, 8);
        let fault = fault(&path);
        assert!(fault.contains(said), "{header}: {fault}");
    }
    fs::write(&path, u64::MAX.to_le_bytes()).unwrap();
    assert!(fault(&path).contains("header should be"));
}

#[test]
fn shards_are_one_model() {
    let folder = folder();
    safetensors_file(&folder.path().join("one.safetensors"), &[("a", &[2, 2])]);
    safetensors_file(&folder.path().join("two.safetensors"), &[("b", &[3])]);
    let index = folder.path().join("diffusion_pytorch_model.safetensors.index.json");
    fs::write(&index, r#"{"weight_map":{"a":"one.safetensors","b":"two.safetensors"}}"#).unwrap();
    let files = TensorFiles::in_folder(folder.path()).unwrap();
    assert_eq!(files.names().collect::<Vec<_>>(), ["a", "b"]);
    assert!(files.read("b", &Device::Cpu).is_ok());
    for (text, said) in [
        (r#"{"weight_map":{"a":"one.safetensors","b":"gone.safetensors"}}"#, "gone.safetensors"),
        (r#"{"weight_map":{"a":"../../etc/passwd"}}"#, "is called"),
        (r#"{"weight_map":{}}"#, "empty"),
        ("no json", ""),
    ] {
        fs::write(&index, text).unwrap();
        assert!(fault(&index).contains(said), "{text}");
    }
}

fn gguf(path: &Path, tensors: &[(&str, QTensor)]) {
    let mut file = File::create(path).unwrap();
    let tensors: Vec<_> = tensors.iter().map(|(n, t)| (*n, t)).collect();
    gguf_file::write(&mut file, &[], &tensors).unwrap();
}

#[test]
fn gguf_files_are_read_and_broken_ones_refused() {
    let folder = folder();
    let path = folder.path().join("model.gguf");
    let quantised = |shape: &[usize], dtype| QTensor::quantize(&tensor(shape), dtype).unwrap();
    gguf(&path, &[("w", quantised(&[4, 64], GgmlDType::Q8_0)), ("h", quantised(&[3, 2], GgmlDType::F16))]);
    let files = TensorFiles::open(&path).unwrap();
    assert_eq!(files.shape("w"), Some(&[4, 64][..]));
    assert!(matches!(files.read("w", &Device::Cpu).unwrap(), Stored::Quantised(_)));
    assert!(matches!(files.read("h", &Device::Cpu).unwrap(), Stored::Dense(t) if t.dtype() == DType::F16));
    let bytes = fs::read(&path).unwrap();
    // The last bytes fill up to a round number.
    for cut in (0..bytes.len() - 32).step_by(13) {
        fs::write(&path, &bytes[..cut]).unwrap();
        let fault = fault(&path);
        assert!(fault.contains("model.gguf"), "{cut}: {fault}");
    }
    // Every byte of the header broken in turn: an error or a file, never a crash.
    for at in 0..120 {
        for value in [0, 0x7f, 0xff] {
            let mut broken = bytes.clone();
            broken[at] = value;
            fs::write(&path, &broken).unwrap();
            if let Ok(files) = TensorFiles::open(&path) {
                let names: Vec<String> = files.names().map(str::to_owned).collect();
                for name in names {
                    let _ = files.read(&name, &Device::Cpu);
                }
            }
        }
    }
}
