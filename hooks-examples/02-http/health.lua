--- Unhealthy when two requests in a row did not get 200 within 5 seconds.
--- @since 2.0
return check.http{ url = "http://127.0.0.1:8080/healthz", expect = 200, timeout = 5, every = 10, times = 2 }
