---@meta
-- Made from the program by its tests (UPDATE=1); do not edit.

---The argument of every hook: what is known of its profile. Read-only.
---@class Service
---@field name string The name of the profile.
---@field dir string The directory of the profile.
---@field state string "stopped", "starting", "running" or "stopping".
---@field want string The order in force: "up", "down" or "gone".
---@field health string "unknown", "healthy" or "unhealthy".
---@field pid number? The main process, while it lives.
---@field uptime number Seconds since the process was started; 0 while there is none.
---@field ready_for number Seconds since it became ready; 0 while it is not.
---@field started_at number? When the process was started, in seconds since 1970 UTC.
---@field restarts number Starts after the first.
---@field exit { code: number?, signal: string?, core: boolean, oom: boolean, requested: boolean, uptime: number }? How the last process ended: with an exit code, by a signal (a name without SIG), or in a way that nobody knows. `oom`: the kernel ended it for want of memory, by KILL. The kernel names the victim in its log alone: where ProcLaunch may not read `/dev/kmsg`, or runs in a container with pids of its own, this is always false, and a KILL that was not requested is most often that. `requested`: it was told to end.
---@field cause string Why the hook is asked: "died", "unhealthy", "changed" or "order".
---@field reason string The same in words.
---@field history { age: number, from: string, to: string, why: string }[] The last changes of state, oldest first, with how many seconds ago each was.
---@field changed boolean Whether the files differ from what the process was started with.
---@field env { [string]: string } The environment that the service would be given.
---@field settings { [string]: string } The text of the setting files, by file name.
---@field vars { [string]: any } Plain data of the profile's own, at most 64 KiB, which survives reloads, crashes and upgrades.
local Service = {}

---The live processes below the main process, children of children among them, the oldest first; at most 512. Empty when the main process is gone. Since 2.0.
---@return Child[]
function Service:children() end

---The command line of the main process, its words separated by spaces, at most 4 KiB of it; nil and the reason when it is gone. Since 2.0.
---@return string?
---@return string?
function Service:cmdline() end

---How much CPU the main process used since the same hook last asked, or at first since it was started, in percent of one processor: with several threads it can be above 100. Nil and the reason when it is gone. Since 2.0.
---@return number?
---@return string?
function Service:cpu() end

---How many times the process ended unasked within the last so many seconds; it can count 64. Since 2.0.
---@param seconds number
---@return number
function Service:exits(seconds) end

---How many descriptors the main process has open; nil and the reason when it is gone. Since 2.0.
---@return number?
---@return string?
function Service:fds() end

---Asks for a restart, by the settings for stopping. The reason stands in the log. Since 2.0.
---@param reason string
function Service:restart(reason) end

---How much memory of the main process is in RAM, in bytes; nil and the reason when it is gone. Since 2.0.
---@return number?
---@return string?
function Service:rss() end

---Asks for a signal to the main process, such as "USR1". The reason stands in the log. Since 2.0.
---@param name string
---@param reason string
function Service:signal(name, reason) end

---Asks for a stop: the service stays down until it is ordered up. The reason stands in the log. Since 2.0.
---@param reason string
function Service:stop(reason) end

---How many threads the main process has; nil and the reason when it is gone. Since 2.0.
---@return number?
---@return string?
function Service:threads() end

---The second argument of on_event. Read-only.
---@class Event
---@field time number When it was, in seconds since 1970 UTC.
---@field profile string The name of the profile.
---@field kind string "transition", "health", or "gave_up": it ended, and nothing follows.
---@field level string "error" when nothing follows an end, "warn" for a death, an exit 0 that nothing follows and bad health, else "info".
---@field from string The state or health of before.
---@field to string The state or health of after.
---@field reason string Why, in words.
---@field exit { code: number?, signal: string?, core: boolean, oom: boolean, requested: boolean, uptime: number }? How the last process ended, as service.exit.
local Event = {}

---A process below the main one: a handle that never means another process.
---@class Child
---@field pid number Its pid.
---@field age number Whole seconds since it was started; also once it is gone.
---@field rss number How much memory of it is in RAM, in bytes; 0 once it is gone.
---@field cmd string Its command line, words separated by spaces; empty once it is gone.
local Child = {}

