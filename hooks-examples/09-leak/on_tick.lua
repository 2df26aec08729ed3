--- Restarts what leaks memory at night, once a day at most, and only if it has grown.
--- @since 2.0
return {
  every = 60,
  function(service)
    if clock.between("02:00", "04:00") and service.uptime > 24 * HOUR and (service:rss() or 0) > 500 * MB then
      service:restart("off-peak leak restart")
    end
  end,
}
