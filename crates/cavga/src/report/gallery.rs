//! Rows of example images: input, truth, map, overlay, each with a caption, and the scale of the maps' colours.

use super::text::{data_address, escape, number, paragraph};
use super::{Gallery, HeatScale, Item};
use crate::picture::inferno;

/// Which pictures the report has: every gallery of it gets the same columns.
#[derive(Clone, Copy)]
struct Columns {
    truth: bool,
    map: bool,
    overlay: bool,
}

/// All galleries that have an item, below the scale of their colours; empty where none has.
pub(super) fn render(galleries: &[Gallery], heat: Option<&HeatScale>) -> String {
    let panels = || {
        galleries
            .iter()
            .flat_map(|gallery| &gallery.items)
            .map(|item| &item.panels)
    };
    let columns = Columns {
        truth: panels().any(|panels| panels.truth.is_some()),
        map: panels().any(|panels| panels.map.is_some()),
        overlay: panels().any(|panels| panels.overlay.is_some()),
    };
    let shown: String = galleries
        .iter()
        .filter(|gallery| !gallery.items.is_empty())
        .map(|gallery| {
            let items: String = gallery
                .items
                .iter()
                .map(|shown| item(shown, columns))
                .collect();
            let note = paragraph("note", &gallery.note);
            format!(
                "<div class=\"group\"><h3>{}</h3>{note}{items}</div>\n",
                escape(&gallery.title)
            )
        })
        .collect();
    if shown.is_empty() {
        return shown;
    }
    let legend = heat
        .filter(|_| columns.map || columns.overlay)
        .map(legend)
        .unwrap_or_default();
    format!("<section><h2>Images</h2>{legend}{shown}</section>\n")
}

fn item(item: &Item, columns: Columns) -> String {
    let id = escape(&item.id);
    let missing = if item.anomalous {
        "no mask"
    } else {
        "normal: nothing to outline"
    };
    let mut pictures = panel("input", &id, Some(&item.panels.input), "");
    for (shown, name, picture, missing) in [
        (columns.truth, "truth", &item.panels.truth, missing),
        (columns.map, "map", &item.panels.map, "no map"),
        (columns.overlay, "overlay", &item.panels.overlay, "no map"),
    ] {
        if shown {
            pictures += &panel(name, &id, picture.as_deref(), missing);
        }
    }
    let truth = if item.anomalous {
        "anomalous"
    } else {
        "normal"
    };
    format!(
        "<article class=\"item\"><header><bdi class=\"id\">{id}</bdi><dl>\
         <div><dt>in truth</dt><dd class=\"{truth}\">{truth}<small><bdi>{}</bdi></small></dd></div>\
         <div><dt>verdict</dt><dd>{}</dd></div><div><dt>score</dt><dd>{}</dd></div></dl></header>\
         <div class=\"panels\">{pictures}</div></article>\n",
        escape(&item.kind),
        escape(&item.verdict),
        number(item.score)
    )
}

fn panel(name: &str, id: &str, png: Option<&[u8]>, missing: &str) -> String {
    let picture = match png {
        Some(png) if !png.is_empty() => {
            format!("<img alt=\"{name} of {id}\" src=\"{}\">", data_address(png))
        }
        _ => format!("<span class=\"missing\">{missing}</span>"),
    };
    format!("<figure>{picture}<figcaption>{name}</figcaption></figure>")
}

/// The colours from the lowest to the highest value.
fn legend(heat: &HeatScale) -> String {
    let stops: Vec<_> = (0..=12)
        .map(|step| {
            let [r, g, b] = inferno(step as f32 / 12.0).0;
            format!("rgb({r} {g} {b})")
        })
        .collect();
    format!(
        "<div class=\"heat\"><span>{}</span><i style=\"background:linear-gradient(90deg,{})\"></i><span>{}</span>{}</div>\n",
        number(f64::from(heat.low)),
        stops.join(","),
        number(f64::from(heat.high)),
        paragraph("note", &heat.what)
    )
}
