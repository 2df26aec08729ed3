--- Migrates the database before the first start of each version.
--- @since 2.0
return function(service)
  local version, why = file.read("VERSION")
  if not version then return false, why end
  if service.vars.migrated == version then return true end
  local run = exec{ "bin/migrate", timeout = 300 }
  if run.ok then service.vars.migrated = version end
  return run.ok, "migration failed: " .. run.err
end
