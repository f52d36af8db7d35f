//! What can go wrong on the host's side, in words for whoever set the job up.

use thiserror::Error;

use super::{
    image::{HostImage, ImageTooLarge},
    log::Message,
};
use crate::{Context, Status};

/// Why a host could not do what it was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HostError {
    /// The binary is not there or cannot be loaded.
    #[error("cannot load the plugin {path}: {why}")]
    Binary {
        /// Where it was looked for.
        path: String,
        /// What the system said.
        why: String,
    },
    /// The binary has no such effect.
    #[error("there is no effect \"{id}\" in this plugin; it has: {known}")]
    NoEffect {
        /// What was asked for.
        id: String,
        /// What there is.
        known: String,
    },
    /// Another host holds the binary.
    #[error("another host is still using this plugin: a plugin has one host at a time")]
    Busy,
    /// The effect cannot be used this way.
    #[error("{effect} does not work as {context:?} in {host}")]
    Context {
        /// The effect's label.
        effect: String,
        /// The context asked for.
        context: Context,
        /// The host's label.
        host: String,
    },
    /// An action failed.
    #[error("{effect}: {action} failed{}", said(messages, *status))]
    Action {
        /// The effect's label or id.
        effect: String,
        /// The action's name.
        action: String,
        /// What it answered.
        status: Status,
        /// What it said meanwhile.
        messages: Vec<Message>,
    },
    /// A parameter that is not there.
    #[error("there is no parameter \"{id}\"; there are: {known}")]
    NoParam {
        /// What was asked for.
        id: String,
        /// What there is.
        known: String,
    },
    /// A clip that is not there.
    #[error("there is no clip \"{id}\"; there are: {known}")]
    NoClip {
        /// What was asked for.
        id: String,
        /// What there is.
        known: String,
    },
    /// A value that a parameter cannot take.
    #[error("parameter \"{param}\": {what}")]
    Value {
        /// The parameter.
        param: String,
        /// What is wrong with the value.
        what: String,
    },
}

/// Why there is no picture.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RenderError {
    /// The render was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The effect failed.
    #[error("frame {time} failed{}", said(messages, *status))]
    Failed {
        /// The time rendered.
        time: f64,
        /// What render answered.
        status: Status,
        /// What the effect said meanwhile.
        messages: Vec<Message>,
        /// What was in the output then; some hosts show it.
        output: Option<Box<HostImage>>,
    },
    /// A required clip is not connected, or gives nothing.
    #[error("frame {time}: {why}")]
    Source {
        /// The time rendered.
        time: f64,
        /// What is missing.
        why: String,
    },
    /// No memory for a picture.
    #[error(transparent)]
    TooLarge(#[from] ImageTooLarge),
    /// The effect could not be set up.
    #[error(transparent)]
    Host(#[from] HostError),
}

/// What the effect said, or its status where it said nothing.
fn said(messages: &[Message], status: Status) -> String {
    let text: Vec<&str> = messages.iter().filter(|m| !m.is_status()).map(|m| m.text.as_str()).collect();
    if text.is_empty() {
        format!(", and the effect did not say why ({status:?})")
    } else {
        format!(": {}", text.join("; "))
    }
}
