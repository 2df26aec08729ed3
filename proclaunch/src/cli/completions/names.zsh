# Names of profiles, as the supervisor that is meant knows them, and of the directories of instances.
(( $+functions[_proclaunch_names] )) ||
_proclaunch_names() {
    local -a names state
    local dir=${(Q)opt_args[--state]}
    [[ -n $dir ]] && state=(--state ${~dir})
    names=(${(f)"$(timeout 2 proclaunch list $state 2>/dev/null | sed 'p; s/@[0-9][0-9]*$//' | sort -u)"})
    compadd -a names
}
