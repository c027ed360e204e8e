# Holds one server for another process, and ends it when that process ends, whatever the cause: then our input ends.
# $1: the server's directory, removed at the end. $2: the signal that ends the server.
# Orders, one a line: run WORDS (answers the exit status), start WORDS (answers the process id), others [PID...] (more
# processes to wake before the end), reap (answers the exit status). The words are quoted for a shell.
server='' others=''
mkfifo "$1/log" && echo ready
while IFS= read -r order; do
  case $order in
    'run '*) eval "${order#run }" </dev/null >"$1/log" 2>&1; echo "$?" ;;
    'start '*) eval "exec ${order#start }" </dev/null >"$1/log" 2>&1 & server=$!; echo "$server" ;;
    others*) others=${order#others} ;;
    reap) wait "$server"; echo "$?"; server='' others='' ;;
  esac
done
if [ -n "$server" ]; then
  kill -s "$2" "$server"
  kill -s CONT "$server" $others
  wait "$server"
fi
cd / && rm -rf "$1"
