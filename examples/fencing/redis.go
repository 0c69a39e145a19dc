package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// redisKey is a hash with the fields token, n and worker. Everything is in one
// key, so a script finds it on one node of a cluster. The key must not expire.
const redisKey = "counter:orders"

// fence begins each script, which the server runs as a whole. It compares the
// tokens as decimal texts, since Lua's numbers are exact only up to 2^53.
const fence = `
local newest = redis.call('HGET', KEYS[1], 'token')
if newest and (#newest > #ARGV[1] or (#newest == #ARGV[1] and newest > ARGV[1])) then
	return false
end
`

var (
	beginScript = redis.NewScript(fence + `
redis.call('HSET', KEYS[1], 'token', ARGV[1])
return redis.call('HGET', KEYS[1], 'n') or '0'`)
	writeScript = redis.NewScript(fence + `
redis.call('HSET', KEYS[1], 'token', ARGV[1], 'n', ARGV[2], 'worker', ARGV[3])
return 1`)
)

// redisStore is a Store in Redis. It rejects late writes for as long as Redis
// keeps its data: a replica that takes over may lack the newest token.
type redisStore struct{ client *redis.Client }

func openRedis(ctx context.Context, store string) (Store, error) {
	options, err := redis.ParseURL(store)
	if err != nil {
		return nil, fmt.Errorf("--store: %w", err)
	}
	client := redis.NewClient(options)
	if err := client.Ping(ctx).Err(); err != nil {
		return nil, errors.Join(err, client.Close())
	}
	return redisStore{client}, nil
}

// Begin implements Store.
func (s redisStore) Begin(ctx context.Context, token int64) (int64, error) {
	n, err := beginScript.Run(ctx, s.client, []string{redisKey}, token).Int64()
	return n, refused(err)
}

// Write implements Store.
func (s redisStore) Write(ctx context.Context, token, n int64, worker string) error {
	return refused(writeScript.Run(ctx, s.client, []string{redisKey}, token, n, worker).Err())
}

// refused translates the false of a script, which the client returns as Nil.
func refused(err error) error {
	if errors.Is(err, redis.Nil) {
		return ErrFenced
	}
	return err
}

// Close implements Store.
func (s redisStore) Close() error { return s.client.Close() }
