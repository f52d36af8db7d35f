//! Every node in every host and context that both do.

use ofx::{
    Context,
    host::{Host, ParamKind, Profile, RenderArgs, Value},
};

use super::{
    footage::{FLOAT, assert_alike, assert_same, clip, draw_sized, texture},
    stage::{ANIMATE, BRIDGE, EXTEND, GENERATE, REPAIR, RETIME, Stage, turn},
};

fn small(time: i32) -> std::sync::Arc<ofx::host::HostImage> {
    draw_sized((33, 21), FLOAT, move |x, y| texture(x - 2.0 * time as f32, y))
}

#[test]
fn repair_and_retime_render_in_every_host_and_context() {
    let repaired = Stage::repair(clip((1, 6), |t| Some(small(t))), "4").at(4.0);
    for (name, profile) in Profile::all() {
        for id in [REPAIR, RETIME] {
            let contexts = {
                let _turn = turn();
                let effect = Host::new(profile.clone()).load(&crate::binary(), id).expect(name);
                effect.contexts()
            };
            assert!(!contexts.is_empty(), "{id} does something in {name}");
            for context in contexts {
                let stage = Stage::new(profile.clone(), id, context, clip((1, 6), |t| Some(small(t))));
                if context == Context::Retimer {
                    stage.set("SourceTime", 3.0).expect(name);
                }
                assert_same(&stage.at(3.0), &small(3), &format!("{name} {id} {context:?} as it comes"));
                match (id, context) {
                    (_, Context::Retimer) => stage.set("SourceTime", 2.5).expect(name),
                    (REPAIR, _) => stage.put("frames", "4"),
                    _ => stage.put("speed", "50"),
                }
                stage.put("errorsInPicture", "Never");
                let scale = profile.preview_scale;
                stage.render(RenderArgs { scale: (scale, scale), ..RenderArgs::at(4.0) }).expect(name);
                let image = stage.at(4.0);
                assert_eq!((image.width(), image.height()), (33, 21), "{name} {id} {context:?}");
                let made = !image
                    .same_pixels(&small(4).converted(image.format(), ofx::host::RowLayout::default()).expect("small"));
                assert_eq!(made, profile.temporal, "{name} {id} {context:?}");
                if id == REPAIR && profile.temporal {
                    assert_alike(&image, &repaired, &format!("{name} {context:?}"));
                }
            }
        }
    }
}

/// What projects save of each node, as a filter: an id may be added, and none may go.
const SAVED: [(&str, &str, &str); 6] = [
    (
        REPAIR,
        "Repair",
        "frames damaged smoothCadence automatic findDuplicates repeats duplicateThreshold findBlack blackThreshold findEmpty \
         emptyThreshold findFlash flashThreshold findTorn tornThreshold findBlocky blockyThreshold find \
         output quality longestGap sourceFile sourceOffset device motionModel footage errorsInPicture markMade",
    ),
    (
        RETIME,
        "Retime",
        "by speed sourceFrame starts start startHere reverse method smoothCadence shutter shutterSamples output quality \
         sourceFile sourceOffset device motionModel footage missingFrames errorsInPicture markMade",
    ),
    (
        GENERATE,
        "Generate",
        "preset prompt enhance negativePrompt motion seed newSeed make shotsMade length starts start startHere firstFrame \
         lastFrame loop over strength output quality cadence grain warmth peak videoModel model guidance steps device motionModel footage missingFrames errorsInPicture markMade",
    ),
    (
        ANIMATE,
        "Animate",
        "preset prompt enhance negativePrompt motion seed newSeed stillIs still stillHere end length by camera \
         travel fade strength matchGrain output quality cadence grain warmth peak videoModel model guidance steps device motionModel \
         footage sourceFile sourceOffset missingFrames errorsInPicture markMade",
    ),
    (
        EXTEND,
        "Extend",
        "preset prompt enhance negativePrompt motion seed newSeed tail head hold by rest frozen lastGood \
         handles findFreeze matchGrain output quality cadence grain warmth peak videoModel model guidance steps device motionModel footage \
         sourceFile sourceOffset missingFrames errorsInPicture markMade",
    ),
    (
        BRIDGE,
        "Bridge",
        "preset prompt enhance negativePrompt motion seed newSeed starts start startHere length by toFile \
         matchGrain output quality cadence grain warmth peak videoModel model guidance steps device motionModel footage sourceFile \
         sourceOffset missingFrames errorsInPicture markMade",
    ),
];

