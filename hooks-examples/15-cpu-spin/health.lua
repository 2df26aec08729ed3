--- Unhealthy when it used more than 90 % of a processor for a minute.
--- @since 2.0
return check.cpu{ below = 90, every = 10, times = 6 }
