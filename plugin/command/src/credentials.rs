//! Content credentials: signed statements of how a file came about, by the specification of the C2PA.

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use c2pa::{Builder, Signer, SigningAlg, assertions::DataHash, create_signer};
use pickup_clips::{Mark, Partial, write_whole};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

use super::{CliError, args::ProvenanceArgs, progress};

/// Formats whose files hold credentials themselves. AVI could, but the crate does not know its files beyond 1 GB.
const HOLD: [&str; 9] = ["png", "jpg", "jpeg", "tif", "tiff", "webp", "gif", "mp4", "mov"];

/// What a certificate made for one run is made out to.
const NOBODY: &str = "pickup.local";

/// Signs files.
pub(super) struct Credentials {
    signer: Box<dyn Signer>,
}

impl Credentials {
    /// What signs, as the user asks for it.
    pub(super) fn new(args: &ProvenanceArgs) -> Result<Self, CliError> {
        let signer = match (&args.certificate, &args.key) {
            (Some(certificate), Some(key)) => by_files(certificate, key)?,
            _ => {
                progress::note(
                    "the content credentials are signed by a certificate made for this run: they show that a file is as it was \
                     written, and not by whom. --certificate and --key name your own",
                );
                self_made()?
            }
        };
        Ok(Self { signer })
    }

    /// Signs a file that was written with a mark: inside the file, where its format holds credentials, else in a file of the same
    /// name and the ending `.c2pa` beside it.
    pub(super) fn sign(&self, path: &Path, mark: &Mark) -> Result<(), CliError> {
        let told = |error: c2pa::Error| CliError::at(path, format_args!("could not be signed: {error}"));
        let unread = |error: std::io::Error| CliError::at(path, error);
        let mut source = BufReader::new(File::open(path).map_err(unread)?);
        let mut builder = Builder::default().with_definition(statement(path, mark)).map_err(told)?;
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        if HOLD.contains(&&*ending) {
            let mut signed = Partial::create(path)?;
            builder.sign(&*self.signer, &ending, &mut source, signed.file()).map_err(told)?;
            return Ok(signed.commit()?);
        }
        const FORMAT: &str = "application/c2pa";
        let mut hash = DataHash::new("whole file", "sha256");
        hash.gen_hash_from_stream(&mut source).map_err(told)?;
        builder.data_hashed_placeholder(self.signer.reserve_size(), FORMAT).map_err(told)?;
        let credentials = builder.sign_data_hashed_embeddable(&*self.signer, &hash, FORMAT).map_err(told)?;
        Ok(write_whole(&beside(path), &credentials)?)
    }
}

/// A signer by a certificate that is made now, and by another one that issues it, since readers refuse a certificate that issued itself.
/// Their keys are forgotten when the run ends. What they say is what the C2PA's specification asks of certificates (2.2, 14.5.1). They end in 4096, as rcgen
/// has it: a file is as it was written after years, too.
fn self_made() -> Result<Box<dyn Signer>, CliError> {
    let unmade = |error: rcgen::Error| CliError::failed(format!("no certificate can be made: {error}"));
    let key = || KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(unmade);
    let named = |name: &str| {
        let mut params = CertificateParams::new([NOBODY.to_owned()]).map_err(unmade)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.distinguished_name.push(DnType::OrganizationName, "Pickup");
        params.use_authority_key_identifier_extension = true;
        Ok::<_, CliError>(params)
    };
    let mut issuer = named("Made by Pickup for one run, issuer")?;
    issuer.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    issuer.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let issuer = CertifiedIssuer::self_signed(issuer, key()?).map_err(unmade)?;
    let mut own = named("Made by Pickup for one run")?;
    own.is_ca = IsCa::ExplicitNoCa;
    own.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    own.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    let secret = key()?;
    let own = own.signed_by(&secret, &issuer).map_err(unmade)?;
    let chain = own.pem() + &issuer.pem();
    let signer = create_signer::from_keys(chain.as_bytes(), secret.serialize_pem().as_bytes(), SigningAlg::Es256, None);
    Ok(signer.map_err(|error| CliError::failed(format!("content credentials cannot be made: {error}")))?)
}

/// The file beside one whose format holds no credentials.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".c2pa");
    name.into()
}

/// A signer by the user's own certificate and key, of whichever kind the key is.
fn by_files(certificate: &Path, key: &Path) -> Result<Box<dyn Signer>, CliError> {
    use SigningAlg::{Ed25519, Es256, Es384, Es512, Ps256};
    let read = |path: &Path| fs::read(path).map_err(|error| CliError::at(path, error));
    let (chain, secret) = (read(certificate)?, read(key)?);
    let mut why = String::new();
    for kind in [Es256, Es384, Es512, Ed25519, Ps256] {
        let signer = create_signer::from_keys(&chain, &secret, kind, None);
        // Some kinds show only when they sign that the key is another's.
        match signer.and_then(|signer| signer.sign(b"pickup").map(|_| signer)) {
            Ok(signer) => return Ok(signer),
            Err(error) => why = error.to_string(),
        }
    }
    let (certificate, key) = (certificate.display(), key.display());
    Err(CliError::failed(format!(
        "{certificate} and {key} cannot sign ({why}): both must be PEM, the key in PKCS#8, of the kind ES256, ES384, ES512, Ed25519 or PS256"
    )))
}

/// The statement that is signed: made by this program, and by which kind of work.
fn statement(path: &Path, mark: &Mark) -> serde_json::Value {
    let tool = serde_json::json!({ "name": "Pickup", "version": env!("CARGO_PKG_VERSION") });
    let agent = mark.system.clone().unwrap_or_else(|| "Pickup".to_owned());
    serde_json::json!({
        "claim_generator_info": [tool],
        "title": path.file_name().unwrap_or_default().to_string_lossy(),
        "assertions": [{
            "label": "c2pa.actions.v2",
            // Said by who signs, not taken over from elsewhere.
            "created": true,
            "data": { "actions": [{
                "action": "c2pa.created",
                "digitalSourceType": mark.source.uri(),
                "softwareAgent": { "name": agent, "version": env!("CARGO_PKG_VERSION") },
            }] },
        }],
    })
}
