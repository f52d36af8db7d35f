use serde::Deserialize;

use super::*;

/// A prompt, and what is asked for in it.
#[derive(Deserialize)]
struct Prompt {
    language: String,
    prompt: String,
    element: String,
    colour: Option<String>,
}

/// The words of the model that name each element, by itself.
const ELEMENTS: [(&str, &str); 27] = [
    ("aurora", "aurora northern polar"),
    ("ball", "ball"),
    ("balloon", "balloons"),
    ("bokeh", "bokeh"),
    ("clouds", "clouds cloudy"),
    ("confetti", "confetti"),
    ("cube", "cube box"),
    ("dust", "dust"),
    ("embers", "embers sparks"),
    ("fire", "fire flames"),
    ("flower", "flower daisy rose sunflower tulip"),
    ("fog", "fog mist"),
    ("gradient", "gradient"),
    ("grid", "grid"),
    ("ink", "ink"),
    ("leaves", "leaves"),
    ("light leak", "leak leaks"),
    ("rain", "rain"),
    ("rings", "rings concentric"),
    ("ripples", "ripples pond"),
    ("sea", "sea ocean waves"),
    ("shapes", "shapes geometric hexagons squares triangles"),
    ("smoke", "smoke"),
    ("snow", "snow snowflakes"),
    ("starfield", "starfield stars space starry"),
    ("stripes", "stripes striped lines"),
    ("underwater", "underwater"),
];

/// Elements that a prompt for another may name, too: embers of a fire, the sea from below.
const TOGETHER: [(&str, &str); 7] = [
    ("ripples", "rings"),
    ("embers", "fire"),
    ("ripples", "rain"),
    ("underwater", "sea"),
    ("rings", "ripples"),
    ("sea", "ripples"),
    ("rain", "ripples"),
];

fn lexicon() -> Lexicon {
    let stock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../resources/models/stock");
    Lexicon::open(&stock).expect("it makes sense").expect("there is one")
}

fn is_right(lexicon: &Lexicon, asked: &Prompt) -> bool {
    let Understood { prompt, .. } = lexicon.understand(&asked.prompt);
    let said: Vec<String> = words(&prompt).into_iter().map(|word| word.plain).collect();
    let names = |words: &str| words.split(' ').any(|word| said.iter().any(|said| said == word));
    let found: Vec<&str> = ELEMENTS.iter().filter(|(_, words)| names(words)).map(|(name, _)| *name).collect();
    let others = found.iter().filter(|name| **name != asked.element);
    found.contains(&&*asked.element)
        && others.clone().all(|other| TOGETHER.contains(&(&asked.element, other)))
        && asked.colour.as_ref().is_none_or(|colour| names(colour) || (colour == "gold" && names("golden")))
}

/// Holds that of so many prompts all but a few are understood.
#[track_caller]
fn are_understood(table: &str, count: usize, wrong_at_most: usize) {
    let lexicon = lexicon();
    let prompts: Vec<Prompt> = serde_json::from_str(table).unwrap();
    let wrong = prompts.iter().filter(|prompt| !is_right(&lexicon, prompt));
    let wrong: Vec<String> = wrong
        .map(|Prompt { language, prompt, element, .. }| {
            format!("{language} {element}: {prompt:?} is {:?}", lexicon.understand(prompt).prompt)
        })
        .collect();
    assert!(prompts.len() == count && wrong.len() <= wrong_at_most, "{wrong:#?}");
}

#[test]
fn prompts_in_sixteen_languages_name_the_right_element_and_colour() {
    are_understood(include_str!("seen.json"), 160, 0);
}

#[test]
fn prompts_that_the_lexicon_was_made_without_are_understood_too() {
    are_understood(include_str!("unseen.json"), 80, 4);
}

#[test]
fn what_a_word_was_taken_for_is_told() {
    let lexicon = lexicon();
    let understood = |prompt: &str| lexicon.understand(prompt);
    let smoke = understood("roter Rauch steigt langsam, Zyzzyva");
    assert_eq!(smoke.prompt, "red smoke rising slowly Zyzzyva");
    let pair = |word: &str, means: &str| (word.to_owned(), means.to_owned());
    let taken = [pair("roter", "red"), pair("Rauch", "smoke"), pair("steigt", "rising"), pair("langsam", "slowly")];
    assert_eq!(smoke.taken, taken);
    assert_eq!(understood("fumée rouge sur fond noir").prompt, "red smoke on black background");
    assert_eq!(understood("红色的烟雾").prompt, "red smoke");
    assert_eq!(understood("biały śnieg, czarne tło").prompt, "white snow black background");
}

#[test]
fn what_the_model_has_words_for_stays_as_it_is() {
    let lexicon = lexicon();
    for prompt in
        ["Red smoke, rising on black!", "a rose", "", "  ", "snow at night, 35mm grain", "zyzzyva", "12345 ???"]
    {
        let understood = lexicon.understand(prompt);
        assert_eq!((understood.prompt.as_str(), understood.taken), (prompt, Vec::new()));
    }
    assert_eq!(lexicon.understand("a thick haze at night").prompt, "a thick fog at night");
}

#[test]
fn no_prompt_is_too_strange() {
    let lexicon = lexicon();
    let long = "Nebel 霧 дым ".repeat(400);
    for prompt in ["\u{301}\u{301}", "ß", "İI", "烟", "ا", "\u{FFFD}\0", &long] {
        let _ = lexicon.understand(prompt);
    }
}

#[test]
fn a_lexicon_that_makes_no_sense_is_an_error_and_none_is_none() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Lexicon::open(folder.path()).unwrap().is_none());
    std::fs::write(folder.path().join(FILE), "[1]").unwrap();
    assert!(Lexicon::open(folder.path()).is_err());
}
