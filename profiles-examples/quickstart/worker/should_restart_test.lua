-- Run by `proclaunch test quickstart/worker`: what becomes of a worker that dies.
test("killed: again in five seconds", function()
  world.advance(10)
  world.exits{ signal = "KILL" }
  expect.next_try(5)
  expect.log("killed, which may happen again")
  world.advance(6)
  expect.state("running")
end)

test("an exit code: as `restart` and `backoff` say", function()
  world.advance(10)
  world.exits{ code = 1 }
  world.advance(1)
  expect.state("running")
  expect.restarts(1)
end)
