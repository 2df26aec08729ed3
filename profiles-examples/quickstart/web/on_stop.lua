-- Asked before the stop signal: says what is being stopped, and leaves half a second for the last answers.
return function(service)
  log.info(("served for %d s, restarted %d times"):format(service.uptime, service.restarts))
  return 0.5
end
