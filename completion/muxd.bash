# muxd.bash - completion of the command line of muxd(8) for bash. The names of listeners and the
# paths of routes come from the config that the line names, if it loads.

_muxd_listeners() {
    local json list names=
    local pattern='"listener":"([^"]*)","same_on":\[([^]]*)\],"differs_on":\[([^]]*)\]'
    json=$("$1" explain --json -c "$2" GET / 2>/dev/null) || return
    [[ $json =~ $pattern ]] || return
    for list in "${BASH_REMATCH[@]:1}"; do
        names+=" ${list//[\",]/ }"
    done
    echo "$names"
}

# Up to their first wildcard. Only such as are nothing to the shell: compgen expands what it is
# given, and a pattern may be "/$(reboot)".
_muxd_paths() {
    local line plain='^[A-Za-z0-9/._~%+@=-]*$'
    "$1" routes --json -c "$2" 2>/dev/null | tr , '\n' | while read -r line; do
        [[ $line == '"pattern":"/'* ]] || continue
        line=${line#*:\"}
        line=${line%%[\"{]*}
        [[ $line =~ $plain ]] && echo "$line"
    done | head -n 2000
}

_muxd() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    local file= command= options="-c" i n=0
    COMPREPLY=()
    # What stands in front of the cursor: the command, how many words it has, the file.
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -c) file=${COMP_WORDS[++i]} ;;
        -W | -H | --listener | -p | -b) ((++i)) ;;
        -?*) ;;
        *) if [[ -z $command ]]; then command=${COMP_WORDS[i]}; else ((++n)); fi ;;
        esac
    done
    case $before in
    -c) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    -W) mapfile -t COMPREPLY < <(compgen -W error -- "$word"); return ;;
    -H | -p) return ;;
    -b) mapfile -t COMPREPLY < <(compgen -W "127.0.0.1 0.0.0.0 ::1 ::" -- "$word"); return ;;
    --listener)
        mapfile -t COMPREPLY < <(compgen -W "$(_muxd_listeners "${COMP_WORDS[0]}" \
            "${file:-/etc/muxd/muxd.conf}")" -- "$word")
        return ;;
    esac
    case $command in
    check) options+=" --json --reload -W" ;;
    routes) options+=" --json" ;;
    explain) options+=" --json -H --listener" ;;
    serve) options="-b -p" ;;
    "") options+=" -V -h" ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    elif [[ -z $command ]]; then
        mapfile -t COMPREPLY < <(compgen -W "check config diff explain routes serve" -- "$word")
    elif [[ $command == explain && $n == 0 ]]; then
        mapfile -t COMPREPLY < <(compgen -W "GET HEAD POST PUT DELETE OPTIONS PATCH -" -- "$word")
    elif [[ $command == explain && $n == 1 ]]; then
        compopt -o nospace 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -W "$(_muxd_paths "${COMP_WORDS[0]}" \
            "${file:-/etc/muxd/muxd.conf}") http:// https://" -- "$word")
    elif [[ $command == serve && $n == 0 ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
    elif [[ $command == diff && $n == 0 ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}

complete -F _muxd muxd
