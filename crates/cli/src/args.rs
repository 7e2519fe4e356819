//! The arguments, as `--help` shows them.

use std::path::PathBuf;

use cavga::ablate::Parts;
use clap::{Args as ClapArgs, Parser, Subcommand};

use crate::dataset::{Dataset, Root};

/// Finds whether and where an image is anomalous, after learning from normal images.
#[derive(Debug, Parser)]
#[command(
    name = "cavga",
    version,
    arg_required_else_help = true,
    after_help = "\
Exit codes: 0 done, 1 the work failed, 2 the arguments or settings are wrong, 130 stopped by Ctrl-C."
)]
pub(crate) struct Args {
    /// Say what happens inside; twice for more
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Generate a set, train, evaluate, report: minutes on two cores, no download
    Demo(Demo),
    /// Learn from the normal images of a dataset, and with a method that wants it from a few anomalous ones, into a run folder
    #[command(after_help = "\
A dataset is a folder of normal images, or has the layout train/good, test/<kind>, ground_truth/<kind>. Or it is a public one
by name (--dataset), or your own however it lies (--normal, --anomalous, --masks, --index, --annotations).
A weakly supervised method (its name ends in -w) takes 2 % of the anomalous test images, data.anomalous, out of the test set.
Ctrl-C writes a checkpoint and stops; --resume goes on from it, to the same bits. patchcore writes none: it begins anew.

Examples:
  cavga train cavga-d-u --data toothbrush --out runs/toothbrush
  cavga train cavga-d-u --data toothbrush --out runs/small --set data.size=[128,128] --set train.passes=50
  cavga train cavga-d-u --dataset mvtec-ad --category bottle --data mvtec --out runs/bottle
  cavga train cavga-d-u --normal ok 'line2/*.png' --anomalous ng --masks masks --out runs/own
  cavga train --resume --out runs/toothbrush")]
    Train(Train),
    /// Take CAVGA apart as the paper's table 8 does: eight trainings, or those of --columns, one table
    #[command(after_help = "\
The dataset needs test images: half of the columns learn from some anomalous ones, which leave their test set.
Ctrl-C stops; the same command goes on, past the columns that are done. OUT/ablation.md and .csv grow with each column, and
hold all columns of OUT that are done; other settings, images or weight files need another OUT.
Settings are those of all columns: leave out method.name, method.latent.form, method.ae and method.cga.

Examples:
  cavga ablate --data leather --out ablations/leather --set train.passes=50
  cavga ablate --data leather --out ablations/three --seeds 0,1,2 --config small.toml")]
    Ablate(Ablate),
    /// Learn each class of a dataset as the normal one in its turn, as the paper's table 7 does, or all but each: a run for each, one table
    #[command(after_help = "\
Trains on a class's training images, tests on all test images; those of the other classes are the anomalous ones. Under
--protocol rest-vs-one it is the other way round: a class is anomalous, all others are learnt, with their classes.
Ctrl-C stops; the same command goes on, past the classes that are done. OUT/one-class.md and .csv, or rest-vs-one.md and .csv,
grow with each class; other settings or images need another OUT.

Examples:
  cavga one-class cavga-d-u --dataset mnist --data mnist --out one-class/mnist --set data.size=[32,32]
  cavga one-class cavga-d-u --dataset cifar-10 --data cifar --out one-class/cifar --classes 0,3 --config small.toml")]
    OneClass(crate::one_class::Args),
    /// Run what is missing of one of the paper's tables 3 to 8 on the datasets that are here: a run for each cell, one table
    #[command(after_help = "\
Datasets are looked for below --data by their usual names: toothbrush or mvtec*/toothbrush, mstc or shanghaitech, lag, mnist,
fashion-mnist, cifar-10. A cell whose images or method are not here says so. Every other method of this program may be a column, any
folder with train/good, test and ground_truth in it a row. OUT/table-N.md, .csv and .html grow with each cell and hold all cells of
OUT that are done; runs are in OUT/runs and shared by the tables. Ctrl-C stops; the same command goes on. Other settings or images
need another OUT. The same command may run in several terminals: no cell is trained twice.

Examples:
  cavga tables 3 --data sets --out tables --methods cavga-d-u,patchcore,padim --budget passes=40
  cavga tables 6 --data sets --out tables --methods cavga-d-u,patchcore,padim --budget passes=40
  cavga tables 4 --data sets --out mstc --rows ucsd_ped2 --methods vae --set vae:train.passes=20 --jobs 2")]
    Tables(crate::tables::Args),
    /// Measure a run on test images: metrics.json, scores.csv, maps/, report.html
    Eval(Eval),
    /// Set evaluated runs against each other: figures with intervals, differences to the first run, where they disagree
    #[command(after_help = "\
Nothing is scored anew: it reads what cavga eval wrote. The runs must have been measured on the same images, by names and labels. Intervals are by
bootstrap over images, or over groups where they come in groups, and differences are of the same resamples of both runs.
Figures of pixels need the maps that cavga eval writes and the dataset's masks. One run alone gets its intervals.

Examples:
  cavga compare runs/r runs/d --out compared
  cavga compare runs/seed-0 runs/seed-1 runs/seed-2 --json")]
    Compare(crate::compare::Compare),
    /// Set a model's thresholds for a rate of false alarms, from held-out normal images alone
    #[command(after_help = "\
The guarantee is split conformal prediction's: a new normal image like the held-out ones raises a false alarm with a chance of at
most the rate, which n held-out images can hold down to 1/(n+1). Without --data they are those that training held out
(data.held_out), whose scores are in the model file. Only thresholds change, no score does. Rates that are not named stay what they
were asked to be; without any option nothing changes, and what holds is printed.
Images of --data take the place of the held-out ones for all scores: the thresholds of the others change too, for the rates that were
asked of them, and are listed. Test images of the run and anomalous ones are refused.

Examples:
  cavga calibrate runs/toothbrush
  cavga calibrate runs/toothbrush --false-alarms 0.1 --unsure 0.3
  cavga calibrate runs/toothbrush --data more/normal/images --false-alarms 1e-3
  cavga calibrate runs/toothbrush --own-images --strictest --no-unsure
  cavga calibrate runs/weak --own-boundary")]
    Calibrate(crate::calibrate::Calibrate),
    /// Let a model learn further normal images, or forget some, without looking at all the others again
    #[command(after_help = "\
For the methods that keep what they see of images apart: patchcore and padim. patchcore forgets by itself; padim has to see an image once
more to forget it, with the bytes that it learnt. The held-out images are scored again, and thresholds hold the rates of before.
The model file keeps a trail of every image, by name and SHA-256, and of every change; names of forgotten images stay in it.
Ctrl-C, an error and a kill leave the old file whole.

Examples:
  cavga update runs/bottle --add more/normal/images
  cavga update runs/bottle --list
  cavga update runs/bottle --forget train/good/003.png add-1/017.png
  cavga update model.safetensors --add line2 --out larger.safetensors")]
    Update(crate::update::Update),
    /// Measure maps and scores that any program wrote, beside masks
    #[command(after_help = "\
Figures are exact and pooled over all pixels, unless their names end in _mean; in brackets, 95 % intervals over resamples of the images.
docs/metrics.md says what each is, and why other tools differ.

Examples:
  cavga metrics --scores maps/bottle/test --masks mvtec/bottle/ground_truth
  cavga metrics --scores maps --masks masks --image-scores scores.csv --json
  cavga metrics --image-scores runs/toothbrush/scores.csv")]
    Metrics(crate::metrics::Metrics),
    /// Score images: verdict, map, overlay
    Predict(Predict),
    /// Check that a model says the same in every form that it has: prepared or as trained, one image or several, threads, files, devices
    #[command(after_help = "\
Asks about the same images in each form and compares all scores and maps with those of `predict` and `eval`. Fails if one differs by
more than the tolerance, relative to the largest value of a map, or to a score and no less than the spread of normal images';
with --allow-undetermined, only if the model itself does not move as far when each pixel moves by the tolerance.
Where the same instructions do the same sums (threads, files, saving), the same bits are asked for.

Examples:
  cavga verify runs/toothbrush
  cavga verify model.safetensors --data toothbrush/test --images 32")]
    Verify(crate::verify::Verify),
    /// List the methods
    Methods(Methods),
    /// List the pretrained weights and what of them is here, or fetch those of one backbone
    #[command(after_help = "\
Weights are kept in CAVGA_WEIGHTS, else in cavga/weights in the user's cache folder. CAVGA_OFFLINE=1 forbids fetching.")]
    Weights(Weights),
    /// Learn weights that a method can start from
    #[command(subcommand)]
    Pretrain(crate::pretrain::Pretrain),
    /// Look at datasets
    #[command(subcommand)]
    Data(Data),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Demo {
    /// The folder for data and run
    #[arg(long, value_name = "DIR", default_value = "cavga-demo")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) device: Device,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Train {
    /// The method; `cavga methods` lists them
    #[arg(required_unless_present = "resume")]
    pub(crate) method: Option<String>,
    /// The dataset's folder; with --normal, --index or --annotations it may be left out for the current one
    #[arg(long, value_name = "DIR", required_unless_present_any = ["resume", "normal", "index", "annotations"])]
    pub(crate) data: Option<PathBuf>,
    /// The folder of the run
    #[arg(long, value_name = "RUN")]
    pub(crate) out: PathBuf,
    /// Settings as TOML; another run's run.toml makes that run again
    #[arg(long, value_name = "F.toml")]
    pub(crate) config: Option<PathBuf>,
    /// Change one setting, as in train.passes=50; comes after --config
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<String>,
    /// Fixes every random draw; short for --set train.seed=N
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Go on with the run in the folder, with its own method, data and settings
    #[arg(long)]
    pub(crate) resume: bool,
    #[command(flatten)]
    pub(crate) device: Device,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) dataset: Dataset,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Ablate {
    /// The dataset's folder
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The folder of the runs and their table
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Settings of all columns as TOML
    #[arg(long, value_name = "F.toml")]
    pub(crate) config: Option<PathBuf>,
    /// Change one setting of all columns, as in train.passes=50; comes after --config
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<String>,
    /// Fixes every random draw; short for --set train.seed=N
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    pub(crate) seed: Option<u64>,
    /// Run every column under each of these seeds: mean and standard deviation over those that are done
    #[arg(long, value_name = "N,N,...", value_delimiter = ',')]
    pub(crate) seeds: Vec<u64>,
    /// Run these columns alone, by name or number: 4,8 for all of CAVGA, unsupervised and weakly supervised; those
    /// measured before stay in the table
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// r: CAVGA-R, as in the paper; d: CAVGA-D
    #[arg(long, value_name = "PARTS", default_value = "r")]
    pub(crate) parts: Parts,
    #[command(flatten)]
    pub(crate) device: Device,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) dataset: Dataset,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Eval {
    /// The folder of the run
    pub(crate) run: PathBuf,
    /// The dataset's folder; without it, the one that the run was trained on
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The map to draw and headline, as in residual; without it, the method's own
    #[arg(long, value_name = "NAME")]
    pub(crate) map: Option<String>,
    /// Write no maps and overlays of the test images
    #[arg(long)]
    pub(crate) no_maps: bool,
    /// Resamples of the test images that the 95 % intervals are made of; 0 for no intervals
    #[arg(long, value_name = "N", default_value_t = cavga::RESAMPLES, value_parser = crate::metrics::resamples)]
    pub(crate) resamples: usize,
    #[command(flatten)]
    pub(crate) device: Device,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) dataset: Dataset,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Predict {
    /// The folder of a run, or a model file
    pub(crate) model: PathBuf,
    /// Images, or folders of images
    #[arg(required = true)]
    pub(crate) images: Vec<PathBuf>,
    /// Write each image's map (.npy) and overlay (.overlay.png) into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// The map to write, as in residual; without it, the method's own
    #[arg(long, value_name = "NAME")]
    pub(crate) map: Option<String>,
    /// Refuse images of more pixels than this
    #[arg(long, value_name = "N", default_value_t = cavga::data::Limits::default().max_pixels)]
    pub(crate) max_pixels: u64,
    #[command(flatten)]
    pub(crate) device: Device,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Methods {
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Weights {
    /// The backbone whose weights to fetch, unless they are here; without it, list all
    pub(crate) backbone: Option<String>,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Data {
    /// Find everything that is wrong with a dataset, file by file
    Check(Check),
    /// Write a page to look a dataset over before training: pictures, spreads, duplicates, outliers
    #[command(after_help = "\
Statistics are of all images, pictures of some of each kind. The page opens from disk with nothing else, and may be handed on as
one file: it holds small copies of the images. Images that cannot be read are listed; the exit code is 0 all the same.

Example:
  cavga data preview bottle --out bottle.html")]
    Preview(Preview),
    /// Take every fifth frame out of ShanghaiTech Campus's training videos, with the `ffmpeg` on the PATH
    Frames(Frames),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Frames {
    /// The dataset's folder, with training/videos
    pub(crate) data: PathBuf,
    /// Where training/frames goes; without it, into the dataset's folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// The videos of this scene alone, as in 01
    #[arg(long, value_name = "SCENE")]
    pub(crate) category: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Check {
    /// Call images of more pixels than this too large
    #[arg(long, value_name = "N", default_value_t = cavga::data::Limits::default().max_pixels)]
    pub(crate) max_pixels: u64,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) root: Root,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Preview {
    /// The page to be written
    #[arg(long, value_name = "FILE.html", default_value = "sheet.html")]
    pub(crate) out: PathBuf,
    /// Picture at most so many images of each kind in each split
    #[arg(long, value_name = "N", default_value_t = cavga::preview::PreviewOptions::default().per_kind)]
    pub(crate) per_kind: usize,
    /// Fixes which images are pictured
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Call images of more pixels than this too large
    #[arg(long, value_name = "N", default_value_t = cavga::data::Limits::default().max_pixels)]
    pub(crate) max_pixels: u64,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) root: Root,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Device {
    /// cpu, or wgpu, vulkan, metal, cuda, rocm where this program was built with them; wgpu:1 for the second
    ///
    /// Without it: cpu; `train --resume`: the device that the run is on
    #[arg(long, value_name = "DEVICE", verbatim_doc_comment)]
    pub(crate) device: Option<String>,
}

impl Device {
    /// The device asked for, as in `cpu` or `wgpu:1`.
    pub(crate) fn name(&self) -> &str {
        self.device.as_deref().unwrap_or("cpu")
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Json {
    /// Print results as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