---Sends it a signal, and says so in the log. False and the reason if it is gone, or is not below the main process any more. Since 2.0.
---@param name string
---@param reason string
---@return boolean
---@return string?
function Child:signal(name, reason) end

---What health.lua returns: a table whose first item is a function of the service that returns true, false and a reason, or nil, with its schedule. The functions in `check` make such tables.
---@class Check
---@field every number? Seconds from one check to the next: 10.
---@field timeout number? Seconds that one check may take: 5.
---@field times (number | number[])? So many failures in a row make it unhealthy, or with {3, 5} 3 of the last 5: 3.
---@field grace number? Seconds after becoming ready in which failures do not count: 0.
---@field [1] fun(service: Service): any, any
local Check = {}

---What should_restart.lua may return: a table whose first item is a function of the service. The functions in `policy` make such tables.
---@class Policy
---@field [1] fun(service: Service): any, any
local Policy = {}

---1024 bytes.
---@type number
KB = 0

---1024 KB.
---@type number
MB = 0

---1024 MB.
---@type number
GB = 0

---One second: the unit of every time.
---@type number
SECOND = 0

---60 seconds.
---@type number
MINUTE = 0

---3600 seconds.
---@type number
HOUR = 0

check = {}

---Healthy while less than `below` bytes of the main process are in RAM. Since 2.0.
---@param options { below: number, every: number?, times: (number | number[])?, timeout: number?, grace: number? }
---@return Check
function check.rss(options) end

---Healthy while the main process used less than `below` percent of one processor since the last check. Since 2.0.
---@param options { below: number, every: number?, times: (number | number[])?, timeout: number?, grace: number? }
---@return Check
function check.cpu(options) end

---Healthy while the main process has fewer than `below` descriptors open. Since 2.0.
---@param options { below: number, every: number?, times: (number | number[])?, timeout: number?, grace: number? }
---@return Check
function check.fds(options) end

---Healthy while fewer than `below` processes are below the main one; it can count 512. Since 2.0.
---@param options { below: number, every: number?, times: (number | number[])?, timeout: number?, grace: number? }
---@return Check
function check.children(options) end

---Healthy while an HTTP request is answered with the status `expect`, one of several, or any from 200 to 299, and the body contains `contains`. The request is that of http.get. `every`, `timeout`, `times` and `grace` are the schedule, here and in all checks. Since 2.0.
---@param options { url: string, expect: (number | number[])?, contains: string?, method: string?, headers: { [string]: string }?, body: string?, unix: string?, ca: string?, verify: boolean?, every: number?, timeout: number?, times: (number | number[])?, grace: number? }
---@return Check
function check.http(options) end

---Healthy while something accepts connections at `host` and `port`, or the first two items of the list; without a host, at 127.0.0.1. `send` and `expect` are as in net.tcp. Since 2.0.
---@param options { host: string?, port: number?, send: string?, expect: string?, every: number?, timeout: number?, times: (number | number[])?, grace: number? }
---@return Check
function check.tcp(options) end

---Healthy while something accepts connections at the socket `path`, or the first item of the list. Since 2.0.
---@param options { path: string?, send: string?, expect: string?, every: number?, timeout: number?, times: (number | number[])?, grace: number? }
---@return Check
function check.unix(options) end

---Healthy while a command, executed as by `exec`, ends with code 0. Since 2.0.
---@param command { [number]: string | number, every: number?, timeout: number?, times: (number | number[])?, grace: number? }
---@return Check
function check.exec(command) end

---Healthy while the file `path`, or the first item of the list, is there and was written to within `max_age` seconds. Since 2.0.
---@param options { path: string?, max_age: number?, every: number?, timeout: number?, times: (number | number[])?, grace: number? }
---@return Check
function check.file(options) end

---Healthy while one of the checks or functions in the list is: they are asked one after the other. They have no schedule of their own but a `timeout`; together they have the sum of these. Since 2.0.
---@param checks { [number]: Check | (fun(service: Service): boolean?, string?), every: number?, timeout: number?, times: (number | number[])?, grace: number? }
---@return Check
function check.any(checks) end

