--- Tells a web address of something, as JSON, and not more often than so many times in an hour.
--- A module: `local webhook = require("webhook")`. It needs `http`, so it cannot be used in should_restart or on_change.
--- @since 2.0
local webhook = {}

--- Sends `message` to `url`. What was sent is remembered in `service.vars.webhook`.
--- options: per_hour (10), timeout (5), headers.
--- Returns true, or false and the reason.
function webhook.send(service, url, message, options)
  options = options or {}
  local now = clock.now()
  local sent = {}
  for _, at in ipairs(service.vars.webhook or {}) do
    if now - at < HOUR then table.insert(sent, at) end
  end
  if #sent >= (options.per_hour or 10) then
    service.vars.webhook = sent
    return false, ("%d messages were sent in this hour"):format(#sent)
  end
  local headers = { ["content-type"] = "application/json" }
  for name, value in pairs(options.headers or {}) do headers[name] = value end
  local answer, why = http.post(url, {
    body = json.encode(message),
    headers = headers,
    timeout = options.timeout or 5,
  })
  if not answer then return false, why end
  if answer.status >= 300 then return false, ("%s: status %d"):format(url, answer.status) end
  table.insert(sent, now)
  service.vars.webhook = sent
  return true
end

return webhook
