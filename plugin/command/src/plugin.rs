//! Finding the bundle, and the nodes in it.

use std::path::{Path, PathBuf};

use ofx::{
    Context,
    host::{Binary, ContextDescriptor, Effect, Host, Profile},
};

use super::{CliError, bundle};
use pickup::machine;

/// The bundle to host: the one named, the one built beside this command, or the one installed.
pub(super) fn find_bundle(named: Option<&Path>) -> Result<PathBuf, CliError> {
    if let Some(named) = named {
        return Ok(named.to_path_buf());
    }
    match bundle::find_library() {
        Ok(library) => bundle::beside(&library),
        Err(error) => installed().ok_or(error),
    }
}

/// The bundle in a folder in which hosts look.
pub(super) fn installed() -> Option<PathBuf> {
    machine::plugin_folders().into_iter().map(|folder| folder.join(bundle::NAME)).find(|b| b.is_dir())
}

/// A bundle in a host.
pub(super) struct Hosted {
    host: Host,
    binary: Binary,
}

impl Hosted {
    pub(super) fn open(named: Option<&Path>, profile: Profile) -> Result<Self, CliError> {
        let binary = Binary::open(find_bundle(named)?)?;
        // Each frame then says how it was made.
        Ok(Self { host: Host::new(Profile { render_notes: true, ..profile }), binary })
    }

    /// Every node, loaded and described.
    pub(super) fn nodes(&self) -> Result<Vec<Effect>, CliError> {
        let plugins = self.host.plugins(&self.binary)?;
        plugins.iter().map(|p| Ok(self.host.load(&self.binary, p.id())?)).collect()
    }

    /// A node by its label or identifier, whatever the case.
    pub(super) fn node(&self, name: &str) -> Result<Effect, CliError> {
        let nodes = self.nodes()?;
        let labels: Vec<String> = nodes.iter().map(|n| n.descriptor().label).collect();
        let found = nodes
            .into_iter()
            .zip(&labels)
            .find(|(n, label)| is_called(n.id(), name) || label.eq_ignore_ascii_case(name))
            .map(|(n, _)| n);
        found.ok_or_else(|| CliError::Usage(format!("there is no node \"{name}\"; there are: {}", labels.join(", "))))
    }
}

/// `org.pickup.Repair`, or its last part.
fn is_called(id: &str, name: &str) -> bool {
    let last = id.rsplit(['.', ':']).next().unwrap_or(id);
    id.eq_ignore_ascii_case(name) || last.eq_ignore_ascii_case(name)
}

/// The context to use where none is named, and what the node is in it; none where the node needs other clips than there
/// are.
///
/// Where every clip `looks_connected` (DaVinci Resolve), a node cannot tell that one is not: it is used in a context that has no more
/// than there are, as on that host's Edit page.
pub(super) fn choose_context(
    node: &Effect,
    two_clips: bool,
    looks_connected: bool,
) -> Result<Option<(Context, ContextDescriptor)>, CliError> {
    let clips = if two_clips { 2 } else { 1 };
    for context in preferred(node.contexts(), two_clips) {
        let described = node.describe_in(context)?;
        if described.clips.iter().filter(|c| c.id != "Output" && (looks_connected || !c.optional)).count() <= clips {
            return Ok(Some((context, described)));
        }
    }
    Ok(None)
}

/// Contexts for so many clips, the best first: General, in which a node has the most to say (its own length, for one,
/// and where it stands between two clips, which a transition leaves to the host); else as the host prefers.
fn preferred(mut offered: Vec<Context>, two_clips: bool) -> Vec<Context> {
    offered.retain(|c| match c {
        Context::Transition => two_clips,
        Context::Filter | Context::Paint => !two_clips,
        Context::General | Context::Retimer | Context::Generator => true,
    });
    offered.sort_by_key(|c| match c {
        Context::General => 0,
        Context::Transition => 1,
        Context::Generator | Context::Retimer => 3,
        _ => 2,
    });
    offered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_called_by_id_or_its_last_part() {
        for name in ["org.pickup.Repair", "ORG.PICKUP.REPAIR", "repair"] {
            assert!(is_called("org.pickup.Repair", name), "{name}");
        }
        assert!(!is_called("org.pickup.Repair", "pickup") && !is_called("org.pickup.Repair", ""));
    }

    #[test]
    fn the_context_fits_the_clips() {
        use Context::{Filter, General, Generator, Retimer, Transition};
        let best = |offered: &[Context], two| preferred(offered.to_vec(), two).first().copied();
        assert_eq!(best(&[Generator, Filter, General], false), Some(General));
        assert_eq!(best(&[Generator, Transition, Filter], false), Some(Filter));
        assert_eq!(best(&[Retimer, Transition, General], true), Some(General));
        assert_eq!(best(&[Filter, Transition], true), Some(Transition));
        assert_eq!(best(&[Filter], true), None);
    }
}
