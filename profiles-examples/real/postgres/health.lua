-- PostgreSQL's own client knows best; it needs no password. Not an error of the service while it recovers: `grace`.
return check.exec{
  "pg_isready", "--quiet", "--host", env.DATA_DIR, "--port", env.PORT,
  every = 5,
  timeout = 3,
  times = 3,
  grace = 30,
}
