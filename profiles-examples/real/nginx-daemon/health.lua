-- nginx answers for itself: /healthz is 200, or 500 while there is a file data/unhealthy (see nginx.conf).
return check.http{
  url = "http://127.0.0.1:" .. env.PORT .. "/healthz",
  expect = 200,
  every = 2,
  timeout = 2,
  times = 2,
}
