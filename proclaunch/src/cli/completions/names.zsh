# Names of profiles, as the supervisor that is meant knows them.
(( $+functions[_proclaunch_names] )) ||
_proclaunch_names() {
    local -a names state
    local dir=${(Q)opt_args[--state]}
    [[ -n $dir ]] && state=(--state ${~dir})
    names=(${(f)"$(timeout 2 proclaunch list $state 2>/dev/null)"})
    compadd -a names
}
