-- A Redis that accepts connections may still be loading its data: it answers PING with PONG when it serves.
return check.tcp{ port = tonumber(env.PORT), send = "PING\r\n", expect = "PONG", every = 2, timeout = 2, times = 3, grace = 10 }
