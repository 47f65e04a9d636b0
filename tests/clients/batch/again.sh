#!/bin/sh
# Runs the program $AGAIN with its arguments again and again, until there is a file $UNTIL or a run fails.
while [ ! -e "$UNTIL" ]; do
    "$AGAIN" "$@" || exit
done
