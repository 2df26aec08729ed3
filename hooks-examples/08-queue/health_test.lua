--- Shows that an old heartbeat matters only while jobs wait.
--- @since 2.0
local function queue(jobs)
  world.setting("restart", "always")
  world.exec("redis-cli llen jobs", { out = jobs .. "\n" })
end

test("an old heartbeat with jobs in the queue restarts it", function()
  queue(7)
  world.file("/run/worker.heartbeat", "")
  world.advance(120)
  expect.health("healthy")
  world.advance(30)
  expect.log("unhealthy (heartbeat 150 s old, 7 jobs queued)")
  expect.restarts(1)
end)

test("an old heartbeat with an empty queue is a worker at rest", function()
  queue(0)
  world.file("/run/worker.heartbeat", { age = HOUR })
  world.advance(HOUR)
  expect.restarts(0)
end)

test("a fresh heartbeat with a long queue is a worker at work", function()
  queue(5000)
  for _ = 1, 60 do
    world.file("/run/worker.heartbeat", "")
    world.advance(MINUTE)
  end
  expect.restarts(0)
end)
