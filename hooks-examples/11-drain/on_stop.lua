--- Takes the service out of the load balancer, and waits for its last connection, 25 seconds at most.
--- @since 2.0
return function(service)
  exec{ "lbctl", "drain", service.name, timeout = 5 }
  for _ = 1, 25 do
    local open = exec{ "lbctl", "conns", service.name, timeout = 2 }
    if (tonumber(open.out) or 0) == 0 then return end
    sleep(1)
  end
end
