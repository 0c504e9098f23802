#!/bin/sh
# Runs inside a chassis, as its first process where that has a PID namespace: keeps the agent running and the host's
# heartbeat on the datastore beating. A shell, because its `wait` reaps every child, also those that it never
# started: a QEMU whose agent has died comes to this process. What keeps beating is the chassis, not the agent, so
# the heartbeat says "power is on" and nothing more.
#
#   supervisor.sh <heartbeat file> <agent command> [argument...]
#
# SIGTERM: the agent is asked to end and is not started again; guests run on.

heartbeat_file=$1
shift
stopping=no
agent=

beat() {
  count=0
  failing=no
  while :; do
    count=$((count + 1))
    # A datastore that is full or away must not end the loop: it may come back. Said once, not twice a second.
    if { echo "$count" >"$heartbeat_file"; } 2>/dev/null; then
      failing=no
    elif [ "$failing" = no ]; then
      failing=yes
      echo "supervisor: cannot write $heartbeat_file" >&2
    fi
    sleep 0.5
  done
}

stop_agent() {
  stopping=yes
  if [ -n "$agent" ]; then kill -TERM "$agent"; fi
}

# Beside the agent and not below it: the agent's end must not be the watchdog's.
watch() {
  while :; do
    "$@"
    echo "supervisor: the watchdog ended with status $? and is started again" >&2
    sleep 0.2
  done
}

trap stop_agent TERM
beat &
# shellcheck disable=SC2086
if [ -n "$ARGOSY_WATCHDOG" ]; then watch $ARGOSY_WATCHDOG & fi

short_lives=0
while [ "$stopping" = no ]; do
  started=$(date +%s)
  "$@" &
  agent=$!
  wait "$agent"
  status=$?
  # A signal ends the wait, not the agent.
  while kill -0 "$agent" 2>/dev/null; do
    wait "$agent"
    status=$?
  done
  agent=
  [ "$stopping" = yes ] && break
  if [ $(($(date +%s) - started)) -lt 2 ]; then short_lives=$((short_lives + 1)); else short_lives=0; fi
  echo "supervisor: the agent ended with status $status and is started again" >&2
  # One that cannot even start must not take the processor from the guests.
  if [ "$short_lives" -gt 5 ]; then sleep 1; else sleep 0.05; fi
done

echo "supervisor: the agent ended and stays off" >&2
while :; do
  wait
  sleep 1
done
