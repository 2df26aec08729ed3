--- Five crashes within a minute: a pause of ten minutes. After three pauses it stays down. Else it restarts at once.
--- @since 2.0
return policy.first{
  policy.flapping{ times = 5, within = 60, pause = 600, rounds = 3 },
  function() return true end,
}
