-- Run by `proclaunch test real/redis`: a Redis that accepts connections and does not answer is as good as none.
test("PONG is health, and nothing else is", function()
  world.tcp(16379, "+PONG\r\n")
  world.advance(MINUTE)
  expect.health("healthy")
  world.tcp(16379, "-LOADING Redis is loading the dataset in memory\r\n")
  world.advance(7)
  expect.restarts(1)
end)
