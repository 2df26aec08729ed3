--- Restarts the service when its configuration was written anew. While the file is missing nothing happens.
--- @since 2.0
return function(service)
  local stat = file.stat("config.yml")
  if not stat then return end
  local before = service.vars.modified
  service.vars.modified = stat.mtime
  if before and before ~= stat.mtime then service:restart("config.yml changed") end
end
