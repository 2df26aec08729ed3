--- Shows that one crash pages nobody, and that giving up does, once.
--- @since 2.0
local function service()
  world.setting("restart", "always")
  world.setting("give_up", "3 60")
  world.exec("page")
end

test("it pages when the service is given up", function()
  service()
  world.runs_for(1, { code = 1 })
  world.advance(MINUTE)
  expect.log("gave up")
  expect.exec("page --to oncall 05-page:", 1)
end)

test("a crash that a restart mends pages nobody", function()
  service()
  world.advance(10)
  world.exits{ code = 1 }
  world.advance(HOUR)
  expect.restarts(1)
  expect.no_exec("page")
end)

test("a pager that hangs holds nothing up", function()
  service()
  world.exec("page", { takes = 60 })
  world.runs_for(1, { code = 1 })
  world.advance(MINUTE)
  world.order("start")
  expect.state("running")
end)
