--- In and out of a load balancer by a command of yours: COMMAND enable NAME, COMMAND drain NAME, COMMAND conns NAME.
--- A module: `local balancer = require("balancer")("lbctl")`. It executes commands, so it is for on_ready and on_stop.
--- @since 2.0
return function(command)
  local balancer = {}

  --- In, once it serves. Says so where it fails.
  function balancer.enable(service)
    local done = exec{ command, "enable", service.name, timeout = 5 }
    if not done.ok then log.warn(("%s enable: %s"):format(command, done.err)) end
    return done.ok
  end

  --- Out, then at most `seconds` (25) for the connections that are open. Whether none is.
  function balancer.drain(service, seconds)
    local done = exec{ command, "drain", service.name, timeout = 5 }
    if not done.ok then
      log.warn(("%s drain: %s"):format(command, done.err))
      return false
    end
    for _ = 1, seconds or 25 do
      local open = exec{ command, "conns", service.name, timeout = 2 }
      if (tonumber(open.out) or 0) == 0 then return true end
      sleep(1)
    end
    log.warn("connections are still open")
    return false
  end

  return balancer
end
