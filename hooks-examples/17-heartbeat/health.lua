--- Unhealthy when the service has not touched its heartbeat for 15 seconds, or never has.
--- @since 2.0
return {
  every = 5,
  times = 1,
  grace = 30,
  function()
    return file.age("heartbeat") < 15, "no heartbeat for 15 s"
  end,
}
