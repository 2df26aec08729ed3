--- Shows that exit 78 stays down, and that the settings decide about every other end.
--- @since 2.0
test("exit 78 stays down", function()
  world.setting("restart", "always")
  expect.state("running")
  world.exits{ code = 78 }
  world.advance(HOUR)
  expect.state("stopped")
  expect.log("is not restarted: EX_CONFIG: fix the configuration first")
end)

test("the settings decide about every other end", function()
  world.setting("restart", "on-failure")
  world.advance(10)
  world.exits{ code = 1 }
  world.advance(10)
  expect.restarts(1)
  world.exits{ signal = "SEGV", core = true }
  world.advance(10)
  expect.restarts(2)
  world.exits{ code = 0 }
  world.advance(HOUR)
  expect.restarts(2)
  expect.state("stopped")
end)
