//! What a person has chosen: model, shape and size of pictures, photo or file, language.

use proto_events::Text;
use proto_events::catalog::{Catalog, Model};
use proto_events::commands::{ProfileUpdate, Setting};
use proto_events::events::GenerationKind;
use proto_events::queries::Settings;

use super::callback::Choice;
use super::request::picture_price;
use super::{Halt, Known, Press, Talk};
use crate::outbound::{Button, Markup};
use crate::texts::{Lang, Say};

/// Buttons of shapes beside each other.
const ROW: usize = 4;

/// The model that draws with these settings.
fn drawing<'a>(catalog: &'a Catalog, settings: &Settings) -> Option<&'a Model> {
    let chosen =
        settings.model.as_deref().and_then(|name| catalog.model(GenerationKind::Picture, Some(name)));
    chosen.or_else(|| catalog.model(GenerationKind::Picture, None)).map(|(model, _)| model)
}

/// "gemini-nano-banana-2.1" → "Nano Banana 2.1".
fn model_name(model: &str) -> String {
    let words = model.strip_prefix("gemini-").unwrap_or(model).split('-');
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>())
    };
    words.filter_map(capital).collect::<Vec<_>>().join(" ")
}

impl Talk {
    pub(super) async fn settings(&self, known: &Known, message: Option<i64>) -> Result<(), Halt> {
        let catalog = self.desk.catalog().await?;
        let settings = &known.settings;
        let model = drawing(&catalog, settings);
        let auto = self.texts.label(known.lang, Say::RatioAuto);
        let sizes = model.map(|model| model.sizes.as_slice()).unwrap_or_default();
        let chosen =
            settings.size.as_deref().filter(|size| sizes.iter().any(|known| known.size.as_str() == *size));
        let size = chosen.or_else(|| sizes.first().map(|size| size.size.as_str())).unwrap_or("–").to_owned();
        let ratio = settings.aspect_ratio.as_deref();
        let ratio = ratio.filter(|ratio| {
            model.is_some_and(|model| model.aspect_ratios.iter().any(|r| r.as_str() == *ratio))
        });
        let (ratio, name) =
            (ratio.unwrap_or(&auto), model.map_or_else(String::new, |model| model_name(&model.name)));
        let price = picture_price(&catalog, settings).unwrap_or_default();
        let (file, language) = (settings.as_file, known.lang);
        let say = Say::Settings { model: &name, ratio, size: &size, file, language, price };
        let text = self.texts.say(known.lang, say);
        let button = |say, press| self.tap_button(known, say, &press);
        let rows = [
            vec![button(Say::ButtonModel { model: &name }, Press::Choose(Choice::Model))],
            vec![
                button(Say::ButtonRatio { ratio }, Press::Choose(Choice::Ratio)),
                button(Say::ButtonSize { size: &size }, Press::Choose(Choice::Size)),
            ],
            vec![
                button(Say::ButtonAsFile { file }, Press::Set(Setting::AsFile(!file))),
                button(Say::ButtonLanguage { language }, Press::Choose(Choice::Language)),
            ],
            vec![button(Say::ButtonMenu, Press::Menu)],
        ];
        let rows = rows.into_iter().map(|row| row.into_iter().flatten().collect()).collect();
        self.show(known, message, &text, &Markup::Rows(rows)).await;
        Ok(())
    }

    /// One choice, in the place of the settings.
    pub(super) async fn choose(&self, known: &Known, choice: Choice, message: i64) -> Result<(), Halt> {
        let catalog = self.desk.catalog().await?;
        let (say, mut rows) = match choice {
            Choice::Model => (Say::SettingsModel, self.models(known, &catalog)),
            Choice::Ratio => (Say::SettingsRatio, self.ratios(known, &catalog)),
            Choice::Size => (Say::SettingsSize, self.sizes(known, &catalog)),
            Choice::Language => (Say::SettingsLanguage, self.languages(known)),
        };
        rows.extend(self.tap_button(known, Say::ButtonBack, &Press::Settings).map(|back| vec![back]));
        let text = self.texts.say(known.lang, say);
        self.show(known, Some(message), &text, &Markup::Rows(rows)).await;
        Ok(())
    }