#[test]
fn what_projects_save_keeps_its_name() {
    let _turn = turn();
    let host = Host::new(Profile::reference());
    for (id, label, saved) in SAVED {
        let effect = host.load(&crate::binary(), id).expect(id);
        let descriptor = effect.descriptor();
        assert_eq!((descriptor.label.as_str(), descriptor.grouping.as_str()), (label, "Pickup"));
        for (icon, ending) in descriptor.icons.iter().zip(["svg", "png"]) {
            assert_eq!(*icon, format!("{id}.{ending}"));
            assert!(crate::repository().join("resources").join(icon).is_file(), "{icon} is in the bundle's resources");
        }
        let context = effect.describe_in(Context::Filter).expect(id);
        let holds_values = |k: ParamKind| !matches!(k, ParamKind::Group | ParamKind::Page);
        let mut is: Vec<&str> = context.params.iter().filter(|p| holds_values(p.kind)).map(|p| p.id.as_str()).collect();
        let mut should: Vec<&str> = saved.split_whitespace().collect();
        is.sort_unstable();
        should.sort_unstable();
        assert_eq!(is, should, "{id}");
        assert!(context.params.iter().filter(|p| holds_values(p.kind)).all(|p| !p.hint.is_empty()), "{id} has hints");
        assert_eq!(context.clips.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["Source", "Output"], "{id}");
        // A host that is told that a change leaves the pictures as they are shows the old ones: Natron kept a preview when the
        // button had made the shot.
        for param in context.params.iter().filter(|p| holds_values(p.kind) && p.kind != ParamKind::PushButton) {
            assert_eq!(param.evaluate_on_change, param.id != "preset", "{id}: {}", param.id);
        }
    }
}

#[test]
fn a_panel_shows_what_does_something_in_its_host() {
    let _turn = turn();
    for (profile, alone) in [(Profile::mlt(), true), (Profile::natron(), false), (Profile::resolve(), false)] {
        let (name, host) = (profile.label.clone(), Host::new(profile));
        for (id, ..) in SAVED {
            let effect = host.load(&crate::binary(), id).expect(id);
            let reads_a_file = effect.descriptor().description.contains("“Source file”");
            assert_eq!(reads_a_file, alone && id != GENERATE, "{name}: {id} speaks of what is on its panel");
            for param in effect.describe_in(Context::Filter).expect(id).params {
                let hidden = match param.id.as_str() {
                    // In MLT a file has a name that MLT keeps where the project is, and the one that projects of before have: MLT
                    // passes no value to what is hidden (read in its source, and seen).
                    "sourceFile" | "sourceOffset" => !alone,
                    "firstFrame" | "lastFrame" | "model" | "toFile" => false,
                    "filename" | "av.file" | "av.filename" | "filter.resource" | "resource" => !alone,
                    // MLT tells of no choice, so a preset would do nothing.
                    "preset" => alone,
                    "handles" => !name.contains("Resolve"),
                    "shotsMade" => true,
                    _ => continue,
                };
                assert_eq!(param.secret, hidden, "{name}: {id} {}", param.id);
            }
        }
    }
}

#[test]
fn strict_mode_finds_no_fault() {
    let _turn = turn();
    for (id, ..) in SAVED {
        let examined = ofx::host::examine(&crate::binary(), id).expect(id);
        assert_eq!(examined.faults, [""; 0], "{id}");
        assert!(id == GENERATE || examined.refused.is_empty(), "{id}: {:?}", examined.refused);
    }
}

#[test]
fn colour_may_be_told_or_left_to_the_host() {
    // What the numbers stand for changes where motion is looked for, never a still picture.
    for footage in ["Automatic", "Display-referred", "Scene-linear"] {
        let still = small(1);
        let stage = Stage::repair(clip((1, 5), |_| Some(still.clone())), "3");
        stage.put("footage", footage);
        assert_same(&stage.at(3.0), &still, footage);
        assert_eq!(stage.get("frames", 0.0), Some(Value::from("3")));
    }
}
