//! Private names: `__x` in class `C` is `_C__x`.

use ruff_python_ast::name::Name;

use super::Scope;

/// The name that is used in place of `name` in a class.
pub(crate) fn mangle(class: Option<&Name>, name: &Name) -> Name {
    let Some(class) = class else {
        return name.clone();
    };
    if !name.starts_with("__") || name.ends_with("__") || name.contains('.') {
        return name.clone();
    }
    match class.trim_start_matches('_') {
        "" => name.clone(),
        class => Name::concat(&["_", class, name]),
    }
}

impl Scope {
    /// [`mangle`], except where only type parameters are mangled.
    pub(crate) fn mangle(&self, class: Option<&Name>, name: &Name) -> Name {
        match &self.mangled_names {
            Some(names) if !names.contains(name) => name.clone(),
            _ => mangle(class, name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_private_names_in_a_class_are_mangled() {
        let class = Name::new_static("_C");
        for (name, mangled) in [("__x", "_C__x"), ("__x__", "__x__"), ("_x", "_x"), ("__a.b", "__a.b"), ("__", "__")] {
            assert_eq!(mangle(Some(&class), &Name::new_static(name)).as_str(), mangled);
        }
        assert_eq!(mangle(Some(&Name::new_static("__")), &Name::new_static("__x")).as_str(), "__x");
        assert_eq!(mangle(None, &Name::new_static("__x")).as_str(), "__x");
    }
}
