--- Shows that killed for want of memory is not the same as finished, and neither is the same as crashed.
--- @since 2.0
test("killed for want of memory: again after a minute", function()
  expect.state("running")
  world.exits{ signal = "KILL" }
  expect.log("restarts in 1m 0s: killed, probably for want of memory")
  expect.next_try(60)
  world.advance(61)
  expect.state("running")
end)

test("where the kernel names its victim, the log does too", function()
  expect.state("running")
  world.exits{ oom = true }
  expect.log("restarts in 1m 0s: OOM-killed")
  expect.next_try(60)
end)

test("finished by itself: done", function()
  world.setting("restart", "always")
  expect.state("running")
  world.exits{ code = 0 }
  world.advance(HOUR)
  expect.state("stopped")
  expect.restarts(0)
end)

test("killed by nobody that we know of: the kernel most likely", function()
  expect.state("running")
  world.exits{ signal = "KILL" }
  expect.next_try(60)
end)

test("any other end: the settings decide", function()
  world.setting("restart", "always")
  world.advance(10)
  world.exits{ signal = "SEGV" }
  world.advance(10)
  expect.restarts(1)
  expect.no_log("memory")
end)
