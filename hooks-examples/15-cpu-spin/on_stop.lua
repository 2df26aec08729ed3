--- Keeps evidence of an unhealthy process before it is stopped.
--- @since 2.0
return function(service)
  if service.cause == "unhealthy" then
    exec{ "gcore", "-o", "core", service.pid, timeout = 20 }
  end
end
