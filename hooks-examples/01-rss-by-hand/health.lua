--- The same as 01-rss with nothing but a function: the samples are kept in service.vars.
--- Give it times = 1, for it counts by itself.
--- @since 2.0
return {
  every = 30,
  times = 1,
  function(service)
    local rss = service:rss()
    if not rss then return nil end
    local samples = service.vars.samples or {}
    table.insert(samples, rss > 150 * MB)
    if #samples > 5 then table.remove(samples, 1) end
    service.vars.samples = samples
    local bad = 0
    for _, over in ipairs(samples) do
      if over then bad = bad + 1 end
    end
    return bad < 3, ("rss over 150M in %d of %d samples"):format(bad, #samples)
  end,
}
