--- Starts only once the database can be reached.
--- @since 2.0
return function()
  return (net.tcp("127.0.0.1", 5432, { timeout = 1 })), "database not reachable"
end
