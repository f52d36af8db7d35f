//! Words for what a model knows, beyond its own: other English ones, and other languages'.
//!
//! A model that was trained on a few words of English understands no others. Its folder may hold a lexicon, which says which of its
//! words stand for which others. A prompt's language is the one whose words it has most of.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use tokenizers::NormalizedString;

use super::text::Tokenizer;
use crate::{Error, Result};

/// The lexicon's file in a model's folder.
const FILE: &str = "lexicon.json";
/// The language that the model's own words are of.
const OWN: &str = "en";
/// Languages that are written without spaces between words.
const UNSPACED: [&str; 2] = ["zh", "ja"];
/// Languages whose colours follow what they are colours of.
const COLOUR_LAST: [&str; 5] = ["fr", "es", "it", "pt", "ar"];
const COLOURS: [&str; 13] =
    ["red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "white", "grey", "black", "brown", "gold"];
/// Languages that write several words as one.
const COMPOUNDING: [&str; 2] = ["de", "nl"];
/// Words that tell where and how, which have no colour.
const HOW: [&str; 12] = ["on", "in", "with", "and", "over", "under", "up", "down", "left", "right", "slowly", "fast"];
/// Words, the most in a phrase of any language.
const LONGEST: usize = 4;

/// A model's words in other words.
pub struct Lexicon {
    languages: Vec<Language>,
    tokenizer: Tokenizer,
}

/// A prompt in a model's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Understood {
    /// The prompt; as it was, where all its words are the model's own.
    pub prompt: String,
    /// Words of the prompt, and what they were taken for.
    pub taken: Vec<(String, String)>,
}

struct Language {
    name: String,
    /// By the first character, which makes looking up quick.
    entries: BTreeMap<char, Vec<Entry>>,
    dropped: BTreeSet<String>,
    /// Words of the model's own that stand for others all the same.
    strong: BTreeSet<String>,
}

struct Entry {
    /// Normalised words with single spaces.
    text: String,
    /// Whether more letters may follow each of its words.
    stem: bool,
    means: String,
}

/// A word of a prompt: as it was written, and normalised.
struct Word {
    written: String,
    plain: String,
}

impl Lexicon {
    /// The lexicon in a model's folder; none where the model has none.
    ///
    /// # Errors
    /// When it, or the model's tokenizer beside it, makes no sense.
    pub fn open(model: &Path) -> Result<Option<Self>> {
        let path = model.join(FILE);
        let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
        let languages: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(&text)
            .map_err(|error| Error::ModelUnreadable { path: path.clone(), reason: error.to_string() })?;
        let tokenizer = Tokenizer::open(&model.join("tokenizer").join("tokenizer.json"))?;
        let mut languages: Vec<Language> =
            languages.into_iter().map(|(name, words)| Language::new(name, &words)).collect();
        // Of languages that have as many words of a prompt, the model's own counts.
        languages.sort_by_key(|language| language.name != OWN);
        Ok(Some(Self { languages, tokenizer }))
    }

    /// A prompt in the model's own words.
    #[must_use]
    pub fn understand(&self, prompt: &str) -> Understood {
        let words = words(prompt);
        let own = Understood { prompt: prompt.to_owned(), taken: Vec::new() };
        if words.iter().all(|word| self.knows(&word.written)) {
            return own;
        }
        let Some(language) = self.language_of(prompt, &words) else { return own };
        let said = if UNSPACED.contains(&&*language.name) {
            unspaced(language, prompt)
        } else {
            self.spaced(language, &words)
        };
        let mut said: Vec<(String, String)> = said.into_iter().filter(|(means, _)| !means.is_empty()).collect();
        if COLOUR_LAST.contains(&&*language.name) {
            for at in 1..said.len() {
                if is_colour(&said[at].0) && !is_colour(&said[at - 1].0) && !HOW.contains(&&*said[at - 1].0) {
                    said.swap(at - 1, at);
                }
            }
        }
        let prompt = said.iter().map(|(means, _)| means.as_str()).collect::<Vec<_>>().join(" ");
        let mut taken = Vec::new();
        for (means, word) in said {
            // What stands as it was, or in other letters alone, was not taken for another word.
            let same = means == word || means == plain(&word);
            if !same && !taken.iter().any(|(known, _)| *known == word) {
                taken.push((word, means));
            }
        }
        Understood { prompt, taken }
    }

