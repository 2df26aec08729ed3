--- When this service dies, everything is shut down in order.
--- @since 2.0
return function(service)
  if service.exit and not service.exit.requested then
    supervisor.shutdown("essential service " .. service.name .. " died")
  end
end
