--- Shows that a heartbeat that stops restarts the service, and that a young service has time for its first one.
--- @since 2.0
test("a heartbeat that stops restarts it", function()
  world.setting("restart", "always")
  for _ = 1, 10 do
    world.file("heartbeat", "")
    world.advance(10)
  end
  expect.restarts(0)
  world.advance(10)
  expect.log("unhealthy (no heartbeat for 15 s)")
  expect.restarts(1)
end)

test("a young service has 30 seconds for its first one", function()
  world.setting("restart", "always")
  world.advance(29)
  expect.restarts(0)
  world.file("heartbeat", "")
  world.advance(10)
  expect.health("healthy")
end)

test("one that never writes any is restarted", function()
  world.setting("restart", "always")
  world.advance(36)
  expect.restarts(1)
end)
