//! Parameters as a node declares them: one declaration gives what describe tells the host, the typed snapshot, the
//! documented table.

use std::marker::PhantomData;

use super::{
    compound::Limits,
    error::{Error, Result},
    host_info::HostInfo,
    param_set::{Entry, ParamReader, When},
};
use crate::Context;

/// A node's parameters; derive it.
///
/// ```
/// #[derive(ofx::Choice, Clone, Copy, PartialEq, Debug, Default)]
/// enum Detect {
///     /// Frames that repeat the one before.
///     #[default]
///     Duplicates,
///     /// Frames with nothing in them.
///     #[choice(label = "Black frames")]
///     Black,
/// }
///
/// #[derive(ofx::Params, Clone, Debug, PartialEq)]
/// struct RepairParams {
///     /// Frames to replace, such as `101-104, 120`.
///     #[param(id = "frames", text = "multi")]
///     frames: String,
///     /// What counts as damaged.
///     detect: Detect,
///     /// How alike two frames must be.
///     #[param(default = 0.5, range = 0.0..=1.0, display = 0.0..=0.2, animates)]
///     threshold: f64,
///     /// Searches the clip.
///     find: ofx::Button,
/// }
///
/// assert_eq!(RepairParams::default().threshold, 0.5);
/// assert_eq!(RepairParams::THRESHOLD.id(), "threshold");
/// ```
///
/// On a field, `#[param(…)]` takes `id` (default: the field's name), `label` (default: its words), `default`,
/// `range` and `display` (needed on `f64` and `i32`: a host may lock a slider that has none), `digits`, `increment`,
/// `text` (`"single"`, `"multi"`, `"file"`, `"folder"`, `"label"`), `animates`, `integrates` (a keyframe changes
/// everything after it, as a speed does), `redraws = false` (a change of it leaves the pictures as they are), `secret`,
/// `mlt_id = "…"` ([`ParamSpec::mlt_id`]), `shown_in = "alone"`, `"telling"` or `"filing"` ([`ShownIn`]) and `only = [Context, …]`. `#[group(label, id, open, shown_in)]` on a field whose type is itself `Params` makes a group; its
/// parameters' ids stay flat. `#[flatten]` takes such a field's parameters in as they are. The doc comment is the hint. The derive also implements `Default`, and gives a constant
/// [`ParamId`] per field.
///
/// ```compile_fail
/// #[derive(ofx::Params, Clone)]
/// struct NoRange {
///     threshold: f64,
/// }
/// ```
pub trait Params: Clone + Default + Send + Sync + 'static {
    /// Appends every parameter, each group before its children.
    fn specs_into(parent: Option<&'static str>, specs: &mut Vec<ParamSpec>);

    /// The values at one moment.
    ///
    /// # Errors
    /// When the host refuses a value, or holds one that makes no sense.
    fn read(from: &ParamReader<'_>) -> Result<Self>;

    /// Every parameter, each group before its children.
    #[must_use]
    fn specs() -> Vec<ParamSpec> {
        let mut specs = Vec::new();
        Self::specs_into(None, &mut specs);
        specs
    }
}

/// For effects without parameters.
impl Params for () {
    fn specs_into(_: Option<&'static str>, _: &mut Vec<ParamSpec>) {}

    fn read(_: &ParamReader<'_>) -> Result<Self> {
        Ok(())
    }
}

/// One parameter's name and type, as in `RepairParams::THRESHOLD`.
pub struct ParamId<T> {
    id: &'static str,
    value: PhantomData<fn() -> T>,
}

impl<T> ParamId<T> {
    /// A name; the derive makes these.
    #[must_use]
    pub const fn new(id: &'static str) -> Self {
        Self { id, value: PhantomData }
    }

    /// The parameter's id in the host.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.id
    }
}

impl<T> Clone for ParamId<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ParamId<T> {}

/// What a text parameter holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextMode {
    /// One line.
    #[default]
    Single,
    /// Several lines.
    Multi,
    /// A file's path.
    File,
    /// A folder's path.
    Folder,
    /// Shown and not edited.
    Label,
}

/// An option of a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChoiceOption {
    /// Its name, which stays when options move.
    pub name: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// What it does.
    pub hint: &'static str,
}