---Healthy while all of the checks or functions in the list are; otherwise as check.any. Since 2.0.
---@param checks { [number]: Check | (fun(service: Service): boolean?, string?), every: number?, timeout: number?, times: (number | number[])?, grace: number? }
---@return Check
function check.all(checks) end

clock = {}

---Seconds since 1970 UTC, with a fraction. Since 2.0.
---@return number
function clock.now() end

---Seconds on a clock that nobody sets: for measuring how long something took. Since 2.0.
---@return number
function clock.monotonic() end

---The date and time at this place; wday is 1 on Sunday, as in Lua's os.date. Since 2.0.
---@return { year: number, month: number, day: number, hour: number, min: number, sec: number, wday: number }
function clock.date() end

---Whether the time of day at this place is at or after `from` and before `to`, both as "HH:MM"; past midnight if `to` is the earlier one. Since 2.0.
---@param from string
---@param to string
---@return boolean
function clock.between(from, to) end

---The environment that the service would be given, by name. Read-only.
---@type { [string]: string }
env = {}

---Executes a command, the first item of the list, with the others as its arguments: no shell looks at them. It runs as the profile's user, in its directory, with its environment, and reads nothing. `ok` is whether it ended with code 0; `out` and `err` are the first 64 KiB of what it wrote. After `timeout` seconds (10) it is killed. Whatever it has started is killed when it ends. A command that cannot be executed is not `ok`, and `err` says why. Since 2.0.
---@param command { [number]: string | number, timeout: number? }
---@return { ok: boolean, code: number?, signal: string?, out: string, err: string, timed_out: boolean }
function exec(command) end

file = {}

---What is in a regular file of at most 1 MiB; nil and the reason if it cannot be read. A path is relative to the profile's directory. Files are read with the supervisor's rights. Since 2.0.
---@param path string
---@return string?
---@return string?
function file.read(path) end

---Whether something stands at the path, a symbolic link that leads nowhere excepted. Since 2.0.
---@param path string
---@return boolean
function file.exists(path) end

---What the path leads to: bytes, seconds since 1970 UTC to the millisecond, permission bits, "file", "directory", "fifo", "socket" or "device", and owners; nil and the reason if there is nothing. Since 2.0.
---@param path string
---@return { size: number, mtime: number, mode: number, type: string, uid: number, gid: number }?
---@return string?
function file.stat(path) end

---Seconds since the file was last modified, never below 0. A file that is missing is as old as 1970, with the reason as second value: file.age("heartbeat") < 15 is false then, and raises nothing. Since 2.0.
---@param path string
---@return number
---@return string?
function file.age(path) end

fleet = {}

---What a profile does, a moment ago at most: `state` is "stopped", "starting", "running" or "stopping", `health` is "unknown", "healthy" or "unhealthy". Nil if there is no such profile. Since 2.0.
---@param name string
---@return { name: string, state: string, health: string, pid: number?, uptime: number }?
function fleet.get(name) end

---The names of all profiles, in order. Since 2.0.
---@return string[]
function fleet.names() end

http = {}

---Asks for what is at an address: `http://HOST:PORT/PATH`, or over a socket in the file system `http+unix://%2Frun%2Fx.sock/PATH`, which is the same as the option `unix = "/run/x.sock"`. Within `timeout` seconds (5), gives the status, the headers in lower case and the body, of at most 1 MiB; or nil, and why. Redirects are not followed. `https://` believes the authorities of the system, or those in the PEM file `ca`; with `verify = false` it believes everybody. Since 2.0.
---@param url string
---@param options { timeout: number?, headers: { [string]: string }?, body: string?, unix: string?, ca: string?, verify: boolean? }?
---@return { status: number, headers: { [string]: string }, body: string }?
---@return string?
function http.get(url, options) end

---Sends the option `body` to an address; all else is as with http.get. Since 2.0.
---@param url string
---@param options { timeout: number?, headers: { [string]: string }?, body: string?, unix: string?, ca: string?, verify: boolean? }?
---@return { status: number, headers: { [string]: string }, body: string }?
---@return string?
function http.post(url, options) end

