#!/bin/sh
# As in the official image: arguments that start with a dash are meant for the server.
set -e
case "$1" in
-*) set -- nats-server "$@" ;;
esac
exec "$@"
