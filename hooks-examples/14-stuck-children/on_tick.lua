--- Ends children that work on one job for more than an hour.
--- @since 2.0
return function(service)
  for _, child in ipairs(service:children()) do
    if child.age > HOUR and child.cmd:find("Processing", 1, true) then
      child:signal("TERM", "job stuck for over 1 h")
    end
  end
end