    /// Whether a word is one of the model's own that stands for itself.
    fn knows(&self, word: &str) -> bool {
        let strong = self.languages.iter().any(|language| language.strong.contains(&plain(word)));
        !strong && self.tokenizer.words(word).is_ok_and(|words| words.unknown.is_empty())
    }

    /// The language that a prompt has most words of; none where it has none of any.
    fn language_of(&self, prompt: &str, words: &[Word]) -> Option<&Language> {
        let kana = |c: char| matches!(c, '\u{3040}'..='\u{30FF}');
        let han = |c: char| matches!(c, '\u{4E00}'..='\u{9FFF}');
        let named = |name: &str| self.languages.iter().find(|language| language.name == name);
        if prompt.chars().any(kana) {
            return named("ja");
        }
        if prompt.chars().any(han) {
            return named("zh");
        }
        let score = |language: &Language| {
            let mut at = 0;
            let mut score = 0;
            while at < words.len() {
                let count = language.longest(&words[at..]).map_or(0, |(count, _)| count);
                let own = language.name == OWN && self.knows(&words[at].written);
                score +=
                    if count > 0 { count } else { usize::from(own || language.dropped.contains(&words[at].plain)) };
                at += count.max(1);
            }
            score
        };
        let scored = self.languages.iter().filter(|language| !UNSPACED.contains(&&*language.name));
        let best = scored
            .map(|language| (score(language), language))
            .reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        (best.0 > 0).then_some(best.1)
    }

    /// What a prompt of a language with spaces says, with the words that say it.
    fn spaced(&self, language: &Language, words: &[Word]) -> Vec<(String, String)> {
        let mut said = Vec::new();
        let mut at = 0;
        while at < words.len() {
            let written = |count: usize| {
                words[at..at + count].iter().map(|word| word.written.as_str()).collect::<Vec<_>>().join(" ")
            };
            let own = language.name == OWN && self.knows(&words[at].written);
            match language.longest(&words[at..]) {
                // A word that the model has itself stands for no other, unless it is part of a phrase.
                Some((count, means)) if count > 1 || !own => {
                    said.push((means.to_owned(), written(count)));
                    at += count;
                }
                _ => {
                    if own || !language.dropped.contains(&words[at].plain) {
                        said.push((words[at].written.clone(), words[at].written.clone()));
                    }
                    at += 1;
                }
            }
        }
        said
    }
}

impl Language {
    fn new(name: String, words: &BTreeMap<String, String>) -> Self {
        let mut entries: BTreeMap<char, Vec<Entry>> = BTreeMap::new();
        let (mut dropped, mut strong) = (BTreeSet::new(), BTreeSet::new());
        for (means, these) in words {
            for word in these.split_whitespace() {
                let text = plain(&word.replace(['_', '*', '!'], " "));
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                let Some(first) = text.chars().next() else { continue };
                if means.is_empty() {
                    dropped.insert(text.clone());
                }
                if word.starts_with('!') {
                    strong.insert(text.clone());
                }
                let entry = Entry { text, stem: word.contains('*'), means: means.clone() };
                entries.entry(first).or_default().push(entry);
            }
        }
        if !UNSPACED.contains(&&*name) {
            // Words that say nothing are looked up by themselves, as they are parts of no phrase.
            entries.values_mut().for_each(|entries| entries.retain(|entry| !entry.means.is_empty()));
        }
        Self { name, entries, dropped, strong }
    }

    /// The longest phrase that words begin with: how many words it has, and what it means.
    fn longest(&self, words: &[Word]) -> Option<(usize, &str)> {
        let most = words.len().min(LONGEST);
        (1..=most).rev().find_map(|count| {
            let text = words[..count].iter().map(|word| word.plain.as_str()).collect::<Vec<_>>().join(" ");
            self.forms(&text).into_iter().find_map(|form| self.entry(form)).map(|means| (count, means))
        })
    }

