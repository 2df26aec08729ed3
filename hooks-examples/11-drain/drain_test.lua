--- Shows that the stop waits for the last connection, 25 seconds at most, and that what hangs holds nothing up.
--- @since 2.0
test("it waits for the last connection", function()
  world.exec("lbctl drain")
  local open = 4
  world.exec("lbctl conns", function()
    open = open - 1
    return { out = open .. "\n" }
  end)
  world.advance(10)
  world.order("stop")
  world.advance(2)
  expect.no_signal("TERM")
  expect.state("stopping")
  world.advance(2)
  expect.signal("TERM", 1)
  expect.state("stopped")
  expect.exec("lbctl conns 11-drain", 4)
end)

test("it waits for 25 seconds at most", function()
  world.exec("lbctl drain")
  world.exec("lbctl conns", { out = "9" })
  world.advance(10)
  world.order("stop")
  world.advance(24)
  expect.no_signal("TERM")
  world.advance(2)
  expect.state("stopped")
end)

test("a process that dies is not drained", function()
  world.advance(10)
  world.exits{ code = 1 }
  expect.no_exec()
  expect.state("stopped")
end)
