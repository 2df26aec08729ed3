-- Into the load balancer, once it serves.
return function(service)
  local done = exec{ env.LBCTL, "enable", service.name, "127.0.0.1:" .. env.PORT, timeout = 5 }
  if done.ok then
    log.info("in the load balancer")
  else
    log.warn("not in the load balancer: " .. done.err)
  end
end
