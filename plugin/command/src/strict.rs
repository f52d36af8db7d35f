//! `pickup doctor --strict`: holds any bundle of OpenFX effects against the standard.

use std::{io::Write, path::Path};

use ofx::host::{Binary, Host, Profile, examine};

use super::CliError;

/// Examines every effect of a bundle, and fails where something is not as the standard says.
pub(super) fn run(bundle: &Path, out: &mut dyn Write) -> Result<(), CliError> {
    let binary = Binary::open(bundle)?;
    let plugins = Host::new(Profile::reference()).plugins(&binary)?;
    if plugins.is_empty() {
        return Err(CliError::failed(format!("{} has no image effects", bundle.display())));
    }
    let mut faults = 0;
    for plugin in plugins {
        let (major, minor) = plugin.version();
        writeln!(out, "{} {major}.{minor}", plugin.id())?;
        match examine(&binary, plugin.id()) {
            Ok(examined) => {
                faults += examined.faults.len();
                examined.faults.iter().try_for_each(|fault| writeln!(out, "  FAULT    {fault}"))?;
                examined.refused.iter().try_for_each(|why| writeln!(out, "  refused  {why}"))?;
            }
            Err(error) => {
                faults += 1;
                writeln!(out, "  FAULT    {error}")?;
            }
        }
    }
    match faults {
        0 => writeln!(out, "OK: nothing was seen that the standard does not allow")?,
        1 => return Err(CliError::failed("one fault: see above")),
        n => return Err(CliError::failed(format!("{n} faults: see above"))),
    }
    Ok(())
}
