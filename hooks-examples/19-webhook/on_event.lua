--- Tells a web address when it is given up or unhealthy. The module stands in .hooks/, beside the profiles.
--- @since 2.0
local webhook = require("webhook")

return function(service, event)
  if event.kind == "transition" then return end
  if event.kind == "health" and event.to ~= "unhealthy" then return end
  local message = { profile = event.profile, kind = event.kind, level = event.level, reason = event.reason }
  local sent, why = webhook.send(service, "https://hooks.example.com/alerts", message, { per_hour = 5 })
  if not sent then log.warn("not told: " .. why) end
end
