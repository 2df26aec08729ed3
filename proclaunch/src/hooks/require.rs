//! `require`: modules from the profile's directory, `.hooks/` and `--hooks DIR`, in this order, and from nowhere else.
//!
//! **Invariant:** the kernel resolves a name beneath its directory (`openat2(2)`, `RESOLVE_BENEATH`): neither `..` nor
//! a symbolic link leads out.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;

use mlua::chunk::ChunkMode;
use mlua::{Error, Function, Lua, MultiValue, Table, Value};
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

use super::api::arguments::Arguments;
use super::context::Context;
use super::source;

/// The most modules that one VM loads.
const MODULES_MAX: usize = 64;

/// How deep modules may require each other. Every level counts against `budget::AGAIN`.
const NESTED_MAX: usize = 8;

#[derive(Default)]
struct Modules {
    loaded: BTreeMap<String, Value>,
    /// Those that are being loaded, the outermost first.
    loading: Vec<String>,
}

/// The function for one VM.
pub(super) fn function(lua: &Lua, context: &Rc<Context>, globals: &Table) -> mlua::Result<Function> {
    let (context, globals) = (Rc::clone(context), globals.clone());
    let modules = Rc::new(RefCell::new(Modules::default()));
    lua.create_async_function(move |lua: Lua, values: MultiValue| {
        let (context, modules, globals) = (Rc::clone(&context), Rc::clone(&modules), globals.clone());
        async move {
            let name = Arguments::new("require", values).text("name")?;
            if let Some(value) = modules.borrow().loaded.get(&name) {
                return Ok(value.clone());
            }
            let _loading = Loading::begin(&modules, &name)?;
            let value = load(&lua, &context, globals, &name).await?;
            let value = if value.is_nil() { Value::Boolean(true) } else { value };
            modules.borrow_mut().loaded.insert(name, value.clone());
            Ok(value)
        }
    })
}

/// That a module is being loaded; over when dropped, also where the call is.
struct Loading(Rc<RefCell<Modules>>);

impl Loading {
    fn begin(modules: &Rc<RefCell<Modules>>, name: &str) -> mlua::Result<Self> {
        let mut state = modules.borrow_mut();
        if let Some(at) = state.loading.iter().position(|loading| loading == name) {
            let chain = state.loading[at..].join(" requires ");
            return Err(Error::runtime(format!("require: a circle of modules: {chain} requires {name}")));
        }
        if state.loaded.len() + state.loading.len() >= MODULES_MAX {
            return Err(Error::runtime(format!("require: more than {MODULES_MAX} modules")));
        }
        if state.loading.len() >= NESTED_MAX {
            return Err(Error::runtime(format!("require: modules are nested more than {NESTED_MAX} deep")));
        }
        state.loading.push(name.to_owned());
        Ok(Self(Rc::clone(modules)))
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        self.0.borrow_mut().loading.pop();
    }
}

async fn load(lua: &Lua, context: &Context, globals: Table, name: &str) -> mlua::Result<Value> {
    if !is_legal(name) {
        return Err(Error::runtime(format!(
            "require: `{name}` is no module name: use letters, digits, `_`, `.`, `-` and `/`, and no `..`"
        )));
    }
    for directory in context.modules() {
        for file in candidates(name) {
            let shown = source::shown(&directory.join(&file));
            let text = match read(directory, &file) {
                Ok(text) => text,
                Err(Unread::Absent) => continue,
                Err(Unread::Wrong(why)) => return Err(Error::runtime(format!("require: {shown} {why}"))),
            };
            let text =
                source::checked(&text).map_err(|why| Error::runtime(format!("require: {shown} {why}")))?;
            let chunk = lua.load(text).set_name(format!("@{shown}")).set_mode(ChunkMode::Text);
            return chunk.set_environment(globals).call_async(()).await;
        }
    }
    let places: Vec<String> = context.modules().iter().map(|place| place.display().to_string()).collect();
    Err(Error::runtime(format!("require: there is no module `{name}` in {}", places.join(", "))))
}

fn is_legal(name: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part != "." && part != "..";
    name.len() <= 128
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./-".contains(&byte))
        && name.split('/').all(is_part)
        && !name.contains("..")
}

/// The files that a name can mean: `lib/http` and `lib.http` are both `lib/http.lua`.
fn candidates(name: &str) -> Vec<String> {
    let mut files = vec![format!("{name}.lua")];
    if name.contains('.') && !name.contains('/') && !name.starts_with('.') {
        files.push(format!("{}.lua", name.replace('.', "/")));
    }
    files
}

enum Unread {
    Absent,
    Wrong(String),
}

fn read(directory: &Path, file: &str) -> Result<Vec<u8>, Unread> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    let wrong = |why: Errno| Unread::Wrong(format!("cannot be read: {}", why.desc()));
    let root =
        match nix::fcntl::open(directory, OFlag::O_PATH | OFlag::O_CLOEXEC, nix::sys::stat::Mode::empty()) {
            Ok(root) => root,
            Err(Errno::ENOENT | Errno::ENOTDIR) => return Err(Unread::Absent),
            Err(why) => return Err(wrong(why)),
        };
    let how = OpenHow::new()
        .flags(flags)
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    let opened = match openat2(&root, file, how) {
        Ok(opened) => File::from(opened),
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Err(Unread::Absent),
        Err(Errno::EXDEV) => return Err(Unread::Wrong("leads out of its directory".to_owned())),
        Err(why) => return Err(wrong(why)),
    };
    let io = |why: std::io::Error| Unread::Wrong(format!("cannot be read: {why}"));
    if !opened.metadata().map_err(io)?.is_file() {
        return Err(Unread::Wrong("is no regular file".to_owned()));
    }
    let mut text = Vec::new();
    let most = u64::try_from(source::LONGEST).unwrap_or(u64::MAX).saturating_add(1);
    opened.take(most).read_to_end(&mut text).map_err(io)?;
    Ok(text)
}
