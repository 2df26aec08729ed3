--- Into the load balancer, by the module in .hooks/.
--- @since 2.0
local balancer = require("balancer")("lbctl")

return function(service)
  balancer.enable(service)
end
