--- Shows that everything is shut down when the service dies, and not when it is stopped.
--- @since 2.0
test("its death shuts everything down", function()
  world.advance(10)
  world.exits{ code = 1 }
  expect.shutdown("essential service 16-essential died")
  expect.log("all profiles stopped. Exiting.")
end)

test("a stop by order does not", function()
  world.advance(10)
  world.order("stop")
  expect.state("stopped")
  expect.no_shutdown()
end)
