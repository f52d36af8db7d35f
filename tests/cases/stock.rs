//! The model that comes with the bundle: what it is asked for is to be seen.

use ofx::{
    Context,
    host::{HostImage, Profile, Project},
};

use super::{
    generate::takes,
    stage::{GENERATE, Stage, turn},
};

/// Generate on the embedded model, nine frames from frame 1 on.
fn generate(prompt: &str) -> Stage {
    takes();
    let project = Project::new(256, 144, 1.0, 9.0);
    let stage = Stage::empty(Profile::reference(), GENERATE, Context::Generator, project);
    for (id, value) in [("prompt", prompt), ("start", "1"), ("length", "9"), ("footage", "Display-referred")] {
        stage.put(id, value);
    }
    stage
}

/// The mean of red, green and blue.
fn mean(image: &HostImage) -> [f32; 3] {
    let pixels = image.to_rgba();
    let sum = pixels.chunks_exact(4).fold([0.0; 3], |sum, p| [sum[0] + p[0], sum[1] + p[1], sum[2] + p[2]]);
    sum.map(|v| v / (pixels.len() / 4) as f32)
}

#[test]
fn colours_are_those_of_the_prompt() {
    let _turn = turn();
    let [red, _, blue] = mean(&generate("large orange flames burning on black").at(5.0));
    assert!(red > 1.5 * blue && red < 0.6, "orange flames on black: red {red}, blue {blue}");
    let [red, green, blue] = mean(&generate("green northern lights dancing slowly").at(5.0));
    assert!(green > 1.2 * red && green > 1.2 * blue, "green northern lights: {red} {green} {blue}");
    let [red, _, blue] = mean(&generate("the sea at sunset, waves rolling toward the camera").at(5.0));
    assert!(red > 1.2 * blue, "the sea at sunset: red {red}, blue {blue}");
    let [red, _, blue] = mean(&generate("clouds drifting to the right by day").at(5.0));
    assert!(blue > 1.1 * red, "a sky by day: red {red}, blue {blue}");
}

#[test]
fn a_shot_moves_and_its_frames_hang_together() {
    let _turn = turn();
    let stage = generate("large orange flames burning on black");
    let frames: Vec<Vec<f32>> = (1..=9).map(|t| stage.at(f64::from(t)).to_rgba()).collect();
    let apart = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.len() as f32;
    let steps: Vec<f32> = frames.windows(2).map(|pair| apart(&pair[0], &pair[1])).collect();
    assert!(steps.iter().all(|step| *step > 0.0005), "it moves: {steps:?}");
    assert!(steps.iter().all(|step| *step < 0.1), "and does not jump: {steps:?}");
}

#[test]
fn words_that_the_model_does_not_know_are_named() {
    let _turn = turn();
    let stage = generate("red smoke rising over a xylophone");
    stage.at(1.0);
    let said: Vec<String> = stage.messages().into_iter().map(|m| m.text).collect();
    assert!(said.iter().any(|text| text.contains("xylophone") && !text.contains("smoke")), "{said:?}");
}

#[test]
fn a_prompt_in_another_language_makes_the_same_shot_and_says_what_it_was_taken_for() {
    let _turn = turn();
    let shown = |prompt: &str| {
        let stage = generate(prompt);
        let image = stage.at(5.0);
        (image, stage.messages().into_iter().map(|m| m.text).collect::<Vec<String>>().join(" "))
    };
    let ((german, taken), (english, said)) = (shown("roter Rauch steigt"), shown("red smoke rising"));
    assert!(german.same_pixels(&english));
    assert!(taken.contains("“Rauch” for “smoke”") && !said.contains("took"), "{taken} | {said}");
}
