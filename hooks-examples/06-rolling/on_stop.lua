--- Takes the instance out of the load balancer before it is stopped.
--- @since 2.0
return function(service)
  exec{ "lbctl", "drain", service.name, timeout = 20 }
end
