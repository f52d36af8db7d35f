//! Nothing is left behind. The counts are of the whole process, so this test is alone in its own.

use std::sync::Arc;

use ofx::{
    Context, Effect, Meta, Params, Result,
    host::{Binary, Host, HostImage, MemoryClip, PixelFormat, Profile, Project, RenderArgs, live_handles},
    plugin::{Create, Render, SourceToOutput, instance_count},
};

#[derive(Params, Clone, Debug)]
#[allow(dead_code, reason = "they are made and dropped, and never read")]
struct CopyParams {
    /// A number.
    #[param(default = 1.0, range = 0.0..=8.0, display = 0.0..=2.0, animates)]
    number: f64,
    /// Text.
    text: String,
}

struct Copy;

impl Effect for Copy {
    const META: Meta = Meta::new("test.Copy", "Copy");
    type Params = CopyParams;
    type Clips = SourceToOutput;

    fn new(_cx: &Create<'_, Self>) -> Result<Self> {
        Ok(Self)
    }

    fn render(&self, cx: &Render<'_, Self>) -> Result<()> {
        let memory = cx.memory(100)?;
        let source = cx.image(cx.clips().source, cx.time())?;
        if let Some(source) = source {
            cx.output()?.copy_from(&source);
        }
        drop(memory);
        Ok(())
    }
}

fn life(host: &Host, binary: &Binary, source: &Arc<MemoryClip>, rounds: usize) {
    let effect = host.load(binary, "test.Copy").expect("it loads");
    for round in 0..rounds {
        let instance = effect.create(Context::Filter, Project::new(2, 2, 1.0, 1.0)).expect("an instance");
        if round % 100 == 0 {
            instance.connect("Source", source.clone()).expect("a clip");
            instance.set("text", "words").expect("a parameter");
            instance.set_key("number", 1.0, 2.0).expect("it animates");
            let copy = instance.clone_for_render().expect("a clone");
            let image = copy.render(RenderArgs::at(1.0)).expect("a picture");
            assert_eq!(image.pixel(1, 1), Some([1.0; 4]));
        }
    }
}

#[test]
fn ten_thousand_instances_and_a_hundred_hosts_leave_nothing_behind() {
    let binary = Binary::in_process(ofx::in_process!(Copy));
    let white = HostImage::from_rgba(2, 2, &[1.0; 16], PixelFormat::FLOAT_RGBA).expect("small");
    let source = Arc::new(MemoryClip::new(1, vec![Some(Arc::new(white))]));
    // What either side makes once a process is made here.
    life(&Host::new(Profile::reference()), &binary, &source, 1);
    let (handles, instances) = (live_handles(), instance_count::<Copy>());
    life(&Host::new(Profile::natron()), &binary, &source, 10_000);
    assert_eq!((live_handles(), instance_count::<Copy>()), (handles, instances));
    for (_, profile) in Profile::all().into_iter().cycle().take(100) {
        life(&Host::new(profile), &binary, &source, 1);
    }
    assert_eq!((live_handles(), instance_count::<Copy>()), (handles, instances));
}
