--- Shows what the address is told, what it is not, and that it is not flooded.
--- @since 2.0
local told

local function listens()
  told = {}
  world.http("/alerts", function(request)
    table.insert(told, json.decode(request.body))
    return 202
  end)
end

test("it tells that the service stays dead, and why", function()
  listens()
  world.advance(10)
  world.exits{ code = 3 }
  world.advance(1)
  expect.equal(1, #told)
  expect.equal("gave_up", told[1].kind)
  expect.equal("exit 3", told[1].reason)
end)

test("a restart that helps is nobody's business", function()
  listens()
  world.setting("restart", "always")
  world.advance(10)
  world.exits{ code = 3 }
  world.advance(HOUR)
  expect.restarts(1)
  expect.equal(0, #told)
end)

test("five messages in an hour are enough", function()
  listens()
  for _ = 1, 8 do
    world.order("start")
    world.advance(60)
    world.exits{ code = 3 }
    world.advance(1)
  end
  expect.equal(5, #told)
  expect.log("not told: 5 messages were sent in this hour")
  world.advance(HOUR)
  world.order("start")
  world.advance(60)
  world.exits{ code = 3 }
  world.advance(1)
  expect.equal(6, #told)
end)

test("an address that does not answer holds nothing up", function()
  world.setting("restart", "always")
  world.setting("give_up", "2 60")
  world.runs_for(1, { code = 1 })
  world.advance(MINUTE)
  expect.log("not told: ")
  expect.state("stopped")
end)
