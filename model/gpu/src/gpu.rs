//! An open GPU: its memory, its kernels, and the work that is queued.

use std::{
    collections::HashMap,
    sync::{Arc, mpsc},
};

use parking_lot::Mutex;
use wgpu::BufferUsages;

use crate::{
    Adapter, Counted, GpuError, Map, Memory,
    counted::Work,
    kernel::Kernel,
    map::{self, Made, Part},
    matrices::{self, Matrices},
    mix::Pictures,
    pool::{Pool, Pooled},
};

/// An open GPU. It may be used from any thread, and is closed with the last map on it.
#[derive(Debug)]
pub struct Gpu {
    name: String,
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipelines: Mutex<HashMap<Kernel, wgpu::ComputePipeline>>,
    queued: Mutex<Queued>,
    pool: Arc<Mutex<Pool>>,
    pub(crate) pictures: Mutex<Pictures>,
    /// What maps are read through, in the machine's memory.
    answers: Mutex<Pool>,
    counted: Mutex<HashMap<Work, Counted>>,
    failed: Arc<Mutex<Option<GpuError>>>,
    largest: u64,
    /// What convolutions multiply, where they are not made value by value.
    pub(crate) matrices: Option<Matrices>,
}

/// Work that was asked for and not sent to the GPU yet.
#[derive(Debug, Default)]
struct Queued {
    encoder: Option<wgpu::CommandEncoder>,
    work: u64,
}

/// What a kernel is told; each uses some. In the order of `shaders/common.wgsl`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Params {
    /// Channels, height and width of what it reads.
    pub(crate) from: [usize; 3],
    /// The same of what it writes.
    pub(crate) to: [usize; 3],
    /// How far it looks.
    pub(crate) radius: usize,
    /// Numbers that it calculates with.
    pub(crate) numbers: [f32; 4],
    /// Where each map but the first of several begins, in channels.
    pub(crate) parts: [usize; 4],
}

impl Params {
    fn words(self) -> [u32; 16] {
        let word = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let ([a, b, c], [d, e, f], g) = (self.from.map(word), self.to.map(word), word(self.radius));
        let [first, second, third, fourth] = self.numbers.map(f32::to_bits);
        let [h, i, j, k] = self.parts.map(word);
        [a, b, c, d, e, f, g, first, second, third, fourth, 0, h, i, j, k]
    }
}

/// Work that is sent at once, in floating-point operations: a slow GPU does so many in a tenth of a second, and systems stop what
/// takes two.
const AT_ONCE: u64 = 20_000_000_000;
/// Bytes of its memory that are kept to be used again, at the most, and of the machine's.
const IDLE: u64 = 3 << 30;
const IDLE_ANSWERS: u64 = 256 << 20;
/// How long an answer may take after all work is done.
const ANSWER: std::time::Duration = std::time::Duration::from_secs(5);
/// Operations that a slow GPU does while it moves a byte.
const A_BYTE: u64 = 10;

impl Gpu {
    /// Opens a GPU, with all that its driver allows. Convolutions multiply 32-bit floats.
    ///
    /// # Errors
    /// When the driver refuses.
    pub fn open(adapter: &Adapter) -> Result<Self, GpuError> {
        Self::opened(adapter, None)
    }

    /// Opens a GPU whose convolutions multiply matrices of 16-bit floats, with sums in 32 bits; not those with a kernel of 5, in 32.
    /// Whether it does that rightly is to be tested: drivers have had it for a short while.
    ///
    /// # Errors
    /// When it has [no units](Adapter::matrices) for that, or the driver refuses.
    pub fn open_with_matrices(adapter: &Adapter) -> Result<Self, GpuError> {
        let Some(matrices) = Matrices::of(&adapter.inner) else {
            let reason = "it multiplies no matrices of 16-bit floats".to_owned();
            return Err(GpuError::Closed { adapter: adapter.name().to_owned(), reason });
        };
        Self::opened(adapter, Some(matrices))
    }

    /// Opens a GPU [with its matrix units](Self::open_with_matrices) where it has any, [without](Self::open) where it has none.
    ///
    /// # Errors
    /// When the driver refuses.
    pub fn open_fastest(adapter: &Adapter) -> Result<Self, GpuError> {
        if adapter.matrices().is_some() { Self::open_with_matrices(adapter) } else { Self::open(adapter) }
    }

