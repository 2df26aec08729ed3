--- Out of the load balancer and drained, by the module in .hooks/; a process that is unhealthy is not waited for.
--- @since 2.0
local balancer = require("balancer")("lbctl")

return function(service)
  balancer.drain(service, service.cause == "unhealthy" and 1 or 25)
end
