--- Shows that the function does what the check does, and that it starts afresh with a new process.
--- @since 2.0
test("three of five samples are too many", function()
  world.setting("restart", "always")
  world.rss(200 * MB)
  world.advance(60)
  expect.restarts(0)
  expect.vars{ samples = { true, true } }
  world.advance(30)
  expect.log("unhealthy (rss over 150M in 3 of 3 samples)")
  expect.restarts(1)
end)

test("a short peak is none of its business", function()
  world.setting("restart", "always")
  world.rss(900 * MB)
  world.advance(60)
  world.rss(100 * MB)
  world.advance(HOUR)
  expect.restarts(0)
  expect.vars{ samples = { false, false, false, false, false } }
end)

test("what it has seen survives a crash of the supervisor", function()
  world.rss(200 * MB)
  world.advance(60)
  world.crash_supervisor()
  expect.log("adopted")
  world.advance(30)
  expect.log("rss over 150M in 3 of 3 samples")
end)
