--- Shows the pause after five crashes within a minute, the end after three pauses, and that slow crashes do not count.
--- @since 2.0
local function crash(times)
  for _ = 1, times do
    expect.state("running")
    world.exits{ code = 1 }
    world.advance(1)
  end
end

test("four crashes within a minute are restarted at once", function()
  crash(4)
  expect.state("running")
end)

test("the fifth brings a pause of ten minutes", function()
  crash(5)
  expect.state("stopped")
  expect.log("flapping: 5 exits in 60 s, pause 1 of 3")
  expect.next_try(10 * MINUTE)
  world.advance(10 * MINUTE)
  expect.state("running")
end)

test("after three pauses it stays down", function()
  for _ = 1, 3 do
    crash(5)
    world.advance(10 * MINUTE)
  end
  crash(5)
  world.advance(24 * HOUR)
  expect.state("stopped")
  expect.log("is not restarted: flapping: 3 pauses did not help")
  expect.starts(20)
end)

test("a crash every five minutes is no flapping", function()
  world.runs_for(5 * MINUTE, { signal = "SEGV" })
  world.advance(6 * HOUR)
  expect.no_log("flapping")
  expect.state("running")
end)
