
# Names of profiles, as the supervisor that is meant knows them, and of the directories of instances.
_proclaunch_names() {
    local i word state=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == --state ]]; then
            # `=` is a word of its own for Bash.
            word=${COMP_WORDS[i + 1]}
            [[ $word == = ]] && word=${COMP_WORDS[i + 2]}
            state=(--state "${word/#\~/$HOME}")
        fi
    done
    timeout 2 "${COMP_WORDS[0]/#\~/$HOME}" list "${state[@]}" 2>/dev/null | sed 'p; s/@[0-9][0-9]*$//' | sort -u
}

# Completes names where names are meant, and else what was generated.
_proclaunch_with_names() {
    local first=0 last=0 named='' valued='' verb='' at=0 i word before='' line current prefix name
    line=${COMP_LINE:0:COMP_POINT}
    # Bash cuts words at `@`, which names of profiles have.
    current=${line##*[[:space:]]}
    for word in ${line%"$current"}; do
        if [[ $before == --state ]]; then before=''; continue; fi
        before=$word
        [[ $word == proclaunch || $word == */proclaunch || $word == -* ]] && continue
        verb=$word
        break
    done
    case $verb in
#PLACES#
    esac
    if [[ -n $verb ]]; then
        before=''
        i=''
        for word in ${line%"$current"}; do
            if [[ -z $i ]]; then [[ $word == "$verb" ]] && i=1; continue; fi
            if [[ $word == -* ]]; then before=$word; continue; fi
            if [[ $before == '' || ( $valued != *" $before "* && $named != *" $before "* ) ]]; then at=$((at + 1)); fi
            before=''
        done
        at=$((at + 1))
        if [[ $current != -* ]]; then
            if [[ -n $before && $named == *" $before "* ]]; then first=1 last=999 at=1; fi
            if [[ -n $before && $valued == *" $before "* ]]; then last=0; fi
            if ((first > 0 && at >= first && at <= last)); then
                prefix=${current%"${current##*[@:=]}"}
                COMPREPLY=()
                while IFS= read -r name; do
                    [[ $name == "$current"* ]] && COMPREPLY+=("${name#"$prefix"}")
                done < <(_proclaunch_names)
                # No file has a name that is meant here.
                compopt +o default +o bashdefault 2>/dev/null
                return
            fi
        fi
    fi
    _proclaunch "$@"
    # Placeholders such as `[PATH]...` are no words to type.
    local kept=()
    for word in "${COMPREPLY[@]}"; do
        [[ $word == '['* || $word == '<'* ]] || kept+=("$word")
    done
    COMPREPLY=("${kept[@]}")
}

complete -F _proclaunch_with_names -o nosort -o bashdefault -o default proclaunch