    fn opened(adapter: &Adapter, matrices: Option<Matrices>) -> Result<Self, GpuError> {
        let name = adapter.name().to_owned();
        let plain = wgpu::DeviceDescriptor {
            label: Some("Pickup"),
            required_limits: adapter.inner.limits(),
            ..wgpu::DeviceDescriptor::default()
        };
        let asked = match matrices {
            None => plain,
            Some(_) => wgpu::DeviceDescriptor {
                required_features: matrices::features(),
                experimental_features: matrices::allowed(),
                ..plain
            },
        };
        let (device, queue) = pollster::block_on(adapter.inner.request_device(&asked))
            .map_err(|error| GpuError::Closed { adapter: name.clone(), reason: one_line(&error.to_string()) })?;
        let failed = Arc::new(Mutex::new(None));
        let (told, adapter_name) = (failed.clone(), name.clone());
        device.on_uncaptured_error(Arc::new(move |error| {
            told.lock().get_or_insert(from_driver(&adapter_name, &error));
        }));
        let (told, adapter_name) = (failed.clone(), name.clone());
        device.set_device_lost_callback(move |reason, words| {
            if reason != wgpu::DeviceLostReason::Destroyed {
                told.lock().get_or_insert(GpuError::Lost { adapter: adapter_name.clone(), reason: one_line(&words) });
            }
        });
        Ok(Self {
            name,
            device,
            queue,
            pipelines: Mutex::default(),
            queued: Mutex::default(),
            pool: Arc::new(Mutex::new(Pool::new(IDLE))),
            pictures: Mutex::default(),
            answers: Mutex::new(Pool::new(IDLE_ANSWERS)),
            counted: Mutex::default(),
            failed,
            largest: adapter.largest_map(),
            matrices,
        })
    }

    /// What its driver calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether its convolutions multiply matrices of 16-bit floats.
    #[must_use]
    pub fn has_matrices(&self) -> bool {
        self.matrices.is_some()
    }

    /// What it was asked to do so far.
    #[must_use]
    pub fn counted(&self) -> Counted {
        self.counted.lock().values().copied().sum()
    }

    /// The same for each kernel, and for copies, by their names.
    #[must_use]
    pub fn counted_each(&self) -> Vec<(String, Counted)> {
        self.counted.lock().iter().map(|(work, counted)| (work.to_string(), *counted)).collect()
    }

    fn count(&self, work: Work, counted: Counted) {
        *self.counted.lock().entry(work).or_default() += counted;
    }

    /// A map of numbers: all of one plane, then all of the next.
    ///
    /// # Errors
    /// When there are not as many as the shape says, or it is too large.
    pub fn map(&self, shape: [usize; 3], values: &[f32]) -> Result<Map, GpuError> {
        if values.len() != shape.iter().product::<usize>() || values.is_empty() {
            return Err(self.misfit("map", format!("{} values are no map of {shape:?}", values.len())));
        }
        let map = self.empty(shape)?;
        // What is queued may still use this memory: it comes first.
        self.send();
        self.count(Work::Sent, Counted { sent: map.part().bytes, ..Counted::default() });
        self.queue.write_buffer(&map.buffer, 0, bytemuck::cast_slice(values));
        Ok(map.into())
    }

    /// Waits for all that was asked for, and gives a map's numbers.
    ///
    /// # Errors
    /// When anything of it failed, now or before: a GPU that has failed is to be opened anew.
    pub fn read(&self, map: &Map) -> Result<Vec<f32>, GpuError> {
        let out = self.answer(map.bytes());
        let made = self.held(map);
        self.check()?;
        let made = made?;
        self.copy(made.part(), &out, 0);
        self.send();
        let (tell, told) = mpsc::channel();
        out.map_async(wgpu::MapMode::Read, .., move |result| {
            // Nobody waits any more only where the wait itself failed.
            let _ = tell.send(result);
        });
        self.wait()?;
        // Another thread that waits may have taken the answer along, and tells of it a little later.
        let answer = told.recv_timeout(ANSWER);
        self.check()?;
        if !matches!(answer, Ok(Ok(()))) {
            return Err(self.given_up(&format!("{answer:?}")));
        }
        let view = out.get_mapped_range(..);
        let view = view.map_err(|error| self.given_up(&error.to_string()))?;
        self.count(Work::Fetched, Counted { fetched: map.bytes(), ..Counted::default() });
        let values = bytemuck::cast_slice(&view).to_vec();
        drop(view);
        out.unmap();
        self.answers.lock().give(out);
        Ok(values)
    }

    /// Memory of the machine through which so many bytes are read.
    fn answer(&self, size: u64) -> wgpu::Buffer {
        let mut answers = self.answers.lock();
        answers.take(size).unwrap_or_else(|| {
            answers.count(size);
            self.made(size, BufferUsages::MAP_READ, None)
        })
    }

    /// What failed, if anything did: the cause of what came after.
    fn check(&self) -> Result<(), GpuError> {
        self.failed.lock().clone().map_or(Ok(()), Err)
    }

