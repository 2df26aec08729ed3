---@meta
-- Made from the program by its tests (UPDATE=1); do not edit.

---A test: a name that says what must be so, and a function that runs in a fresh world. Since 2.0.
---@param name string
---@param body fun()
function test(name, body) end

world = {}

---Lets so much time pass, and everything happen that is due in it. Since 2.0.
---@param seconds number
function world.advance(seconds) end

---Lets time pass until the clock shows "HH:MM" for the next time. Since 2.0.
---@param time string
function world.advance_to(time) end

---The main process ends now, by itself: with an exit code (0), by a signal, with a core dumped, or killed by the kernel for want of memory. Since 2.0.
---@param how { code: number?, signal: string?, core: boolean?, oom: boolean? }?
function world.exits(how) end

---Every process, the one that runs among them, ends by itself when it has run for so long; with nil, none does any more. Since 2.0.
---@param seconds number?
---@param how { code: number?, signal: string?, core: boolean?, oom: boolean? }?
function world.runs_for(seconds, how) end

---No process can be started from now on: `run` cannot be executed, with an errno such as "EACCES" (ENOENT). With false, processes can be started again. Since 2.0.
---@param errno (string | boolean)?
function world.start_fails(errno) end

---Processes do not mind these signals; what was said before is forgotten. Without it, HUP, USR1, USR2 and WINCH are taken and do nothing, and every other signal ends a process at once. Since 2.0.
---@param signal string
---@param ... string
function world.ignores(signal, ...) end

---How much memory the main process has in RAM: 10 MB unless said. Since 2.0.
---@param bytes number
function world.rss(bytes) end

---How much of one processor the main process uses from now on: 0 unless said. Since 2.0.
---@param percent number
function world.cpu(percent) end

---How many descriptors the main process has open: 4 unless said. Since 2.0.
---@param count number
function world.fds(count) end

---How many threads the main process has: 1 unless said. Since 2.0.
---@param count number
function world.threads(count) end

---What runs below the main process, in place of what did: none unless said. A signal that ends processes takes a child away. Since 2.0.
---@param children { pid: number?, age: number?, rss: number?, cmd: string? }[]
function world.children(children) end

---What a request to a path such as "/healthz", or to a whole address, is answered: a status, { status =, body =, headers =, takes = }, false for a refused connection, or a function of { method, url, path, body, headers } that returns one of these. Without it, connections are refused. Since 2.0.
---@param where string
---@param reply any
function world.http(where, reply) end

---Who connects to a port, or to "HOST:PORT", is accepted (true), refused (false), or told something (a string, or { reply =, takes = }); a function is asked each time. Without it, connections are refused. Since 2.0.
---@param where number | string
---@param reply any
function world.tcp(where, reply) end

---The same for a socket in the file system; the path is relative to the profile's directory. Since 2.0.
---@param path string
---@param reply any
function world.unix(path, reply) end

---The addresses of a host, or false. Without it, names have none. Since 2.0.
---@param host string
---@param addresses string | string[] | boolean
function world.resolve(host, addresses) end

---What becomes of a command that begins with these words: { code =, out =, err =, signal =, takes = }, an exit code, false for no such command, nothing for success, or a function of the list of its words that returns one of these. The most words that fit count. Without it, there is no such command. Since 2.0.
---@param command string | string[]
---@param reply any
function world.exec(command, reply) end

---What stands in a file, written now or `age` seconds ago; false: nothing does. Files of the profile's directory are there without it, written when the test began; all others are missing. Since 2.0.
---@param path string
---@param content string | boolean | { text: string?, age: number?, size: number? }
function world.file(path, content) end

---A setting file, or a hook file such as "health.lua", has this text from now on; with nil it is gone. Before the first step of time, the profile has it from the start. Since 2.0.
---@param file string
---@param text string?
function world.setting(file, text) end

---An operator orders "start", "stop", "restart" or "reload". Since 2.0.
---@param order string
function world.order(order) end

---Another profile that hooks are told of by `fleet.get`; running and healthy unless said. With false, there is none. Since 2.0.
---@param name string
---@param what boolean | { state: string?, health: string?, uptime: number? }
function world.profile(name, what) end

---ProcLaunch is told to stop all profiles and to end. Since 2.0.
function world.drain() end

---The profile's directory is removed. Since 2.0.
function world.remove() end

---The supervisor is killed, and another one takes its place: processes live on, `service.vars` is kept. Since 2.0.
function world.crash_supervisor() end

expect = {}

---The profile is "stopped", "starting", "running" or "stopping", or "gone". Since 2.0.
---@param state string
function expect.state(state) end

---The checks say "unknown", "healthy" or "unhealthy". Since 2.0.
---@param health string
function expect.health(health) end

---So many processes were started. Since 2.0.
---@param count number
function expect.starts(count) end

---So many processes were started after the first. Since 2.0.
---@param count number
function expect.restarts(count) end

---So many main processes have ended, by themselves or because they were told. Since 2.0.
---@param count number
function expect.exits(count) end

---The profile waits, and is started or asked again in so many seconds, give or take a tenth: delays are spread. Since 2.0.
---@param seconds number
function expect.next_try(seconds) end

---A line with this in it was written to the log since the test began, or so many were. What counts is the text after the profile's name. Since 2.0.
---@param part string
---@param times number?
function expect.log(part, times) end

---No line with this in it was written since the test began. Since 2.0.
---@param part string
function expect.no_log(part) end

---A command that begins with these words was executed since the test began, or was so often. Since 2.0.
---@param command string | string[]
---@param times number?
function expect.exec(command, times) end

---No command that begins with these words was executed since the test began; without words, none at all. Since 2.0.
---@param command (string | string[])?
function expect.no_exec(command) end

---The signal was sent since the test began, or was so often, to that process or to any. Since 2.0.
---@param name string
---@param times number?
---@param pid number?
function expect.signal(name, times, pid) end

---The signal was sent to nobody since the test began. Since 2.0.
---@param name string
function expect.no_signal(name) end

---`on_event` was told something with this in it: "transition: starting -> running", "health: healthy -> unhealthy (reason)", "gave_up: ...". Since 2.0.
---@param part string
function expect.event(part) end

---`service.vars` has these values; what else is in it does not matter. Since 2.0.
---@param vars { [string]: any }
function expect.vars(vars) end

---What hooks counted or measured last under this name, all labels together. Since 2.0.
---@param name string
---@param value number
function expect.metric(name, value) end

---A hook had everything shut down, for a reason with this in it. Since 2.0.
---@param part string?
function expect.shutdown(part) end

---No hook had everything shut down. Since 2.0.
function expect.no_shutdown() end

---Two values are the same; tables, if everything in them is. Since 2.0.
---@param expected any
---@param was any
function expect.equal(expected, was) end

---The condition is neither false nor nil. Since 2.0.
---@param condition any
---@param message string?
function expect.that(condition, message) end
