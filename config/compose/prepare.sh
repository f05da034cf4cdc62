#!/bin/sh
# Runs before the rest of the stack: writes the secrets where the services read them. What .env sets is
# taken; what it does not set is made up once, and kept. Nothing is printed.
set -eu

keys=${KEYS_DIR:-/keys}
users=${USERS_DIR:-/redis-users}

# Writes what is on stdin, all at once, to a file that others may only read.
write() {
    cat > "$1.new"
    chmod 444 "$1.new"
    mv -f "$1.new" "$1"
}

# A file's secret: the given one; else the one that is there; else a new one.
secret() {
    if [ -n "$2" ]; then
        printf '%s' "$2" | write "$1"
    elif [ ! -s "$1" ]; then
        head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' | write "$1"
    fi
}

# Every byte as %xx, so that any password can stand in a URL.
encoded() {
    od -An -v -tx1 < "$1" | tr -d '\n' | sed 's/ /%/g'
}

hash() {
    sha256sum < "$1" | cut -d ' ' -f 1
}

secret "$keys/jwt_secret" "${JWT_SECRET:-}"
secret "$keys/redis_password" "${REDIS_PASSWORD:-}"
secret "$keys/neighbour_password" "${REDIS_NEIGHBOUR_PASSWORD:-}"

# Somebody else's Redis, whole or in parts; else the stack's own.
if [ -n "${REDIS_URL:-}" ]; then
    printf '%s' "$REDIS_URL"
elif [ -z "${REDIS_HOST:-}" ]; then
    printf 'redis://aura:%s@redis:6379' "$(encoded "$keys/redis_password")"
elif [ -n "${REDIS_PASSWORD:-}" ]; then
    printf 'redis://:%s@%s:%s' "$(encoded "$keys/redis_password")" "$REDIS_HOST" "${REDIS_PORT:-6379}"
else
    printf 'redis://%s:%s' "$REDIS_HOST" "${REDIS_PORT:-6379}"
fi | write "$keys/redis_url"

# Who may do what in the stack's own Redis, without the passwords themselves. Whoever gives none can
# find out that it is there.
write "$users/users.acl" << END
user default on nopass resetkeys resetchannels -@all +ping
user aura on #$(hash "$keys/redis_password") ~* &* +@all
user neighbour on #$(hash "$keys/neighbour_password") ~hitl:* ~checkpoint:* &hitl:* -@all +@read +@write +@pubsub +@transaction +@connection -@dangerous +info
END
