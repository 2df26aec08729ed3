--- Shows that the delays grow to their cap, and that a good run has them forgotten.
--- @since 2.0
test("the delay grows with each crash", function()
  expect.state("running")
  for _, delay in ipairs{ 0.1, 0.15, 0.225, 0.338, 0.506, 0.759 } do
    world.exits{ code = 1 }
    expect.next_try(delay)
    world.advance(1)
    expect.state("running")
  end
end)

test("it grows to 15 seconds and no further", function()
  world.runs_for(1, { code = 1 })
  world.advance(5 * MINUTE)
  expect.log("restarts in 15s")
  expect.no_log("restarts in 16s")
end)

test("a good run has it forgotten", function()
  world.runs_for(1, { code = 1 })
  world.advance(MINUTE)
  world.runs_for(nil)
  world.advance(MINUTE)
  world.exits{ code = 1 }
  expect.next_try(0.1)
end)
