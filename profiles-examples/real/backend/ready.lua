-- Running is not serving: ready when the port answers.
return function()
  return (net.tcp("127.0.0.1", tonumber(env.PORT), { timeout = 1 })), "the port is not open"
end