    fn models(&self, known: &Known, catalog: &Catalog) -> Vec<Vec<Button>> {
        let now = drawing(catalog, &known.settings).map(|model| &model.name);
        let drawing =
            catalog.models.iter().filter(|m| m.kinds.iter().any(|k| k.kind == GenerationKind::Picture));
        let rows = drawing.filter_map(|model| {
            let name = model_name(&model.name);
            let with = Settings { model: Some(model.name.clone()), ..known.settings.clone() };
            let (price, chosen) = (picture_price(catalog, &with)?, now == Some(&model.name));
            let press = Press::Set(Setting::Model(Some(model.name.clone())));
            let say = Say::ButtonOptionPriced { name: &name, price, chosen };
            self.tap_button(known, say, &press).map(|button| vec![button])
        });
        rows.collect()
    }

    fn ratios(&self, known: &Known, catalog: &Catalog) -> Vec<Vec<Button>> {
        let Some(model) = drawing(catalog, &known.settings) else { return Vec::new() };
        let now = known.settings.aspect_ratio.as_ref().filter(|now| model.aspect_ratios.contains(now));
        let auto = self.texts.label(known.lang, Say::RatioAuto);
        let say = Say::ButtonOption { name: &auto, chosen: now.is_none() };
        let first = self.tap_button(known, say, &Press::Set(Setting::AspectRatio(None)));
        let buttons: Vec<Button> = model
            .aspect_ratios
            .iter()
            .filter_map(|ratio| {
                let say = Say::ButtonOption { name: ratio, chosen: now == Some(ratio) };
                self.tap_button(known, say, &Press::Set(Setting::AspectRatio(Some(ratio.clone()))))
            })
            .collect();
        let first = first.map(|auto| vec![auto]);
        first.into_iter().chain(buttons.chunks(ROW).map(<[_]>::to_vec)).collect()
    }

    fn sizes(&self, known: &Known, catalog: &Catalog) -> Vec<Vec<Button>> {
        let Some(model) = drawing(catalog, &known.settings) else { return Vec::new() };
        let now = known.settings.size.as_ref().or_else(|| model.sizes.first().map(|size| &size.size));
        let rows = model.sizes.iter().filter_map(|size| {
            let with = Settings { size: Some(size.size.clone()), ..known.settings.clone() };
            let (name, chosen) = (size.size.as_str(), now == Some(&size.size));
            let say = Say::ButtonOptionPriced { name, price: picture_price(catalog, &with)?, chosen };
            let press = Press::Set(Setting::Size(Some(size.size.clone())));
            self.tap_button(known, say, &press).map(|button| vec![button])
        });
        rows.collect()
    }

    fn languages(&self, known: &Known) -> Vec<Vec<Button>> {
        let button =
            |language| self.tap_button(known, Say::ButtonLanguage { language }, &Press::Speak(language));
        Lang::ALL.into_iter().filter_map(button).map(|button| vec![button]).collect()
    }

    /// Only what the catalog has is kept.
    pub(super) async fn set(&self, known: &Known, setting: Setting, message: i64) -> Result<(), Halt> {
        let catalog = self.desk.catalog().await?;
        let model = drawing(&catalog, &known.settings);
        let there = match &setting {
            Setting::Model(Some(name)) => catalog.model(GenerationKind::Picture, Some(name)).is_some(),
            Setting::AspectRatio(Some(ratio)) => {
                model.is_some_and(|model| model.aspect_ratios.contains(ratio))
            }
            Setting::Size(Some(size)) => {
                model.is_some_and(|model| model.sizes.iter().any(|s| s.size == *size))
            }
            Setting::Model(None) | Setting::AspectRatio(None) | Setting::Size(None) | Setting::AsFile(_) => {
                true
            }
        };
        let mut known = known.clone();
        if there {
            let update = ProfileUpdate { setting: Some(setting.clone()), ..ProfileUpdate::default() };
            self.desk.update_profile(known.user, update).await?;
            let settings = &mut known.settings;
            match setting {
                Setting::Model(model) => settings.model = model,
                Setting::AspectRatio(ratio) => settings.aspect_ratio = ratio,
                Setting::Size(size) => settings.size = size,
                Setting::AsFile(file) => settings.as_file = file,
            }
        }
        self.settings(&known, Some(message)).await
    }

    pub(super) async fn speak(&self, known: &Known, lang: Lang, message: i64) -> Result<(), Halt> {
        let language = Some(Text::lossy(lang.code()));
        self.desk.update_profile(known.user, ProfileUpdate { language, ..ProfileUpdate::default() }).await?;
        self.settings(&Known { lang, ..known.clone() }, Some(message)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_name_is_written_for_people() {
        assert_eq!(model_name("gemini-nano-banana-2.1"), "Nano Banana 2.1");
        assert_eq!(model_name("imagen-4.0-generate-001"), "Imagen 4.0 Generate 001");
    }
}