---The same with any method. Since 2.0.
---@param method string
---@param url string
---@param options { timeout: number?, headers: { [string]: string }?, body: string?, unix: string?, ca: string?, verify: boolean? }?
---@return { status: number, headers: { [string]: string }, body: string }?
---@return string?
function http.request(method, url, options) end

json = {}

---The data that a JSON text of at most 1 MiB stands for; null becomes nil. Raises an error if it is not JSON. Since 2.0.
---@param text string
---@return any
function json.decode(text) end

---The JSON text of plain data: numbers, strings, booleans, and tables of these. A table with the keys 1 to n is a list, and an empty one an object. Since 2.0.
---@param data any
---@return string
function json.encode(data) end

log = {}

---Writes a line of level DEBUG to the log. Since 2.0.
---@param text string
function log.debug(text) end

---Writes a line of level INFO to the log. Since 2.0.
---@param text string
function log.info(text) end

---Writes a line of level WARN to the log. Since 2.0.
---@param text string
function log.warn(text) end

---Writes a line of level ERROR to the log. Since 2.0.
---@param text string
function log.error(text) end

metrics = {}

---Counts: adds an amount, 1 unless it is given, to what only grows. By custom its name ends in `_total`. Names and labels are those of Prometheus; the label `profile` is added. It is written to `STATE_DIR/metrics.prom` within 15 seconds, is part of `/metrics`, starts at 0 when ProcLaunch does, and outlives reloads. A profile has at most 64 metrics, counted with their labels. Since 2.0.
---@param name string
---@param amount number?
---@param labels { [string]: string }?
function metrics.counter(name, amount, labels) end

---Says what something is at the moment; see `metrics.counter`. Since 2.0.
---@param name string
---@param value number
---@param labels { [string]: string }?
function metrics.gauge(name, value, labels) end

net = {}

---Whether something accepts connections there, within `timeout` seconds (5); if not, also why. With `send`, that is written; with `expect`, what comes back must contain that. Since 2.0.
---@param host string
---@param port number
---@param options { timeout: number?, send: string?, expect: string? }?
---@return boolean
---@return string?
function net.tcp(host, port, options) end

---The same for a socket in the file system; the path is relative to the profile's directory. Since 2.0.
---@param path string
---@param options { timeout: number?, send: string?, expect: string? }?
---@return boolean
---@return string?
function net.unix(path, options) end

---The addresses that a name stands for, or nil and why not. Since 2.0.
---@param host string
---@param options { timeout: number? }?
---@return string[]?
---@return string?
function net.resolve(host, options) end

policy = {}

---Restarts after `base` seconds (0.2), and after `factor` (2) times as long each time, up to `cap` (60); forgotten once a process ran for `reset` seconds (10). `name` ("backoff") is what it remembers under. Since 2.0.
---@param options { base: number?, factor: number?, cap: number?, reset: number?, name: string? }?
---@return Policy
function policy.backoff(options) end

---Has no opinion until the process ended unasked `times` times (5) within `within` seconds (60); pauses for `pause` seconds (600) then, and gives up after `rounds` (3) such pauses; forgotten once a process ran for `reset` seconds (as `pause`). `name` ("flapping") is what it remembers under. Since 2.0.
---@param options { times: number?, within: number?, pause: number?, rounds: number?, reset: number?, name: string? }?
---@return Policy
function policy.flapping(options) end

---A verdict for each exit code, as in { [78] = false, [75] = { after = 60 } }; a name such as "SEGV" stands for a death by that signal, and "oom" for one for want of memory, where `service.exit` knows. No opinion on others. Since 2.0.
---@param verdicts { [number | string]: boolean | number | { after: number, reason: string? } }
---@return Policy
function policy.codes(verdicts) end

---What the first of these policies, or functions of the service, says that has an opinion. Since 2.0.
---@param policies (Policy | (fun(service: Service): any))[]
---@return Policy
function policy.first(policies) end

---Waits so many seconds, fractions allowed. Counts against the hook's budget of time. Since 2.0.
---@param seconds number
function sleep(seconds) end

supervisor = {}

---Asks for an orderly end of everything: all services are stopped, and ProcLaunch ends. The reason stands in the log. Since 2.0.
---@param reason string
function supervisor.shutdown(reason) end