    /// Waits for all that was sent.
    fn wait(&self) -> Result<(), GpuError> {
        // wgpu panics where a driver says, while it is waited for, that the device is lost.
        let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            self.device.poll(wgpu::PollType::wait_indefinitely())
        }));
        self.check()?;
        match waited {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.given_up(&error.to_string())),
            Err(_) => Err(self.given_up("its driver gave it up")),
        }
    }

    /// Notes that it is of no use any more.
    fn given_up(&self, reason: &str) -> GpuError {
        let lost = GpuError::Lost { adapter: self.name.clone(), reason: one_line(reason) };
        self.failed.lock().get_or_insert(lost).clone()
    }

    /// Takes at most so many bytes of its memory for maps: what would be more is an error, as if there were no more.
    pub fn limit_memory(&self, most: u64) {
        self.pool.lock().limit(most);
    }

    /// Gives it back at once. What was asked for and not read yet is lost, and so is all that is asked for from then on.
    pub fn close(&self) {
        self.given_up("it was closed");
        self.device.destroy();
    }

    /// What its memory holds of ours.
    #[must_use]
    pub fn memory(&self) -> Memory {
        self.pool.lock().memory()
    }

    /// Gives back the memory that was kept to be used again.
    pub fn trim(&self) {
        self.send();
        self.pictures.lock().clear();
        self.pool.lock().clear();
        self.answers.lock().clear();
    }

    /// A map of zeros.
    ///
    /// # Errors
    /// When it is too large.
    pub fn zeros(&self, shape: [usize; 3]) -> Result<Map, GpuError> {
        let map = self.empty(shape)?;
        self.encode(0, |encoder| encoder.clear_buffer(&map.buffer, 0, None));
        Ok(map.into())
    }

    /// What a part of a buffer that a kernel reads has to begin at a multiple of, in bytes.
    pub(crate) fn alignment(&self) -> u64 {
        u64::from(self.device.limits().min_storage_buffer_offset_alignment)
    }

    /// A map of a shape, for a kernel to write: it may hold anything.
    pub(crate) fn empty(&self, shape: [usize; 3]) -> Result<Made, GpuError> {
        let size = map::bytes(shape);
        self.check_size(size)?;
        let idle = self.pool.lock().take(size);
        if let Some(buffer) = idle {
            return Ok(self.pooled(buffer, shape));
        }
        let counted = || self.pool.lock().count(size);
        if !counted() {
            self.trim();
            if !counted() {
                return Err(self.full());
            }
        }
        let made = self.allocated(size).or_else(|| {
            // What is kept goes, once the work that uses it is done.
            self.trim();
            self.wait().ok().and_then(|()| self.allocated(size))
        });
        match made {
            Some(buffer) => Ok(self.pooled(buffer, shape)),
            None => {
                self.pool.lock().uncount(size);
                self.check()?;
                Err(self.full())
            }
        }
    }

    /// New memory for a map; none where there is none left.
    fn allocated(&self, size: u64) -> Option<wgpu::Buffer> {
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let buffer = self.made(size, BufferUsages::STORAGE | BufferUsages::COPY_SRC, None);
        pollster::block_on(scope.pop()).is_none().then_some(buffer)
    }

    fn full(&self) -> GpuError {
        GpuError::OutOfMemory { adapter: self.name.clone() }
    }

    fn pooled(&self, buffer: wgpu::Buffer, shape: [usize; 3]) -> Made {
        Made { buffer: Arc::new(Pooled::new(buffer, &self.pool)), start: 0, shape }
    }

    /// Queues a copy to a place in a buffer.
    pub(crate) fn copy(&self, Part { buffer, start, bytes }: Part<'_>, to: &wgpu::Buffer, at: u64) {
        self.count(Work::Copied, Counted { bytes: 2 * bytes, ..Counted::default() });
        let work = |encoder: &mut wgpu::CommandEncoder| {
            encoder.copy_buffer_to_buffer(buffer, start, to, at, Some(bytes));
        };
        self.encode(2 * bytes * A_BYTE, work);
    }

    /// Memory with these bytes.
    pub(crate) fn filled(&self, contents: &[u8]) -> wgpu::Buffer {
        self.made(contents.len() as u64, BufferUsages::STORAGE | BufferUsages::COPY_SRC, Some(contents))
    }

    /// New memory. Nothing is mapped to fill it: what is mapped of a lost device is no memory.
    fn made(&self, size: u64, usage: BufferUsages, contents: Option<&[u8]>) -> wgpu::Buffer {
        let usage = usage | BufferUsages::COPY_DST;
        let buffer =
            self.device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false });
        if let Some(contents) = contents {
            self.queue.write_buffer(&buffer, 0, contents);
        }
        buffer
    }

    /// Queues a kernel: its parameters, the buffers that it binds after them, and how many groups there are each way.
    pub(crate) fn run(
        &self,
        kernel: Kernel,
        params: Params,
        buffers: &[(u32, Part<'_>)],
        groups: [usize; 3],
        operations: u64,
    ) -> Result<(), GpuError> {
        let bytes = buffers.iter().map(|(_, part)| part.bytes).sum();
        self.run_told(kernel, bytemuck::cast_slice(&params.words()), buffers, groups, (operations, bytes))
    }

    /// The same with what the kernel is told as bytes, and with how many operations it does and how many bytes it moves.
    pub(crate) fn run_told(
        &self,
        kernel: Kernel,
        told: &[u8],
        buffers: &[(u32, Part<'_>)],
        groups: [usize; 3],
        (operations, bytes): (u64, u64),
    ) -> Result<(), GpuError> {
        let most = self.device.limits().max_compute_workgroups_per_dimension as usize;
        if groups.iter().any(|count| *count > most) {
            return Err(self.misfit("kernel", format!("{groups:?} groups are more than {most} one way")));
        }
        let uniform = self.made(told.len() as u64, BufferUsages::UNIFORM, Some(told));
        let pipeline = self.pipeline(&kernel);
        let bound = std::iter::once((0, Part::whole(&uniform))).chain(buffers.iter().copied());
        let entries: Vec<_> =
            bound.map(|(binding, part)| wgpu::BindGroupEntry { binding, resource: part.binding() }).collect();
        let bind_group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        self.count(kernel.into(), Counted { dispatches: 1, operations, bytes, ..Counted::default() });
        let [x, y, z] = groups.map(|count| count as u32);
        self.encode(operations + bytes * A_BYTE, |encoder| {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &bind_group, &[]);
            pass.dispatch_workgroups(x, y, z);
        });
        Ok(())
    }

    pub(crate) fn misfit(&self, operation: &'static str, reason: String) -> GpuError {
        GpuError::Shape { operation, reason }
    }

    pub(crate) fn check_size(&self, bytes: u64) -> Result<(), GpuError> {
        if bytes <= self.largest {
            return Ok(());
        }
        Err(GpuError::TooLarge { adapter: self.name.clone(), bytes, most: self.largest })
    }

    fn encode(&self, amount: u64, work: impl FnOnce(&mut wgpu::CommandEncoder)) {
        let mut queued = self.queued.lock();
        let encoder = queued.encoder.get_or_insert_with(|| self.device.create_command_encoder(&Default::default()));
        work(encoder);
        queued.work += amount;
        if queued.work > AT_ONCE {
            self.submit(&mut queued);
        }
    }

    /// Sends all that is queued to the GPU.
    fn send(&self) {
        self.submit(&mut self.queued.lock());
    }

    fn submit(&self, queued: &mut Queued) {
        queued.work = 0;
        if let Some(encoder) = queued.encoder.take() {
            self.queue.submit([encoder.finish()]);
        }
    }

    fn pipeline(&self, kernel: &Kernel) -> wgpu::ComputePipeline {
        let mut pipelines = self.pipelines.lock();
        if let Some(made) = pipelines.get(kernel) {
            return made.clone();
        }
        let source = wgpu::ShaderSource::Wgsl(kernel.source().into());
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source });
        let made = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(kernel.entry()),
            layout: None,
            module: &module,
            entry_point: Some(kernel.entry()),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        pipelines.insert(kernel.clone(), made.clone());
        made
    }
}

fn from_driver(adapter: &str, error: &wgpu::Error) -> GpuError {
    let adapter = adapter.to_owned();
    match error {
        wgpu::Error::OutOfMemory { .. } => GpuError::OutOfMemory { adapter },
        wgpu::Error::Validation { description, .. } => GpuError::Refused { adapter, reason: one_line(description) },
        other => GpuError::Lost { adapter, reason: one_line(&other.to_string()) },
    }
}

fn one_line(words: &str) -> String {
    words.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn a_kernel_that_does_not_compile_is_told_of_and_harms_nobody() {
        let adapter = crate::adapters().into_iter().next().expect("a GPU, or Mesa's software Vulkan");
        let gpu = Gpu::open(&adapter).unwrap();
        let map = gpu.map([1, 2, 2], &[0.0; 4]).unwrap();
        let params = Params { from: map.shape(), to: map.shape(), ..Params::default() };
        let _ = gpu.run(Kernel::Broken, params, &[(1, gpu.held(&map).unwrap().part())], [1, 1, 1], 0);
        assert!(matches!(gpu.read(&map), Err(GpuError::Refused { .. })));
    }
}
