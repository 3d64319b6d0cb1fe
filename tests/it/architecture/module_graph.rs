//! Reads a crate's sources and builds the graph of which file uses which.
//!
//! Every path is read: in `use` items, in expressions, types and attributes, and in the tokens of macros. A path is
//! followed through imports and re-exports to the file that defines the item, so a facade hides nothing. Modules under
//! `#[cfg(test)]` are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path as FilePath;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, File, Item, ItemUse, UseTree};

/// The files that each file uses. Files are identified by module paths such as `commit::open`.
pub type Graph = BTreeMap<String, BTreeSet<String>>;

/// One module: a file, or a `mod` with a body inside one.
#[derive(Default)]
struct Module {
    /// Module path of the file that contains the module.
    file: Vec<String>,
    /// Names that the module imports or re-exports, each with the path as written.
    imports: BTreeMap<String, Vec<String>>,
    /// Paths that the module imports with `*`.
    globs: Vec<Vec<String>>,
    /// Names of the items that the module defines.
    items: BTreeSet<String>,
    /// Every path in the module, as written.
    paths: Vec<Vec<String>>,
}

/// Modules by their path from the crate root.
type Modules = BTreeMap<Vec<String>, Module>;

/// Reads the sources of a crate below `source`, and returns which file uses which.
pub fn module_graph(source: &FilePath) -> Graph {
    let mut modules = Modules::new();
    for file in rust_files(source) {
        let text = std::fs::read_to_string(&file).unwrap();
        let parsed =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let path = module_path(file.strip_prefix(source).unwrap());
        read_file(&parsed, &path, &mut modules);
    }
    let tests = test_modules(&modules);
    let mut graph = Graph::new();
    for (path, module) in &modules {
        if is_below(path, &tests) {
            continue;
        }
        let uses = graph.entry(module.file.join("::")).or_default();
        for mentioned in &module.paths {
            let Some(defined) = definition(&modules, path, mentioned, 0) else {
                continue;
            };
            if defined != module.file && !is_below(&defined, &tests) {
                uses.insert(defined.join("::"));
            }
        }
    }
    graph
}

/// Returns the circles of a graph, largest first: sets of files in which each file reaches all others.
pub fn circles(graph: &Graph) -> Vec<BTreeSet<String>> {
    let reach: BTreeMap<&String, BTreeSet<String>> = graph
        .keys()
        .map(|file| (file, reachable(graph, file)))
        .collect();
    let mut seen = BTreeSet::new();
    let mut circles = Vec::new();
    for (file, reached) in &reach {
        if seen.contains(*file) || !reached.contains(*file) {
            continue;
        }
        let circle: BTreeSet<String> = reached
            .iter()
            .filter(|other| reach.get(other).is_some_and(|back| back.contains(*file)))
            .cloned()
            .collect();
        seen.extend(circle.iter().cloned());
        circles.push(circle);
    }
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    circles
}

/// Returns every file that `from` uses, directly or through other files.
pub fn reachable(graph: &Graph, from: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![from.to_owned()];
    while let Some(file) = waiting.pop() {
        for used in graph.get(&file).into_iter().flatten() {
            if reached.insert(used.clone()) {
                waiting.push(used.clone());
            }
        }
    }
    reached
}

pub fn rust_files(folder: &FilePath) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Returns the module path of a file: `commit/open.rs` is `commit::open`, `commit/mod.rs` is `commit`.
fn module_path(file: &FilePath) -> Vec<String> {
    let mut path: Vec<String> = file
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if path
        .last()
        .is_some_and(|last| last == "mod" || path == ["lib"])
    {
        path.pop();
    }
    path
}

fn read_file(parsed: &File, path: &[String], modules: &mut Modules) {
    let mut reader = Reader {
        modules,
        file: path.to_vec(),
        module: path.to_vec(),
    };
    reader.modules.insert(path.to_vec(), Module::of(path));
    reader.visit_file(parsed);
}

impl Module {
    fn of(file: &[String]) -> Self {
        Self {
            file: file.to_vec(),
            ..Self::default()
        }
    }
}

/// Prefix of a module's name in its parent's list of items, if the module exists in tests only.
const TEST_MARK: &str = "#test ";

/// Visitor that collects the names and paths of one file.
struct Reader<'a> {
    modules: &'a mut Modules,
    file: Vec<String>,
    module: Vec<String>,
}

