-- Not before PostgreSQL answers: `false` is "not yet", and asked again after a while (see `backoff`). No restart counts.
return function()
  local asked = exec{ "pg_isready", "--quiet", "--host", env.DATABASE_DIR, "--port", env.PORT, timeout = 3 }
  return asked.ok, "PostgreSQL does not answer"
end
