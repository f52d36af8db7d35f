//! Which channels of an EXR are its picture: its own colours, or those of a layer that is asked for.
//!
//! A layer is what stands before the last dot of channels' names (`diffuse.R`), or a part of a file of several parts. A channel
//! alone, such as `Z`, can be asked for too, and is grey.

use exr::prelude::{AnyChannels, FlatSamples, Layer, Vec2};

pub(super) type Part = Layer<AnyChannels<FlatSamples>>;

/// The channels that are taken for R, G, B and perhaps A: those at the places given, of one part. Grey counts as all three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Colours {
    pub(super) part: usize,
    pub(super) channels: Vec<usize>,
}

/// The parts of a file, and which of them has the file's own colours.
pub(super) struct Parts<'a> {
    parts: &'a [Part],
    home: usize,
}

impl<'a> Parts<'a> {
    pub(super) fn of(parts: &'a [Part]) -> Self {
        let home = parts.iter().position(|part| own_colours(part).is_some()).unwrap_or(0);
        Self { parts, home }
    }

    /// The file's own colours, if it has any.
    pub(super) fn own(&self) -> Option<Colours> {
        Some(Colours { part: self.home, channels: own_colours(self.parts.get(self.home)?)? })
    }

    /// A channel's name among all of the file: with its part's before it, but for the part that has the file's own colours.
    pub(super) fn name(&self, part: usize, channel: usize) -> String {
        let name = self.parts[part].channel_data.list[channel].name.to_string();
        match self.part_name(part) {
            Some(before) if part != self.home && !name.starts_with(&format!("{before}.")) => format!("{before}.{name}"),
            _ => name,
        }
    }

    fn part_name(&self, part: usize) -> Option<String> {
        self.parts[part].attributes.layer_name.as_ref().map(ToString::to_string)
    }

    /// The colours of a layer, or words that say why there are none. Capitals count only where they tell two layers apart.
    pub(super) fn layer(&self, wanted: &str) -> Result<Colours, String> {
        let exactly = self.members(|name| name == wanted);
        let members = if exactly.is_empty() { self.members(|name| name.eq_ignore_ascii_case(wanted)) } else { exactly };
        if members.is_empty() {
            return Err(format!("there is no layer “{wanted}” in it, only {}", self.layers().join(", ")));
        }
        let parts = (0..self.parts.len()).filter_map(|part| {
            let of_part: Vec<_> = members.iter().filter(|member| member.part == part).collect();
            Some(Colours { part, channels: colours(&of_part)? })
        });
        let found = parts.into_iter().next();
        found.ok_or_else(|| {
            let names: Vec<_> = members.iter().map(|m| self.name(m.part, m.channel)).collect();
            format!("the layer “{wanted}” has no colours of full size, only {}: name one of these", names.join(", "))
        })
    }

    /// The full-size channels of the layers, or the channel, whose name fits.
    fn members(&self, fits: impl Fn(&str) -> bool) -> Vec<Member> {
        let mut members = Vec::new();
        for (part, channel) in self.all() {
            let name = self.name(part, channel);
            let own = self.parts[part].channel_data.list[channel].name.to_string();
            let (layer, last) = name.rsplit_once('.').unwrap_or(("", &name));
            // The part with the file's own colours has a name too.
            let of_part = !own.contains('.') && self.part_name(part).is_some_and(|part| fits(&part));
            let member = |role: &str| Member { part, channel, role: role.to_ascii_lowercase() };
            if fits(&name) {
                members.push(member("y"));
            } else if of_part || (!layer.is_empty() && fits(layer)) {
                members.push(member(last));
            }
        }
        members.retain(|m| self.parts[m.part].channel_data.list[m.channel].sampling == Vec2(1, 1));
        members
    }

    /// What can be asked for.
    fn layers(&self) -> Vec<String> {
        let mut layers: Vec<String> = Vec::new();
        for (part, channel) in self.all() {
            let name = self.name(part, channel);
            let layer = name.rsplit_once('.').map_or(name.as_str(), |(layer, _)| layer).to_owned();
            if !layers.contains(&layer) {
                layers.push(layer);
            }
        }
        layers
    }

    /// Each channel, by its part and its place there.
    fn all(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.parts.iter().enumerate().flat_map(|(i, part)| (0..part.channel_data.list.len()).map(move |j| (i, j)))
    }
}

/// A channel of a layer, and what it is there, in small letters: `r`, `red`, `z`.
struct Member {
    part: usize,
    channel: usize,
    role: String,
}

/// Where a layer's colours stand, by the names that programs give them; a layer of one channel is grey.
fn colours(members: &[&Member]) -> Option<Vec<usize>> {
    let find = |role: &str| members.iter().find(|m| m.role == role).map(|m| m.channel);
    let alpha = find("a").or_else(|| find("alpha"));
    let three = [["r", "g", "b"], ["red", "green", "blue"], ["x", "y", "z"]]
        .iter()
        .find_map(|roles| Some(vec![find(roles[0])?, find(roles[1])?, find(roles[2])?]));
    let mut found = match (three, members) {
        (Some(three), _) => three,
        (None, [one]) => return Some(vec![one.channel; 3]),
        (None, [_, _]) if alpha.is_some() => {
            vec![members.iter().map(|m| m.channel).find(|c| Some(*c) != alpha)?; 3]
        }
        // With others beside it, Y is half a vector or the luminance of a colour.
        _ => vec![find("y").filter(|_| find("x").is_none() && find("ry").is_none())?; 3],
    };
    found.extend(alpha);
    Some(found)
}

/// Where R, G, B and perhaps A stand among a part's channels; grey counts as all three.
fn own_colours(part: &Part) -> Option<Vec<usize>> {
    let list = &part.channel_data.list;
    let find = |wanted: &str| list.iter().position(|c| c.name.eq_case_insensitive(wanted) && c.sampling == Vec2(1, 1));
    let mut main = match (find("R"), find("G"), find("B"), find("Y")) {
        (Some(r), Some(g), Some(b), _) => vec![r, g, b],
        // With RY and BY beside it, Y is luminance of a colour picture: not grey.
        (None, None, None, Some(y))
            if find("RY").is_none() && find("BY").is_none() && list.iter().all(|c| c.sampling == Vec2(1, 1)) =>
        {
            vec![y; 3]
        }
        (Some(r), None, None, None) => vec![r; 3],
        _ => return None,
    };
    main.extend(find("A"));
    Some(main)
}
