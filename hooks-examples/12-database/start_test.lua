--- Shows that the service waits for its database, and starts soon after that is there.
--- @since 2.0
test("it starts when the database is there", function()
  world.tcp(5432, true)
  expect.state("running")
end)

test("it waits while the database is away, and gives up never", function()
  world.advance(6 * HOUR)
  expect.state("starting")
  expect.starts(0)
  expect.log("waits to start (on_start: database not reachable")
  world.tcp(5432, true)
  world.advance(2 * MINUTE)
  expect.state("running")
end)

test("a database that accepts nothing for seconds is away", function()
  world.tcp(5432, { takes = 3 })
  world.advance(10)
  expect.starts(0)
end)

test("an order to stop ends the wait", function()
  world.advance(10)
  world.order("stop")
  expect.state("stopped")
end)