/// A parameter's type with what belongs to it.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // the fields are the standard's own words
pub enum ParamKind {
    /// On or off.
    Boolean { default: bool },
    /// A whole number.
    Integer { default: i32, min: i32, max: i32, display_min: i32, display_max: i32 },
    /// A number.
    Double { default: f64, min: f64, max: f64, display_min: f64, display_max: f64, digits: i32, increment: f64 },
    /// Two or three whole numbers, such as a size in pixels.
    Integers { default: Vec<i32>, limits: Limits<i32> },
    /// Two or three numbers, such as a point.
    Doubles { default: Vec<f64>, limits: Limits<f64>, digits: i32, increment: f64 },
    /// A colour: three numbers, or four with alpha.
    Colour { default: Vec<f64> },
    /// One of several options. Always the standard's Choice: a StrChoice aborts Natron.
    Choice { default: usize, options: &'static [ChoiceOption] },
    /// Text.
    Text { default: String, mode: TextMode },
    /// Data of the effect's own, which no host shows.
    Custom { default: String },
    /// A button, with no value.
    Button,
    /// A fold-out that holds others.
    Group { open: bool },
}

/// A declared parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamSpec {
    /// Its name in the host.
    pub id: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// What it does.
    pub hint: &'static str,
    /// Its type, default and range.
    pub kind: ParamKind,
    /// May be keyframed.
    pub animates: bool,
    /// A keyframe changes every later frame.
    pub integrates: bool,
    /// Changes the pictures.
    pub redraws: bool,
    /// Not shown.
    pub secret: bool,
    /// The hosts that show it.
    pub shown_in: ShownIn,
    /// A file's name in MLT, under which MLT keeps it where the project is: `resource`, `filename` or another that MLT 7.41 looks for
    /// when it loads a project (read in its source).
    pub mlt_id: Option<&'static str>,
    /// The group it is in.
    pub parent: Option<&'static str>,
    /// The contexts that have it; empty for all.
    pub only: &'static [Context],
}

/// The hosts that show a parameter: in others it would do nothing. It is there all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShownIn {
    /// All of them.
    #[default]
    All,
    /// Those that give an effect the current frame alone.
    Alone,
    /// Those that tell an effect of changes.
    Telling,
    /// Those that tell which file a clip's frames are from.
    Filing,
}

impl ShownIn {
    /// Whether a host is one of them.
    #[must_use]
    pub fn includes(self, host: &HostInfo) -> bool {
        match self {
            Self::All => true,
            Self::Alone => !host.temporal_access,
            Self::Telling => host.tells_of_changes(),
            Self::Filing => host.tells_files(),
        }
    }
}

impl ParamSpec {
    /// Whether it is there in a context.
    #[must_use]
    pub fn is_in(&self, context: Context) -> bool {
        self.only.is_empty() || self.only.contains(&context)
    }

    /// The hint as a host shows it: with a line per option of a choice, and without Markdown's back-ticks.
    #[must_use]
    pub fn host_hint(&self) -> String {
        let mut text = self.hint.replace('`', "");
        if let ParamKind::Choice { options, .. } = self.kind {
            for option in options.iter().filter(|o| !o.hint.is_empty()) {
                if !text.is_empty() {
                    text.push('\n');
                }
                text.push_str(&format!("{}: {}", option.label, option.hint.replace('`', "")));
            }
        }
        text
    }
}

/// What a field's attributes say; the derive fills it.
#[doc(hidden)]
pub struct Field<T> {
    pub default: Option<T>,
    pub range: Option<(T, T)>,
    pub display: Option<(T, T)>,
    pub digits: Option<i32>,
    pub increment: Option<f64>,
    pub text: TextMode,
}

impl<T> Default for Field<T> {
    fn default() -> Self {
        Self { default: None, range: None, display: None, digits: None, increment: None, text: TextMode::Single }
    }
}

