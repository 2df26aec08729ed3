--- Unhealthy when the main process used more than 150 MB in 3 of 5 looks.
--- @since 2.0
return check.rss{ below = 150 * MB, times = {3, 5}, every = 30 }
