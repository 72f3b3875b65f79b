package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/pkg/driver"
)

// Reasons that are worth their words.
var (
	errNoGroup     = errors.New("topic has no group: subscribe or declare one first, or publish with unrouted keep or drop")
	errNoInbox     = errors.New("group has never been subscribed, so it has no inbox")
	errOtherTypes  = errors.New("live members have another type filter")
	errOtherOrder  = errors.New("live members ask for another order across replicas")
	errTooLarge    = errors.New("larger than proto-max-bulk-len")
	errWaitShort   = errors.New("the write is not as durable as asked within the time")
	errFenced      = errors.New("the session is over: others hold what this member held")
	errTrimmed     = errors.New("retention has overtaken the reader")
	errGroupGone   = errors.New("the group or its stream is gone")
	errBorn        = errors.New("the topic has got partitions")
	errKeepChannel = errors.New("channels keep nothing")
)

// fail gives an error its operation and topic.
func fail(op, topic string, err error) error {
	if topic == "" {
		return fmt.Errorf("redis: %s: %w", op, err)
	}
	return fmt.Errorf("redis: %s %s: %w", op, topic, err)
}

// because wraps a sentinel of package driver beside its reason.
func because(sentinel, reason error) error { return fmt.Errorf("%w: %w", sentinel, reason) }

// isReply reports whether err is what the server answered, and not trouble on the way.
func isReply(err error) bool {
	var reply goredis.Error
	return errors.As(err, &reply)
}

// says reports whether err is an answer of the server that begins with one of the words.
func says(err error, words ...string) bool {
	if !isReply(err) {
		return false
	}
	text := err.Error()
	for _, w := range words {
		if strings.HasPrefix(text, w) {
			return true
		}
		// A script's error is the command's own error, or stands behind the script's place.
		if strings.Contains(text, ": "+w+" ") || strings.Contains(text, ": -"+w+" ") {
			return true
		}
	}
	return false
}

// isUnready reports whether the server answers, and can't serve now: it starts, it is no primary (any more), or the cluster is not whole.
func isUnready(err error) bool {
	return says(err, "LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN")
}

// isForGood reports whether opening can't succeed by waiting.
func isForGood(err error) bool {
	return distrusts(err) || isReply(err) && !isUnready(err) && !says(err, "ERR max number of clients", "BUSY", "TRYAGAIN", "MOVED", "ASK")
}

// distrusts reports whether one side of a TLS connection refuses the other: by the certificate, for want of one, or since it does not speak TLS.
func distrusts(err error) bool {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	if errors.As(err, &unknown) || errors.As(err, &host) || errors.As(err, &invalid) || errors.As(err, &verify) {
		return true
	}
	var plain tls.RecordHeaderError
	var told *net.OpError // with TLS 1.3 a server refuses the client after the handshake
	return errors.As(err, &plain) || errors.As(err, &told) && told.Op == "remote error"
}

// notTrouble are errors that say nothing against the connection.
var notTrouble = []error{
	errFenced, errGroupGone, errTaken, errBorn, driver.ErrPosition, driver.ErrConflict, driver.ErrUnsupported, driver.ErrUnknownTopic, driver.ErrClosed,
	driver.ErrInUse, context.Canceled,
}

// isTrouble reports whether err means that the connection is of no use now.
func isTrouble(err error) bool {
	if err == nil || isReply(err) {
		return isUnready(err)
	}
	return !slices.ContainsFunc(notTrouble, func(other error) bool { return errors.Is(err, other) })
}

// isMoved reports whether the key lies on another node.
func isMoved(err error) bool { return says(err, "MOVED", "ASK", "CLUSTERDOWN", "TRYAGAIN") }

// fateOf tells what became of a write that was not answered with success. The server checks memory, rights, role and type before it appends,
// so what it answered with an error is surely not stored; without an answer it may be.
func fateOf(err error) (driver.Fate, error) {
	switch {
	case !isReply(err):
		return driver.Unconfirmed, err
	case says(err, "NOPERM"):
		return driver.Denied, err
	case says(err, "WRONGTYPE"):
		return driver.Invalid, err
	default:
		return driver.Unavailable, err
	}
}
