--- Restarts after 0.1 s, and after half as long again each time, up to 15 s; forgotten after 30 s of running.
--- @since 2.0
return policy.backoff{ base = 0.1, factor = 1.5, cap = 15, reset = 30 }
