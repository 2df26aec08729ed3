
# Names of profiles, as the supervisor that is meant knows them, and of the directories of instances.
function __proclaunch_names
    set -l words (commandline -opc)
    set -l state
    for i in (seq (count $words))
        switch $words[$i]
            case '--state=*'
                set state --state (string replace -- --state= '' $words[$i])
            case --state
                set -l next (math $i + 1)
                test $next -le (count $words); and set state --state $words[$next]
        end
    end
    timeout 2 $words[1] list $state 2>/dev/null | sed 'p; s/@[0-9][0-9]*$//' | sort -u
end

