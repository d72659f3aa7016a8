//! Templates: options under a name, which circuits and other templates extend.

use std::collections::BTreeMap;

use breaker_options::hint;

use crate::draft::{At, Word};

/// An option and its value.
pub(crate) type Stated = (Word, Word);

/// More templates above each other are a mistake, and would take long to follow.
const DEEPEST: usize = 16;

/// The templates of a file.
#[derive(Debug, Default)]
pub(crate) struct Templates(BTreeMap<String, Template>);

#[derive(Debug)]
struct Template {
    extends: Option<Word>,
    stated: Vec<Stated>,
}

impl Templates {
    pub(crate) fn add(&mut self, name: &str, extends: Option<Word>, stated: Vec<Stated>) {
        self.0.insert(name.to_owned(), Template { extends, stated });
    }

    /// What is wrong with the templates that templates extend.
    pub(crate) fn problems(&self) -> Vec<(At, String)> {
        let mut problems = Vec::new();
        for (name, template) in &self.0 {
            let Some(extends) = &template.extends else { continue };
            if let Err(message) = self.line(name) {
                problems.push((extends.at.clone(), message));
            } else if let Some(message) = self.unknown(&extends.text) {
                problems.push((extends.at.clone(), message));
            }
        }
        problems
    }

    /// What a circuit gets from a template: its own options, and those of the templates above it that it does not state.
    ///
    /// # Errors
    ///
    /// What is wrong at the circuit; `None` where it is wrong in the templates.
    pub(crate) fn options_of(&self, template: &Word) -> Result<Vec<Stated>, Option<String>> {
        if let Some(message) = self.unknown(&template.text) {
            return Err(Some(message));
        }
        let line = self.line(&template.text).map_err(|_| None)?;
        let mut options: Vec<Stated> = Vec::new();
        for (option, value) in line.iter().flat_map(|template| &template.stated) {
            if options.iter().all(|(known, _)| known.text != option.text) {
                options.push((option.clone(), value.clone()));
            }
        }
        Ok(options)
    }

    /// The template and those above it.
    fn line<'a>(&'a self, name: &'a str) -> Result<Vec<&'a Template>, String> {
        let mut names = Vec::new();
        let mut line = Vec::new();
        let mut next = Some(name);
        while let Some((name, template)) = next.and_then(|name| Some((name, self.0.get(name)?))) {
            if names.contains(&name) {
                names.push(name);
                let way = names.join(" -> ");
                return Err(format!("template `{}` extends itself: {way}", names[0]));
            }
            if line.len() == DEEPEST {
                return Err(format!("more than {DEEPEST} templates extend each other"));
            }
            names.push(name);
            line.push(template);
            next = template.extends.as_ref().map(|extends| extends.text.as_str());
        }
        Ok(line)
    }

    fn unknown(&self, name: &str) -> Option<String> {
        if self.0.contains_key(name) {
            return None;
        }
        let hint = if self.0.is_empty() {
            "; the file has no `[templates.NAME]`".to_owned()
        } else {
            hint(name, self.0.keys().map(String::as_str))
        };
        Some(format!("unknown template `{name}`{hint}"))
    }
}
