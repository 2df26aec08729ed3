--- Exit 78 (EX_CONFIG) stays down until somebody mends the configuration; the settings decide about all others.
--- @since 2.0
return function(service)
  if service.exit and service.exit.code == 78 then return false, "EX_CONFIG: fix the configuration first" end
end
