package redis_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/faults/matrix"
)

// A user who lacks one command that a member needs is told which when it subscribes; who may do nothing is told when it publishes.
func TestForbiddenCommandsAreNamed(t *testing.T) {
	b := own(t)
	nothing := messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error { return nil })
	for _, command := range []string{
		"xadd", "xreadgroup", "xgroup", "xack", "xclaim", "xpending", "xinfo", "xrange", "xdel", "xtrim", "hgetall", "hset", "hget", "hmget",
		"hdel", "hincrby", "zadd", "zrem", "zrange", "zrangebyscore", "exists", "time", "eval", "evalsha",
	} {
		cli(t, b, "ACL", "SETUSER", "some", "reset", "on", ">"+canary, "~*", "&*", "+@all", "-"+command)
		broker, err := redis.Open(t.Context(), "redis://some:"+canary+"@"+b.Addr())
		must(t, err)
		_, err = broker.Subscribe(t.Context(), "orders", nothing, messaging.Group("billing"))
		if err == nil || !strings.Contains(err.Error(), "'"+command) || strings.Contains(err.Error(), canary) {
			t.Errorf("subscribe without %s: %v, want an error with its name", command, err)
		}
		must(t, broker.Close(t.Context()))
	}
	cli(t, b, "ACL", "SETUSER", "some", "-@all")
	broker, err := redis.Open(t.Context(), "redis://some:"+canary+"@"+b.Addr())
	must(t, err)
	err = broker.Publish(t.Context(), "orders", envelope.New("thing.done", []byte("{}")))
	if !errors.Is(err, messaging.ErrDenied) || !strings.Contains(err.Error(), "NOPERM") || strings.Contains(err.Error(), canary) {
		t.Errorf("publish without any right: %v, want denied", err)
	}
	must(t, broker.Close(t.Context()))
}

// What the documentation tells to allow is enough for a publisher, and for a member that puts off, gives up and is asked for its lag.
func TestDocumentedPermissions(t *testing.T) {
	b := own(t)
	doc, err := os.ReadFile("../../../docs/redis.md")
	must(t, err)
	for user := range strings.SplitSeq(string(doc), "ACL SETUSER ") {
		if rules, _, ok := strings.Cut(user, "\n\n"); ok && strings.Contains(rules, ">…") {
			rules, _, _ = strings.Cut(rules, "\n```")
			cli(t, b, append([]string{"ACL", "SETUSER"}, strings.Fields(strings.Replace(rules, ">…", ">"+canary, 1))...)...)
		}
	}
	member, err := redis.Open(t.Context(), "redis://consumer:"+canary+"@"+b.Addr())
	must(t, err)
	publisher, err := redis.Open(t.Context(), "redis://publisher:"+canary+"@"+b.Addr())
	must(t, err)
	dead, tries := make(chan string, 1), 0
	failing := messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error {
		if tries++; tries < 3 {
			return messaging.RetryAfter(time.Millisecond, errors.New("not yet"))
		}
		select {
		case dead <- "next":
		default:
		}
		return messaging.Permanent(errors.New("never"))
	})
	_, err = member.Subscribe(t.Context(), "orders", failing, messaging.Group("billing"))
	must(t, err)
	must(t, publisher.Publish(t.Context(), "orders", envelope.New("thing.done", []byte("{}"))))
	<-dead
	if !eventually(patience, func() bool { return cli(t, b, "XLEN", "{herald..dead..orders..billing}") == "1" }) {
		t.Error("no dead letter")
	}
	_, err = member.Lag(t.Context(), "orders", "billing")
	must(t, err)
	cli(t, b, "XGROUP", "DESTROY", "{orders}", "billing") // which takes more than usual to repair
	if !eventually(patience, func() bool { return strings.Contains(cli(t, b, "XINFO", "GROUPS", "{orders}"), "billing") }) {
		t.Error("the group is not made again")
	}
	must(t, publisher.Publish(t.Context(), "orders", envelope.New("thing.done", []byte("{}"))))
	if !eventually(patience, func() bool { return cli(t, b, "XLEN", "{herald..dead..orders..billing}") != "1" }) {
		t.Error("nothing is handled by the group that was made again")
	}
	must(t, publisher.Close(t.Context()))
	must(t, member.Close(t.Context()))
	if denied := cli(t, b, "ACL", "LOG"); denied != "" {
		t.Errorf("refused all the same:\n%s", denied)
	}
}

// Row 9: the password is changed in the middle of it all. No error, no notice and no line of the log holds it; all is well when it holds again.
func TestPasswordChanges(t *testing.T) {
	b := own(t)
	cli(t, b, "CONFIG", "SET", "requirepass", canary)
	with := func(password string, args ...string) {
		cli(t, b, append([]string{"--no-auth-warning", "-a", password}, args...)...)
	}
	var log matrix.Lines
	notice := messaging.Hooks{Notice: func(n messaging.Notice) { _, _ = fmt.Fprintf(&log, "notice %+v\n", n) }}
	broker, err := redis.Open(t.Context(), "redis://:"+canary+"@"+b.Addr(), messaging.WithHooks(notice),
		messaging.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	must(t, err)
	flows(t, broker, messaging.Group("workers"))
	with(canary, "CONFIG", "SET", "requirepass", "another")
	with("another", "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	err = broker.Publish(ctx, matrix.Topic(), envelope.New("thing.done", []byte("{}")))
	if err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("publish with a password that is no more: %v", err)
	}
	with("another", "CONFIG", "SET", "requirepass", canary)
	flows(t, broker, messaging.Group("workers"))
	must(t, broker.Close(t.Context()))
	if text := log.String(); text == "" || strings.Contains(text, canary) {
		t.Errorf("the log is empty or holds the password:\n%s", text)
	} else {
		t.Logf("%d lines", strings.Count(text, "\n"))
	}
}
