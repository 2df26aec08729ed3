--- Shows that one module serves both ends of a life, and what it does where the balancer does not.
--- @since 2.0
test("in when ready, out and empty before the signal", function()
  world.exec("lbctl enable")
  world.exec("lbctl drain")
  local open = 3
  world.exec("lbctl conns", function()
    open = open - 1
    return { out = tostring(open) }
  end)
  world.advance(10)
  expect.exec("lbctl enable 20-balancer", 1)
  world.order("stop")
  world.advance(1)
  expect.no_signal("TERM")
  world.advance(2)
  expect.signal("TERM", 1)
end)

test("what is unhealthy has one second", function()
  world.setting("restart", "always")
  world.setting("health.lua", "return { every = 1, times = 2, function(service) return service.uptime < 5 end }")
  world.exec("lbctl")
  world.exec("lbctl conns", { out = "7" })
  world.advance(9)
  expect.log("connections are still open")
  expect.restarts(1)
end)

test("a balancer that refuses is said, and the stop goes on", function()
  world.exec("lbctl", { code = 1, err = "no such pool" })
  world.advance(10)
  world.order("stop")
  expect.log("lbctl drain: no such pool")
  expect.state("stopped")
end)
