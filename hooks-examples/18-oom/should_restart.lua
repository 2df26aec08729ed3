--- Killed for want of memory: again after a minute. Finished by itself: done. Else the settings decide.
--- @since 2.0
return policy.codes{
  oom = { after = 60, reason = "OOM-killed" },
  [0] = false,
}