/// A type that a parameter can have: `bool`, `i32`, `f64`, `[i32; 2]`, `[i32; 3]`, `[f64; 2]`, `[f64; 3]`,
/// [`Rgb`](super::Rgb), [`Rgba`](super::Rgba), `String`, [`Custom`],
/// [`Button`], or any [`Choice`].
pub trait Value: Clone + Default + Send + Sync + 'static {
    /// Whether it has a value at all; a button has none.
    #[doc(hidden)]
    const HAS_VALUE: bool = true;
    /// The parameter's type as describe needs it.
    #[doc(hidden)]
    fn kind(field: Field<Self>) -> ParamKind;
    /// Reads it from the host.
    #[doc(hidden)]
    fn read(entry: &Entry<'_>, when: When) -> Result<Self>;
    /// Writes it to the host, keyframed where a time is given.
    #[doc(hidden)]
    fn write(&self, entry: &Entry<'_>, when: When) -> Result<()>;
}

impl Value for bool {
    fn kind(field: Field<Self>) -> ParamKind {
        ParamKind::Boolean { default: field.default.unwrap_or_default() }
    }

    fn read(entry: &Entry<'_>, when: When) -> Result<Self> {
        match (entry.int(when)?, &entry.spec().kind) {
            (Some(value), _) => Ok(value != 0),
            (None, ParamKind::Boolean { default }) => Ok(*default),
            _ => Err(entry.wrong_type()),
        }
    }

    fn write(&self, entry: &Entry<'_>, when: When) -> Result<()> {
        entry.set_int(when, i32::from(*self))
    }
}

impl Value for i32 {
    fn kind(field: Field<Self>) -> ParamKind {
        let (min, max) = field.range.unwrap_or((Self::MIN, Self::MAX));
        let (display_min, display_max) = field.display.unwrap_or((min, max));
        ParamKind::Integer { default: field.default.unwrap_or_default(), min, max, display_min, display_max }
    }

    fn read(entry: &Entry<'_>, when: When) -> Result<Self> {
        let ParamKind::Integer { default, min, max, .. } = entry.spec().kind else { return Err(entry.wrong_type()) };
        Ok(entry.int(when)?.map_or(default, |v| v.max(min).min(max)))
    }

    fn write(&self, entry: &Entry<'_>, when: When) -> Result<()> {
        entry.set_int(when, *self)
    }
}

impl Value for f64 {
    fn kind(field: Field<Self>) -> ParamKind {
        let (min, max) = field.range.unwrap_or((Self::MIN, Self::MAX));
        let (display_min, display_max) = field.display.unwrap_or((min, max));
        ParamKind::Double {
            default: field.default.unwrap_or_default(),
            min,
            max,
            display_min,
            display_max,
            digits: field.digits.unwrap_or(3),
            increment: field.increment.unwrap_or(0.01),
        }
    }

    fn read(entry: &Entry<'_>, when: When) -> Result<Self> {
        let ParamKind::Double { default, min, max, .. } = entry.spec().kind else { return Err(entry.wrong_type()) };
        match entry.double(when)? {
            None => Ok(default),
            Some(v) if v.is_nan() => Err(Error::Failed(format!("“{}” is not a number: type one", entry.spec().label))),
            Some(v) => Ok(v.max(min).min(max)),
        }
    }

    fn write(&self, entry: &Entry<'_>, when: When) -> Result<()> {
        entry.set_double(when, *self)
    }
}

impl Value for String {
    fn kind(field: Field<Self>) -> ParamKind {
        ParamKind::Text { default: field.default.unwrap_or_default(), mode: field.text }
    }

    fn read(entry: &Entry<'_>, when: When) -> Result<Self> {
        match (entry.text(when)?, &entry.spec().kind) {
            (Some(value), _) => Ok(value),
            (None, ParamKind::Text { default, .. }) => Ok(default.clone()),
            _ => Err(entry.wrong_type()),
        }
    }

    fn write(&self, entry: &Entry<'_>, when: When) -> Result<()> {
        entry.set_text(when, self)
    }
}

/// Data of an effect's own, as text: saved with the project, and never shown or edited by a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Custom(pub String);

impl Value for Custom {
    fn kind(field: Field<Self>) -> ParamKind {
        ParamKind::Custom { default: field.default.unwrap_or_default().0 }
    }

    fn read(entry: &Entry<'_>, when: When) -> Result<Self> {
        match (entry.text(when)?, &entry.spec().kind) {
            (Some(value), _) => Ok(Self(value)),
            (None, ParamKind::Custom { default }) => Ok(Self(default.clone())),
            _ => Err(entry.wrong_type()),
        }
    }

    fn write(&self, entry: &Entry<'_>, when: When) -> Result<()> {
        entry.set_text(when, &self.0)
    }
}

/// A push button: pressing it arrives as a change of its parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Button;

impl Value for Button {
    const HAS_VALUE: bool = false;

    fn kind(_: Field<Self>) -> ParamKind {
        ParamKind::Button
    }

    fn read(_: &Entry<'_>, _: When) -> Result<Self> {
        Ok(Self)
    }

    fn write(&self, entry: &Entry<'_>, _: When) -> Result<()> {
        Err(entry.wrong_type())
    }
}

/// An enum whose variants are a choice's options; derive it.
///
/// A variant's doc comment is the option's hint. `#[choice(label = "…")]` names it for people (default: its words),
/// `#[choice(name = "…")]` names it in scripts (default: the variant's name).
pub trait Choice: Copy + Default + Send + Sync + 'static {
    /// The options, in the host's order. Hosts store the index: add new ones at the end.
    const OPTIONS: &'static [ChoiceOption];
    /// This option's place.
    fn index(self) -> usize;
    /// The option at a place.
    fn from_index(index: usize) -> Option<Self>;
}

impl<T: Choice> Value for T {
    fn kind(field: Field<Self>) -> ParamKind {
        ParamKind::Choice { default: field.default.unwrap_or_default().index(), options: T::OPTIONS }
    }

    fn read(entry: &Entry<'_>, when: When) -> Result<Self> {
        let ParamKind::Choice { default, .. } = entry.spec().kind else { return Err(entry.wrong_type()) };
        let index = match entry.int(when)? {
            None => default,
            Some(index) => usize::try_from(index).unwrap_or(usize::MAX),
        };
        T::from_index(index).ok_or_else(|| {
            let (label, options) = (entry.spec().label, T::OPTIONS.len());
            Error::Failed(format!("“{label}” is set to an option that does not exist ({options} do): choose one"))
        })
    }

    fn write(&self, entry: &Entry<'_>, when: When) -> Result<()> {
        entry.set_int(when, i32::try_from(self.index()).map_err(Error::new)?)
    }
}
