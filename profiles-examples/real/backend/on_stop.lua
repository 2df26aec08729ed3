-- Out of the load balancer, then 25 seconds at most for the connections that are open. The stop signal follows.
return function(service)
  local done = exec{ env.LBCTL, "drain", service.name, timeout = 5 }
  if not done.ok then
    log.warn("still in the load balancer: " .. done.err)
  end
  -- nginx takes its new list up in the background.
  sleep(0.5)
  for _ = 1, 50 do
    local status = http.get("http://127.0.0.1:" .. env.PORT .. "/status", { timeout = 1 })
    local open = status and tonumber(status.body:match("Active connections: (%d+)"))
    -- One of them is this question.
    if not open or open <= 1 then
      log.info("drained")
      return
    end
    sleep(0.5)
  end
  log.warn("connections are still open")
end
