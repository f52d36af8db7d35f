//! Marks: what files say of pictures that were made, so that programs can tell them from pictures that were taken.
//!
//! They are IPTC's *digital source type* (<https://cv.iptc.org/newscodes/digitalsourcetype/>), as XMP wherever a format has a place
//! for it.

mod pictures;
mod read;
mod videos;

use std::fmt::Write as _;

pub(super) use self::{pictures::with_mark, videos::mark_video};

/// What is written as the program that made a file.
pub(super) const TOOL: &str = concat!("Pickup ", env!("CARGO_PKG_VERSION"));

/// The names of how it came about, and of the program.
pub(super) const SOURCE: &str = "DigitalSourceType";
const CREATOR: &str = "CreatorTool";

/// How a picture, or a whole clip, came about: terms of IPTC's vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DigitalSource {
    /// Something was mended or added by an algorithm that invents nothing new.
    AlgorithmicallyEnhanced,
    /// What a trained model made stands among, or lies over, what it did not make.
    CompositeWithTrainedAlgorithmicMedia,
    /// A trained model made it.
    TrainedAlgorithmicMedia,
}

impl DigitalSource {
    /// The term by itself.
    #[must_use]
    pub fn term(self) -> &'static str {
        match self {
            Self::AlgorithmicallyEnhanced => "algorithmicallyEnhanced",
            Self::CompositeWithTrainedAlgorithmicMedia => "compositeWithTrainedAlgorithmicMedia",
            Self::TrainedAlgorithmicMedia => "trainedAlgorithmicMedia",
        }
    }

    /// Its address, which is what files hold.
    #[must_use]
    pub fn uri(self) -> String {
        format!("http://cv.iptc.org/newscodes/digitalsourcetype/{}", self.term())
    }

    /// Whether a model that was trained made something of it.
    #[must_use]
    pub fn by_a_model(self) -> bool {
        self != Self::AlgorithmicallyEnhanced
    }
}

/// What a file says of how its picture came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// How it came about.
    pub source: DigitalSource,
    /// The model that made it, where one did, by a name that people know.
    pub system: Option<String>,
}

impl Mark {
    /// What is told, by the names that IPTC Photo Metadata 2025.1 and XMP give it.
    pub(super) fn told(&self) -> impl Iterator<Item = (&'static str, String)> {
        let always = [(SOURCE, self.source.uri()), (CREATOR, TOOL.to_owned())];
        always.into_iter().chain(self.system.clone().map(|system| ("AISystemUsed", system)))
    }

    /// The packet of XMP that says so, by the schemas of both.
    pub(super) fn xmp(&self) -> String {
        let mut told = String::new();
        for (name, value) in self.told() {
            let schema = if name == CREATOR { "xmp" } else { "Iptc4xmpExt" };
            let _ = write!(told, " {schema}:{name}=\"{}\"", escaped(&value));
        }
        format!(
            "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\
             <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\
             <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
             <rdf:Description rdf:about=\"\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" \
             xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\"{told}/>\
             </rdf:RDF></x:xmpmeta><?xpacket end=\"r\"?>"
        )
    }
}

/// A text inside an XML attribute.
fn escaped(text: &str) -> String {
    // What XML has no place for is left out.
    let known = |c: &char| *c >= ' ' && !matches!(*c, '\u{fffe}' | '\u{ffff}');
    let text: String = text.chars().filter(known).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The marks of the frames that go into one file.
#[derive(Debug, Default)]
pub(super) struct Marks {
    strongest: Option<Mark>,
    /// There are frames unlike others: not all of them were made by a model alone.
    mixed: bool,
    any: bool,
}

impl Marks {
    pub(super) fn add(&mut self, mark: Option<&Mark>) {
        let source = mark.map(|mark| mark.source);
        self.mixed |= self.any && source != self.strongest.as_ref().map(|mark| mark.source);
        self.any = true;
        if source > self.strongest.as_ref().map(|mark| mark.source) {
            self.strongest = mark.cloned();
        }
    }

    /// What is to be said of all of them; nothing where none is marked.
    pub(super) fn of_all(&self) -> Option<Mark> {
        let mut mark = self.strongest.clone()?;
        if self.mixed && mark.source == DigitalSource::TrainedAlgorithmicMedia {
            mark.source = DigitalSource::CompositeWithTrainedAlgorithmicMedia;
        }
        Some(mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(source: DigitalSource) -> Mark {
        Mark { source, system: source.by_a_model().then(|| "stock".into()) }
    }

    #[test]
    fn a_file_is_said_to_be_what_all_its_frames_are() {
        use DigitalSource::{
            AlgorithmicallyEnhanced as Enhanced, CompositeWithTrainedAlgorithmicMedia as Composite,
            TrainedAlgorithmicMedia as Trained,
        };
        let all = |frames: &[Option<DigitalSource>]| {
            let mut marks = Marks::default();
            frames.iter().for_each(|source| marks.add(source.map(mark).as_ref()));
            marks.of_all().map(|mark| mark.source)
        };
        assert_eq!(all(&[]), None);
        assert_eq!(all(&[None, None]), None);
        assert_eq!(all(&[None, Some(Enhanced), None]), Some(Enhanced));
        assert_eq!(all(&[Some(Trained), Some(Trained)]), Some(Trained));
        assert_eq!(all(&[Some(Trained), None]), Some(Composite), "its own frames are among them");
        assert_eq!(all(&[None, Some(Trained)]), Some(Composite));
        assert_eq!(all(&[Some(Enhanced), Some(Trained)]), Some(Composite));
        assert_eq!(all(&[Some(Enhanced), Some(Composite)]), Some(Composite));
    }

    #[test]
    fn xmp_holds_any_name() {
        let packet =
            Mark { system: Some("a<b>&\"c\"\u{1}".into()), ..mark(DigitalSource::TrainedAlgorithmicMedia) }.xmp();
        assert!(packet.contains("AISystemUsed=\"a&lt;b&gt;&amp;&quot;c&quot;\""), "{packet}");
        assert!(packet.contains("digitalsourcetype/trainedAlgorithmicMedia\""));
    }
}
