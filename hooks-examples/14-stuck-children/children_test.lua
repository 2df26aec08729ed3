--- Shows that only children that are stuck are ended.
--- @since 2.0
test("a child that works on one job for over an hour is ended", function()
  world.children{
    { pid = 501, age = 50 * MINUTE, cmd = "resque-1.27: Processing mail" },
    { pid = 502, age = 5 * HOUR, cmd = "resque-1.27: Waiting for mail" },
  }
  world.advance(9 * MINUTE)
  expect.no_signal("TERM")
  world.advance(2 * MINUTE)
  expect.signal("TERM", 1)
  expect.signal("TERM", 1, 501)
  expect.log("sent TERM to process 501 `resque-1.27: Processing mail`: job stuck for over 1 h")
  expect.restarts(0)
end)

test("one that does not listen is told again", function()
  world.ignores("TERM")
  world.children{ { pid = 501, age = 2 * HOUR, cmd = "resque-1.27: Processing mail" } }
  world.advance(20)
  expect.signal("TERM", 4, 501)
end)

test("without children nothing happens", function()
  world.advance(HOUR)
  expect.no_signal("TERM")
end)
