--- Puts the instance back into the load balancer once it is ready.
--- @since 2.0
return function(service)
  exec{ "lbctl", "enable", service.name, timeout = 5 }
end
