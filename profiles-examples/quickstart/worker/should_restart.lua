-- Asked when the worker died. Killed: something is wrong with the machine, so wait five seconds. Otherwise no opinion,
-- and `restart` and `backoff` decide.
return function(service)
  if service.exit.signal == "KILL" then
    return { after = 5, reason = "killed, which may happen again" }
  end
end
