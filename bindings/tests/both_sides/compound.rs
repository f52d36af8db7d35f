//! Parameters of several numbers: described, set by a user, by keys, by a button.

use std::sync::Arc;

use ofx::{
    Button, Context, Effect, Meta, Result,
    host::{
        Binary, Host, HostImage, Instance, MemoryClip, ParamKind, PixelFormat, Profile, Project, RenderArgs, Value,
        examine,
    },
    plugin::{Changed, Create, Custom, Render, Rgb, Rgba, SourceToOutput},
};

#[derive(ofx::Params, Clone, Debug, PartialEq)]
struct CompoundParams {
    /// A point.
    #[param(default = [0.25, 0.75], range = [0.0; 2]..=[1.0; 2], animates)]
    point: [f64; 2],
    /// A direction.
    #[param(default = [0.0, 0.0, 1.0], range = [-1.0; 3]..=[1.0; 3])]
    direction: [f64; 3],
    /// A size.
    #[param(default = [16, 9], range = [1; 2]..=[4096; 2])]
    size: [i32; 2],
    /// Cells.
    #[param(default = [1, 2, 3], range = [0; 3]..=[8; 3])]
    cells: [i32; 3],
    /// A tint.
    #[param(default = Rgb([1.0, 0.5, 0.25]), animates)]
    tint: Rgb,
    /// A shade.
    #[param(default = Rgba([0.125, 0.25, 0.5, 1.0]))]
    shade: Rgba,
    /// What no host shows.
    #[param(default = Custom("none".into()))]
    data: Custom,
    /// Writes into all of them.
    swap: Button,
}

struct Compound;

impl Effect for Compound {
    const META: Meta = Meta::new("test.Compound", "Compound").contexts(&[Context::Filter]).page("Controls");
    type Params = CompoundParams;
    type Clips = SourceToOutput;

    fn new(_: &Create<'_, Self>) -> Result<Self> {
        Ok(Self)
    }

    /// The values, four to a pixel of the first row.
    fn render(&self, cx: &Render<'_, Self>) -> Result<()> {
        let CompoundParams { point, direction, size, cells, tint, shade, .. } = cx.params()?;
        let ints = size.into_iter().chain(cells).map(f64::from);
        let values = point.into_iter().chain(direction).chain(ints).chain(tint.0).chain(shade.0).map(|v| v as f32);
        let row: Vec<[f32; 4]> =
            values.collect::<Vec<_>>().chunks(4).map(|c| std::array::from_fn(|i| *c.get(i).unwrap_or(&0.0))).collect();
        let mut output = cx.output()?;
        output.fill_zero();
        let (x, y) = (output.bounds.x1, output.bounds.y1);
        output.write_rgba(x, y, &row);
        Ok(())
    }

    fn changed(&self, cx: &Changed<'_, Self>) -> Result<()> {
        if cx.is(CompoundParams::SWAP) {
            let params = cx.params()?;
            cx.set(CompoundParams::POINT, [params.point[1], params.point[0]])?;
            cx.set(CompoundParams::DIRECTION, [1.0, 0.0, 0.0])?;
            cx.set(CompoundParams::SIZE, [params.size[1], params.size[0]])?;
            cx.set(CompoundParams::CELLS, [4, 5, 6])?;
            cx.set(CompoundParams::TINT, Rgb([0.0, 0.5, 1.0]))?;
            cx.set(CompoundParams::SHADE, Rgba([0.5; 4]))?;
            cx.set(CompoundParams::DATA, Custom(format!("{} swapped", params.data.0)))?;
        }
        Ok(())
    }
}

fn binary() -> Binary {
    Binary::in_process(ofx::in_process!(Compound))
}

fn instance(profile: Profile) -> Instance {
    let effect = Host::new(profile).load(&binary(), "test.Compound").expect("it loads");
    let instance = effect.create(Context::Filter, Project::new(8, 2, 1.0, 9.0)).expect("an instance");
    let image = Arc::new(HostImage::from_rgba(8, 2, &[0.5; 64], PixelFormat::FLOAT_RGBA).expect("small"));
    instance.connect("Source", Arc::new(MemoryClip::new(1, vec![Some(image); 9]))).expect("a clip");
    instance
}

fn values(instance: &Instance, time: f64) -> Vec<f32> {
    let image = instance.render(RenderArgs::at(time)).unwrap_or_else(|e| panic!("{e}"));
    (0..5).flat_map(|x| image.pixel(x, 0).expect("inside")).take(17).collect()
}

#[test]
fn they_are_described_and_read_with_their_defaults_and_limits() {
    let instance = instance(Profile::reference());
    let described = instance.describe_param("size").expect("it is there");
    assert_eq!((described.kind, described.min, described.max), (ParamKind::Integer2D, vec![1.0; 2], vec![4096.0; 2]));
    assert_eq!(instance.describe_param("direction").expect("there").kind, ParamKind::Double3D);
    assert_eq!(instance.describe_param("tint").expect("there").kind, ParamKind::Rgb);
    assert_eq!(instance.get("shade", 0.0), Some(Value::from([0.125, 0.25, 0.5, 1.0])));
    let right = [0.25, 0.75, 0.0, 0.0, 1.0, 16.0, 9.0, 1.0, 2.0, 3.0, 1.0, 0.5, 0.25, 0.125, 0.25, 0.5, 1.0];
    assert_eq!(values(&instance, 1.0), right);
}

#[test]
fn users_keys_and_buttons_set_them() {
    let instance = instance(Profile::reference());
    instance.set("cells", "7, 0, 2").expect("three numbers");
    instance.set("shade", [0.0, 0.5, 0.25, 1.0]).expect("a colour");
    instance.set_key("point", 1.0, [0.0, 1.0]).expect("it animates");
    instance.set_key("point", 5.0, [1.0, 0.0]).expect("it animates");
    let right = [0.5, 0.5, 0.0, 0.0, 1.0, 16.0, 9.0, 7.0, 0.0, 2.0, 1.0, 0.5, 0.25, 0.0, 0.5, 0.25, 1.0];
    assert_eq!(values(&instance, 3.0), right);
    assert!(instance.set("size", "1, 2, 3").is_err(), "it has two numbers");
    drop(instance);
    let instance = self::instance(Profile::natron());
    instance.press("swap").expect("a button");
    let right = [0.75, 0.25, 1.0, 0.0, 0.0, 9.0, 16.0, 4.0, 5.0, 6.0, 0.0, 0.5, 1.0, 0.5, 0.5, 0.5, 0.5];
    assert_eq!(values(&instance, 1.0), right);
    assert_eq!(instance.get("data", 0.0), Some(Value::from("none swapped")));
}

#[test]
fn a_page_lists_them_all() {
    let effect = Host::new(Profile::reference()).load(&binary(), "test.Compound").expect("it loads");
    let described = effect.describe_in(Context::Filter).expect("it is a filter");
    let page = described.param("page").expect("a page");
    assert_eq!((page.kind, page.label.as_str()), (ParamKind::Page, "Controls"));
    assert_eq!(page.children, ["point", "direction", "size", "cells", "tint", "shade", "data", "swap"]);
}

#[test]
fn strict_mode_finds_no_fault_in_them() {
    let examined = examine(&binary(), "test.Compound").expect("it loads");
    assert_eq!((examined.faults, examined.refused), (Vec::new(), Vec::new()));
}
