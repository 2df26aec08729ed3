--- Pages someone when it really fails. In `.defaults/` it does so for every profile.
--- @since 2.0
return function(service, event)
  if event.level ~= "error" then return end
  exec{ "page", "--to", "oncall", service.name .. ": " .. event.reason, timeout = 10 }
end
