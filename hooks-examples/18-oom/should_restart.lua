--- Killed for want of memory: again after a minute. Finished by itself: done. Else the settings decide.
--- A KILL that nobody asked ProcLaunch for is most often the kernel's, where it does not say so itself.
--- @since 2.0
return policy.codes{
  oom = { after = 60, reason = "OOM-killed" },
  KILL = { after = 60, reason = "killed, probably for want of memory" },
  [0] = false,
}