impl Reader<'_> {
    fn current(&mut self) -> &mut Module {
        self.modules
            .get_mut(&self.module)
            .expect("it was inserted when it was entered")
    }

    fn import(&mut self, prefix: &[String], tree: &UseTree) {
        let mut path = prefix.to_vec();
        match tree {
            UseTree::Path(inner) => {
                path.push(inner.ident.to_string());
                self.import(&path, &inner.tree);
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(&path, tree)),
            UseTree::Glob(_) => {
                let module = self.current();
                module.globs.push(path.clone());
                module.paths.push(path);
            }
            UseTree::Name(name) if name.ident == "self" => self.bind(path.last().cloned(), path),
            UseTree::Name(name) => {
                path.push(name.ident.to_string());
                self.bind(Some(name.ident.to_string()), path);
            }
            UseTree::Rename(renamed) => {
                path.push(renamed.ident.to_string());
                self.bind(Some(renamed.rename.to_string()), path);
            }
        }
    }

    fn bind(&mut self, name: Option<String>, path: Vec<String>) {
        let module = self.current();
        module.paths.push(path.clone());
        if let Some(name) = name {
            module.imports.insert(name, path);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if let Some(name) = name_of(item) {
            self.current().items.insert(name);
        }
        let (Item::Mod(module), attributes) = (item, attributes(item)) else {
            if !is_test(attributes(item)) {
                visit::visit_item(self, item);
            }
            return;
        };
        if is_test(attributes) {
            self.current()
                .items
                .insert(format!("{TEST_MARK}{}", module.ident));
            return;
        }
        let Some((_, items)) = &module.content else {
            return;
        };
        let outer = self.module.clone();
        self.module.push(module.ident.to_string());
        self.modules
            .insert(self.module.clone(), Module::of(&self.file));
        for item in items {
            self.visit_item(item);
        }
        self.module = outer;
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.import(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        let segments = segments.collect();
        self.current().paths.push(segments);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let mut paths = Vec::new();
        paths_in_tokens(call.tokens.clone(), &mut paths);
        self.current().paths.extend(paths);
        visit::visit_macro(self, call);
    }
}

/// Collects paths `a::b::c` from the tokens of a macro call, which need not be valid Rust.
fn paths_in_tokens(tokens: TokenStream, paths: &mut Vec<Vec<String>>) {
    let mut path: Vec<String> = Vec::new();
    let mut colons = 0;
    for token in tokens {
        match token {
            TokenTree::Ident(name) => {
                if colons != 2 {
                    paths.push(std::mem::take(&mut path));
                }
                path.push(name.to_string());
                colons = 0;
            }
            TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
            TokenTree::Group(group) => {
                colons = 0;
                paths_in_tokens(group.stream(), paths);
            }
            _ => colons = 0,
        }
    }
    paths.push(path);
    paths.retain(|path| !path.is_empty());
}

/// Returns the file that defines the item at a path, as a module sees it; `None` for local names and those of other
/// crates.
fn definition(
    modules: &Modules,
    from: &[String],
    path: &[String],
    depth: usize,
) -> Option<Vec<String>> {
    // Through a glob, a re-export can refer to itself. The limit ends such a recursion.
    if depth > 16 {
        return None;
    }
    let (first, rest) = path.split_first()?;
    let (mut at, mut rest) = match first.as_str() {
        "crate" => (Vec::new(), rest),
        "self" => (from.to_vec(), rest),
        "super" => {
            let mut at = from.to_vec();
            at.pop();
            (at, rest)
        }
        _ => {
            let here = &modules[from];
            if let Some(target) = here.imports.get(first) {
                // If the import path begins with the name itself, as in `use bytes::Bytes`, the name is that of another
                // crate.
                if target.first() == Some(first) && target.len() == 1 {
                    return None;
                }
                let whole: Vec<String> = target.iter().chain(rest).cloned().collect();
                return definition(modules, from, &whole, depth + 1);
            }
            let mut child = from.to_vec();
            child.push(first.clone());
            if modules.contains_key(&child) {
                (child, rest)
            } else {
                return None;
            }
        }
    };
    while let Some((name, after)) = rest.split_first() {
        if name == "super" {
            at.pop();
            rest = after;
            continue;
        }
        let mut child = at.clone();
        child.push(name.clone());
        if modules.contains_key(&child) {
            at = child;
            rest = after;
            continue;
        }
        let module = modules.get(&at)?;
        if module.items.contains(name) {
            return Some(module.file.clone());
        }
        if let Some(target) = module.imports.get(name) {
            let whole: Vec<String> = target.iter().chain(after).cloned().collect();
            return definition(modules, &at, &whole, depth + 1);
        }
        let found = module.globs.iter().find_map(|glob| {
            let whole: Vec<String> = glob.iter().chain(rest).cloned().collect();
            definition(modules, &at, &whole, depth + 1)
        });
        return found;
    }
    // The path names a module. Paths that use an item of the module are seen at their own place.
    None
}

fn test_modules(modules: &Modules) -> Vec<Vec<String>> {
    let marked = modules.iter().flat_map(|(path, module)| {
        let names = module
            .items
            .iter()
            .filter_map(|item| item.strip_prefix(TEST_MARK));
        names.map(|name| path.iter().cloned().chain([name.to_owned()]).collect())
    });
    marked.collect()
}

fn is_below(path: &[String], roots: &[Vec<String>]) -> bool {
    roots.iter().any(|root| path.starts_with(root))
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let mut found = false;
        if attribute.path().is_ident("cfg") {
            let _ = attribute.parse_nested_meta(|meta| {
                found |= meta.path.is_ident("test");
                Ok(())
            });
        }
        found
    })
}

fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}