    /// A text, and what is left of it without what a language writes together with the word that tells what it is: in German and
    /// Dutch what comes before in a compound, in Arabic an article or a preposition.
    fn forms<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let mut forms = vec![text];
        if COMPOUNDING.contains(&&*self.name) && !text.contains(' ') {
            let starts = text.char_indices().skip(3).map(|(at, _)| &text[at..]);
            forms.extend(starts.filter(|rest| rest.chars().count() >= 4));
        }
        if self.name != "ar" {
            return forms;
        }
        for prefix in ["وال", "بال", "لل", "ال", "و", "ب", "ل"] {
            forms.extend(text.strip_prefix(prefix).filter(|rest| rest.chars().count() > 1));
        }
        forms
    }

    /// What a text means: by itself, or by the longest stem that it has.
    fn entry(&self, text: &str) -> Option<&str> {
        let entries = self.entries.get(&text.chars().next()?)?;
        let fits = |entry: &&Entry| entry.text == text || (entry.stem && begins(text, &entry.text));
        let found = entries.iter().filter(fits).max_by_key(|entry| (entry.text == text, entry.text.len()));
        found.map(|entry| entry.means.as_str())
    }
}

/// Whether a text has as many words as there are stems, and each begins with its own.
fn begins(text: &str, stems: &str) -> bool {
    let (words, stems) = (text.split(' '), stems.split(' '));
    words.clone().count() == stems.clone().count() && words.zip(stems).all(|(word, stem)| word.starts_with(stem))
}

/// What a prompt without spaces says, with the characters that say it.
fn unspaced(language: &Language, prompt: &str) -> Vec<(String, String)> {
    let prompt = plain(prompt);
    let mut rest = prompt.as_str();
    let (mut said, mut unknown) = (Vec::new(), String::new());
    while let Some(first) = rest.chars().next() {
        let entries = language.entries.get(&first).map_or(&[][..], Vec::as_slice);
        let found = entries.iter().filter(|entry| rest.starts_with(&entry.text)).max_by_key(|entry| entry.text.len());
        let length = found.map_or(first.len_utf8(), |entry| entry.text.len());
        let (this, next) = rest.split_at(length);
        match found {
            None if first.is_alphanumeric() => unknown.push(first),
            _ => {
                if !unknown.is_empty() {
                    said.push((unknown.clone(), std::mem::take(&mut unknown)));
                }
                said.extend(found.map(|entry| (entry.means.clone(), this.to_owned())));
            }
        }
        rest = next;
    }
    if !unknown.is_empty() {
        said.push((unknown.clone(), unknown));
    }
    said
}

fn is_colour(word: &str) -> bool {
    COLOURS.contains(&word)
}

/// The words of a prompt in a language with spaces.
fn words(prompt: &str) -> Vec<Word> {
    // Signs that change the letter before them belong to it.
    let sign =
        |c: char| matches!(c, '\u{0300}'..='\u{036F}' | '\u{064B}'..='\u{065F}' | '\u{093C}' | '\u{094D}' | '\u{0640}');
    let parts = prompt.split(|c: char| !c.is_alphanumeric() && !sign(c)).filter(|part| !part.is_empty());
    parts.map(|part| Word { written: part.to_owned(), plain: plain(part) }).collect()
}

/// A text as it is compared: in lower case, and without the signs that people leave out.
fn plain(text: &str) -> String {
    let left_out = |c: char| matches!(c, '\u{0300}'..='\u{036F}' | '\u{064B}'..='\u{065F}' | '\u{0640}');
    let mut text = NormalizedString::from(text);
    text.nfkd().filter(|c| !left_out(c)).lowercase();
    // Lower case can bring signs along, as of a capital I with a dot.
    let mut plain = String::new();
    for c in text.get().chars().filter(|c| !left_out(*c)) {
        match c {
            'ß' => plain.push_str("ss"),
            'ł' => plain.push('l'),
            'ı' => plain.push('i'),
            'ø' => plain.push('o'),
            'æ' => plain.push_str("ae"),
            'œ' => plain.push_str("oe"),
            'ة' => plain.push('ه'),
            'ى' => plain.push('ي'),
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests;
