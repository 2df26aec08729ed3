-- Asks the service itself every five seconds. Three bad answers in a row, or silence: unhealthy, and with `restart`
-- started again. `env` is what the service is given, so that a change of PORT changes both.
return check.http{
  url = "http://127.0.0.1:" .. env.PORT .. "/",
  contains = "Hello",
  every = 5,
  timeout = 3,
  times = 3,
}
