--- Unhealthy when jobs wait and the worker's heartbeat is more than two minutes old, or was never written.
--- @since 2.0
return function()
  local age = file.age("/run/worker.heartbeat")
  local depth = tonumber(exec{ "redis-cli", "llen", "jobs", timeout = 3 }.out) or 0
  return not (age > 120 and depth > 0), ("heartbeat %d s old, %d jobs queued"):format(age, depth)
end
