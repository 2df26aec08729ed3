--- Shows that three samples of five above 150 MB restart the service, and that a peak does not.
--- @since 2.0
test("three of five samples are too many", function()
  world.setting("restart", "always")
  world.rss(200 * MB)
  world.advance(60)
  expect.restarts(0)
  world.advance(30)
  expect.log("unhealthy (rss 200.0 MB, not below 150.0 MB)")
  expect.restarts(1)
end)

test("they need not follow each other", function()
  world.setting("restart", "always")
  for _, size in ipairs{ 200, 100, 200, 100, 200 } do
    expect.restarts(0)
    world.rss(size * MB)
    world.advance(30)
  end
  expect.restarts(1)
end)

test("a short peak is none of its business", function()
  world.setting("restart", "always")
  world.rss(900 * MB)
  world.advance(60)
  world.rss(100 * MB)
  world.advance(HOUR)
  expect.restarts(0)
  expect.health("healthy")
end)
